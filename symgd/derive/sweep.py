"""The reverse sweep: all partial derivatives in one walk over the shared graph.

From the loss back to the symbols, every node receives dL/d(node) once, as the
sum of what its users pass back, and hands it on to its arguments by the row of
its operation. The cost is a small multiple of the loss, whatever the number of
parameters (Baur & Strassen 1983; Griewank & Walther, "Evaluating Derivatives",
section 3.3).

>>> from symgd.formula.problem import read
>>> p = read("sum(y - a)")
>>> sweep(p.root, [p.symbol("a")])
[<Node -N>]
"""

from __future__ import annotations

from collections.abc import Sequence

from symgd.derive.arrays import filled, reduced, total
from symgd.derive.rules import ELEMENTWISE_ADJOINTS, adjoints_of
from symgd.errors import ShapeProblem
from symgd.formula.graph import Node, depends_on, topological
from symgd.formula.shapes import show_shape


def sweep(root: Node, symbols: Sequence[Node]) -> list[Node]:
    """The partial derivatives of the scalar ``root`` by each symbol, in its shape."""
    _check_scalar(root)
    one = root.graph.number(1)
    found = adjoints(root, symbols, one)
    zero = root.graph.number(0)
    return [filled(found.get(s, zero), s.shape) for s in symbols]


def adjoints(root: Node, symbols: Sequence[Node], seed: Node) -> dict[Node, Node]:
    """dL/d(node) for every node between ``root`` and ``symbols``, where dL/d(root) is ``seed``."""
    order = topological(root)
    active = depends_on(order, symbols)
    if root not in active:
        return {}
    passed: dict[Node, list[tuple[int, Node]]] = {root: [(0, seed)]}
    found: dict[Node, Node] = {}
    for node in reversed(order):
        if node not in active or node not in passed:
            continue
        shares = passed.pop(node)
        if len(shares) > 1:
            shares.sort(key=_written_first)
            g = found[node] = total([share for _, share in shares])
        else:
            g = found[node] = shares[0][1]
        if not node.args or g.is_number(0):
            continue
        broadcasts = bool(node.shape) and node.op in ELEMENTWISE_ADJOINTS
        place = node.serial * _PLACES
        for arg, share in zip(node.args, adjoints_of(node, g, active), strict=True):
            place += 1
            if share is None or share.is_number(0):
                continue
            if broadcasts:
                share = reduced(share, node.shape, arg.shape)
            passed.setdefault(arg, []).append((place, share))
    return found


_PLACES = 1 << 20
"""More than the arguments that any operation has."""


def _written_first(share: tuple[int, Node]) -> int:
    """Where the use stands in the formula: terms come in the user's order."""
    return share[0]


def _check_scalar(root: Node) -> None:
    if any(size != 1 for size in root.shape):
        raise ShapeProblem(
            f"the formula is an array of shape {show_shape(root.shape)}, not a number",
            hint="a gradient is of one number: take its mean or sum",
        )
