"""Exact arithmetic for proofs: rational functions over Q in named atoms.

An atom is a real quantity that is not broken down further: an entry ``x[i]``, the
number of rows, ``exp(x/2)``, ``log|x|``, ``|x|^(1/2)``, the sign of ``x``, ``cos(x)``,
a sum over rows. Some atoms are algebraic over earlier ones: the square of a sign
is 1, of ``|x|^(1/2)`` it is ``sign(x)*x``, of ``sin`` it is ``1 - cos^2``. Modulo these
relations the arithmetic is exact (polynomials of FLINT), so a numerator that
becomes the zero polynomial proves an identity wherever both sides are defined.
The converse does not hold: atoms may have relations that are not known here.

>>> field = Field()
>>> x = field.name("x", ())
>>> (x * x - 1) / (x - 1) - x - 1
<Rat 0>
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from flint import Ordering, fmpq, fmpq_mpoly_ctx

MAX_TERMS = 6_000
MAX_PRODUCT = 1_500_000
MAX_ATOMS = 512

Poly = Any
"""A polynomial of FLINT (``fmpq_mpoly``) in the slots of one field."""


class GaveUp(Exception):
    """No normal form: too large, too slow, or an operation without one."""


class Restart(Exception):
    """The field must be set up again, with more slots or finer exponents."""


class Index(NamedTuple):
    """A row index: ``size`` is what it runs over, ``level`` tells indices of one size apart."""

    size: str
    level: int
    offset: int = 0

    @property
    def base(self) -> Index:
        return Index(self.size, self.level)

    def __str__(self) -> str:
        shift = f"{self.offset:+d}" if self.offset else ""
        return f"{self.size}.{self.level}{shift}"


Place = int | Index


@dataclass(frozen=True)
class Atom:
    """One indivisible quantity.

    ``kind`` and ``data`` say what it is, ``key`` is the same for the same
    quantity in every field, ``free`` are the indices it depends on, ``needs`` the
    slots of the atoms inside it.
    """

    kind: str
    key: str
    data: tuple[Any, ...]
    free: frozenset[Index]
    needs: frozenset[int]
    positive: bool


@dataclass
class Knowledge:
    """What survives a restart: the number of slots, finer exponents, known signs."""

    slots: int = 24
    scales: dict[str, int] = field(default_factory=dict)
    signs: dict[str, int] = field(default_factory=dict)
    products: list[tuple[tuple[str, ...], int]] = field(default_factory=list)


class Field:
    """The atoms of one decision and the arithmetic over them."""

    def __init__(self, known: Knowledge | None = None, deadline: float | None = None) -> None:
        self.known = known or Knowledge()
        self.deadline = deadline
        names = [f"g{i}" for i in range(self.known.slots)]
        self.ctx = fmpq_mpoly_ctx.get(names, Ordering.lex)
        self.gens = self.ctx.gens()
        self.atoms: list[Atom] = []
        self.slots: dict[str, int] = {}
        self.relations: dict[int, tuple[int, Poly]] = {}
        self.facts: dict[str, tuple[Poly, int]] = {}
        self.cell: dict[str, int] = {}
        self.unit = self.ctx.constant(1)
        self.zero = Rat(self, self.ctx.constant(0), self.unit)
        self.one = Rat(self, self.unit, self.unit)

    # -- atoms ----------------------------------------------------------------------------

    def number(self, value: int | Fraction) -> Rat:
        value = Fraction(value)
        return Rat(self, self.ctx.constant(fmpq(value.numerator, value.denominator)), self.unit)

    def name(self, name: str, places: tuple[Place, ...]) -> Rat:
        """The entry of a symbol at ``places``."""
        free = frozenset(p.base for p in places if isinstance(p, Index))
        key = f"{name}[{','.join(map(str, places))}]" if places else name
        return self.of_atom("name", key, (name, places), free)

    def size(self, size: int | str) -> Rat:
        """A size as a number: positive."""
        if isinstance(size, int):
            return self.number(size)
        base, offset = split_size(size)
        if base.isdigit():
            return self.number(int(base) + offset)
        return self.of_atom("size", f"#{base}", (base,), positive=True) + offset

    def of_atom(
        self,
        kind: str,
        key: str,
        data: tuple[Any, ...],
        free: frozenset[Index] = frozenset(),
        needs: Iterable[int] = (),
        positive: bool = False,
    ) -> Rat:
        """The atom ``key``, made if it is new."""
        slot = self.slots.get(key)
        if slot is None:
            slot = len(self.atoms)
            if slot == len(self.gens):
                if slot >= MAX_ATOMS:
                    raise GaveUp("too many different quantities")
                self.known.slots *= 2
                raise Restart
            deep = frozenset(needs)
            for inner in tuple(deep):
                deep |= self.atoms[inner].needs
            self.atoms.append(Atom(kind, key, data, free, deep, positive))
            self.slots[key] = slot
        return Rat(self, self.gens[slot], self.unit)

    def relate(self, atom: Rat, power: int, value: Poly) -> None:
        """``atom^power = value``, a polynomial in earlier atoms."""
        (slot,) = self.used(atom.num)
        self.relations.setdefault(slot, (power, value))

    def used(self, poly: Poly) -> list[int]:
        """The slots that occur in a polynomial."""
        if poly.is_constant():
            return []
        return [i for i, d in enumerate(poly.degrees()[: len(self.atoms)]) if d > 0]

    def free(self, *polys: Poly) -> frozenset[Index]:
        """The indices that polynomials depend on."""
        found: frozenset[Index] = frozenset()
        for poly in polys:
            for slot in self.used(poly):
                found |= self.atoms[slot].free
        return found

    def mark(self) -> tuple[Any, ...]:
        """The state to come back to after a case (:meth:`back`)."""
        return len(self.atoms), dict(self.relations), dict(self.facts), dict(self.cell)

    def back(self, mark: tuple[Any, ...]) -> None:
        """Forget the atoms and facts that were made in a case."""
        count, self.relations, self.facts, self.cell = mark
        for atom in self.atoms[count:]:
            del self.slots[atom.key]
        del self.atoms[count:]

    # -- arithmetic -----------------------------------------------------------------------

    def reduced(self, poly: Poly) -> Poly:
        """The polynomial modulo the relations."""
        if not self.relations or poly.is_constant():
            return poly
        degrees = poly.degrees()
        for slot in sorted(self.relations, reverse=True):
            power, value = self.relations[slot]
            if degrees[slot] >= power:
                poly = self._lowered(poly, slot, power, value)
                if poly.is_constant():
                    return poly
                degrees = poly.degrees()
        return poly

    def _lowered(self, poly: Poly, slot: int, power: int, value: Poly) -> Poly:
        parts: dict[int, dict[Any, Any]] = {}
        for exponents, coefficient in poly.to_dict().items():
            times, rest = divmod(exponents[slot], power)
            low = (*exponents[:slot], rest, *exponents[slot + 1 :])
            parts.setdefault(int(times), {})[low] = coefficient
        total = self.ctx.constant(0)
        for times, terms in parts.items():
            part = self.ctx.from_dict(terms)
            total += self.product(part, self.raised(value, times)) if times else part
        return total

    def product(self, a: Poly, b: Poly) -> Poly:
        if len(a) * len(b) > MAX_PRODUCT:
            raise GaveUp("a product of too many terms")
        if self.deadline is not None and time.thread_time() > self.deadline:
            raise GaveUp("no normal form within the time limit")
        result = a * b
        if len(result) > MAX_TERMS:
            raise GaveUp("too many terms")
        return result

    def raised(self, poly: Poly, power: int) -> Poly:
        if len(poly) == 1:
            if power * max(1, *poly.degrees()) > 10_000_000:
                raise GaveUp("a power of too high a degree")
            return poly**power
        result, square = self.unit, poly
        while power:
            if power & 1:
                result = self.reduced(self.product(result, square))
            power >>= 1
            if power:
                square = self.reduced(self.product(square, square))
        return result

    def ratio(self, num: Poly, den: Poly) -> Rat:
        """``num/den`` reduced, common factors cancelled, the denominator monic."""
        num, den = self.reduced(num), self.reduced(den)
        if den.is_zero():
            raise GaveUp("a denominator that is zero everywhere")
        if num.is_zero():
            return self.zero
        if den.is_constant():
            lead = den.leading_coefficient()
            return Rat(self, num if lead == 1 else num / lead, self.unit)
        if len(num) * len(den) < 40_000:
            common = num.gcd(den)
            if not common.is_constant():
                num, den = num / common, den / common
        lead = den.leading_coefficient()
        if lead != 1:
            num, den = num / lead, den / lead
        return Rat(self, num, den)

    # -- keys -----------------------------------------------------------------------------

    def key(self, poly: Poly) -> str:
        """A text that is the same for the same polynomial in every field."""
        terms = []
        for exponents, coefficient in poly.to_dict().items():
            factors = [
                f"{self.atoms[i].key}^{e}" for i, e in enumerate(exponents) if e
            ]  # fmt: skip
            terms.append("*".join([*sorted(factors), str(coefficient)]))
        return "+".join(sorted(terms))

    def generic_key(self, poly: Poly) -> str:
        """The key, the same for every row: what is known of x[i] holds for every i."""
        key = self.key(poly)
        free = self.free(poly)
        if len(free) == 1:
            (index,) = free
            key = re.sub(re.escape(str(index)) + r"(?!\d)", f"{index.size}.*", key)
        return key

    def primitive(self, poly: Poly) -> tuple[Poly, Fraction]:
        """``poly = factor * primitive``; the sign is fixed by the keys, not by the slots."""
        content = poly.leading_coefficient()
        scaled = poly / content
        if len(poly) > 1:
            keyed = []
            for exponents, coefficient in scaled.to_dict().items():
                keys = sorted(f"{self.atoms[i].key}^{e}" for i, e in enumerate(exponents) if e)
                keyed.append((keys, coefficient))
            first = max(keyed, key=lambda item: item[0])[1]
            scaled, content = scaled / first, content * first
        return scaled, Fraction(int(content.p), int(content.q))

    def factors(self, poly: Poly) -> tuple[Fraction, list[tuple[Poly, int]]]:
        """Content and primitive factors with their exponents."""
        if poly.is_constant():
            value = poly.leading_coefficient()
            return Fraction(int(value.p), int(value.q)), []
        degrees = poly.degrees()
        if len(poly) == 1:
            lead = poly.leading_coefficient()
            own = [(self.gens[i], int(e)) for i, e in enumerate(degrees) if e > 0]
            return Fraction(int(lead.p), int(lead.q)), own
        if len(poly) > 300 or sum(d for d in degrees if d > 0) > 80:
            whole, content = self.primitive(poly)
            return content, [(whole, 1)]
        lead, found = poly.factor()
        content = Fraction(int(lead.p), int(lead.q))
        result = []
        for part, exponent in found:
            whole, scale = self.primitive(part)
            content *= scale ** int(exponent)
            result.append((whole, int(exponent)))
        return content, result


def split_size(size: str) -> tuple[str, int]:
    """``"N-1"`` as ("N", -1)."""
    for at in range(len(size) - 1, 0, -1):
        if size[at] in "+-":
            return size[:at], int(size[at:])
    return size, 0


def digest(text: str) -> str:
    """A short stand-in for a long key."""
    if len(text) <= 40:
        return text
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class Rat:
    """A quotient of two polynomials of a field."""

    __slots__ = ("den", "field", "num")

    def __init__(self, field: Field, num: Poly, den: Poly) -> None:
        self.field, self.num, self.den = field, num, den

    def _lift(self, other: Rat | int | Fraction) -> Rat:
        return other if isinstance(other, Rat) else self.field.number(other)

    def __add__(self, other: Rat | int | Fraction) -> Rat:
        b, field = self._lift(other), self.field
        if self.den == b.den:
            total = self.num + b.num
            if self.den.is_constant():
                if len(total) > MAX_TERMS:
                    raise GaveUp("too many terms")
                return Rat(field, total, self.den)
            return field.ratio(total, self.den)
        common = self.den.gcd(b.den)
        left, right = self.den / common, b.den / common
        num = field.product(self.num, right) + field.product(b.num, left)
        return field.ratio(num, field.product(left, b.den))

    __radd__ = __add__

    def __neg__(self) -> Rat:
        return Rat(self.field, -self.num, self.den)

    def __sub__(self, other: Rat | int | Fraction) -> Rat:
        return self + -self._lift(other)

    def __rsub__(self, other: int | Fraction) -> Rat:
        return self._lift(other) + -self

    def __mul__(self, other: Rat | int | Fraction) -> Rat:
        b, field = self._lift(other), self.field
        return field.ratio(field.product(self.num, b.num), field.product(self.den, b.den))

    __rmul__ = __mul__

    def __truediv__(self, other: Rat | int | Fraction) -> Rat:
        b = self._lift(other)
        if b.num.is_zero():
            raise GaveUp("a division by something that is zero everywhere")
        field = self.field
        return field.ratio(field.product(self.num, b.den), field.product(self.den, b.num))

    def __rtruediv__(self, other: int | Fraction) -> Rat:
        return self._lift(other) / self

    def __pow__(self, power: int) -> Rat:
        field = self.field
        if power >= 0:
            return field.ratio(field.raised(self.num, power), field.raised(self.den, power))
        return (1 / self) ** -power

    def is_zero(self) -> bool:
        return bool(self.num.is_zero())

    def constant(self) -> Fraction | None:
        """The number it is, or ``None``."""
        if not self.num.is_constant() or not self.den.is_constant():
            return None
        if self.num.is_zero():
            return Fraction(0)
        value = self.num.leading_coefficient()
        return Fraction(int(value.p), int(value.q))

    @property
    def free(self) -> frozenset[Index]:
        return self.field.free(self.num, self.den)

    @property
    def slots(self) -> frozenset[int]:
        return frozenset(self.field.used(self.num)) | frozenset(self.field.used(self.den))

    @property
    def key(self) -> str:
        if self.den.is_constant():
            return self.field.key(self.num)
        return f"({self.field.key(self.num)})/({self.field.key(self.den)})"

    def __repr__(self) -> str:
        return f"<Rat {self.key}>" if not self.is_zero() else "<Rat 0>"
