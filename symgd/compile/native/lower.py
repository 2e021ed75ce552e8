"""From a program over arrays to cells: sizes in numbers, small arrays written out.

Every array is a NumPy array of cells with its full number of axes; the axis of the rows has
length 1 there and is remembered. So NumPy's own broadcasting and matrix product do the
bookkeeping, and what comes out is a flat program over rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgd.compile.kernels import _index
from symgd.compile.native.cells import ELEMENTWISE, Cell, Cells
from symgd.compile.program import Instruction, Program
from symgd.compile.sizes import split_size
from symgd.formula.shapes import Shape

MAX_CELLS = 60_000


class NotNative(Exception):
    """The program cannot be compiled here; the text says why."""


@dataclass(frozen=True)
class Spread:
    """An array of cells; ``rows`` is the axis of the rows (length 1 in ``cells``) or None."""

    cells: Any
    rows: int | None


@dataclass
class Lowered:
    """A program in cells.

    ``inputs`` are the numbers given at each call, as (symbol, entry) in the order of the
    input slots from 1 on; ``columns`` the columns as (symbol, entry of a row); ``outputs`` the
    results, flat, one list for each output of the program.
    """

    cells: Cells
    inputs: list[tuple[str, tuple[int, ...]]]
    columns: list[tuple[str, tuple[int, ...]]]
    outputs: list[list[Cell]]


def lower(
    program: Program, shapes: Mapping[str, Shape], sizes: Mapping[str, int], rows: str | None
) -> Lowered:
    """The program with the given sizes; ``rows`` is the name of the size that stays open.

    ``shapes`` are the symbolic shapes of the inputs, in the order in which they get input
    slots. Raises :class:`NotNative`.
    """
    return _Lowering(program, shapes, sizes, rows).run()


class _Lowering:
    def __init__(
        self,
        program: Program,
        shapes: Mapping[str, Shape],
        sizes: Mapping[str, int],
        rows: str | None,
    ) -> None:
        self.program, self.shapes, self.sizes, self.rows = program, shapes, sizes, rows
        self.cells = Cells()
        self.place: dict[int, Spread] = {}
        self.inputs: list[tuple[str, tuple[int, ...]]] = []
        self.columns: list[tuple[str, tuple[int, ...]]] = []

    def run(self) -> Lowered:
        program = self.program
        for name, shape in self.shapes.items():
            spread = self._symbol(name, shape)
            if name in program.symbols:
                self.place[program.symbols[name]] = spread
        for name, at in program.sizes.items():
            self.place[at] = Spread(_array(self._size_cell(name)), None)
        for at, value in program.numbers:
            self.place[at] = Spread(_array(self.cells.number(value)), None)
        for i in program.instructions:
            self.place[i.dest] = self._instruction(i)
            if len(self.cells) > MAX_CELLS:
                raise NotNative("it is too large when written out entry by entry")
        outputs = []
        for at in program.outputs:
            spread = self.place[at]
            if any(cell.row for cell in spread.cells.flat):
                raise NotNative("a result has one entry for each row")
            outputs.append([self.cells.real(cell) for cell in spread.cells.flat])
        return Lowered(self.cells, self.inputs, self.columns, outputs)

    # -- inputs -----------------------------------------------------------------------------

    def _symbol(self, name: str, shape: Shape) -> Spread:
        axis, full = self._resolved(shape)
        if axis not in (None, 0):
            raise NotNative(f"the rows of {name} are not its first axis")
        if int(np.prod(full)) > 4096:
            raise NotNative(f"{name} is too large to be written out entry by entry")
        array = np.empty(full, dtype=object)
        for entry in np.ndindex(*full):
            if axis is None:
                self.inputs.append((name, entry))
                array[entry] = self.cells.input()
            else:
                self.columns.append((name, entry[1:]))
                array[entry] = self.cells.column(len(self.columns) - 1)
        return Spread(array, axis)

    def _resolved(self, shape: Shape) -> tuple[int | None, tuple[int, ...]]:
        """The axis of the rows, and the shape in numbers with 1 for the rows."""
        axes = [k for k, size in enumerate(shape) if self.rows is not None and size == self.rows]
        if len(axes) > 1:
            raise NotNative("an array has the rows twice")
        full = tuple(1 if k in axes else self._size(size) for k, size in enumerate(shape))
        return (axes[0] if axes else None), full

    def _size(self, size: int | str) -> int:
        if isinstance(size, int):
            return size
        base, offset = split_size(size)
        if base == self.rows:
            raise NotNative("rows are shifted against each other")
        if base not in self.sizes:
            raise NotNative(f"the size {base} is not known")
        return self.sizes[base] + offset

    def _size_cell(self, name: str) -> Cell:
        base, offset = split_size(name)
        if base != self.rows:
            return self.cells.number(self._size(name))
        if offset:
            return self.cells.make("add", self.cells.n, self.cells.number(offset))
        return self.cells.n

    # -- instructions -------------------------------------------------------------------------

    def _instruction(self, i: Instruction) -> Spread:
        args = [self.place[a] for a in i.args]
        if i.op in ELEMENTWISE or i.op == "where":
            return self._elementwise("select" if i.op == "where" else i.op, args)
        rule = _ARRAYS.get(i.op)
        if rule is None:
            raise NotNative(f"{i.op} has no native form")
        axis, full = self._resolved(i.shape)
        if i.op in ("broadcast", "scatter"):
            args = args[:1]
        return rule(self, i.value, axis, full, *args)

    def _elementwise(self, op: str, args: list[Spread]) -> Spread:
        rows = self._joined_rows(args)
        if op == "add" and len(args) > 2:
            total = args[0]
            for term in args[1:]:
                total = self._elementwise("add", [total, term])
            return total
        if op == "pow" and args[1].cells.size == 1:
            found = self._power(args[0], args[1].cells.item())
            if found is not None:
                return Spread(found, rows)
        make = self.cells.make
        return Spread(_map(lambda *cells: make(op, *cells), *[a.cells for a in args]), rows)

    def _joined_rows(self, args: list[Spread]) -> int | None:
        """The axis of the rows of a broadcast result."""
        rank = max(a.cells.ndim for a in args)
        axes = {a.rows - a.cells.ndim for a in args if a.rows is not None}
        if len(axes) > 1:
            raise NotNative("rows are paired with rows")
        for a in args:
            if axes:
                (axis,) = axes
                if a.rows is None and a.cells.ndim >= -axis and a.cells.shape[axis] != 1:
                    raise NotNative("an array with a fixed number of rows meets the rows")
        return rank + axes.pop() if axes else None

    def _power(self, base: Spread, exponent: Cell) -> Any:
        """Whole powers up to 8 by products, square roots by roots; None if it is neither."""
        cells, make = self.cells, self.cells.make
        if exponent.op != "num":
            return None
        value = exponent.value
        if value in (0.5, -0.5):
            root = _map(lambda u: make("sqrt", u), base.cells)
            one = cells.number(1.0)
            return root if value > 0 else _map(lambda u: make("div", one, u), root)
        if value != int(value) or not 0 < abs(value) <= 8:
            return None

        def whole(u: Cell) -> Cell:
            power = _whole_power(cells, u, int(abs(value)))
            return power if value > 0 else make("div", cells.number(1.0), power)

        return _map(whole, base.cells)


def _whole_power(cells: Cells, u: Cell, n: int) -> Cell:
    """u^n by repeated squaring."""
    if n == 1:
        return u
    half = _whole_power(cells, u, n // 2)
    square = cells.make("mul", half, half)
    return cells.make("mul", square, u) if n % 2 else square


def _array(cell: Cell) -> Any:
    array = np.empty((), dtype=object)
    array[()] = cell
    return array


def _map(function: Callable[..., Cell], *arrays: Any) -> Any:
    made = np.frompyfunc(function, len(arrays), 1)(*arrays)
    return made if isinstance(made, np.ndarray) else _array(made)


# -- operations on arrays ------------------------------------------------------------------------


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
            total = _map(join, total, part)
        cells = total
    return cells


def _reduction(
    low: _Lowering, value: tuple[Any, bool], u: Spread, over_rows: str, join: str
) -> Spread:
    """A reduction over axes, among them perhaps the rows; axes keep length 1."""
    cells, rows = u.cells, u.rows
    axes = _axes(value, cells.ndim)
    make, reduce = low.cells.make, low.cells.reduce
    small = tuple(a for a in axes if a != rows)
    cells = _folded(cells, small, lambda a, b: make(join, a, b))
    if rows is not None and rows in axes:
        cells = _map(lambda cell: reduce(over_rows, cell), cells)
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


def _sum(low: _Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    return _reduction(low, value, u, "rsum", "add")


def _mean(low: _Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    axes = _axes(value, u.cells.ndim)
    count: Cell = low.cells.number(float(np.prod([u.cells.shape[a] for a in axes])))
    if u.rows in axes:
        count = low.cells.n if count.value == 1 else low.cells.make("mul", low.cells.n, count)
    total = _sum(low, value, axis, full, u)
    return low._elementwise("div", [total, Spread(_array(count), None)])


def _by(over_rows: str, join: str) -> Callable[..., Spread]:
    def rule(low: _Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
        return _reduction(low, value, u, over_rows, join)

    return rule


def _norm1(low: _Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    return _sum(low, value, axis, full, low._elementwise("abs", [u]))


def _constant(low: _Lowering, value: float) -> Spread:
    return Spread(_array(low.cells.number(value)), None)


def _norm(low: _Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    """The root of the sum of squares of u/scale, times the scale: no overflow."""
    sizes = low._elementwise("abs", [u])
    top = _reduction(low, _kept(value), sizes, "rmax", "maximum")
    positive = low._elementwise("gt", [top, _constant(low, 0.0)])
    finite = low._elementwise("lt", [top, _constant(low, np.inf)])
    usable = low._elementwise("and", [positive, finite])
    scale = low._elementwise("select", [usable, top, _constant(low, 1.0)])
    ratio = low._elementwise("div", [u, scale])
    total = _sum(low, _kept(value), axis, full, low._elementwise("mul", [ratio, ratio]))
    root = low._elementwise("mul", [scale, low._elementwise("sqrt", [total])])
    return _squeezed(root, _axes(value, u.cells.ndim), value[1])


def _exponentials(low: _Lowering, value: Any, u: Spread) -> tuple[Spread, Spread]:
    """The maximum over the axes (0 if it is not finite), and e^(u - maximum)."""
    top = _reduction(low, _kept(value), u, "rmax", "maximum")
    finite = low._elementwise("lt", [low._elementwise("abs", [top]), _constant(low, np.inf)])
    top = low._elementwise("select", [finite, top, _constant(low, 0.0)])
    return top, low._elementwise(
        "exp", [low._elementwise("add", [u, low._elementwise("neg", [top])])]
    )


def _logsumexp(low: _Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    top, powers = _exponentials(low, value, u)
    total = _sum(low, _kept(value), axis, full, powers)
    result = low._elementwise("add", [low._elementwise("log", [total]), top])
    return _squeezed(result, _axes(value, u.cells.ndim), value[1])


def _softmax(low: _Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    over = ((value,), True)
    _, powers = _exponentials(low, over, u)
    return low._elementwise("div", [powers, _sum(low, over, axis, full, powers)])


def _transpose(low: _Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    rows = None if u.rows is None else u.cells.ndim - 1 - u.rows
    return Spread(u.cells.T, rows)


def _outer(low: _Lowering, value: Any, axis: Any, full: Any, u: Spread, v: Spread) -> Spread:
    left = Spread(u.cells.reshape(-1, 1), u.rows)
    right = Spread(v.cells.reshape(1, -1), None if v.rows is None else 1)
    if u.rows is not None and v.rows is not None:
        raise NotNative("rows are paired with rows")
    return low._elementwise("mul", [left, right])


def _matmul(low: _Lowering, value: Any, axis: Any, full: Any, u: Spread, v: Spread) -> Spread:
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


def _getitem(low: _Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    consuming = [item for item in value if item[0] != "new"]
    whole = ("slice", None, None, None)
    if u.rows is not None and u.rows < len(consuming) and consuming[u.rows] != whole:
        raise NotNative("some of the rows are taken out")
    cells = u.cells[_index(value)]
    return Spread(cells if isinstance(cells, np.ndarray) else _array(cells), axis)


def _scatter(low: _Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    if axis is not None or u.rows is not None:
        raise NotNative("rows are put into a larger array")
    cells = np.empty(full, dtype=object)
    cells[...] = low.cells.number(0.0)
    cells[_index(value[1])] = u.cells if u.cells.ndim else u.cells.item()
    return Spread(cells, None)


def _broadcast(low: _Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    return Spread(np.broadcast_to(u.cells, full), axis)


def _trace(low: _Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
    return _sum(low, (None, False), axis, full, _diagonal(u))


def _diag(low: _Lowering, value: Any, axis: Any, full: Any, u: Spread) -> Spread:
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


_ARRAYS: dict[str, Callable[..., Spread]] = {
    "sum": _sum, "mean": _mean, "prod": _by("rprod", "mul"), "amax": _by("rmax", "maximum"),
    "amin": _by("rmin", "minimum"), "norm1": _norm1, "norm": _norm, "logsumexp": _logsumexp,
    "softmax": _softmax, "transpose": _transpose, "outer": _outer, "matmul": _matmul,
    "getitem": _getitem, "scatter": _scatter, "broadcast": _broadcast, "trace": _trace,
    "diag": _diag,
}  # fmt: skip
