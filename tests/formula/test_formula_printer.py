"""The printer is the parser's inverse: what is printed reads back as an equal formula."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings

from symgd.compile.exact import evaluate
from symgd.derive.partials import derive
from symgd.errors import FormulaError
from symgd.formula.graph import Graph, Node
from symgd.formula.problem import Problem, read
from symgd.formula.text import to_text
from tests.strategies import ARRAYS, SCALARS, SIZES, array_formulas, scalar_formulas

SHAPES: dict[str, Any] = {**ARRAYS, **dict.fromkeys(SCALARS, ())}


def point(scale: int = 1) -> dict[str, Any]:
    """An exact value for every name of the strategies, positive and of one scale."""
    values: dict[str, Any] = {
        name: Fraction(3 * k + 2, 7) * scale for k, name in enumerate(SCALARS)
    }
    for k, (name, shape) in enumerate(ARRAYS.items()):
        sizes = [SIZES[s] for s in shape.split(",")]
        flat = [Fraction((5 * i + k) % 11 + 1, 9) * scale for i in range(int(np.prod(sizes)))]
        values[name] = np.array(flat, dtype=object).reshape(sizes).tolist()
    return values


def value(node: Node, values: dict[str, Any]) -> Any:
    """The value of a formula at 40 digits, as a flat list."""
    (found,) = evaluate([node], values, SIZES, digits=40)
    return np.asarray(found, dtype=object).reshape(-1).tolist()


def assert_reads_back(node: Node, values: dict[str, Any]) -> None:
    text = to_text(node)
    again = read(text, shapes=SHAPES).root
    assert to_text(again) == text
    assert again.shape == node.shape
    for mine, theirs in zip(value(node, values), value(again, values), strict=True):
        assert abs(mine - theirs) <= abs(mine) * Fraction(1, 10**30)


def readable(text: str) -> Problem:
    """The formula, unless a drawn constant part of it is not finite."""
    try:
        return read(text, shapes=SHAPES)
    except FormulaError:
        assume(False)
        raise


@settings(derandomize=True, max_examples=200, deadline=None)
@given(scalar_formulas())
def test_formulas_of_numbers(text: str) -> None:
    problem = readable(text)
    try:
        value(problem.root, point())
    except (ValueError, ZeroDivisionError, OverflowError):
        assume(False)
    assert_reads_back(problem.root, point())


@settings(derandomize=True, max_examples=150, deadline=None)
@given(array_formulas())
def test_formulas_of_arrays(text: str) -> None:
    assert_reads_back(readable(text).root, point())


@settings(derandomize=True, max_examples=80, deadline=None)
@given(array_formulas())
def test_gradients_of_arrays(text: str) -> None:
    partials = derive(readable(text))
    for name, raw in partials.raw.items():
        assert_reads_back(raw, point())
        assert_reads_back(partials.textbook(name), point())


LITERALS = ["0", "7", "0.1", "1e-30", "123456789.125", "2.5e200", "1/3", "0.30", "1e22", "-0.5"]


@pytest.mark.parametrize("literal", LITERALS)
def test_numbers_stay_exact(literal: str) -> None:
    node = read(f"x + {literal}").root
    again = read(to_text(node)).root
    assert value(again, {"x": 0}) == value(node, {"x": 0})


@pytest.mark.parametrize(
    ("value_of", "decimal", "expected"),
    [
        (Fraction(1, 10), True, "0.1"),
        (Fraction(1, 10), False, "1/10"),
        (Fraction(1, 3), True, "1/3"),
        (Fraction(-5, 4), True, "-1.25"),
        (Fraction(1, 10**14), True, "1e-14"),
        (Fraction(123, 10**20), True, "1.23e-18"),
        (Fraction(-7), True, "-7"),
    ],
)
def test_numbers_are_shown_as_the_user_writes_them(
    value_of: Fraction, decimal: bool, expected: str
) -> None:
    graph = Graph()
    graph.decimal = decimal
    assert to_text(graph.number(value_of)) == expected


def _negatives(graph: Graph) -> list[Node]:
    x, y, minus = graph.symbol("x"), graph.symbol("y"), graph.number(-2)
    third, make = graph.number(Fraction(-1, 3)), graph.make
    return [
        make("pow", minus, x), make("pow", x, minus), make("mul", minus, x), make("mul", x, minus),
        make("mul", third, x), make("div", third, x), make("div", x, third), make("neg", minus),
        make("add", x, minus), make("add", minus, x), make("add", x, make("neg", make("add",
        x, y))),
        make("add", make("add", x, y), x), make("add", x, make("add", x, y)),
        make("pow", make("neg", x), y), make("neg", make("pow", x, y)), make("pow", third, x),
        make("mul", make("neg", x), make("neg", y)), make("div", x, make("div", x, y)),
        make("div", make("div", x, y), x), make("mul", x, make("mul", x, y)),
        make("neg", make("neg", x)), make("div", make("neg", x), y), make("neg", make("div", x, y)),
        make("pow", make("pow", x, y), x), make("pow", x, make("pow", x, y)),
        make("mul", x, make("div", x, y)), make("sqrt", make("neg", minus)),
        make("add", make("neg", x), make("mul", third, y)), make("div", x, minus),
        make("where", make("lt", make("neg", x), minus), third, make("add", x, y)),
    ]  # fmt: skip


@pytest.mark.parametrize("place", range(30))
def test_signs_and_brackets(place: int) -> None:
    node = _negatives(Graph())[place]
    values = {"x": Fraction(2), "y": Fraction(3)}
    again = read(to_text(node)).root
    assert value(again, values) == value(node, values)
    assert to_text(read(to_text(again)).root) == to_text(again)


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("scatter(x, ones(n)[1:]) + ones(n)", {"x": "m"}),
        ("mean((x[1:] - w*x[:-1])^2)/(n - 1)", {"x": "n", "w": ()}),
        ("prodrest(x) + prodrest(A, axis=0)[0]", {"x": "n", "A": "3,n"}),
        ("sum(A, axis=0, keepdims=True)[0, :]", {"A": "n,p"}),
        ("logsumexp(A, axis=1, keepdims=True) - max(A, axis=1, keepdims=True)", {"A": "n,p"}),
        ("softmax(A, axis=0).T @ (-A)", {"A": "n,p"}),
        ("-(A @ B).T[0] - (x + y)[::4]", {"A": "4,4", "B": "4,8", "x": 16, "y": 16}),
        ("(A @ x)[-3:-1]*A[0, -2:]", {"A": "5,3", "x": 3}),
        ("not_a_function*where(not (x > 0 or y > 0) and x < 1, 1, 0)", {}),
    ],
)
def test_forms_of_the_derivation_read_back(text: str, shapes: dict[str, Any]) -> None:
    if "ones(n)[1:]" in text:
        shapes = {"x": ()}
    root = read(text, shapes=shapes).root
    assert to_text(root) == text
    assert to_text(read(to_text(root), shapes=shapes).root) == text
