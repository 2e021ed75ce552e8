"""Putting other values in the place of atoms, and other indices in the place of indices.

Atoms are built again from the inside out by the same functions that made them, so
that every simplification happens that the new values allow: with the sign of x put
to 1, ``sign(sign(x)*x - d)`` becomes ``sign(x - d)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from symgd.algebra.field import Field, Index, Place, Poly, Rat

Indices = Mapping[Index, Place]
Values = Mapping[int, Rat]


def renamed(value: Rat, indices: Indices) -> Rat:
    """``value`` with other indices."""
    if not value.free & indices.keys():
        return value
    return Substitution(value.field, indices, {}).of(value)


def replaced(value: Rat, atoms: Values) -> Rat:
    """``value`` with other values for some atoms, also inside other atoms."""
    return Substitution(value.field, {}, atoms).of(value)


class Substitution:
    """One simultaneous substitution; remembers the atoms it has rebuilt."""

    def __init__(self, field: Field, indices: Indices, atoms: Values) -> None:
        self.field = field
        self.indices = indices
        self.atoms: dict[int, Rat] = dict(atoms)
        self.roots = frozenset(atoms)

    def of(self, value: Rat) -> Rat:
        """The value after the substitution."""
        slots = value.slots
        if not any(self.touches(slot) for slot in slots):
            return value
        top = self.poly(value.num)
        return top if value.den.is_constant() else top / self.poly(value.den)

    def touches(self, slot: int) -> bool:
        atom = self.field.atoms[slot]
        return bool(
            slot in self.roots or atom.needs & self.roots or atom.free & self.indices.keys()
        )

    def poly(self, poly: Poly) -> Rat:
        field = self.field
        touched = [slot for slot in field.used(poly) if self.touches(slot)]
        if not touched:
            return Rat(field, poly, field.unit)
        groups: dict[tuple[int, ...], dict[Any, Any]] = {}
        for exponents, coefficient in poly.to_dict().items():
            own = tuple(int(exponents[slot]) for slot in touched)
            kept = list(exponents)
            for slot in touched:
                kept[slot] = 0
            groups.setdefault(own, {})[tuple(kept)] = coefficient
        total = field.zero
        for own, terms in groups.items():
            part = Rat(field, field.ctx.from_dict(terms), field.unit)
            for slot, exponent in zip(touched, own, strict=True):
                if exponent:
                    part = part * self.atom(slot) ** exponent
            total = total + part
        return total

    def atom(self, slot: int) -> Rat:
        """The new value of one atom."""
        found = self.atoms.get(slot)
        if found is None:
            atom = self.field.atoms[slot]
            found = self.atoms[slot] = _REBUILD[atom.kind](self, atom.data)
        return found

    def place(self, place: Place) -> Place:
        if isinstance(place, int):
            return place
        target = self.indices.get(place.base)
        if target is None:
            return place
        if isinstance(target, int):
            return target + place.offset
        return Index(target.size, target.level, target.offset + place.offset)

    def without(self, bound: tuple[Index, ...]) -> Substitution:
        """The same substitution where ``bound`` indices are not free."""
        if not any(b in self.indices for b in bound):
            return self
        kept = {k: v for k, v in self.indices.items() if k not in bound}
        return Substitution(self.field, kept, {s: self.atoms[s] for s in self.roots})


def _name(sub: Substitution, data: tuple[Any, ...]) -> Rat:
    name, places = data
    return sub.field.name(name, tuple(sub.place(p) for p in places))


def _exp(sub: Substitution, data: tuple[Any, ...]) -> Rat:
    from symgd.algebra.elementary import exp

    return exp(sub.of(data[0]) * Fraction(1, data[1]))


def _log(sub: Substitution, data: tuple[Any, ...]) -> Rat:
    from symgd.algebra.signs import log_absolute

    return log_absolute(sub.poly(data[0]))


def _root(sub: Substitution, data: tuple[Any, ...]) -> Rat:
    from symgd.algebra.signs import absolute_power

    return absolute_power(sub.poly(data[0]), Fraction(1, data[1]))


def _sign(sub: Substitution, data: tuple[Any, ...]) -> Rat:
    from symgd.algebra.signs import sign

    return sign(sub.poly(data[0]))


def _sin(sub: Substitution, data: tuple[Any, ...]) -> Rat:
    from symgd.algebra.elementary import sin

    return sin(sub.of(data[0]) * Fraction(1, data[1]))


def _cos(sub: Substitution, data: tuple[Any, ...]) -> Rat:
    from symgd.algebra.elementary import cos

    return cos(sub.of(data[0]) * Fraction(1, data[1]))


def _opaque(sub: Substitution, data: tuple[Any, ...]) -> Rat:
    from symgd.algebra.elementary import FUNCTIONS

    op, args = data
    return FUNCTIONS[op](*[sub.of(a) for a in args])


def _sum(sub: Substitution, data: tuple[Any, ...]) -> Rat:
    from symgd.algebra.sums import fresh, total

    bound, body = data
    names = {b: fresh(b.size) for b in bound}
    inner = sub.without(bound).of(renamed(body, names))
    for index in names.values():
        inner = total(inner, index)
    return inner


def _bound(sub: Substitution, data: tuple[Any, ...]) -> Rat:
    from symgd.algebra.sums import bound_atom, fresh

    op, bound, body = data
    names = {b: fresh(b.size) for b in bound}
    return bound_atom(op, tuple(names.values()), sub.without(bound).of(renamed(body, names)))


def _matrix(sub: Substitution, data: tuple[Any, ...]) -> Rat:
    from symgd.algebra.matrices import matrix_atom

    op, entry, *places = data
    return matrix_atom(op, sub.of(entry), *[sub.place(p) for p in places])


def _delta(sub: Substitution, data: tuple[Any, ...]) -> Rat:
    from symgd.algebra.sums import delta

    return delta(sub.field, sub.place(data[0]), sub.place(data[1]))


def _chosen(sub: Substitution, data: tuple[Any, ...]) -> Rat:
    from symgd.algebra.sums import chosen

    return chosen(sub.of(data[0]))


_REBUILD: dict[str, Callable[[Substitution, tuple[Any, ...]], Rat]] = {
    "name": _name, "exp": _exp, "log": _log, "root": _root, "sign": _sign, "sin": _sin,
    "cos": _cos, "opaque": _opaque, "sum": _sum, "bound": _bound, "matrix": _matrix,
    "delta": _delta, "chosen": _chosen,
}  # fmt: skip
