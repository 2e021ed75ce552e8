"""What is refused: the error, its place, what it says; nothing ever crashes, hangs or runs."""

# ruff: noqa: RUF001
from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgd.errors import (
    FormulaError,
    LimitProblem,
    NameProblem,
    OptionError,
    ShapeProblem,
    SymgdError,
    SyntaxProblem,
    UndefinedProblem,
)
from symgd.formula.problem import read
from symgd.formula.tokens import is_name
from tests.strategies import token_soup

SHARED = Path(__file__).parents[3] / "shared" / "cases" / "hostile_inputs.json"
LIMIT = 1.0 if sys.gettrace() is None else 10.0  # a second, but not under coverage


def refusal(text: str) -> FormulaError | None:
    """The error with which a formula is refused, or ``None`` if it is read."""
    try:
        read(text)
    except FormulaError as error:
        return error
    return None


def _rows(channel: str) -> list[Any]:
    if not SHARED.is_file():
        return []
    rows = json.loads(SHARED.read_text())
    return [pytest.param(row, id=row["id"]) for row in rows if row["channel"] == channel]


def _text(row: dict[str, Any]) -> str:
    if "input" in row:
        return str(row["input"])
    gen = row["gen"]
    count = gen.get("count", 1)
    start, end = gen.get("prefix", ""), gen.get("suffix", "")
    return f"{start}{gen.get('unit', '') * count}{end}{gen.get('close', '') * count}"


@pytest.mark.skipif(not SHARED.is_file(), reason="the shared table of hostile inputs is absent")
@pytest.mark.parametrize("row", _rows("formula-text"))
def test_the_shared_table(row: dict[str, Any]) -> None:
    text = _text(row)
    begun = time.process_time()
    outcome = "ok" if refusal(text) is None else "error"
    assert time.process_time() - begun < LIMIT
    other = row.get("accept_error") if outcome == "error" else row.get("accept_ok")
    assert outcome == row["expected"] or other, row["must"]


@pytest.mark.skipif(not SHARED.is_file(), reason="the shared table of hostile inputs is absent")
@pytest.mark.parametrize("row", _rows("parameter-name"))
def test_the_shared_names(row: dict[str, Any]) -> None:
    assert is_name(_text(row)) == (row["expected"] == "ok")


# Each: the text, the class of the error, the column of the caret, a part of what is said.
PLACED = [
    ("mean((y - (mx + b))^2", SyntaxProblem, 4, "not closed"),
    ("mean((y - (mx + b))^2", SyntaxProblem, 4, "mx is read as one name"),
    ("x + 1)", SyntaxProblem, 5, "never opened"),
    ("x + * y", SyntaxProblem, 4, "a number, a name or a bracket"),
    ("x +", SyntaxProblem, 3, "ends where something was expected"),
    ("", SyntaxProblem, 0, "empty"),
    ("   ", SyntaxProblem, 0, "empty"),
    ("1/2x", SyntaxProblem, 3, "two ways"),
    ("e^2x", SyntaxProblem, 0, "two ways"),
    ("x 2", SyntaxProblem, 2, "a product is x*2"),
    ("x [1]", SyntaxProblem, 2, "without a space"),
    ("2 3", SyntaxProblem, 2, "a product is 2*3"),
    ("a, b", SyntaxProblem, 1, "cannot stand here"),
    ("(a, b)", SyntaxProblem, 2, "between the arguments"),
    ("x!", SyntaxProblem, 1, "gamma(n + 1)"),
    ("x % 2", SyntaxProblem, 2, "modulo"),
    ("x // 2", SyntaxProblem, 2, "floor division"),
    ("x'", SyntaxProblem, 1, ".T"),
    ("x; y", SyntaxProblem, 1, "one formula"),
    ("()", SyntaxProblem, 0, "empty brackets"),
    ("1_000", SyntaxProblem, 0, "underscores"),
    ("0x1F", SyntaxProblem, 0, "decimal"),
    ("2 + 3j", SyntaxProblem, 4, "imaginary"),
    ("1.2.3", SyntaxProblem, 3, "number"),
    ("x.real", SyntaxProblem, 1, "no attributes"),
    ("x _ y", SyntaxProblem, 2, "character '_'"),
    ("Α + A", NameProblem, 0, "two spellings"),
    ("x = ", SyntaxProblem, 0, "empty"),
    ("x + 1 = y", SyntaxProblem, 6, "left side"),
    ("a < b", SyntaxProblem, 0, "where("),
    ("not x", SyntaxProblem, 4, "a condition was expected"),
    ("where(x, 1, 2)", SyntaxProblem, 6, "a condition was expected"),
    ("x if y > 0", SyntaxProblem, 2, "else"),
    ("sum(x, foo=1)", SyntaxProblem, 7, "foo="),
    ("sum(x, axis=1.5)", SyntaxProblem, 12, "whole number"),
    ("sum(x, keepdims=1)", SyntaxProblem, 16, "True or False"),
    ("max(x, y, axis=0)", SyntaxProblem, 0, "axis="),
    ("sin(x, y)", SyntaxProblem, 0, "1 argument"),
    ("||x| - 1|", SyntaxProblem, 3, "close the bars"),
    ("x[1::0]", SyntaxProblem, 2, "positive step"),
    ("x[1", SyntaxProblem, 1, "an index is"),
    ("0 < where(0 < x < 1, x, 2) < 1", SyntaxProblem, 4, "chained"),
    ("where u", SyntaxProblem, 6, "where name = formula"),
    ("cosx", NameProblem, 0, "cos(x)"),
    ("sinn(x)", NameProblem, 0, "did you mean sin?"),
    ("foo(x)", NameProblem, 0, "foo*(...)"),
    ("__import__('os')", SyntaxProblem, 0, "character"),
    ("x__y", NameProblem, 0, "underscores"),
    ("gamma(x) + gamma", NameProblem, 0, "name and as a function"),
    ("x^T + T", NameProblem, 2, "rename T"),
    ("θ + theta", NameProblem, 0, "two spellings"),
    ("if + 1", NameProblem, 0, "reserved"),
    ("x sin", NameProblem, 2, "needs its argument"),
    ("d/dz x^2", NameProblem, 0, "z does not occur"),
    ("sum(x[i])", NameProblem, 0, "not bound"),
    ("u where u = u + 1", NameProblem, 0, "uses itself"),
    ("1/0", UndefinedProblem, 0, "division by zero"),
    ("x/(y - y)", UndefinedProblem, 0, "division by zero"),
    ("1 + log(0)", UndefinedProblem, 4, "not finite"),
    ("sqrt(-1)", UndefinedProblem, 0, "real"),
    ("oo + x", UndefinedProblem, 0, "finite"),
    ("10^400", UndefinedProblem, 0, "large"),
    ("9**9**9**9", LimitProblem, 3, "10,000"),
    ("x^(10^5)", LimitProblem, 0, "10,000"),
    ("1e400", LimitProblem, 0, "double precision"),
    ("9" * 401, LimitProblem, 0, "400"),
    ("x" * 65, LimitProblem, 0, "64"),
    ("sum(i*x, i=1..5000)", LimitProblem, 0, "1000"),
    ("ones(99999, 99999)", LimitProblem, 0, "entries"),
    ("mean(w)", ShapeProblem, 0, "nothing to run over"),
    ("sum_i y", ShapeProblem, 0, "length is not known"),
    ("1 + sum_i A_ii", ShapeProblem, 10, "repeats"),
    ("x @ y", ShapeProblem, 0, "nothing says"),
    ("inv(a)", ShapeProblem, 0, "square"),
    ("sum(x, axis=1)", ShapeProblem, 0, "axis 1"),
    ("sum_i x_i*i", SyntaxProblem, 10, "subscript"),
]


@pytest.mark.parametrize(("text", "kind", "column", "said"), PLACED)
def test_the_place_and_the_remedy(
    text: str, kind: type[FormulaError], column: int, said: str
) -> None:
    with pytest.raises(FormulaError) as caught:
        read(text)
    error = caught.value
    assert type(error) is kind
    assert error.position == column
    assert said in str(error)


@pytest.mark.parametrize(
    ("text", "shapes", "both"),
    [
        ("x + y", {"x": "100,1", "y": "100"}, ("(100, 1)", "(100,)")),
        ("x + y", {"x": 3, "y": 4}, ("(3,)", "(4,)")),
        ("A @ x", {"A": "n,p", "x": "q"}, ("(n, p)", "(q,)")),
        ("A @ B", {"A": (2, 3), "B": (2, 3)}, ("(2, 3)", "(2, 3)")),
        ("solve(A, b)", {"A": "n,n", "b": "m"}, ("(n, n)", "(m,)")),
        ("outer(A, b)", {"A": "n,n", "b": "m"}, ("(n, n)", "(m,)")),
        ("sum(x_i, i=1..5)", {"x": 3}, ("3", "5")),
        ("X @ w - y", {"X": "n,p", "w": "p,1", "y": "n"}, ("(n, 1)", "(n,)")),
    ],
)
def test_a_shape_error_names_both_shapes(
    text: str, shapes: dict[str, Any], both: tuple[str, str]
) -> None:
    with pytest.raises(ShapeProblem) as caught:
        read(text, shapes=shapes)
    assert all(shape in str(caught.value) for shape in both)


@pytest.mark.parametrize(
    ("text", "shapes"),
    [("x[5]", {"x": 5}), ("x[-6]", {"x": 5}), ("x[7:9]", {"x": 5}), ("x[3:2]", {"x": "n"}),
     ("x[1, 2]", {"x": 5}), ("x[::2]", {"x": "n"}), ("trace(A)", {"A": "2,3"}), ("det(x)",
      {"x": 3}),
     ("diag(A)", {"A": "2,3"}), ("A.T @ x", {"A": "2,3", "x": 3}), ("x @ 2", {"x": 3}),
     ("A^-1 b", {"A": "n,n", "b": "n"}), ("softmax(A, axis=2)", {"A": "n,n"}),
     ("scatter(x, ones(5)[1:])", {"x": 3}), ("matrix_power(A, 1/2)", {"A": "n,n"}),
     ("matrix_power(A, 65)", {"A": "n,n"}), ("full_like(x, x)", {"x": 3})],
)  # fmt: skip
def test_what_does_not_fit_is_refused(text: str, shapes: dict[str, Any]) -> None:
    with pytest.raises(FormulaError):
        read(text, shapes=shapes)


@pytest.mark.parametrize(
    "options",
    [{"wrt": "y"}, {"wrt": "x;y"}, {"wrt": "__x"}, {"shapes": {"x": "0"}}, {"shapes": {"x": -1}},
     {"shapes": {"x": 1.5}}, {"shapes": {"x": None}}, {"shapes": {"x": "n p"}},
     {"shapes": {"x": "n-"}},
     {"shapes": {"x": [1] * 5}}, {"shapes": {"x y": 3}}, {"shapes": {"x": (True,)}},
     {"columns": ["x y"]}, {"columns": ["import os"]}, {"constants": {"x": float("nan")}},
     {"constants": {"x": float("inf")}}, {"constants": {"x": True}}, {"constants": {"x": "one"}},
     {"constants": {"x": 1j}}, {"constants": {"x'": 1}}],
)  # fmt: skip
def test_declarations_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises((FormulaError, OptionError)):
        read("x^2", **options)


@pytest.mark.parametrize("text", [None, 3, b"x", ["x"]])
def test_a_formula_is_text(text: Any) -> None:
    with pytest.raises(OptionError):
        read(text)


def pieces(text: str) -> list[str]:
    """The texts between bars."""
    return text.split("|")


CODE = """
__import__('os').system('echo PWNED')|eval('1')|exec("1")|open('/etc/passwd').read()|().__class__
x.__class__|sqrt.__globals__|lambda: 1|lambda x: x|[x for x in y]|{x: 1}|{1, 2}|f'{x}'|"x"|'x'|`x`
x := 1|print(x)|globals()|input()|breakpoint()|exit()|getattr(x, y)|x.subs(x, 2)|sin.__call__(1)
import os|from os import system|def f(x)|class A|del x|return x|yield x|async x|await x|raise x|pass
x\x00y|x\x1b[31m|\\input{/etc/passwd}|\\x41|$x$|<script>alert(1)</script>|javascript:alert(1)|x?y
x<<2|x>>2|x|y|x&&y|!x|x===y|x->y|x=>y|x..y|...|@x|x@|#x|x#comment|x\\|x\\y|%x|&x|~|^|^^|**|x***y|x^*y
""".replace("\n", "|").split("|")
LOOK_ALIKES = pieces(
    "\u0430+b|x\uff0by|\uff58+1|\U0001d465+1|x\u2032\u2032|\u201cx\u201d|x\u200by|"
    "x\u202ey|\ufb01+1|x\u0302+1|\xbdx|x^\xbd|\u221e|x\u2208y|\u2207x|\u222bx|x\u2297y|"
    "\u2460+x|\u0663x|\uff11+x|\u2167|x\u201ay|x\u2024y|\u2013|ex\u0301p(x)|s\xadin(x)|"
    "\u212e+1|x\u2215y|x\u2044y|\u02e3|\u2090|x\u02d9|x\U0001f642"
)
UNCLOSED = pieces(
    "(|[|{|(x|[x|{x|((x)|x)|x]|x}|(x]|[x)|sum(|sum(x|sum(x,|sum(x, axis|sum(x, axis=|"
    "sum(x, i=|sum(x, i=1|sum(x, i=1..|sum(x, i=1..N|Sum(|Sum(x|Sum(x,|Sum(x, (i|"
    "Sum(x, (i,|Sum(x, (i, 1|Sum(x, (i, 1, N|Sum(x, (i, 1, N)|Piecewise(|Piecewise((x|"
    "Piecewise((x, y > 0)|Piecewise((x, y > 0))|Derivative(|Derivative(x|"
    "Derivative(x, (x|ones(|ones(3|ones()|scatter(|scatter(x|scatter(x, y)|"
    "scatter(x, ones(3))|log_2(|log_2(x|where(|where(x > 0|where(x > 0, 1|x[|x[1|x[1:|"
    "x[]|x[,]|x[::|x[1:2:3:4]|\u221a|\u221a(|x \u221a|\u2202|\u2202/|\u2202/\u2202|"
    "\u2202/\u2202x|\u2211|\u2211_i|sum_i|sum_i (|d/dx (|x if|x if y > 0 else|not|x and|"
    "x or|x <|< x|x < y <|max(|max()|sin|sin^|sin^2|sin^-1 x|||x|||x|x||x|where|x where|"
    "x where y|x where y =|x where y = 1,|x where y = z, y = |L =|= x|f( = x|a = b = c|"
    "x..|1..|..1|.T|x.T.|1.e|1e+|.|x.|2.x.y"
)
BOMBS = [
    "(" * 300 + "x" + ")" * 300, "-" * 1000 + "x", "sin " * 1000 + "x", "x^" * 1000 + "x",
    "sqrt(" * 400 + "x" + ")" * 400, "not " * 500 + "x", "√" * 500 + "x", "|" * 501,
    "[" * 5000, "(" * 100_000, "x*" * 600 + "x", "x " * 600, "9^9^9", "9**9**9**9", "2^(2^40)",
    "x^9^9^9", "10^10^10", "(10^300)^64", "1" + "0" * 500, "1e309", "1e-400",
    "0." + "0" * 400 + "1",
    "x" * 100_000, "d/dx " * 300 + "x", "sum_i " * 300 + "x_i", "0<(" * 199 + "x<1" + ")<1" * 199,
    "sum(i*x, i=1..999999999)", "sum(sum(i*j*x, i=1..999), j=1..999)", "ones(999999999)",
    "matrix_power(A, 1000000)", "a if b>0 else " * 300 + "c",
    "where(x>0, " * 300 + "1" + ", 2)" * 300,
    "u where " + ", ".join(f"u{i} = u{i + 1}*u{i + 1}" for i in range(100)).replace("u0", "u"),
    "+".join(["x"] * 300_000), "x" + " " * 1_000_001, "1+" * 200_001 + "1", "x_i" * 50_000,
    "(x+1)" * 501, "gamma(" * 201 + "x" + ")" * 201,
]  # fmt: skip


HARMLESS = {"x", "y", "1.e"}
"""Pieces of the lists above that are formulas after all."""


@pytest.mark.parametrize("text", CODE + LOOK_ALIKES + UNCLOSED + BOMBS, ids=lambda t: ascii(t)[:40])
def test_malformed_text_is_a_formula_error(text: str) -> None:
    begun = time.process_time()
    error = refusal(text)
    assert time.process_time() - begun < LIMIT
    assert (error is None) == (text in HARMLESS)
    if error is not None:
        assert str(error)
        assert error.position is None or 0 <= error.position <= len(error.text)


@settings(derandomize=True, max_examples=400, deadline=None)
@given(token_soup())
def test_token_soup(text: str) -> None:
    error = refusal(text)
    assert error is None or str(error)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_any_text(text: str) -> None:
    error = refusal(text)
    assert error is None or str(error)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(
    st.sampled_from(["mean((y_i - (m x_i + b))^2)", "1/N sum_i log(1 + exp(-s_i x_i^T w))",
                     "sum(X[1:, None] @ θ, axis=0, keepdims=True)", "where(0 < x <= 1, |x|, x²)",
                     "Sum(Piecewise((x[i], y > 0), (1, True)), (i, 1, N))"]),
    st.integers(0, 60), st.integers(0, 3), st.text("()[]|,=^*-+._i1x<'∑√", max_size=3),
)  # fmt: skip
def test_a_spoiled_formula(text: str, at: int, cut: int, put: str) -> None:
    error = refusal(text[:at] + put + text[at + cut :])
    assert error is None or str(error)


def test_errors_are_symgd_errors_and_survive_pickling_by_reduce() -> None:
    with pytest.raises(SymgdError) as caught:
        read("1 + foo(x)")
    kind, arguments = caught.value.__reduce__()
    assert str(kind(*arguments)) == str(caught.value)
    assert str(caught.value).splitlines()[1:3] == ["  1 + foo(x)", "      ^^^"]
