"""Maximum, minimum, signs and lengths, with nan and infinities as in NumPy."""

from __future__ import annotations

from symgd.compile.native.code import Code


def maximum(c: Code, u: str, v: str) -> str:
    """The larger one; nan if one of them is."""
    larger = c.select(c.compare("ogt", u, v), u, v)
    return c.select(c.compare("uno", u, u), u, larger)


def minimum(c: Code, u: str, v: str) -> str:
    """The smaller one; nan if one of them is."""
    smaller = c.select(c.compare("olt", u, v), u, v)
    return c.select(c.compare("uno", u, u), u, smaller)


def sign(c: Code, u: str) -> str:
    """-1, 0, 1; nan stays."""
    one = c.with_sign(c.num(1.0), u)
    zero_or_nan = c.compare("ueq", u, c.num(0.0))
    return c.select(zero_or_nan, u, one)


def heaviside(c: Code, u: str) -> str:
    """0, 1/2 at zero, 1; nan stays."""
    value = c.select(c.compare("ogt", u, c.num(0.0)), c.num(1.0), c.num(0.0))
    value = c.select(c.compare("oeq", u, c.num(0.0)), c.num(0.5), value)
    return c.select(c.compare("uno", u, u), u, value)


def hypot(c: Code, u: str, v: str) -> str:
    """sqrt(u^2 + v^2) without overflow."""
    a, b = c.abs(u), c.abs(v)
    larger = c.select(c.compare("ogt", a, b), a, b)
    smaller = c.select(c.compare("ogt", a, b), b, a)
    ratio = c.div(smaller, larger)
    value = c.mul(larger, c.sqrt(c.fma(ratio, ratio, c.num(1.0))))
    value = c.select(c.compare("oeq", larger, c.num(0.0)), c.add(larger, smaller), value)
    infinite = c.either(
        c.compare("oeq", a, c.num(float("inf"))), c.compare("oeq", b, c.num(float("inf")))
    )
    return c.select(infinite, c.num(float("inf")), value)
