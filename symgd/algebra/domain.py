"""Where a formula is defined, as signs that the normal form may use.

Both sides of an identity are compared where both are defined, so ``log(x)`` anywhere
outside a branch makes ``x`` positive, ``sqrt(1 - x^2)`` makes the signs of ``1 - x`` and
``1 + x`` equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from symgd.algebra.entries import Entries
from symgd.algebra.field import GaveUp, Index, Place, Rat, Restart
from symgd.algebra.signs import sign_of
from symgd.formula.graph import Node

Condition = Callable[[Rat], "tuple[Rat, ...]"]

_POSITIVE: dict[str, Condition] = {
    "log": lambda u: (u,), "log2": lambda u: (u,), "log10": lambda u: (u,),
    "log1p": lambda u: (1 + u,), "sqrt": lambda u: (u,), "loggamma": lambda u: (u,),
    "asin": lambda u: (1 - u, 1 + u), "acos": lambda u: (1 - u, 1 + u),
    "atanh": lambda u: (1 - u, 1 + u), "acosh": lambda u: (u - 1,),
}  # fmt: skip
"""What must be positive for a function to be defined around a point."""


def unconditional(roots: Iterable[Node]) -> list[Node]:
    """The nodes that are computed at every point: those not inside a branch only."""
    seen: dict[Node, None] = {}
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen[node] = None
        stack.extend(node.args[:1] if node.op == "where" else node.args)
    return sorted(seen, key=lambda node: node.serial)


def constrained(node: Node) -> tuple[Node, Condition] | None:
    """The argument of ``node`` that its domain restricts, and how."""
    if node.op in _POSITIVE:
        return node.args[0], _POSITIVE[node.op]
    if node.op == "pow" and not _is_whole(node.args[1]):
        return node.args[0], lambda u: (u,)
    return None


def _is_whole(exponent: Node) -> bool:
    if exponent.op == "neg":
        exponent = exponent.args[0]
    return exponent.op == "num" and bool(exponent.value.denominator == 1)


def learn(entries: Entries, roots: Iterable[Node]) -> None:
    """Put the signs that follow from the domain of ``roots`` into the field."""
    for node in unconditional(roots):
        found = constrained(node)
        if found is None:
            continue
        argument, condition = found
        for places in _some_places(entries, argument):
            try:
                values = condition(entries.at(argument, places))
            except GaveUp:
                continue
            for value in values:
                positive(value)


def _some_places(entries: Entries, node: Node) -> list[tuple[Place, ...]]:
    axes = []
    used: tuple[Place, ...] = ()
    for size in node.shape:
        places = entries.indices(size, (), tuple(p for p in used if isinstance(p, Index)))
        used += tuple(places)
        axes.append(places)
    return entries.combinations(axes)


def positive(value: Rat) -> None:
    """Note that ``value`` is positive: the sign of a factor, or of a product of factors."""
    if value.is_zero():
        raise GaveUp("a formula that is not defined on an open set")
    field = value.field
    product, unknown = 1, {}
    for poly in (value.num, value.den):
        content, factors = field.factors(poly)
        product *= 1 if content > 0 else -1
        for factor, exponent in factors:
            if exponent % 2 == 0:
                continue
            known = sign_of(field, factor)
            if known is None:
                unknown[field.key(factor)] = factor
            else:
                product *= known
    if not unknown:
        if product < 0:
            raise GaveUp("a formula that is not defined anywhere")
        return
    if len(unknown) == 1:
        ((key, poly),) = unknown.items()
        field.known.signs[field.generic_key(poly)] = product
        field.facts[key] = (poly, product)
        if f"sign:{key}" in field.slots or any(a.kind in ("sign", "root") for a in field.atoms):
            raise Restart
        return
    item = (tuple(sorted(unknown)), product)
    if item not in field.known.products:
        field.known.products.append(item)
