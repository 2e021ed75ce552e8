"""Sums, means and the like: over all entries, over ``axis=``, or over an index."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from symgd.errors import ShapeProblem, SyntaxProblem
from symgd.formula.graph import Node
from symgd.formula.shapes import Unknown, settled
from symgd.formula.syntax import Big, Syntax
from symgd.formula.values import Indexed, Value, node_of

if TYPE_CHECKING:
    from symgd.formula.builder import Builder


def big(builder: Builder, piece: Syntax) -> Value:
    """``sum_i ...``: the axis named by the index is summed."""
    operator: Big = piece.value
    value = builder.argument(piece.args[0])
    if operator.lower not in (None, 1):
        raise ShapeProblem(f"the sum starts at {operator.lower}; sums over data start at 1")
    if not isinstance(value, Indexed) or operator.index not in value.axes:
        return _constant_sum(builder, operator, value)
    axis = value.axes.index(operator.index)
    rest = tuple(a for a in value.axes if a != operator.index)
    over = None if len(value.node.shape) == 1 else (axis,)
    node = builder.make(operator.operation, value.node, value=(over, False))
    return Indexed(node, rest, value.row) if rest or value.row else node


def _constant_sum(builder: Builder, operator: Big, value: Value) -> Value:
    """A sum whose body does not depend on its index: a multiple."""
    if operator.operation == "mean":
        return value
    if operator.upper is None:
        raise ShapeProblem(
            f"nothing in the sum depends on {operator.index}, so its length is not known",
            hint=f"write the limits: sum(..., {operator.index}=1..N)",
        )
    count = builder.size(operator.upper)
    if operator.operation == "prod":
        return builder.combine("pow", value, count)
    return builder.combine("mul", count, value)


def reduction(builder: Builder, piece: Syntax, value: Value) -> Value:
    """``sum(u)``, ``mean(u, axis=0)``, ``norm(x_i)``."""
    keywords = piece.value.keywords
    name, axis = piece.value.name, keywords.get("axis")
    keep = bool(keywords.get("keepdims", False))
    axes = None if axis is None else (int(axis),)
    value = builder.settle(value)
    if isinstance(value, Indexed) and value.axes:
        if axes is not None:
            raise ShapeProblem("axis= is not read inside an indexed sum")
        return _over_indices(builder, piece, value, keep)
    node = node_of(value)
    if not node.shape:
        said = builder.text[piece.args[0].start : piece.args[0].end]
        raise ShapeProblem(
            f"{name} has nothing to run over: {said} is a single number",
            hint="declare the data columns (columns=) or shapes (shapes=), "
            "or write the sum with an index and its limits",
        )
    return _reduced(builder, name, node, axes, keep)


def _over_indices(builder: Builder, piece: Syntax, value: Indexed, keep: bool) -> Value:
    """A reduction inside an indexed sum runs over its own index, or over the own axes."""
    name = piece.value.name
    limits, bound = builder.found.limits, builder.found.scopes.get(id(piece), ())
    mine = [a for a in value.axes if a in bound[-1:] and limits.get(a, "") is None]
    rest = tuple(a for a in value.axes if a not in mine)
    if not rest:
        return _reduced(builder, name, value.node, None, keep)
    over = tuple(range(len(rest), len(value.node.shape)))
    if not over or value.axes[: len(rest)] != rest:
        raise ShapeProblem(
            f"{name} over the indices {', '.join(rest)} needs its own index",
            hint="write sum_i ... for the sum over i",
        )
    return Indexed(_reduced(builder, name, value.node, over, keep), rest)


def _reduced(
    builder: Builder, name: str, node: Node, axes: tuple[int, ...] | None, keep: bool
) -> Node:
    if name not in ("var", "std"):
        return builder.make(name, node, value=(axes, keep))
    middle = builder.make("mean", node, value=(axes, axes is not None))
    deviation = builder.make("add", node, builder.make("neg", middle))
    square = builder.make("pow", deviation, builder.graph.number(2))
    variance = builder.make("mean", square, value=(axes, keep))
    return variance if name == "var" else builder.make("sqrt", variance)


# -- calls that are made of other operations ------------------------------------------------------


def _size(builder: Builder, piece: Syntax, values: list[Value]) -> Value:
    (value,) = values
    if isinstance(value, Indexed) and value.axes:
        raise ShapeProblem("size of an indexed name is the length of its sum")
    product: Node | None = None
    for dim in node_of(value).shape:
        known = settled(dim)
        node = builder.size(1 if isinstance(known, Unknown) else known)
        product = node if product is None else builder.make("mul", product, node)
    return product or builder.size(1)


def _like(builder: Builder, piece: Syntax, values: list[Value]) -> Value:
    """``ones_like(x)`` and ``full_like(x, c)``."""
    if any(isinstance(v, Indexed) and v.axes for v in values):
        raise ShapeProblem(f"{piece.value.name} of indexed names is not read; write the number")
    shape = node_of(values[0]).shape
    fill = node_of(values[1]) if len(values) > 1 else builder.graph.number(1)
    if fill.shape:
        raise ShapeProblem("full_like fills with a number, not with an array")
    if any(isinstance(settled(s), Unknown) for s in shape):
        return node_of(values[0])
    if not shape:
        return fill
    ones = builder.make("broadcast", builder.graph.number(1), value=shape)
    return ones if len(values) == 1 else builder.make("mul", fill, ones)


def _matrix_power(builder: Builder, piece: Syntax, values: list[Value]) -> Value:
    exponent = piece.args[1]
    negative = exponent.kind == "neg"
    literal = exponent.args[0] if negative else exponent
    if literal.kind != "number" or literal.value.denominator != 1 or not 1 <= literal.value <= 64:
        raise SyntaxProblem(
            "the exponent of matrix_power is a whole number from 1 to 64", builder.text,
            exponent.start,
        )  # fmt: skip
    if isinstance(values[0], Indexed) and values[0].axes:
        raise ShapeProblem("matrix_power of indexed names is not read; write it with arrays")
    base = node_of(values[0])
    if negative:
        base = builder.make("inv", base)
    result = base
    for _ in range(int(literal.value) - 1):
        result = builder.make("matmul", result, base)
    return result


SPECIAL: dict[str, Callable[[Builder, Syntax, list[Value]], Value]] = {
    "size": _size,
    "ones_like": _like,
    "full_like": _like,
    "matrix_power": _matrix_power,
}
