"""The operations of the graph over a small set of primitives that every array library has.

A :class:`Library` names its functions; :func:`kernel` gives any operation of the graph with its
axes, slices and shapes bound, as :func:`symgd.compile.kernels.bound` does for NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

Array = Any
Kernel = Callable[..., Array]
Axes = tuple[int, ...] | None


@dataclass(frozen=True)
class Library:
    """The primitives of one array library on one device.

    ``plain`` maps operations to functions that take the arguments as they are; the others are
    NumPy's functions of that name, with axes as a tuple or None.
    """

    plain: Mapping[str, Kernel]
    sum: Callable[[Array, Axes, bool], Array]
    prod: Callable[[Array, Axes, bool], Array]
    amax: Callable[[Array, Axes, bool], Array]
    amin: Callable[[Array, Axes, bool], Array]
    mean: Callable[[Array, Axes, bool], Array]
    cumprod: Callable[[Array], Array]
    flip: Callable[[Array], Array]
    concatenate: Callable[[list[Array]], Array]
    moveaxis: Callable[[Array, int, int], Array]
    squeeze: Callable[[Array, Axes], Array]
    isfinite: Callable[[Array], Array]
    ones_like: Callable[[Array], Array]
    zeros_like: Callable[[Array], Array]
    broadcast_to: Callable[[Array, tuple[int, ...]], Array]
    placed: Callable[[tuple[int, ...], Any, Array], Array]

    def where(self, condition: Array, then: Array, otherwise: Array) -> Array:
        """``then`` where the condition holds."""
        return self.plain["where"](condition, then, otherwise)


def powers(exponent: Fraction | None) -> Kernel | None:
    """The cheaper form of a power with a small exact exponent, the same as the reference's."""
    forms: dict[Fraction, Kernel] = {
        Fraction(2): lambda u: u * u,
        Fraction(3): lambda u: u * u * u,
        Fraction(4): lambda u: (u * u) * (u * u),
        Fraction(-1): lambda u: 1.0 / u,
        Fraction(-2): lambda u: 1.0 / (u * u),
    }
    return None if exponent is None else forms.get(exponent)


def kernel(library: Library, op: str, value: Any, shape: tuple[int, ...]) -> Kernel:
    """The function of an operation; ``shape`` is that of the result of a broadcast or scatter."""
    if op in library.plain:
        return library.plain[op]
    if op in ("sum", "prod", "amax", "amin", "mean"):
        reduce = {"sum": library.sum, "prod": library.prod, "amax": library.amax,
                  "amin": library.amin, "mean": library.mean}[op]  # fmt: skip
        return lambda u: reduce(u, *value)
    if op == "broadcast":
        return lambda u: library.broadcast_to(u, shape)
    if op == "scatter":
        return lambda u: library.placed(shape, _index(value[1]), u)
    if op == "getitem":
        index = _index(value)
        return lambda u: u[index]
    return _COMPOSED[op](library, value)


def is_known(library: Library, op: str) -> bool:
    """Whether the operation has a function here."""
    return op in library.plain or op in _COMPOSED or op in _BOUND


_BOUND = frozenset({"sum", "prod", "amax", "amin", "mean", "broadcast", "scatter", "getitem"})


def _index(items: tuple[tuple[Any, ...], ...]) -> tuple[Any, ...]:
    made: list[Any] = []
    for kind, *rest in items:
        made.append(None if kind == "new" else rest[0] if kind == "at" else slice(*rest))
    return tuple(made)


# -- operations made of others -------------------------------------------------------------------


def _add(library: Library, value: Any) -> Kernel:
    def add(first: Array, *rest: Array) -> Array:
        total = first
        for term in rest:
            total = total + term
        return total

    return add


def _norm(library: Library, value: Any) -> Kernel:
    """sqrt(sum(u^2)) without overflow."""
    axes, keep = value
    absolute, root = library.plain["abs"], library.plain["sqrt"]

    def norm(u: Array) -> Array:
        scale = library.amax(absolute(u), axes, True)
        usable = (scale > 0) & library.isfinite(scale)
        scale = library.where(usable, scale, library.ones_like(scale))
        scaled = u / scale
        total = scale * root(library.sum(scaled * scaled, axes, True))
        return total if keep else library.squeeze(total, axes)

    return norm


def _norm1(library: Library, value: Any) -> Kernel:
    return lambda u: library.sum(library.plain["abs"](u), *value)


def _logsumexp(library: Library, value: Any) -> Kernel:
    """log(sum(e^u)) without overflow."""
    axes, keep = value
    exp, log = library.plain["exp"], library.plain["log"]

    def logsumexp(u: Array) -> Array:
        top = library.amax(u, axes, True)
        top = library.where(library.isfinite(top), top, library.zeros_like(top))
        total = log(library.sum(exp(u - top), axes, True)) + top
        return total if keep else library.squeeze(total, axes)

    return logsumexp


def _softmax(library: Library, axis: Any) -> Kernel:
    def softmax(u: Array) -> Array:
        e = library.plain["exp"](u - library.amax(u, (axis,), True))
        return e / library.sum(e, (axis,), True)

    return softmax


def _prodrest(library: Library, value: Any) -> Kernel:
    """The product of all other entries, right also where entries are zero."""
    axes = value[0]

    def rest(u: Array) -> Array:
        moved = u.reshape(-1) if axes is None else library.moveaxis(u, axes[0], 0)
        one = library.ones_like(moved[:1])
        before = library.cumprod(library.concatenate([one, moved[:-1]]))
        turned = library.flip(moved)
        after = library.flip(library.cumprod(library.concatenate([one, turned[:-1]])))
        product = before * after
        return product.reshape(u.shape) if axes is None else library.moveaxis(product, 0, axes[0])

    return rest


def _heaviside(library: Library, value: Any) -> Kernel:
    return lambda u: (library.plain["sign"](u) + 1.0) / 2.0


def _softplus(library: Library, value: Any) -> Kernel:
    return lambda u: library.plain["logaddexp"](library.zeros_like(u), u)


def _sigmoid(library: Library, value: Any) -> Kernel:
    """1/(1 + e^-u) without overflow."""

    def sigmoid(u: Array) -> Array:
        e = library.plain["exp"](-library.plain["abs"](u))
        return library.where(u >= 0, library.ones_like(e), e) / (1.0 + e)

    return sigmoid


def _reciprocal(name: str) -> Callable[[Library, Any], Kernel]:
    return lambda library, value: lambda u: 1.0 / library.plain[name](u)


_COMPOSED: dict[str, Callable[[Library, Any], Kernel]] = {
    "add": _add, "neg": lambda library, value: lambda u: -u,
    "mul": lambda library, value: lambda u, v: u * v,
    "div": lambda library, value: lambda u, v: u / v,
    "lt": lambda library, value: lambda u, v: u < v,
    "le": lambda library, value: lambda u, v: u <= v,
    "gt": lambda library, value: lambda u, v: u > v,
    "ge": lambda library, value: lambda u, v: u >= v,
    "eq": lambda library, value: lambda u, v: u == v,
    "ne": lambda library, value: lambda u, v: u != v,
    "and": lambda library, value: lambda u, v: u & v,
    "or": lambda library, value: lambda u, v: u | v,
    "not": lambda library, value: lambda u: ~u,
    "norm": _norm, "norm1": _norm1, "logsumexp": _logsumexp, "softmax": _softmax,
    "prodrest": _prodrest, "heaviside": _heaviside, "softplus": _softplus, "sigmoid": _sigmoid,
    "sec": _reciprocal("cos"), "csc": _reciprocal("sin"), "cot": _reciprocal("tan"),
    "sech": _reciprocal("cosh"), "csch": _reciprocal("sinh"), "coth": _reciprocal("tanh"),
}  # fmt: skip

__all__ = ["Library", "is_known", "kernel", "powers"]
