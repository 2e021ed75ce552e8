"""Sums over an index in normal form.

A sum is split into the terms of its body; what does not depend on the index comes
out, a term that does not depend on it at all is counted, sums inside sums are
flattened (``sum_i x_i sum_j y_j`` is a product of two sums), a Kronecker delta puts one
index in place of the other, and bound indices get their names in a canonical way, so
that renaming them changes nothing.

>>> from symgd.algebra.field import Field, Index
>>> field, i = Field(), Index("N", 0)
>>> x, m = field.name("x", (i,)), field.name("m", ())
>>> total(m * x + 1, i) - m * total(x, i) - field.size("N")
<Rat 0>
"""

from __future__ import annotations

from itertools import count, permutations, product
from typing import Any

from symgd.algebra.field import Field, GaveUp, Index, Place, Poly, Rat, digest
from symgd.algebra.rename import renamed

MAX_BOUND = 4
MAX_NAMINGS = 120
_LEVELS = count(1_000)


def total(body: Rat, index: Index) -> Rat:
    """The sum of ``body`` over ``index``."""
    field = body.field
    if index not in body.free:
        return field.size(index.size) * body
    own, outer = _denominators(field, body.den, index)
    if not own.is_constant():
        return (
            Rat(field, field.unit, field.unit)
            / outer
            * _with_denominator(field, body.num, own, index)
        )
    result = field.zero
    for exponents, coefficient in body.num.to_dict().items():
        result = result + _term(field, exponents, index) * _number(field, coefficient)
    return result / outer


def _number(field: Field, coefficient: Any) -> Rat:
    return Rat(field, field.ctx.constant(coefficient), field.unit)


def _denominators(field: Field, den: Poly, index: Index) -> tuple[Poly, Rat]:
    """The denominator as (what depends on the index, the rest)."""
    if den.is_constant() or index not in field.free(den):
        return field.unit, Rat(field, den, field.unit)
    own = field.unit
    _, factors = field.factors(den)
    for factor, exponent in factors:
        if index in field.free(factor):
            own = own * factor**exponent
    return own, Rat(field, den / own, field.unit)


def _with_denominator(field: Field, num: Poly, den: Poly, index: Index) -> Rat:
    """Terms over a denominator that depends on the index: polynomial part, then the rest."""
    by_outer: dict[Any, Poly] = {}
    for exponents, coefficient in num.to_dict().items():
        inner, outer = _split(field, exponents, index)
        part = field.ctx.from_dict({inner: coefficient})
        by_outer[outer] = by_outer.get(outer, field.ctx.constant(0)) + part
    result = field.zero
    for outer, part in by_outer.items():
        quotient, rest = divmod(part, den)
        inner_sum = field.zero
        if not quotient.is_zero():
            inner_sum = total(Rat(field, quotient, field.unit), index)
        for exponents, coefficient in rest.to_dict().items():
            body = field.ratio(field.ctx.from_dict({exponents: 1}), den)
            lead = body.num.leading_coefficient()
            body = Rat(field, body.num / lead, body.den)
            inner_sum = inner_sum + make_sum((index,), body) * _number(field, coefficient * lead)
        result = result + Rat(field, field.ctx.from_dict({outer: 1}), field.unit) * inner_sum
    return result


def _split(field: Field, exponents: tuple[int, ...], index: Index) -> tuple[Any, Any]:
    """The exponents of the factors that depend on the index, and of the others."""
    inner, outer = list(exponents), list(exponents)
    for slot, exponent in enumerate(exponents):
        if exponent:
            (outer if index in field.atoms[slot].free else inner)[slot] = 0
    return tuple(inner), tuple(outer)


def _term(field: Field, exponents: tuple[int, ...], index: Index) -> Rat:
    """The sum of one product of atoms."""
    inner, outer = _split(field, exponents, index)
    factor = Rat(field, field.ctx.from_dict({outer: 1}), field.unit)
    if not any(inner):
        return factor * field.size(index.size)
    for slot, exponent in enumerate(inner):
        if exponent and field.atoms[slot].kind == "delta":
            return factor * _contracted(field, inner, slot, index)
    bounds, factors = _flattened(field, inner, index)
    return factor * _by_components(field, bounds, factors)


def _contracted(field: Field, inner: tuple[int, ...], slot: int, index: Index) -> Rat:
    """delta(i, k) under a sum over i puts k for i."""
    first, second = field.atoms[slot].data
    if any(isinstance(p, Index) and p.offset for p in (first, second)):
        raise GaveUp("a diagonal beside the main one")
    target = second if first.base == index else first
    rest = tuple(0 if s == slot else e for s, e in enumerate(inner))
    body = Rat(field, field.ctx.from_dict({rest: 1}), field.unit)
    return renamed(body, {index: target})


def _flattened(
    field: Field, inner: tuple[int, ...], index: Index
) -> tuple[list[Index], list[tuple[Rat, int]]]:
    """Bound indices and factors after opening the sums inside that depend on the index."""
    bounds = [index]
    factors: list[tuple[Rat, int]] = []
    for slot, exponent in enumerate(inner):
        if not exponent:
            continue
        atom = field.atoms[slot]
        value = Rat(field, field.gens[slot], field.unit)
        opened = atom.kind == "sum" and atom.data[1].den.is_constant()
        if not opened or len(bounds) + exponent * len(atom.data[0]) > MAX_BOUND:
            factors.append((value, exponent))
            continue
        opened_factors = _opened(field, slot, exponent)
        if opened_factors is None:
            factors.append((value, exponent))
        else:
            bounds += opened_factors[0]
            factors += opened_factors[1]
    return bounds, factors


def fresh(size: str) -> Index:
    """An index that occurs nowhere else."""
    return Index(size, next(_LEVELS))


def _opened(
    field: Field, slot: int, exponent: int
) -> tuple[list[Index], list[tuple[Rat, int]]] | None:
    """The copies of a sum under fresh indices; ``None`` if its body is not a plain product."""
    bounds: list[Index] = []
    factors: list[tuple[Rat, int]] = []
    bound, body = field.atoms[slot].data
    for _ in range(exponent):
        names = {b: fresh(b.size) for b in bound}
        copy = renamed(body, names)
        plain = len(copy.num) == 1 and copy.num.leading_coefficient() == 1
        if not plain or not copy.den.is_constant():
            return None
        bounds += names.values()
        factors += _factors(field, copy)
    return bounds, factors


def _factors(field: Field, monomial: Rat) -> list[tuple[Rat, int]]:
    ((exponents, _),) = monomial.num.to_dict().items()
    return [(Rat(field, field.gens[s], field.unit), int(e)) for s, e in enumerate(exponents) if e]


def _by_components(field: Field, bounds: list[Index], factors: list[tuple[Rat, int]]) -> Rat:
    """A product of sums over the index sets that hang together."""
    contracted = _inverse_contracted(field, bounds, factors)
    if contracted is not None:
        return contracted
    result = field.one
    left = list(bounds)
    rest = list(factors)
    while left:
        group = {left.pop()}
        while True:
            touching = [f for f in rest if f[0].free & group]
            wider = group | {b for f in touching for b in f[0].free if b in bounds}
            if wider == group:
                break
            group = wider
        left = [b for b in left if b not in group]
        rest = [f for f in rest if f not in touching]
        body = field.one
        for value, exponent in touching:
            body = body * value**exponent
        result = result * make_sum(tuple(group), body)
    for value, exponent in rest:
        result = result * value**exponent
    return result


def _inverse_contracted(
    field: Field, bounds: list[Index], factors: list[tuple[Rat, int]]
) -> Rat | None:
    """sum_k M[i,k] inv(M)[k,j] = delta(i,j), where k occurs nowhere else."""
    for k in bounds:
        touching = [f for f in factors if k in f[0].free]
        if len(touching) != 2 or any(e != 1 for _, e in touching):
            continue
        for (a, _), (b, _) in (touching, touching[::-1]):
            (slot,) = a.slots
            atom = field.atoms[slot]
            if atom.kind != "matrix" or atom.data[0] != "inv":
                continue
            _, entry, row, column = atom.data
            other = column if row == k else row
            ends = {ROW: k, COLUMN: None} if column == k else {ROW: None, COLUMN: k}
            found = _matching(b, entry, ends, field)
            if found is None:
                continue
            rest = field.one
            for value, exponent in factors:
                if value is not a and value is not b:
                    rest = rest * value**exponent
            body = rest * delta(field, other, found)
            for bound in bounds:
                if bound != k:
                    body = total(body, bound)
            return body
    return None


ROW, COLUMN = Index("@", 0), Index("@", 1)
"""The places of the entry of a matrix that is inverted."""


def _matching(b: Rat, entry: Rat, ends: dict[Index, Any], field: Field) -> Place | None:
    """The free place of ``b`` if it is the entry of the matrix at (place, k) or (k, place)."""
    open_end = next(end for end, value in ends.items() if value is None)
    bound = {end: value for end, value in ends.items() if value is not None}
    (slot,) = b.slots
    places = [p for p in field.atoms[slot].data[1] if isinstance(p, Index)] if (
        field.atoms[slot].kind == "name"
    ) else []  # fmt: skip
    for place in places:
        if place not in bound.values():
            made = renamed(entry, {**bound, open_end: place})
            if (made - b).is_zero():
                return place
    return None


def delta(field: Field, a: Place, b: Place) -> Rat:
    """1 where two indices are equal, else 0."""
    if a == b:
        return field.one
    if isinstance(a, int) and isinstance(b, int):
        return field.zero
    if isinstance(a, Index) and isinstance(b, Index) and a.base == b.base:
        return field.zero
    first, second = sorted((a, b), key=str)
    free = frozenset(p.base for p in (a, b) if isinstance(p, Index))
    key = f"delta[{first},{second}]"
    new = key not in field.slots
    atom = field.of_atom("delta", key, (first, second), free)
    if new:
        field.relate(atom, 2, atom.num)
    return atom


def make_sum(bound: tuple[Index, ...], body: Rat) -> Rat:
    """The sum of one product of atoms (over one denominator) as an atom."""
    field = body.field
    bound, body, key = canonical(bound, body)
    free = body.free - frozenset(bound)
    name = f"sum:{digest(','.join(map(str, bound)) + ':' + key)}"
    return field.of_atom("sum", name, (bound, body), free, body.slots, _is_positive(body))


def _is_positive(body: Rat) -> bool:
    """A sum of positive terms (zero only if every term is)."""
    from symgd.algebra.signs import sign

    return sign(body).constant() == 1


def canonical(bound: tuple[Index, ...], body: Rat) -> tuple[tuple[Index, ...], Rat, str]:
    """Bound indices with the lowest free levels, in the order that gives the least key."""
    taken = body.free - frozenset(bound)
    groups: dict[str, list[Index]] = {}
    for index in bound:
        groups.setdefault(index.size, []).append(index)
    choices: list[list[dict[Index, Index]]] = []
    names: list[Index] = []
    for size, members in sorted(groups.items()):
        used = {t.level for t in taken if t.size == size}
        levels = [n for n in range(len(used) + len(members)) if n not in used][: len(members)]
        names += [Index(size, n) for n in levels]
        choices.append(
            [
                dict(zip(order, (Index(size, n) for n in levels), strict=True))
                for order in permutations(sorted(members))
            ]
        )
    best: tuple[str, Rat] | None = None
    for number, parts in enumerate(product(*choices)):
        if number >= MAX_NAMINGS:
            raise GaveUp("a sum over too many indices")
        names_of = {old: new for part in parts for old, new in part.items()}
        made = body if all(a == b for a, b in names_of.items()) else renamed(body, names_of)
        key = made.key
        if best is None or key < best[0]:
            best = (key, made)
    assert best is not None
    return tuple(names), best[1], best[0]


def bound_atom(op: str, bound: tuple[Index, ...], body: Rat) -> Rat:
    """max, min or prod of ``body`` over indices as an atom."""
    field = body.field
    bound, body, key = canonical(bound, body)
    free = body.free - frozenset(bound)
    name = f"{op}:{digest(','.join(map(str, bound)) + ':' + key)}"
    return field.of_atom("bound", name, (op, bound, body), free, body.slots)


def chosen(difference: Rat) -> Rat:
    """1 where ``difference`` is zero, else 0: which entry is the largest."""
    field = difference.field
    whole, _ = field.primitive(difference.num)
    key = f"chosen:{digest(field.key(whole))}"
    new = key not in field.slots
    data = (Rat(field, whole, field.unit),)
    atom = field.of_atom("chosen", key, data, difference.free, difference.slots)
    if new:
        field.relate(atom, 2, atom.num)
    return atom
