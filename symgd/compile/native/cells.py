"""Cells: a program taken apart into single numbers and numbers per row.

A *cell* is one double: either one for the whole problem (a parameter, a constant, a sum over
the rows) or one for each row (a column of the data and what is computed from it). Equal cells
are the same object. ``stage`` says how many passes over the rows must be finished before a
cell can be computed: a sum over rows of stage s is known at stage s + 1.
"""

from __future__ import annotations

from typing import Any

from symgd.compile.native.operations import REAL, TRUTH, cost

REDUCTIONS = frozenset({"rsum", "rmax", "rmin", "rprod"})


class Cell:
    """One double, or one for each row."""

    __slots__ = ("args", "op", "row", "serial", "stage", "truth", "value")

    op: str
    args: tuple[Cell, ...]
    value: Any
    row: bool
    stage: int
    truth: bool
    serial: int

    @property
    def cost(self) -> int:
        return 0 if not self.args else cost(self.op)


class Cells:
    """The home of cells: equal ones are made once."""

    def __init__(self) -> None:
        self._known: dict[Any, Cell] = {}
        self.n = self._leaf("input", 0, row=False)
        """The number of rows: the first input."""
        self.inputs = 1

    def __len__(self) -> int:
        return len(self._known)

    def copy(self) -> Cells:
        """The same cells, to which others can be added."""
        other = Cells()
        other._known, other.n, other.inputs = dict(self._known), self.n, self.inputs
        return other

    def operations(self) -> set[str]:
        """The operations that occur."""
        return {cell.op for cell in self._known.values()}

    def number(self, value: float) -> Cell:
        return self._leaf("num", float(value), row=False, key=float(value).hex())

    def input(self) -> Cell:
        """The next number that is given at each call."""
        self.inputs += 1
        return self._leaf("input", self.inputs - 1, row=False)

    def column(self, index: int) -> Cell:
        """Column ``index`` of the data."""
        return self._leaf("col", index, row=True)

    def _leaf(self, op: str, value: Any, row: bool, key: Any = None) -> Cell:
        known = (op, value if key is None else key)
        cell = self._known.get(known)
        if cell is None:
            cell = self._new(known, op, (), value, row, 0, False)
        return cell

    def _new(
        self, key: Any, op: str, args: tuple[Cell, ...], value: Any, row: bool, stage: int,
        truth: bool,
    ) -> Cell:  # fmt: skip
        cell = Cell()
        cell.op, cell.args, cell.value = op, args, value
        cell.row, cell.stage, cell.truth, cell.serial = row, stage, truth, len(self._known)
        self._known[key] = cell
        return cell

    def make(self, op: str, *args: Cell) -> Cell:
        """The cell of an elementwise operation."""
        if op == "neg" and args[0].op == "neg":
            return args[0].args[0]
        if op == "neg" and args[0].op == "num":
            return self.number(-args[0].value)
        args = tuple(self._fitting(op, place, a) for place, a in enumerate(args))
        key = (op, *[a.serial for a in args])
        cell = self._known.get(key)
        if cell is not None:
            return cell
        both = op == "select" and args[1].truth and args[2].truth
        truth = both or op in TRUTH
        row = any(a.row for a in args)
        stage = max(a.stage for a in args)
        return self._new(key, op, args, None, row, stage, truth)

    def _fitting(self, op: str, place: int, cell: Cell) -> Cell:
        """The argument as a double or as a truth value, whichever ``op`` takes there."""
        wants_truth = op in ("and", "or", "not") or (op == "select" and place == 0)
        if wants_truth and not cell.truth:
            return self.make("ne", cell, self.number(0.0))
        if not wants_truth and cell.truth and op != "real":
            return self.make("real", cell)
        return cell

    def real(self, cell: Cell) -> Cell:
        """The cell as a double."""
        return self.make("real", cell) if cell.truth else cell

    def reduce(self, op: str, cell: Cell) -> Cell:
        """A reduction over the rows; of a number that all rows share it needs no pass."""
        cell = self.real(cell)
        if not cell.row:
            if op == "rsum":
                return self.make("mul", self.n, cell)
            return self.make("pow", cell, self.n) if op == "rprod" else cell
        if op == "rsum" and cell.op == "neg":
            return self.make("neg", self.reduce(op, cell.args[0]))
        key = (op, cell.serial)
        found = self._known.get(key)
        if found is None:
            found = self._new(key, op, (cell,), None, False, cell.stage + 1, False)
        return found


def ordered(roots: list[Cell], stop: frozenset[str] = frozenset()) -> list[Cell]:
    """The cells below ``roots``, arguments first; not below cells whose ``op`` is in ``stop``."""
    order: list[Cell] = []
    seen: set[int] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        cell, done = stack.pop()
        if done:
            order.append(cell)
            continue
        if cell.serial in seen:
            continue
        seen.add(cell.serial)
        stack.append((cell, True))
        if cell.op not in stop:
            stack.extend((a, False) for a in reversed(cell.args) if a.serial not in seen)
    return order


ELEMENTWISE = frozenset(REAL) | frozenset(TRUTH)
