"""A loss as a sum of squares: its terms weight*residual^2, read from the graph.

>>> from symgd.formula.graph import depends_on, topological
>>> from symgd.formula.problem import read
>>> p = read("mean((y - (m*x + b))^2) + 0.1*(m^2 + b^2)")
>>> active = depends_on(topological(p.root), [p.symbol("m"), p.symbol("b")])
>>> terms = SquareTerms(active)
>>> terms.total(p.root, p.root.graph.number(1)), [t.residual for t in terms.terms]
(True, [<Node y - (m*x + b)>, <Node m>, <Node b>])
"""

from __future__ import annotations

from dataclasses import dataclass

from symgd.formula.graph import Node
from symgd.formula.shapes import normal_axes


@dataclass(frozen=True)
class Square:
    """One term ``sum(weight * residual^2)``; the weight has no parameters in it."""

    weight: Node
    residual: Node


def whole_power(node: Node) -> int | None:
    """k of ``u^k`` for a whole number k > 0."""
    exponent = node.args[1]
    if exponent.op != "num" or exponent.value.denominator != 1 or exponent.value <= 0:
        return None
    return int(exponent.value)


class SquareTerms:
    """Splits a loss into terms weight*residual^2; what has no parameters is offset."""

    def __init__(self, active: set[Node]) -> None:
        self.active = active
        self.terms: list[Square] = []
        self.offset: list[Node] = []

    def total(self, root: Node, one: Node) -> bool:
        """Whether ``root`` is a sum of such terms; they are collected."""
        stack = [(root, one)]
        while stack:
            node, weight = stack.pop()
            if node not in self.active:
                self.offset.append(weight * node)
                continue
            parts = self._split(node, weight)
            if parts is None:
                return False
            stack.extend(reversed(parts))
        return True

    def _split(self, node: Node, weight: Node) -> list[tuple[Node, Node]] | None:
        """The parts whose weighted totals add up to that of ``node``; None if not a square."""
        if node.op == "add":
            return self._terms(node, weight)
        if node.op == "neg":
            return [(node.args[0], -weight)]
        if node.op in ("mul", "div"):
            return self._scaled(node, weight)
        if node.op in ("sum", "mean") and not weight.shape:
            (inner,) = node.args
            if node.op == "mean":
                weight = weight / _count(node)
            return [(inner, weight)]
        if node.op == "where" and node.args[0] not in self.active:
            return self._cases(node, weight)
        return [] if self._square(node, weight) else None

    def _terms(self, node: Node, weight: Node) -> list[tuple[Node, Node]] | None:
        parts = []
        for arg in node.args:
            own = weight
            if arg.shape != node.shape:
                if arg.shape or weight.shape:
                    return None
                own = weight * _entries(node)
            parts.append((arg, own))
        return parts

    def _scaled(self, node: Node, weight: Node) -> list[tuple[Node, Node]] | None:
        first, second = node.args
        if node.op == "div" and second not in self.active:
            return self._with(first, node, weight / second)
        if node.op == "mul" and first not in self.active:
            return self._with(second, node, weight * first)
        if node.op == "mul" and second not in self.active:
            return self._with(first, node, weight * second)
        if node.op == "mul":
            roots = (first, first) if first is second else (_root(first), _root(second))
            if first is second or (roots[0] is not None and roots[1] is not None):
                product = first if first is second else roots[0] * roots[1]  # type: ignore[operator]
                self.terms.append(Square(weight, product))
                return []
        return None

    def _with(self, inner: Node, node: Node, weight: Node) -> list[tuple[Node, Node]] | None:
        """``inner`` with a weight of its own shape (or a scalar)."""
        if inner.shape == node.shape:
            return [(inner, weight)]
        if inner.shape:
            return None
        graph = node.graph
        total = weight if weight.shape else weight * _entries(node)
        if weight.shape:
            total = graph.make("sum", weight, value=(None, False))
        return [(inner, total)]

    def _cases(self, node: Node, weight: Node) -> list[tuple[Node, Node]] | None:
        condition, then, otherwise = node.args
        if {then.shape, otherwise.shape} != {node.shape}:
            return None
        graph = node.graph
        zero = graph.number(0)
        return [
            (then, graph.where(condition, weight, zero)),
            (otherwise, graph.where(condition, zero, weight)),
        ]

    def _square(self, node: Node, weight: Node) -> bool:
        """Collect ``u^2k`` and ``u @ u``."""
        if node.op == "pow":
            power = whole_power(node)
            if power is None or power % 2:
                return False
            self.terms.append(Square(weight, node.args[0] ** (power // 2)))
            return True
        if node.op == "matmul" and node.args[0] is node.args[1] and not node.shape:
            self.terms.append(Square(weight, node.args[0]))
            return True
        if node.op == "trace" and node.args[0].op == "matmul" and not weight.shape:
            left, right = node.args[0].args
            if left.T is right:
                self.terms.append(Square(weight, left))
                return True
        return False


def _root(node: Node) -> Node | None:
    """u of ``u^2``, ``u^4``, ..."""
    if node.op != "pow":
        return None
    power = whole_power(node)
    return None if power is None or power % 2 else node.args[0] ** (power // 2)


def negative(weight: Node) -> bool:
    """Whether a weight is seen to be negative before there are data."""
    return weight.op == "neg" or (weight.op == "num" and bool(weight.value < 0))


def _count(node: Node) -> Node:
    """How many entries a mean runs over."""
    inner = node.args[0]
    product = node.graph.number(1)
    for axis in normal_axes(node.value[0], len(inner.shape)):
        product = product * node.graph.size(inner.shape[axis])
    return product


def _entries(node: Node) -> Node:
    """The number of entries of an array."""
    product = node.graph.number(1)
    for size in node.shape:
        product = product * node.graph.size(size)
    return product
