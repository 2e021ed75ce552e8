"""Closed forms: where the gradient is zero, exactly, and the textbook formula for it.

Systems of linear equations, one polynomial in one unknown, and what SymPy can solve besides
(in the worker process, which can be stopped). For a loss over data that is quadratic in a few
numbers, the normal equations are solved with letters for the sums over the data:

>>> from symgd.formula.problem import read
>>> from symgd.derive.partials import derive
>>> d = derive(read("mean((y - (m*x + b))^2)"))
>>> solved = textbook([d.raw["m"], d.raw["b"]], ["m", "b"])
>>> for line in (*solved.lines, *solved.sums):
...     print(line)
m = (N*Sxy - Sx*Sy)/(N*Sxx - Sx^2)
b = (Sy - Sx*m)/N
Sx = sum(x)
Sxx = sum(x^2)
Sxy = sum(x*y)
Sy = sum(y)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp

from symgd.algebra.bridge import symbol, to_sympy
from symgd.errors import UnsupportedError
from symgd.formula.graph import Node, topological

MAX_UNKNOWNS = 6
MAX_NODES = 300
MAX_DEGREE = 8
MAX_LETTERS = 2
"""With more unknowns the solution in sums over the data is not readable: the equations are."""


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
    if polynomial.is_zero or polynomial.degree() > MAX_DEGREE:
        return []
    return list(dict.fromkeys(polynomial.real_roots()))


def rational_text(value: Any) -> str:
    """An exact number as text, with its decimal when that helps: ``23/4 = 5.75``."""
    if isinstance(value, sp.Rational):
        fraction = Fraction(int(value.p), int(value.q))
        return (
            str(fraction) if fraction.denominator == 1 else f"{fraction} = {float(fraction):.12g}"
        )
    if isinstance(value, sp.CRootOf):
        return f"{float(value):.12g} (a root of {value.poly.as_expr()})".replace("**", "^")
    return f"{sp.sstr(value)} = {float(value):.12g}".replace("**", "^")


# -- in the worker, where the time is limited -----------------------------------------------------


def zeros_of_text(content: Mapping[str, Any]) -> list[dict[str, list[Any]]]:
    """The job "zeros" of the worker: ``{"formulas": [...], "names": [...]}``.

    Each solution maps a name to its exact text and its value. With ``"columns"`` the answer is
    the textbook formula, ``[{"lines": [...], "sums": [...], "solved": [True]}]``.
    """
    from symgd.formula.problem import read

    names = list(content["names"])
    columns = {name: tuple(shape) for name, shape in content.get("columns", {}).items()}
    equations = [read(f, columns=columns or None).root for f in content["formulas"]]
    if columns:
        solved = textbook(equations, names)
        return (
            []
            if solved is None
            else [
                {"lines": list(solved.lines), "sums": list(solved.sums), "solved": [solved.solved]}
            ]
        )
    found = zeros(equations, names) or _solved(equations, names)
    return [{n: [rational_text(v), float(v)] for n, v in s.items()} for s in found]


def _solved(equations: Sequence[Node], names: Sequence[str]) -> list[dict[str, Any]]:
    """Whatever SymPy's solver finds that is real and makes the equations zero."""
    unknowns = [symbol(name) for name in names]
    try:
        expressions = [to_sympy(e) for e in equations]
        solutions = sp.solve(expressions, unknowns, dict=True)
    except (UnsupportedError, NotImplementedError, ValueError, TypeError):
        return []
    found = []
    for solution in solutions:
        values = [solution.get(u) for u in unknowns]
        if all(v is not None and _is_real(v) for v in values) and _holds(expressions, solution):
            found.append(dict(zip(names, values, strict=True)))
    return found


def _is_real(value: Any) -> bool:
    return bool(not value.free_symbols and abs(sp.im(value.n(20))) < 1e-15)


def _holds(expressions: Sequence[Any], solution: Mapping[Any, Any]) -> bool:
    """Whether the equations are zero there, to 30 digits."""
    for expression in expressions:
        value = expression.subs(solution).n(30)
        if not value.is_number or value.has(sp.nan, sp.zoo, sp.oo) or abs(value) > 1e-15:
            return False
    return True


# -- normal equations with letters for the sums ---------------------------------------------------


@dataclass(frozen=True)
class Textbook:
    """The normal equations, solved or (``solved`` is false) as they are, and their sums."""

    lines: tuple[str, ...]
    sums: tuple[str, ...]
    solved: bool = True


def textbook(equations: Sequence[Node], names: Sequence[str]) -> Textbook | None:
    """The solution of linear equations whose coefficients are sums over the data.

    The first unknown is given by the data alone, each further one also by those before it; of more
    than two unknowns the equations themselves are told. ``None`` if the equations are not linear
    in the unknowns or have no single solution.
    """
    if not 0 < len(names) <= MAX_UNKNOWNS or any(
        len(topological(e)) > MAX_NODES for e in equations
    ):
        return None
    unknowns = [symbol(name) for name in names]
    letters = _Letters(set(unknowns))
    try:
        plain = [letters.gathered(to_sympy(e)) for e in equations]
        polynomials = [sp.Poly(sp.numer(sp.together(e)), *unknowns) for e in plain]
    except (UnsupportedError, sp.PolynomialError):
        return None
    if any(p.total_degree() > 1 for p in polynomials) or not letters.meaning:
        return None
    solved = len(names) <= MAX_LETTERS
    lines = _solutions(polynomials, names) if solved else _equations(polynomials)
    if not lines:
        return None
    used = " ".join(lines)
    sums = [f"{s} = {m}" for s, m in sorted(letters.meaning.items()) if s in used]
    return Textbook(tuple(lines), tuple(sums), solved)


def _solutions(polynomials: list[Any], names: Sequence[str]) -> list[str]:
    """A line for each unknown; empty if there is no single solution."""
    unknowns = polynomials[0].gens
    lines = []
    for place, name in enumerate(names):
        rest = unknowns[place:]
        solutions = list(sp.linsolve([p.as_expr() for p in polynomials[place:]], *rest))
        if len(solutions) != 1 or set(rest) & solutions[0][0].free_symbols:
            return []
        lines.append(f"{name} = {_text(sp.factor(sp.cancel(solutions[0][0])))}")
    return lines


def _equations(polynomials: list[Any]) -> list[str]:
    """``N*a + Sx*b + Sxx*c = Sy``, one line for each equation."""
    lines = []
    for polynomial in polynomials:
        _, primitive = polynomial.primitive()
        zero = (0,) * len(polynomial.gens)
        constant = primitive.as_dict().get(zero, sp.Integer(0))
        left = [c * g for g, c in ((g, primitive.coeff_monomial(g)) for g in primitive.gens) if c]
        if sum(term.could_extract_minus_sign() for term in left) * 2 > len(left):
            left, constant = [-term for term in left], -constant
        lines.append(f"{_terms(left)} = {_terms(sp.Add.make_args(sp.expand(-constant)))}")
    return lines


class _Letters:
    """Sums over the data become letters: ``sum(x*y)`` is Sxy."""

    def __init__(self, unknowns: set[Any]) -> None:
        self.unknowns = unknowns
        self.meaning: dict[str, str] = {}

    def gathered(self, expression: Any) -> Any:
        """The expression with every sum split into terms of unknowns times letters."""
        expression = expression.doit() if not expression.has(sp.Sum) else expression
        return expression.replace(lambda e: isinstance(e, sp.Sum), self._split)

    def _split(self, total: Any) -> Any:
        index, _, rows = total.limits[0]
        terms = []
        for term in sp.Add.make_args(sp.expand(total.function)):
            outside, inside = term.as_independent(index, sp.Indexed, as_Add=False)
            if inside.free_symbols & self.unknowns:
                raise UnsupportedError("the unknowns do not come out of the sum")
            terms.append(outside * (rows if inside == 1 else self._letter(inside)))
        return sp.Add(*terms)

    def _letter(self, inside: Any) -> Any:
        bare = inside.replace(
            lambda e: isinstance(e, sp.Indexed), lambda e: sp.Symbol(e.base.name, real=True)
        )
        names: list[str] = []
        for factor, power in sorted(bare.as_powers_dict().items(), key=str):
            whole = power.is_Integer and 0 < power <= 4 and factor.is_Symbol
            names += [factor.name] * int(power) if whole else ["?"]
        if "?" in names:
            name = f"S{1 + sum(n[1:].isdigit() for n in self.meaning)}"
            known = [n for n, m in self.meaning.items() if m == f"sum({_text(bare)})"]
            name = known[0] if known else name
        else:
            short = all(len(n) == 1 for n in names)
            name = "S" + "".join(names) if short else "S_" + "_".join(names)
        self.meaning[name] = f"sum({_text(bare)})"
        return sp.Symbol(name, real=True)


def _text(expression: Any) -> str:
    """A fraction in the text syntax, with as few minus signs as possible."""
    top, bottom = (sp.expand(part) for part in sp.fraction(expression))
    terms = sp.Add.make_args(bottom)
    if sum(t.could_extract_minus_sign() for t in terms) * 2 > len(terms):
        top, bottom = -top, -bottom
    top_terms, bottom_terms = sp.Add.make_args(sp.expand(top)), sp.Add.make_args(sp.expand(bottom))
    if bottom == 1:
        return _terms(top_terms)
    above, below = _terms(top_terms), _terms(bottom_terms)
    above = f"({above})" if len(top_terms) > 1 else above
    atom = len(bottom_terms) == 1 and (bottom.is_Symbol or bottom.is_Integer or bottom.is_Pow)
    return f"{above}/{below if atom else f'({below})'}"


def _terms(terms: Sequence[Any]) -> str:
    """A sum, positive terms first."""
    ordered = sorted(terms, key=lambda t: t.could_extract_minus_sign())
    text = ""
    for term in ordered:
        negative = term.could_extract_minus_sign()
        shown = sp.sstr(-term if negative else term).replace("**", "^")
        sign = ("-" if negative else "") if not text else (" - " if negative else " + ")
        text += sign + str(shown)
    return text
