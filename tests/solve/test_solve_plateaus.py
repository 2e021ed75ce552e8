"""Losses that fade out in floating point have no minimum, and are not said to have one.

The truth is known by calculus: a saturating loss has none, a hinge is level in fact, a pole has no
lower bound.
"""

from __future__ import annotations

from typing import Any

import pytest

import symgd
from symgd import Outcome
from symgd.descend import descend

GOOD = (Outcome.CONVERGED, Outcome.PRECISION_LIMIT)
FADING: list[tuple[str, dict[str, float]]] = [
    ("1/(1 + exp(-(x + 20)))", {"x": 0}),
    ("1/(1 + exp(x - 3))", {"x": -30}),
    ("tanh(x)", {"x": 3}),
    ("tanh(x)", {"x": 30}),
    ("exp(50*x)", {"x": 0}),
    ("exp(-x^2)", {"x": 0.5}),
    ("exp(-exp(x))", {"x": 0}),
    ("exp(-exp(-x))", {"x": 0}),
    ("(1/(1 + exp(-x)) - 1.5)^2", {"x": 0}),
    ("exp(-x^2 - y^2)", {"x": 0.1, "y": 0.2}),
    ("log(1 + exp(-w)) + log(1 + exp(-2*w))", {"w": 0}),
    ("(y - 2)^2 + exp(30*x)", {"x": 0, "y": 0}),
]


@pytest.mark.parametrize("method", [None, "newton", "lbfgs"])
@pytest.mark.parametrize(("loss", "start"), FADING)
def test_a_loss_that_fades_out_has_no_minimum(
    loss: str, start: dict[str, float], method: str | None
) -> None:
    found = symgd.minimize(loss, start, method=method, precision=1e-5)
    assert found.outcome not in GOOD, found.message


@pytest.mark.parametrize("rate", [None, 5])
@pytest.mark.parametrize("method", ["gd", "momentum", "nesterov", "adam", "rmsprop"])
@pytest.mark.parametrize(("loss", "start"), [FADING[0], FADING[2], FADING[4], FADING[9]])
def test_no_rate_makes_a_minimum_of_a_plateau(
    loss: str, start: dict[str, float], method: str, rate: float | None
) -> None:
    found = symgd.minimize(loss, start, method=method, rate=rate, precision=1e-5, steps=600)
    assert found.outcome not in GOOD, found.message


def test_the_words_say_what_fades() -> None:
    found = symgd.minimize("exp(50*x)", 0, rate=0.5)
    assert found.outcome is Outcome.STALLED
    assert "reaches nowhere" in found.message


@pytest.mark.parametrize(
    ("loss", "start", "low", "high"),
    [
        ("max(0, x)", 3, -float("inf"), 0.0), ("max(0, 1 - x)", -3, 1.0, float("inf")),
        ("max(0, x - 2)^2 + max(0, -x)^2", 9, 0.0, 2.0),
    ],
)  # fmt: skip
def test_a_hinge_is_level_in_fact(loss: str, start: float, low: float, high: float) -> None:
    found = symgd.minimize(loss, start)
    assert found.outcome in GOOD, found.message
    assert low - 1e-5 <= float(found.params["x"]) <= high + 1e-5


def test_a_valley_of_minima_has_no_edge() -> None:
    def line(theta: Any) -> Any:
        off = theta[0] + theta[1] - 1
        return off**2, 2 * off * (theta * 0 + 1)

    for start in ([1.0, 2.0], [-2.0, 3.0], [3.0, 0.5]):
        assert descend(line, start, rate=0.1).converged


@pytest.mark.parametrize(
    ("loss", "start"),
    [
        ("1/x", -1), ("-1/x^2", 1), ("1/(x - 2) + x", 1), ("tan(x)", 0), ("-1/abs(x - 1)", 4),
        ("log(abs(x)) + x^2", 4), ("1/(x*y)", {"x": -1, "y": 2}),
        ("-1/(x^2 + y^2)", {"x": -1, "y": 2}),
    ],
)  # fmt: skip
def test_a_pole_has_no_lower_bound(loss: str, start: Any) -> None:
    found = symgd.minimize(loss, start)
    assert found.outcome is Outcome.UNBOUNDED, found.message


@pytest.mark.parametrize(
    ("loss", "answer"), [("abs(x - 2)^1.5", 2.0), ("sqrt(abs(x - 2))", 2.0), ("abs(x - 2)", 2.0)]
)
def test_a_sharp_bend_is_no_pole(loss: str, answer: float) -> None:
    found = symgd.minimize(loss, 0.5)
    assert found.converged, found.message
    assert found.params["x"] == pytest.approx(answer, abs=3e-6)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"start": {"m": -1, "b": 0.1}}, "log(m*x + b)"),
        ({"start": {"m": -1, "b": 0.1}, "rate": 0.1}, "log(m*x + b)"),
    ],
)
def test_a_run_that_leaves_the_domain_names_the_part_and_the_row(
    options: dict[str, Any], part: str
) -> None:
    data = {"x": [-3.0, 1.0, 2.0], "y": [1.0, 2.0, 3.0]}
    found = symgd.minimize("mean((y - log(m*x + b))^2)", data=data, **options)
    assert found.outcome is Outcome.LEFT_DOMAIN
    assert found.cause.startswith(part)
    assert "row 2" in found.cause
    assert found.cause in found.message


def test_the_edge_of_a_domain_is_said_to_be_one() -> None:
    found = symgd.minimize("x*log(x) - x + sqrt(x - 1)", 4)
    assert found.outcome is Outcome.LEFT_DOMAIN
    assert found.params["x"] == pytest.approx(1, abs=1e-6)
