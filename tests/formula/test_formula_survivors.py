"""Depth and short names: what the mutation runner found untested in the parser."""

from __future__ import annotations

import pytest

from symgd.errors import LimitProblem, NameProblem
from symgd.formula.problem import read
from symgd.formula.text import to_text


@pytest.mark.parametrize(
    "term",
    ["-x", "+x", "2*-x", "√x", "|x|", "d/dx (x^2)", "(x)", "x[0]", "sin(x)", "2^-x", "sum_i x_i"],
)
def test_what_is_opened_is_closed_again(term: str) -> None:
    """A thousand terms side by side are no nesting."""
    shapes = {"x": "n"} if "[" in term else None
    read("1 + " + " + ".join([f"({term})"] * 1000) if term == "+x" else " + ".join([term] * 1000),
         shapes=shapes)  # fmt: skip


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
