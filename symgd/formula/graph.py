"""The typed graph: the one representation of a formula in the house.

A :class:`Node` is an operation, its arguments in the user's order, and a shape.
Nodes are immutable and hash-consed: within one :class:`Graph` the same
operation on the same arguments *is* the same node, so a shared subexpression is
stored, derived and computed once, and equality of structure is ``is``.

Two ways to build: :meth:`Graph.make` keeps exactly what it is given (the parser
uses it), the operators ``+ - * / **`` drop zeros and ones (derivations use
them). Neither reorders or expands anything.

>>> g = Graph()
>>> x = g.symbol("x")
>>> x * x is x * x, str((2 * x + 0).op)
(True, 'mul')
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from symgd.errors import LimitProblem
from symgd.formula.shapes import Shape, result_shape

MAX_NODES = 200_000

Number = int | Fraction
LEAVES = frozenset({"num", "sym", "dim", "const"})
COMPARISONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
LOGIC = COMPARISONS | {"and", "or", "not"}


class Node:
    """One operation of a formula.

    ``op`` names the operation, ``args`` are its arguments, ``value`` is what is
    not a node: the exact number of a ``num``, the name of a ``sym``, the axes of
    a ``sum``. ``shape`` is a tuple of sizes, each an int or a name such as "N".
    """

    __slots__ = ("args", "graph", "op", "serial", "shape", "value")

    op: str
    args: tuple[Node, ...]
    value: Any
    shape: Shape
    graph: Graph
    serial: int

    def __add__(self, other: Node | Number) -> Node:
        return self.graph.plus(self, self.graph.lift(other))

    def __radd__(self, other: Number) -> Node:
        return self.graph.plus(self.graph.lift(other), self)

    def __sub__(self, other: Node | Number) -> Node:
        return self.graph.plus(self, -self.graph.lift(other))

    def __rsub__(self, other: Number) -> Node:
        return self.graph.plus(self.graph.lift(other), -self)

    def __mul__(self, other: Node | Number) -> Node:
        return self.graph.times(self, self.graph.lift(other))

    def __rmul__(self, other: Number) -> Node:
        return self.graph.times(self.graph.lift(other), self)

    def __truediv__(self, other: Node | Number) -> Node:
        return self.graph.over(self, self.graph.lift(other))

    def __rtruediv__(self, other: Number) -> Node:
        return self.graph.over(self.graph.lift(other), self)

    def __pow__(self, other: Node | Number) -> Node:
        return self.graph.power(self, self.graph.lift(other))

    def __neg__(self) -> Node:
        if self.op == "num":
            return self.graph.number(-self.value)
        if self.op == "neg":
            return self.args[0]
        return self.graph.make("neg", self)

    def __matmul__(self, other: Node) -> Node:
        return self.graph.make("matmul", self, other)

    @property
    def T(self) -> Node:
        """The transpose; a vector is its own."""
        if len(self.shape) < 2:
            return self
        if self.op == "transpose":
            return self.args[0]
        return self.graph.make("transpose", self)

    def is_number(self, value: Number) -> bool:
        return self.op == "num" and bool(self.value == value)

    def __repr__(self) -> str:
        from symgd.formula.text import to_text

        return f"<Node {to_text(self)}>"


class Graph:
    """The home of nodes that share their subexpressions."""

    __slots__ = ("_count", "_nodes", "_numbers", "decimal")

    def __init__(self) -> None:
        self._nodes: dict[Any, Node] = {}
        self._numbers: dict[Number, Node] = {}
        self._count = 0
        self.decimal = False
        """The user writes decimals, so results are shown as decimals too."""

    def __len__(self) -> int:
        return self._count

    def make(self, op: str, *args: Node, value: Any = None) -> Node:
        """The node for ``op`` on ``args``, exactly as given."""
        key = (op, value, *[a.serial for a in args])
        node = self._nodes.get(key)
        if node is None:
            node = self._new(key, op, args, value, result_shape(op, args, value))
        return node

    def _new(self, key: Any, op: str, args: tuple[Node, ...], value: Any, shape: Shape) -> Node:
        self._count += 1
        if self._count > 50 * MAX_NODES:
            raise LimitProblem(f"a graph of more than {50 * MAX_NODES:,} nodes")
        node = Node()
        node.op, node.args, node.value = op, args, value
        node.shape, node.graph, node.serial = shape, self, self._count
        self._nodes[key] = node
        return node

    def _leaf(self, op: str, value: Any, shape: Shape = ()) -> Node:
        key = (op, value)
        node = self._nodes.get(key)
        if node is None:
            node = self._new(key, op, (), value, shape)
        return node

    def leaf_like(self, node: Node) -> Node:
        """The leaf of this graph that equals a leaf of another one."""
        if node.op == "num":
            return self.number(node.value)
        return self._leaf(node.op, node.value, node.shape)

    def number(self, value: Number) -> Node:
        """An exact number."""
        key = value.numerator if value.denominator == 1 else value
        node = self._numbers.get(key)
        if node is None:
            exact = Fraction(value)
            node = self._numbers[key] = self._new(("num", exact), "num", (), exact, ())
        return node

    def symbol(self, name: str, shape: Shape = ()) -> Node:
        """The symbol ``name``; one name has one shape in a graph."""
        node = self._leaf("sym", name, shape)
        if node.shape != shape:
            raise ValueError(f"{name} already has the shape {node.shape}, not {shape}")
        return node

    def constant(self, name: str) -> Node:
        """``pi`` or ``e``."""
        return self._leaf("const", name)

    def size(self, dim: int | str) -> Node:
        """A size as a number: an int, or a named one such as the number of rows ``N``."""
        return self.number(dim) if isinstance(dim, int) else self._leaf("dim", dim)

    def lift(self, value: Node | Number) -> Node:
        if isinstance(value, Node):
            if value.graph is not self:
                raise ValueError("nodes of two graphs cannot be mixed")
            return value
        return self.number(value)

    # -- builders that drop what changes nothing --------------------------------------------

    def plus(self, *terms: Node) -> Node:
        """The sum without zeros; a nested sum keeps its brackets."""
        kept = [t for t in terms if not t.is_number(0)]
        if not kept:
            return self.number(0)
        if len(kept) == 1:
            return kept[0]
        if all(t.op == "num" for t in kept):
            return self.number(sum((t.value for t in kept[1:]), kept[0].value))
        return self.make("add", *kept)

    def times(self, left: Node, right: Node) -> Node:
        """The product without ones; signs, masks and scalar factors come to the front.

        ``(a*v)*(b*w)`` with scalars a, b and arrays v, w is ``(a*b)*(v*w)``, so
        that a factor that all rows share is multiplied once.
        """
        if right.op == "num":
            left, right = right, left
        if left.op == "num":
            simple = self._times_number(left, right)
            if simple is not None:
                return simple
        if left.op == "neg":
            return -(left.args[0] * right)
        if right.op == "neg":
            return -(left * right.args[0])
        if _is_masked(left):
            return self.where(left.args[0], left.args[1] * right, left.args[2])
        if _is_masked(right):
            return self.where(right.args[0], left * right.args[1], right.args[2])
        if left.shape or right.shape:
            return self._times_arrays(left, right)
        return self.make("mul", left, right)

    def _times_number(self, number: Node, other: Node) -> Node | None:
        value = number.value
        if other.op == "num":
            return self.number(value * other.value)
        if value == 0:
            return number
        if value == 1:
            return other
        if value < 0:
            return -self.times(self.number(-value), other)
        if other.op == "mul" and other.args[0].op == "num":
            return self.times(self.number(value * other.args[0].value), other.args[1])
        if other.op == "div" and other.args[0].op == "num":
            return self.over(self.number(value * other.args[0].value), other.args[1])
        return None

    def _times_arrays(self, left: Node, right: Node) -> Node:
        (a, v), (b, w) = _scaled(left), _scaled(right)
        scalar = b if a is None else a if b is None else a * b
        array = self.make("mul", v, w) if v is not None and w is not None else v or w
        assert array is not None, "one of the factors is an array"
        if scalar is None:
            return array
        if scalar.op == "neg":
            return -self.times(scalar.args[0], array)
        if scalar.is_number(1):
            return array
        return self.make("mul", scalar, array)

    def over(self, top: Node, bottom: Node) -> Node:
        if bottom.is_number(1) or top.is_number(0):
            return top
        if bottom.is_number(-1):
            return -top
        if top.op == "num" and bottom.op == "num" and bottom.value:
            return self.number(top.value / bottom.value)
        if top.op == "neg":
            return -(top.args[0] / bottom)
        if bottom.op == "neg":
            return -(top / bottom.args[0])
        if _is_masked(top):
            return self.where(top.args[0], top.args[1] / bottom, top.args[2])
        return self.make("div", top, bottom)

    def power(self, base: Node, exponent: Node) -> Node:
        if exponent.is_number(1):
            return base
        if exponent.is_number(0):
            return self.number(1)
        if base.op == "num" and exponent.op == "num":
            whole = exponent.value.denominator == 1 and abs(exponent.value) <= 64
            if whole and (base.value or exponent.value > 0):
                return self.number(base.value ** int(exponent.value))
        return self.make("pow", base, exponent)

    def where(self, condition: Node, then: Node, otherwise: Node) -> Node:
        """``then`` where the condition holds; a zero that stays a zero is dropped."""
        if then is otherwise:
            return then
        if then.op == "where" and then.args[0] is condition:
            then = then.args[1]
        return self.make("where", condition, then, otherwise)


def _is_masked(node: Node) -> bool:
    """``where(c, u, 0)``: a factor goes inside, so that 0 wins over inf and nan."""
    return node.op == "where" and node.args[2].is_number(0)


def _scaled(node: Node) -> tuple[Node | None, Node | None]:
    """A factor as (scalar or None, array or None)."""
    if not node.shape:
        return node, None
    if node.op == "mul" and not node.args[0].shape:
        return node.args[0], node.args[1]
    return None, node


def topological(*roots: Node) -> list[Node]:
    """Every node below ``roots``, arguments before the nodes that use them; no recursion."""
    order: list[Node] = []
    seen: set[Node] = set()
    stack: list[Node | None] = []
    entered: list[Node] = []
    for root in roots:
        stack.append(root)
        while stack:
            node = stack.pop()
            if node is None:  # all arguments of the one entered last are done
                order.append(entered.pop())
            elif node not in seen:
                seen.add(node)
                if node.args:
                    entered.append(node)
                    stack.append(None)
                    stack.extend(node.args[::-1])
                else:
                    order.append(node)
    return order


def is_eye(node: Node) -> bool:
    """Whether a node is an identity matrix: the diagonal matrix of ones."""
    if node.op != "diag" or len(node.shape) != 2:
        return False
    ones = node.args[0]
    return ones.op == "broadcast" and ones.args[0].is_number(1)


def is_condition(node: Node) -> bool:
    """Whether the values of a node are true and false: a comparison, or entries of one."""
    while node.op == "getitem":
        node = node.args[0]
    return node.op in LOGIC


def depends_on(order: Iterable[Node], symbols: Iterable[Node]) -> set[Node]:
    """The nodes of a topological ``order`` in which one of ``symbols`` occurs."""
    found = set(symbols)
    for node in order:
        if any(arg in found for arg in node.args):
            found.add(node)
    return found


def symbols_of(*roots: Node) -> list[Node]:
    """The symbols below ``roots`` in the order in which they first occur."""
    found: dict[Node, None] = {}
    seen: set[Node] = set()
    stack = list(reversed(roots))
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if node.op == "sym":
            found[node] = None
        stack.extend(reversed(node.args))
    return list(found)


def rebuild(order: Iterable[Node], replace: dict[Node, Node], graph: Graph) -> dict[Node, Node]:
    """The same nodes in ``graph`` with some of them replaced: old node -> new node.

    ``order`` is topological. Shapes are inferred again, so a replacement may
    have another shape than the node it replaces.
    """
    new = dict(replace)
    for node in order:
        if node in new:
            continue
        if node.op in LEAVES:
            new[node] = graph.leaf_like(node)
        else:
            new[node] = graph.make(node.op, *[new[a] for a in node.args], value=node.value)
    return new
