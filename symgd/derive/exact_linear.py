"""Linear equations with rational coefficients, solved exactly without an algebra system.

The gradient of a quadratic loss is affine in the parameters: a walk over its graph collects the
coefficients as fractions, and Gauss's elimination does the rest. Nothing heavy is imported, so
that the exact answer can be said beside a quick descent.

>>> from symgd.formula.problem import read
>>> solved([read("2*(x - 3.5) - 4.5").root], ["x"])
[Fraction(23, 4)]
>>> fraction_text(Fraction(23, 4))
'23/4 = 5.75'
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from symgd.formula.graph import Node, topological

Coefficients = dict[str, Fraction]
"""Name -> coefficient; the constant term is under the empty name."""
_ONE = ""
_LONGEST = 4000
"""Fractions of more bits are left to others."""


def solved(equations: Sequence[Node], names: Sequence[str]) -> list[Fraction] | None:
    """The one solution of ``equations = 0`` for ``names``.

    None if the equations are not affine with rational coefficients, or have no solution or many.
    """
    rows = []
    for equation in equations:
        found = affine(equation)
        if found is None or not set(found) <= {_ONE, *names}:
            return None
        rows.append([found.get(name, Fraction(0)) for name in (*names, _ONE)])
    return _eliminated(rows) if len(rows) == len(names) else None


def affine(root: Node) -> Coefficients | None:
    """``root`` as a sum of numbers times symbols; None if it is something else."""
    known: dict[Node, Coefficients] = {}
    for node in topological(root):
        found = None if node.shape else _affine(node, [known[a] for a in node.args])
        if found is None or any(c.numerator.bit_length() > _LONGEST for c in found.values()):
            return None
        known[node] = found
    return known[root]


def _affine(node: Node, args: list[Coefficients]) -> Coefficients | None:
    """One node from its arguments."""
    if node.op == "num":
        return {_ONE: Fraction(node.value)}
    if node.op == "sym":
        return {str(node.value): Fraction(1)}
    if node.op == "add":
        names = {name for part in args for name in part}
        return {n: sum((part.get(n, Fraction(0)) for part in args), Fraction(0)) for n in names}
    if node.op == "neg":
        return {name: -value for name, value in args[0].items()}
    if node.op == "mul":
        return _product(args)
    if node.op == "div" and _number(args[1]):
        return {name: value / _number(args[1]) for name, value in args[0].items()}
    return None


def _product(factors: list[Coefficients]) -> Coefficients | None:
    scale, moving = Fraction(1), []
    for factor in factors:
        if set(factor) <= {_ONE}:
            scale *= _number(factor)
        else:
            moving.append(factor)
    if not scale or not moving:
        return {_ONE: scale}
    if len(moving) > 1:
        return None
    return {name: scale * value for name, value in moving[0].items()}


def _number(part: Coefficients) -> Fraction:
    """The number that a part is; 0 if it is none."""
    return part.get(_ONE, Fraction(0)) if set(part) <= {_ONE} else Fraction(0)


def _eliminated(rows: list[list[Fraction]]) -> list[Fraction] | None:
    """x with rows[i][:n] . x + rows[i][n] = 0; None if the matrix is singular."""
    size = len(rows)
    for k in range(size):
        pivot = next((i for i in range(k, size) if rows[i][k]), None)
        if pivot is None:
            return None
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [value / rows[k][k] for value in rows[k]]
        for i in range(size):
            if i != k and rows[i][k]:
                rows[i] = [a - rows[i][k] * b for a, b in zip(rows[i], rows[k], strict=True)]
    return [-row[size] for row in rows]


def fraction_text(value: Fraction) -> str:
    """The number as text, with its decimal if it is not whole."""
    return str(value) if value.denominator == 1 else f"{value} = {float(value):.12g}"


__all__ = ["affine", "fraction_text", "solved"]
