"""The other runners against the NumPy reference: plain Python, by levels, in blocks of rows."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symgd.compile.blocks import BlockRunner
from symgd.compile.interpret import interpreted
from symgd.compile.levels import Levels
from symgd.compile.objective import Objective, compile_objective
from symgd.compile.python import plain_function
from symgd.compile.scalars import LevelRunner, PlainRunner, StepRunner
from symgd.derive.partials import derive
from symgd.formula.problem import read

SCALARS = [
    "(x - 3.5)^2 - 4.5x + 10",
    "100*(y - x^2)^2 + (1 - x)^2",
    "exp(x*y) + log(1 + exp(x)) - sin(x)/y + x^(1/3) + y^-1 + x^4 + x^3 + x^y",
    "max(x, y) + min(x, 1) + abs(y) + where(x > y and y > 0, x^2, y^2)",
    "sqrt(x) + tanh(y) + atan2(x, y) + hypot(x, y) + erf(x) + sign(y)*x",
    "pi*x + e^y + sigmoid(x)*softplus(y)",
]


def pair(formula: str, data: Any = None, **options: Any) -> tuple[Objective, Objective]:
    partials = derive(read(formula, **options))
    fast = compile_objective(partials, data or {})
    return fast, compile_objective(partials, data or {}, backend="numpy")


@pytest.mark.parametrize("formula", SCALARS)
def test_scalar_runners_agree(formula: str) -> None:
    fast, reference = pair(formula)
    assert fast.backend == "python source"
    program, layout = fast.compiled.program, fast.layout
    runners = [kind(program, layout, {}, {}) for kind in (PlainRunner, LevelRunner, StepRunner)]
    for theta in np.random.default_rng(1).uniform(0.1, 2, (20, layout.size)):
        value, gradient = reference(theta)
        wanted = np.array([value, *gradient])
        for runner in runners:
            np.testing.assert_allclose(runner(theta), wanted, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(("x", "y"), [(-1.0, 0.0), (1e200, 1e200), (0.0, 0.0), (-800.0, 800.0)])
@pytest.mark.parametrize("formula", SCALARS)
def test_beyond_the_domain_it_is_inf_or_nan_as_in_numpy(formula: str, x: float, y: float) -> None:
    fast, reference = pair(formula)
    theta = np.array([x, y])[: fast.layout.size]
    value, gradient = fast(theta)
    value0, gradient0 = reference(theta)
    np.testing.assert_allclose([value, *gradient], [value0, *gradient0], rtol=1e-13)


def rosenbrock(n: int) -> str:
    return " + ".join(f"100*(x{i + 1} - x{i}^2)^2 + (1 - x{i})^2" for i in range(n))


def test_a_large_formula_is_a_few_calls() -> None:
    fast, _ = pair(rosenbrock(300))
    assert fast.backend.startswith("numpy: ")
    assert fast.backend.endswith("calls")
    x = np.random.default_rng(0).uniform(-1, 1, 301)
    value, gradient = fast(fast.pack({f"x{i}": v for i, v in enumerate(x)}))
    wanted = np.zeros(301)
    wanted[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    wanted[1:] += 200 * (x[1:] - x[:-1] ** 2)
    found = fast.unpack(gradient)
    np.testing.assert_allclose([found[f"x{i}"] for i in range(301)], wanted, rtol=1e-12)
    assert value == pytest.approx(
        float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)), rel=1e-14
    )
    assert len(Levels(fast.compiled.program).groups) < 40


def test_the_plain_function_sees_no_name_of_the_user() -> None:
    fast, _ = pair("dangerous^2 + lambda*dangerous")
    code: Any = plain_function(fast.compiled.program)
    names = {*code.__code__.co_varnames, *code.__code__.co_names}
    assert all(name[1:].isdigit() or name[0] == "_" for name in names)
    assert code.__globals__["__builtins__"] == {}


ROWS = [
    "mean((y - (m*x + b))^2)",
    "mean(log(1 + exp(-y*(m*x + b)))) + m^2",
    "max(m*x) + norm(b*x - y) + log(sum(exp(x))) + min(y*b)",
    "sum((x - mean(x)*m)^2)/sum((y - b)^2) + sum(y - m)",
    "sum(abs(y - m))*prod(1 + x/1e6)",
    "mean((X @ theta - y)^2) + sum(theta^2)",
    "mean((X - c)^2) + sum(X.T @ y)*m + mean(sum(X, axis=1)*m)",
]


@pytest.mark.parametrize("formula", ROWS)
def test_blocks_agree_with_whole_columns(formula: str) -> None:
    n = 70_001
    random = np.random.default_rng(5)
    data: dict[str, Any] = {"x": random.standard_normal(n), "y": random.standard_normal(n)}
    columns: dict[str, Any] = {"x": ("N",), "y": ("N",)}
    if "X" in formula:
        data["X"], columns["X"] = random.standard_normal((n, 3)), ("N", 3)
    used = {name for name in columns if name in formula.replace("max", "").replace("exp", "")}
    shapes = {"theta": (3,)} if "theta" in formula else {"c": (3,)} if "c)" in formula else {}
    partials = derive(read(formula, columns={k: columns[k] for k in used}, shapes=shapes))
    objective = compile_objective(partials, data, backend="numpy")
    assert isinstance(objective.runner, BlockRunner), objective.backend
    theta = random.uniform(0.1, 1, objective.layout.size)
    function = interpreted(objective.compiled.program)
    whole = objective._evaluate(function, theta)
    found = objective.runner(theta)
    wanted = np.concatenate([np.ravel(part) for part in whole])
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12 * np.max(np.abs(wanted)))


def test_memory_maps_pass_in_bounded_memory(tmp_path: Path) -> None:
    n = 2_000_000
    columns = {}
    for name in ("x", "y"):
        columns[name] = np.memmap(tmp_path / name, dtype=np.float64, mode="w+", shape=(n,))
        columns[name][:] = np.linspace(0, 1, n)
    partials = derive(read("mean((y - a*exp(-k*x))^2)", columns=("x", "y")))
    for backend in ("numpy", "native"):
        objective = compile_objective(partials, columns, backend=backend)
        theta = np.array([1.0, 0.5])
        objective(theta)
        tracemalloc.start()
        objective(theta)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4e6, backend  # one column is 16 MB


def test_what_cannot_be_cut_is_whole() -> None:
    n = 70_000
    partials = derive(read("sum((x[1:] - a*x[:-1])^2)", columns={"x": ("N",)}))
    objective = compile_objective(partials, {"x": np.ones(n)}, backend="numpy")
    assert objective.backend.startswith("numpy (whole columns: rows are shifted")
