"""Sums over the data that can leave the loop: an epoch costs the same for 100 rows and 10^7.

If every sum over the rows is a sum of inner products of row values that are affine in
functions of the parameters (:mod:`symgd.compile.affine`: least squares, weights and ridge
included), the N rows of the K columns involved are replaced by K numbers for each column, once:

    D = 1 c' + Q R,    c the means, Q orthonormal, R triangular (K, K).

An inner product of D f and D g is then N (c.f)(c.g) + (R f).(R g). For a sum of squared
residuals this is a sum of squares again, and nothing cancels in it that does not cancel in the
residuals themselves. The digits survive because the columns are centred before they are
multiplied, because the factorisation is done twice (the second time on columns that are
orthonormal but for rounding: "CholeskyQR2", Yamamoto et al. 2015), because c and R are kept
with twice the digits, and because c.f and R f are computed with them (two-sum and fused
multiply-add). Raw moments would lose 9 digits at an offset of 1e6.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from symgd.compile.affine import Affine, NotAffine, Product, inner_products
from symgd.compile.interpret import PLAIN
from symgd.compile.kernels import bound
from symgd.compile.native.cells import Cell, Cells, ordered
from symgd.compile.native.kernel import Columns, Kernel, NativeProgram
from symgd.compile.native.lower import Lowered
from symgd.compile.native.schedule import schedule
from symgd.descend.objective import FloatArray, IntArray, Layout

MOST_COLUMNS = 40
PATIENCE = 30
"""Evaluations before the moments are made."""
BLOCK = 8192
_NAME = "(moments)"


class MomentRunner:
    """The loss and its gradient: directly at first, from moments when it is called again and again.

    Making the moments takes as long as some dozens of direct evaluations, so that many are
    waited for. Batches of rows always go to the direct form.
    """

    def __init__(self, direct: Kernel, make: Callable[[], Kernel]) -> None:
        self.direct, self._make = direct, make
        self._run: Kernel = direct
        self._left = PATIENCE

    def __call__(self, theta: FloatArray) -> FloatArray:
        """The value and the gradient (1 + p,)."""
        if self._left >= 0:
            self._left -= 1
            if self._left < 0:
                self.compress()
        return self._run(theta)

    def compress(self) -> Kernel:
        """What evaluates from now on: the program over the moments."""
        self._left = -1
        if self._run is self.direct:
            with contextlib.suppress(NotAffine):
                self._run = self._make()
        return self._run

    def at_rows(self, rows: IntArray) -> Kernel:
        """The same over the given rows, computed directly."""
        return self.direct.at_rows(rows)


def moment_runner(
    direct: Kernel, layout: Layout, data: Mapping[str, Any]
) -> tuple[MomentRunner, str]:
    """The program with its sums taken out of the loop, and what that is in words.

    Raises :class:`~symgd.compile.affine.NotAffine`.
    """
    lowered, n = direct.native.lowered.extensible(), direct.n  # programs are shared
    sums = inner_products(lowered, layout.shapes)
    columns = _columns(sums)
    if len(columns) > MOST_COLUMNS:
        raise NotAffine(f"that would take moments of {len(columns)} columns")
    if n < 10 * (len(columns) + 1):
        raise NotAffine("there are hardly more rows than moments")

    def make() -> Kernel:
        factors = _factorised(_Blocks(lowered, columns, data, n))
        compressed = _compressed(lowered, sums, columns)
        program = NativeProgram(compressed, schedule(compressed))
        return Kernel(program, Columns(program, {}), {**data, _NAME: factors}, n)

    return MomentRunner(direct, make), f"moments: {len(columns) + 1} sums over {n:,} rows"


def _columns(sums: Mapping[Cell, list[Product]]) -> list[Cell]:
    """The data columns that occur, those with moving factors first."""
    moving: dict[Cell, None] = {}
    fixed: dict[Cell, None] = {}
    for products in sums.values():
        for pair in products:
            for value in pair:
                for data, factor in value.terms:
                    if data is not None:
                        (fixed if factor.op in ("num", "neg") else moving)[data] = None
    return [*moving, *(d for d in fixed if d not in moving)]


# -- the data -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Blocks:
    """The values of some row cells that depend on data only, in blocks (K, rows)."""

    lowered: Lowered
    wanted: list[Cell]
    data: Mapping[str, Any]
    n: int

    def __iter__(self) -> Iterator[FloatArray]:
        order = ordered(self.wanted)
        inputs = dict(enumerate(self.lowered.inputs, 1))
        for begin in range(0, self.n, BLOCK):
            end = min(begin + BLOCK, self.n)
            value: dict[int, Any] = {}
            with np.errstate(all="ignore"):
                for cell in order:
                    if cell.op == "col":
                        name, entry = self.lowered.columns[cell.value]
                        value[cell.serial] = np.asarray(
                            self.data[name][(slice(begin, end), *entry)]
                        )
                    elif cell.op == "num":
                        value[cell.serial] = np.float64(cell.value)
                    elif cell.op == "input":
                        value[cell.serial] = self._number(cell, inputs)
                    else:
                        function = _numpy_function(cell.op)
                        value[cell.serial] = function(*[value[a.serial] for a in cell.args])
            yield np.stack([value[cell.serial] for cell in self.wanted])

    def _number(self, cell: Cell, inputs: Mapping[int, tuple[str, tuple[int, ...]]]) -> Any:
        if cell.value == 0:
            return np.float64(self.n)
        name, entry = inputs[cell.value]
        return np.asarray(self.data[name])[entry]


_OWN: dict[str, Callable[..., Any]] = {
    "fma": lambda a, b, c: a * b + c, "select": np.where, "real": lambda u: np.where(u, 1.0, 0.0),
}  # fmt: skip


def _numpy_function(op: str) -> Callable[..., Any]:
    return _OWN.get(op) or PLAIN.get(op) or bound(op, None)


def _factorised(blocks: _Blocks) -> FloatArray:
    """c and R with twice the digits: (2, K + 1, K), c in the row 0."""
    size, n = len(blocks.wanted), blocks.n
    sums = sum((block.sum(axis=1) for block in blocks), np.zeros(size))
    means = sums / n
    if not np.all(np.isfinite(means)):
        raise NotAffine("the data are not finite")
    identity = np.eye(size)
    gram, left = _gram(blocks, means, identity)
    first = _triangle(gram - n * np.outer(left, left))
    gram, still = _gram(blocks, means, first[1])
    second = _triangle(gram - n * np.outer(still, still))[0]
    result = np.zeros((2, size + 1, size))
    result[:, 0] = means, left
    high = first[0]
    product = (second - identity) @ high + second @ high @ _mismatch(first[1], high)
    result[0, 1:] = high + product
    result[1, 1:] = (high - result[0, 1:]) + product
    if not np.all(np.isfinite(result)):
        raise NotAffine("the columns of the data cannot be made independent")
    return result


def _gram(blocks: _Blocks, means: FloatArray, turn: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(D - c)T: the inner products of its columns, and their means."""
    size = len(means)
    total, lost = np.zeros((size, size)), np.zeros((size, size))
    sums, lost_sums = np.zeros(size), np.zeros(size)
    for block in blocks:
        turned = turn.T @ (block - means[:, None])
        total, lost = _two_sum(total, lost, turned @ turned.T)
        sums, lost_sums = _two_sum(sums, lost_sums, turned.sum(axis=1))
    return total + lost, (sums + lost_sums) / blocks.n


def _two_sum(total: FloatArray, lost: FloatArray, part: FloatArray) -> tuple[Any, Any]:
    new = total + part
    back = new - total
    return new, lost + ((total - (new - back)) + (part - back))


def _triangle(gram: FloatArray) -> tuple[FloatArray, FloatArray]:
    """R with R'R = gram, and its inverse; a column that depends on others keeps its scale."""
    size = len(gram)
    upper = np.zeros((size, size))
    for k in range(size):
        upper[:k, k] = _solved(upper[:k, :k].T, gram[:k, k])
        rest = gram[k, k] - upper[:k, k] @ upper[:k, k]
        negligible = rest <= 1e-14 * gram[k, k]
        scale = np.sqrt(gram[k, k]) if gram[k, k] > 0 else 1.0
        upper[k, k] = scale if negligible else np.sqrt(rest)
    inverse = np.zeros((size, size))
    for k in range(size):
        unit = np.zeros(size)
        unit[k] = 1.0
        inverse[:, k] = _back(upper, unit)
    return upper, inverse


def _mismatch(inverse: FloatArray, upper: FloatArray) -> FloatArray:
    """I - inverse*upper of two triangles, in exact arithmetic: what rounding left of it."""
    size = len(upper)
    rest = np.zeros((size, size))
    left = [[Fraction(v) for v in row] for row in inverse.tolist()]
    right = [[Fraction(v) for v in row] for row in upper.tolist()]
    for i in range(size):
        for j in range(i, size):
            total = sum((left[i][k] * right[k][j] for k in range(i, j + 1)), Fraction(0))
            rest[i, j] = float((i == j) - total)
    return rest


def _solved(lower: FloatArray, right: FloatArray) -> FloatArray:
    found = np.zeros(len(right))
    for k in range(len(right)):
        found[k] = (right[k] - lower[k, :k] @ found[:k]) / lower[k, k]
    return found


def _back(upper: FloatArray, right: FloatArray) -> FloatArray:
    found = np.zeros(len(right))
    for k in reversed(range(len(right))):
        found[k] = (right[k] - upper[k, k + 1 :] @ found[k + 1 :]) / upper[k, k]
    return found


# -- the program -----------------------------------------------------------------------------------


def _compressed(
    lowered: Lowered, sums: Mapping[Cell, list[Product]], columns: list[Cell]
) -> Lowered:
    """The program with every sum over rows replaced by inner products of K numbers."""
    maker = _Compress(lowered, columns)
    new: dict[int, Cell] = {cell.serial: maker.total(products) for cell, products in sums.items()}
    outputs = [cell for group in lowered.outputs for cell in group]
    for cell in ordered(outputs, stop=frozenset({"rsum"})):
        if cell.serial in new:
            continue
        args = [new[a.serial] for a in cell.args]
        new[cell.serial] = maker.cells.make(cell.op, *args) if args else cell
    made = [[new[cell.serial] for cell in group] for group in lowered.outputs]
    return Lowered(lowered.cells, maker.inputs, [], made)


class _Compress:
    """Affine row values as K + 1 numbers each: the mean and the entries of R f."""

    def __init__(self, lowered: Lowered, columns: list[Cell]) -> None:
        self.cells: Cells = lowered.cells
        self.inputs = list(lowered.inputs)
        self._column = {cell.serial: k for k, cell in enumerate(columns)}
        self._size = len(columns)
        self._entry: dict[tuple[int, int], tuple[Cell, Cell]] = {}
        self._vectors: dict[tuple[tuple[int, int], ...], list[Cell]] = {}
        for row in range(self._size + 1):
            for k in range(max(0, row - 1), self._size):
                pair = []
                for half in (0, 1):
                    self.inputs.append((_NAME, (half, row, k)))
                    pair.append(self.cells.input())
                self._entry[row, k] = (pair[0], pair[1])

    def total(self, products: list[Product]) -> Cell:
        """The sum of the inner products."""
        make = self.cells.make
        whole: Cell | None = None
        for u, v in products:
            a, b = self.vector(u), self.vector(v)
            inner = make("mul", make("mul", self.cells.n, a[0]), b[0])
            for x, y in zip(a[1:], b[1:], strict=True):
                if not self._zero(x) and not self._zero(y):
                    inner = make("fma", x, y, inner)
            whole = inner if whole is None else make("add", whole, inner)
        assert whole is not None
        return whole

    def _zero(self, cell: Cell) -> bool:
        return cell.op == "num" and cell.value == 0.0

    def vector(self, value: Affine) -> list[Cell]:
        """c.f and R f."""
        found = self._vectors.get(value.key)
        if found is None:
            found = [self._row(value, row) for row in range(self._size + 1)]
            self._vectors[value.key] = found
        return found

    def _row(self, value: Affine, row: int) -> Cell:
        """sum_j f_j R[row, j] with the rounding errors carried along."""
        high: Cell | None = None
        low: Cell = self.cells.number(0.0)
        make = self.cells.make
        for data, factor in value.terms:
            if data is None:
                if row > 0:
                    continue
                product, error = factor, self.cells.number(0.0)
            else:
                k = self._column[data.serial]
                if (row, k) not in self._entry:
                    continue
                entry, rest = self._entry[row, k]
                product = make("mul", factor, entry)
                error = make("fma", factor, entry, make("neg", product))
                error = make("fma", factor, rest, error)
            if high is None:
                high, low = product, error
                continue
            high, lost = self._two_sum(high, product)
            low = make("add", low, make("add", lost, error))
        return self.cells.number(0.0) if high is None else make("add", high, low)

    def _two_sum(self, a: Cell, b: Cell) -> tuple[Cell, Cell]:
        make = self.cells.make
        total = make("add", a, b)
        part = make("add", total, make("neg", a))
        error = make("add", a, make("neg", make("add", total, make("neg", part))))
        return total, make("add", error, make("add", b, make("neg", part)))
