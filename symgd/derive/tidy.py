"""Textbook form: signs, constants and factors gathered; the user's brackets kept.

The sweep gives ``-(1/N)*sum(2*(y - (m*x + b))*x)``; a person writes
``-2/N*sum(x*(y - (m*x + b)))``. Products are flattened, numbers multiplied, equal
factors become powers, what all rows share leaves the sum, like terms are added.
Nothing is expanded: ``6*(x - 2)`` stays, and so does every bracket of the user.

The result equals what it came from wherever that is defined.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from symgd.formula.graph import LEAVES, Graph, Node, topological

MAX_NODES = 20_000
MAX_FACTORS = 200

ONE = Fraction(1)


@dataclass
class Product:
    """``coefficient`` times powers of bases, in order."""

    coefficient: Fraction = ONE
    powers: list[tuple[Node, Fraction]] = field(default_factory=list)

    def times(self, other: Product, sign: int = 1) -> Product:
        """The product (``sign`` 1) or quotient (``sign`` -1)."""
        coefficient = self.coefficient * other.coefficient**sign
        powers = list(self.powers)
        for base, exponent in other.powers:
            _multiply_in(powers, base, exponent * sign)
        return Product(coefficient, powers)

    def split(self) -> tuple[Product, Product]:
        """The scalar part and the array part."""
        scalar = Product(self.coefficient, [p for p in self.powers if not p[0].shape])
        return scalar, Product(ONE, [p for p in self.powers if p[0].shape])


def _multiply_in(powers: list[tuple[Node, Fraction]], base: Node, exponent: Fraction) -> None:
    """Multiply by base^exponent; a base above and below cancels only if it stays below."""
    for i, (old, power) in enumerate(powers):
        if old is base and (power > 0) == (exponent > 0):
            powers[i] = (base, power + exponent)
            return
        if old is base and power + exponent < 0:
            powers[i] = (base, power + exponent)
            return
        merged = _shifted_power(old, power, base, exponent)
        if merged is not None:
            powers[i] = merged
            return
    powers.append((base, exponent))


def _shifted_power(
    old: Node, power: Fraction, base: Node, exponent: Fraction
) -> tuple[Node, Fraction] | None:
    """``u * u^(v - 1)`` is ``u^v``."""
    for plain, raised in ((old, base), (base, old)):
        if power == exponent == 1 and raised.op == "pow" and raised.args[0] is plain:
            terms = raised.args[1]
            if terms.op == "add" and len(terms.args) == 2 and terms.args[1].is_number(-1):
                return plain.graph.make("pow", plain, terms.args[0]), ONE
    return None


def tidy(node: Node, given: Iterable[Node] = ()) -> Node:
    """``node`` in textbook form; the nodes of ``given`` (the user's formula) stay as they are."""
    order = topological(node)
    if len(order) > MAX_NODES:
        return node
    kept = set(topological(*given))
    views: dict[Node, Product] = {}
    for current in order:
        views[current] = _view(current, views, kept)
    return build(views[node], node.graph)


def _view(node: Node, views: dict[Node, Product], kept: set[Node]) -> Product:
    op, args = node.op, node.args
    if op == "num":
        return Product(node.value)
    if op == "neg":
        inner = views[args[0]]
        return Product(-inner.coefficient, inner.powers)
    if op == "mul" and _short(views[args[0]], views[args[1]]):
        return views[args[0]].times(views[args[1]])
    if op == "div" and _short(views[args[0]], views[args[1]]):
        return views[args[0]].times(views[args[1]], -1)
    if op == "sqrt":
        return Product(ONE, [(_rebuilt(args[0], views, kept), Fraction(1, 2))])
    if op == "pow" and args[1].op == "num":
        return _power_view(node, views, kept)
    if node in kept or op in LEAVES:
        return Product(ONE, [(node, ONE)])
    if op == "add":
        return _sum_view(node, views, kept)
    if op == "sum":
        return _reduction_view(node, views)
    if op in ("matmul", "outer", "transpose", "getitem", "scatter", "diag"):
        return _linear_view(node, views)
    graph = node.graph
    parts = [_rebuilt(a, views, kept) for a in args]
    return Product(ONE, [(graph.make(op, *parts, value=node.value), ONE)])


def _short(*products: Product) -> bool:
    return sum(len(p.powers) for p in products) <= MAX_FACTORS


def _rebuilt(node: Node, views: dict[Node, Product], kept: set[Node]) -> Node:
    return node if node in kept else build(views[node], node.graph)


def _power_view(node: Node, views: dict[Node, Product], kept: set[Node]) -> Product:
    base, exponent = node.args
    inner = views[base]
    whole = exponent.value.denominator == 1
    if base not in kept and whole and len(inner.powers) == 1 and inner.powers[0][1] == 1:
        (only, _), power = inner.powers[0], exponent.value
        if inner.coefficient and abs(power) < 100:
            return Product(inner.coefficient ** int(power), [(only, power)])
    return Product(ONE, [(_rebuilt(base, views, kept), exponent.value)])


def _sum_view(node: Node, views: dict[Node, Product], kept: set[Node]) -> Product:
    """Like terms collected, in the order in which they first occur."""
    graph = node.graph
    totals: dict[frozenset[tuple[Node, Fraction]], Fraction] = {}
    shown: dict[frozenset[tuple[Node, Fraction]], list[tuple[Node, Fraction]]] = {}
    for term in node.args:
        view = views[term] if term not in kept or term.op in ("neg", "num") else None
        view = view or views[term]
        key = frozenset(view.powers)
        totals[key] = totals.get(key, Fraction(0)) + view.coefficient
        shown.setdefault(key, view.powers)
    products = [Product(c, shown[key]) for key, c in totals.items() if c]
    if not products:
        return Product(Fraction(0))
    if len(products) == 1:
        return products[0]
    total = graph.make("add", *[build(p, graph) for p in products])
    if total.shape != node.shape:
        return Product(ONE, [(node, ONE)])
    return Product(ONE, [(total, ONE)])


def _reduction_view(node: Node, views: dict[Node, Product]) -> Product:
    """What all rows share stands before the sum."""
    graph = node.graph
    scalar, array = views[node.args[0]].split()
    if not array.powers:
        return Product(ONE, [(node, ONE)])
    inner = build(array, graph)
    if inner.shape != node.args[0].shape:
        return Product(ONE, [(node, ONE)])
    total = graph.make("sum", inner, value=node.value)
    return scalar.times(Product(ONE, [(total, ONE)]))


def _linear_view(node: Node, views: dict[Node, Product]) -> Product:
    """Scalars stand before a product of matrices."""
    graph = node.graph
    scalar = Product()
    parts: list[Node] = []
    for arg in node.args:
        own, array = views[arg].split()
        part = build(array, graph) if array.powers else arg
        if not array.powers or part.shape != arg.shape:
            own, part = Product(), build(views[arg], graph)
        if part.shape != arg.shape:
            own, part = Product(), arg
        scalar = scalar.times(own)
        parts.append(part)
    whole = graph.make(node.op, *parts, value=node.value)
    return scalar.times(Product(ONE, [(whole, ONE)]))


# -- building the node of a product ---------------------------------------------------------------


def build(product: Product, graph: Graph) -> Node:
    """The node of a product, its factors in textbook order."""
    coefficient = product.coefficient
    if coefficient == 0:
        return graph.number(0)
    ordered = sorted(product.powers, key=lambda power: _rank(power[0]))
    above = [_power(b, e, graph) for b, e in ordered if e > 0]
    counts = [_power(b, -e, graph) for b, e in ordered if e < 0 and _is_count(b)]
    below = [_power(b, -e, graph) for b, e in ordered if e < 0 and not _is_count(b)]
    whole = abs(coefficient)
    top, bottom = Fraction(whole.numerator), Fraction(whole.denominator)
    if graph.decimal and _terminates(whole):
        top, bottom = whole, ONE
    lead: Node | None = None
    if counts:
        under = _product([graph.number(bottom)] if bottom != 1 else [], counts, graph)
        lead = graph.make("div", graph.number(top), under)
    else:
        below = [*([graph.number(bottom)] if bottom != 1 else []), *below]
        if top != 1 or not above:
            lead = graph.number(top)
    node = _product([lead] if lead is not None else [], above, graph)
    if below:
        node = graph.make("div", node, _product([], below, graph))
    return -node if coefficient < 0 else node


def _product(first: list[Node], rest: list[Node], graph: Graph) -> Node:
    factors = [*first, *rest]
    node = factors[0]
    for factor in factors[1:]:
        node = graph.make("mul", node, factor)
    return node


def _power(base: Node, exponent: Fraction, graph: Graph) -> Node:
    if exponent == 1:
        return base
    if exponent == Fraction(1, 2):
        return graph.make("sqrt", base)
    return graph.make("pow", base, graph.number(exponent))


def _terminates(value: Fraction) -> bool:
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def _is_count(node: Node) -> bool:
    return node.op == "dim"


def _rank(node: Node) -> int:
    """Where a factor stands: scalars, names, functions, sums in brackets, matrix products."""
    if node.op in ("num", "dim"):
        return 0
    if node.op in LEAVES:
        return 1 if not node.shape else 2
    if node.op == "getitem" and node.args[0].op == "sym":
        return 2
    if node.op == "pow" and node.args[0].op in LEAVES:
        return 3
    if node.op in ("sum", "mean", "matmul", "outer", "where", "norm"):
        return 6
    if node.op == "add":
        return 5
    return 4
