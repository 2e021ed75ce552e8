"""The elementary functions in vectors: branch-free, at most 4 units in the last place.

Every function reduces its argument exactly (Cody & Waite, with fused multiply-add),
evaluates a polynomial, and puts the parts together so that the leading one is rounded once.
Signs, zeros, denormals, infinities and nan come out as in IEEE 754. Sources: fdlibm (Sun
Microsystems 1993) for the kernels of log, sin, cos, asin and atan; Muller, "Elementary
Functions", chapters 3, 9 and 11 for the reductions. The polynomial of exp is a Chebyshev fit
(``mpmath.chebyfit``, error 1.4e-18 on |r| <= ln(2)/2).
"""

from __future__ import annotations

from symgd.compile.native.code import Code

_LOG2E = 1.4426950408889634
_LN2 = (0.6931471805599453, 2.3190468138462996e-17)
_LN2_SHORT = (6.93147180369123816490e-01, 1.90821492927058770002e-10)
_HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)
_MAGIC = 6755399441055744.0
"""1.5 * 2^52: adding it rounds to a whole number, which then stands in the low bits."""

_EXP = (
    0.5, 0.1666666666666667, 0.04166666666666667, 0.008333333333326084, 0.0013888888888883711,
    0.0001984126987500228, 2.480158732567746e-05, 2.755725517000089e-06, 2.755727347871858e-07,
    2.5105312729622103e-08, 2.09147553258932e-09,
)  # fmt: skip
"""(e^r - 1 - r)/r^2."""
_LOG = (
    6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
    2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
    1.479819860511658591e-01,
)  # fmt: skip
_SIN_FIRST = -1.66666666666666324348e-01
_SIN = (
    8.33333333332248946124e-03, -1.98412698298579493134e-04, 2.75573137070700676789e-06,
    -2.50507602534068634195e-08, 1.58969099521155010221e-10,
)  # fmt: skip
_COS = (
    4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
    -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11,
)  # fmt: skip
_ASIN_TOP = (
    1.66666666666666657415e-01, -3.25565818622400915405e-01, 2.01212532134862925881e-01,
    -4.00555345006794114027e-02, 7.91534994289814532176e-04, 3.47933107596021167570e-05,
)  # fmt: skip
_ASIN_BOTTOM = (
    1.0, -2.40339491173441421878e+00, 2.02094576023350569471e+00, -6.88283971605453293030e-01,
    7.70381505559019352791e-02,
)  # fmt: skip
_ATAN = (
    3.33333333333329318027e-01, -1.99999999998764832476e-01, 1.42857142725034663711e-01,
    -1.11111104054623557880e-01, 9.09088713343650656196e-02, -7.69187620504482999495e-02,
    6.66107313738753120669e-02, -5.83357013379057348645e-02, 4.97687799461593236017e-02,
    -3.65315727442169155270e-02, 1.62858201153657823623e-02,
)  # fmt: skip


# -- exponentials ------------------------------------------------------------------------------


def _reduced(c: Code, x: str) -> tuple[str, str]:
    """x = k ln 2 + r with |r| <= ln(2)/2: (e^r - 1, k as a whole number)."""
    shifted = c.fma(x, c.num(_LOG2E), c.num(_MAGIC))
    k = c.sub(shifted, c.num(_MAGIC))
    r = c.fma(k, c.num(-_LN2[0]), x)
    r = c.fma(k, c.num(-_LN2[1]), r)
    tail = c.mul(c.mul(r, r), c.poly(r, _EXP))
    whole = c.integer("sub", c.bits(shifted), c.bits(c.num(_MAGIC)))
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


def _exp_of_minus(c: Code, u: str) -> str:
    """e^-|u|, shared by everything that needs it."""
    size = c.abs(u)
    key = ("exp_of_minus", size)
    if key not in c.memo:
        c.memo[key] = (exp_negative(c, c.neg(size)),)
    return c.memo[key][0]


def sigmoid(c: Code, u: str) -> str:
    """1/(1 + e^-u) without overflow."""
    e = _exp_of_minus(c, u)
    top = c.select(c.compare("oge", u, c.num(0.0)), c.num(1.0), e)
    return c.div(top, c.add(c.num(1.0), e))


def softplus(c: Code, u: str) -> str:
    """log(1 + e^u) = max(u, 0) + log1p(e^-|u|)."""
    top = c.select(c.compare("ole", u, c.num(0.0)), c.num(0.0), u)
    return c.add(top, log1p(c, _exp_of_minus(c, u)))


def logaddexp(c: Code, u: str, v: str) -> str:
    """log(e^u + e^v)."""
    rest = log1p(c, _exp_of_minus(c, c.sub(u, v)))
    sum_of_both = c.add(maximum(c, u, v), rest)
    equal = c.compare("oeq", u, v)
    return c.select(equal, c.add(u, c.num(_LN2[0])), sum_of_both)


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


# -- logarithms ----------------------------------------------------------------------------------


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
    shifted = c.integer("add", k, c.bits(c.num(_MAGIC)))
    return c.sub(c.from_bits(shifted), c.num(_MAGIC))


def _log_near_one(c: Code, f: str, e: str | None) -> str:
    """log(1 + f) + e ln 2."""
    s = c.div(f, c.add(c.num(2.0), f))
    z = c.mul(s, s)
    tail = c.mul(z, c.poly(z, _LOG))
    half_square = c.mul(c.mul(f, f), c.num(0.5))
    inner = c.mul(s, c.add(half_square, tail))
    if e is None:
        return c.sub(f, c.sub(half_square, inner))
    inner = c.fma(e, c.num(_LN2_SHORT[1]), inner)
    return c.fma(e, c.num(_LN2_SHORT[0]), c.sub(f, c.sub(half_square, inner)))


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
    return _log_ends(c, x, c.fma(part, c.num(_LOG2E), e), 0.0)


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
    whole = c.add(log1p(c, inner), c.select(large, c.num(_LN2[0]), c.num(0.0)))
    return c.with_sign(whole, x)


def acosh(c: Code, x: str) -> str:
    t = c.sub(x, c.num(1.0))
    large = c.compare("ogt", x, c.num(2.0**28))
    inner = c.add(t, c.sqrt(c.mul(t, c.add(t, c.num(2.0)))))
    inner = c.select(large, t, inner)
    whole = c.add(log1p(c, inner), c.select(large, c.num(_LN2[0]), c.num(0.0)))
    return c.select(c.compare("olt", x, c.num(1.0)), c.num(float("nan")), whole)


def atanh(c: Code, x: str) -> str:
    size = c.abs(x)
    inner = c.div(c.mul(size, c.num(2.0)), c.sub(c.num(1.0), size))
    whole = c.mul(log1p(c, inner), c.num(0.5))
    return c.with_sign(c.select(c.compare("olt", size, c.num(2.0**-28)), size, whole), x)


# -- circular functions ----------------------------------------------------------------------------


def _circle(c: Code, x: str) -> tuple[str, str, str]:
    """x = k pi/2 + r: (sin r, cos r, k as a whole number), |x| <= 2^30."""
    shifted = c.fma(x, c.num(0.6366197723675814), c.num(_MAGIC))
    k = c.sub(shifted, c.num(_MAGIC))
    r1 = c.fma(k, c.num(-_HALF_PI[0]), x)
    w = c.mul(k, c.num(_HALF_PI[1]))
    w_low = c.fma(k, c.num(_HALF_PI[1]), c.neg(w))
    r = c.sub(r1, w)
    part = c.sub(r, r1)
    error = c.sub(c.sub(r1, c.sub(r, part)), c.add(w, part))
    low = c.sub(error, c.fma(k, c.num(_HALF_PI[2]), w_low))
    high = c.add(r, low)
    low = c.add(c.sub(r, high), low)
    return _sin_kernel(c, high, low), _cos_kernel(c, high, low), c.bits(shifted)


def _sin_kernel(c: Code, x: str, y: str) -> str:
    z = c.mul(x, x)
    v = c.mul(z, x)
    r = c.poly(z, _SIN)
    inner = c.sub(c.mul(z, c.sub(c.mul(y, c.num(0.5)), c.mul(v, r))), y)
    value = c.sub(x, c.fma(v, c.num(-_SIN_FIRST), inner))
    return c.select(c.compare("oeq", x, c.num(0.0)), x, value)


def _cos_kernel(c: Code, x: str, y: str) -> str:
    z = c.mul(x, x)
    r = c.mul(z, c.poly(z, _COS))
    half = c.mul(z, c.num(0.5))
    w = c.sub(c.num(1.0), half)
    rest = c.sub(c.sub(c.num(1.0), w), half)
    return c.add(w, c.add(rest, c.sub(c.mul(z, r), c.mul(x, y))))


def _flip(c: Code, value: str, k: str) -> str:
    """The value with its sign turned where bit 1 of k is set."""
    sign = c.integer("shl", c.integer("and", k, c.int(2)), c.int(62))
    return c.from_bits(c.integer("xor", c.bits(value), sign))


def _fast_circle(c: Code, x: str) -> tuple[str, str, str]:
    s, o, k = _circle(c, x)
    even = c.is_zero(c.integer("and", k, c.int(1)))
    sine = _flip(c, c.select(even, s, o), k)
    cosine = _flip(c, c.select(even, o, s), c.integer("add", k, c.int(1)))
    top = c.select(even, s, c.neg(o))
    return sine, cosine, c.div(top, c.select(even, o, s))


def _circular(c: Code, x: str) -> tuple[str, str, str]:
    """(sin x, cos x, tan x); arguments beyond 2^30 go to the C library."""
    key = ("circular", x)
    if key in c.memo:
        found = c.memo[key]
        return found[0], found[1], found[2]
    fast = _fast_circle(c, x)
    far = c.any_lane(c.compare("ogt", c.abs(x), c.num(2.0**30)))
    near_block, slow, joined = c.block, c.label("far"), c.label("near")
    c.emit(f"br i1 {far}, label %{slow}, label %{joined}")
    c.begin(slow)
    exact = [c.outside(name, x) for name in ("sin", "cos", "tan")]
    c.emit(f"br label %{joined}")
    c.begin(joined)
    results = tuple(
        c.new(f"phi {c.real} [ {f}, %{near_block} ], [ {e}, %{slow} ]")
        for f, e in zip(fast, exact, strict=True)
    )
    c.memo[key] = results
    return results[0], results[1], results[2]


def sin(c: Code, x: str) -> str:
    return _circular(c, x)[0]


def cos(c: Code, x: str) -> str:
    return _circular(c, x)[1]


def tan(c: Code, x: str) -> str:
    return _circular(c, x)[2]


def sec(c: Code, x: str) -> str:
    return c.div(c.num(1.0), cos(c, x))


def csc(c: Code, x: str) -> str:
    return c.div(c.num(1.0), sin(c, x))


def cot(c: Code, x: str) -> str:
    return c.div(c.num(1.0), tan(c, x))


def _asin_parts(c: Code, x: str) -> tuple[str, str, str, str]:
    """For |x| <= 1/2 t = |x|, else t = sqrt((1 - |x|)/2): (asin t - t, t, is small, |x|)."""
    size = c.abs(x)
    small = c.compare("ole", size, c.num(0.5))
    beyond = c.mul(c.sub(c.num(1.0), size), c.num(0.5))
    z = c.select(small, c.mul(size, size), beyond)
    root = c.sqrt(beyond)
    t = c.select(small, size, root)
    ratio = c.div(c.mul(z, c.poly(z, _ASIN_TOP)), c.poly(z, _ASIN_BOTTOM))
    return c.mul(t, ratio), t, small, size


def asin(c: Code, x: str) -> str:
    rest, t, small, _ = _asin_parts(c, x)
    low = c.sub(c.num(_HALF_PI[1]), c.mul(rest, c.num(2.0)))
    large = c.add(c.fma(t, c.num(-2.0), c.num(_HALF_PI[0])), low)
    return c.with_sign(c.select(small, c.add(t, rest), large), x)


def acos(c: Code, x: str) -> str:
    rest, t, small, _ = _asin_parts(c, x)
    angle = c.add(t, rest)
    signed = c.with_sign(angle, x)
    middle = c.sub(c.num(_HALF_PI[0]), c.sub(signed, c.num(_HALF_PI[1])))
    twice = c.mul(angle, c.num(2.0))
    left = c.sub(c.num(3.141592653589793), c.sub(twice, c.num(1.2246467991473532e-16)))
    outer = c.select(c.compare("olt", x, c.num(0.0)), left, twice)
    return c.select(small, middle, outer)


def atan(c: Code, x: str) -> str:
    """Reduced to |t| <= tan(pi/8) by one division."""
    size = c.abs(x)
    far = c.compare("ogt", size, c.num(2.414213562373095))
    middle = c.compare("ogt", size, c.num(0.4142135623730951))
    top = c.select(middle, c.sub(size, c.num(1.0)), size)
    top = c.select(far, c.num(-1.0), top)
    bottom = c.select(middle, c.add(size, c.num(1.0)), c.num(1.0))
    bottom = c.select(far, size, bottom)
    t = c.div(top, bottom)
    z = c.mul(t, t)
    rest = c.mul(c.mul(t, z), c.poly(z, _ATAN))
    high = c.select(middle, c.num(_HALF_PI[0] / 2), c.num(0.0))
    high = c.select(far, c.num(_HALF_PI[0]), high)
    low = c.select(middle, c.num(_HALF_PI[1] / 2), c.num(0.0))
    low = c.select(far, c.num(_HALF_PI[1]), low)
    whole = c.sub(high, c.sub(c.sub(rest, low), t))
    return c.with_sign(whole, x)


def atan2(c: Code, y: str, x: str) -> str:
    """The angle of the point (x, y)."""
    above, along = c.abs(y), c.abs(x)
    both = c.both(
        c.compare("oeq", above, c.num(float("inf"))), c.compare("oeq", along, c.num(float("inf")))
    )
    none = c.both(c.compare("oeq", y, c.num(0.0)), c.compare("oeq", x, c.num(0.0)))
    ratio = c.select(both, c.num(1.0), c.div(above, along))
    ratio = c.select(none, c.num(0.0), ratio)
    angle = atan(c, ratio)
    back = c.sub(c.num(3.141592653589793), c.sub(angle, c.num(1.2246467991473532e-16)))
    left = c.new(f"icmp slt {c.whole} {c.bits(x)}, {c.int(0)}")
    return c.with_sign(c.select(left, back, angle), y)


# -- the rest --------------------------------------------------------------------------------------


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
