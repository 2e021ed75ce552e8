"""Logarithms, inverse hyperbolic functions and what is made of both, branch-free."""

from __future__ import annotations

from symgd.compile.native.code import Code
from symgd.compile.native.exponentials import exp_of_minus
from symgd.compile.native.numbers import LN2, LN2_SHORT, LOG2E, MAGIC
from symgd.compile.native.ordering import maximum

_LOG = (
    6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
    2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
    1.479819860511658591e-01,
)  # fmt: skip


def _split(c: Code, x: str) -> tuple[str, str]:
    """x = m 2^e with m in [sqrt(1/2), sqrt(2)): (m, e as a double), x positive and finite."""
    tiny = c.compare("olt", x, c.num(2.0**-1022))
    scaled = c.select(tiny, c.mul(x, c.num(2.0**54)), x)
    # sqrt(1/2) has the bits 3FE6A09E667F3BCD
    offset = c.integer("sub", c.bits(scaled), c.int(0x3FE6A09E667F3BCD))
    e = c.integer("ashr", offset, c.int(52))
    mantissa = c.integer("sub", c.bits(scaled), c.integer("shl", e, c.int(52)))
    e = c.selected_int(tiny, c.integer("sub", e, c.int(54)), e)
    return c.from_bits(mantissa), _to_real(c, e)


def _to_real(c: Code, k: str) -> str:
    """A whole number below 2^51 as a double."""
    shifted = c.integer("add", k, c.bits(c.num(MAGIC)))
    return c.sub(c.from_bits(shifted), c.num(MAGIC))


def _log_near_one(c: Code, f: str, e: str | None) -> str:
    """log(1 + f) + e ln 2."""
    s = c.div(f, c.add(c.num(2.0), f))
    z = c.mul(s, s)
    tail = c.mul(z, c.poly(z, _LOG))
    half_square = c.mul(c.mul(f, f), c.num(0.5))
    inner = c.mul(s, c.add(half_square, tail))
    if e is None:
        return c.sub(f, c.sub(half_square, inner))
    inner = c.fma(e, c.num(LN2_SHORT[1]), inner)
    return c.fma(e, c.num(LN2_SHORT[0]), c.sub(f, c.sub(half_square, inner)))


def _log_ends(c: Code, x: str, value: str, zero_at: float) -> str:
    """What a logarithm is at its pole, left of it and at infinity."""
    pole = c.num(zero_at)
    value = c.select(c.compare("oeq", x, pole), c.num(-float("inf")), value)
    value = c.select(c.compare("olt", x, pole), c.num(float("nan")), value)
    inside = c.compare("olt", x, c.num(float("inf")))
    return c.select(c.either(inside, c.compare("olt", x, pole)), value, x)


def log(c: Code, x: str) -> str:
    m, e = _split(c, x)
    return _log_ends(c, x, _log_near_one(c, c.sub(m, c.num(1.0)), e), 0.0)


def log2(c: Code, x: str) -> str:
    m, e = _split(c, x)
    part = _log_near_one(c, c.sub(m, c.num(1.0)), None)
    return _log_ends(c, x, c.fma(part, c.num(LOG2E), e), 0.0)


def log10(c: Code, x: str) -> str:
    m, e = _split(c, x)
    part = _log_near_one(c, c.sub(m, c.num(1.0)), None)
    low = c.fma(part, c.num(0.4342944819032518), c.mul(e, c.num(-2.8037281277851704e-18)))
    return _log_ends(c, x, c.fma(e, c.num(0.3010299956639812), low), 0.0)


def log1p(c: Code, x: str) -> str:
    """log(1 + x): the rounding error of 1 + x is carried along."""
    u = c.add(c.num(1.0), x)
    large = c.compare("oge", x, c.num(1.0))
    lost = c.select(large, c.sub(c.num(1.0), c.sub(u, x)), c.sub(x, c.sub(u, c.num(1.0))))
    m, e = _split(c, u)
    # the error of 1 + x, scaled as m is; beyond 2^60 it is nothing, and 2^-e may not be a number
    exponent = c.integer("sub", c.bits(u), c.bits(m))
    scale = c.from_bits(c.integer("sub", c.bits(c.num(1.0)), exponent))
    scale = c.select(c.compare("olt", u, c.num(2.0**60)), scale, c.num(0.0))
    f = c.fma(lost, scale, c.sub(m, c.num(1.0)))
    value = _log_ends(c, x, _log_near_one(c, f, e), -1.0)
    return c.select(c.compare("oeq", x, c.num(0.0)), x, value)


def asinh(c: Code, x: str) -> str:
    size = c.abs(x)
    large = c.compare("ogt", size, c.num(2.0**28))
    square = c.mul(size, size)
    bottom = c.add(c.num(1.0), c.sqrt(c.add(square, c.num(1.0))))
    far = c.sub(size, c.num(1.0))
    inner = c.select(large, far, c.add(size, c.div(square, bottom)))
    whole = c.add(log1p(c, inner), c.select(large, c.num(LN2[0]), c.num(0.0)))
    return c.with_sign(whole, x)


def acosh(c: Code, x: str) -> str:
    t = c.sub(x, c.num(1.0))
    large = c.compare("ogt", x, c.num(2.0**28))
    inner = c.add(t, c.sqrt(c.mul(t, c.add(t, c.num(2.0)))))
    inner = c.select(large, t, inner)
    whole = c.add(log1p(c, inner), c.select(large, c.num(LN2[0]), c.num(0.0)))
    return c.select(c.compare("olt", x, c.num(1.0)), c.num(float("nan")), whole)


def atanh(c: Code, x: str) -> str:
    size = c.abs(x)
    inner = c.div(c.mul(size, c.num(2.0)), c.sub(c.num(1.0), size))
    whole = c.mul(log1p(c, inner), c.num(0.5))
    return c.with_sign(c.select(c.compare("olt", size, c.num(2.0**-28)), size, whole), x)


def softplus(c: Code, u: str) -> str:
    """log(1 + e^u) = max(u, 0) + log1p(e^-|u|)."""
    top = c.select(c.compare("ole", u, c.num(0.0)), c.num(0.0), u)
    return c.add(top, log1p(c, exp_of_minus(c, u)))


def logaddexp(c: Code, u: str, v: str) -> str:
    """log(e^u + e^v)."""
    rest = log1p(c, exp_of_minus(c, c.sub(u, v)))
    sum_of_both = c.add(maximum(c, u, v), rest)
    equal = c.compare("oeq", u, v)
    return c.select(equal, c.add(u, c.num(LN2[0])), sum_of_both)
