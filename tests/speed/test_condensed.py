"""Least squares in sums over many rows against the residual and Jacobian row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.optimize

import symgd
from symgd.compile.condensed import condensed
from symgd.compile.least_squares import Residuals, residuals
from symgd.compile.native.engine import host
from symgd.compile.native.spread import NotNative
from symgd.compile.objective import compile_objective
from symgd.compile.structure import structure_of
from symgd.derive.partials import derive
from symgd.descend.closeness import Closeness
from symgd.formula.problem import read

try:
    host()
except NotNative as missing:
    pytest.skip(str(missing), allow_module_level=True)

CURVE = "mean((y - (a/(1 + exp(-k*(x - c))) + d))^2)"
THETA = np.array([2.0, 1.5, 0.3, -1.0])


def points(n: int, seed: int = 3) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    x = random.uniform(-5, 5, n)
    y = 2 / (1 + np.exp(-1.5 * (x - 0.3))) - 1 + 0.05 * random.standard_normal(n)
    return {"x": x, "y": y, "w": random.uniform(0.5, 2, n)}


def rows(formula: str, data: dict[str, Any]) -> tuple[Any, Residuals]:
    partials = derive(read(formula, columns=["x", "y", "w"]))
    objective = compile_objective(partials, data)
    squares = structure_of(partials).squares
    found = residuals(squares, objective) if squares is not None else None
    assert found is not None
    return condensed(squares, objective), found


@pytest.mark.parametrize("formula", [CURVE, "sum(w*(y - a*exp(-k*x^2) - c*x - d)^2)"])
def test_the_sums_are_those_over_the_rows(formula: str) -> None:
    sums, exact = rows(formula, points(700))
    theta = THETA * 1.1
    r, jacobian = exact.residual(theta), exact.jacobian(theta)
    total, slope, square = sums(theta)
    np.testing.assert_allclose(total, r @ r, rtol=1e-13)
    np.testing.assert_allclose(slope, jacobian.T @ r, rtol=1e-11)
    np.testing.assert_allclose(square, jacobian.T @ jacobian, rtol=1e-12)
    bent = jacobian.T @ jacobian + exact.curvature(theta, r)
    np.testing.assert_allclose(sums.half_hessian(theta), bent, rtol=1e-10, atol=1e-12)
    factors = np.random.default_rng(0).standard_normal((4, 4))
    image = np.abs(jacobian) @ np.abs(theta)
    wanted = ((jacobian @ factors.T) ** 2 * image[:, None] ** 2).sum(axis=0)
    np.testing.assert_allclose(sums.spread(theta, factors), wanted, rtol=1e-12)


def test_the_hessian_of_many_rows_is_that_of_differences() -> None:
    data = points(30_000)
    objective = compile_objective(derive(read(CURVE)), data)
    theta = THETA * 0.9
    step = 1e-6
    slopes = [
        (objective(theta + step * e)[1] - objective(theta - step * e)[1]) / (2 * step)
        for e in np.eye(4)
    ]
    np.testing.assert_allclose(objective.hessian(theta), slopes, rtol=1e-7, atol=1e-8)
    some = np.arange(0, 30_000, 7)
    part = compile_objective(derive(read(CURVE)), {n: v[some] for n, v in data.items()})
    np.testing.assert_allclose(objective.at_rows(some).hessian(theta), part.hessian(theta),
                               rtol=1e-12, atol=1e-14)  # fmt: skip


def test_a_fit_over_many_rows_is_that_of_scipy() -> None:
    data = points(60_000)
    found = symgd.fit("y ~ a/(1 + exp(-k*(x - c))) + d", data,
                      start={"a": 1, "k": 1, "c": 0, "d": 0})  # fmt: skip
    assert found.outcome.name == "CONVERGED"

    def curve(x: Any, a: float, k: float, c: float, d: float) -> Any:
        return a / (1 + np.exp(-k * (x - c))) + d

    wanted, _ = scipy.optimize.curve_fit(
        curve, data["x"], data["y"], p0=[1, 1, 0, 0], ftol=1e-15, xtol=1e-15, gtol=1e-15
    )
    np.testing.assert_allclose([float(found.params[n]) for n in "akcd"], wanted, rtol=1e-7)


@pytest.mark.parametrize("offset", [0.0, 1e2, 1e5, 1e7])
def test_the_error_estimate_holds_where_the_sums_lose_digits(offset: float) -> None:
    """A line far off: the reference is the same fit about the mean, in long double."""
    random = np.random.default_rng(4)
    n = 40_000
    x = offset + random.uniform(-1, 1, n)
    y = 1e-3 * random.standard_normal(n) + 2 * (x - offset) + 1
    found = symgd.minimize(
        "mean((y - (m*x + b))^2)", data={"x": x, "y": y}, start={"m": 0.0, "b": 0.0}
    )
    long = x.astype(np.longdouble)
    middle = long.mean()
    slope = ((long - middle) @ y.astype(np.longdouble)) / ((long - middle) ** 2).sum()
    error = abs(float(found.params["m"] - slope))
    assert found.outcome.name in ("CONVERGED", "PRECISION_LIMIT")
    assert found.error_estimate is not None
    assert error <= max(found.error_estimate, 1e-15)


def test_few_rows_keep_their_extended_precision() -> None:
    _, exact = rows(CURVE, points(500))
    assert exact.sums is None
    assert Closeness(exact, affine=False)._sums is None


def test_columns_that_depend_on_each_other_go_back_to_the_rows() -> None:
    data = points(60_000)
    found = symgd.minimize("mean((y - (a*x + b*(x + c) ))^2)", data=data,
                           start={"a": 1.0, "b": 1.0, "c": 1.0})  # fmt: skip
    line = np.polyfit(data["x"], data["y"], 1)
    loss = np.mean((data["y"] - np.polyval(line, data["x"])) ** 2)
    np.testing.assert_allclose(found.loss, loss, rtol=1e-9)
    assert not found.converged or "not unique" in found.message or "determine" in found.message
