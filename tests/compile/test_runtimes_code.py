"""Code out for JAX and PyTorch, run: its own self-test passes, and NumPy's module agrees."""

from __future__ import annotations

import importlib.util
import json
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symgd
from symgd.compile.export import source
from symgd.derive.partials import derive
from symgd.formula.problem import read

SHARED = Path(__file__).parents[3] / "shared" / "cases"
FORMULAS: list[tuple[str, dict[str, Any]]] = [
    ("mean((y - (m*x + b))^2)", {}),
    ("sum(log(1 + exp(-y*(X @ w))))", {}),
    ("erf(x)*loggamma(y + 3) + log2(x + 1) + 10^(-y)", {}),
    ("exp(-x^2/2)/sqrt(2*pi) + gamma(y + 1)", {}),
    ("prod(x) + sum(softmax(x)*x) + max(x)", {"wrt": "x", "shapes": {"x": "n"}}),
    ("logdet(X) + trace(inv(X))", {"shapes": {"X": "n,n"}}),
    ("sum(sqrt((x[1:] - x[:-1])^2 + 0.01))", {"wrt": "x", "shapes": {"x": "n"}}),
    ("where(x > 0, x^2, -x) + max(x, y) + abs(x*y)", {}),
]  # fmt: skip
TARGETS = [
    pytest.param(name, marks=pytest.mark.skipif(not find_spec(name), reason=f"no {name} here"))
    for name in ("jax", "torch")
]


def shared(name: str) -> list[tuple[str, dict[str, Any]]]:
    path = SHARED / name
    cases = json.loads(path.read_text()) if path.is_file() else []
    return [
        (c["formula"], {"wrt": c["wrt"], "shapes": {
            k: tuple(v) for k, v in c.get("shapes", {}).items()}})
        for c in cases
    ]  # fmt: skip


def module(text: str, target: str, folder: Path) -> Any:
    """The written source as a module, as a user would import it."""
    path = folder / f"written_{target}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def runs(formula: str, options: dict[str, Any], target: str, folder: Path) -> None:
    """The module's own test passes where a point for it was found."""
    try:
        partials = derive(read(formula, **options))
    except symgd.SymgdError as refusal:
        pytest.skip(f"the formula is refused: {type(refusal).__name__}")
    before = None
    if target == "jax":
        import jax

        before = jax.config.jax_enable_x64
    try:
        written = module(source(partials, target), target, folder)
        if "self_test" in vars(written):
            assert written.self_test() < 1e-5
    finally:
        if before is not None:  # the written module switches 64 bits on for its whole process
            jax.config.update("jax_enable_x64", before)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("formula", "options"), FORMULAS)
def test_written_code_runs(
    formula: str, options: dict[str, Any], target: str, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runs(formula, options, target, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("formula", "options"), [*shared("matrix.json"), *shared("derivatives.json")]
)
def test_shared_cases_written_and_run(
    formula: str, options: dict[str, Any], target: str, tmp_path: Path
) -> None:
    runs(formula, options, target, tmp_path)


@pytest.mark.parametrize("target", TARGETS)
def test_the_written_function_gives_numbers_by_name(target: str, tmp_path: Path) -> None:
    text = symgd.gradient("mean((y - (m*x + b))^2)").code(target)
    at = {"x": [0.0, 1.0, 2.0], "y": [1.0, 2.0, 4.0], "m": 0.5, "b": -1.0}
    made = module(text, target, tmp_path)
    value, gradient = made.value_and_gradient(**at)
    x, y = np.array(at["x"]), np.array(at["y"])
    residual = y - (0.5 * x - 1.0)
    assert float(value) == pytest.approx((residual**2).mean(), rel=1e-14)
    assert float(gradient["m"]) == pytest.approx(-2 * (x * residual).mean(), rel=1e-14)
    assert float(gradient["b"]) == pytest.approx(-2 * residual.mean(), rel=1e-14)
    if target == "jax":
        import jax

        jax.config.update("jax_enable_x64", False)
