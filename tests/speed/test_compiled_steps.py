"""Compiled descent against the plain loop: the same way, step for step."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from symgd.compile.fused import epochs, steps_of
from symgd.compile.native.engine import host
from symgd.compile.native.spread import NotNative
from symgd.compile.objective import Objective, compile_objective
from symgd.derive.partials import derive
from symgd.descend.batches import Batches
from symgd.descend.leap import rates_of
from symgd.descend.search import cosine, exponential, inverse_time
from symgd.descend.stepping import Limits, Stepper
from symgd.formula.problem import read

try:
    host()
except NotNative as missing:
    pytest.skip(str(missing), allow_module_level=True)

random = np.random.default_rng(2)


def made(formula: str, n: int = 0, backend: str = "native") -> tuple[Objective, Stepper]:
    data = {"x": random.standard_normal(n), "y": random.standard_normal(n)} if n else {}
    objective = compile_objective(derive(read(formula)), data, backend=backend)
    stepper = objective.stepper()
    assert stepper is not None
    return objective, stepper


def plain(objective: Any, theta: Any, rates: Any, batches: Any = None) -> tuple[Any, Any, Any]:
    """The loop as it is written in a textbook."""
    thetas, losses, gradients = [np.array(theta, dtype=float)], [], []
    for t, rate in enumerate(rates):
        part = objective if batches is None else objective.at_rows(batches[t])
        loss, gradient = part(thetas[-1])
        losses.append(loss)
        gradients.append(gradient)
        thetas.append(thetas[-1] - rate * gradient)
    return np.array(thetas), np.array(losses), np.array(gradients)


ROWS = [
    "mean((y - (m*x + b))^2)",
    "mean((y - a*tanh(k*(x - c)))^2)",
    "mean(log(1 + exp(-y*(m*x + b)))) + m^2/10",
    "log(mean(exp(m*x - y))) + m^2",
]


@pytest.mark.parametrize("formula", ROWS)
def test_all_rows_bit_for_bit(formula: str) -> None:
    objective, stepper = made(formula, 103)
    rates = rates_of(inverse_time(5, 100), 0, 500, "")
    start = random.uniform(-1, 1, objective.layout.size)
    way = stepper(start, rates)
    thetas, losses, gradients = plain(objective, start, rates)
    np.testing.assert_array_equal(way.thetas, thetas)
    np.testing.assert_array_equal(way.losses, losses)
    np.testing.assert_array_equal(way.gradients, gradients)
    np.testing.assert_array_equal(way.norms, np.max(np.abs(gradients), axis=1))


@pytest.mark.parametrize("formula", ROWS)
@pytest.mark.parametrize("size", [7, 16, 50])
def test_batches_bit_for_bit(formula: str, size: int) -> None:
    objective, stepper = made(formula, 50)
    plan = Batches(n_rows=50, size=size, seed=4)
    rows, cuts = zip(*[next(epochs(plan))], strict=True)
    index, edges = rows[0], cuts[0]
    stream = plan.stream()
    batches = [next(stream) for _ in range(plan.per_epoch)]
    rates = np.full(len(batches), 0.05)
    start = random.uniform(-1, 1, objective.layout.size)
    way = stepper(start, rates, rows=index, cuts=edges)
    thetas, losses, _ = plain(objective, start, rates, batches)
    np.testing.assert_array_equal(way.thetas, thetas)
    np.testing.assert_array_equal(way.losses, losses)


@pytest.mark.parametrize("formula", ROWS)
def test_single_rows_to_rounding(formula: str) -> None:
    """One row has no sums: the same numbers but for fused multiply-add in them."""
    objective, stepper = made(formula, 40)
    plan = Batches(n_rows=40, size=1, seed=4)
    rows, cuts = next(epochs(plan))
    assert cuts is None
    stream = plan.stream()
    batches = [next(stream) for _ in range(40)]
    rates = np.full(40, 0.05)
    start = random.uniform(-1, 1, objective.layout.size)
    way = stepper(start, rates, rows=rows)
    thetas, losses, _ = plain(objective, start, rates, batches)
    np.testing.assert_allclose(way.thetas, thetas, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(way.losses, losses, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("size", "replace"), [(1, False), (16, False), (16, True), (1, True)])
def test_the_rows_are_those_of_the_plan(size: int, replace: bool) -> None:
    plan = Batches(n_rows=50, size=size, replace=replace, seed=9)
    stream, passes = plan.stream(), epochs(plan)
    for _ in range(3):
        rows, cuts = next(passes)
        edges = np.arange(len(rows) + 1) if cuts is None else cuts
        for begin, end in pairwise(edges):
            np.testing.assert_array_equal(rows[begin:end], next(stream))


def test_scalar_formulas_to_rounding() -> None:
    objective, stepper = made("(x - 3.5)^2 - 4.5x + 10 + exp(y) - y", backend="auto")
    way = stepper(np.array([9.0, 1.0]), np.full(200, 0.1))
    thetas, losses, _ = plain(objective, [9.0, 1.0], np.full(200, 0.1))
    np.testing.assert_allclose(way.thetas, thetas, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(way.losses, losses, rtol=1e-14)


def test_moments_to_rounding() -> None:
    n = 30_000
    data = {"x": random.standard_normal(n) + 3, "y": random.standard_normal(n)}
    partials = derive(read("mean((y - (m*x + b))^2)"))
    objective = compile_objective(partials, data)
    assert objective.backend.startswith("moments")
    fast, slow = objective.stepper(), compile_objective(partials, data, backend="native")
    assert fast is not None
    rates = np.full(300, 0.01)
    thetas, losses, _ = plain(slow, [0.0, 0.0], rates)
    way = fast(np.zeros(2), rates)
    np.testing.assert_allclose(way.thetas, thetas, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(way.losses, losses, rtol=1e-12)


@pytest.mark.parametrize("formula", ["(x - 3)^2", "mean((y - m*x)^2)"])
def test_it_ends_where_the_stopping_rule_has_to_look(formula: str) -> None:
    _, stepper = made(formula, 20 if "mean" in formula else 0)
    start, rates = np.array([1.0]), np.full(1000, 0.1)
    whole = stepper(start, rates)
    full = len(whole.losses)
    ceiling = float(whole.losses[0]) / 2
    assert stepper(start, rates, Limits(ceiling=ceiling)).done == 0
    k = 17
    assert stepper(start, rates, Limits(equal=float(whole.losses[k]))).done == k
    moves = np.max(np.abs(np.diff(whole.thetas, axis=0)), axis=1)
    near = stepper(start, rates, Limits(screen=float(moves[k])))
    assert near.done == k + 1
    assert full > k
    np.testing.assert_array_equal(near.thetas, whole.thetas[: k + 2])


def test_runaways_and_rest() -> None:
    _, stepper = made("(x - 3)^2")
    way = stepper(np.array([9.0]), np.full(10_000, 50.0))
    assert way.done < 400
    assert np.all(np.isfinite(way.thetas))
    assert np.all(np.isfinite(way.losses))
    assert stepper(np.array([3.0]), np.full(5, 0.1)).done == 0
    _, log = made("x - log(x)")
    way = log(np.array([0.1]), np.full(50, 1.0))
    assert np.all(np.isfinite(way.losses))


def test_chunks_are_one_way() -> None:
    _, stepper = made("mean((y - a*tanh(k*(x - c)))^2)", 100)
    rates = np.full(100, 0.1)
    whole = stepper(np.array([0.5, 0.4, 0.3]), rates)
    first = stepper(np.array([0.5, 0.4, 0.3]), rates[:33])
    second = stepper(first.thetas[-1], rates[33:])
    np.testing.assert_array_equal(whole.thetas[33:], second.thetas)


def test_rates_are_those_of_the_schedule() -> None:
    for schedule in (inverse_time(5, 1000), exponential(0.1, 0.99), cosine(0.1, 50), lambda t: 0.5):
        found = rates_of(schedule, 7, 60, "schedule")
        assert found.tolist() == [schedule(t) for t in range(7, 67)]
    assert rates_of(0.25, 0, 2, "").tolist() == [0.25, 0.25]


def test_what_is_not_compiled_has_no_stepper() -> None:
    assert steps_of(lambda theta: (0.0, theta)) is None
    data = {"x": np.arange(10.0), "y": np.arange(10.0)}
    partials = derive(read("mean((y - a*x)^2)"))
    objective = compile_objective(partials, data, backend="numpy")
    assert objective.stepper() is None
    _, stepper = made("(x - 1)^2")
    with pytest.raises(NotNative):
        stepper(np.zeros(1), np.ones(1), rows=np.zeros(1, dtype=np.intp))


def test_huge_losses_are_not_finite_ends() -> None:
    _, stepper = made("x^4")
    way = stepper(np.array([1e5]), np.full(100, 1.0))
    assert way.done < 10
    assert math.isfinite(way.losses[-1])
