"""Brackets of the user stay, unless a term in them meets its like: then the form gets shorter."""

from __future__ import annotations

import pytest

import symgd


@pytest.mark.parametrize(
    ("formula", "name", "expected"),
    [
        ("w*(y - w*x)", "w", "y - 2*w*x"),
        ("(x + y)*(x - y)", "x", "2*x"),
        ("(x - 1)*(x + 2)*x", "x", "x*(2*x + 1) + (x - 1)*(x + 2)"),
        ("delta*(abs(r) - 1/2*delta)", "delta", "abs(r) - delta"),
        ("(x - 3.5)^2 - 4.5x + 10", "x", "2*(x - 3.5) - 4.5"),
        ("r*x*(1 - x/K)", "x", "r*(1 - x/K) - r*x/K"),
    ],
)
def test_a_bracket_is_opened_only_where_terms_meet(
    formula: str, name: str, expected: str
) -> None:
    gradient = symgd.gradient(formula)
    assert gradient[name].text() == expected
    point = {n: 0.3 + 0.45 * i for i, n in enumerate(gradient)}

    step = 1e-5
    above, below = (gradient.value({**point, name: point[name] + h}) for h in (step, -step))
    assert gradient(point)[name] == pytest.approx((above - below) / (2 * step), rel=1e-8)
