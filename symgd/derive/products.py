"""Products as data: a number times powers of sub-formulas, in the order they were met.

>>> from symgd.formula.graph import Graph
>>> g = Graph()
>>> x = g.symbol("x")
>>> p = Product(Fraction(6), [(x, Fraction(3))]).times(Product(Fraction(2), [(x, Fraction(1))]), -1)
>>> p.coefficient, p.powers
(Fraction(3, 1), [(<Node x>, Fraction(2, 1))])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from symgd.formula.graph import LEAVES, Graph, Node

ONE = Fraction(1)
HALF = Fraction(1, 2)

Power = tuple[Node, Fraction]
PRODUCTS = frozenset({"mul", "div", "neg", "pow", "sqrt"})


@dataclass
class Product:
    """``coefficient`` times powers of bases, in order."""

    coefficient: Fraction = ONE
    powers: list[Power] = field(default_factory=list)

    def times(self, other: Product, sign: int = 1) -> Product:
        """The product (``sign`` 1) or quotient (``sign`` -1)."""
        coefficient = self.coefficient * other.coefficient**sign
        powers = list(self.powers)
        for base, exponent in other.powers:
            multiply_in(powers, base, exponent * sign)
        return Product(coefficient, powers)

    def raised(self, exponent: int) -> Product:
        """The power with a whole exponent."""
        return Product(self.coefficient**exponent, [(b, e * exponent) for b, e in self.powers])

    def split(self) -> tuple[Product, Product]:
        """The scalar part and the array part."""
        scalar = Product(self.coefficient, [p for p in self.powers if not p[0].shape])
        return scalar, Product(ONE, [p for p in self.powers if p[0].shape])

    @property
    def key(self) -> frozenset[Power]:
        """What like terms share."""
        return frozenset(self.powers)

    def exponent(self, base: Node) -> Fraction:
        """The exponent of ``base``, 0 if it does not occur."""
        return next((e for b, e in self.powers if b is base), Fraction(0))


def multiply_in(powers: list[Power], base: Node, exponent: Fraction) -> None:
    """Multiply a list of powers by base^exponent; what cancels is dropped."""
    for i, (old, power) in enumerate(powers):
        if old is base:
            if power + exponent:
                powers[i] = (base, power + exponent)
            else:
                del powers[i]
            return
    if exponent:
        powers.append((base, exponent))


def opened(product: Product, view: Callable[[Node], Product]) -> Product:
    """Powers of products, ``(3*x^4)^2``, multiplied out where a base of theirs occurs again."""
    for _ in range(4):
        names = {id(b) for b, _ in product.powers}
        for i, (base, exponent) in enumerate(product.powers):
            if base.op not in PRODUCTS or exponent.denominator != 1 or abs(exponent) > 64:
                continue
            inner = view(base)
            if any(b is base for b, _ in inner.powers):
                continue
            alone = len(product.powers) == 1 or not any(id(b) in names for b, _ in inner.powers)
            if alone and abs(exponent) != 1:
                continue
            rest = Product(product.coefficient, product.powers[:i])
            rest = rest.times(inner.raised(int(exponent)))
            product = rest.times(Product(ONE, product.powers[i + 1 :]))
            break
        else:
            return product
    return product


# -- building the node of a product ---------------------------------------------------------------


def build(product: Product, graph: Graph) -> Node:
    """The node of a product, its factors in textbook order."""
    coefficient = product.coefficient
    if coefficient == 0:
        return graph.number(0)
    masked = _into_branches(product, graph)
    if masked is not None:
        return masked
    ordered = sorted(_ratios(product.powers, graph), key=_place)
    above = [power_node(b, e, graph) for b, e in ordered if e > 0]
    counts = [power_node(b, -e, graph) for b, e in ordered if e < 0 and _is_count(b)]
    below = [power_node(b, -e, graph) for b, e in ordered if e < 0 and not _is_count(b)]
    whole = abs(coefficient)
    top, bottom = Fraction(whole.numerator), Fraction(whole.denominator)
    if graph.decimal and _terminates(whole):
        top, bottom = whole, ONE
    lead: Node | None = None
    if counts:
        under = chained([graph.number(bottom)] if bottom != 1 else [], counts, graph)
        lead = graph.make("div", graph.number(top), under)
    else:
        below = [*([graph.number(bottom)] if bottom != 1 else []), *below]
        if top != 1 or not above:
            lead = graph.number(top)
    node = chained([lead] if lead is not None else [], above, graph)
    if below:
        node = graph.make("div", node, chained([], below, graph))
    return -node if coefficient < 0 else node


def _into_branches(product: Product, graph: Graph) -> Node | None:
    """``-where(c, 1, 0)`` is ``where(c, -1, 0)``."""
    if len(product.powers) != 1 or product.coefficient == 1:
        return None
    ((base, exponent),) = product.powers
    if base.op != "where" or exponent != 1 or base.shape:
        return None
    parts = []
    for branch in base.args[1:]:
        if branch.op == "num":
            parts.append(graph.number(branch.value * product.coefficient))
        elif product.coefficient == -1 and branch.op != "add":
            parts.append(-branch)
        else:
            return None
    return graph.make("where", base.args[0], *parts)


_RATIOS = {("sinh", "cosh"): "tanh", ("sin", "cos"): "tan"}


def _ratios(powers: Iterable[Power], graph: Graph) -> list[Power]:
    """``sinh(u)/cosh(u)`` is ``tanh(u)``."""
    found = list(powers)
    for i, (base, exponent) in enumerate(found):
        for (top, bottom), name in _RATIOS.items():
            if base.op != top or exponent <= 0:
                continue
            for j, (other, below) in enumerate(found):
                if other.op == bottom and other.args == base.args and below == -exponent:
                    found[i] = (graph.make(name, *base.args), exponent)
                    del found[j]
                    return _ratios(found, graph)
    return found


def chained(first: list[Node], rest: list[Node], graph: Graph) -> Node:
    """The factors one after the other."""
    factors = [*first, *rest]
    node = factors[0]
    for factor in factors[1:]:
        node = graph.make("mul", node, factor)
    return node


def power_node(base: Node, exponent: Fraction, graph: Graph) -> Node:
    """base^exponent as a person writes it: a square root, or a power."""
    if exponent == 1:
        return base
    if exponent == HALF:
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


def _place(power: Power) -> tuple[int, int]:
    """Names stand in the order in which the user wrote them, other factors as they came."""
    base = power[0]
    return rank(base), (base.serial if base.op in LEAVES else 0)


def rank(node: Node) -> int:
    """Where a factor stands: numbers, names, functions, sums in brackets, sums over data."""
    if node.op in ("num", "dim", "const"):
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
