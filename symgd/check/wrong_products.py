"""Wrong rules for products, quotients and matrix products."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from symgd.check.wrong_rules import Change, active_places
from symgd.derive.arrays import filled
from symgd.formula.graph import Node


def _both(node: Node, changes: list[Change]) -> tuple[Node, Node, Node, Node] | None:
    if node.op not in ("mul", "div", "matmul") or active_places(changes) != [0, 1]:
        return None
    (u, v), (du, dv) = node.args, changes
    assert du is not None
    assert dv is not None
    if node.op == "matmul":
        du, dv = filled(du, u.shape), filled(dv, v.shape)
    return u, v, du, dv


def _times(node: Node) -> Callable[[Node, Node], Node]:
    if node.op == "matmul":
        return lambda a, b: node.graph.make("matmul", a, b)
    return lambda a, b: a * b


def product_of_derivatives(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _both(node, changes)
    if found is not None and node.op != "div":
        _, _, du, dv = found
        yield _times(node)(du, dv)


def one_product_term(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _both(node, changes)
    if found is not None and node.op != "div":
        u, v, du, dv = found
        times = _times(node)
        yield times(du, v)
        yield times(u, dv)
        yield times(du, dv) + times(u, dv)


def product_sign(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _both(node, changes)
    if found is not None and node.op != "div":
        u, v, du, dv = found
        times = _times(node)
        yield times(du, v) - times(u, dv)
        yield times(u, dv) - times(du, v)


def quotient_of_derivatives(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _both(node, changes)
    if found is not None and node.op == "div":
        yield found[2] / found[3]
        yield found[2] / found[1]


def quotient_sign(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _both(node, changes)
    if found is not None and node.op == "div":
        u, v, du, dv = found
        yield (du * v + u * dv) / v**2
    elif node.op == "div" and active_places(changes) == [1]:
        u, v = node.args
        yield u * changes[1] / v**2  # type: ignore[operator]


def quotient_order(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _both(node, changes)
    if found is not None and node.op == "div":
        u, v, du, dv = found
        yield (u * dv - du * v) / v**2
        yield (du * v - u * dv) / u**2


def quotient_square(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _both(node, changes)
    if found is not None and node.op == "div":
        u, v, du, dv = found
        yield (du * v - u * dv) / v
        yield du * v - u * dv
    elif node.op == "div" and active_places(changes) == [1]:
        u, v = node.args
        yield -(u * changes[1] / v)  # type: ignore[operator]
        yield u / changes[1]  # type: ignore[operator]


def quotient_terms(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _both(node, changes)
    if found is not None and node.op == "div":
        u, v, du, dv = found
        yield (du * dv - u * dv) / v**2
        yield (du * v - dv) / v**2
        yield (du - u * dv) / v**2
        yield -(u * dv) / v**2
