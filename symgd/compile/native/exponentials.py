"""Exponentials and hyperbolic functions, branch-free.

The polynomial of e^r is a Chebyshev fit (``mpmath.chebyfit``): its error is 1.4e-18 for
|r| <= ln(2)/2.
"""

from __future__ import annotations

from symgd.compile.native.code import Code
from symgd.compile.native.numbers import LN2, LOG2E, MAGIC

_EXP = (
    0.5, 0.1666666666666667, 0.04166666666666667, 0.008333333333326084, 0.0013888888888883711,
    0.0001984126987500228, 2.480158732567746e-05, 2.755725517000089e-06, 2.755727347871858e-07,
    2.5105312729622103e-08, 2.09147553258932e-09,
)  # fmt: skip
"""(e^r - 1 - r)/r^2."""


def _reduced(c: Code, x: str) -> tuple[str, str]:
    """x = k ln 2 + r with |r| <= ln(2)/2: (e^r - 1, k as a whole number)."""
    shifted = c.fma(x, c.num(LOG2E), c.num(MAGIC))
    k = c.sub(shifted, c.num(MAGIC))
    r = c.fma(k, c.num(-LN2[0]), x)
    r = c.fma(k, c.num(-LN2[1]), r)
    tail = c.mul(c.mul(r, r), c.poly(r, _EXP))
    whole = c.integer("sub", c.bits(shifted), c.bits(c.num(MAGIC)))
    return c.add(r, tail), whole


def _power_of_two(c: Code, k: str) -> str:
    """2^k for a whole number -1022 <= k <= 1023."""
    return c.from_bits(c.integer("shl", c.integer("add", k, c.int(1023)), c.int(52)))


def _clamped(c: Code, x: str, low: float, high: float) -> str:
    """x within [low, high]; nan stays."""
    x = c.select(c.compare("olt", x, c.num(low)), c.num(low), x)
    return c.select(c.compare("ogt", x, c.num(high)), c.num(high), x)


def exp_scaled(c: Code, x: str, shift: int = 0) -> str:
    """e^x * 2^shift, rounded once also where it is denormal."""
    x = _clamped(c, x, -746.0, 711.0)
    p, k = _reduced(c, x)
    if shift:
        k = c.integer("add", k, c.int(shift))
    half = c.integer("ashr", k, c.int(1))
    first, second = _power_of_two(c, half), _power_of_two(c, c.integer("sub", k, half))
    scaled = c.mul(c.add(c.num(1.0), p), first)
    return c.mul(scaled, second)


def exp_negative(c: Code, x: str) -> str:
    """e^x for x <= 0 down to where it is denormal; cheaper than :func:`exp_scaled`."""
    x = c.select(c.compare("olt", x, c.num(-746.0)), c.num(-746.0), x)
    p, k = _reduced(c, x)
    half = c.integer("ashr", k, c.int(1))
    first, second = _power_of_two(c, half), _power_of_two(c, c.integer("sub", k, half))
    return c.mul(c.mul(c.add(c.num(1.0), p), first), second)


def exp(c: Code, x: str) -> str:
    return exp_scaled(c, x)


def half_expm1(c: Code, x: str) -> str:
    """(e^x - 1)/2; it does not overflow before e^x/2 does."""
    small = c.compare("olt", c.abs(x), c.num(2.0**-54))
    p, k = _reduced(c, _clamped(c, x, -40.0, 710.5))
    scale = _power_of_two(c, c.integer("add", k, c.int(-2)))
    quarter = c.fma(scale, p, c.sub(scale, c.num(0.25)))
    return c.select(small, c.mul(x, c.num(0.5)), c.mul(quarter, c.num(2.0)))


def expm1(c: Code, x: str) -> str:
    small = c.compare("olt", c.abs(x), c.num(2.0**-54))
    return c.select(small, x, c.mul(half_expm1(c, x), c.num(2.0)))


def exp_of_minus(c: Code, u: str) -> str:
    """e^-|u|, shared by everything that needs it."""
    size = c.abs(u)
    key = ("exp_of_minus", size)
    if key not in c.memo:
        c.memo[key] = (exp_negative(c, c.neg(size)),)
    return c.memo[key][0]


def sigmoid(c: Code, u: str) -> str:
    """1/(1 + e^-u) without overflow."""
    e = exp_of_minus(c, u)
    top = c.select(c.compare("oge", u, c.num(0.0)), c.num(1.0), e)
    return c.div(top, c.add(c.num(1.0), e))


def tanh(c: Code, x: str) -> str:
    """t/(t + 2) with t = e^(2|x|) - 1."""
    size = c.abs(x)
    size = c.select(c.compare("ogt", size, c.num(22.0)), c.num(22.0), size)
    h = half_expm1(c, c.mul(size, c.num(2.0)))
    return c.with_sign(c.div(h, c.add(h, c.num(1.0))), x)


def sinh(c: Code, x: str) -> str:
    size = c.abs(x)
    h = half_expm1(c, size)
    whole = c.add(h, c.div(h, c.fma(h, c.num(2.0), c.num(1.0))))
    infinite = c.compare("oeq", h, c.num(float("inf")))
    whole = c.select(infinite, h, whole)
    whole = c.select(c.compare("olt", size, c.num(2.0**-28)), size, whole)
    return c.with_sign(whole, x)


def cosh(c: Code, x: str) -> str:
    e = exp_scaled(c, c.abs(x), -1)
    return c.add(e, c.div(c.num(0.25), e))


def sech(c: Code, x: str) -> str:
    return c.div(c.num(1.0), cosh(c, x))


def csch(c: Code, x: str) -> str:
    return c.div(c.num(1.0), sinh(c, x))


def coth(c: Code, x: str) -> str:
    return c.div(c.num(1.0), tanh(c, x))
