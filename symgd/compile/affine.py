"""Row values that are affine in functions of the parameters: what can leave the loop.

A row value is *affine* if it is a sum of products (number that all rows share) x (value of the
row that only the data determine): ``y - (m*x + b)`` is 1*y - m*x - b*1, and so is
``y - a*b*x``. A sum over rows of a product of two affine values is an inner product of the two.
:func:`inner_products` takes a lowered program apart into such inner products, or says why not.

>>> from symgd.compile.program import linearize
>>> from symgd.compile.native.lower import lower
>>> from symgd.formula.problem import read
>>> problem = read("sum((y - m*x)^2)")
>>> shapes = {"m": (), "x": ("N",), "y": ("N",)}
>>> found = inner_products(lower(linearize([problem.root]), shapes, {}, "N"), ["m"])
>>> [len(terms) for terms in found.values()]
[1]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symgd.compile.native.cells import REDUCTIONS, Cell, Cells, ordered
from symgd.compile.native.lower import Lowered


class NotAffine(Exception):
    """The sums over the data cannot leave the loop; the text says why."""


@dataclass(frozen=True)
class Affine:
    """sum_j factor_j * column_j; the column None is 1 in every row."""

    terms: tuple[tuple[Cell | None, Cell], ...]

    @property
    def key(self) -> tuple[tuple[int, int], ...]:
        """What is the same for equal values."""
        return tuple((-1 if d is None else d.serial, f.serial) for d, f in self.terms)


Product = tuple[Affine, Affine]


def inner_products(lowered: Lowered, parameters: Iterable[str]) -> dict[Cell, list[Product]]:
    """Each sum over the rows as a sum of inner products of affine row values.

    Raises :class:`NotAffine`.
    """
    outputs = [cell for group in lowered.outputs for cell in group]
    order = ordered(outputs)
    reductions = [cell for cell in order if cell.op in REDUCTIONS]
    if not reductions:
        raise NotAffine("there is no sum over the data")
    if any(cell.op != "rsum" or cell.stage != 1 for cell in reductions):
        raise NotAffine("it is not made of plain sums over the data")
    names = set(parameters)
    free = {k for k, (name, _) in enumerate(lowered.inputs, 1) if name in names}
    taken = _Taken(lowered.cells, order, free)
    return {cell: taken.products(cell.args[0]) for cell in reductions}


class _Taken:
    """A program being taken apart."""

    def __init__(self, cells: Cells, order: list[Cell], free: set[int]) -> None:
        self.cells = cells
        self._one = cells.number(1.0)
        self._moves: dict[int, bool] = {}
        self._known: dict[int, Affine | None] = {}
        for cell in order:
            own = cell.op == "input" and cell.value in free
            self._moves[cell.serial] = own or any(self._moves[a.serial] for a in cell.args)

    def products(self, cell: Cell) -> list[Product]:
        """The summed row value as products of affine values."""
        found = self._products(cell)
        if found is None:
            raise NotAffine("a summed term is not quadratic in functions of the parameters")
        return found

    def _products(self, cell: Cell) -> list[Product] | None:
        whole = self.affine(cell)
        if cell.op != "mul" and whole is not None and cell.op != "fma":
            return [(Affine(((None, self._one),)), whole)]
        if cell.op == "neg":
            return self._scaled(cell.args[0], self.cells.number(-1.0))
        if cell.op in ("add", "fma"):
            parts = cell.args
            if cell.op == "fma":
                parts = (self.cells.make("mul", *cell.args[:2]), cell.args[2])
                self._note(parts[0])
            found = [self._products(part) for part in parts]
            return None if None in found else [p for part in found for p in part or []]
        if cell.op != "mul":
            return None
        left, right = cell.args
        for scale, other in ((left, right), (right, left)):
            if not scale.row:
                return self._scaled(other, scale)
        a, b = self.affine(left), self.affine(right)
        if a is not None and b is not None:
            return [(a, b)]
        for data, other in ((left, right), (right, left)):
            if not self._moves[data.serial]:
                found_other = self._products(other)
                if found_other is not None:
                    return [(self._times(u, data), v) for u, v in found_other]
        return None

    def _scaled(self, cell: Cell, scale: Cell) -> list[Product] | None:
        found = self._products(cell)
        return None if found is None else [(self._times(u, scale), v) for u, v in found]

    def _note(self, cell: Cell) -> None:
        self._moves.setdefault(cell.serial, any(self._moves[a.serial] for a in cell.args))

    def affine(self, cell: Cell) -> Affine | None:
        """The row value as a sum of factors times data, or None."""
        if cell.serial not in self._known:
            self._known[cell.serial] = self._affine(cell)
        return self._known[cell.serial]

    def _affine(self, cell: Cell) -> Affine | None:
        self._note(cell) if cell.args else None
        if not cell.row:
            return Affine(((None, cell),))
        if not self._moves[cell.serial]:
            return Affine(((cell, self._one),))
        if cell.op == "neg":
            inner = self.affine(cell.args[0])
            return None if inner is None else self._times(inner, self.cells.number(-1.0))
        if cell.op in ("add", "fma"):
            parts = cell.args
            if cell.op == "fma":
                parts = (self.cells.make("mul", *cell.args[:2]), cell.args[2])
                self._note(parts[0])
            return self._added([self.affine(part) for part in parts])
        if cell.op == "mul":
            for scale, other in (cell.args, cell.args[::-1]):
                inner = self.affine(other)
                if inner is not None and not (scale.row and self._moves[scale.serial]):
                    return self._times(inner, scale)
        if cell.op == "div" and not (cell.args[1].row and self._moves[cell.args[1].serial]):
            inner = self.affine(cell.args[0])
            return None if inner is None else self._times(inner, cell.args[1], "div")
        return None

    def _added(self, parts: list[Affine | None]) -> Affine | None:
        total: dict[Cell | None, Cell] = {}
        for part in parts:
            if part is None:
                return None
            for data, factor in part.terms:
                known = total.get(data)
                total[data] = factor if known is None else self.cells.make("add", known, factor)
        return Affine(tuple(total.items()))

    def _times(self, u: Affine, scale: Cell, op: str = "mul") -> Affine:
        """u times (or divided by) a shared number or a column of data."""
        made: list[tuple[Cell | None, Cell]] = []
        for data, factor in u.terms:
            if not scale.row:
                made.append((data, self._product(op, factor, scale)))
                continue
            column = self._product(op, self._one if data is None else data, scale)
            self._moves[column.serial] = False
            made.append((column, factor))
        return Affine(tuple(made))

    def _product(self, op: str, a: Cell, b: Cell) -> Cell:
        if op == "mul" and a is self._one:
            return b
        if op == "mul" and a.op == "num" and a.value == -1.0:
            return self.cells.make("neg", b)
        if op == "mul" and b.op == "num" and b.value == -1.0:
            return self.cells.make("neg", a)
        return self.cells.make(op, a, b)
