"""Signs, absolute values, logarithms and roots of rational functions.

``log|u|`` of a product is the sum of the logarithms of its factors, ``|u|^(p/q)``
the product of their roots, and ``sign(u)`` the product of their signs; so all three
are broken down to irreducible factors. A factor whose sign is known (a sum of
positive terms, or a fact taken from the domain) has none; otherwise its sign is an
atom whose square is 1.

>>> field = Field()
>>> x = field.name("x", ())
>>> absolute_power(x * x, Fraction(1, 2)) - sign(x) * x
<Rat 0>
"""

from __future__ import annotations

from fractions import Fraction

from flint import fmpz

from symgd.algebra.field import Field, GaveUp, Poly, Rat, Restart, digest

MAX_SCALE = 50_000


def sign_of(field: Field, poly: Poly) -> int | None:
    """1 or -1 for a primitive polynomial whose sign is known, else ``None``."""
    if field.cell:
        assumed = field.cell.get(field.key(poly))
        if assumed is not None:
            return assumed
    key = field.generic_key(poly)
    known = field.known.signs.get(key)
    if known is not None:
        field.facts[field.key(poly)] = (poly, known)
        return known
    found = _termwise(field, poly)
    if found is None and field.facts:
        found = _by_comparison(field, poly)
    return _quadratic(field, poly) if found is None else found


def _termwise(field: Field, poly: Poly) -> int | None:
    signs = set()
    for exponents, coefficient in poly.to_dict().items():
        value = 1 if coefficient > 0 else -1
        for slot, exponent in enumerate(exponents):
            if exponent % 2:
                positive = field.atoms[slot].positive
                known = 1 if positive else known_sign(field, field.gens[slot])
                if known is None:
                    return None
                value *= known
        signs.add(value)
        if len(signs) > 1:
            return None
    return signs.pop() if signs else None


def known_sign(field: Field, poly: Poly) -> int | None:
    """The sign of a polynomial if it is a fact or assumed in the case at hand."""
    if field.cell:
        assumed = field.cell.get(field.key(poly))
        if assumed is not None:
            return assumed
    return field.known.signs.get(field.generic_key(poly)) if field.known.signs else None


def _by_comparison(field: Field, poly: Poly) -> int | None:
    """``u + d > 0`` from ``u > 0`` and ``d > 0``: a known polynomial is taken off."""
    for other, value in list(field.facts.values()):
        for scale in (1, -1):
            rest = poly - scale * other
            if rest.is_zero():
                return scale * value
            found = _termwise(field, rest)
            if found is not None and found == scale * value:
                return found
    return None


def _quadratic(field: Field, poly: Poly) -> int | None:
    """A quadratic in one atom without real roots has the sign of its square term."""
    slots = field.used(poly)
    if len(slots) != 1 or poly.degrees()[slots[0]] != 2:
        return None
    values = [Fraction(0)] * 3
    for exponents, c in poly.to_dict().items():
        values[int(exponents[slots[0]])] = Fraction(int(c.p), int(c.q))
    if values[1] ** 2 - 4 * values[0] * values[2] < 0:
        return 1 if values[2] > 0 else -1
    return None


def sign(u: Rat) -> Rat:
    """The sign of ``u`` where it is not zero (0 if it is zero everywhere)."""
    field = u.field
    if u.is_zero():
        return field.zero
    result, negative = field.one, False
    for poly in (u.num, u.den):
        content, factors = field.factors(poly)
        negative ^= content < 0
        for factor, exponent in factors:
            if exponent % 2:
                value = sign_of(field, factor)
                if value is None:
                    result = result * sign_atom(field, factor)
                else:
                    negative ^= value < 0
    return -result if negative else result


def sign_atom(field: Field, poly: Poly) -> Rat:
    """The sign of a primitive polynomial as an atom."""
    key = f"sign:{digest(field.key(poly))}"
    new = key not in field.slots
    atom = field.of_atom("sign", key, (poly,), field.free(poly), field.used(poly))
    if new:
        field.relate(atom, 2, field.unit)
    return atom


def absolute(u: Rat) -> Rat:
    """|u|."""
    return sign(u) * u


def absolute_power(u: Rat, power: Fraction) -> Rat:
    """|u|^power for a rational power, factor by factor."""
    field = u.field
    if u.is_zero():
        if power > 0:
            return field.zero
        raise GaveUp("a negative power of zero")
    result = field.one
    for poly, direction in ((u.num, 1), (u.den, -1)):
        content, factors = field.factors(poly)
        result = result * _number_power(field, abs(content), power * direction)
        for factor, exponent in factors:
            result = result * _factor_power(field, factor, power * direction * exponent)
    return result


def _number_power(field: Field, value: Fraction, power: Fraction) -> Rat:
    if power.denominator == 1:
        if abs(power) * max(value.numerator.bit_length(), value.denominator.bit_length()) > 50_000:
            raise GaveUp("too large a number")
        return field.number(value ** int(power))
    result = field.one
    for prime, exponent in prime_powers(value):
        poly = field.ctx.constant(prime)
        result = result * _root(field, poly, f"{prime}", power * exponent, 1)
    return result


def prime_powers(value: Fraction) -> list[tuple[int, int]]:
    """The prime factors of a positive rational with their exponents."""
    found = []
    for number, direction in ((value.numerator, 1), (value.denominator, -1)):
        if number == 1:
            continue
        if number.bit_length() > 160:
            raise GaveUp("too large a number to factor")
        found += [(int(p), int(e) * direction) for p, e in fmpz(number).factor()]
    return found


def _factor_power(field: Field, factor: Poly, power: Fraction) -> Rat:
    slots = field.used(factor)
    if len(factor) == 1 and len(slots) == 1:
        atom = field.atoms[slots[0]]
        if atom.kind == "exp":
            from symgd.algebra.elementary import exp

            inner, scale = atom.data
            return exp(inner * (power / scale))
        if atom.kind == "root":
            poly, scale = atom.data
            return (
                _factor_power(field, poly, power / scale)
                if not poly.is_constant()
                else (
                    _number_power(field, Fraction(int(poly.leading_coefficient().p)), power / scale)
                )
            )
    known = sign_of(field, factor)
    return _root(field, factor, field.key(factor), power, known)


def _root(field: Field, poly: Poly, key: str, power: Fraction, known: int | None) -> Rat:
    """|poly|^power: a whole power and a root atom for the rest."""
    whole, rest = divmod(power, 1)
    result = field.one
    if whole:
        base = Rat(field, poly, field.unit)
        if known is None and int(whole) % 2:
            result = sign_atom(field, poly)
        elif known == -1 and int(whole) % 2:
            result = -result
        result = result * base ** int(whole)
    if rest:
        scale = finer(field, f"root:{digest(key)}", rest.denominator)
        result = result * _root_atom(field, poly, key, scale, known) ** int(rest * scale)
    return result


def _root_atom(field: Field, poly: Poly, key: str, scale: int, known: int | None) -> Rat:
    name = f"root{scale}:{digest(key)}"
    new = name not in field.slots
    value = poly
    if new and known is None:
        value = poly * sign_atom(field, poly).num
    elif known == -1:
        value = -poly
    needs = [*field.used(poly), *field.used(value)]
    atom = field.of_atom("root", name, (poly, scale), field.free(poly), needs, positive=True)
    if new:
        field.relate(atom, scale, value)
    return atom


def finer(field: Field, key: str, denominator: int) -> int:
    """The common denominator of all exponents of one base; a new one starts over."""
    import math

    old = field.known.scales.get(key, 1)
    if old % denominator == 0:
        return old
    new = math.lcm(old, denominator)
    if new > MAX_SCALE:
        raise GaveUp("exponents with too large denominators")
    field.known.scales[key] = new
    raise Restart


def log_absolute(u: Rat) -> Rat:
    """log|u|, broken down to factors."""
    field = u.field
    if u.is_zero():
        raise GaveUp("a logarithm of zero")
    total = field.zero
    for poly, direction in ((u.num, 1), (u.den, -1)):
        content, factors = field.factors(poly)
        for prime, exponent in prime_powers(abs(content)):
            total = total + log_atom(field, field.ctx.constant(prime)) * exponent * direction
        for factor, exponent in factors:
            total = total + _log_factor(field, factor) * exponent * direction
    return total


def _log_factor(field: Field, factor: Poly) -> Rat:
    slots = field.used(factor)
    if len(factor) == 1 and len(slots) == 1:
        atom = field.atoms[slots[0]]
        if atom.kind == "exp":
            inner, scale = atom.data
            result: Rat = inner * Fraction(1, scale)
            return result
        if atom.kind == "root":
            poly, scale = atom.data
            return log_absolute(Rat(field, poly, field.unit)) * Fraction(1, scale)
    return log_atom(field, factor)


def log_atom(field: Field, poly: Poly) -> Rat:
    """log|poly| of a primitive polynomial or a prime as an atom."""
    key = f"log:{digest(field.key(poly))}"
    return field.of_atom("log", key, (poly,), field.free(poly), field.used(poly))
