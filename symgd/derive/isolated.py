"""Values that stand alone in a ``where``, continued by their tangents.

A ``where(x == c, a, f)`` is differentiated branch by branch, and the branch ``a`` of one point
has the wrong slope: 0 for the 1 in ``where(x == 0, 1, (exp(x) - 1)/x)``, whose derivative at 0
is 1/2. Where f comes to ``a`` with a slope s, the branch ``a + s*(x - c)`` has the same value
at c and the right derivative, so that is what is differentiated.

>>> from symgd.formula.problem import read
>>> p = read("where(x == 0, 1, (exp(x) - 1)/x)")
>>> continued(p.root, [p.symbol("x")])
<Node where(x == 0, 1 + 1/2*x, (exp(x) - 1)/x)>

Where f has no such limit the formula is left as it is: a jump has no derivative, and the
certificate says that the result holds off the breakpoints.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from symgd.formula.functions import ELEMENTWISE_1, ELEMENTWISE_2
from symgd.formula.graph import Graph, Node, rebuild, topological
from symgd.formula.text import number_text, to_text

_NUMBERS = frozenset({"num", "const", "sym", "add", "neg", "mul", "div", "pow", "where"})
_OF_NUMBERS = _NUMBERS | set(ELEMENTWISE_1) | set(ELEMENTWISE_2)


def continued(root: Node, symbols: Iterable[Node]) -> Node:
    """``root`` with every isolated value of one of ``symbols`` continued by its tangent."""
    order = topological(root)
    alone = [n for n in order if n.op == "where" and n.args[0].op in ("eq", "ne")]
    if not alone:
        return root
    wanted = set(symbols)
    new: dict[Node, Node] = {}
    for node in alone:
        place = _place(node.args[0], wanted)
        changed = None if place is None else _with_tangent(node, *place)
        if changed is not None:
            new[node] = changed
    return rebuild(order, new, root.graph)[root] if new else root


def _place(condition: Node, symbols: set[Node]) -> tuple[Node, Fraction] | None:
    """(x, c) if the condition compares one of the symbols with a number."""
    for symbol, number in (condition.args, condition.args[::-1]):
        value = _value(number)
        if symbol in symbols and value is not None:
            return symbol, value
    return None


def _value(node: Node) -> Fraction | None:
    if node.op == "neg" and node.args[0].op == "num":
        return -Fraction(node.args[0].value)
    return Fraction(node.value) if node.op == "num" else None


def _with_tangent(node: Node, symbol: Node, at: Fraction) -> Node | None:
    graph, condition = node.graph, node.args[0]
    alone, other = _branches(node)
    value = rebuild(topological(alone), {symbol: graph.number(at)}, graph)[alone]
    plain = _plain(other, value, symbol)
    if plain is None:
        return None
    from symgd.algebra.isolated import slope_at

    found = slope_at(*plain, str(symbol.value), at)
    line = value
    if found is not None:
        known = {n.value: n for n in topological(other, alone) if n.op == "sym"}
        back = {n: known[n.value] for n in topological(found) if n.op == "sym"}
        slope = rebuild(topological(found), back, graph)[found]
        line = graph.plus(value, slope * (symbol - graph.number(at)))
    branches = (line, other) if condition.op == "eq" else (other, line)
    return graph.where(condition, *branches)


def _branches(node: Node) -> tuple[Node, Node]:
    """(the value that stands alone, the formula around it)."""
    condition, first, second = node.args
    return (first, second) if condition.op == "eq" else (second, first)


def _plain(branch: Node, value: Node, symbol: Node) -> tuple[Node, Node] | None:
    """Both with a number for every entry of ``symbol``; ``None`` if they are of arrays."""
    graph = Graph()
    order = topological(branch, value)
    if any(n.op not in _OF_NUMBERS for n in order):
        return None
    if any(n.op == "sym" and n.shape and n is not symbol for n in order):
        return None
    new = rebuild(order, {symbol: graph.symbol(str(symbol.value))}, graph)
    return new[branch], new[value]


def note(node: Node, symbol: Node) -> str | None:
    """What the steps say about a value that stands alone in a ``where``."""
    place = None
    if node.op == "where" and node.args[0].op in ("eq", "ne"):
        place = _place(node.args[0], {symbol})
    if place is None:
        return None
    at, (alone, other) = place[1], _branches(node)
    value = rebuild(topological(alone), {symbol: node.graph.number(at)}, node.graph)[alone]
    from symgd.algebra.isolated import slope_at

    plain = _plain(other, value, symbol)
    found = None if plain is None else slope_at(*plain, str(symbol.value), at)
    there = f"at {symbol.value} = {number_text(at, False)[0]}: a value that stands alone, "
    if found is None:
        return there + "no derivative was found there"
    return there + f"the slope comes to {to_text(found)} from both sides, the derivative there"


__all__ = ["continued", "note"]
