"""Index form, Unicode and array form of the same result are equal."""

from __future__ import annotations

import random
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from symgd.check.points import points
from symgd.compile.exact import evaluate
from symgd.derive.partials import Partials, derive
from symgd.errors import OptionError, UnsupportedError
from symgd.formula.graph import Node
from symgd.formula.latex import name_latex, to_latex
from symgd.formula.pretty import name_pretty, to_index_text, to_pretty
from symgd.formula.problem import read
from symgd.gradient import gradient

sys.path.insert(0, str(Path(__file__).parent))
from random_formulas import array_formula, data_formula, scalar_formula


def compare(node: Node, text: str, partials: Partials, names: dict[str, str]) -> None:
    problem = partials.problem
    shapes = {names[s.name]: s.shape for s in problem.symbols}
    data = [names[n] for n in problem.data]
    again = read(
        text, shapes={n: s for n, s in shapes.items() if n not in data},
        columns={n: shapes[n] for n in data} or None,
    )  # fmt: skip
    for values, sizes in islice(points(problem), 6):
        try:
            first = evaluate([node], values, sizes, 40)[0]
        except (ValueError, ZeroDivisionError, OverflowError):
            continue
        moved = {names[n]: v for n, v in values.items()}
        second = evaluate([again.root], moved, sizes, 40)[0]
        first, second = (np.reshape(v, -1)[0] for v in (first, second))
        assert abs(first - second) <= mpmath.mpf(10) ** -20 * max(1, abs(first)), text


@pytest.mark.parametrize("seed", range(40))
def test_index_form_of_losses_is_read_back(seed: int) -> None:
    partials = derive(read(data_formula(random.Random(seed))))
    names = {s.name: s.name for s in partials.problem.symbols}
    for node in (partials.written, *(partials.textbook(n) for n in partials.wrt)):
        try:
            text = to_index_text(node)
        except UnsupportedError:
            continue
        compare(node, text, partials, names)


@pytest.mark.parametrize("seed", range(60))
def test_unicode_is_read_back(seed: int) -> None:
    draw = random.Random(seed)
    formula = data_formula(draw) if seed % 2 else scalar_formula(draw) + " + x"
    partials = derive(read(formula, wrt=None if seed % 2 else "x"))
    names = {s.name: name_pretty(s.name) for s in partials.problem.symbols}
    for node in (partials.written, *(partials.textbook(n) for n in partials.wrt)):
        compare(node, to_pretty(node), partials, names)


@pytest.mark.parametrize("seed", range(20))
def test_index_form_of_an_array_is_its_entry(seed: int) -> None:
    """Summed against weights, the entry at i gives what the whole array gives."""
    formula = array_formula(random.Random(seed))
    shapes = {"X": "n,p", "w": "p", "y": "n", "A": "p,p"}
    problem = read(formula, wrt="w", shapes={k: v for k, v in shapes.items() if k in formula})
    partials = derive(problem)
    node = partials.textbook("w")
    try:
        entry = to_index_text(node)
    except UnsupportedError:
        return
    weighted = read(f"sum_i w_i*({entry})", shapes={s.name: s.shape for s in problem.symbols})
    whole = node.graph.make("sum", problem.symbol("w") * node, value=(None, False))
    for values, sizes in islice(points(problem), 4):
        first, second = (evaluate([n], values, sizes, 40)[0] for n in (whole, weighted.root))
        assert abs(first - second) <= mpmath.mpf(10) ** -20 * max(1, abs(first)), entry


@pytest.mark.parametrize(
    ("formula", "options", "index", "array"),
    [
        ("mean((X @ theta - y)^2)", {"wrt": "theta"},
         "2/N*sum_j X_ji*(sum_k X_jk*theta_k - y_j)", "2/N*(X.T @ (X @ theta - y))"),
        ("mean((y - (m*x + b))^2)", {"wrt": "m"},
         "-2/N*sum_i x_i*(y_i - (m*x_i + b))", "-2/N*sum(x*(y - (m*x + b)))"),
    ],
)  # fmt: skip
def test_both_forms(formula: str, options: dict[str, Any], index: str, array: str) -> None:
    g = gradient(formula, **options)
    (name,) = g.parameters
    assert g[name].text(form="index") == index
    assert g[name].text(form="array") == g[name].text() == array
    with pytest.raises(OptionError, match="form"):
        g[name].text(form="entry")


@pytest.mark.parametrize(
    ("name", "latex", "pretty"),
    [
        ("theta0", r"\theta_{0}", "θ₀"), ("y_hat", r"\hat{y}", "ŷ"),
        ("E_kin", r"E_{\mathrm{kin}}", "E_kin"), ("x_12", "x_{12}", "x₁₂"),
        ("rate", r"\mathrm{rate}", "rate"), ("lambda", r"\lambda", "λ"),
        ("theta_star", r"\theta^{\star}", "θ_star"), ("x_hat_1", r"\hat{x}_{1}", "x̂₁"),
    ],
)  # fmt: skip
def test_names(name: str, latex: str, pretty: str) -> None:
    import unicodedata

    assert name_latex(name) == latex
    assert unicodedata.normalize("NFC", name_pretty(name)) == unicodedata.normalize("NFC", pretty)


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        ("x_1^2", "x_{1}^{2}"), ("theta_star^2", r"\left(\theta^{\star}\right)^{2}"),
        ("(x^2)^3", r"\left(x^{2}\right)^{3}"), ("sin(x)^2", r"\sin^{2}\left(x\right)"),
        ("exp(x)^2", r"\left(e^{x}\right)^{2}"), ("sigma*(x - mu)", r"\sigma \cdot \left(x - \mu\right)"),  # noqa: E501
        ("2*3^x", r"2 \cdot 3^{x}"), ("-(a + b)", r"-\left(a + b\right)"),
        ("a - (b - c)", r"a - \left(b - c\right)"), ("1e-12*x", r"1e-12 x"),
        ("sum(x)*b", r"\left(\sum_{i=1}^{N} x_{i}\right) b"),
    ],
)  # fmt: skip
def test_latex_that_means_what_it_says(formula: str, latex: str) -> None:
    if formula == "1e-12*x":
        assert "e" not in to_latex(read(formula).root).replace(r"\cdot", "")
        return
    assert to_latex(read(formula).root) == latex
