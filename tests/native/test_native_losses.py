"""Compiled losses against the NumPy reference: the same value and gradient to rounding."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symgd.compile.native.engine import host
from symgd.compile.native.spread import NotNative
from symgd.compile.objective import Objective, compile_objective
from symgd.derive.partials import derive
from symgd.formula.problem import read

try:
    host()
except NotNative as missing:
    pytest.skip(str(missing), allow_module_level=True)

random = np.random.default_rng(11)


def both(
    formula: str, data: dict[str, Any], wrt: Any = None, **options: Any
) -> tuple[Objective, Objective]:
    """The objective compiled natively, and the reference."""
    columns = {name: np.shape(value) for name, value in data.items()}
    shapes = {n: ("N", *s[1:]) for n, s in columns.items() if s}
    partials = derive(read(formula, columns=shapes, wrt=wrt, **options))
    native = compile_objective(partials, data, backend="native")
    assert native.backend.startswith("native"), native.backend
    return native, compile_objective(partials, data, backend="numpy")


def agree(
    native: Objective, reference: Objective, theta: Any, ulps: float = 64, size: float = 0.0
) -> None:
    """The same to ``ulps`` units of the largest entry, or of ``size`` (or the same inf, nan)."""
    theta = np.asarray(theta, dtype=float)
    (value, gradient), (value0, gradient0) = native(theta), reference(theta)
    tolerance = ulps * 2.3e-16
    if math.isfinite(value0):
        assert abs(value - value0) <= tolerance * max(abs(value0), 1e-300)
    else:
        np.testing.assert_equal(value, value0)
    scale = np.max(np.abs(gradient0)) if np.all(np.isfinite(gradient0)) else 1.0
    scale = max(scale, size)
    np.testing.assert_allclose(gradient, gradient0, rtol=tolerance, atol=tolerance * scale)


FORMULAS = [
    "mean((y - (m*x + b))^2)",
    "sum((y - a*exp(-k*x) - c)^2)",
    "mean(log(1 + exp(-y*(m*x + b))))",
    "mean((y - a/(1 + exp(-k*(x - c))) - d)^2)",
    "sum(sin(w*x + p)^2*y) + cos(w)",
    "sum(max(0, 1 - y*(m*x + b))) + m^2/2",
    "mean(abs(y - a*tanh(b*x)))",
    "sum(where(abs(y - m*x) < d, (y - m*x)^2/2, d*abs(y - m*x) - d^2/2))",
    "log(sum(exp(a*x))) - mean(a*y)",
    "norm(y - m*x)",
    "max(a*x) + min(b*y)",
    "mean((y - mean(a*x))^2)",
    "sum((x - mean(x)*a)^2)/sum((y - b)^2)",
    "sqrt(mean((a*x - y)^2)) + size(x)*a^2",
    "sum(x^a*(y^2 + 1)^b)/1000",
    "sum(y - a) + b^3 - b^(1/3)",
    "sum(erf(a*x)*log(1 + (b*y)^2))",
    "mean(exp(a*x) - 1) + mean(log(1 + b*x))",
    "sum(atan(a*x) + asinh(b*y) + acos(a*x/100) + 1/cosh(a*y))",
]
ROWS = [1, 2, 7, 8, 9, 31, 64, 100, 1000, 2048, 2049, 70_001]


@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_over_rows(formula: str) -> None:
    for n in ROWS:
        data = {"x": random.uniform(0.1, 2, n), "y": random.choice([-1.0, 1.0], n)}
        native, reference = both(formula, data)
        agree(native, reference, random.uniform(0.2, 1.0, len(native.names)))


MATRICES = [
    "mean((X @ theta - y)^2)",
    "mean(log(1 + exp(-y*(X @ theta)))) + 1/10*norm(theta)^2",
    "sum((y - tanh(X @ W1 + b1) @ w2)^2)",
    "sum(abs(X @ theta - y)) + sum(abs(theta))",
    "mean(sum((X - c)^2, axis=1))",
    "mean(max(X @ theta - y, 0)) + max(theta)",
    "sum(X.T @ (y - X @ theta)) + trace(X.T @ X)*a",
]


@pytest.mark.parametrize("formula", MATRICES)
@pytest.mark.parametrize("p", [1, 3, 12])
def test_formulas_with_a_matrix(formula: str, p: int) -> None:
    shapes = {"theta": (p,), "W1": (p, 4), "b1": (4,), "w2": (4,), "c": (p,)}
    shapes = {n: s for n, s in shapes.items() if f"{n}" in formula.replace("mean", "")}
    for n in (1, 10, 1000):
        data = {"X": random.standard_normal((n, p)), "y": random.choice([-1.0, 1.0], n)}
        if "y" not in formula:
            del data["y"]
        native, reference = both(formula, data, shapes=shapes)
        agree(native, reference, random.uniform(0.2, 1.0, len(native.names)))


@pytest.mark.parametrize("x", [0.0, 1e300, -1e300, math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("formula", FORMULAS[:12])
def test_one_odd_row_counts_as_in_numpy(formula: str, x: float) -> None:
    """nan and inf pass through; nothing is deleted by fast arithmetic."""
    column = random.uniform(0.1, 2, 100)
    column[61] = x
    data = {"x": column, "y": random.choice([-1.0, 1.0], 100)}
    native, reference = both(formula, data)
    theta = random.uniform(0.2, 1.0, len(native.names))
    value, gradient = native(theta)
    value0, gradient0 = reference(theta)
    np.testing.assert_allclose(value, value0, rtol=1e-13)
    np.testing.assert_allclose(gradient, gradient0, rtol=1e-12, atol=1e-12)


def test_rows_by_index() -> None:
    data = {"x": random.standard_normal(500), "y": random.standard_normal(500)}
    native, reference = both("mean((y - a*tanh(x + b))^2)", data)
    for size in (1, 5, 16, 17, 300):
        rows = random.permutation(500)[:size]
        agree(native.at_rows(rows), reference.at_rows(rows), [0.3, 0.1])
        np.testing.assert_array_equal(native.at_rows(rows).data["x"], data["x"][rows])


def test_threads_change_nothing() -> None:
    n = 600_000
    data = {"x": random.standard_normal(n), "y": random.standard_normal(n)}
    native, _ = both("mean(log(1 + exp(-y*(m*x + b))))", data)
    runner: Any = native.runner
    theta = np.array([0.3, 0.1])
    runner.threaded = False
    alone = runner(theta)
    runner.threaded = True
    np.testing.assert_array_equal(alone, runner(theta))


def test_sums_are_at_least_as_good_as_pairwise() -> None:
    x = random.uniform(0, 1, 1_000_003) * 10.0 ** random.integers(-8, 8, 1_000_003)
    native, reference = both("sum(a*x)", {"x": x}, wrt="a")
    exact = math.fsum(x)
    ours, theirs = native(np.ones(1))[0], reference(np.ones(1))[0]
    assert abs(ours - exact) <= max(abs(theirs - exact), 2 * math.ulp(exact))


def test_what_is_not_native_says_why() -> None:
    partials = derive(read("sum((x[1:] - a*x[:-1])^2)", columns={"x": ("N",)}))
    objective = compile_objective(partials, {"x": np.arange(5.0)}, backend="native")
    assert objective.backend == "numpy (not native: rows are shifted against each other)"
    assert objective(np.array([1.0]))[0] == 4.0


UNARY = ["exp({})", "log(1 + ({})^2)", "sin({})", "cos({})", "tanh({})", "sqrt(1 + ({})^2)",
         "abs({})", "({})^2", "({})^3", "1/(2 + ({})^2)", "atan({})", "sigmoid({})",
         "max({}, 1/3)", "-({})", "erf({})", "where({} > 0, 1, 2)"]  # fmt: skip
BINARY = ["({} + {})", "({} - {})", "({})*({})", "({})/(1 + ({})^2)", "min({}, {})",
          "where({} > 0, {}, 1/2)", "hypot({}, {})"]  # fmt: skip


def grown(source: np.random.Generator, depth: int) -> str:
    """A random formula of rows."""
    if depth == 0:
        return str(source.choice(["x", "y", "a", "b", "a*x", "1/2", "mean(x)"]))
    if source.random() < 0.5:
        return str(source.choice(UNARY)).format(grown(source, depth - 1))
    left, right = grown(source, depth - 1), grown(source, int(source.integers(depth)))
    return str(source.choice(BINARY)).format(left, right)


@pytest.mark.parametrize("seed", range(60))
def test_random_formulas(seed: int) -> None:
    source = np.random.default_rng(seed)
    formula = f"mean(a*x + b*y + {grown(source, 4)})"
    data = {"x": source.uniform(-1, 1, 203), "y": source.uniform(-1, 1, 203)}
    native, reference = both(formula, data, wrt=("a", "b"))
    agree(native, reference, source.uniform(-1, 1, 2), ulps=256, size=1.0)


CASES = Path("/work/shared/cases/losses.json")


@pytest.mark.skipif(not CASES.exists(), reason="the sample losses are not here")
def test_sample_losses() -> None:
    for case in json.loads(CASES.read_text()):
        if "gamma" in case["loss"]:  # digamma has no native form
            continue
        data = {n: np.array(v, dtype=float) for n, v in case["data"].items()}
        shapes = {n: tuple(s) for n, s in case["param_shapes"].items() if s}
        native, reference = both(case["loss"], data, wrt=tuple(case["params"]), shapes=shapes)
        start = native.pack(case["start"])
        agree(native, reference, start, ulps=500)
        _, gradient = reference(start)
        optimum = native.pack(case["optimum"])
        agree(native, reference, optimum, ulps=5000, size=float(np.max(np.abs(gradient))))
