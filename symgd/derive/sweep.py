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

from symgd.derive.arrays import filled, reduced
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
    total: dict[Node, Node] = {}
    graph = root.graph
    for node in reversed(order):
        if node not in active or node not in passed:
            continue
        shares = [g for _, g in sorted(passed.pop(node), key=lambda share: share[0])]
        g = total[node] = shares[0] if len(shares) == 1 else graph.plus(*shares)
        if not node.args or g.is_number(0):
            continue
        for place, (arg, share) in enumerate(zip(node.args, adjoints_of(node, g), strict=True)):
            if share is None or arg not in active or share.is_number(0):
                continue
            if node.op in ELEMENTWISE_ADJOINTS:
                share = reduced(share, node.shape, arg.shape)
            elif node.op == "broadcast":
                share = reduced(share, node.shape, arg.shape)
            passed.setdefault(arg, []).append((node.serial * 64 + place, share))
    return total


def _check_scalar(root: Node) -> None:
    if any(size != 1 for size in root.shape):
        raise ShapeProblem(
            f"the formula is an array of shape {show_shape(root.shape)}, not a number",
            hint="a gradient is of one number: take its mean or sum",
        )
