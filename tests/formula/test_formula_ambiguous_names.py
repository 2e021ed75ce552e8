"""Names and conditions that are also notation, as the fuzzer found them: ``d``, ``T``, sizes."""

from __future__ import annotations

import pytest

import symgd
from symgd.errors import NameProblem, SyntaxProblem
from symgd.formula.problem import read
from symgd.formula.text import to_text


@pytest.mark.parametrize(
    "text",
    ["d/dx (x^2 sin d)", "d/dx (d/dx )(x-2 sin x)", "d/dx (x)*(d+1)", "(d/dx) (x+1)",
     "d/dx (d^2 x) + d", "2^(T)*T", "x^(T+1)", "2^T", "T + 2^T", "x^(T)", "(x+1)^(T) + T"],
)  # fmt: skip
def test_what_is_printed_is_read_again_also_with_declared_names(text: str) -> None:
    problem = read(text)
    printed = to_text(problem.root)
    declared = {s.name: s.shape for s in problem.symbols}
    for options in ({}, {"shapes": declared}):
        again = read(printed, **options)  # type: ignore[arg-type]
        assert to_text(again.root) == printed
        assert {s.name: s.shape for s in again.symbols} == declared


def test_a_power_of_two_is_no_transpose() -> None:
    gradient = symgd.gradient("2^T")
    assert gradient({"T": 3.0})["T"] == pytest.approx(8 * 0.6931471805599453, rel=1e-15)


def test_two_meanings_of_t_in_one_formula_are_refused() -> None:
    for text in ("T + x^T", "2^T + x^T"):
        with pytest.raises(NameProblem, match="transpose"):
            read(text)


def test_where_d_is_a_name_the_hint_says_how_a_derivative_is_written() -> None:
    with pytest.raises(SyntaxProblem) as refused:
        read("d/dx (x^2 sin d)", wrt="d")
    assert "Derivative(" in str(refused.value)
    assert symgd.gradient("Derivative(x^2*sin(d), x)", wrt="d")["d"].text() == "2*x*cos(d)"


@pytest.mark.parametrize(
    "text", ["trace (A if x > 0 else -x.T @ A)y", "where((x>0)[None], 1, 2)", "(x > 0)[None]*2"]
)
def test_a_condition_with_a_new_axis_is_printed_and_read_again(text: str) -> None:
    problem = read(text)
    shapes = {s.name: s.shape for s in problem.symbols}
    printed = to_text(problem.root)
    assert to_text(read(printed, shapes=shapes).root) == printed


@pytest.mark.parametrize("size", ["sum", "norm", "exp", "None", "inf"])
def test_a_function_is_not_a_size(size: str) -> None:
    with pytest.raises(SyntaxProblem, match="not a size"):
        read(f"Sum(x[i]**2, (i, 1, {size}))")


@pytest.mark.parametrize("size", ["N", "n", "K", "sigma"])
def test_a_name_is_a_size(size: str) -> None:
    assert read(f"Sum(x[i]**2, (i, 1, {size}))").rows == size
