"""Elementary functions of rational functions, broken down to few kinds of atoms.

Everything hyperbolic is exponentials; ``exp`` of a sum is a product of exponentials of
its terms; ``sin`` and ``cos`` of sums and multiples follow the addition theorems;
functions without such laws (``atan``, ``erf``, ``gamma``) are atoms of their arguments.

>>> from symgd.algebra.field import Field
>>> x = Field().name("x", ())
>>> exp(x + x) - exp(x) ** 2, sin(2 * x) - 2 * sin(x) * cos(x)
(<Rat 0>, <Rat 0>)
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from symgd.algebra.field import Field, GaveUp, Poly, Rat, digest
from symgd.algebra.signs import absolute, absolute_power, finer, log_absolute, sign

MAX_SPLIT = 12
MAX_ANGLES = 3
MAX_MULTIPLE = 40
HALF = Fraction(1, 2)


# -- exponentials ---------------------------------------------------------------------------------


def exp(u: Rat) -> Rat:
    """e^u as a product over the terms of u."""
    field = u.field
    result = field.one
    for coefficient, term in terms_of(u, MAX_SPLIT):
        result = result * _exp_term(field, coefficient, term)
    return result


def terms_of(u: Rat, most: int) -> list[tuple[Fraction, Rat]]:
    """``u`` as coefficients times terms; one term if there would be more than ``most``."""
    field = u.field
    if u.is_zero():
        return []
    found: list[tuple[Fraction, Rat]] = []
    proper = u
    if not u.den.is_constant():
        quotient, rest = divmod(u.num, u.den)
        found += _split(field, quotient, field.unit)
        proper = field.ratio(rest, u.den)
    if not proper.is_zero():
        found += _split(field, proper.num, proper.den)
    if len(found) <= most:
        return found
    whole, content = field.primitive(u.num)
    return [(content, Rat(field, whole, u.den))]


def _split(field: Field, num: Poly, den: Poly) -> list[tuple[Fraction, Rat]]:
    found = []
    for exponents, c in num.to_dict().items():
        term = field.ctx.from_dict({exponents: 1})
        found.append((Fraction(int(c.p), int(c.q)), field.ratio(term, den)))
    return found


def _exp_term(field: Field, coefficient: Fraction, term: Rat) -> Rat:
    """exp(coefficient*term): a power of |f| for log|f|, else a power of an atom."""
    slots = field.used(term.num)
    if len(slots) == 1 and term.den.is_constant() and len(term.num) == 1:
        atom = field.atoms[slots[0]]
        if atom.kind == "log" and term.num.degrees()[slots[0]] == 1:
            return absolute_power(Rat(field, atom.data[0], field.unit), coefficient)
    key = f"exp:{digest(term.key)}"
    scale = finer(field, key, coefficient.denominator)
    needs = term.slots
    atom_value = field.of_atom("exp", key, (term, scale), term.free, needs, positive=True)
    power = coefficient * scale
    if abs(power) > 100_000:
        raise GaveUp("an exponential with too large a factor")
    return atom_value ** int(power)


def power(u: Rat, v: Rat) -> Rat:
    """u^v: exact for whole v, else |u|^v (its domain is u > 0)."""
    number = v.constant()
    if number is None:
        return exp(v * log_absolute(u))
    if number.denominator == 1:
        return u ** int(number)
    return absolute_power(u, number)


# -- angles ---------------------------------------------------------------------------------------


def sin(u: Rat) -> Rat:
    return _angle(u)[0]


def cos(u: Rat) -> Rat:
    return _angle(u)[1]


def _angle(u: Rat) -> tuple[Rat, Rat]:
    """(sin u, cos u) by the addition theorems."""
    field = u.field
    s, c = field.zero, field.one
    for coefficient, term in terms_of(u, MAX_ANGLES):
        a, b = _multiple(field, coefficient, term)
        s, c = s * b + c * a, c * b - s * a
    return s, c


def _multiple(field: Field, coefficient: Fraction, term: Rat) -> tuple[Rat, Rat]:
    """(sin, cos) of coefficient*term from those of a fraction of the term."""
    slots = field.used(term.num)
    kind = ""
    if len(slots) == 1 and term.den.is_constant() and term.num.degrees()[slots[0]] == 1:
        kind = field.atoms[slots[0]].kind
    if kind == "pi":
        known = _pi_multiple(field, coefficient)
        if known is not None:
            return known
    if kind == "opaque" and coefficient.denominator == 1:
        inner = _inverse_angle(field, slots[0])
        if inner is not None:
            return _repeated(field, *inner, int(coefficient))
    key = f"angle:{digest(term.key)}"
    if max(abs(coefficient.numerator), coefficient.denominator) > MAX_MULTIPLE:
        if coefficient < 0:
            s, c = _multiple(field, -coefficient, term)
            return -s, c
        term = term * coefficient
        key, coefficient = f"angle:{digest(term.key)}", Fraction(1)
    scale = finer(field, key, coefficient.denominator)
    data, free, needs = (term, scale), term.free, term.slots
    c = field.of_atom("cos", "cos" + key, data, free, needs)
    new = "sin" + key not in field.slots
    s = field.of_atom("sin", "sin" + key, data, free, needs)
    if new:
        field.relate(s, 2, field.unit - c.num**2)
    return _repeated(field, s, c, int(coefficient * scale))


def _repeated(field: Field, s: Rat, c: Rat, times: int) -> tuple[Rat, Rat]:
    if abs(times) > MAX_MULTIPLE:
        raise GaveUp("a multiple of an angle that is too large")
    a, b = field.zero, field.one
    for _ in range(abs(times)):
        a, b = a * c + b * s, b * c - a * s
    return (-a if times < 0 else a), b


def _pi_multiple(field: Field, q: Fraction) -> tuple[Rat, Rat] | None:
    """sin and cos of multiples of pi/12, as square roots."""
    if (q * 12).denominator != 1:
        return None
    steps = int(q * 12) % 24
    root2 = absolute_power(field.number(2), HALF)
    root3 = absolute_power(field.number(3), HALF)
    quarter = {
        0: field.zero,
        1: root2 * (root3 - 1) * Fraction(1, 4),
        2: field.number(HALF),
        3: root2 * HALF,
        4: root3 * HALF,
        5: root2 * (root3 + 1) * Fraction(1, 4),
        6: field.one,
    }

    def sine(k: int) -> Rat:
        k %= 24
        if k > 12:
            return -sine(k - 12)
        return quarter[min(k, 12 - k)]

    return sine(steps), sine(steps + 6)


def _inverse_angle(field: Field, slot: int) -> tuple[Rat, Rat] | None:
    """sin and cos of asin(v) and atan(v)."""
    op, args = field.atoms[slot].data
    v = args[0]
    if op == "asin":
        return v, absolute_power(1 - v * v, HALF)
    if op == "atan":
        below = absolute_power(1 + v * v, HALF)
        return v / below, 1 / below
    return None


# -- functions without laws -----------------------------------------------------------------------

_ODD = frozenset({"asin", "atan", "erf"})


def opaque(op: str, *args: Rat) -> Rat:
    """A function value as an atom; odd functions of -u are minus those of u."""
    field = args[0].field
    if op in _ODD:
        (u,) = args
        if u.is_zero():
            return field.zero
        if field.primitive(u.num)[1] < 0:
            return -opaque(op, -u)
    key = f"{op}:{digest('|'.join(a.key for a in args))}"
    free = frozenset[object]().union(*[a.free for a in args])
    needs = frozenset[int]().union(*[a.slots for a in args])
    return field.of_atom("opaque", key, (op, args), free, needs)  # type: ignore[arg-type]


def _gamma_like(op: str) -> Callable[[Rat], Rat]:
    """gamma and its relatives, whole numbers in the argument moved out by the recurrence."""

    def function(u: Rat) -> Rat:
        shift = _whole_part(u)
        if not shift:
            return opaque(op, u)
        base = u - shift
        value = opaque(op, base)
        steps = range(shift) if shift > 0 else range(shift, 0)
        for j in steps:
            value = _raised(op, value, base + j, 1 if shift > 0 else -1)
        return value

    return function


def _raised(op: str, value: Rat, at: Rat, sign: int) -> Rat:
    """gamma(u + 1) from gamma(u) and the like; backwards for sign -1."""
    if op == "gamma":
        return value * at if sign > 0 else value / at
    if op == "loggamma":
        return value + log_absolute(at) * sign
    return value + (1 / at if op == "digamma" else -1 / at**2) * sign


def _whole_part(u: Rat) -> int:
    """The whole number in the constant term of a polynomial argument."""
    if not u.den.is_constant() or u.constant() is not None:
        return 0
    for exponents, c in u.num.to_dict().items():
        if not any(exponents):
            whole = int(c.p) // int(c.q)
            return whole if abs(whole) <= 20 else 0
    return 0


def _log1p(u: Rat) -> Rat:
    return log_absolute(1 + u)


def _sigmoid(u: Rat) -> Rat:
    e = exp(u)
    return e / (1 + e)


def _sinh(u: Rat) -> Rat:
    e = exp(u)
    return (e - 1 / e) * HALF


def _cosh(u: Rat) -> Rat:
    e = exp(u)
    return (e + 1 / e) * HALF


def _tanh(u: Rat) -> Rat:
    e = exp(u) ** 2
    return (e - 1) / (e + 1)


def _root(u: Rat) -> Rat:
    return absolute_power(u, HALF)


def _pi(field: Field) -> Rat:
    return field.of_atom("pi", "pi", (), positive=True)


def maximum(u: Rat, v: Rat) -> Rat:
    """The larger of two: (u + v + |u - v|)/2."""
    return (u + v + absolute(u - v)) * HALF


def minimum(u: Rat, v: Rat) -> Rat:
    """The smaller of two: (u + v - |u - v|)/2."""
    return (u + v - absolute(u - v)) * HALF


FUNCTIONS: dict[str, Callable[..., Rat]] = {
    "exp": exp, "expm1": lambda u: exp(u) - 1, "log": log_absolute, "log1p": _log1p,
    "log2": lambda u: log_absolute(u) / log_absolute(u.field.number(2)),
    "log10": lambda u: log_absolute(u) / log_absolute(u.field.number(10)),
    "sqrt": _root, "cbrt": lambda u: sign(u) * absolute_power(u, Fraction(1, 3)),
    "pow": power, "sin": sin, "cos": cos,
    "tan": lambda u: sin(u) / cos(u), "sec": lambda u: 1 / cos(u),
    "csc": lambda u: 1 / sin(u), "cot": lambda u: cos(u) / sin(u),
    "sinh": _sinh, "cosh": _cosh, "tanh": _tanh,
    "sech": lambda u: 1 / _cosh(u), "csch": lambda u: 1 / _sinh(u),
    "coth": lambda u: 1 / _tanh(u),
    "asin": lambda u: opaque("asin", u), "atan": lambda u: opaque("atan", u),
    "acos": lambda u: _pi(u.field) * HALF - opaque("asin", u),
    "asinh": lambda u: log_absolute(u + _root(u * u + 1)),
    "acosh": lambda u: log_absolute(u + _root(u * u - 1)),
    "atanh": lambda u: log_absolute((1 + u) / (1 - u)) * HALF,
    "atan2": lambda u, v: opaque("atan2", u, v),
    "erf": lambda u: opaque("erf", u), "erfc": lambda u: 1 - opaque("erf", u),
    "gamma": _gamma_like("gamma"), "loggamma": _gamma_like("loggamma"),
    "digamma": _gamma_like("digamma"), "trigamma": _gamma_like("trigamma"),
    "sigmoid": _sigmoid, "softplus": lambda u: log_absolute(1 + exp(u)),
    "hypot": lambda u, v: _root(u * u + v * v),
    "logaddexp": lambda u, v: log_absolute(exp(u) + exp(v)),
    "abs": absolute, "sign": sign, "heaviside": lambda u: (1 + sign(u)) * HALF,
    "maximum": maximum, "minimum": minimum,
}  # fmt: skip
"""The normal form of every elementwise function (where its argument is not at a kink)."""


def constant(field: Field, name: str) -> Rat:
    """``pi`` or ``e``."""
    return _pi(field) if name == "pi" else exp(field.one)
