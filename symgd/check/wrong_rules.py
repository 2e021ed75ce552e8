"""Wrong rules: what people do instead of the right rule. Here: chains and powers.

A row is a name, a sentence, and a function from a node and the changes of its
arguments to wrong changes of the node. :mod:`~symgd.check.mistakes` applies one row at
one place of our own derivation and looks whether the claim comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from symgd.derive.arrays import filled
from symgd.derive.rules import RULES, partials_of
from symgd.formula.graph import Node

Change = Node | None
Wrong = Callable[[Node, "list[Change]"], Iterator[Node]]


@dataclass(frozen=True)
class WrongRule:
    """One way to go wrong at an operation."""

    name: str
    sentence: str
    changes: Wrong


def active_places(changes: list[Change]) -> list[int]:
    return [i for i, c in enumerate(changes) if c is not None]


def _outer(node: Node, changes: list[Change]) -> tuple[Node, Node, Node] | None:
    """(outer derivative, inner function, inner change) of a chain in one argument."""
    active = active_places(changes)
    if len(active) != 1 or node.op not in RULES or node.op in ("mul", "div"):
        return None
    (place,) = active
    if RULES[node.op].adjoint is not None:
        return None
    outer = partials_of(node)[place]
    change = changes[place]
    if outer is None or change is None:
        return None
    return outer, node.args[place], change


def _power(node: Node, changes: list[Change]) -> tuple[Node, Node, Node] | None:
    """(base, exponent, change of the base) of a power with a constant exponent."""
    if node.op != "pow" or active_places(changes) != [0] or changes[0] is None:
        return None
    return node.args[0], node.args[1], changes[0]


# -- chain ----------------------------------------------------------------------------------------


def missing_inner(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _outer(node, changes)
    if found is not None and not found[2].is_number(1):
        outer, inner, change = found
        outer = filled(outer, node.shape) if node.shape else outer
        yield outer
        if _is_negative(change, inner):
            yield -outer
    elif node.op == "div" and active_places(changes) == [1]:
        u, v = node.args
        yield -(u / v**2)


def _is_negative(change: Node, inner: Node) -> bool:
    from symgd.derive.tidy import tidy

    return tidy(change, (inner,)).op == "neg"


def inner_sign_lost(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _outer(node, changes)
    if found is not None:
        yield -(found[0] * found[2])


def wrong_inner(node: Node, changes: list[Change]) -> Iterator[Node]:
    """The outer derivative at the inner derivative instead of at the inner function."""
    found = _outer(node, changes)
    if found is None or found[1].op == "sym":
        return
    _, inner, change = found
    place = node.args.index(inner)
    for other in (change, _only_symbol(inner)):
        if other is not None and other.shape == inner.shape and other.op != "num":
            args = [other if i == place else a for i, a in enumerate(node.args)]
            moved = node.graph.make(node.op, *args, value=node.value)
            outer = partials_of(moved)[place]
            if outer is not None:
                yield outer * change
                yield outer


def _only_symbol(node: Node) -> Node | None:
    from symgd.formula.graph import symbols_of

    found = symbols_of(node)
    return found[0] if len(found) == 1 else None


def chain_as_sum(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _outer(node, changes)
    if found is not None and not found[2].is_number(1):
        yield found[0] + found[2]


def outer_missing(node: Node, changes: list[Change]) -> Iterator[Node]:
    """A function in the middle of a chain passed over: f(u)' as u'."""
    found = _outer(node, changes)
    if found is not None and node.op != "pow" and not found[0].is_number(1):
        yield filled(found[2], node.shape) if node.shape else found[2]


def rows_missing(node: Node, changes: list[Change]) -> Iterator[Node]:
    """(X w)' as if every x were 1: the factor X of the inner derivative left out."""
    if node.op == "matmul" and active_places(changes) == [1] and changes[1] is not None:
        summed = node.graph.make("sum", changes[1], value=(None, False))
        yield filled(summed, node.shape) if node.shape else summed


def not_differentiated(node: Node, changes: list[Change]) -> Iterator[Node]:
    """The outer function kept as it is, times the inner derivative."""
    found = _outer(node, changes)
    if found is not None and node.op not in ("pow", "exp"):
        yield node * found[2]


# -- powers ---------------------------------------------------------------------------------------


def factor_lost(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _power(node, changes)
    if found is not None:
        base, exponent, change = found
        yield base ** (exponent - 1) * change
    elif node.op == "sqrt" and changes[0] is not None:
        yield changes[0] / node
    elif node.op == "norm" and changes[0] is not None:
        return


def power_not_lowered(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _power(node, changes)
    if found is not None:
        yield found[1] * node * found[2]
        yield found[1] * node


def exponent_kept(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _power(node, changes)
    if found is not None:
        yield node * found[2]


def exponent_wrong(node: Node, changes: list[Change]) -> Iterator[Node]:
    """n u^(n-2), (n-1) u^(n-1), n u, u^(n+1)/(n+1), n u^(n+1)."""
    found = _power(node, changes)
    if found is not None:
        base, n, change = found
        yield n * base ** (n - 2) * change
        yield (n - 1) * base ** (n - 1) * change
        yield n * base * change
        yield n * base ** (n + 1) * change
        yield -(n * base ** (n - 1) * change)
    elif node.op == "sqrt" and changes[0] is not None:
        u = node.args[0]
        for value in (node / 2, 2 * node, 2 / node, -1 / (2 * node), 1 / (2 * u * node)):
            yield value * changes[0]


def integrated(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _power(node, changes)
    if found is not None:
        base, n, change = found
        if not n.is_number(-1):
            yield base ** (n + 1) / (n + 1) * change
        else:
            yield node.graph.make("log", base) * change


def like_a_power(node: Node, changes: list[Change]) -> Iterator[Node]:
    """x e^(x-1) for e^x, x a^(x-1) for a^x."""
    graph = node.graph
    if node.op == "exp" and changes[0] is not None:
        (u,) = node.args
        yield u * graph.make("exp", u - 1) * changes[0]
    elif node.op == "pow" and changes[0] is None and changes[1] is not None:
        base, exponent = node.args
        yield exponent * base ** (exponent - 1) * changes[1]


def one_side_of_power(node: Node, changes: list[Change]) -> Iterator[Node]:
    """x^x as if only the base, or only the exponent, moved."""
    if node.op == "pow" and active_places(changes) == [0, 1]:
        base, exponent = node.args
        yield exponent * base ** (exponent - 1) * changes[0]  # type: ignore[operator]
        yield node * node.graph.make("log", base) * changes[1]  # type: ignore[operator]


def log_of_base(node: Node, changes: list[Change]) -> Iterator[Node]:
    graph = node.graph
    base = {"log2": 2, "log10": 10}.get(node.op)
    if base is not None and changes[0] is not None:
        factor = graph.make("log", graph.number(base))
        yield changes[0] / node.args[0]
        yield factor / node.args[0] * changes[0]
    elif node.op == "pow" and active_places(changes) == [1]:
        change: Node = changes[1]  # type: ignore[assignment]
        yield node * change
        yield node / graph.make("log", node.args[0]) * change
    elif node.op == "log" and changes[0] is not None:
        ten = graph.make("log", graph.number(10))
        yield changes[0] / (node.args[0] * ten)
