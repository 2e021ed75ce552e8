"""The forward walk: how the change of one symbol runs through the formula.

Where the sweep starts at the loss, this walk starts at the symbol and applies
the chain rule the way it is taught: outer derivative at the inner function, times
the inner derivative. It is the second, independent derivation that every result of
the sweep is compared with, and the one the steps are told by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from symgd.derive.arrays import count_of, filled, over, reduced, sum_over, times, total
from symgd.derive.rules import RULES, partials_of
from symgd.errors import UnsupportedError
from symgd.formula.graph import Node, depends_on, topological
from symgd.formula.shapes import normal_axes

Tangent = Callable[[Node, "list[Node | None]"], "Node | None"]


def tangents(root: Node, changes: Mapping[Node, Node]) -> dict[Node, Node]:
    """The derivative of every node along ``changes`` (symbol -> its change).

    With ``{m: 1}`` this is d/dm; with an array symbol and a direction v it is the
    directional derivative.
    """
    order = topological(root)
    active = depends_on(order, changes)
    found: dict[Node, Node] = dict(changes)
    for node in order:
        if node in found or node not in active:
            continue
        change = tangent_of(node, [found.get(a) for a in node.args])
        if change is not None:
            found[node] = change
    return found


def tangent_of(node: Node, changes: list[Node | None]) -> Node | None:
    """The change of ``node`` from the changes of its arguments (``None`` is no change)."""
    special = _TANGENTS.get(node.op)
    if special is not None:
        return special(node, changes)
    rule = RULES.get(node.op)
    if rule is None or rule.adjoint is not None:
        raise UnsupportedError(f"the forward derivative of {node.op} is not known")
    terms = [
        times(d, change)
        for d, change in zip(partials_of(node), changes, strict=True)
        if d is not None and change is not None and not change.is_number(0)
    ]
    return _total(node, terms)


def _total(node: Node, terms: list[Node]) -> Node | None:
    return total(terms) if terms else None


def _add(node: Node, changes: list[Node | None]) -> Node | None:
    return _total(node, [c for c in changes if c is not None])


def _neg(node: Node, changes: list[Node | None]) -> Node | None:
    return None if changes[0] is None else -changes[0]


def _div(node: Node, changes: list[Node | None]) -> Node | None:
    """(u/v)' = (u'v - uv')/v^2, and u'/v for a constant v."""
    (u, v), (du, dv) = node.args, changes
    if dv is None:
        return None if du is None else over(du, v)
    if du is None:
        return -over(times(u, dv), v**2)
    return over(total([times(du, v), -times(u, dv)]), v**2)


def _where(node: Node, changes: list[Node | None]) -> Node | None:
    _, du, dv = changes
    if du is None and dv is None:
        return None
    zero = node.graph.number(0)
    return node.graph.where(node.args[0], du or zero, dv or zero)


def _extremum(comparison: str) -> Tangent:
    def tangent(node: Node, changes: list[Node | None]) -> Node | None:
        u, v = node.args
        graph, zero = node.graph, node.graph.number(0)
        strict = comparison + "t"
        first = strict if v.op in ("num", "const") else comparison + "e"
        terms = []
        for op, a, b, change in ((first, u, v, changes[0]), (strict, v, u, changes[1])):
            if change is not None:
                terms.append(graph.where(graph.make(op, a, b), change, zero))
        return _total(node, terms)

    return tangent


def _linear(node: Node, changes: list[Node | None]) -> Node | None:
    """Operations that are linear in their one argument."""
    if changes[0] is None:
        return None
    change = filled(changes[0], node.args[0].shape)
    return node.graph.make(node.op, change, value=node.value)


def _sum(node: Node, changes: list[Node | None]) -> Node | None:
    change = changes[0]
    if change is None:
        return None
    axes, keep = node.value
    full = node.args[0].shape
    if axes is None and not keep:
        summed = reduced(change, full, ())
    else:
        summed = sum_over(filled(change, full), normal_axes(axes, len(full)), keep)
    return summed / count_of(node) if node.op == "mean" else summed


def _by_weights(node: Node, changes: list[Node | None]) -> Node | None:
    """Reductions to fewer entries: the adjoint at weight 1, times the change, summed."""
    change = changes[0]
    if change is None:
        return None
    graph = node.graph
    (weight,) = RULES[node.op].adjoint(node, graph.number(1))  # type: ignore[misc]
    if weight is None:
        return None
    axes, keep = node.value
    product = filled(times(weight, change), node.args[0].shape)
    return graph.make("sum", product, value=(axes, keep))


def _bilinear(node: Node, changes: list[Node | None]) -> Node | None:
    (a, b), (da, db) = node.args, changes
    make = node.graph.make
    terms = []
    if da is not None:
        terms.append(make(node.op, filled(da, a.shape), b))
    if db is not None:
        terms.append(make(node.op, a, filled(db, b.shape)))
    return _total(node, terms)


def _softmax(node: Node, changes: list[Node | None]) -> Node | None:
    if changes[0] is None:
        return None
    change = filled(changes[0], node.shape)
    inner = node.graph.make("sum", node * change, value=((node.value,), True))
    return node * (change - inner)


def _trace_of(factor: Callable[[Node], Node]) -> Tangent:
    """det and logdet: a factor times tr(A^-1 dA)."""

    def tangent(node: Node, changes: list[Node | None]) -> Node | None:
        if changes[0] is None:
            return None
        (a,), make = node.args, node.graph.make
        change = filled(changes[0], a.shape)
        return factor(node) * make("trace", make("matmul", make("inv", a), change))

    return tangent


def _inv(node: Node, changes: list[Node | None]) -> Node | None:
    if changes[0] is None:
        return None
    make = node.graph.make
    return -make("matmul", make("matmul", node, filled(changes[0], node.shape)), node)


def _solve(node: Node, changes: list[Node | None]) -> Node | None:
    (a, b), (da, db) = node.args, changes
    make = node.graph.make
    right = filled(db, b.shape) if db is not None else None
    if da is not None:
        pulled = make("matmul", filled(da, a.shape), node)
        right = -pulled if right is None else right - pulled
    return None if right is None else make("solve", a, right)


_TANGENTS: dict[str, Tangent] = {
    "add": _add, "neg": _neg, "div": _div, "where": _where,
    "maximum": _extremum("g"), "minimum": _extremum("l"),
    "sum": _sum, "mean": _sum,
    "prod": _by_weights, "amax": _by_weights, "amin": _by_weights, "logsumexp": _by_weights,
    "norm": _by_weights, "norm1": _by_weights,
    "matmul": _bilinear, "outer": _bilinear, "softmax": _softmax,
    "det": _trace_of(lambda node: node), "logdet": _trace_of(lambda node: node.graph.number(1)),
    "inv": _inv, "solve": _solve,
}  # fmt: skip
_TANGENTS |= dict.fromkeys(
    ("transpose", "trace", "diag", "getitem", "scatter", "broadcast"), _linear
)
