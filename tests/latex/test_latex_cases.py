r"""The shared LaTeX cases, the hostile inputs, and the law that what is printed is read back."""

from __future__ import annotations

import json
import random
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from symgd.check.points import points
from symgd.compile.exact import evaluate
from symgd.compile.sizes import Sizes, bind
from symgd.derive.expand import without_derivatives
from symgd.derive.partials import derive
from symgd.errors import SymgdError
from symgd.formula.graph import Node
from symgd.formula.latex import name_latex, to_latex
from symgd.formula.latex_read import read_latex
from symgd.formula.problem import Problem, read

SHARED = Path(__file__).parents[3] / "shared" / "cases"
sys.path.insert(0, str(Path(__file__).parents[1] / "steps"))
from random_formulas import data_formula, scalar_formula  # noqa: E402


def rows(name: str) -> list[dict[str, Any]]:
    path = SHARED / name
    return json.loads(path.read_text()) if path.is_file() else []


@pytest.mark.parametrize("case", rows("latex.json"), ids=lambda c: c["id"])
def test_the_shared_latex(case: dict[str, Any]) -> None:
    problem = read_latex(case["latex"])
    root = without_derivatives(problem.root)
    for point, expected in zip(case["points"], case["values"], strict=True):
        values = {**point, **(case["data"] or {})}
        sizes = Sizes()
        for symbol in problem.symbols:
            bind(symbol.name, symbol.shape, np.shape(values[symbol.name]), sizes)
        if case["n"]:
            sizes.setdefault("n", case["n"])
        found = evaluate([root], values, sizes)[0]
        assert float(np.reshape(found, ())) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "row", [r for r in rows("hostile_inputs.json") if r["channel"] == "formula-latex"],
    ids=lambda r: r["id"],
)  # fmt: skip
def test_the_hostile_latex(row: dict[str, Any]) -> None:
    text = row.get("input")
    if text is None:
        g = row["gen"]
        text = g["prefix"] + g["unit"] * g["count"] + g["suffix"] + g["close"] * g["count"]
    begin = time.process_time()
    try:
        read_latex(text)
        found = "ok"
    except SymgdError:
        found = "error"
    allowed = {row["expected"]}
    allowed |= {"ok"} if row.get("accept_ok") else set()
    allowed |= {"error"} if row.get("accept_error") else set()
    assert found in allowed
    assert time.process_time() - begin < 1


# -- printed LaTeX is read back ------------------------------------------------------------------


def value(node: Node, values: dict[str, Any], sizes: dict[str, int]) -> Any:
    try:
        found = evaluate([without_derivatives(node)], values, sizes, 40)[0]
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return np.reshape(found, -1)[0]


def latex_name(name: str) -> str:
    """The name under which a printed name is read back: ``theta1`` is ``theta_1``."""
    return str(read_latex(name_latex(name)).root.value)


def check_law(node: Node, problem: Problem) -> None:
    latex = to_latex(node)
    shapes = {latex_name(s.name): s.shape for s in problem.symbols}
    columns = {latex_name(n) for n in problem.data}
    again = read_latex(
        latex,
        shapes={n: s for n, s in shapes.items() if n not in columns},
        columns={n: shapes[n] for n in columns} or None,
    )
    for values, sizes in islice(points(problem), 8):
        first = value(node, values, sizes)
        if first is None:
            continue
        moved = {latex_name(n): v for n, v in values.items()}
        second = value(again.root, moved, sizes)
        assert second is not None, latex
        assert abs(first - second) <= mpmath.mpf(10) ** -20 * max(1, abs(first)), latex


@pytest.mark.parametrize("seed", range(80))
def test_random_formulas_are_read_back(seed: int) -> None:
    problem = read(scalar_formula(random.Random(1000 + seed)), wrt=None)
    check_law(problem.root, problem)


@pytest.mark.parametrize("seed", range(40))
def test_random_gradients_over_data_are_read_back(seed: int) -> None:
    partials = derive(read(data_formula(random.Random(seed))))
    check_law(partials.written, partials.problem)
    for name in partials.wrt:
        check_law(partials.textbook(name), partials.problem)


@pytest.mark.parametrize("case", rows("derivatives.json"), ids=lambda c: c["id"])
def test_the_shared_derivatives_are_read_back(case: dict[str, Any]) -> None:
    if case["formula"] == "besselj(0, x)":
        return
    partials = derive(read(case["formula"], wrt=case["wrt"]))
    for node in (partials.written, *(partials.textbook(n) for n in partials.wrt)):
        if len(to_latex(node)) < 2_000:
            check_law(node, partials.problem)
