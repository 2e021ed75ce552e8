"""symgd.minimize: from the text of a loss to its minimum, with an honest outcome."""

from __future__ import annotations

import numpy as np
import pytest

import symgd
from symgd.errors import FormulaError, OptionError

PARABOLA = "(x - 3.5)^2 - 4.5x + 10"


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.2, 0.4, 0.5])
def test_the_parabola_reaches_its_minimum_at_every_stable_rate(rate: float) -> None:
    found = symgd.minimize(PARABOLA, start={"x": 0}, rate=rate, precision=1e-3)
    assert found.converged
    assert abs(found.params["x"] - 5.75) <= 1e-3
    assert found.loss == pytest.approx(-10.8125, abs=1e-5)


def test_the_textbook_stop_makes_the_steps_of_the_plain_loop() -> None:
    found = symgd.minimize(PARABOLA, start={"x": 1}, rate=0.1, precision=1e-3, stop="step")
    x, last, steps = 1.0, float("inf"), 0
    while abs(x - last) >= 1e-3:
        last, x, steps = x, x - 0.1 * (2 * (x - 3.5) - 4.5), steps + 1
    assert found.steps == steps
    assert found.params["x"] == pytest.approx(x, abs=1e-12)
    assert not found.converged  # the error is still about 0.004
    assert "remaining error" in found.message


def test_a_rate_that_explodes_is_caught_and_explained() -> None:
    found = symgd.minimize(PARABOLA, start={"x": 9}, rate=50)
    assert found.outcome is symgd.Outcome.DIVERGED
    assert found.steps <= 10
    assert np.isfinite(found.params["x"])
    assert "2/L = 1" in found.message


def test_a_tiny_rate_is_never_called_converged() -> None:
    found = symgd.minimize(PARABOLA, start={"x": 0}, rate=1e-9, precision=1e-6, steps=1000)
    assert found.outcome in (symgd.Outcome.STALLED, symgd.Outcome.MAX_STEPS)


def test_without_a_rate_newton_solves_rosenbrock() -> None:
    found = symgd.minimize("(a - x)^2 + c*(y - x^2)^2", constants={"a": 2, "c": 55},
                           start={"x": -1.2, "y": 1})  # fmt: skip
    assert found.converged
    assert found.params["x"] == pytest.approx(2, abs=1e-6)
    assert found.params["y"] == pytest.approx(4, abs=1e-6)


def test_array_parameters_come_back_under_their_name() -> None:
    random = np.random.default_rng(2)
    matrix, truth = random.normal(size=(30, 3)), np.array([1.0, -2.0, 0.5])
    found = symgd.minimize("mean((X @ theta - y)^2)", data={"X": matrix, "y": matrix @ truth})
    assert found.converged
    np.testing.assert_allclose(found.params["theta"], truth, atol=1e-6)


def test_a_schedule_is_a_formula_in_t() -> None:
    data = {"x": [0.0, 1.0, 2.0, 3.0], "y": [1.0, 3.0, 5.0, 7.0]}
    found = symgd.minimize("mean((y - (m*x + b))^2)", data=data, start={"m": 0, "b": 0},
                           schedule="5/(t + 50)", steps=3, precision=None)  # fmt: skip
    x, y = np.array(data["x"]), np.array(data["y"])
    m = b = 0.0
    for t in range(3):
        residual, rate = y - (m * x + b), 5 / (t + 50)
        m, b = m + rate * 2 * np.mean(x * residual), b + rate * 2 * np.mean(residual)
    assert found.params["m"] == pytest.approx(m, rel=1e-13)
    assert found.params["b"] == pytest.approx(b, rel=1e-13)
    np.testing.assert_allclose(found.history.rate[:3], [5 / 50, 5 / 51, 5 / 52])


def test_mini_batches_see_every_row_once_an_epoch() -> None:
    seen: list[int] = []
    data = {"x": np.arange(10.0), "y": np.arange(10.0)}
    symgd.minimize("mean((y - m*x)^2)", data=data, start={"m": 0}, rate=1e-4, batch=4, epochs=2,
                   precision=None, seed=1, observers=[lambda p: seen.append(p.step)])  # fmt: skip
    assert max(seen) == 6  # 4 + 4 + 2 rows, twice


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"rate": 0}, "rate"), ({"rate": -1}, "rate"), ({"rate": float("nan")}, "rate"),
        ({"rate": float("inf")}, "rate"), ({"precision": 0}, "precision"),
        ({"precision": -1}, "precision"), ({"precision": float("nan")}, "precision"),
        ({"steps": 0, "rate": 0.1}, "steps"), ({"start": {"z": 1}}, "start"),
        ({"start": {"x": float("nan")}}, "x"), ({"seed": -1, "start": "random"}, "seed"),
        ({"method": "adamax"}, "method"), ({"schedule": "5/(k + 1)"}, "schedule"),
        ({"rate": 0.1, "schedule": "1/t"}, "schedule"), ({"stop": "never"}, "stop"),
        ({"batch": 2}, "rows"), ({"backend": "fortran"}, "backend"),
    ],
)  # fmt: skip
def test_options_out_of_range_are_refused_by_name(options: dict[str, object], named: str) -> None:
    with pytest.raises(OptionError, match=named):
        symgd.minimize(PARABOLA, **{"start": {"x": 0}, **options})  # type: ignore[arg-type]


def test_a_formula_without_parameters_or_with_missing_data_is_refused() -> None:
    with pytest.raises(OptionError, match="no parameters"):
        symgd.minimize("2 + 3")
    with pytest.raises(OptionError, match="data"):
        symgd.minimize("mean((y - m*x)^2)")
    with pytest.raises(FormulaError):
        symgd.minimize("mean(")


def test_a_start_is_chosen_where_the_loss_is_defined() -> None:
    found = symgd.minimize("x - log(x)")
    assert found.converged
    assert found.params["x"] == pytest.approx(1, abs=1e-6)
