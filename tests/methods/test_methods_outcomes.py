"""Every method on every problem: CONVERGED is never said where the precision is not reached."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import symgd
from symgd.errors import OptionError
from symgd.methods import METHODS, from_text

PRECISION = 1e-5


@dataclass(frozen=True)
class Example:
    """A loss, a start, and all of its minima (an empty tuple: it has none)."""

    loss: str
    start: dict[str, float]
    minima: tuple[tuple[float, ...], ...]


ROOT = 0.5**0.5
EXAMPLES = {
    "parabola": Example("(x - 3.5)^2 - 4.5x + 10", {"x": 0}, ((5.75,),)),
    "bowl": Example("(x - 1)^2 + 10*(y + 2)^2", {"x": 0, "y": 0}, ((1, -2),)),
    "narrow": Example("1000*(x - 1)^2 + 0.01*(y + 3)^2", {"x": 0, "y": 0}, ((1, -3),)),
    "Rosenbrock": Example("(2 - x)^2 + 30*(y - x^2)^2", {"x": -1.2, "y": 1}, ((2, 4),)),
    "quartic": Example("(x - 1)^4 + y^2", {"x": 0, "y": 1}, ((1, 0),)),
    "kinks": Example("abs(x - 2) + abs(y)/2", {"x": 0, "y": 1}, ((2, 0),)),
    "saddle": Example("x^2 - y^2 + y^4", {"x": 1, "y": 0}, ((0, ROOT), (0, -ROOT))),
    "log": Example("x - log(x)", {"x": 3}, ((1,),)),
    "cubic": Example("x^3", {"x": 2}, ()),
    "plane": Example("x + 2*y", {"x": 0, "y": 0}, ()),
    "far": Example("(x - 1e6)^2", {"x": 0}, ((1e6,),)),
}


def right(found: symgd.Solution, example: Example) -> bool:
    """Whether the answer is within the precision of one of the minima."""
    return any(
        np.max(np.abs(found.theta - np.array(point))) <= PRECISION * (1 + 1e-9)
        for point in example.minima
    )


@pytest.mark.parametrize("rate", [None, 0.1])
@pytest.mark.parametrize("name", METHODS)
def test_converged_implies_the_precision(name: str, rate: float | None) -> None:
    reached = 0
    for label, example in EXAMPLES.items():
        found = symgd.minimize(
            example.loss, start=example.start, method=name, rate=rate, precision=PRECISION,
            steps=3000,
        )  # fmt: skip
        assert not found.converged or right(found, example), label
        assert np.isfinite(found.loss), label
        reached += found.converged
    assert reached >= (1 if name in ("adagrad", "adamw") else 3)


def test_a_constant_rate_that_keeps_jumping_is_not_called_converged() -> None:
    found = symgd.minimize("abs(x - 1/3)", start=2, method="rmsprop", rate=0.1, steps=5000)
    assert found.outcome in (symgd.Outcome.STALLED, symgd.Outcome.MAX_STEPS)


def test_a_rule_of_ones_own_by_text_or_as_a_value() -> None:
    text = "v = 0.5*v + g; theta = theta - eta*v"
    by_text = symgd.minimize("(x - 3)^2", start=0, method=text, rate=0.1)
    by_value = symgd.minimize("(x - 3)^2", start=0, method=from_text(text), rate=0.1)
    assert by_text.converged
    assert np.array_equal(by_text.history.theta, by_value.history.theta)
    assert "v = 0.5*v + g" in by_text.method


def test_gradient_descent_as_a_formula_keeps_its_advice() -> None:
    found = symgd.minimize("(x - 3)^2", start=9, method="theta = theta - eta*g", rate=50)
    assert found.outcome is symgd.Outcome.DIVERGED
    assert "2/L = 1" in found.message


def test_a_schedule_and_a_method_go_together() -> None:
    found = symgd.minimize(
        "(x - 3)^2 + (y + 1)^2", start={"x": 0, "y": 0}, method="adam(b1=0.5)",
        schedule="0.5/(1 + t/20)", precision=1e-4,
    )  # fmt: skip
    assert found.converged


def test_methods_and_batches() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=64)
    data = {"x": x, "y": 2 * x + 1}
    found = symgd.minimize(
        "mean((y - (m*x + b))^2)", start={"m": 0, "b": 0}, data=data, method="adam", batch=16,
        rate=0.05, seed=0, precision=1e-4, epochs=2000,
    )  # fmt: skip
    assert found.converged
    assert found.params["m"] == pytest.approx(2, abs=1e-4)


def test_a_schedule_of_formulas_says_what_is_wrong() -> None:
    for text in ("5/(k + 1)", "5/(t", "t t0"):
        with pytest.raises(OptionError, match="schedule"):
            symgd.minimize("x^2", start=1, schedule=text)
