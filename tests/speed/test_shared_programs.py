"""Programs kept in memory: the same formula again gives right answers on its own data."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from symgd.compile.condensed import condensed
from symgd.compile.native.engine import host
from symgd.compile.native.request import Request
from symgd.compile.native.spread import NotNative
from symgd.compile.objective import Objective, compile_objective
from symgd.compile.program import linearize
from symgd.compile.structure import structure_of
from symgd.derive.partials import derive
from symgd.formula.problem import read
from symgd.formula.uncollected import uncollected

try:
    host()
except NotNative as missing:
    pytest.skip(str(missing), allow_module_level=True)

CURVE = "mean((y - a*exp(k*x))^2)"


def made(formula: str, n: int, seed: int, wrt: tuple[str, ...] | None = None, **more: Any) -> Any:
    random = np.random.default_rng(seed)
    data = {"x": random.standard_normal(n), "y": random.standard_normal(n), **more}
    return compile_objective(derive(read(formula), wrt), data, backend="native"), data


def by_hand(data: Any, a: float, k: float) -> tuple[float, list[float]]:
    e = np.exp(k * data["x"])
    r = data["y"] - a * e
    slopes = [-2 * np.mean(r * e), -2 * np.mean(r * a * e * data["x"])]
    return float(np.mean(r * r)), [float(s) for s in slopes]


@pytest.mark.parametrize("n", [1, 7, 100, 101])
def test_the_same_formula_on_other_data(n: int) -> None:
    for seed in range(3):
        objective, data = made(CURVE, n, seed)
        loss, gradient = objective(np.array([0.7, -0.4]))
        wanted, slopes = by_hand(data, 0.7, -0.4)
        assert loss == pytest.approx(wanted, rel=1e-13)
        np.testing.assert_allclose(gradient, slopes, rtol=1e-12)


def test_numbers_that_are_equal_but_not_the_same_are_kept_apart() -> None:
    keys = set()
    for text in ("1/(x*0)", "2*x", "2*y", "x^2", "x^3", "x - 1", "x + 1", "1*sin(x)", "cos(x)"):
        names = dict.fromkeys("xy", ())
        keys.add(Request(linearize([read(text).root]), names, {}, None).key)
    assert len(keys) == 9


def test_other_parameters_of_the_same_formula() -> None:
    both, data = made(CURVE, 50, 1)
    one, _ = made(CURVE, 50, 1, wrt=("a",), k=-0.4)
    slopes = by_hand(data, 0.7, -0.4)[1]
    np.testing.assert_allclose(both(np.array([0.7, -0.4]))[1], slopes, rtol=1e-12)
    np.testing.assert_allclose(one(np.array([0.7]))[1], slopes[:1], rtol=1e-12)
    sums = [condensed(structure_of(o.partials).squares, o) for o in (both, one)]
    assert sums[0] is not None
    assert sums[1] is not None
    e = np.exp(-0.4 * data["x"])
    jacobian = np.column_stack([e, 0.7 * data["x"] * e]) / np.sqrt(50)
    np.testing.assert_allclose(sums[0](np.array([0.7, -0.4]))[2], jacobian.T @ jacobian, rtol=1e-12)
    np.testing.assert_allclose(sums[1](np.array([0.7]))[2], [[jacobian[:, 0] @ jacobian[:, 0]]],
                               rtol=1e-12)  # fmt: skip


def test_hessians_of_the_same_formula_belong_to_their_data() -> None:
    for seed in range(2):
        objective, data = made(CURVE, 30_000, seed)
        hessian = objective.hessian(np.array([0.7, -0.4]))
        step = 1e-6
        for j in range(2):
            ahead, behind = np.array([0.7, -0.4]), np.array([0.7, -0.4])
            ahead[j] += step
            behind[j] -= step
            slope = np.subtract(by_hand(data, *ahead)[1], by_hand(data, *behind)[1]) / (2 * step)
            np.testing.assert_allclose(hessian[j], slope, rtol=1e-7, atol=1e-8)


def test_moments_of_one_objective_leave_the_next_one_alone() -> None:
    for seed in range(3):
        random = np.random.default_rng(seed)
        x, y = random.standard_normal((2, 40_000))
        objective = compile_objective(derive(read("mean((y - (m*x + b))^2)")), {"x": x, "y": y})
        theta = np.array([0.5, -1.0])
        for _ in range(60):  # the sums are taken out of the loop on the way
            loss, gradient = objective(theta)
        r = y - (0.5 * x - 1.0)
        assert loss == pytest.approx(float(np.mean(r * r)), rel=1e-12)
        np.testing.assert_allclose(gradient, [-2 * np.mean(r * x), -2 * np.mean(r)], rtol=1e-10)


def test_threads_share_a_program() -> None:
    def work(seed: int) -> Objective:
        objective: Objective = made(CURVE, 500, seed)[0]
        return objective

    with ThreadPoolExecutor(4) as pool:
        objectives = list(pool.map(work, range(8)))
        values = list(pool.map(lambda o: o(np.array([0.7, -0.4]))[0], objectives))
    for seed, value in enumerate(values):
        assert value == pytest.approx(by_hand(made(CURVE, 500, seed)[1], 0.7, -0.4)[0], rel=1e-13)


def test_the_collector_is_as_it_was() -> None:
    def failing() -> None:
        with uncollected(10**6):
            raise ValueError("no such formula")

    with pytest.raises(ValueError, match="no such"):
        failing()
    assert gc.isenabled()
    gc.disable()
    try:
        with uncollected(10**6):
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
    with uncollected(10):
        assert gc.isenabled()
