"""Reductions and linear algebra on object arrays of balls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb_mat, fmpq, fmpq_mat

from symgd.check.ball_functions import (
    FUNCTIONS,
    UNDEFINED,
    UNSURE,
    Bad,
    Value,
    ball,
    checked,
    guarded,
    sign_of,
    worst,
)
from symgd.compile.kernels import _index
from symgd.formula.graph import Node
from symgd.formula.shapes import normal_axes

Sizes = Callable[[Any], int]
Rule = Callable[..., Value]

_plus = guarded(lambda u, v: u + v)
_times = guarded(lambda u, v: u * v)
_over = guarded(FUNCTIONS["div"])
_larger = guarded(FUNCTIONS["maximum"])
_smaller = guarded(FUNCTIONS["minimum"])
_exp = guarded(FUNCTIONS["exp"])
_log = guarded(FUNCTIONS["log"])
_root = guarded(FUNCTIONS["sqrt"])
_abs = guarded(FUNCTIONS["abs"])


def _map(function: Callable[..., Value], *args: Value) -> Value:
    if all(not isinstance(a, np.ndarray) for a in args):
        return function(*args)
    return np.frompyfunc(function, len(args), 1)(*args)


def _array(u: Value, shape: tuple[int, ...] | None = None) -> Any:
    if isinstance(u, np.ndarray):
        return u
    array = np.empty((), dtype=object)
    array[()] = u
    return array if shape is None else np.broadcast_to(array, shape)


def _plain(u: Any) -> Value:
    return u[()] if isinstance(u, np.ndarray) and u.ndim == 0 else u


def _reduced(node: Node, u: Any, function: Callable[[list[Value]], Value]) -> Value:
    """``function`` of the list of entries along the axes of a reduction."""
    axes, keep = node.value
    u = _array(u)
    over = normal_axes(axes, u.ndim)
    rest = [i for i in range(u.ndim) if i not in over]
    moved = np.transpose(u, [*rest, *over]).reshape([u.shape[i] for i in rest] + [-1])
    out = np.empty(moved.shape[:-1], dtype=object)
    for place in np.ndindex(out.shape):
        out[place] = function(list(moved[place]))
    if keep:
        out = out.reshape([1 if i in over else s for i, s in enumerate(u.shape)])
    return _plain(out)


def _fold(
    function: Callable[[Value, Value], Value], start: Value
) -> Callable[[list[Value]], Value]:
    def fold(entries: list[Value]) -> Value:
        total = start
        for entry in entries:
            total = entry if total is None else function(total, entry)
        return total

    return fold


_total = _fold(_plus, fmpq(0))


def _extreme(
    function: Callable[[Value, Value], Value], sign: int
) -> Callable[[list[Value]], Value]:
    """The largest entry itself if one is surely the largest, so that it equals itself."""

    def extreme(entries: list[Value]) -> Value:
        if any(isinstance(e, Bad) for e in entries):
            return worst(tuple(entries))
        for entry in entries:
            if all(e is entry or sign_of(entry - e) == sign for e in entries):
                return entry
        return _fold(function, None)(entries)

    return extreme


def _norm(entries: list[Value]) -> Value:
    return _root(_total([_times(e, e) for e in entries]))


def _by(function: Callable[[list[Value]], Value]) -> Rule:
    return lambda node, sizes, u: _reduced(node, u, function)


def _mean(entries: list[Value]) -> Value:
    return _over(_total(entries), fmpq(len(entries)))


def _softmax(node: Node, sizes: Sizes, u: Any) -> Value:
    e = _map(_exp, u)
    axis = node.value
    sums = np.apply_along_axis(lambda row: _wrapped(_total(list(row))), axis, e)
    return _map(_over, e, sums)


def _wrapped(u: Value) -> Any:
    array = np.empty(1, dtype=object)
    array[0] = u
    return array


def _prodrest(node: Node, sizes: Sizes, u: Any) -> Value:
    axes, _ = node.value
    over = normal_axes(axes, u.ndim)
    out = np.empty(u.shape, dtype=object)
    for place in np.ndindex(u.shape):
        line = tuple(slice(None) if i in over else p for i, p in enumerate(place))
        own = tuple(place[i] for i in over)
        part = u[line]
        others = [part[k] for k in np.ndindex(part.shape) if k != own]
        out[place] = _fold(_times, fmpq(1))(others)
    return out


# -- linear algebra -------------------------------------------------------------------------------


def _matmul(node: Node, sizes: Sizes, a: Any, b: Any) -> Value:
    left = a if a.ndim == 2 else a[None, :]
    right = b if b.ndim == 2 else b[:, None]
    out = np.empty((left.shape[0], right.shape[1]), dtype=object)
    for i, j in np.ndindex(out.shape):
        out[i, j] = _total([_times(p, q) for p, q in zip(left[i], right[:, j], strict=True)])
    if a.ndim == 1:
        out = out[0]
    if b.ndim == 1:
        out = out[..., 0]
    return _plain(np.asarray(out, dtype=object)) if isinstance(out, np.ndarray) else out


def _outer(node: Node, sizes: Sizes, a: Any, b: Any) -> Value:
    return _map(_times, a[:, None], b[None, :])


def _bad_in(*arrays: Any) -> Bad | None:
    found = tuple(e for a in arrays for e in a.reshape(-1) if isinstance(e, Bad))
    return worst(found) if found else None


def _matrix(a: Any) -> Any:
    """An exact matrix if every entry is rational, else one of balls."""
    entries = list(a.reshape(-1))
    if all(isinstance(e, fmpq) for e in entries):
        return fmpq_mat(a.shape[0], a.shape[1], entries)
    return arb_mat(a.shape[0], a.shape[1], [ball(e) for e in a.reshape(-1)])


def _from_matrix(m: Any) -> Any:
    out = np.empty((m.nrows(), m.ncols()), dtype=object)
    for i, j in np.ndindex(out.shape):
        out[i, j] = checked(m[i, j])
    return out


def _det(node: Node, sizes: Sizes, a: Any) -> Value:
    bad = _bad_in(a)
    return bad or checked(_matrix(a).det())


def _logdet(node: Node, sizes: Sizes, a: Any) -> Value:
    return _log(_det(node, sizes, a))


def _inverse(a: Any) -> Any:
    """The inverse, or an array of what went wrong."""
    bad = _bad_in(a)
    if bad is None:
        matrix = _matrix(a)
        try:
            return _from_matrix(matrix.inv())
        except ZeroDivisionError:
            bad = UNDEFINED if isinstance(matrix, fmpq_mat) else UNSURE
    return _array(bad, a.shape)


def _inv(node: Node, sizes: Sizes, a: Any) -> Value:
    return _inverse(a)


def _solve(node: Node, sizes: Sizes, a: Any, b: Any) -> Value:
    return _matmul(node, sizes, _inverse(a), b)


def _diag(node: Node, sizes: Sizes, a: Any) -> Value:
    if a.ndim == 2:
        return np.diagonal(a)
    out = np.full((len(a), len(a)), fmpq(0), dtype=object)
    for i, entry in enumerate(a):
        out[i, i] = entry
    return out


# -- places ---------------------------------------------------------------------------------------


def _broadcast(node: Node, sizes: Sizes, u: Any) -> Value:
    return np.broadcast_to(_array(u), tuple(sizes(s) for s in node.shape))


def _getitem(node: Node, sizes: Sizes, u: Any) -> Value:
    return _plain(u[_index(node.value)])


def _scatter(node: Node, sizes: Sizes, u: Any) -> Value:
    shape, items = node.value
    full = np.full(tuple(sizes(s) for s in shape), fmpq(0), dtype=object)
    full[_index(items)] = u
    return full


ARRAYS: dict[str, Rule] = {
    "sum": _by(_total), "mean": _by(_mean), "prod": _by(_fold(_times, fmpq(1))),
    "amax": _by(_extreme(_larger, 1)), "amin": _by(_extreme(_smaller, -1)),
    "norm": _by(_norm), "norm1": _by(lambda entries: _total([_abs(e) for e in entries])),
    "logsumexp": _by(lambda entries: _log(_total([_exp(e) for e in entries]))),
    "softmax": _softmax, "prodrest": _prodrest, "matmul": _matmul, "outer": _outer,
    "transpose": lambda node, sizes, a: np.transpose(a),
    "trace": lambda node, sizes, a: _total(list(np.diagonal(a))),
    "det": _det, "logdet": _logdet, "inv": _inv, "solve": _solve, "diag": _diag,
    "broadcast": _broadcast, "getitem": _getitem, "scatter": _scatter,
}  # fmt: skip
"""How the operations of arrays work on balls: (node, sizes, arguments) -> value."""
