"""Every elementary function of the kernels against mpmath: at most 4 units in the last place."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from symgd.compile.native.code import Code, Module
from symgd.compile.native.engine import Loaded, has_symbol, host, load
from symgd.compile.native.operations import LIBRARY, REAL, TRUTH
from symgd.compile.native.spread import NotNative

mp = mpmath.mp
LIMIT = 4.0

try:
    LANES = host().lanes
except NotNative as missing:
    pytest.skip(str(missing), allow_module_level=True)

inf, nan = math.inf, math.nan
HARD = 6381956970095103 * 2.0**797
"""The double that is nearest to a multiple of pi/2."""
SPECIAL = [
    0.0, -0.0, inf, -inf, nan, 5e-324, -5e-324, 2.2e-308, -2.2e-308, 1e-310, 1e-200, 1e-20,
    -1e-20, 1e-9, -1e-9, 0.5, -0.5, 1.0, -1.0, 1 - 2**-53, 1 + 2**-52, 2.0, -2.0, 3.0, 10.0, 100.0,
    1e10, -1e10, 1e22, 1e300, -1e300, 1.7976931348623157e308, 709.782712893384,
    709.7827128933841, -708.4, -745.13, -745.14, 710.4758600739439, 36.7, 37.5, -37.5,
    math.pi, math.pi / 2, HARD, 2.0**30, 2.0**30 + 1, math.sqrt(0.5),
]  # fmt: skip


def _code(op: str, lanes: int) -> str:
    """A module with ``f(x, y, out, n)``: one vector after the other, n a multiple of lanes."""
    module = Module()
    code = Code(lanes, module)
    code.emit("br label %head")
    code.begin("head")
    code.emit("%i = phi i64 [ 0, %entry ], [ %next, %LATCH ]")
    code.emit("%go = icmp slt i64 %i, %n")
    code.emit("br i1 %go, label %body, label %done")
    code.begin("body")
    args = []
    for name in ("x", "y"):
        at = code.new(f"getelementptr double, ptr %{name}, i64 %i")
        args.append(code.new(f"load {code.real}, ptr {at}, align 8"))
    if op in TRUTH:
        result = code.as_real(TRUTH[op](code, *args))
    else:
        result = REAL[op][0](code, *args[: ARITY.get(op, 1)])
    at = code.new("getelementptr double, ptr %out, i64 %i")
    code.emit(f"store {code.real} {result}, ptr {at}, align 8")
    code.emit(f"%next = add i64 %i, {lanes}")
    code.emit("br label %head")
    text = "\n".join(code.lines).replace("%LATCH", f"%{code.block}")
    module.functions.append(
        f"define void @f(ptr %x, ptr %y, ptr %out, i64 %n) {{\nentry:\n{text}\ndone:\n"
        "  ret void\n}"
    )
    return module.text()


ARITY = {"add": 2, "mul": 2, "div": 2, "maximum": 2, "minimum": 2, "hypot": 2, "atan2": 2,
         "logaddexp": 2, "pow": 2}  # fmt: skip
_CODE: dict[tuple[str, int], Loaded] = {}


def compiled(op: str, x: Any, y: Any | None = None, lanes: int = LANES) -> Any:
    """The values of ``op`` on arrays."""
    if op in LIBRARY:
        assert has_symbol(LIBRARY[op])
        for name in ("sin", "cos", "tan", "floor"):
            has_symbol(name)
    key = (op, lanes)
    if key not in _CODE:
        _CODE[key] = load(_code(op, lanes), ("f",))
    n = len(x) + -len(x) % LANES
    first, second, out = (np.zeros(n) for _ in range(3))
    first[: len(x)] = x
    second[: len(x)] = x if y is None else y
    kinds = [ctypes.c_void_p] * 3 + [ctypes.c_int64]
    function = ctypes.CFUNCTYPE(None, *kinds)(_CODE[key].addresses["f"])
    function(first.ctypes.data, second.ctypes.data, out.ctypes.data, n)
    return out[: len(x)]


def ulps(value: float, exact: Any) -> float:
    """The distance in units in the last place of the exact value."""
    if mp.isnan(exact):
        return 0.0 if math.isnan(value) else inf
    rounded = float(exact)
    if math.isinf(rounded) or math.isinf(value):
        return 0.0 if rounded == value else abs(float(mp.mpf(value) - exact) / 2.0**971)
    return abs(float((mp.mpf(value) - exact) / math.ulp(rounded)))


def _real(function: Callable[..., Any]) -> Callable[..., Any]:
    """nan where mpmath leaves the real numbers."""

    def real(*args: Any) -> Any:
        try:
            result = function(*args)
        except (ValueError, ZeroDivisionError):
            return mp.nan
        if isinstance(result, mpmath.mpc):
            return result.real if result.imag == 0 else mp.nan
        return result

    return real


def _log(base: int | None) -> Callable[[Any], Any]:
    def log(u: Any) -> Any:
        if u == 0:
            return -mp.inf
        return mp.log(u) if base is None else mp.log(u) / mp.log(base)

    return _real(log)


def _atanh(u: Any) -> Any:
    return mp.sign(u) * mp.inf if abs(u) == 1 else mp.atanh(u)


EXACT: dict[str, tuple[Callable[..., Any], float, float]] = {
    "exp": (mp.exp, -750, 715),
    "expm1": (mp.expm1, -60, 715),
    "log": (_log(None), 1e-320, 1e308),
    "log2": (_log(2), 1e-320, 1e308),
    "log10": (_log(10), 1e-320, 1e308),
    "log1p": (_real(lambda u: -mp.inf if u == -1 else mp.log1p(u)), -1, 1e308),
    "sqrt": (_real(mp.sqrt), 0, 1e308),
    "sigmoid": (lambda u: 1 / (1 + mp.exp(-u)), -746, 50),
    "softplus": (lambda u: mp.log1p(mp.exp(u)) if u < 50 else u + mp.exp(-u), -740, 1e6),
    "sin": (mp.sin, -1e6, 1e6), "cos": (mp.cos, -1e6, 1e6), "tan": (mp.tan, -1e6, 1e6),
    "sec": (mp.sec, -1e3, 1e3), "csc": (_real(mp.csc), -1e3, 1e3),
    "cot": (_real(mp.cot), -1e3, 1e3),
    "asin": (_real(mp.asin), -1, 1), "acos": (_real(mp.acos), -1, 1),
    "atan": (mp.atan, -1e3, 1e3), "sinh": (mp.sinh, -711, 711), "cosh": (mp.cosh, -711, 711),
    "tanh": (mp.tanh, -25, 25), "sech": (mp.sech, -700, 700), "csch": (_real(mp.csch), -700, 700),
    "coth": (_real(mp.coth), -25, 25), "asinh": (mp.asinh, -1e300, 1e300),
    "acosh": (_real(mp.acosh), 1, 1e300), "atanh": (_real(_atanh), -1, 1),
    "erf": (mp.erf, -6, 6), "erfc": (mp.erfc, -6, 26), "cbrt": (
        lambda u: mp.sign(u) * mp.cbrt(abs(u)), -1e9, 1e9),
}  # fmt: skip
EXACT_PAIRS: dict[str, Callable[..., Any]] = {
    "hypot": mp.hypot,
    "atan2": lambda v, u: mp.atan2(v, u),
    "pow": _real(lambda u, v: mp.power(u, v)),
}


def points(low: float, high: float, count: int = 3000) -> Any:
    """Points all over the range, in all scales, and near the ends."""
    random = np.random.default_rng(7)
    even = random.uniform(max(low, -1e300), min(high, 1e300), count)
    scales = 10.0 ** random.uniform(-18, math.log10(max(abs(low), abs(high), 10)), count)
    scales *= random.choice([-1.0, 1.0], count)
    around = 1.0 + scales[:500] * 1e-3
    inside = np.concatenate([even, scales, around, [low, high]])
    return inside[(inside >= low) & (inside <= high)]


@pytest.mark.parametrize("op", EXACT)
def test_accuracy_over_the_range(op: str) -> None:
    function, low, high = EXACT[op]
    x = points(low, high)
    found = compiled(op, x)
    with mp.workdps(60):
        worst = max(
            (ulps(value, function(mp.mpf(at))), at)
            for at, value in zip(x.tolist(), found.tolist(), strict=True)
        )
    assert worst[0] <= LIMIT, worst


@pytest.mark.parametrize("op", EXACT)
def test_one_lane_computes_the_same_bits(op: str) -> None:
    _, low, high = EXACT[op]
    x = points(low, high, 200)
    np.testing.assert_array_equal(compiled(op, x), compiled(op, x, lanes=1))


@pytest.mark.parametrize("op", EXACT_PAIRS)
def test_accuracy_of_two_arguments(op: str) -> None:
    random = np.random.default_rng(3)
    x = random.choice([-1.0, 1.0], 2000) * 10.0 ** random.uniform(-6, 6, 2000)
    y = random.choice([-1.0, 1.0], 2000) * 10.0 ** random.uniform(-6, 2, 2000)
    found = compiled(op, x, y)
    with mp.workdps(60):
        worst = max(
            ulps(value, EXACT_PAIRS[op](mp.mpf(u), mp.mpf(v)))
            for u, v, value in zip(x.tolist(), y.tolist(), found.tolist(), strict=True)
        )
    assert worst <= LIMIT


def test_logaddexp_where_nothing_cancels() -> None:
    random = np.random.default_rng(3)
    x, y = random.uniform(1, 700, 2000), random.uniform(1, 700, 2000)
    found = compiled("logaddexp", x, y)
    np.testing.assert_allclose(found, np.logaddexp(x, y), rtol=5e-16)
    assert compiled("logaddexp", [-inf], [-inf])[0] == -inf
    assert compiled("logaddexp", [inf], [inf])[0] == inf
    assert compiled("logaddexp", [800.0], [800.0])[0] == 800 + math.log(2)


REFERENCE: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "log2": np.log2,
    "log10": np.log10, "sqrt": np.sqrt, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh,
    "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "abs": np.abs, "neg": np.negative, "sign": np.sign, "cbrt": np.cbrt,
    "heaviside": lambda u: np.heaviside(u, 0.5), "softplus": lambda u: np.logaddexp(0.0, u),
}  # fmt: skip


@pytest.mark.parametrize("op", REFERENCE)
def test_special_values_are_those_of_numpy(op: str) -> None:
    """Zeros with their sign, infinities, nan, denormals and the edges of overflow."""
    with np.errstate(all="ignore"):
        wanted = REFERENCE[op](np.array(SPECIAL))
    found = compiled(op, SPECIAL)
    for x, ours, theirs in zip(SPECIAL, found.tolist(), wanted.tolist(), strict=True):
        if math.isnan(theirs) or math.isinf(theirs):
            assert ours == theirs or (math.isnan(ours) and math.isnan(theirs)), (x, ours, theirs)
        elif (op, x) != ("tan", HARD):  # NumPy and the C library differ
            assert abs(ours - theirs) <= LIMIT * math.ulp(theirs), (x, ours, theirs)
        if theirs == 0 and op not in ("sign", "heaviside"):
            assert math.copysign(1, ours) == math.copysign(1, theirs), (x, ours, theirs)


@pytest.mark.parametrize("op", ["maximum", "minimum", "hypot", "atan2", "lt", "ge", "eq", "ne"])
def test_special_pairs_are_those_of_numpy(op: str) -> None:
    functions: dict[str, Callable[..., Any]] = {
        "maximum": np.maximum, "minimum": np.minimum, "hypot": np.hypot, "atan2": np.arctan2,
        "lt": np.less, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
    }  # fmt: skip
    x, y = (grid.ravel() for grid in np.meshgrid(SPECIAL, SPECIAL))
    with np.errstate(all="ignore"):
        wanted = functions[op](x, y).astype(float)
    found = compiled(op, x, y)
    if op == "atan2":
        zeros = (x == 0) & (y == 0)
        np.testing.assert_allclose(found[~zeros], wanted[~zeros], rtol=5e-16, atol=1e-323)
    else:
        np.testing.assert_allclose(found, wanted, rtol=5e-16, atol=1e-323)


@pytest.mark.parametrize("op", ["sin", "cos", "tan"])
def test_huge_angles(op: str) -> None:
    x = 10.0 ** np.random.default_rng(1).uniform(9, 307, 400)  # HARD: glibc itself is 8 ulp off
    with mp.workdps(700):
        function = EXACT[op][0]
        worst = max(
            ulps(value, function(mp.mpf(at)))
            for at, value in zip(x.tolist(), compiled(op, x).tolist(), strict=True)
        )
    assert worst <= LIMIT
