"""A formula at many digits: the graph interpreted with mpmath numbers.

Slow and right: the judge of everything that is fast. Arrays are NumPy arrays of
``mpf`` objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mpmath
import numpy as np

from symgd.compile.program import Instruction, Program, linearize
from symgd.errors import UnsupportedError
from symgd.formula.graph import Node

mp = mpmath.mp


def evaluate(
    roots: Sequence[Node],
    values: Mapping[str, Any],
    sizes: Mapping[str, int] | None = None,
    digits: int = 50,
) -> list[Any]:
    """The values of ``roots`` with ``digits`` digits.

    ``values`` maps symbols to numbers (int, Fraction, mpf, exact text) or nested
    lists of them. Raises ``ValueError`` or ``ZeroDivisionError`` where a formula
    is not defined.

    >>> from symgd.formula.problem import read
    >>> mpmath.nstr(evaluate([read("sqrt(x)").root], {"x": 2}, digits=25)[0], 24)
    '1.41421356237309504880169'
    """
    program = linearize(roots)
    with mp.workdps(digits):
        place: dict[int, Any] = {}
        for name, at in program.symbols.items():
            place[at] = numbers(values[name])
        for name, at in program.sizes.items():
            place[at] = mp.mpf((sizes or {})[name])
        _constants(program, roots, place)
        for i in program.instructions:
            place[i.dest] = _value(i, [place[a] for a in i.args])
        return [+place[at] if np.ndim(place[at]) == 0 else place[at] for at in program.outputs]


def numbers(value: Any) -> Any:
    """A number as mpf, a (nested) sequence as an object array of mpf."""
    if isinstance(value, list | tuple | np.ndarray):
        array = np.array(value, dtype=object)
        return np.frompyfunc(_number, 1, 1)(array)
    return _number(value)


def _number(value: Any) -> Any:
    numerator = getattr(value, "numerator", None)
    if numerator is not None and not isinstance(value, float):
        return mp.mpf(int(value.numerator)) / int(value.denominator)
    return mp.mpf(value)


def _constants(program: Program, roots: Sequence[Node], place: dict[int, Any]) -> None:
    """Numbers exactly, not as the floats of the program."""
    for at, node in program.exact:
        if node.op == "const":
            place[at] = +mp.pi if node.value == "pi" else +mp.e
        else:
            place[at] = mp.mpf(node.value.numerator) / node.value.denominator


def _value(i: Instruction, args: list[Any]) -> Any:
    rule = _ELEMENTWISE.get(i.op)
    if rule is not None:
        if all(np.ndim(a) == 0 for a in args):
            return rule(*[_scalar(a) for a in args])
        return np.frompyfunc(rule, len(args), 1)(*args)
    array_rule = _ARRAYS.get(i.op)
    if array_rule is None:
        raise UnsupportedError(f"{i.op} has no many-digit form")
    return array_rule(i.value, *args)


def _scalar(a: Any) -> Any:
    return a.item() if isinstance(a, np.ndarray) else a


def _real(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, refusing complex results."""

    def real(*args: Any) -> Any:
        result = function(*args)
        if isinstance(result, mp.mpc):
            if result.imag != 0:
                raise ValueError("not a real number")
            result = result.real
        if mp.isnan(result) or mp.isinf(result):
            raise ValueError("not finite")
        return result

    return real


def _power(u: Any, v: Any) -> Any:
    if u == 0 and v < 0:
        raise ZeroDivisionError("0 to a negative power")
    return u ** int(v) if v == int(v) and abs(v) < 10**6 else mp.power(u, v)


def _add(first: Any, *rest: Any) -> Any:
    total = first
    for term in rest:
        total = total + term
    return total


def _heaviside(u: Any) -> Any:
    return mp.mpf("0.5") if u == 0 else mp.mpf(u > 0)


def _softplus(u: Any) -> Any:
    return max(u, mp.mpf(0)) + mp.log1p(mp.exp(-abs(u)))


def _loggamma(u: Any) -> Any:
    if u <= 0:
        raise ValueError("loggamma of a number that is not positive")
    return mp.loggamma(u)


_ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "add": _add, "neg": lambda u: -u, "mul": lambda u, v: u * v, "div": lambda u, v: u / v,
    "pow": _real(_power), "exp": mp.exp, "expm1": mp.expm1, "log": _real(mp.log),
    "log1p": _real(mp.log1p), "log2": _real(lambda u: mp.log(u, 2)),
    "log10": _real(mp.log10), "sqrt": _real(mp.sqrt),
    "cbrt": lambda u: mp.sign(u) * mp.cbrt(abs(u)),
    "sin": mp.sin, "cos": mp.cos, "tan": mp.tan, "sec": mp.sec, "csc": mp.csc, "cot": mp.cot,
    "asin": _real(mp.asin), "acos": _real(mp.acos), "atan": mp.atan, "atan2": mp.atan2,
    "sinh": mp.sinh, "cosh": mp.cosh, "tanh": mp.tanh, "sech": mp.sech, "csch": mp.csch,
    "coth": mp.coth, "asinh": mp.asinh, "acosh": _real(mp.acosh), "atanh": _real(mp.atanh),
    "abs": abs, "sign": lambda u: mp.mpf(mp.sign(u)), "heaviside": _heaviside,
    "erf": mp.erf, "erfc": mp.erfc, "gamma": _real(mp.gamma), "loggamma": _loggamma,
    "digamma": _real(mp.digamma), "trigamma": _real(lambda u: mp.psi(1, u)),
    "sigmoid": lambda u: 1 / (1 + mp.exp(-u)), "softplus": _softplus,
    "hypot": mp.hypot, "logaddexp": lambda u, v: max(u, v) + mp.log1p(mp.exp(-abs(u - v))),
    "maximum": max, "minimum": min, "where": lambda c, u, v: u if c else v,
    "lt": lambda u, v: u < v, "le": lambda u, v: u <= v, "gt": lambda u, v: u > v,
    "ge": lambda u, v: u >= v, "eq": lambda u, v: u == v, "ne": lambda u, v: u != v,
    "and": lambda u, v: u and v, "or": lambda u, v: u or v, "not": lambda u: not u,
}  # fmt: skip


# -- arrays ---------------------------------------------------------------------------------------


def _sum(value: Any, u: Any) -> Any:
    return np.sum(u, axis=value[0], keepdims=value[1])


def _mean(value: Any, u: Any) -> Any:
    total = _sum(value, u)
    count = np.size(u) // max(1, np.size(total))
    return total / count


def _map(function: Callable[..., Any], *args: Any) -> Any:
    return np.frompyfunc(function, len(args), 1)(*args)


def _norm(value: Any, u: Any) -> Any:
    return _map(mp.sqrt, _sum(value, u * u))


def _logsumexp(value: Any, u: Any) -> Any:
    return _map(mp.log, _sum(value, _map(mp.exp, u)))


def _softmax(axis: int, u: Any) -> Any:
    e = _map(mp.exp, u)
    return e / np.sum(e, axis=axis, keepdims=True)


def _prodrest(value: Any, u: Any) -> Any:
    from symgd.compile.kernels import bound

    return bound("prodrest", value)(u)


def _matrix(u: Any) -> Any:
    return mp.matrix(u.tolist())


def _array(m: Any) -> Any:
    return np.array(m.tolist(), dtype=object).reshape(m.rows, m.cols)


def _solve(value: Any, a: Any, b: Any) -> Any:
    inverse = _array(_matrix(a) ** -1)
    return np.matmul(inverse, b)


def _placed(op: str) -> Callable[..., Any]:
    def rule(value: Any, u: Any, *sizes: Any) -> Any:
        from symgd.compile.kernels import _filled_shape, _index

        if op == "broadcast":
            return np.broadcast_to(np.asarray(u, dtype=object), _filled_shape(value, sizes))
        full = np.full(_filled_shape(value[0], sizes), mp.mpf(0), dtype=object)
        full[_index(value[1])] = u
        return full

    return rule


def _getitem(value: Any, u: Any) -> Any:
    from symgd.compile.kernels import bound

    return bound("getitem", value)(u)


_ARRAYS: dict[str, Callable[..., Any]] = {
    "sum": _sum, "mean": _mean,
    "prod": lambda v, u: np.prod(u, axis=v[0], keepdims=v[1]),
    "amax": lambda v, u: np.max(u, axis=v[0], keepdims=v[1]),
    "amin": lambda v, u: np.min(u, axis=v[0], keepdims=v[1]),
    "norm": _norm, "norm1": lambda v, u: _sum(v, abs(u)), "logsumexp": _logsumexp,
    "softmax": _softmax, "prodrest": _prodrest,
    "matmul": lambda v, a, b: np.matmul(a, b), "outer": lambda v, a, b: np.outer(a, b),
    "transpose": lambda v, u: np.transpose(u), "trace": lambda v, u: np.trace(u),
    "det": lambda v, u: mp.det(_matrix(u)),
    "logdet": lambda v, u: _real(mp.log)(mp.det(_matrix(u))),
    "inv": lambda v, u: _array(_matrix(u) ** -1), "solve": _solve,
    "diag": lambda v, u: np.diag(u), "getitem": _getitem,
    "broadcast": _placed("broadcast"), "scatter": _placed("scatter"),
}  # fmt: skip
