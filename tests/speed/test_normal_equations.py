"""The sums of least squares in one pass against the residual and its Jacobian."""

from __future__ import annotations

import numpy as np
import pytest

from symgd.compile.least_squares import residuals
from symgd.compile.native.engine import host
from symgd.compile.native.spread import NotNative
from symgd.compile.normal import normal_equations
from symgd.compile.objective import compile_objective
from symgd.compile.structure import structure_of
from symgd.derive.partials import derive
from symgd.formula.problem import read

try:
    host()
except NotNative as missing:
    pytest.skip(str(missing), allow_module_level=True)

random = np.random.default_rng(8)


@pytest.mark.parametrize(
    "formula",
    [
        "sum((y - (m*x + b))^2)",
        "mean((y - a/(1 + exp(-k*(x - c))) - d)^2)",
        "sum((y - a*exp(-k*x))^2) + 3*(a - 1)^2 + k^2",
        "1/2*sum(x^2*(y - a)^2)",
    ],
)
@pytest.mark.parametrize("n", [5, 1000])
def test_sums_are_those_of_the_jacobian(formula: str, n: int) -> None:
    partials = derive(read(formula))
    data = {"x": random.standard_normal(n), "y": random.standard_normal(n)}
    objective = compile_objective(partials, data)
    squares = structure_of(partials).squares
    assert squares is not None
    equations, whole = normal_equations(squares, objective), residuals(squares, objective)
    assert equations is not None
    assert whole is not None
    theta = random.uniform(0.2, 1, objective.layout.size)
    r, jacobian = whole.residual(theta), whole.jacobian(theta)
    square, slope, curvature = equations(theta)
    np.testing.assert_allclose(square, r @ r, rtol=1e-12)
    np.testing.assert_allclose(slope, jacobian.T @ r, rtol=1e-10, atol=1e-11 * float(r @ r))
    np.testing.assert_allclose(curvature, jacobian.T @ jacobian, rtol=1e-10, atol=1e-12)


def test_there_are_none_without_squares_or_with_arrays() -> None:
    partials = derive(read("sum(exp(a*x))"))
    objective = compile_objective(partials, {"x": np.ones(3)})
    assert normal_equations(None, objective) is None
    partials = derive(read("mean((X @ theta - y)^2)", shapes={"theta": (2,)}))
    objective = compile_objective(partials, {"X": np.ones((3, 2)), "y": np.ones(3)})
    assert normal_equations(structure_of(partials).squares, objective) is None
