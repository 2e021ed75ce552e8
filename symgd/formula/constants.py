"""Constant parts of a formula: kept exact, and refused when they are not finite.

``1/0``, ``log(0)``, ``0*log(0)``, ``1/(x - x)`` and ``9**9**9`` are refused while the
formula is read, before anything could try to compute them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from symgd.errors import LimitProblem, OptionError, UndefinedProblem
from symgd.formula.graph import Node

MAX_EXPONENT = 10_000


def exact(value: object, name: str) -> Fraction:
    """A number given by the caller as the exact rational of its shortest decimal."""
    if isinstance(value, Fraction | int) and not isinstance(value, bool):
        return Fraction(value)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise OptionError(f"constants: {name} is not a number: {value!r}") from None
    if isinstance(value, bool) or not math.isfinite(number):
        raise OptionError(f"constants: {name} must be a finite number, not {value!r}")
    return Fraction(repr(number))


def watch(node: Node, known: dict[Node, float]) -> None:
    """Note the value of a constant node; refuse it if it is not a finite real number."""
    op, args = node.op, node.args
    if op == "pow":
        _check_exponent(args[1], known)
    elif op == "div":
        _check_denominator(args[1], known)
    elif op in ("log", "log2", "log10") and _is_zero(args[0]):
        raise UndefinedProblem(f"{op} of zero is not finite")
    values = []
    for arg in args:
        value = known.get(arg)
        if value is None:
            return
        values.append(value)
    if not values or node in known:
        return
    rule = _VALUES.get(op)
    if rule is None:
        return
    try:
        result = rule(*values)
    except (ValueError, ZeroDivisionError):
        raise UndefinedProblem("this is not a real number") from None
    except OverflowError:
        raise UndefinedProblem("this is too large for double precision") from None
    if isinstance(result, complex) or not math.isfinite(result):
        raise UndefinedProblem("this is not a finite real number")
    known[node] = result


def _check_exponent(exponent: Node, known: dict[Node, float]) -> None:
    value = known.get(exponent)
    if value is not None and abs(value) > MAX_EXPONENT:
        raise LimitProblem(
            f"an exponent of {value:.6g}; the limit is {MAX_EXPONENT:,}",
        )


def _check_denominator(bottom: Node, known: dict[Node, float]) -> None:
    if known.get(bottom) == 0.0 or _is_zero(bottom):
        raise UndefinedProblem("a division by zero")


def _is_zero(node: Node) -> bool:
    """Whether a sum cancels term by term, such as ``x - x`` or ``2*x - x - x``."""
    if node.op == "num":
        return bool(node.value == 0)
    if node.op != "add":
        return False
    totals: dict[Node | None, Fraction] = {}
    for term in node.args:
        factor, rest = _coefficient(term)
        totals[rest] = totals.get(rest, Fraction(0)) + factor
    return all(total == 0 for total in totals.values())


def _coefficient(term: Node) -> tuple[Fraction, Node | None]:
    sign = Fraction(1)
    while term.op == "neg":
        sign, term = -sign, term.args[0]
    if term.op == "num":
        return sign * term.value, None
    if term.op == "mul" and term.args[0].op == "num":
        return sign * term.args[0].value, term.args[1]
    return sign, term


def _add(*terms: float) -> float:
    return math.fsum(terms)


def _sign(x: float) -> float:
    return float((x > 0) - (x < 0))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


_VALUES: dict[str, Callable[..., float]] = {
    "add": _add, "neg": lambda x: -x, "mul": lambda x, y: x * y, "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y, "exp": math.exp, "expm1": math.expm1, "log": math.log,
    "log1p": math.log1p, "log2": math.log2, "log10": math.log10, "sqrt": math.sqrt,
    "cbrt": math.cbrt, "sin": math.sin, "cos": math.cos, "tan": math.tan,
    "sec": lambda x: 1 / math.cos(x), "csc": lambda x: 1 / math.sin(x),
    "cot": lambda x: 1 / math.tan(x), "asin": math.asin, "acos": math.acos, "atan": math.atan,
    "sinh": math.sinh, "cosh": math.cosh, "tanh": math.tanh,
    "sech": lambda x: 1 / math.cosh(x), "csch": lambda x: 1 / math.sinh(x),
    "coth": lambda x: 1 / math.tanh(x), "asinh": math.asinh, "acosh": math.acosh,
    "atanh": math.atanh, "abs": abs, "sign": _sign, "erf": math.erf, "erfc": math.erfc,
    "gamma": math.gamma, "loggamma": math.lgamma, "sigmoid": _sigmoid,
    "softplus": lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
    "maximum": max, "minimum": min, "atan2": math.atan2, "hypot": math.hypot,
}  # fmt: skip
