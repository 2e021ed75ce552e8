"""The textbook form of a partial derivative: the shortest of what two walks give.

The reverse sweep and the forward walk find the same derivative in different shapes: the
forward one has the quotient rule as one fraction and keeps the order of the terms, the
sweep has the array products. Both are tidied, of the loss as written and in its accurate
form, and the one that is shortest to write is shown.
"""

from __future__ import annotations

from collections.abc import Iterator

from symgd.derive.forward import tangents
from symgd.derive.tidy import Given, tidy
from symgd.errors import LimitProblem, UnsupportedError
from symgd.formula.graph import Node, topological
from symgd.formula.text import to_text

MAX_NODES = 400
"""Larger formulas are shown as the sweep gives them."""
_ENOUGH = 24


def textbook(raw: Node, loss: Node, written: Node, symbol: Node, given: Given) -> Node:
    """The partial derivative by ``symbol`` as a textbook prints it.

    ``raw`` is what the sweep found for ``loss``, the accurate form of ``written``; ``given``
    is what both consist of.

    >>> from symgd.derive.partials import derive
    >>> from symgd.formula.problem import read
    >>> derive(read("x/(x^2 + 5)")).textbook("x")
    <Node (5 - x^2)/(x^2 + 5)^2>
    """
    first = tidy(raw, given)
    if symbol.shape or len(given.kept) > MAX_NODES:
        return first
    best, least = first, _length(first)
    if least <= _ENOUGH and not _has_branches(first):
        return first
    for candidate in _walked(loss, written, symbol):
        found = tidy(candidate, given)
        length = _length(found)
        if found.shape == raw.shape and length <= least:
            best, least = found, length
    return best


def _walked(loss: Node, written: Node, symbol: Node) -> Iterator[Node]:
    """The forward derivative of the loss as written and in its accurate form."""
    one = loss.graph.number(1)
    for root in dict.fromkeys((written, loss)):
        try:
            found = tangents(root, {symbol: one}).get(root)
        except UnsupportedError:
            continue
        if found is not None and len(topological(found)) <= 20 * MAX_NODES:
            yield found


def _length(node: Node) -> int:
    try:
        return len(to_text(node))
    except LimitProblem:
        return 10**9


def _has_branches(node: Node) -> bool:
    return any(n.op == "where" for n in topological(node))
