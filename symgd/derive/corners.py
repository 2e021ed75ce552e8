"""Breakpoints of piecewise formulas: where they are, and whether value and slope agree there.

>>> from symgd.formula.problem import read
>>> p = read("where(abs(x) < 1, x^2/2, abs(x) - 1/2)")
>>> for corner in corners(p.root, p.symbol("x")):
...     print(corner)
at x = -1: continuous, slopes -1 and -1 agree
at x = 1: continuous, slopes 1 and 1 agree
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from symgd.derive.forward import tangents
from symgd.formula.graph import Node, depends_on, topological
from symgd.formula.text import number_text

MAX_NODES = 300


@dataclass(frozen=True)
class Corner:
    """One breakpoint: the values and the slopes of the branches on either side of it."""

    name: str
    at: Fraction
    values: tuple[Fraction, Fraction]
    slopes: tuple[Fraction, Fraction]

    @property
    def continuous(self) -> bool:
        """The branches meet."""
        return self.values[0] == self.values[1]

    @property
    def smooth(self) -> bool:
        """The branches meet with the same slope: the derivative exists."""
        return self.continuous and self.slopes[0] == self.slopes[1]

    def __str__(self) -> str:
        at, *numbers = (number_text(n, False)[0] for n in (self.at, *self.values, *self.slopes))
        if not self.continuous:
            return f"at {self.name} = {at}: a jump from {numbers[0]} to {numbers[1]}, no derivative"
        if not self.smooth:
            return (
                f"at {self.name} = {at}: continuous, but the slopes {numbers[2]} and {numbers[3]} "
                "differ, no derivative"
            )
        return f"at {self.name} = {at}: continuous, slopes {numbers[2]} and {numbers[3]} agree"


def corners(node: Node, symbol: Node) -> list[Corner]:
    """The breakpoints of a ``where``, found and checked exactly; only those that can be.

    The condition must compare expressions of ``symbol`` and numbers whose difference
    is linear (also under ``abs``), the branches must be rational.
    """
    order = topological(node)
    others = [n for n in order if n.op in ("sym", "dim", "const") and n is not symbol]
    if node.op != "where" or symbol.shape or node.shape or len(order) > MAX_NODES:
        return []
    condition, first, second = node.args
    if condition.op not in _COMPARE:
        return []
    inner = topological(*condition.args)
    if any(o in inner for o in others):
        return []
    slopes = [tangents(b, {symbol: node.graph.number(1)}).get(b) for b in (first, second)]
    found: list[Corner] = []
    for at in sorted(_roots(condition, symbol)):
        sides = _sides(condition, symbol, at)
        if sides is None:
            continue
        branches = [(first, second)[s] for s in sides]
        derived = [slopes[s] for s in sides]
        try:
            values = [
                _value(b, {symbol: at}, side) for b, side in zip(branches, (-1, 1), strict=True)
            ]
            steep = [
                Fraction(0) if d is None else _value(d, {symbol: at}, side)
                for d, side in zip(derived, (-1, 1), strict=True)
            ]
        except (KeyError, ZeroDivisionError):
            continue
        found.append(Corner(str(symbol.value), at, (values[0], values[1]), (steep[0], steep[1])))
    return found


def _roots(condition: Node, symbol: Node) -> set[Fraction]:
    """Where both sides of the comparison are equal: |a x + b| = c has two places."""
    left, right = condition.args
    roots: set[Fraction] = set()
    sides = []
    for side in (left, right):
        inner = side.args[0] if side.op == "abs" else side
        line = _line(inner, symbol)
        if line is None:
            return set()
        sides.append([line, (-line[0], -line[1])] if side.op == "abs" else [line])
    for a in sides[0]:
        for b in sides[1]:
            slope, shift = a[0] - b[0], a[1] - b[1]
            if slope:
                at = -shift / slope
                if _value(left, {symbol: at}, 1) == _value(right, {symbol: at}, 1):
                    roots.add(at)
    return roots


def _line(node: Node, symbol: Node) -> tuple[Fraction, Fraction] | None:
    """(a, b) if the node is a*x + b."""
    try:
        points = [_value(node, {symbol: Fraction(x)}, 1) for x in (0, 1, 2, 7)]
    except (KeyError, ZeroDivisionError):
        return None
    slope = points[1] - points[0]
    straight = points[2] - points[1] == slope and points[3] - points[2] == 5 * slope
    curved = any(n.op in ("pow", "abs", "maximum", "minimum", "where") for n in topological(node))
    return (slope, points[0]) if straight and not curved else None


def _sides(condition: Node, symbol: Node, at: Fraction) -> tuple[int, int] | None:
    """Which branch holds just below and just above ``at``; ``None`` if it is the same one."""
    step = Fraction(1, 10**9)
    holds = []
    for x in (at - step, at + step):
        left, right = (_value(a, {symbol: x}, 1) for a in condition.args)
        holds.append(0 if _COMPARE[condition.op](left, right) else 1)
    return None if holds[0] == holds[1] else (holds[0], holds[1])


def _value(root: Node, at: Mapping[Node, Fraction], side: int) -> Fraction:
    """The exact value of a rational formula; ``KeyError`` for anything else.

    ``side`` says from where the point is approached: it decides the sign of 0.
    """
    moving = depends_on(topological(root), at)
    values: dict[Node, Fraction] = dict(at)
    for node in topological(root):
        if node in values:
            continue
        if node.op == "num":
            values[node] = node.value
            continue
        if node.op in ("where", *_COMPARE):
            raise KeyError(node.op)
        args = [values[a] for a in node.args]
        if node.op in ("sign", "abs", "maximum", "minimum") and node in moving:
            values[node] = _kinked(node, args, at, side)
        else:
            values[node] = _VALUES[node.op](*args)
    return values[root]


def _kinked(node: Node, args: list[Fraction], at: Mapping[Node, Fraction], side: int) -> Fraction:
    """abs, max, min away from their corner; a sign at its corner is not guessed."""
    if node.op == "sign":
        if args[0] == 0:
            raise KeyError("sign")
        return Fraction(1 if args[0] > 0 else -1)
    return _VALUES[node.op](*args)


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > 64:
        raise KeyError("pow")
    return base ** int(exponent)


_COMPARE: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
}  # fmt: skip
_VALUES: dict[str, Callable[..., Fraction]] = {
    "add": lambda *terms: sum(terms, Fraction(0)), "neg": operator.neg, "mul": operator.mul,
    "div": operator.truediv, "pow": _power, "abs": abs, "maximum": max, "minimum": min,
}  # fmt: skip
