"""Equations that are solved step by step: does a line have the solutions of the line above?"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symgd.check.array_equations import same_array_solutions
from symgd.check.ball_functions import Bad
from symgd.check.balls import Balls
from symgd.check.identity import Question, compare
from symgd.check.ratio import constant_factor
from symgd.check.samples import Sample, Samples
from symgd.check.verdict import Verdict, Witness
from symgd.derive.sweep import sweep
from symgd.errors import SymgdError
from symgd.formula.graph import Node, depends_on, rebuild, topological

_GRID = [Fraction(n, 8) for n in range(-400, 401)]


def same_solutions(
    before: Node, after: Node, symbol: Node, symbols: tuple[tuple[str, Any], ...]
) -> Verdict:
    """Whether ``after = 0`` has the solutions of ``before = 0`` in ``symbol``.

    Proved if one is a constant times the other, or if both are linear with the same
    root; refuted by a root of one that is surely no root of the other.
    """
    question = Question(after, before, (), symbols)
    if compare(question).equal or constant_factor(question) is not None:
        return Verdict("equal", "proved", "the same equation, up to a constant factor")
    if symbol.shape:
        return same_array_solutions(before, after, symbol, symbols)
    roots = [_linear_root(f, symbol) for f in (before, after)]
    if roots[0] is not None and roots[1] is not None:
        found = compare(Question(roots[1], roots[0], (), symbols))
        if found.equal:
            return Verdict("equal", "proved", "the same solution")
        if found.equal is False and found.witness is not None:
            w = found.witness
            said = f"{symbol.value} = {w.claim} here, {w.right} in the line above"
            return Verdict("wrong", "refuted", f"another solution: {said}", witness=w)
    return _by_roots(before, after, symbol, symbols)


def _linear_root(formula: Node, symbol: Node) -> Node | None:
    """The solution of a formula that is linear in the symbol."""
    if symbol.shape or formula.shape:
        return None
    order = topological(formula)
    if symbol not in depends_on(order, [symbol]) or formula not in depends_on(order, [symbol]):
        return None
    try:
        (slope,) = sweep(formula, [symbol])
        (bend,) = sweep(slope, [symbol])
        graph = formula.graph
        names = tuple((n.value, n.shape) for n in order if n.op == "sym")
        if compare(Question(bend, graph.number(0), (), names)).equal is not True:
            return None
        zero = graph.number(0)
        at_zero = rebuild(order, {symbol: zero}, graph)[formula]
        slope_there = rebuild(topological(slope), {symbol: zero}, graph)[slope]
    except SymgdError:
        return None
    return -(at_zero / slope_there)


def _by_roots(
    before: Node, after: Node, symbol: Node, symbols: tuple[tuple[str, Any], ...]
) -> Verdict:
    """Roots of one equation that are surely no roots of the other."""
    if after.shape:
        return Verdict("undecided", "open", "these are several equations for one number")
    for sample in Samples(symbols, [before, after]).points(2):
        for first, second, said in (
            (after, before, "is a solution here, but not of the line above"),
            (before, after, "solves the line above, but not this one"),
        ):
            root = _lone_root(first, second, symbol.value, sample)
            if root is not None:
                point = {**sample.values, symbol.value: root}
                witness = Witness(point, "0" if first is before else "not 0",
                                  "not 0" if first is before else "0")  # fmt: skip
                near = f"{symbol.value} near {float(root):.6g} {said}"
                return Verdict("wrong", "refuted", near, witness=witness)
    return Verdict("undecided", "open", "the equations were neither proved nor refuted to agree")


def _lone_root(first: Node, second: Node, name: str, sample: Sample) -> Fraction | None:
    """A place where ``first`` changes its sign and ``second`` surely does not vanish."""

    def value(formula: Node, at: Fraction) -> Any:
        found = Balls({**sample.values, name: at}, sample.sizes, 64).value(formula)
        return None if isinstance(found, Bad) else found

    last: tuple[Fraction, Any] | None = None
    for at in _GRID:
        here = value(first, at)
        if here is not None and last is not None and (here > 0) != (last[1] > 0):
            low, high = last[0], at
            for _ in range(40):
                middle = (low + high) / 2
                inside = value(first, middle)
                if inside is None:
                    break
                low, high = (middle, high) if (inside > 0) == (last[1] > 0) else (low, middle)
            ends = [value(second, low), value(second, high)]
            if None not in ends and abs(float(ends[0])) > 1e-6 and abs(float(ends[1])) > 1e-6:
                return low
        last = None if here is None else (at, here)
    return None
