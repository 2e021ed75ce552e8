"""Small pieces that adjoints of arrays are made of."""

from __future__ import annotations

from symgd.formula.graph import Node
from symgd.formula.shapes import Shape, normal_axes

WHOLE = ("slice", None, None, None)


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
    """The matrix product with scalar factors moved to the front."""
    (a, u), (b, v) = scalar_factor(left), scalar_factor(right)
    return a * b * left.graph.make("matmul", u, v)


def filled(node: Node, shape: Shape) -> Node:
    """``node`` repeated to the full ``shape`` if it is smaller."""
    if node.shape == shape:
        return node
    scalar, array = scalar_factor(node)
    if array.shape and array is not node:
        return scalar * filled(array, shape)
    if not node.shape:
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
