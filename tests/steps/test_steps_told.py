"""Steps: what they say, where they stand, and that the answer is computed from them."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from symgd.derive.corners import corners
from symgd.derive.steps import explain
from symgd.errors import OptionError, ProofError, SymgdError
from symgd.formula.problem import read
from symgd.gradient import gradient

sys.path.insert(0, str(Path(__file__).parent))
from random_formulas import array_formula, data_formula, scalar_formula

SHARED = Path(__file__).parents[3] / "shared" / "cases"
MSE = "mean((y - (m*x + b))^2)"


def rows(name: str) -> list[dict[str, Any]]:
    path = SHARED / name
    return json.loads(path.read_text()) if path.is_file() else []


def test_the_mean_squared_error_reads_like_the_textbook() -> None:
    steps = gradient(MSE).steps("m")
    assert [s.rule for s in steps] == ["mean", "chain rule", "inner function", "put together"]
    chain, inner, last = steps.steps[1:]
    assert chain.said("pretty").startswith("the outer function ( )² becomes 2 ( ), the inner")
    assert "yᵢ and b give 0, m xᵢ gives xᵢ" in inner.said("pretty")
    assert inner.equation == "d/dm (y - (m*x + b)) = -x"
    assert last.shown("pretty") == (
        "1/N ∑ᵢ 2 (yᵢ - (m xᵢ + b)) (-xᵢ) = -2/N ∑ᵢ xᵢ (yᵢ - (m xᵢ + b))"
    )
    assert steps.proof == ("proved: steps = reverse sweep, to 25 digits at 3 points",)


@pytest.mark.parametrize(
    ("formula", "rule", "sentence"),
    [
        ("x^5", "power rule", "the exponent 5 comes down as a factor and is lowered by 1 to 4"),
        ("x^2*sin(x)", "product rule", "u = x^2, v = sin(x), u' = 2*x, v' = cos(x)"),
        ("sin(x)/x", "quotient rule", "u = sin(x), v = x, u' = cos(x), v' = 1"),
        ("3/cos(x)", "reciprocal rule", "c = 3, v = cos(x), v' = -sin(x)"),
        ("x^x", "logarithmic", "base and exponent both depend on x"),
        ("7*sin(x)", "constant factor", "the constant factor 7 stays"),
        ("sin(x) + 5", "sum rule", "5 is constant and gives 0"),
        ("exp(x)", "exponential", "the derivative of exp(x) is exp(x)"),
        ("log(x)", "logarithm", "the derivative of log(x) is 1/x"),
        ("atan(x)", "arctangent", "the derivative of atan(x) is 1/(x^2 + 1)"),
        ("cosh(x)", "hyperbolic cosine", "the derivative of cosh(x) is sinh(x)"),
        ("2^x", "exponential", "times the logarithm of its base"),
        ("abs(x - 1)", "absolute value", "at x - 1 = 0 there is a corner"),
        ("max(x, 2)", "maximum", "where x = 2 there is a corner"),
        ("sqrt(x^2 + 1)", "chain rule", "the outer function sqrt( ) becomes 1/(2*sqrt( ))"),
        ("tanh(3*x)", "chain rule", "the inner function 3*x is kept"),
        ("sum((y - a*x)^2)", "sum over data", "the sum of the derivatives"),
    ],
)
def test_rules_and_sentences(formula: str, rule: str, sentence: str) -> None:
    g = gradient(formula)
    told = {s.rule: s.sentence for s in g.steps(g.parameters[0])}
    assert sentence in told[rule]


def test_the_slot_is_not_a_text_replacement() -> None:
    """The inner text occurs elsewhere in the outer function too."""
    step = gradient("(x + 1)^(x0 + 1)", wrt="x").steps("x").steps[0]
    assert "( )^(x0 + 1)" in step.sentence
    step = gradient("sin(x)^3", wrt="x").steps("x").steps[0]
    assert "the outer function ( )^3 becomes 3*( )^2, the inner function sin(x)" in step.sentence


def test_levels_of_detail() -> None:
    g = gradient("x^2*exp(sin(3*x + 1))")
    brief, normal, every = (len(g.steps("x", level)) for level in ("brief", "normal", "every"))
    assert brief < normal < every
    with pytest.raises(OptionError, match="level"):
        g.steps("x", "all")


def test_steps_form_a_tree() -> None:
    steps = gradient("sin(x^2)*exp(3*x) + x").steps("x").steps
    assert steps[0].depth == 0
    assert steps[0].parent == 0
    for step in steps[1:-1]:
        above = steps[step.parent - 1]
        assert above.number < step.number
        assert above.depth == step.depth - 1


def test_outputs() -> None:
    steps = gradient(MSE).steps("m")
    assert steps.text(ascii=True).isascii()
    assert str(steps) == steps.text()
    assert steps.latex().startswith("\\begin{aligned}")
    assert steps.latex().count("{") == steps.latex().count("}")
    html = steps._repr_html_()
    assert html.count("<li") == len(steps)
    escaped = gradient("where(x < y, x, y)").steps("x")._repr_html_()
    assert "&lt;" in escaped


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("where(abs(x) < 1, x^2/2, abs(x) - 1/2)",
         ["at x = -1: continuous, slopes -1 and -1 agree",
          "at x = 1: continuous, slopes 1 and 1 agree"]),
        ("where(x > 0, x^2, -x)",
         ["at x = 0: continuous, but the slopes -1 and 0 differ, no derivative"]),
        ("where(x < 2, x, 5)", ["at x = 2: a jump from 2 to 5, no derivative"]),
        ("where(2*x - 1 >= 0, 3*x, 4*x^2 - x + 1)",
         ["at x = 1/2: continuous, slopes 3 and 3 agree"]),
        ("where(x > 0, sin(x), x)", []),
        ("where(x > y, x, y)", []),
    ],
)  # fmt: skip
def test_breakpoints_are_checked_exactly(formula: str, said: list[str]) -> None:
    problem = read(formula)
    assert [str(c) for c in corners(problem.root, problem.symbol("x"))] == said


@pytest.mark.parametrize("seed", range(40))
def test_random_formulas_prove_their_steps(seed: int) -> None:
    draw = random.Random(5000 + seed)
    formula = scalar_formula(draw)
    if "x" not in formula.replace("exp", "").replace("max", ""):
        formula += " + x"
    g = gradient(formula, wrt="x")
    for level in ("brief", "normal", "every"):
        steps = g.steps("x", level)
        assert steps.text()
        assert steps.latex()


@pytest.mark.parametrize("seed", range(30))
def test_random_losses_prove_their_steps(seed: int) -> None:
    draw = random.Random(seed)
    g = gradient(data_formula(draw))
    for name in g:
        assert g.steps(name).proof[0].startswith(("proved", "not compared"))
    formula = array_formula(draw)
    shapes = {"X": "n,p", "w": "p", "y": "n", "A": "p,p"}
    h = gradient(formula, wrt="w", shapes={k: v for k, v in shapes.items() if k in formula})
    assert h.steps("w", "every").proof[0].startswith("proved")


@pytest.mark.parametrize("case", rows("derivatives.json") + rows("matrix.json"),
                         ids=lambda c: c["id"])  # fmt: skip
def test_the_shared_cases_prove_their_steps(case: dict[str, Any]) -> None:
    if case["formula"] == "besselj(0, x)":
        return
    shapes = {k: tuple(v) for k, v in case.get("shapes", {}).items()} or None
    g = gradient(case["formula"], wrt=case["wrt"], shapes=shapes)
    for name in case["wrt"]:
        for level in ("brief", "normal", "every"):
            assert g.steps(name, level).proof


def test_wrong_steps_are_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    from symgd.derive import sentences

    def wrong(telling: Any, node: Any) -> Any:
        told = sentences._mul(telling, node)
        return sentences.Told(told.rule, told.words, -told.after)

    monkeypatch.setitem(sentences._TOLD, "mul", wrong)
    g = gradient("x*sin(x)")
    explain(g.partials, "x")
    with pytest.raises(ProofError, match="the steps give"):
        g.steps("x")


def test_backprop_is_a_table_of_quantities_and_adjoints() -> None:
    table = gradient("mean((X @ theta - y)^2)").backprop()
    assert str(table).splitlines() == [
        "forward                backward",
        "u1 = X @ theta         dL/du1 = dL/du2",
        "u2 = u1 - y            dL/du2 = 2/N*u2",
        "L = mean(u2^2)         dL/dL = 1",
        "                       dL/dtheta = X.T @ dL/du1",
    ]
    assert "\\frac{\\partial L}{\\partial u_{1}}" in table.latex()
    assert table._repr_html_().count("<tr>") == 5


@pytest.mark.parametrize("case", rows("matrix.json"), ids=lambda c: c["id"])
def test_backprop_gives_the_gradient(case: dict[str, Any]) -> None:
    """The rows, evaluated one after the other, give what the sweep gives."""
    from fractions import Fraction

    import numpy as np

    from symgd.compile.exact import evaluate
    from symgd.derive.backprop import MARK

    shapes = {k: tuple(v) for k, v in case["shapes"].items()}
    try:
        g = gradient(case["formula"], wrt=case["wrt"], shapes=shapes)
        table = g.backprop()
    except SymgdError:
        pytest.fail("no table")

    def exact(v: Any) -> Any:
        return [exact(x) for x in v] if isinstance(v, list) else Fraction(repr(v))

    values = {k: exact(v) for k, v in case["inputs"].items()}
    for row in table.rows:
        values[row.name] = evaluate([row.value], values, {}, 30)[0]
    for row in reversed(table.rows):
        values[MARK + row.name] = evaluate([row.adjoint], values, {}, 30)[0]
    for row in table.gradients:
        found = np.array(evaluate([row.adjoint], values, {}, 30)[0], dtype=float)
        expected = np.array(case["grad"][row.name], dtype=float)
        assert np.allclose(np.broadcast_to(found, expected.shape), expected, rtol=1e-9)
