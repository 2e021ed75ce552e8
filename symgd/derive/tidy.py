"""Textbook form: signs, constants and factors gathered; the user's brackets kept.

The sweep gives ``-(1/N)*sum(2*(y - (m*x + b))*x)``; a person writes
``-2/N*sum(x*(y - (m*x + b)))``. Products are flattened, numbers multiplied, equal
factors become powers, what all rows share leaves the sum, like terms are added, what
all terms share is put in front. Nothing of the user's is expanded: ``6*(x - 2)`` stays,
and so does every bracket, unless a quotient gets shorter without it.

The result equals what it came from wherever that is defined.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from symgd.derive.collect import (
    collected,
    leading_positive,
    shorter_numerator,
    sum_of,
    without_brackets,
)
from symgd.derive.products import HALF, ONE, PRODUCTS, Power, Product, build, opened
from symgd.formula.graph import LEAVES, Graph, Node, is_eye, topological
from symgd.formula.shapes import Shape

MAX_NODES = 20_000
MAX_FACTORS = 200


@dataclass(frozen=True)
class Given:
    """The user's formula, as tidying sees it: all its nodes, and its sums by their terms."""

    kept: frozenset[Node]
    sums: Mapping[frozenset[Node], Node]

    @classmethod
    def of(cls, *roots: Node) -> Given:
        """What ``roots`` consist of."""
        kept = frozenset(topological(*roots))
        return cls(kept, {frozenset(n.args): n for n in kept if n.op == "add"})


def tidy(node: Node, given: Iterable[Node] | Given = ()) -> Node:
    """``node`` in textbook form; the nodes of ``given`` (the user's formula) stay as they are.

    >>> from symgd.formula.problem import read
    >>> tidy(read("2*x*3 - x*x*0 + x").root)
    <Node 7*x>
    """
    order = topological(node)
    if len(order) > MAX_NODES:
        return node
    view = _Views(given if isinstance(given, Given) else Given.of(*given), node.graph)
    for current in order:
        view.add(current)
    result = build(view.known[node], node.graph)
    return result if result.shape == node.shape else node


class _Views:
    """The product that every node is, and the terms of every sum that derivation made."""

    def __init__(self, given: Given, graph: Graph) -> None:
        self.kept = given.kept
        self.graph = graph
        self.own: dict[tuple[Fraction, frozenset[Power], Shape], Node] = {}
        self.written = given.sums
        self.known: dict[Node, Product] = {}
        self.terms: dict[Node, list[Product]] = {}
        self.smaller: dict[Node, Product] = {}

    def add(self, node: Node) -> None:
        product = self.known[node] = self._view(node)
        if node in self.kept and node.op in PRODUCTS and product.powers:
            self.own.setdefault((product.coefficient, product.key, node.shape), node)

    def build(self, product: Product) -> Node:
        """The node of a product: the user's own if it is one, else in textbook order."""
        graph = product.powers[0][0].graph if product.powers else self.graph
        made = build(product, graph)
        return self.own.get((product.coefficient, product.key, made.shape), made)

    def of(self, node: Node) -> Product:
        """The product of a node, found on the way if it is a new one."""
        if node not in self.known:
            for current in topological(node):
                if current not in self.known:
                    self.add(current)
        return self.known[node]

    def _view(self, node: Node) -> Product:
        op, args = node.op, node.args
        if op == "num":
            return Product(node.value)
        if op == "neg":
            inner = self.known[args[0]]
            return Product(-inner.coefficient, inner.powers)
        if op in ("mul", "div"):
            return self._product(node)
        if op == "sqrt":
            return Product(ONE, [(self.rebuilt(args[0]), HALF)])
        if op == "pow" and not self.known[args[1]].powers:
            return self._power(node, self.known[args[1]].coefficient)
        if op == "matmul" and len(args[0].shape) == 1 and len(args[1].shape) == 2:
            return self._linear(node)
        if node in self.kept or op in LEAVES:
            return Product(ONE, [(node, ONE)])
        if op == "add":
            return self._sum(node)
        if op == "sum":
            return self._reduction(node)
        if op in ("matmul", "outer", "transpose", "getitem", "scatter", "diag"):
            return self._linear(node)
        if op == "where" and args[2].is_number(0):
            return self._mask(node)
        graph = node.graph
        parts = [self.rebuilt(a) for a in args]
        return Product(ONE, [(graph.make(op, *parts, value=node.value), ONE)])

    def _mask(self, node: Node) -> Product:
        """``where(c, k*u, 0)`` as ``k*where(c, u, 0)``; no mask where ``max(0, u)`` is one."""
        graph, condition = node.graph, node.args[0]
        scalar, array = self.known[node.args[1]].split()
        if not node.shape:
            scalar, array = Product(), self.known[node.args[1]]
        if _masks_itself(condition, array):
            whole = scalar.times(array)
            if build(whole, graph).shape == node.shape:
                return whole
        inner = build(array, graph) if array.powers else graph.number(1)
        made = graph.make("where", self.rebuilt(condition), inner, node.args[2])
        if made.shape != node.shape or not (array.powers or scalar.powers):
            parts = [self.rebuilt(a) for a in node.args]
            return Product(ONE, [(graph.make("where", *parts), ONE)])
        return scalar.times(Product(ONE, [(made, ONE)]))

    def rebuilt(self, node: Node) -> Node:
        """The node itself if it is the user's, else in textbook form."""
        return node if node in self.kept else build(self.known[node], node.graph)

    def _product(self, node: Node) -> Product:
        left, right = (self.known[a] for a in node.args)
        if len(left.powers) + len(right.powers) > MAX_FACTORS:
            parts = [self.rebuilt(a) for a in node.args]
            return Product(ONE, [(node.graph.make(node.op, *parts), ONE)])
        if node.op == "div" and not right.coefficient:
            return Product(ONE, [(node, ONE)])
        product = opened(left.times(right, 1 if node.op == "mul" else -1), self.of)
        if build(product, node.graph).shape != node.shape:
            parts = [self.rebuilt(a) for a in node.args]
            made = node.graph.make(node.op, *parts)
            self.smaller[made] = product
            return Product(ONE, [(made, ONE)])
        if node.op == "div" and node not in self.kept:
            return shorter_numerator(product, self.terms, self.of, node)
        return product

    def _power(self, node: Node, power: Fraction) -> Product:
        base = node.args[0]
        inner = self.known[base]
        if not inner.coefficient:
            return Product(ONE, [(node, ONE)])
        if power.denominator == 1 and len(inner.powers) <= 1 and abs(power) < 100:
            small = inner.coefficient in (1, -1) or abs(power) <= 12
            if small and (base not in self.kept or base.op != "num"):
                return inner.raised(int(power))
        return Product(ONE, [(self.rebuilt(base), power)])

    def _sum(self, node: Node) -> Product:
        """The terms with nested sums of the derivation opened, then collected and factored."""
        views = self._without_rows([self.known[term] for term in node.args])
        products = self._met(without_brackets(views, self.terms))
        result, terms = sum_of(products, node.graph, self.written, self.terms, self.build)
        if build(result, node.graph).shape != node.shape:
            return Product(ONE, [(node, ONE)])
        if terms:
            self.terms[result.powers[-1][0]] = terms
        return result

    def _met(self, products: list[Product]) -> list[Product]:
        """``(a - b/2) - b/2`` as ``a - b``: a bracket is opened where a term meets its like."""
        inner = [self._bracket(product) for product in products]
        if not any(inner):
            return products
        pairs = list(zip(products, inner, strict=True))
        keys = [{term.key for term in (p, *terms) if term.powers} for p, terms in pairs]
        front: list[Product] = []
        behind: list[Product] = []
        for i, (product, terms) in enumerate(pairs):
            others = set().union(*keys[:i], *keys[i + 1 :])
            if any(term.key in others for term in terms):
                front += terms
            else:
                behind.append(product)
        return leading_positive(collected(front + behind)) if front else products

    def _bracket(self, product: Product) -> list[Product]:
        """The terms of a sum of the user with the sign before its bracket."""
        if len(product.powers) != 1 or product.coefficient not in (1, -1):
            return []
        base, exponent = product.powers[0]
        if base.op != "add" or exponent != ONE or base not in self.kept:
            return []
        sign = Product(product.coefficient)
        return [self.of(term).times(sign) for term in base.args]

    def _without_rows(self, views: list[Product]) -> list[Product]:
        """``x/x + log(x)`` as ``1 + log(x)``: another term has the rows already."""
        short = [self._smaller(view) for view in views]
        if not any(short) or all(short):
            return views
        return [less or view for less, view in zip(short, views, strict=True)]

    def _smaller(self, view: Product) -> Product | None:
        """What a term cancels to, if it has fewer rows then."""
        if len(view.powers) != 1 or view.powers[0][1] != ONE:
            return None
        found = self.smaller.get(view.powers[0][0])
        return found and found.times(Product(view.coefficient))

    def _reduction(self, node: Node) -> Product:
        """What all rows share stands before the sum."""
        graph = node.graph
        scalar, array = self.known[node.args[0]].split()
        if not array.powers:
            return Product(ONE, [(node, ONE)])
        inner = build(array, graph)
        if inner.shape != node.args[0].shape:
            return Product(ONE, [(node, ONE)])
        total = _trace(inner, node) or graph.make("sum", inner, value=node.value)
        return scalar.times(Product(ONE, [(total, ONE)]))

    def _linear(self, node: Node) -> Product:
        """Scalars stand before a product of matrices; a row times a matrix is ``A.T @ v``."""
        graph = node.graph
        scalar = Product()
        parts: list[Node] = []
        for arg in node.args:
            own, array = self.known[arg].split()
            part = build(array, graph) if array.powers else arg
            if not array.powers or part.shape != arg.shape:
                own, part = Product(), build(self.known[arg], graph)
            if part.shape != arg.shape:
                own, part = Product(), arg
            scalar = scalar.times(own)
            parts.append(part)
        whole = _textbook_order(graph.make(node.op, *parts, value=node.value))
        return scalar.times(Product(ONE, [(whole, ONE)]))


def _trace(inner: Node, total: Node) -> Node | None:
    """``sum(I*M)`` as ``trace(M)``."""
    if inner.op != "mul" or total.value[0] is not None or total.shape:
        return None
    for eye, matrix in (inner.args, inner.args[::-1]):
        if is_eye(eye) and matrix.shape == eye.shape:
            return inner.graph.make("trace", matrix)
    return None


def _chain(node: Node) -> list[Node]:
    """The factors of a product of matrices."""
    factors: list[Node] = []
    stack = [node]
    while stack:
        top = stack.pop()
        if top.op == "matmul":
            stack += [top.args[1], top.args[0]]
        else:
            factors.append(top)
    return factors


def _masks_itself(condition: Node, product: Product) -> bool:
    """Whether a factor ``max(0, u)`` is 0 wherever the condition ``u > 0`` fails."""
    if condition.op not in ("gt", "lt"):
        return False
    u, zero = condition.args if condition.op == "gt" else condition.args[::-1]
    return zero.is_number(0) and any(
        b.op == "maximum" and e > 0 and set(b.args) == {u, zero} for b, e in product.powers
    )


def _textbook_order(node: Node) -> Node:
    """``v @ A`` as ``A.T @ v``, ``outer(u, v).T`` as ``outer(v, u)``, without identities."""
    graph = node.graph
    if node.op == "transpose" and is_eye(node.args[0]):
        return node.args[0]
    if node.op == "matmul":
        left, right = node.args
        if is_eye(left) or is_eye(right):
            return right if is_eye(left) else left
        if len(left.shape) == 1 and len(right.shape) == 2:
            return graph.make("matmul", right.T, left)
    if node.op == "transpose" and node.args[0].op == "outer":
        return graph.make("outer", *reversed(node.args[0].args))
    if node.op == "transpose" and node.args[0].op == "transpose":
        return node.args[0].args[0]
    if node.op == "transpose" and node.args[0].op == "matmul":
        factors = _chain(node.args[0])
        if all(len(f.shape) == 2 for f in factors) and any(f.op == "transpose" for f in factors):
            turned = [f.T for f in reversed(factors)]
            made = turned[0]
            for factor in turned[1:]:
                made = graph.make("matmul", made, factor)
            return made
    return node


__all__ = ["Given", "tidy"]
