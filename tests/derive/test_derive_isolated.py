"""Values that stand alone: the derivative there is a limit, or none is claimed."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest

import symgd
from symgd.algebra.isolated import slope_at
from symgd.formula.problem import read

REMOVABLE = {
    "where(x == 0, 1, (exp(x) - 1)/x)": (0, lambda x: mpmath.expm1(x) / x),
    "where(x != 0, sin(x)/x, 1)": (0, lambda x: mpmath.sin(x) / x),
    "where(x == 0, 1/2, (1 - cos(x))/x^2)": (0, lambda x: (1 - mpmath.cos(x)) / x**2),
    "where(0 == x, 1, log(1 + x)/x)": (0, lambda x: mpmath.log1p(x) / x),
    "where(x == 1, 3, 3*log(x)/(x - 1))": (1, lambda x: 3 * mpmath.log(x) / (x - 1)),
    "where(x == -2, 4 - 2*x, (x^2 - 4)/(x + 2) + 12)": (-2, lambda x: x - 2 + 12),
    "x^2 + 5*where(x == 0, 2, tan(2x)/x)": (0, lambda x: x**2 + 5 * mpmath.tan(2 * x) / x),
}


@pytest.mark.parametrize("text", REMOVABLE)
def test_the_derivative_at_a_removable_point_is_the_limit(text: str) -> None:
    at, function = REMOVABLE[text]
    gradient = symgd.gradient(text)
    with mpmath.mp.workdps(60):
        h = mpmath.mpf(10) ** -20
        slope = (function(at + h) - function(at - h)) / (2 * h)
    assert gradient({"x": float(at)})["x"] == pytest.approx(float(slope), abs=1e-14, rel=1e-12)
    away = at + 0.75
    assert gradient({"x": away})["x"] == pytest.approx(
        float(mpmath.diff(function, away)), rel=1e-12
    )
    assert "the derivative there" in str(gradient.steps("x"))
    assert gradient.certificate.proofs


@pytest.mark.parametrize(
    "text",
    ["where(x == 2, 5, 3)", "where(x == 2, x, 3)", "where(x == 0, 0, abs(x))",
     "where(x == 0, 0, x*sin(1/x))", "where(x == 0, 0, 1/x)", "where(x == 0, 1, sqrt(abs(x)))"],
)  # fmt: skip
def test_where_there_is_none_it_is_said(text: str) -> None:
    gradient = symgd.gradient(text)
    assert "no derivative was found there" in str(gradient.steps("x"))
    assert any("breakpoints" in condition for _, condition in gradient.certificate.domain)


def test_other_names_and_entries_of_a_vector() -> None:
    two = symgd.gradient("where(x == 1, a, a*log(x)/(x - 1))")
    assert two({"x": 1.0, "a": 3.0}) == {"x": -1.5, "a": 1.0}
    entries = symgd.gradient("sum(where(v == 0, 1, (exp(v) - 1)/v))", shapes={"v": "p"})
    assert entries({"v": [0.0, 1.0]})["v"] == pytest.approx([0.5, 1.0])


def test_data_that_equals_a_number_is_no_breakpoint() -> None:
    fitted = symgd.gradient("mean(where(x == 0, a, a*x))")
    assert fitted({"a": 2.0, "x": [0.0, 3.0]})["a"] == pytest.approx(2.0)


def test_the_value_itself_is_what_was_written() -> None:
    assert symgd.gradient("where(x == 0, 1, sin(x)/x)").value({"x": 0.0}) == 1.0
    assert symgd.gradient("where(x == 2, x, 3)").value({"x": 2.0}) == 2.0


def test_a_limit_that_does_not_exist_is_not_found() -> None:
    one = read("1").root
    assert slope_at(read("1/x").root, one, "x", Fraction(0)) is None
    assert slope_at(read("sin(x)/x").root, one, "x", Fraction(0)).is_number(0)  # type: ignore[union-attr]
