"""Functions of numbers in ball arithmetic, each with its domain.

A number is an exact rational as long as the operations allow it, else a ball of
python-flint (``arb``) in which the true value lies. What is not a value is a :class:`Bad`.

>>> FUNCTIONS["log"](fmpq(-1))
<undefined>
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flint import arb, fmpq

MAX_BITS = 4_000

Value = Any
"""A rational, a ball, a truth value or a :class:`Bad`; or an object array of them."""


class Bad:
    """Not a value: ``why`` is "undefined" (surely), "unsure" or "kink" (on a breakpoint)."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why = why

    def __repr__(self) -> str:
        return f"<{self.why}>"


UNDEFINED, UNSURE, KINK = Bad("undefined"), Bad("unsure"), Bad("kink")


def ball(u: Value) -> Any:
    """A number as a ball."""
    return arb(u) if isinstance(u, fmpq) else u


def sign_of(u: Value) -> int | None:
    """-1, 0 or 1 if it is sure, else ``None``."""
    if u > 0:
        return 1
    if u < 0:
        return -1
    if isinstance(u, fmpq) or (u.is_exact() and u == 0):
        return 0
    return None


def checked(u: Value) -> Value:
    """A finite value; exact numbers that grow too long become balls."""
    if isinstance(u, fmpq):
        long = u.p.bit_length() > MAX_BITS or u.q.bit_length() > MAX_BITS
        return arb(u) if long else u
    if isinstance(u, arb) and not u.is_finite():
        return UNSURE
    return u


def guarded(function: Callable[..., Value]) -> Callable[..., Value]:
    """``function`` of values, which hands on what is bad."""

    def with_care(*args: Value) -> Value:
        for a in args:
            if isinstance(a, Bad):
                return worst(args)
        return checked(function(*args))

    return with_care


def worst(args: tuple[Value, ...]) -> Bad:
    kinds = {a.why: a for a in args if isinstance(a, Bad)}
    return kinds.get("undefined") or kinds.get("unsure") or KINK


# -- functions that choose ------------------------------------------------------------------------


def compare(op: str, u: Value, v: Value, exact: bool) -> Value:
    """A comparison if it is sure; on the breakpoint only where ``exact``."""
    if isinstance(u, Bad) or isinstance(v, Bad):
        return worst((u, v))
    if u is v and op in ("eq", "ne"):
        return op == "eq"
    sign = sign_of(u - v)
    if sign is None:
        return UNSURE
    if sign == 0 and not exact:
        return KINK
    return {
        "lt": sign < 0, "le": sign <= 0, "gt": sign > 0, "ge": sign >= 0,
        "eq": sign == 0, "ne": sign != 0,
    }[op]  # fmt: skip


def jump(op: str, u: Value, exact: bool) -> Value:
    if isinstance(u, Bad):
        return u
    sign = sign_of(u)
    if sign is None:
        return UNSURE
    if sign == 0 and not exact:
        return KINK
    return fmpq(sign) if op == "sign" else fmpq(1 + sign, 2)


def where(condition: Value, u: Value, v: Value) -> Value:
    if isinstance(condition, Bad):
        return condition
    return u if condition else v


def _and(u: Value, v: Value) -> Value:
    if u is False or v is False:
        return False
    return worst((u, v)) if isinstance(u, Bad) or isinstance(v, Bad) else True


def _or(u: Value, v: Value) -> Value:
    if u is True or v is True:
        return True
    return worst((u, v)) if isinstance(u, Bad) or isinstance(v, Bad) else False


LOGICAL: dict[str, Callable[..., Value]] = {
    "and": _and, "or": _or, "not": lambda u: u if isinstance(u, Bad) else not u,
}  # fmt: skip


# -- functions of numbers -------------------------------------------------------------------------


def _divide(u: Value, v: Value) -> Value:
    if isinstance(v, fmpq):
        return u / v if v != 0 else UNDEFINED
    sign = sign_of(v)
    if sign == 0:
        return UNDEFINED
    return UNSURE if sign is None else ball(u) / v


def power(u: Value, v: Value, fixed: bool) -> Value:
    """u^v: any u for a whole number v that no symbol changes, else u > 0."""
    if isinstance(u, Bad) or isinstance(v, Bad):
        return worst((u, v))
    if fixed and isinstance(v, fmpq) and v.q == 1 and abs(v.p) <= 100_000:
        return checked(_whole_power(u, int(v.p)))
    sign = sign_of(u)
    if sign != 1:
        return UNSURE if sign is None else UNDEFINED if sign < 0 else KINK
    return checked(ball(u) ** ball(v))


def _whole_power(u: Value, n: int) -> Value:
    if n < 0:
        sign = sign_of(u)
        if sign is None or sign == 0:
            return UNSURE if sign is None else UNDEFINED
    if isinstance(u, fmpq) and max(u.p.bit_length(), u.q.bit_length()) * abs(n) > MAX_BITS:
        u = arb(u)
    return u**n


def _positive(function: Callable[[Value], Value]) -> Callable[[Value], Value]:
    """A function of positive numbers."""
    return _inside(function, lambda u: (u,))


def _inside(
    function: Callable[[Value], Value], bounds: Callable[[Value], tuple[Value, ...]]
) -> Callable[[Value], Value]:
    """A function that is defined where all ``bounds`` are positive."""

    def limited(u: Value) -> Value:
        for bound in bounds(u):
            sign = sign_of(bound)
            if sign != 1:
                return UNSURE if sign is None else UNDEFINED if sign < 0 else KINK
        return function(ball(u))

    return limited


def _unit(u: Value) -> tuple[Value, ...]:
    return 1 - u, 1 + u


def _off_poles(function: Callable[[Value], Value]) -> Callable[[Value], Value]:
    """gamma and its like: not at 0, -1, -2, ..."""

    def off(u: Value) -> Value:
        if isinstance(u, fmpq) and u.q == 1 and u.p <= 0:
            return UNDEFINED
        return function(ball(u))

    return off


def _sure_if_positive(function: Callable[[Value], Value]) -> Callable[[Value], Value]:
    """A function that is only looked at for positive numbers."""
    return lambda u: function(ball(u)) if sign_of(u) == 1 else UNSURE


def _cbrt(u: Value) -> Value:
    sign = sign_of(u)
    if sign is None:
        return UNSURE
    root = arb(1) / 3
    return ball(u) ** root if sign > 0 else fmpq(0) if sign == 0 else -((-ball(u)) ** root)


def _atan2(y: Value, x: Value) -> Value:
    sx, sy = sign_of(x), sign_of(y)
    if sy == 0 and (sx is None or sx <= 0):
        return UNDEFINED if sx == 0 else KINK
    if sy is None and sx != 1:
        return UNSURE
    return arb.atan2(ball(y), ball(x))


def _sigmoid(u: Value) -> Value:
    return 1 / (1 + (-ball(u)).exp())


def _softplus(u: Value) -> Value:
    return (1 + ball(u).exp()).log()


def _hypot(u: Value, v: Value) -> Value:
    return root(u * u + v * v)


def _absolute(u: Value) -> Value:
    return abs(u)


def _extreme(largest: bool) -> Callable[[Value, Value], Value]:
    def extreme(u: Value, v: Value) -> Value:
        sign = sign_of(u - v)
        if sign is None:
            return ball(u).max(ball(v)) if largest else ball(u).min(ball(v))
        return u if (sign >= 0) == largest else v

    return extreme


def _add(first: Value, *rest: Value) -> Value:
    total = first
    for term in rest:
        total = total + term
    return total


def _method(name: str) -> Callable[[Value], Value]:
    return lambda u: getattr(arb, name)(ball(u))


root = _positive(lambda u: u.sqrt())
log = _positive(lambda u: u.log())

FUNCTIONS: dict[str, Callable[..., Value]] = {
    "add": _add, "neg": lambda u: -u, "mul": lambda u, v: u * v, "div": _divide,
    "exp": _method("exp"), "expm1": _method("expm1"), "log": log,
    "log1p": _inside(lambda u: u.log1p(), lambda u: (1 + u,)),
    "log2": _positive(lambda u: u.log() / arb.const_log2()),
    "log10": _positive(lambda u: u.log() / arb.const_log10()),
    "sqrt": root, "cbrt": _cbrt, "sin": _method("sin"), "cos": _method("cos"),
    "tan": _method("tan"), "sec": _method("sec"), "csc": _method("csc"), "cot": _method("cot"),
    "asin": _inside(lambda u: u.asin(), _unit), "acos": _inside(lambda u: u.acos(), _unit),
    "atan": _method("atan"), "atan2": _atan2, "sinh": _method("sinh"), "cosh": _method("cosh"),
    "tanh": _method("tanh"), "sech": _method("sech"), "csch": _method("csch"),
    "coth": _method("coth"), "asinh": _method("asinh"),
    "acosh": _inside(lambda u: u.acosh(), lambda u: (u - 1,)),
    "atanh": _inside(lambda u: u.atanh(), _unit),
    "abs": _absolute, "erf": _method("erf"), "erfc": _method("erfc"),
    "gamma": _off_poles(lambda u: u.gamma()), "loggamma": _sure_if_positive(lambda u: u.lgamma()),
    "digamma": _off_poles(lambda u: u.digamma()),
    "trigamma": _sure_if_positive(lambda u: arb(2).zeta(u)),
    "sigmoid": _sigmoid, "softplus": _softplus, "hypot": _hypot,
    "logaddexp": lambda u, v: (ball(u).exp() + ball(v).exp()).log(),
    "maximum": _extreme(True), "minimum": _extreme(False),
}  # fmt: skip
