"""Claims are read with the eyes of the formula."""

from __future__ import annotations

import pytest

from symgd.check import check
from symgd.errors import FormulaError, NameProblem, OptionError, SymgdError

MSE = "mean((y - (m*x + b))^2)"


@pytest.mark.parametrize(
    "claim",
    ["-2*mean(x*(y - (m*x + b)))", "-2/n*sum(x*(y - (m*x + b)))", "-2/N*sum(x*(y - (m*x + b)))",
     "dL/dm = -2/N sum_i x_i (y_i - (m x_i + b))", "∂L/∂m = -(2/N) ∑_i x_i (y_i - m x_i - b)",
     "-2/N*Sum(x[i]*(y[i] - m*x[i] - b), (i, 1, N))", "-2/size(x)*sum(x*y - m*x^2 - b*x)",
     "-2/N*(x @ (y - m*x - b))", "-2/n*sum(x_k*(y_k - (m*x_k + b)), k=1..n)",
     r"\frac{\partial L}{\partial m} = -\frac{2}{N}\sum_{i=1}^N x_i(y_i - (m x_i + b))"],
)  # fmt: skip
def test_many_ways_to_write_one_claim(claim: str) -> None:
    found = check(claim, MSE, "m")
    assert (found.verdict, found.how) == ("equal", "proved")


def test_the_left_side_says_the_name() -> None:
    assert check("dL/db = -2*mean(y - (m*x + b))", MSE).verdict == "equal"
    with pytest.raises(OptionError, match="wrt is m"):
        check("dL/db = -2*mean(y - (m*x + b))", MSE, "m")


def test_the_name_is_needed_when_there_are_several() -> None:
    with pytest.raises(NameProblem, match="m, b"):
        check("-2*mean(y - (m*x + b))", MSE)
    assert check("2*x", "x^2").verdict == "equal"


@pytest.mark.parametrize("claim", ["2*x*q", "2*X", "2*x + N", "-2/N*x"])
def test_unknown_names_are_refused(claim: str) -> None:
    with pytest.raises(NameProblem, match="does not have"):
        check(claim, "x^2", "x")


@pytest.mark.parametrize("claim", ["2*x)", "", "2*x +", "sin()", "__import__('os')", "x == 1"])
def test_nonsense_is_refused_by_the_reader(claim: str) -> None:
    with pytest.raises(FormulaError):
        check(claim, "x^2", "x")


def test_constants_and_columns_hold_for_both_sides() -> None:
    assert check("6*x", "c*x^2", "x", constants={"c": 3}).verdict == "equal"
    assert check("2*mean(u*(w*u - v))", "mean((w*u - v)^2)", "w", columns=["u", "v"]).ok


def test_a_number_stands_for_an_array_of_it() -> None:
    assert check("3", "sum(3*w)", "w", shapes={"w": "p"}).verdict == "equal"


def test_not_text_is_refused() -> None:
    with pytest.raises(SymgdError):
        check(3, "x^2", "x")  # type: ignore[arg-type]


def test_n_and_the_number_of_rows_are_one() -> None:
    loss = "1/n*sum((w*x - y)^2)"
    for claim in ("2/n*sum(x*(w*x - y))", "2/N*sum(x*(w*x - y))", "2*mean(x*(w*x - y))"):
        assert check(claim, loss, "w").verdict == "equal"
