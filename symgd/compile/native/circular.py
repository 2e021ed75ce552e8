"""Circular functions and their inverses, branch-free up to 2^30; beyond it the C library."""

from __future__ import annotations

from symgd.compile.native.code import Code
from symgd.compile.native.numbers import HALF_PI, MAGIC

_ASIN_BOTTOM = (
    1.0, -2.40339491173441421878e+00, 2.02094576023350569471e+00, -6.88283971605453293030e-01,
    7.70381505559019352791e-02,
)  # fmt: skip
_ASIN_TOP = (
    1.66666666666666657415e-01, -3.25565818622400915405e-01, 2.01212532134862925881e-01,
    -4.00555345006794114027e-02, 7.91534994289814532176e-04, 3.47933107596021167570e-05,
)  # fmt: skip
_ATAN = (
    3.33333333333329318027e-01, -1.99999999998764832476e-01, 1.42857142725034663711e-01,
    -1.11111104054623557880e-01, 9.09088713343650656196e-02, -7.69187620504482999495e-02,
    6.66107313738753120669e-02, -5.83357013379057348645e-02, 4.97687799461593236017e-02,
    -3.65315727442169155270e-02, 1.62858201153657823623e-02,
)  # fmt: skip
_COS = (
    4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
    -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11,
)  # fmt: skip
_SIN = (
    8.33333333332248946124e-03, -1.98412698298579493134e-04, 2.75573137070700676789e-06,
    -2.50507602534068634195e-08, 1.58969099521155010221e-10,
)  # fmt: skip
_SIN_FIRST = -1.66666666666666324348e-01


def _circle(c: Code, x: str) -> tuple[str, str, str]:
    """x = k pi/2 + r: (sin r, cos r, k as a whole number), |x| <= 2^30."""
    shifted = c.fma(x, c.num(0.6366197723675814), c.num(MAGIC))
    k = c.sub(shifted, c.num(MAGIC))
    r1 = c.fma(k, c.num(-HALF_PI[0]), x)
    w = c.mul(k, c.num(HALF_PI[1]))
    w_low = c.fma(k, c.num(HALF_PI[1]), c.neg(w))
    r = c.sub(r1, w)
    part = c.sub(r, r1)
    error = c.sub(c.sub(r1, c.sub(r, part)), c.add(w, part))
    low = c.sub(error, c.fma(k, c.num(HALF_PI[2]), w_low))
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
    low = c.sub(c.num(HALF_PI[1]), c.mul(rest, c.num(2.0)))
    large = c.add(c.fma(t, c.num(-2.0), c.num(HALF_PI[0])), low)
    return c.with_sign(c.select(small, c.add(t, rest), large), x)


def acos(c: Code, x: str) -> str:
    rest, t, small, _ = _asin_parts(c, x)
    angle = c.add(t, rest)
    signed = c.with_sign(angle, x)
    middle = c.sub(c.num(HALF_PI[0]), c.sub(signed, c.num(HALF_PI[1])))
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
    high = c.select(middle, c.num(HALF_PI[0] / 2), c.num(0.0))
    high = c.select(far, c.num(HALF_PI[0]), high)
    low = c.select(middle, c.num(HALF_PI[1] / 2), c.num(0.0))
    low = c.select(far, c.num(HALF_PI[1]), low)
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
