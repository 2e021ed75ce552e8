"""The matrix of a linear change: ``X @ dw`` is the matrix X, ``s*(X @ dw)`` has rows s_i x_i.

>>> from symgd.derive.forward import tangents
>>> from symgd.formula.problem import read
>>> p = read("sigmoid(X @ w)", shapes={"X": "n,p", "w": "p"})
>>> w = p.symbol("w")
>>> dw = p.root.graph.symbol("d_w", w.shape)
>>> matrix_of(tangents(p.root, {w: dw})[p.root], dw)
<Node (sigmoid(X @ w)*(1 - sigmoid(X @ w)))[:, None]*X>
"""

from __future__ import annotations

from collections.abc import Callable

from symgd.derive.arrays import WHOLE
from symgd.formula.graph import Node, depends_on, topological

Found = "Node | None"


def matrix_of(change: Node, direction: Node) -> Node | None:
    """The (n, p) matrix M of a vector ``change`` that is M @ ``direction``; ``None`` if not found.

    ``direction`` is a symbol of shape (p,). Entrywise factors scale the rows, sums add,
    matrix products multiply from the left.
    """
    order = topological(change)
    moving = depends_on(order, [direction])
    found: dict[Node, Node] = {}
    for node in order:
        if node not in moving:
            continue
        if node is direction:
            ones = node.graph.make("broadcast", node.graph.number(1), value=node.shape)
            made: Node | None = node.graph.make("diag", ones)
        else:
            rule = _RULES.get(node.op)
            made = rule(node, found, moving) if rule is not None and len(node.shape) < 2 else None
        if made is not None:
            found[node] = made
    return found.get(change)


def _column(node: Node) -> Node:
    """A vector as a column that scales rows; a number as it is."""
    if not node.shape:
        return node
    return node.graph.make("getitem", node, value=(WHOLE, ("new",)))


def _is_identity(node: Node) -> bool:
    return node.op == "diag" and node.args[0].op == "broadcast"


def _mul(node: Node, found: dict[Node, Node], moving: set[Node]) -> Node | None:
    u, v = node.args
    if (u in moving) == (v in moving):
        return None
    still, inner = (v, u) if u in moving else (u, v)
    matrix = found.get(inner)
    if matrix is None or len(inner.shape) != len(node.shape):
        return None
    if not still.shape:
        return still * matrix
    if _is_identity(matrix):
        return node.graph.make("diag", still)
    return node.graph.make("mul", _column(still), matrix)


def _div(node: Node, found: dict[Node, Node], moving: set[Node]) -> Node | None:
    u, v = node.args
    matrix = found.get(u)
    if v in moving or matrix is None or len(u.shape) != len(node.shape):
        return None
    if v.shape and _is_identity(matrix):
        return node.graph.make("diag", 1 / v)
    return node.graph.make("div", matrix, _column(v)) if v.shape else matrix / v


def _neg(node: Node, found: dict[Node, Node], moving: set[Node]) -> Node | None:
    matrix = found.get(node.args[0])
    return None if matrix is None else -matrix


def _add(node: Node, found: dict[Node, Node], moving: set[Node]) -> Node | None:
    parts = []
    for arg in node.args:
        matrix = found.get(arg)
        if arg not in moving or matrix is None or arg.shape != node.shape:
            return None
        parts.append(matrix)
    return node.graph.plus(*parts)


def _matmul(node: Node, found: dict[Node, Node], moving: set[Node]) -> Node | None:
    a, b = node.args
    graph = node.graph
    if b in moving and a not in moving:
        matrix = found.get(b)
        if matrix is None:
            return None
        return a if _is_identity(matrix) and len(a.shape) == 2 else graph.make("matmul", a, matrix)
    matrix = found.get(a)
    if b in moving or matrix is None or len(a.shape) != 1:
        return None
    if len(b.shape) == 1:
        return b if _is_identity(matrix) else graph.make("matmul", b, matrix)
    return graph.make("matmul", b.T, matrix)


def _sum(node: Node, found: dict[Node, Node], moving: set[Node]) -> Node | None:
    matrix = found.get(node.args[0])
    if matrix is None or node.value != (None, False) or len(node.args[0].shape) != 1:
        return None
    if _is_identity(matrix):
        return matrix.args[0]
    return node.graph.make("sum", matrix, value=((0,), False))


def _getitem(node: Node, found: dict[Node, Node], moving: set[Node]) -> Node | None:
    matrix = found.get(node.args[0])
    if matrix is None or any(item[0] == "new" for item in node.value):
        return None
    return node.graph.make("getitem", matrix, value=node.value)


_RULES: dict[str, Callable[[Node, dict[Node, Node], set[Node]], Node | None]] = {
    "mul": _mul, "div": _div, "neg": _neg, "add": _add, "matmul": _matmul, "sum": _sum,
    "getitem": _getitem,
}  # fmt: skip
