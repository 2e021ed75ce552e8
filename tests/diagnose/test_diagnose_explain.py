"""symgd.explain and the command: what is said, before a run and after it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import symgd
from symgd.cli.main import symgd as command
from symgd.errors import DataError, OptionError

PARABOLA = "(x - 3.5)^2 - 4.5x + 10"
LINE = "mean((y - (m*x + b))^2)"
X = np.linspace(0, 10, 30)
DATA = {"x": X, "y": 2 * X + 1 + np.sin(7 * X)}


def test_a_parabola_is_known_through_and_through() -> None:
    told = symgd.explain(PARABOLA, start=9, rate=0.1, precision=1e-3)
    assert (told.stable_rate, told.best_rate) == (1.0, 0.5)
    assert told.arrived == "minimum"
    assert told.shape.convexity == "convex"
    assert told.closed.points == ({"x": 5.75},)
    assert told.pace(0.1).to_error is not None
    found = symgd.minimize(PARABOLA, start=9, rate=0.1, precision=1e-3)
    assert found.steps == told.pace(0.1).to_error.steps  # type: ignore[union-attr]
    with pytest.raises(KeyError):
        told.pace(0.2)


@pytest.mark.parametrize(
    ("formula", "options", "said"),
    [
        (PARABOLA, {"start": 9, "rate": 50}, ["stable below 2/L = 1", "the rate 50 is above"]),
        (LINE, {"data": DATA, "rate": 0.01}, ["condition number", "with x standardised"]),
        (LINE, {"data": DATA, "schedule": "0.05/(1 + 0.01*t)"}, ["the error grows until t ="]),
        (LINE, {"data": DATA, "schedule": "0.001"}, ["starts below 2/L"]),
        (LINE, {"data": DATA, "schedule": "0.1*(t + 1)"}, ["stays above 2/L"]),
        (LINE, {"data": DATA, "batch": 5, "rate": 0.01}, ["keep jumping", "removes that"]),
        (LINE, {"data": DATA}, ["m = (N*Sxy - Sx*Sy)/(N*Sxx - Sx^2)", "Sxy = sum(x*y)"]),
        ("(1 - x)^2 + 100*(y - x^2)^2", {}, ["not convex", "near the minimum", "further digit"]),
        ("mean((y - (a + b)*x)^2)", {"data": DATA}, ["only a + b matters", "not single"]),
        ("x^4 + y^2 - x", {}, ["separable: x | y"]),
        ("x^3", {"start": 2}, ["no minimum", "the gradient is zero at x = 0"]),
        ("-x^2", {"start": 1}, ["a maximum, not a minimum", "concave"]),
        ("x^2 - y^2", {}, ["a saddle point, not a minimum", "not convex"]),
        ("x^2 - y^2", {"rate": 0.1}, ["no rate leads to a minimum"]),
        (PARABOLA, {"start": 9, "rate": 0.5}, ["at the rate 0.5: exactly 1 step to be within"]),
        ("3*(x - 2)^2", {"start": 0, "rate": 0.1666},
         ["exactly 2 steps to be within", "the run knows it after 3"]),
        ("sin(x) + x^2/20", {"start": 3}, ["less than 1 step for each further digit"]),
        ("abs(x - 2)", {}, ["kink", "convex"]),
        ("exp(x)", {}, ["no minimum"]),
    ],
)
def test_what_is_said(formula: str, options: dict[str, object], said: list[str]) -> None:
    text = " ".join(str(symgd.explain(formula, **options)).split())  # type: ignore[arg-type]
    for part in said:
        assert part in text


def test_one_step_is_one_step() -> None:
    told = symgd.explain(PARABOLA, start=9, rate=0.5).pace(0.5).to_error
    assert told is not None
    assert told.steps == symgd.minimize(PARABOLA, 9, rate=0.5).steps == 1
    near = symgd.explain("3*(x - 2)^2", start=0, rate=0.1666).pace(0.1666).to_error
    run = symgd.minimize("3*(x - 2)^2", 0, rate=0.1666)
    assert near is not None
    errors = np.abs(run.history.theta[:, 0] - 2)
    assert (near.first, near.steps) == (int(np.argmax(errors < 1e-6)), run.steps)


def test_a_slow_descent_is_not_told_to_shrink_by_one() -> None:
    year = np.linspace(1950.0, 2020.0, 30)
    text = str(symgd.explain(LINE, {"x": year, "y": 0.1 * year - 3 + np.sin(year)}))
    hessian = 2 * np.array([[np.mean(year**2), year.mean()], [year.mean(), 1.0]])
    low, high = np.linalg.eigvalsh(hessian)
    assert f"a step takes away {200 * low / (low + high):.3g} % of the error" in text
    assert "beta = 1 " not in text


@pytest.mark.parametrize(
    ("options", "where"),
    [({"bounds": {"x": (0, 2)}}, "0 <= x <= 2"), ({"subject_to": "x + y = 1"}, "x + y = 1")],
)
def test_a_minimum_at_a_limit_is_called_that(options: dict[str, Any], where: str) -> None:
    found = symgd.minimize("(x - 3.5)^2 + y^2 + x*y", {"x": 1, "y": 1}, **options)
    told = found.diagnosis
    assert told.arrived == "limit"
    assert f"the lowest point with {where}" in " ".join(str(told).split())
    assert "stationary" not in str(told)
    inside = symgd.minimize("(x - 1)^2 + y^2", {"x": 0, "y": 1}, bounds={"x": (-9, 9)})
    assert inside.diagnosis.arrived == "minimum"


def test_random_points_do_not_separate_what_a_kink_joins() -> None:
    told = symgd.explain("mean(abs(y - m*x - b))", DATA)
    assert not told.shape.separable


def test_nothing_local_is_said_where_there_is_no_minimum() -> None:
    told = symgd.explain("x^3", start=2)
    assert told.arrived == ""
    assert told.paces == ()
    assert "fastest at" not in str(told)


def test_why_a_run_failed() -> None:
    told = symgd.explain(symgd.minimize(PARABOLA, start=9, rate=50))
    assert told.failure == "the rate 50 is above the stable limit 2/L = 1; use 0.5"
    told = symgd.explain(symgd.minimize("x - log(x)", start=3, rate=10))
    assert told.failure == "log(x) is not a number: x = -3.66667 there"
    run = symgd.minimize(LINE, data=DATA, schedule="0.2/(1 + t/500)", start={"m": 0, "b": 0})
    assert run.outcome is symgd.Outcome.DIVERGED
    assert "until t =" in symgd.explain(run).failure


def test_after_a_run_its_own_rate_is_looked_at() -> None:
    run = symgd.minimize(LINE, data=DATA, rate=0.01, start={"m": 0, "b": 0}, precision=1e-5)
    told = symgd.explain(run)
    assert told.failure == ""
    assert told.pace(0.01).to_error is not None
    assert told.pace(0.01).to_error.steps == run.steps  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"rate": -1}, OptionError), ({"precision": 0}, OptionError),
        ({"precision": None}, OptionError), ({"batch": 3}, OptionError),
        ({"seconds": 0}, OptionError), ({"start": {"q": 1}}, OptionError),
        ({"rate": 0.1, "schedule": "1/t"}, OptionError), ({"data": {"q": [1.0]}}, DataError),
    ],
)  # fmt: skip
def test_options_are_refused_by_name(options: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        symgd.explain(PARABOLA, **options)  # type: ignore[arg-type]


def test_runs_that_do_not_know_their_formula_are_refused() -> None:
    with pytest.raises(OptionError, match="formula"):
        symgd.explain(symgd.descend(lambda x: (x**2, 2 * x), 1.0, rate=0.1))


def test_the_command() -> None:
    result = CliRunner().invoke(command, ["explain", PARABOLA, "--start", "x=9", "--rate", "50"])
    assert "stable below 2/L = 1" in result.output
    result = CliRunner().invoke(command, ["explain", PARABOLA, "--rate", "0.1", "--json"])
    content = json.loads(result.output)
    assert content["stable_rate"] == 1.0
    assert content["closed_form"] == "x = 23/4 = 5.75"
    assert content["paces"][0]["to_error"] > 10
    result = CliRunner().invoke(command, ["explain", "-x^2", "--json"])
    assert json.loads(result.output)["convexity"] == "concave"


def test_everything_is_json() -> None:
    for formula, options in (
        ("exp(x)", {}), ("x^2 - y^2", {}), ("abs(x)", {}), (LINE, {"data": DATA, "batch": 3}),
        (LINE, {"data": DATA, "schedule": "9"}), ("mean((y - (a + b)*x)^2)", {"data": DATA}),
    ):  # fmt: skip
        json.dumps(symgd.explain(formula, **options).to_dict(), allow_nan=False)  # type: ignore[arg-type]
