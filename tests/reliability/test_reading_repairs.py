"""Small readings that were wrong once: two names of one row count, SymPy's Eq, not text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symgd
from symgd.errors import OptionError, ShapeProblem
from symgd.formula.parser import parse_syntax
from symgd.formula.problem import read

DATA = {"x": np.arange(1.0, 6.0), "y": 2 * np.arange(1.0, 6.0) + 1}


@pytest.mark.parametrize(
    ("text", "reading"),
    [("1/n*sum((w*x - y)^2)", "data: x, y (n rows)   parameters: w"),
     ("1/N*sum((w*x - y)^2)", "data: x, y (N rows)   parameters: w"),
     ("1/n sum_i (w x_i - y_i)^2", "data: x, y (n rows)   parameters: w"),
     ("sum((w*x - y)^2)/(2n) + lam*w^2", "data: x, y (n rows)   parameters: w, lam"),
     ("1/n*norm(X @ w - y)^2", "data: X(n, p), y (n rows)   parameters: w(p,)"),
     ("1/n sum_i=1^n (w x_i - y_i)^2", None), ("mean((w*x - y)^2)",
      "data: x, y (N rows)   parameters: w"),
     ("sum((w*x - y)^n)/n", "data: x, y (N rows)   parameters: w, n")],
)  # fmt: skip
def test_one_count_of_the_rows(text: str, reading: str | None) -> None:
    if reading is None:
        with pytest.raises(symgd.SymgdError):
            read(text)
    else:
        assert read(text).reading == reading


def test_columns_with_a_size_of_their_own_keep_it() -> None:
    assert str(read("1/n*sum(w*x)", shapes={"x": "m"}).root) == str(
        read("1/m*sum(w*x)", shapes={"x": "m"}, wrt="w").root
    )
    both = read("1/n*sum(w*x) + sum(y)/N")
    assert both.rows == "N"
    assert "n" in str(both.root)  # two names stay two sizes: nothing says that they are one


@pytest.mark.parametrize("count", ["n", "N"])
def test_data_give_the_count_its_value(count: str) -> None:
    found = symgd.minimize(f"1/{count}*sum((w*x + b - y)^2)", data=DATA)
    assert found.params["w"] == pytest.approx(2)
    assert found.params["b"] == pytest.approx(1)
    value = symgd.gradient(f"1/{count}*sum((w*x - y)^2)", wrt="w")
    assert value({"w": 1.0, **DATA})["w"] == pytest.approx(
        2 * np.mean(DATA["x"] * (DATA["x"] - DATA["y"]))
    )


def test_an_index_range_is_not_another_count() -> None:
    assert read("1/n*sum(x[i]*w, i=1..n)").reading == "data: x (n rows)   parameters: w"
    with pytest.raises(ShapeProblem):
        symgd.minimize("1/n*sum((w*x - y)^2) + 1/N*sum(x)*w^2", data=DATA)


@pytest.mark.parametrize(
    ("written", "same"),
    [("Piecewise((1, Eq(x, 1)), (x, True))", "where(x == 1, 1, x)"),
     ("Piecewise((x**2, Ne(x, 1)), (1, True))", "where(x != 1, x^2, 1)"),
     ("Piecewise((1, Lt(x, 1)), (2, Ge(x, 3)), (x, True))",
      "where(x < 1, 1, where(x >= 3, 2, x))"),
     ("Piecewise((1, And(Le(x, 1), Gt(x, 0))), (x, True))", "where(x <= 1 and x > 0, 1, x)"),
     ("Eq*x + Ne", "Ne + Eq*x")],
)  # fmt: skip
def test_comparisons_as_sympy_prints_them(written: str, same: str) -> None:
    if "Eq*" in written:
        assert read(written).parameters == ("Eq", "x", "Ne")
    else:
        assert str(read(written).root) == str(read(same).root)


@pytest.mark.parametrize("text", ["Eq(x, 1)", "Eq(x)", "Eq(x, 1, 2)", "Eq(", "Eq(x, ", "Ne()"])
def test_a_comparison_alone_is_no_formula(text: str) -> None:
    with pytest.raises(symgd.SymgdError):
        read(text)


def test_what_sympy_prints_is_read() -> None:
    sympy = pytest.importorskip("sympy")
    x = sympy.Symbol("x", real=True)
    for condition in (sympy.Eq(x, 1), sympy.Ne(x, 1), x < 1, sympy.And(x > 0, sympy.Ne(x, 2))):
        printed = str(sympy.Piecewise((x**2, condition), (x, True)))
        assert read(printed).parameters == ("x",)


@pytest.mark.parametrize("given", [123, None, b"x^2", ["x"], 1.5, object()])
@pytest.mark.parametrize(
    "door",
    [symgd.gradient, symgd.minimize, symgd.derivative, symgd.jacobian, symgd.explain,
     lambda text: symgd.fit(text, DATA), lambda text: symgd.minimize(text, data=DATA),
     parse_syntax, read],
)  # fmt: skip
def test_a_formula_that_is_no_text_is_refused_in_words(
    door: Callable[[Any], Any], given: Any
) -> None:
    with pytest.raises(OptionError, match=r"text|formula"):
        door(given)
