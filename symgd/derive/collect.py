"""Sums in textbook form: like terms added, branches joined, common factors in front."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import gcd

from symgd.derive.products import ONE, Power, Product, build, multiply_in
from symgd.formula.graph import LEAVES, Graph, Node, topological

MAX_TERMS = 60
_EXPANDED = 40
_SMALL = 400

View = Callable[[Node], Product]


Written = Mapping[frozenset[Node], Node]
"""The sums of the user by their terms, whatever the order."""


def sum_of(
    products: list[Product],
    graph: Graph,
    written: Written | None = None,
    terms: Mapping[Node, list[Product]] | None = None,
    make: Callable[[Product], Node] | None = None,
) -> tuple[Product, list[Product]]:
    """The sum of products as one product, and its terms if it is still a sum.

    ``terms`` are those of the sums that the derivation made: they need no brackets here.
    ``make`` writes a product, by default with its factors in textbook order.
    """
    products = collected(products)
    if len(products) <= MAX_TERMS:
        products = _joined_branches(products, graph)
        products = _with_sigmoid(products, graph)
        products = _joined_sums(products, graph)
    if not products:
        return Product(Fraction(0)), []
    if len(products) == 1:
        return products[0], []
    common, rest = _factored(_aligned_powers(products, graph))
    rest = collected(without_brackets(rest, terms or {}))
    if not rest:
        return Product(Fraction(0)), []
    if len(rest) == 1:
        return common.times(rest[0]), []
    parts = [make(p) if make else build(p, graph) for p in rest]
    total = (written or {}).get(frozenset(parts)) or graph.make("add", *parts)
    if not common.powers and common.coefficient == 1:
        return Product(ONE, [(total, ONE)]), rest
    powers = list(common.powers)
    multiply_in(powers, total, ONE)
    return Product(common.coefficient, powers), rest


def without_brackets(products: list[Product], terms: Mapping[Node, list[Product]]) -> list[Product]:
    """``(a + b) + c`` as ``a + b + c`` for the brackets of the derivation."""
    result: list[Product] = []
    for product in products:
        inner = terms.get(product.powers[0][0]) if len(product.powers) == 1 else None
        if inner is not None and product.powers[0][1] == 1 and product.coefficient in (1, -1):
            result += [Product(p.coefficient * product.coefficient, p.powers) for p in inner]
        else:
            result.append(product)
    return result


def collected(products: list[Product]) -> list[Product]:
    """Like terms added, in the order in which they first occur."""
    totals: dict[frozenset[Power], Fraction] = {}
    shown: dict[frozenset[Power], list[Power]] = {}
    for product in products:
        key = product.key
        totals[key] = totals.get(key, Fraction(0)) + product.coefficient
        shown.setdefault(key, product.powers)
    return [Product(c, shown[key]) for key, c in totals.items() if c]


# -- common factors -----------------------------------------------------------------------------


def _factored(products: list[Product]) -> tuple[Product, list[Product]]:
    """What all terms share, when a person would put it in front, and the rest of each."""
    first, *others = products
    shared: list[Power] = []
    for base, exponent in first.powers:
        found = [exponent, *(p.exponent(base) for p in others)]
        if all(e > 0 for e in found):
            shared.append((base, min(found)))
        elif all(e < 0 for e in found):
            shared.append((base, max(found)))
    if not _worth(shared, products):
        return Product(), products
    number = _content(products) if shared else abs(first.coefficient)
    if all(p.coefficient < 0 for p in products):
        number = -number
    common = Product(number, shared)
    return common, leading_positive([p.times(common, -1) for p in products])


def _worth(shared: list[Power], products: list[Product]) -> bool:
    """A function, a bracket or a whole denominator is worth putting in front; a letter is not."""
    if any(base.op not in LEAVES and base.op not in ("getitem",) for base, _ in shared):
        return True
    if any(base.op == "dim" or base.shape for base, _ in shared):
        return True
    below = [frozenset(power for power in p.powers if power[1] < 0) for p in products]
    if below[0] and all(b == below[0] for b in below):
        return True
    sizes = {abs(p.coefficient) for p in products}
    plain = all(base.op in LEAVES for p in products for base, _ in p.powers)
    return not shared and plain and sizes != {Fraction(1)} and len(sizes) == 1


def _content(products: list[Product]) -> Fraction:
    """The largest number that divides all coefficients, if they are whole or of one kind."""
    values = [abs(p.coefficient) for p in products]
    if len({v.denominator for v in values}) > 1:
        return ONE
    return Fraction(gcd(*(v.numerator for v in values)), values[0].denominator)


def _aligned_powers(products: list[Product], graph: Graph) -> list[Product]:
    """``u^(v - 1)`` as ``u^v/u`` beside ``u^v log(u)``, where u is positive anyway."""
    logs = {b.args[0] for p in products for b, _ in p.powers if b.op == "log"}
    raised = {b for p in products for b, _ in p.powers if b.op == "pow"}
    if not logs or not raised:
        return products
    changed = []
    for product in products:
        powers: list[Power] = []
        for base, exponent in product.powers:
            whole = _one_higher(base, graph) if base.op == "pow" and exponent == 1 else None
            if whole is not None and whole in raised and base.args[0] in logs:
                multiply_in(powers, whole, ONE)
                multiply_in(powers, base.args[0], -ONE)
            else:
                multiply_in(powers, base, exponent)
        changed.append(Product(product.coefficient, powers))
    return changed


def _one_higher(node: Node, graph: Graph) -> Node | None:
    base, exponent = node.args
    if exponent.op == "add" and exponent.args[-1].is_number(-1):
        rest = exponent.args[:-1]
        higher = rest[0] if len(rest) == 1 else graph.make("add", *rest)
        return graph.make("pow", base, higher)
    return None


# -- branches -------------------------------------------------------------------------------------

_OPPOSITE = {"lt": "ge", "ge": "lt", "le": "gt", "gt": "le", "eq": "ne", "ne": "eq"}
_TURNED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "eq": "eq", "ne": "ne"}


def _joined_branches(products: list[Product], graph: Graph) -> list[Product]:
    """``where(c, a, 0) + where(not c, b, 0)`` is ``where(c, a, b)``."""
    for i, first in enumerate(products):
        mask = _mask(first)
        if mask is None:
            continue
        for j in range(i + 1, len(products)):
            other = _mask(products[j])
            if other is None or not _are_opposite(mask.args[0], other.args[0]):
                continue
            then = _branch(first, mask, graph)
            otherwise = _branch(products[j], other, graph)
            joined = graph.make("where", mask.args[0], then, otherwise)
            rest = [*products[:i], Product(ONE, [(joined, ONE)]), *products[i + 1 :]]
            del rest[j]
            return _joined_branches(rest, graph)
    return products


def _mask(product: Product) -> Node | None:
    """The factor ``where(c, u, 0)``, if there is exactly one."""
    found = [b for b, e in product.powers if b.op == "where" and e == 1 and b.args[2].is_number(0)]
    return found[0] if len(found) == 1 else None


def _branch(product: Product, mask: Node, graph: Graph) -> Node:
    powers = [power for power in product.powers if power[0] is not mask]
    value = mask.args[1]
    if value.op == "num":
        return build(Product(product.coefficient * value.value, powers), graph)
    multiply_in(powers, value, ONE)
    return build(Product(product.coefficient, powers), graph)


def _are_opposite(a: Node, b: Node) -> bool:
    for one, other in ((a, b), (b, a)):
        if other.op == "not" and other.args[0] is one:
            return True
    if _OPPOSITE.get(a.op) == b.op and a.args == b.args:
        return True
    return _OPPOSITE.get(a.op) == _TURNED.get(b.op, "") and a.args == b.args[::-1]


# -- the logistic function ------------------------------------------------------------------------


def _with_sigmoid(products: list[Product], graph: Graph) -> list[Product]:
    """``sigmoid(-z)`` beside ``sigmoid(z)`` as ``1 - sigmoid(z)``, when that is shorter."""
    found = {b.args[0]: b for p in products for b, _ in p.powers if b.op == "sigmoid"}
    for inner, other in found.items():
        base = graph.make("sigmoid", _negative(inner, graph))
        expanded: list[Product] = []
        for product in products:
            expanded += _without(product, other, base)
        expanded = collected(_multiplied_out(expanded))
        if _size(expanded) < _size(products):
            return expanded
    return products


def _negative(node: Node, graph: Graph) -> Node:
    if node.op == "neg":
        return node.args[0]
    if node.op == "mul":
        left = node.args[0]
        if left.op == "neg":
            return graph.make("mul", left.args[0], node.args[1])
        if left.op == "num":
            return graph.make("mul", graph.number(-left.value), node.args[1])
    return graph.make("neg", node)


def _without(product: Product, other: Node, base: Node) -> list[Product]:
    exponent = product.exponent(other)
    if exponent != 1:
        return [product]
    powers = [power for power in product.powers if power[0] is not other]
    taken = list(powers)
    multiply_in(taken, base, ONE)
    return [Product(product.coefficient, powers), Product(-product.coefficient, taken)]


# -- sums over data -------------------------------------------------------------------------------


def _joined_sums(products: list[Product], graph: Graph) -> list[Product]:
    """``c*sum(u) + c*sum(v)`` is ``c*sum(u + v)``, when u and v share a factor."""
    for i, first in enumerate(products):
        total = _row_sum(first)
        if total is None:
            continue
        for j in range(i + 1, len(products)):
            other = _row_sum(products[j])
            if other is None or other.value != total.value:
                continue
            ratio = products[j].coefficient / first.coefficient
            alike = _outside(first, total) == _outside(products[j], other)
            shapes = other.args[0].shape == total.args[0].shape
            if not (alike and shapes and abs(ratio) == 1):
                continue
            u, v = total.args[0], other.args[0]
            body = [_plain(u), _plain(v)]
            body[1] = Product(body[1].coefficient * ratio, body[1].powers)
            if not {b for b, _ in body[0].powers} & {b for b, _ in body[1].powers}:
                continue
            inner, _ = sum_of(body, graph)
            made = build(Product(ONE, inner.powers), graph)
            if made.shape != u.shape:
                continue
            powers = [power for power in first.powers if power[0] is not total]
            powers.append((graph.make("sum", made, value=total.value), ONE))
            coefficient = first.coefficient * inner.coefficient
            rest = [*products[:i], Product(coefficient, powers), *products[i + 1 :]]
            del rest[j]
            return _joined_sums(rest, graph)
    return products


def _row_sum(product: Product) -> Node | None:
    found = [b for b, e in product.powers if b.op == "sum" and e == 1]
    return found[0] if len(found) == 1 else None


def _outside(product: Product, total: Node) -> frozenset[Power]:
    return frozenset(power for power in product.powers if power[0] is not total)


def _plain(node: Node) -> Product:
    """A product node as data, one level of signs and factors deep."""
    if node.op == "num":
        return Product(node.value)
    if node.op == "neg":
        inner = _plain(node.args[0])
        return Product(-inner.coefficient, inner.powers)
    if node.op == "mul":
        return _plain(node.args[0]).times(_plain(node.args[1]))
    if node.op == "pow" and node.args[1].op == "num":
        return Product(ONE, [(node.args[0], node.args[1].value)])
    return Product(ONE, [(node, ONE)])


# -- quotients ------------------------------------------------------------------------------------


def shorter_numerator(
    product: Product, terms: Mapping[Node, list[Product]], view: View, node: Node
) -> Product:
    """A quotient whose numerator is multiplied out if that makes it shorter.

    ``(1*(x^2 + 5) - x*2*x)/(x^2 + 5)^2`` is ``(5 - x^2)/(x^2 + 5)^2``.
    """
    graph = node.graph
    for i, (base, exponent) in enumerate(product.powers):
        if exponent != 1 or base not in terms or base.shape:
            continue
        if not any(e < 0 and b.op not in LEAVES for b, e in product.powers):
            continue
        before = terms[base]
        if len(before) > 8:
            continue
        after = collected(_multiplied_out(before, view))
        if not after or _size(after) >= _size(before):
            continue
        total, _ = sum_of(leading_positive(after), graph)
        rest = Product(product.coefficient, product.powers[:i] + product.powers[i + 1 :])
        made = rest.times(total)
        if build(made, graph).shape == node.shape:
            return made
    return product


def leading_positive(products: list[Product]) -> list[Product]:
    """A positive term first: ``5 - x^2``."""
    if not products or products[0].coefficient > 0:
        return products
    for i, product in enumerate(products):
        if product.coefficient > 0:
            return [product, *products[:i], *products[i + 1 :]]
    return products


def _multiplied_out(products: list[Product], view: View | None = None) -> list[Product]:
    """The terms with their sums in brackets multiplied out, within limits."""
    result: list[Product] = []
    for product in products:
        expanded = [Product(product.coefficient)]
        for base, exponent in product.powers:
            factor = [Product(ONE, [(base, exponent)])]
            if base.op == "add" and exponent.denominator == 1 and 0 < exponent <= 3:
                inner = [(view or _plain)(term) for term in base.args]
                factor = [Product()]
                for _ in range(int(exponent)):
                    factor = collected([a.times(b) for a in factor for b in inner])
            expanded = [a.times(b) for a in expanded for b in factor]
            if len(expanded) > _EXPANDED:
                return products
        result += expanded
    return result if len(result) <= 4 * _EXPANDED else products


def _size(products: list[Product]) -> int:
    """How long the terms are to write."""
    total = 0
    for product in products:
        total += 1 + (abs(product.coefficient) != 1)
        for base, exponent in product.powers:
            total += min(_SMALL, len(topological(base))) + (exponent != 1)
    return total
