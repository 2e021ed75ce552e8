"""Depth and short names: what the mutation runner found untested in the parser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from symgd.derive.expand import without_derivatives
from symgd.errors import FormulaError, LimitProblem, NameProblem
from symgd.expression import values_of
from symgd.formula.latex_read import read_latex
from symgd.formula.problem import read
from symgd.formula.text import to_text

# Each: the text, where the caret stands, how wide it is, what is said or advised.
CARETS = [
    ("(x + (y", 5, 1, "the bracket opened here is not closed, ')' is missing"),
    ("mean(x + (y)", 4, 1, "opened here"), ("[x + 2*(y", 7, 1, "')' is missing"),
    ("abcd efgh + * y", 12, 1, "a number, a name or a bracket"),
    ("x + y y2 3", 9, 1, "a product is y y2*3"), ("x .. y", 2, 2, "'..' cannot stand here"),
    ("Sum(x_i, (2, 1, N))", 10, 1, "the index of the sum is a name"),
    ("Sum(x_i)", 0, 3, "Sum needs a range"), ("Product(x)", 0, 7, "Product needs a range"),
    ("Piecewise((x, x<0))", 0, 9, "needs a last branch"), ("Piecewise()", 0, 9, "last branch"),
    ("Piecewise((x, True), (y, x<0), (z, True))", 0, 9, "only the last branch"),
    ("eye(2,3)", 0, 8, "eye has one size"), ("1 + eye(2,3)", 4, 8, "eye has one size"),
    ("scatter(x, y)", 11, 1, "scatter needs a place"),
    ("scatter(x, ones(3))", 11, 7, "scatter needs a place"),
    ("scatter(x, y[1:])", 11, 5, "scatter needs a place"),
    ("d^9/dx^9 x", 2, 1, "order 9; orders go from 1 to 8"), ("d^0/dx^0 x", 2, 1, "order 0"),
    ("1 + d^2/dx^2 (d^7/dx^7 (x^9))", 4, 1, "order 9; the limit is 8"),
    ("∂/y", 0, 1, "a derivative is"), ("2 + ∂^2/∂x (x)", 4, 1, "a derivative is"),
    ("Derivative(x, (x, 9))", 18, 1, "order 9"), ("Eq(x)", 4, 1, "between the two sides of Eq"),
    ("And()", 4, 1, "')' cannot stand here"), ("Sum(x_i, i)", 9, 1, "expected '('"),
    ("log_2(x", 7, 1, "after the argument of log, found the end"),
    ("ones(2", 6, 1, "after the sizes of ones, found the end"),
    ("x = y = z", 6, 1, "an equation is not a formula"), ("x == y < z", 0, 10, "a condition"),
    ("x } + 1", 2, 1, "never opened"), ("(x]", 2, 1, "expected ')' to close the bracket"),
    ("x : y", 2, 1, "inside an index"), ("a if b > 0 then c", 2, 2, "needs its else"),
    ("f(x", 1, 1, "opened here"), ("x @", 3, 1, "ends where something was expected"),
    ("x and", 5, 1, "ends where"), ("3*(x + y))", 9, 1, "never opened"),
    ("2 + 0 < where(0 < x < 1, x, 2) < 1", 8, 22, "chained comparison inside another"),

    ("(mx + ny", 0, 1, 'mx is read as one name; a product is m*x or "m x"'),
    ("a*b + foo_x(x)", 6, 5, "not a known function"),
    ("x + else", 4, 4, "reserved"), ("y - oo", 4, 2, "finite"), ("y - e^2x", 4, 3, "two ways"),
]  # fmt: skip


@pytest.mark.parametrize(
    "term",
    [
        "-x",
        "+x",
        "2*-x",
        "√x",
        "|x|",
        "d/dx (x^2)",
        "(x)",
        "x[0]",
        "sin(x)",
        "2^-x",
        "sum_i x_i",
        "where(Eq(x, 1), x, 2)",
        "where(And(x > 0, x < 2), x, 2)",
        "Piecewise((x, x > 0), (2, True))",
        "Derivative(x^2, x)",
        "∂/∂x (x^2)",
        "Sum(x_i, (i, 1, N))",
        "sum(scatter(x, ones(9)[1:]))",
        "where(not x > 0, x, 2)",
        "where(~x > 0, x, 2)",
        "(x if x > 0 else 2)",
        "log_2(x)",
        "x^T",
        "sum(ones(3))",
        "h(x)",
        "[x]",
        "sum(eye(3)*x)",
    ],
)
def test_what_is_opened_is_closed_again(term: str) -> None:
    """A thousand terms side by side are no nesting."""
    shapes = {"x": "n"} if "[" in term else None
    text = " + ".join([f"({term})" if term == "+x" else term] * 1000)
    if term == "h(x)":
        text += " where h(u) = u + 1"
    elif "scatter" in term:
        shapes = {"x": "8"}
    elif term == "x^T":
        text, shapes = f"sum({text})", {"x": "n"}
    read(text, shapes=shapes)


@pytest.mark.parametrize("opening", ["-", "(", "sin(", "√", "2^"])
def test_nesting_has_a_limit(opening: str) -> None:
    closing = ")" * opening.count("(")
    read(opening * 50 + "x" + closing * 50)
    with pytest.raises(LimitProblem):
        read(opening * 1000 + "x" + closing * 1000)


@pytest.mark.parametrize(
    ("text", "printed"),
    [("x(x + 1)", "x*(x + 1)"), ("x_1(x + 1)", "x_1*(x + 1)"), ("x_long(y + 1)", "x_long*(y + 1)"),
     ("w12(y + 1)", "w12*(y + 1)"), ("theta(y + 1)", "theta*(y + 1)")],
)  # fmt: skip
def test_a_short_name_before_a_bracket_is_a_factor(text: str, printed: str) -> None:
    assert to_text(read(text).root) == printed


@pytest.mark.parametrize("text", ["foo(x)", "foo_x(x + 1)", "rate1(x)"])
def test_a_long_name_before_a_bracket_is_no_factor(text: str) -> None:
    with pytest.raises(NameProblem):
        read(text)


def test_roots_bind_tighter_than_powers() -> None:
    assert to_text(read("√x^2").root) == to_text(read("(√x)^2").root)


def test_bars_in_bars() -> None:
    assert to_text(read("|x - |y||").root) == "abs(x - abs(y))"


def test_logic_from_loose_to_tight() -> None:
    text = "where(x > 0 or x < -1 and not y > 2, 1, 2)"
    assert to_text(read(text).root) == text
    grouped = "where((x > 0 or x < -1) and y > 2, 1, 2)"
    assert to_text(read(grouped).root) == grouped
    assert to_text(read("where(0 < x <= 1 < y, 1, 2)").root) == (
        "where((0 < x and x <= 1) and 1 < y, 1, 2)"
    )


@pytest.mark.parametrize(("text", "position", "length", "said"), CARETS)
def test_the_caret_stands_under_what_is_wrong(
    text: str, position: int, length: int, said: str
) -> None:
    with pytest.raises(FormulaError) as caught:
        read(text)
    error = caught.value
    assert (error.position, error.length) == (position, length)
    assert said in f"{error.reason} {error.hint}"


def test_two_hundred_levels_and_no_more() -> None:
    read("(" * 200 + "x" + ")" * 200)
    with pytest.raises(LimitProblem, match="200 deep") as caught:
        read("(" * 201 + "x" + ")" * 201)
    assert caught.value.position == 200


def test_five_hundred_factors_and_no_more() -> None:
    read("*".join(["x"] * 500))
    with pytest.raises(LimitProblem, match="500 factors") as caught:
        read("*".join(["x"] * 501))
    assert caught.value.position == 999


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("d/dx x^3", "3*x^2"), ("d/dx (x^3)^2", "6*x^5"), ("d/dx (x)^3", "3*x^2"),
        ("d^2/dx^2 (x^3)", "6*x"), ("d^2/dxdy (x^2*y^2)", "4*x*y"), ("∂/∂x (x*y)", "y"),
        ("∂^2/∂x∂y (x^2*y^2)", "4*x*y"), ("∂^2/∂x^2 (x^3)", "6*x"),
        ("d^3/dx^2dy (x^2*y)", "2"), ("Derivative(x^3, x)", "3*x^2"),
        ("Derivative(x^3, (x, 2))", "6*x"), ("Derivative(x^3*y, (x, 2), y)", "6*x"),
        ("Derivative(x^2*y, x, y)", "2*x"), ("d^2/dx1^2 (x1^3)", "6*x1"),
        ("d/dalpha (alpha^2)", "2*alpha"), ("d/dx sin(x)", "cos(x)"), ("d/dx x*y", "x*y"),
    ],
)  # fmt: skip
def test_derivatives_inside_a_formula(text: str, printed: str) -> None:
    """They have the value of what stands at the right."""
    values = {"x": 1.25, "y": -0.75, "x1": 0.5, "alpha": 3.0}
    if text == "d/dx x*y":
        printed = "y"  # a product behind d/dx is differentiated whole
    assert value_of(text, values) == pytest.approx(value_of(printed, values), rel=1e-14)


@pytest.mark.parametrize("text", ["d/2", "d^2/3", "d^2/x", "d/dx", "d^2/dx x", "d/dx + 1"])
def test_a_quotient_by_a_name_is_no_derivative(text: str) -> None:
    names = {name: 2.0 + len(name) for name in ("d", "x", "dx")}
    if text == "d^2/dx x":  # of the second order by one name: it could be meant
        with pytest.raises(FormulaError, match="two ways"):
            read(text)
        return
    python = text.replace("^", "**")
    d, x, dx = names["d"], names["x"], names["dx"]
    right = {"d/2": d / 2, "d**2/3": d * d / 3, "d**2/x": d * d / x, "d/dx": d / dx,
             "d/dx + 1": d / dx + 1}[python]  # fmt: skip
    assert value_of(text, names) == pytest.approx(right, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Sum(x_i, (i, 1, N))", 6.0), ("Sum(x_i*y_j, (i, 1, N), (j, 1, N))", 6.0 * 15),
        ("Product(x_i, (i, 1, N))", 6.0), ("Sum(x_i, (i, 2, N))", None),
        ("Sum(i^2, (i, 1, 3))", 14.0), ("Sum(i^2, (i, -1, 3)) + 1", 16.0),
        ("sum_i x_i y_i", 32.0), ("sum_i x_i + 1", 7.0), ("sum_ij x_i*y_j", 90.0),
        ("prod_i x_i^2", 36.0), ("mean_i x_i*2", 4.0), ("sum_i x_i*y_i + x_i", None),
        ("log_2(8) + sum(x)", 9.0), ("log_10(100)*sum(x)", 12.0), ("sum(eye(3) @ x)", 6.0),
        ("sum(ones(3)*x)", 6.0), ("sum(ones(N))*2 + sum(x)", 12.0), ("sum(ones(N-1))+sum(x)", 8.0),
        ("sum(scatter(x[1:], ones(N)[1:])*y)", 2 * 5.0 + 3 * 6.0),
    ],
)  # fmt: skip
def test_big_operators(text: str, right: float | None) -> None:
    columns = {"x": [1.0, 2.0, 3.0], "y": [4.0, 5.0, 6.0]}
    if right is None:
        with pytest.raises(FormulaError):
            read(text, columns=list(columns))
        return
    assert value_of(text, columns, columns) == pytest.approx(right, rel=1e-14)


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("Eq(x, y)", lambda x, y: x == y), ("Ne(x, y)", lambda x, y: x != y),
        ("Lt(x, y)", lambda x, y: x < y), ("Le(x, y)", lambda x, y: x <= y),
        ("Gt(x, y)", lambda x, y: x > y), ("Ge(x, y)", lambda x, y: x >= y),
        ("And(x > 0, y > 0)", lambda x, y: x > 0 and y > 0),
        ("Or(x > 0, y > 0)", lambda x, y: x > 0 or y > 0),
        ("And(x > 0, y > 0, x < y)", lambda x, y: 0 < x < y), ("Not(x > 0)", lambda x, y: x <= 0),
        ("x > 0 and y > 0 or x < y", lambda x, y: (x > 0 and y > 0) or x < y),
        ("x < y or x > 0 and y > 0", lambda x, y: x < y or (x > 0 and y > 0)),
        ("x > 0 & y > 0", lambda x, y: x > 0 and y > 0), ("~x > 0", lambda x, y: x <= 0),
        ("not x > 0 and y > 0", lambda x, y: not x > 0 and y > 0),
        ("0 < x <= y", lambda x, y: 0 < x <= y), ("0 < x <= y < 2", lambda x, y: 0 < x <= y < 2),
        ("x - 1 < y + 1", lambda x, y: x - 1 < y + 1), ("not (x > 0)", lambda x, y: x <= 0),
    ],
)  # fmt: skip
def test_conditions_hold_where_they_do_in_python(
    text: str, truth: Callable[[float, float], bool]
) -> None:
    for x in (-1.0, 0.0, 1.0, 2.0):
        for y in (-1.0, 0.0, 1.0, 3.0):
            found = value_of(f"where({text}, 10*x + y, x - 7*y)", {"x": x, "y": y})
            assert found == (10 * x + y if truth(x, y) else x - 7 * y), (x, y)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("x if x > 0 else y", lambda x, y: x if x > 0 else y),
        ("x if x > 0 else y if y > 0 else 5", lambda x, y: x if x > 0 else y if y > 0 else 5),
        ("1 + x if x > 0 and y > 0 else 2*y", lambda x, y: 1 + x if x > 0 and y > 0 else 2 * y),
        ("Piecewise((x, x > 1), (y, x > 0), (3, True))", lambda x, y: x if x > 1 else
         y if x > 0 else 3),
        ("Piecewise((x, True))", lambda x, y: x), ("-x^2", lambda x, y: -(x**2)),
        ("-x*y", lambda x, y: -x * y), ("2^-x^2", lambda x, y: 2 ** -(x**2)),
        ("x^y^2 + 1", None), ("x - y - 1", lambda x, y: x - y - 1),
        ("x/2/4", lambda x, y: x / 2 / 4), ("x/2*4", lambda x, y: x / 2 * 4),
        ("2x - 3(x + y)", lambda x, y: 2 * x - 3 * (x + y)), ("|x|y", lambda x, y: abs(x) * y),
        ("|1 - |x - y||", lambda x, y: abs(1 - abs(x - y))), ("√4x", lambda x, y: 2 * x),
        ("|x (x + |y|)|", lambda x, y: abs(x * (x + abs(y)))), ("+x - +y", lambda x, y: x - y),
        ("(|x|)(|y|)", lambda x, y: abs(x) * abs(y)), ("2(|x| |y|)", lambda x, y: 2 * abs(x * y)),
        ("[x + y]*2", lambda x, y: (x + y) * 2), ("x--y", lambda x, y: x + y),
    ],
)  # fmt: skip
def test_values_are_those_of_python(
    text: str, right: Callable[[float, float], float] | None
) -> None:
    if right is None:
        assert to_text(read("x^y^2").root) == to_text(read("x^(y^2)").root)
        return
    for x, y in ((-1.5, 0.5), (0.5, -2.0), (2.0, 3.0), (-1.0, -2.0)):
        found = value_of(text, {"x": x, "y": y})
        assert found == pytest.approx(right(x, y), rel=1e-14), (x, y)


def value_of(text: str, values: dict[str, Any], columns: dict[str, Any] | None = None) -> float:
    """The value of a formula, computed."""
    problem = read(text, columns=list(columns or ()) or None)
    known = {symbol.name for symbol in problem.symbols}
    used = {name: given for name, given in values.items() if name in known}
    (found,) = values_of([without_derivatives(problem.root)], problem, used)
    return float(found)


def test_brackets_and_bars_of_latex_are_closed_by_the_same_parser() -> None:
    found = read_latex(r"\left|x - 3\right| + 2\left(x + \sin(x)\right)")
    assert to_text(found.root) == "abs(x - 3) + 2*(x + sin(x))"
