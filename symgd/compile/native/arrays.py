"""Sums, products and rearrangements of arrays of cells: one rule for each operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from symgd.compile.kernels import _index
from symgd.compile.native.cells import Cell
from symgd.compile.native.spread import NotNative, Spread, array_of, mapped

if TYPE_CHECKING:
    from symgd.compile.native.lower import Lowering


def _axes(value: tuple[Any, bool], rank: int) -> tuple[int, ...]:
    axes = value[0]
    if axes is None:
        return tuple(range(rank))
    return tuple(a % rank for a in (axes if isinstance(axes, tuple) else (axes,)))


def _folded(cells: Any, axes: tuple[int, ...], join: Callable[[Cell, Cell], Cell]) -> Any:
    """The array with its (small) ``axes`` folded to length 1."""
    for axis in axes:
        parts = [cells.take([k], axis=axis) for k in range(cells.shape[axis])]
        total = parts[0]
        for part in parts[1:]:
            total = mapped(join, total, part)
        cells = total
    return cells


def _reduction(
    low: Lowering, value: tuple[Any, bool], u: Spread, over_rows: str, join: str
) -> Spread:
    """A reduction over axes, among them perhaps the rows; axes keep length 1."""
    cells, rows = u.cells, u.rows
    axes = _axes(value, cells.ndim)
    make, reduce = low.cells.make, low.cells.reduce
    small = tuple(a for a in axes if a != rows)
    cells = _folded(cells, small, lambda a, b: make(join, a, b))
    if rows is not None and rows in axes:
        cells = mapped(lambda cell: reduce(over_rows, cell), cells)
        rows = None
    return _squeezed(Spread(cells, rows), axes, value[1])


def _squeezed(u: Spread, axes: tuple[int, ...], keep: bool) -> Spread:
    if keep:
        return u
    rows = u.rows
    if rows is not None:
        rows -= sum(1 for a in axes if a < rows)
    return Spread(u.cells.reshape([n for k, n in enumerate(u.cells.shape) if k not in axes]), rows)


def _kept(value: tuple[Any, bool]) -> tuple[Any, bool]:
    return value[0], True


def _sum(low: Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    return _reduction(low, value, u, "rsum", "add")


def _mean(low: Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    axes = _axes(value, u.cells.ndim)
    count: Cell = low.cells.number(float(np.prod([u.cells.shape[a] for a in axes])))
    if u.rows in axes:
        count = low.cells.n if count.value == 1 else low.cells.make("mul", low.cells.n, count)
    total = _sum(low, value, axis, full, u)
    return low.elementwise("div", [total, Spread(array_of(count), None)])


def _by(over_rows: str, join: str) -> Callable[..., Spread]:
    def rule(low: Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
        return _reduction(low, value, u, over_rows, join)

    return rule


def _norm1(low: Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    return _sum(low, value, axis, full, low.elementwise("abs", [u]))


def _constant(low: Lowering, value: float) -> Spread:
    return Spread(array_of(low.cells.number(value)), None)


def _norm(low: Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    """The root of the sum of squares of u/scale, times the scale: no overflow."""
    sizes = low.elementwise("abs", [u])
    top = _reduction(low, _kept(value), sizes, "rmax", "maximum")
    positive = low.elementwise("gt", [top, _constant(low, 0.0)])
    finite = low.elementwise("lt", [top, _constant(low, np.inf)])
    usable = low.elementwise("and", [positive, finite])
    scale = low.elementwise("select", [usable, top, _constant(low, 1.0)])
    ratio = low.elementwise("div", [u, scale])
    total = _sum(low, _kept(value), axis, full, low.elementwise("mul", [ratio, ratio]))
    root = low.elementwise("mul", [scale, low.elementwise("sqrt", [total])])
    return _squeezed(root, _axes(value, u.cells.ndim), value[1])


def _exponentials(low: Lowering, value: Any, u: Spread) -> tuple[Spread, Spread]:
    """The maximum over the axes (0 if it is not finite), and e^(u - maximum)."""
    top = _reduction(low, _kept(value), u, "rmax", "maximum")
    finite = low.elementwise("lt", [low.elementwise("abs", [top]), _constant(low, np.inf)])
    top = low.elementwise("select", [finite, top, _constant(low, 0.0)])
    return top, low.elementwise("exp", [low.elementwise("add", [u, low.elementwise("neg", [top])])])


def _logsumexp(low: Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    top, powers = _exponentials(low, value, u)
    total = _sum(low, _kept(value), axis, full, powers)
    result = low.elementwise("add", [low.elementwise("log", [total]), top])
    return _squeezed(result, _axes(value, u.cells.ndim), value[1])


def _softmax(low: Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    over = ((value,), True)
    _, powers = _exponentials(low, over, u)
    return low.elementwise("div", [powers, _sum(low, over, axis, full, powers)])


def _transpose(low: Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    rows = None if u.rows is None else u.cells.ndim - 1 - u.rows
    return Spread(u.cells.T, rows)


def _outer(low: Lowering, value: Any, axis: Any, full: Any, u: Spread, v: Spread) -> Spread:
    left = Spread(u.cells.reshape(-1, 1), u.rows)
    right = Spread(v.cells.reshape(1, -1), None if v.rows is None else 1)
    if u.rows is not None and v.rows is not None:
        raise NotNative("rows are paired with rows")
    return low.elementwise("mul", [left, right])


def _matmul(low: Lowering, value: Any, axis: Any, full: Any, u: Spread, v: Spread) -> Spread:
    a = u.cells if u.cells.ndim > 1 else u.cells.reshape(1, -1)
    b = v.cells if v.cells.ndim > 1 else v.cells.reshape(-1, 1)
    if a.ndim != 2 or b.ndim != 2:
        raise NotNative("a product of arrays with three axes has no native form")
    inner_u = u.rows is not None and u.rows == u.cells.ndim - 1
    inner_v = v.rows is not None and v.rows == max(v.cells.ndim - 2, 0)
    if inner_u != inner_v or (axis is None) != (inner_u or (u.rows is None and v.rows is None)):
        raise NotNative("rows are paired with rows")
    make, result = low.cells.make, np.empty((a.shape[0], b.shape[1]), dtype=object)
    for i, j in np.ndindex(*result.shape):
        total = make("mul", a[i, 0], b[0, j])
        for k in range(1, a.shape[1]):
            total = make("fma", a[i, k], b[k, j], total)
        result[i, j] = low.cells.reduce("rsum", total) if inner_u else total
    shape = [*u.cells.shape[:-1], *(v.cells.shape[:-2] if v.cells.ndim > 1 else ())]
    shape += [v.cells.shape[-1]] if v.cells.ndim > 1 else []
    return Spread(result.reshape(shape), axis)


def _getitem(low: Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    consuming = [item for item in value if item[0] != "new"]
    whole = ("slice", None, None, None)
    if u.rows is not None and u.rows < len(consuming) and consuming[u.rows] != whole:
        raise NotNative("some of the rows are taken out")
    cells = u.cells[_index(value)]
    return Spread(cells if isinstance(cells, np.ndarray) else array_of(cells), axis)


def _scatter(low: Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    if axis is not None or u.rows is not None:
        raise NotNative("rows are put into a larger array")
    cells = np.empty(full, dtype=object)
    cells[...] = low.cells.number(0.0)
    cells[_index(value[1])] = u.cells if u.cells.ndim else u.cells.item()
    return Spread(cells, None)


def _broadcast(low: Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    return Spread(np.broadcast_to(u.cells, full), axis)


def _trace(low: Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    return _sum(low, (None, False), axis, full, _diagonal(u))


def _diag(low: Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    if u.rows is not None:
        raise NotNative("a diagonal of rows has no native form")
    if u.cells.ndim == 2:
        return _diagonal(u)
    cells = np.empty(full, dtype=object)
    cells[...] = low.cells.number(0.0)
    for k in range(u.cells.shape[0]):
        cells[k, k] = u.cells[k]
    return Spread(cells, None)


def _diagonal(u: Spread) -> Spread:
    if u.rows is not None:
        raise NotNative("a diagonal of rows has no native form")
    return Spread(np.array(u.cells.diagonal(), dtype=object), None)


ARRAYS: dict[str, Callable[..., Spread]] = {
    "sum": _sum, "mean": _mean, "prod": _by("rprod", "mul"), "amax": _by("rmax", "maximum"),
    "amin": _by("rmin", "minimum"), "norm1": _norm1, "norm": _norm, "logsumexp": _logsumexp,
    "softmax": _softmax, "transpose": _transpose, "outer": _outer, "matmul": _matmul,
    "getitem": _getitem, "scatter": _scatter, "broadcast": _broadcast, "trace": _trace,
    "diag": _diag,
}  # fmt: skip
