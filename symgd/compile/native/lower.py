"""From a program over arrays to cells: sizes in numbers, small arrays written out.

Every array is a NumPy array of cells with its full number of axes; the axis of the rows has
length 1 there and is remembered. So NumPy's own broadcasting and matrix product do the
bookkeeping, and what comes out is a flat program over rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symgd.compile.native.arrays import ARRAYS
from symgd.compile.native.cells import ELEMENTWISE, Cell, Cells
from symgd.compile.native.spread import NotNative, Spread, array_of, mapped
from symgd.compile.program import Instruction, Program
from symgd.compile.sizes import split_size
from symgd.formula.shapes import Shape

MAX_CELLS = 60_000
MOST_COLUMNS = 40
"""Products with a matrix of more columns are left to BLAS."""


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

    def extensible(self) -> Lowered:
        """The same program with cells of its own, to which others can be added."""
        return replace(self, cells=self.cells.copy())


def lower(
    program: Program, shapes: Mapping[str, Shape], sizes: Mapping[str, int], rows: str | None
) -> Lowered:
    """The program with the given sizes; ``rows`` is the name of the size that stays open.

    ``shapes`` are the symbolic shapes of the inputs, in the order in which they get input
    slots. Raises :class:`NotNative`.
    """
    return Lowering(program, shapes, sizes, rows).run()


class Lowering:
    """A program on its way into cells."""

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
            self.place[at] = Spread(array_of(self._size_cell(name)), None)
        for at, value in program.numbers:
            self.place[at] = Spread(array_of(self.cells.number(value)), None)
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
        if axis == 0 and int(np.prod(full)) > MOST_COLUMNS:
            count = int(np.prod(full))
            raise NotNative(f"{name} has {count} columns, which BLAS multiplies faster")
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
            return self.elementwise("select" if i.op == "where" else i.op, args)
        rule = ARRAYS.get(i.op)
        if rule is None:
            raise NotNative(f"{i.op} has no native form")
        axis, full = self._resolved(i.shape)
        if i.op in ("broadcast", "scatter"):
            args = args[:1]
        return rule(self, i.value, axis, full, *args)

    def elementwise(self, op: str, args: list[Spread]) -> Spread:
        """An elementwise operation on broadcast arrays."""
        rows = self._joined_rows(args)
        if op == "add" and len(args) > 2:
            total = args[0]
            for term in args[1:]:
                total = self.elementwise("add", [total, term])
            return total
        if op == "pow" and args[1].cells.size == 1:
            found = self._power(args[0], args[1].cells.item())
            if found is not None:
                return Spread(found, rows)
        make = self.cells.make
        return Spread(mapped(lambda *cells: make(op, *cells), *[a.cells for a in args]), rows)

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
            root = mapped(lambda u: make("sqrt", u), base.cells)
            one = cells.number(1.0)
            return root if value > 0 else mapped(lambda u: make("div", one, u), root)
        if value != int(value) or not 0 < abs(value) <= 8:
            return None

        def whole(u: Cell) -> Cell:
            power = _whole_power(cells, u, int(abs(value)))
            return power if value > 0 else make("div", cells.number(1.0), power)

        return mapped(whole, base.cells)


def _whole_power(cells: Cells, u: Cell, n: int) -> Cell:
    """u^n by repeated squaring."""
    if n == 1:
        return u
    half = _whole_power(cells, u, n // 2)
    square = cells.make("mul", half, half)
    return cells.make("mul", square, u) if n % 2 else square
