"""Derivatives at kinks of norms and roots, and of log(cosh) where cosh itself overflows."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import symgd
from symgd.compile.objective import compile_objective
from symgd.derive.partials import derive
from symgd.formula.problem import read

BACKENDS = ("numpy", "native")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("x", [-1e300, -800.0, -20.0, -1e-9, 0.0, 1e-300, 1e-4, 3.0, 711.0, 1e8])
def test_log_cosh(backend: str, x: float) -> None:
    objective = compile_objective(derive(read("log(cosh(x))")), {}, backend=backend)
    value, gradient = objective(np.array([x]))
    with mpmath.mp.workdps(60):
        size = abs(mpmath.mpf(x))
        right = size + mpmath.log1p(mpmath.exp(-2 * size)) - mpmath.log(2)
        slope = mpmath.tanh(mpmath.mpf(x))
    assert value == pytest.approx(float(right), rel=1e-14, abs=2e-16)
    assert gradient[0] == pytest.approx(float(slope), rel=1e-14)


def test_log_cosh_as_a_loss_over_data_with_far_points() -> None:
    x = np.array([0.0, 1.0, 2.0, 3.0])
    y = np.array([0.1, 1.9, 4.2, 5000.0])
    loss = symgd.gradient("mean(log(cosh(y - m*x)))")
    at = {"m": 2.0, "x": x, "y": y}
    with mpmath.mp.workdps(60):
        off = [mpmath.mpf(float(v)) for v in y - 2 * x]
        slope = -sum(mpmath.tanh(r) * float(u) for r, u in zip(off, x, strict=True)) / 4
        value = sum(mpmath.log(mpmath.cosh(r)) for r in off) / 4
    assert loss(at)["m"] == pytest.approx(float(slope), rel=1e-14)
    assert loss.value(at) == pytest.approx(float(value), rel=1e-14)
    weighted = symgd.gradient("sum(w^2*log(cosh(w*x)))", wrt="w")
    found = weighted({"w": 3.0, "x": np.array([500.0])})["w"]
    assert found == pytest.approx(2 * 3 * (1500 - np.log(2)) + 9 * 500, rel=1e-13)


def test_log_cosh_is_bounded_in_its_second_derivative_too() -> None:
    hessian = symgd.gradient("log(cosh(x))").hessian()
    assert float(np.asarray(hessian({"x": 800.0})).item()) == pytest.approx(0.0, abs=1e-300)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("text", "shape"), [("norm(v)", "2"), ("norm(v, 1)", "2"), ("sum(hypot(v, v))", "2")]
)
def test_the_subgradient_of_a_norm_at_zero_is_zero(backend: str, text: str, shape: str) -> None:
    problem = read(text, shapes={"v": shape})
    objective = compile_objective(derive(problem), {}, backend=backend)
    assert objective(np.zeros(2))[1].tolist() == [0.0, 0.0]
    assert np.isfinite(objective(np.array([3.0, 4.0]))[1]).all()


def test_the_norms_of_rows_at_zero() -> None:
    rows = symgd.gradient("sum(norm(A, axis=1))", shapes={"A": "n,p"})
    found = rows({"A": [[0.0, 0.0], [3.0, 4.0]]})["A"]
    np.testing.assert_allclose(found, [[0, 0], [0.6, 0.8]], rtol=1e-15)


def test_a_quotient_that_the_user_wrote_stays_undefined_at_zero() -> None:
    written = symgd.gradient("sum(v/norm(v))", shapes={"v": "2"})
    assert np.isnan(written.value({"v": [0.0, 0.0]}))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("x", [-3.0, 0.0, 1e-200, 2.5, 1e200])
def test_the_root_of_a_square_is_the_absolute_value(backend: str, x: float) -> None:
    objective = compile_objective(derive(read("sqrt(x^2)")), {}, backend=backend)
    value, gradient = objective(np.array([x]))
    assert value == abs(x)
    assert gradient.tolist() == [float(np.sign(x))]


@pytest.mark.parametrize("text", ["norm(v)", "hypot(x, y)", "sqrt(x^2)", "abs(x)"])
def test_a_subgradient_is_said_to_be_one(text: str) -> None:
    shapes = {"v": "2"} if "v" in text else None
    domain = symgd.gradient(text, shapes=shapes).certificate.domain
    assert any("subgradient" in condition for _, condition in domain)
