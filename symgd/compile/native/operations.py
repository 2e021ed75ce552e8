"""The table of elementwise operations: how each one is emitted, and what it costs.

The cost is a rough count of vector instructions: it decides how far a loop is unrolled and
when a compiled kernel is worth its start.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from symgd.compile.native import functions as f
from symgd.compile.native.code import Code

Emit = Callable[..., str]


def _outside(name: str, c: Code, *args: str) -> str:
    return c.outside(name, *args)


def _compare(how: str, c: Code, a: str, b: str) -> str:
    return c.compare(how, a, b)


def _loggamma(c: Code, u: str) -> str:
    """log Gamma(u) where Gamma is positive; nan elsewhere."""
    value = c.outside("lgamma", u)
    half = c.mul(c.outside("floor", u), c.num(0.5))
    odd = c.compare("une", half, c.outside("floor", half))
    negative = c.both(c.compare("olt", u, c.num(0.0)), odd)
    return c.select(negative, c.num(float("nan")), value)


REAL: dict[str, tuple[Emit, int]] = {
    "add": (Code.add, 1), "neg": (Code.neg, 1), "mul": (Code.mul, 1), "div": (Code.div, 4),
    "fma": (Code.fma, 1), "sqrt": (Code.sqrt, 6), "abs": (Code.abs, 1),
    "exp": (f.exp, 25), "expm1": (f.expm1, 28), "log": (f.log, 35), "log1p": (f.log1p, 45),
    "log2": (f.log2, 35), "log10": (f.log10, 36), "sigmoid": (f.sigmoid, 32),
    "softplus": (f.softplus, 75), "logaddexp": (f.logaddexp, 80),
    "tanh": (f.tanh, 35), "sinh": (f.sinh, 40), "cosh": (f.cosh, 35), "sech": (f.sech, 40),
    "csch": (f.csch, 44), "coth": (f.coth, 40), "asinh": (f.asinh, 65),
    "acosh": (f.acosh, 65), "atanh": (f.atanh, 60),
    "sin": (f.sin, 60), "cos": (f.cos, 60), "tan": (f.tan, 60), "sec": (f.sec, 64),
    "csc": (f.csc, 64), "cot": (f.cot, 64), "asin": (f.asin, 35), "acos": (f.acos, 38),
    "atan": (f.atan, 30), "atan2": (f.atan2, 50), "sign": (f.sign, 3),
    "heaviside": (f.heaviside, 6), "maximum": (f.maximum, 4), "minimum": (f.minimum, 4),
    "hypot": (f.hypot, 25), "pow": (partial(_outside, "pow"), 150),
    "cbrt": (partial(_outside, "cbrt"), 120), "erf": (partial(_outside, "erf"), 120),
    "erfc": (partial(_outside, "erfc"), 150), "gamma": (partial(_outside, "tgamma"), 300),
    "loggamma": (_loggamma, 300),
}  # fmt: skip
"""Operations that give a double."""

TRUTH: dict[str, Emit] = {
    "lt": partial(_compare, "olt"), "le": partial(_compare, "ole"),
    "gt": partial(_compare, "ogt"), "ge": partial(_compare, "oge"),
    "eq": partial(_compare, "oeq"), "ne": partial(_compare, "une"),
    "and": Code.both, "or": Code.either, "not": Code.opposite,
}  # fmt: skip
"""Operations that give a truth value."""

LIBRARY = {"pow": "pow", "cbrt": "cbrt", "erf": "erf", "erfc": "erfc", "gamma": "tgamma",
           "loggamma": "lgamma", "sin": "sin", "cos": "cos", "tan": "tan"}  # fmt: skip
"""Operations that need a function of the C library."""


def cost(op: str) -> int:
    """About how many vector instructions ``op`` takes."""
    return REAL[op][1] if op in REAL else 1
