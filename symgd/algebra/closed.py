"""Closed forms: where the gradient is zero, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy as sp

from symgd.algebra.bridge import symbol, to_sympy
from symgd.errors import UnsupportedError
from symgd.formula.graph import Node, topological

MAX_UNKNOWNS = 6
MAX_NODES = 300


def zeros(equations: Sequence[Node], names: Sequence[str]) -> list[dict[str, Any]]:
    """The exact real solutions of ``equations = 0`` for the numbers ``names``.

    Polynomial equations with rational coefficients only: linear systems, and one
    polynomial in one unknown. Anything else gives an empty list, which means
    "not found", never "there is none".

    >>> from symgd.formula.problem import read
    >>> zeros([read("2*(x - 3.5) - 4.5").root], ["x"])
    [{'x': 23/4}]
    """
    if not names or len(names) > MAX_UNKNOWNS:
        return []
    if any(len(topological(e)) > MAX_NODES for e in equations):
        return []
    unknowns = [symbol(name) for name in names]
    try:
        expressions = [to_sympy(e) for e in equations]
        polynomials = [sp.Poly(e, *unknowns, domain="QQ") for e in expressions]
    except (UnsupportedError, sp.PolynomialError, sp.CoercionFailed):
        return []
    if all(p.total_degree() <= 1 for p in polynomials):
        return _linear(polynomials, unknowns, names)
    if len(unknowns) == 1:
        return [{names[0]: root} for root in _real_roots(polynomials[0])]
    return []


def _linear(polynomials: list[Any], unknowns: list[Any], names: Sequence[str]) -> list[Any]:
    solutions = sp.linsolve([p.as_expr() for p in polynomials], *unknowns)
    found = [s for s in solutions if not any(set(unknowns) & v.free_symbols for v in s)]
    return [dict(zip(names, solution, strict=True)) for solution in found]


def _real_roots(polynomial: Any) -> list[Any]:
    if polynomial.is_zero or polynomial.degree() > 8:
        return []
    return list(dict.fromkeys(polynomial.real_roots()))


def rational_text(value: Any) -> str:
    """An exact number as text, with its decimal when that helps: ``23/4 = 5.75``."""
    if isinstance(value, sp.Rational):
        fraction = Fraction(int(value.p), int(value.q))
        return str(fraction) if fraction.denominator == 1 else f"{fraction} = {float(fraction):.12g}"
    if isinstance(value, sp.CRootOf):
        return f"{float(value):.12g} (a root of {value.poly.as_expr()})"
    return f"{sp.sstr(value)} = {float(value):.12g}"
