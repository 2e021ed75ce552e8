"""Code out: what is written runs, and checks itself."""

from __future__ import annotations

import ast
import importlib.util
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symgd.compile.export import TARGETS, source
from symgd.compile.export.layout import safe_names
from symgd.derive.partials import derive
from symgd.errors import OptionError, UnsupportedError
from symgd.formula.problem import read
from symgd.gradient import gradient

sys.path.insert(0, str(Path(__file__).parents[1] / "steps"))
from random_formulas import array_formula, data_formula

SHARED = Path(__file__).parents[3] / "shared" / "cases"
GCC = shutil.which("gcc")
NET = "mean((tanh(X @ W1 + b1) @ W2 + b2 - Y)^2)"
FORMULAS: list[tuple[str, dict[str, Any]]] = [
    ("mean((y - (m*x + b))^2)", {}),
    ("mean((X @ theta - y)^2) + lambda*theta @ theta", {"wrt": "theta,lambda"}),
    ("sum(log(1 + exp(-y*(X @ w))))", {}),
    (NET, {"wrt": "W1,b1,W2,b2", "shapes": {"X": "n,p", "W1": "p,q", "b1": "q", "W2": "q,r",
                                            "b2": "r", "Y": "n,r"}}),
    ("where(x > 0, x^2, -x) + max(x, y) + abs(x*y)", {}),
    ("logdet(X) + trace(inv(X))", {"shapes": {"X": "n,n"}}),
    ("logsumexp(A @ x) + norm(x)", {"wrt": "x", "shapes": {"A": "n,p", "x": "p"}}),
    ("sum(sqrt((x[1:] - x[:-1])^2 + 0.01))", {"wrt": "x", "shapes": {"x": "n"}}),
    ("prod(x) + sum(softmax(x)*x)", {"wrt": "x", "shapes": {"x": "n"}}),
    ("erf(x)*loggamma(y + 3)", {}),
    ("x/3 + 0.1*x^2.5 + 1e-20*x^3", {}),
]  # fmt: skip


def rows(name: str) -> list[dict[str, Any]]:
    path = SHARED / name
    return json.loads(path.read_text()) if path.is_file() else []


def shared() -> list[tuple[str, dict[str, Any]]]:
    found = [
        (c["formula"], {"wrt": c["wrt"], "shapes": {k: tuple(v) for k, v in c["shapes"].items()}})
        for c in rows("matrix.json")[::3]
    ]
    found += [
        (c["formula"], {"wrt": c["wrt"]})
        for c in rows("derivatives.json")[::9]
        if "besselj" not in c["formula"]
    ]
    draw = random.Random(3)
    found += [(data_formula(draw), {}) for _ in range(4)]
    shapes = {"X": "n,p", "w": "p", "y": "n", "A": "p,p"}
    for _ in range(4):
        formula = array_formula(draw)
        own = {k: v for k, v in shapes.items() if k in formula}
        found.append((formula, {"wrt": "w", "shapes": own}))
    return found


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("formula", "options"), FORMULAS + shared())
def test_numpy_checks_itself(formula: str, options: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "loss.py"
    path.write_text(source(derive(read(formula, **options)), "numpy"))
    assert "largest difference" in run([sys.executable, "-W", "error", str(path)])


@pytest.mark.skipif(GCC is None, reason="gcc is not installed")
@pytest.mark.parametrize(("formula", "options"), FORMULAS + shared())
def test_c_checks_itself(formula: str, options: dict[str, Any], tmp_path: Path) -> None:
    path, program = tmp_path / "loss.c", tmp_path / "loss"
    try:
        path.write_text(source(derive(read(formula, **options)), "c"))
    except UnsupportedError as error:
        pytest.skip(str(error))
    flags = ["-std=c99", "-Wall", "-Werror", "-O1"]
    run([str(GCC), *flags, "-o", str(program), str(path), "-lm"])
    run([str(program)])


def test_the_self_test_sees_a_wrong_gradient(tmp_path: Path) -> None:
    code = source(derive(read("mean((y - (m*x + b))^2)")), "numpy")
    wrong = code.replace("g_m = -", "g_m = ")
    assert wrong != code
    path = tmp_path / "wrong.py"
    path.write_text(wrong)
    done = subprocess.run([sys.executable, str(path)], capture_output=True, check=False)
    assert done.returncode != 0


def test_the_function_can_be_imported_and_agrees(tmp_path: Path) -> None:
    path = tmp_path / "logistic.py"
    g = gradient("sum(log(1 + exp(-y*(X @ w))))")
    path.write_text(g.code("numpy"))
    spec = importlib.util.spec_from_file_location("logistic", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    data = {"X": np.array([[1.0, 2.0], [-1.0, 0.5]]), "y": [1.0, -1.0], "w": [900.0, -3.0]}
    value, found = module.value_and_gradient(**data)
    assert np.isfinite(value)
    np.testing.assert_allclose(found["w"], g(data)["w"])
    assert value == pytest.approx(g.value(data))


@pytest.mark.parametrize("target", ["jax", "torch"])
@pytest.mark.parametrize(("formula", "options"), FORMULAS)
def test_other_libraries(
    target: str, formula: str, options: dict[str, Any], tmp_path: Path
) -> None:
    try:
        code = source(derive(read(formula, **options)), target)
    except UnsupportedError as error:
        pytest.skip(str(error))
    ast.parse(code)
    if importlib.util.find_spec(target) is None:
        pytest.skip(f"{target} is not installed: the source was only parsed")
    path = tmp_path / "loss.py"
    path.write_text(code)
    run([sys.executable, str(path)])


@pytest.mark.parametrize(("formula", "options"), FORMULAS)
def test_julia(formula: str, options: dict[str, Any], tmp_path: Path) -> None:
    try:
        code = source(derive(read(formula, **options)), "julia")
    except UnsupportedError as error:
        pytest.skip(str(error))
    for opening, closing in ("()", "[]"):
        assert code.count(opening) == code.count(closing)
    julia = shutil.which("julia")
    if julia is None:
        pytest.skip("julia is not installed: only the brackets were counted")
    path = tmp_path / "loss.jl"
    path.write_text(code)
    run([julia, str(path)])


def test_names_that_are_words_of_the_language() -> None:
    safe = safe_names(["lambda", "np", "value", "x", "t1", "lambda_"], "python")
    assert safe["lambda"] != safe["lambda_"]
    assert all(name.isidentifier() for name in safe.values())
    assert len(set(safe.values())) == len(safe)
    assert not set(safe.values()) & {"lambda", "np", "value", "t1"}
    assert safe_names(["θ", "theta"], "c") == {"θ": "theta", "theta": "theta_"}
    code = gradient("sum((value - np*x)^2)", wrt="np", columns=["value", "x"]).code("numpy")
    ast.parse(code)


def test_no_helper_that_is_not_needed() -> None:
    code = gradient("mean((y - (m*x + b))^2)").code("numpy")
    assert "sigmoid" not in code
    assert "scipy" not in code
    assert "def sigmoid" in gradient("sum(log(1 + exp(-y*w*x)))", wrt="w").code("numpy")


def test_latex_and_unknown_targets() -> None:
    code = gradient("mean((y - m*x)^2)").code("latex")
    assert code.startswith("\\begin{aligned}\nL &= ")
    with pytest.raises(OptionError, match="'fortran'"):
        gradient("x^2").code("fortran")
    assert sorted(TARGETS) == ["c", "jax", "julia", "latex", "numpy", "torch"]
