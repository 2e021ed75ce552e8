"""Small pieces that adjoints of arrays are made of."""

from __future__ import annotations

from collections.abc import Sequence

from symgd.formula.graph import Node, is_eye
from symgd.formula.shapes import Shape, normal_axes

AT_ZERO = "0 at 0"
WHOLE = ("slice", None, None, None)


def lined_up(*nodes: Node) -> list[Node]:
    """The nodes with as many axes as the largest, where their product would be refused.

    Derivatives may be smaller than the array they stand for: a column (n, 1) may meet a
    vector (p,) where the formula itself only has (n, p) and (p,). There the vector is a row.
    """
    rank = max(len(node.shape) for node in nodes)
    columns = {
        axis - len(node.shape)
        for node in nodes
        for axis, size in enumerate(node.shape)
        if size == 1 and len(node.shape) == rank
    }
    if rank < 2 or not columns:
        return list(nodes)
    return [_as_rows(node, rank) if _meets(node, columns) else node for node in nodes]


def _meets(node: Node, columns: set[int]) -> bool:
    """Whether a smaller node has entries along an axis that is 1 in a larger one."""
    rank = len(node.shape)
    return any(-axis <= rank and node.shape[axis] != 1 for axis in columns)


def _as_rows(node: Node, rank: int) -> Node:
    missing = rank - len(node.shape)
    if not missing or not node.shape:
        return node
    items = (("new",),) * missing + (WHOLE,) * len(node.shape)
    return node.graph.make("getitem", node, value=items)


def times(left: Node, right: Node) -> Node:
    """The product of two derivatives, either of which may be smaller than its array."""
    if left.shape and right.shape and left.shape != right.shape:
        left, right = lined_up(left, right)
    return left * right


def over(top: Node, bottom: Node) -> Node:
    """The quotient of two derivatives, either of which may be smaller than its array."""
    if top.shape and bottom.shape and top.shape != bottom.shape:
        top, bottom = lined_up(top, bottom)
    return top / bottom


def total(terms: Sequence[Node]) -> Node:
    """The sum of derivatives, any of which may be smaller than its array."""
    first, *rest = terms
    if not rest:
        return first
    if any(term.shape != first.shape for term in rest):
        terms = lined_up(*terms)
    return first.graph.plus(*terms)


def scalar_factor(node: Node) -> tuple[Node, Node]:
    """``s*v`` as (s, v) with a scalar s; 1 where there is none."""
    one = node.graph.number(1)
    if node.op == "mul" and node.shape and not node.args[0].shape:
        return node.args[0], node.args[1]
    if node.op == "neg" and node.shape:
        scalar, array = scalar_factor(node.args[0])
        return -scalar, array
    if node.op == "div" and node.shape and not node.args[1].shape and node.args[0].shape:
        scalar, array = scalar_factor(node.args[0])
        return scalar / node.args[1], array
    return one, node


def matmul(left: Node, right: Node) -> Node:
    """The matrix product with scalar factors moved to the front; the identity drops out."""
    (a, u), (b, v) = scalar_factor(left), scalar_factor(right)
    if is_eye(u) or is_eye(v):
        return a * b * (v if is_eye(u) else u)
    return a * b * left.graph.make("matmul", u, v)


def filled(node: Node, shape: Shape) -> Node:
    """``node`` repeated to the full ``shape`` if it is smaller."""
    if node.shape == shape:
        return node
    scalar, array = scalar_factor(node)
    if array.shape and array is not node:
        return scalar * filled(array, shape)
    if not node.shape and not node.is_number(0):
        return node * node.graph.make("broadcast", node.graph.number(1), value=shape)
    return node.graph.make("broadcast", node, value=shape)


def eye(matrix: Node) -> Node:
    """The identity of the size of a square matrix."""
    graph = matrix.graph
    ones = graph.make("broadcast", graph.number(1), value=(matrix.shape[0],))
    return graph.make("diag", ones)


def inserted(node: Node, g: Node) -> Node:
    """A value in the shape of a reduction ``node``, made to fit its argument again."""
    axes, keep = node.value
    rank = len(node.args[0].shape)
    if keep or not g.shape or axes is None:
        return g
    g = filled(g, node.shape)
    over = normal_axes(axes, rank)
    if not node.shape:
        return g
    items = tuple(("new",) if i in over else WHOLE for i in range(rank))
    return node.graph.make("getitem", g, value=items)


def count_of(node: Node) -> Node:
    """How many entries a reduction runs over."""
    axes, _ = node.value
    shape = node.args[0].shape
    count = node.graph.number(1)
    for axis in normal_axes(axes, len(shape)):
        count = count * node.graph.size(shape[axis])
    return count


def sum_over(g: Node, axes: tuple[int, ...], keep: bool) -> Node:
    """The sum over ``axes`` with scalar factors in front."""
    scalar, array = scalar_factor(g)
    over = None if len(axes) == len(array.shape) and not keep else axes
    return scalar * g.graph.make("sum", array, value=(over, keep))


def reduced(g: Node, full: Shape, target: Shape) -> Node:
    """Sum an adjoint of something of shape ``full`` back to what was broadcast to it.

    ``g`` may be smaller than ``full``: what it lacks is counted, not summed.
    """
    if full == target:
        return g
    extra = len(full) - len(target)
    missing = len(full) - len(g.shape)
    sums: list[int] = []
    ones: list[int] = []
    factor = g.graph.number(1)
    for axis, size in enumerate(full):
        lost = axis < extra
        if not lost and (target[axis - extra] != 1 or size == 1):
            continue
        own = axis - missing
        if own >= 0 and g.shape[own] != 1:
            (sums if lost else ones).append(own)
        else:
            factor = factor * g.graph.size(size)
            if own >= 0 and lost:
                sums.append(own)
    if ones:
        g = sum_over(g, tuple(ones), True)
    if sums:
        g = sum_over(g, tuple(sums), False)
    return factor * g


def per_norm(u: Node, norm: Node) -> Node:
    """u/|u|, the derivative of a norm: 0, a subgradient, where it is computed at u = 0.

    The mark on the quotient tells it from one that the user wrote, which is undefined there.
    """
    return u.graph.make("div", u, norm, value=AT_ZERO)
