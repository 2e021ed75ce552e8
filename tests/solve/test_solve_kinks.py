"""Kinks, largest entries, bounds and constraints together, against linear programming."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog, minimize_scalar

import symgd

RANDOM = np.random.default_rng(7)
X = np.linspace(0, 4, 30)
Y = 1.5 * X + 0.3 + RANDOM.uniform(-0.5, 0.5, X.size)
DATA = {"x": X, "y": Y}


def chebyshev(columns: Any, extra: Any = None) -> Any:
    """The minimax coefficients by a linear programme of one's own; ``extra`` are bounds."""
    rows, count = columns.shape
    one = np.ones((rows, 1))
    found = linprog(
        np.r_[np.zeros(count), 1.0],
        A_ub=np.block([[columns, -one], [-columns, -one]]), b_ub=np.r_[Y, -Y],
        bounds=[*(extra or [(None, None)] * count), (None, None)],
    )  # fmt: skip
    return found.x


def lad(columns: Any, extra: Any) -> float:
    """The least mean absolute error by a linear programme."""
    rows, count = columns.shape
    one = np.eye(rows)
    found = linprog(
        np.r_[np.zeros(count), np.full(rows, 1 / rows)],
        A_ub=np.block([[columns, -one], [-columns, -one]]), b_ub=np.r_[Y, -Y],
        bounds=[*extra, *[(0, None)] * rows],
    )  # fmt: skip
    return float(found.fun)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_chebyshev_fits_are_those_of_linear_programming(degree: int) -> None:
    terms = " + ".join(f"a{k}*x^{k}" for k in range(degree + 1)).replace("*x^0", "")
    found = symgd.minimize(f"max(abs(y - ({terms})))", data=DATA)
    *wanted, level = chebyshev(np.vander(X, degree + 1, increasing=True))
    assert found.converged, found.message
    assert found.loss == pytest.approx(level, rel=1e-9)
    np.testing.assert_allclose(
        [found.params[f"a{k}"] for k in range(degree + 1)], wanted, rtol=1e-6
    )


def test_a_chebyshev_fit_of_a_curved_model_cannot_be_improved() -> None:
    found = symgd.minimize("max(abs(y - a*exp(k*x)))", {"a": 1, "k": 0.1}, data=DATA)
    assert found.converged, found.message

    def least(k: float) -> float:
        column = np.exp(k * X)[:, None]
        return float(chebyshev(column)[-1])

    best = minimize_scalar(least, bounds=(0.2, 0.8), method="bounded", options={"xatol": 1e-10})
    assert found.loss == pytest.approx(best.fun, rel=1e-7)


@pytest.mark.parametrize(
    ("bounds", "sides"),
    [
        ({"m": (None, 1)}, [(None, 1), (None, None)]),
        ({"b": (0.5, None)}, [(None, None), (0.5, None)]),
        ({"m": (0, 1.2), "b": (-1, 0.2)}, [(0, 1.2), (-1, 0.2)]),
    ],
)
def test_absolute_errors_within_bounds(bounds: dict[str, Any], sides: Any) -> None:
    columns = np.column_stack([X, np.ones_like(X)])
    found = symgd.minimize("mean(abs(y - (m*x + b)))", data=DATA, bounds=bounds)
    assert found.converged, found.message
    assert found.loss == pytest.approx(lad(columns, sides), rel=1e-9)
    largest = symgd.minimize("max(abs(y - (m*x + b)))", data=DATA, bounds=bounds)
    assert largest.converged, largest.message
    assert largest.loss == pytest.approx(chebyshev(columns, sides)[-1], rel=1e-9)


@pytest.mark.parametrize(
    ("loss", "options", "answer"),
    [
        ("abs(x - 1) + (y - 2)^2", {"subject_to": "x + y = 1"}, {"x": -0.5, "y": 1.5}),
        ("exp(x) + abs(x + 1)", {"bounds": {"x": (-0.5, None)}}, {"x": -0.5}),
        ("-abs(x)", {"start": 0.3, "bounds": {"x": (-1, 2)}}, {"x": 2.0}),
        ("max(x^2, (x - 2)^2, y^2) + 0.1*y", {"start": {"x": 5, "y": 1}}, {"x": 1.0, "y": -1.0}),
        ("x^2 - abs(x)", {"start": 0.3}, {"x": 0.5}),
        ("abs(x*y - 1) + abs(x - y)", {"start": {"x": 3, "y": 1}}, {"x": 1.0, "y": 1.0}),
    ],
)
def test_small_problems_by_hand(
    loss: str, options: dict[str, Any], answer: dict[str, float]
) -> None:
    found = symgd.minimize(loss, **options)
    assert found.converged, found.message
    for name, value in answer.items():
        assert found.params[name] == pytest.approx(value, abs=1e-6)


def test_a_minimum_that_is_not_unique_is_said_to_be_none_alone() -> None:
    found = symgd.minimize("abs(x - 1) + abs(y - 2)", subject_to="x + y <= 2")
    assert found.loss == pytest.approx(1, rel=1e-9)
    assert "not unique" in found.message


def test_a_thousand_rows_by_linear_programming() -> None:
    x = RANDOM.normal(size=1000)
    y = 2 * x - 1 + RANDOM.standard_cauchy(1000)
    found = symgd.minimize("mean(abs(y - (m*x + b)))", data={"x": x, "y": y})
    assert found.converged, found.message
    residual = y - (found.params["m"] * x + found.params["b"])
    columns = np.array([np.ones_like(x), x])
    away = np.abs(residual) > 1e-9
    pull = np.abs((np.sign(residual) * columns)[:, away].sum(axis=1))
    assert (pull <= np.abs(columns[:, ~away]).sum(axis=1) + 1e-6).all()
