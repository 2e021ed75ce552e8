"""What the operations of the graph do on NumPy arrays, where NumPy has no name for it.

``bound(op, value)`` is a function of arrays; arithmetic and the usual functions
are printed by SymPy's own NumPy printer and do not come here.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

Array = Any
Kernel = Callable[..., Array]


POWERS: dict[Fraction, Kernel] = {
    Fraction(1, 2): np.sqrt,
    Fraction(-1): lambda u: 1.0 / u,
    Fraction(-2): lambda u: 1.0 / (u * u),
    Fraction(4): lambda u: np.square(u * u),
}
"""Powers that have a cheaper form than the general one."""


def sigmoid(u: Array) -> Array:
    """1/(1 + e^-u) without overflow."""
    e = np.exp(-np.abs(u))
    return np.where(np.asarray(u) >= 0, 1.0, e) / (1.0 + e)


def softplus(u: Array) -> Array:
    """log(1 + e^u) without overflow."""
    return np.logaddexp(0.0, u)


def _softmax(axis: int) -> Kernel:
    def softmax(u: Array) -> Array:
        e = np.exp(u - np.max(u, axis=axis, keepdims=True))
        return e / np.sum(e, axis=axis, keepdims=True)

    return softmax


def _logsumexp(axes: tuple[int, ...] | None, keep: bool) -> Kernel:
    def logsumexp(u: Array) -> Array:
        top = np.max(u, axis=axes, keepdims=True)
        top = np.where(np.isfinite(top), top, 0.0)
        total = np.log(np.sum(np.exp(u - top), axis=axes, keepdims=True)) + top
        return total if keep else np.squeeze(total, axis=axes)

    return logsumexp


def _norm(axes: tuple[int, ...] | None, keep: bool) -> Kernel:
    def norm(u: Array) -> Array:
        scale = np.max(np.abs(u), axis=axes, keepdims=True)
        scale = np.where((scale > 0) & np.isfinite(scale), scale, 1.0)
        total = scale * np.sqrt(np.sum((u / scale) ** 2, axis=axes, keepdims=True))
        return total if keep else np.squeeze(total, axis=axes)

    return norm


def _reduce(function: Kernel) -> Callable[[Any], Kernel]:
    def of(value: Any) -> Kernel:
        axes, keep = value
        return lambda u: function(u, axis=axes, keepdims=keep)

    return of


def _prodrest(value: Any) -> Kernel:
    """The product of all other entries, right also where entries are zero."""
    axes = value[0]

    def rest(u: Array) -> Array:
        moved = u.reshape(-1) if axes is None else np.moveaxis(u, axes[0], 0)
        before = np.cumprod(np.concatenate([np.ones_like(moved[:1]), moved[:-1]]), axis=0)
        after = np.cumprod(np.concatenate([np.ones_like(moved[:1]), moved[:0:-1]]), axis=0)[::-1]
        product = before * after
        return product.reshape(u.shape) if axes is None else np.moveaxis(product, 0, axes[0])

    return rest


def _index(items: tuple[tuple[Any, ...], ...]) -> tuple[Any, ...]:
    made: list[Any] = []
    for kind, *rest in items:
        made.append(None if kind == "new" else rest[0] if kind == "at" else slice(*rest))
    return tuple(made)


def _getitem(value: Any) -> Kernel:
    index = _index(value)
    return lambda u: u[index]


def _filled_shape(slots: tuple[Any, ...], sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape in numbers; a slot is a number or (which size, offset)."""
    return tuple(s if isinstance(s, int) else int(sizes[s[0]]) + s[1] for s in slots)


def _scatter(value: Any) -> Kernel:
    slots, items = value
    index = _index(items)

    def scatter(u: Array, *sizes: Array) -> Array:
        full = np.zeros(_filled_shape(slots, sizes))
        full[index] = u
        return full

    return scatter


def _broadcast(slots: Any) -> Kernel:
    return lambda u, *sizes: np.broadcast_to(u, _filled_shape(slots, sizes))


def _logdet(u: Array) -> Array:
    """log det for a positive determinant, else nan."""
    sign, value = np.linalg.slogdet(u)
    return value if sign > 0 else np.float64(np.nan)


def _special(name: str) -> Callable[[Any], Kernel]:
    """A function of SciPy, imported when first compiled."""

    def of(value: Any) -> Kernel:
        import scipy.special

        table: dict[str, Kernel] = {
            "erf": scipy.special.erf,
            "erfc": scipy.special.erfc,
            "gamma": scipy.special.gamma,
            "loggamma": _real_loggamma,
            "digamma": scipy.special.digamma,
            "trigamma": lambda u: scipy.special.polygamma(1, u),
        }
        return _in_double(table[name])

    return of


def _in_double(kernel: Kernel) -> Kernel:
    """A function that knows no extended precision: it is given doubles."""

    def function(*arguments: Any) -> Any:
        return kernel(*[_as_double(a) for a in arguments])

    return function


def _as_double(value: Any) -> Any:
    if np.result_type(value) != np.longdouble:
        return value
    return np.asarray(value, dtype=np.float64)[()]


def _real_loggamma(u: Array) -> Array:
    """log Gamma(u) where Gamma is positive, as SymPy's real loggamma; nan elsewhere."""
    import scipy.special

    return np.where(scipy.special.gammasgn(u) > 0, scipy.special.gammaln(u), np.nan)


def _plain(function: Kernel) -> Callable[[Any], Kernel]:
    return lambda value: function


_KERNELS: dict[str, Callable[[Any], Kernel]] = {
    "sigmoid": _plain(sigmoid), "softplus": _plain(softplus),
    "logaddexp": _plain(np.logaddexp), "hypot": _plain(np.hypot), "atan2": _plain(np.arctan2),
    "expm1": _plain(np.expm1), "log1p": _plain(np.log1p), "log2": _plain(np.log2),
    "log10": _plain(np.log10), "cbrt": _plain(np.cbrt), "abs": _plain(np.abs),
    "sign": _plain(np.sign), "heaviside": _plain(lambda u: np.heaviside(u, 0.5)),
    "sec": _plain(lambda u: 1 / np.cos(u)), "csc": _plain(lambda u: 1 / np.sin(u)),
    "cot": _plain(lambda u: 1 / np.tan(u)),
    "sech": _plain(lambda u: 1 / np.cosh(u)), "csch": _plain(lambda u: 1 / np.sinh(u)),
    "coth": _plain(lambda u: 1 / np.tanh(u)),
    "maximum": _plain(np.maximum), "minimum": _plain(np.minimum), "where": _plain(np.where),
    "pow": _plain(np.power), "and": _plain(np.logical_and), "or": _plain(np.logical_or),
    "not": _plain(np.logical_not),
    "lt": _plain(np.less), "le": _plain(np.less_equal), "gt": _plain(np.greater),
    "ge": _plain(np.greater_equal), "eq": _plain(np.equal), "ne": _plain(np.not_equal),
    "matmul": _plain(np.matmul), "outer": _plain(np.outer), "transpose": _plain(np.transpose),
    "trace": _plain(np.trace), "det": _plain(_in_double(np.linalg.det)),
    "logdet": _plain(_in_double(_logdet)),
    "inv": _plain(_in_double(np.linalg.inv)), "solve": _plain(_in_double(np.linalg.solve)),
    "diag": _plain(np.diag),
    "sum": _reduce(np.sum), "mean": _reduce(np.mean), "prod": _reduce(np.prod),
    "amax": _reduce(np.max), "amin": _reduce(np.min),
    "norm1": lambda value: lambda u: np.sum(np.abs(u), axis=value[0], keepdims=value[1]),
    "norm": lambda value: _norm(*value), "logsumexp": lambda value: _logsumexp(*value),
    "softmax": _softmax, "prodrest": _prodrest, "getitem": _getitem, "scatter": _scatter,
    "broadcast": _broadcast,
}  # fmt: skip
_KERNELS |= {
    name: _special(name) for name in ("erf", "erfc", "gamma", "loggamma", "digamma", "trigamma")
}


def bound(op: str, value: Any) -> Kernel:
    """The NumPy function of an operation with its axes, slices and shapes bound."""
    return _KERNELS[op](value)


def is_known(op: str) -> bool:
    """Whether the operation has a kernel here."""
    return op in _KERNELS
