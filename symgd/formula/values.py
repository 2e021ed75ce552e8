"""What a piece of syntax becomes: a node, or a node whose leading axes are indices of a sum."""

from __future__ import annotations

from dataclasses import dataclass

from symgd.formula.graph import Node

Scope = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Indexed:
    """A value inside a big operator: leading axes named by indices, then its own axes."""

    node: Node
    axes: Scope
    row: bool = False
    """A transposed vector: a following factor is multiplied as a matrix product."""
    factor: Value | None = None
    """A number that multiplies the transposed vector, as in ``s_i x_i^T w``."""


Value = Node | Indexed


def node_of(value: Value) -> Node:
    """The node, without its indices."""
    return value.node if isinstance(value, Indexed) else value


def axes_of(*values: Value) -> Scope:
    """The indices of all values, in the order of first use."""
    axes: dict[str, None] = {}
    for value in values:
        if isinstance(value, Indexed):
            axes |= dict.fromkeys(value.axes)
    return tuple(axes)


def inner_rank(value: Value) -> int:
    """How many axes a value has besides those of its indices."""
    return len(node_of(value).shape) - len(axes_of(value))


def is_row(value: Value) -> bool:
    """Whether the value is a transposed vector."""
    return isinstance(value, Indexed) and value.row
