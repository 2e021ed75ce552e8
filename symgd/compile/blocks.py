"""Large data in blocks of rows: memory does not grow with the number of temporaries.

A program over rows is cut at its reductions. Each pass goes over the rows in blocks of
:data:`BLOCK`, computes what its reductions need and joins their partial results: sums with
their rounding errors kept, so that they are as accurate as over the whole column. The columns
themselves are only sliced: a memory map is read block by block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symgd.compile.interpret import Step, exponents, step
from symgd.compile.program import Instruction, Program
from symgd.compile.sizes import resolve, split_size
from symgd.descend.objective import FloatArray, IntArray, Layout
from symgd.formula.problem import Problem
from symgd.formula.shapes import Shape

BLOCK = 8192


class NotInBlocks(Exception):
    """The rows cannot be taken block by block; the text says why."""


def _plus(total: Any, part: Any) -> Any:
    """(sum, error) + part, with the error of the addition kept."""
    high, low = total
    new = high + part
    back = new - high
    error = (high - (new - back)) + (part - back)
    return new, low + error


def _plus_done(total: Any) -> Any:
    high, low = total
    return high + np.where(np.isfinite(low), low, 0.0)


_JOIN: dict[str, Callable[[Any, Any], Any]] = {
    "amax": np.maximum, "amin": np.minimum, "prod": np.multiply, "norm": np.hypot,
    "logsumexp": np.logaddexp,
}  # fmt: skip
_SUMS = frozenset({"sum", "mean", "norm1", "matmul"})
_LOCAL = frozenset({"transpose", "outer", "broadcast", "getitem"})
_OTHER = frozenset({"softmax", "prodrest", "scatter", "diag", "trace", "det", "inv", "solve",
                    "logdet"})  # fmt: skip


class BlockRunner:
    """A loss and its gradient as one flat vector, computed block by block."""

    def __init__(
        self,
        program: Program,
        problem: Problem,
        layout: Layout,
        data: Mapping[str, Any],
        sizes: Mapping[str, int],
    ) -> None:
        if problem.rows is None:
            raise NotInBlocks("there are no rows")
        self.program, self.rows = program, problem.rows
        self._moving = []
        begin = 0
        for name, shape in layout.shapes.items():
            end = begin + int(np.prod(shape, dtype=int))
            if name in program.symbols:
                self._moving.append((program.symbols[name], begin, end, shape))
            begin = end
        self.n, self._sizes = sizes[problem.rows], sizes
        shapes = {s.name: s.shape for s in problem.symbols}
        self._shape = {at: shapes[name] for name, at in program.symbols.items()}
        self._shape |= {i.dest: i.shape for i in program.instructions}
        self._exact = exponents(program)
        self._row_sizes = {at for name, at in program.sizes.items() if name == self.rows}
        self._start, self._columns = self._inputs(data, sizes)
        self._stages = self._split()

    def __call__(self, theta: FloatArray) -> FloatArray:
        """The value and the gradient (1 + p,)."""
        place = self._start.copy()
        for at, begin, end, shape in self._moving:
            place[at] = theta[begin:end].reshape(shape) if shape else theta[begin]
        with np.errstate(all="ignore"):
            for numbers, rows, reductions in self._stages:
                for dest, kernel, args in numbers:
                    place[dest] = kernel(*[place[a] for a in args])
                if reductions:
                    self._pass(place, rows, reductions)
        outputs = [np.ravel(place[at]) for at in self.program.outputs]
        return np.concatenate(outputs)

    def at_rows(self, rows: IntArray) -> None:
        """Batches are small: the NumPy function takes them."""

    def _pass(self, place: dict[int, Any], rows: list[Step], reductions: list[Any]) -> None:
        """One pass over the rows."""
        totals: dict[int, Any] = {}
        for begin in range(0, self.n, BLOCK):
            end = min(begin + BLOCK, self.n)
            local = place.copy()
            for at, column in self._columns.items():
                local[at] = np.asarray(column[begin:end])
            for at in self._row_sizes:
                local[-1 - at] = np.float64(end - begin)
            for dest, kernel, args in rows:
                local[dest] = kernel(*[local[a] for a in args])
            for i, (dest, kernel, args) in reductions:
                part = kernel(*[local[a] for a in args])
                if i.op in _SUMS:
                    zero = (np.zeros(np.shape(part)), np.zeros(np.shape(part)))
                    totals[dest] = _plus(totals.get(dest, zero), part)
                elif dest in totals:
                    totals[dest] = _JOIN[i.op](totals[dest], part)
                else:
                    totals[dest] = part
        for i, (dest, _, _) in reductions:
            total = _plus_done(totals[dest]) if i.op in _SUMS else totals[dest]
            place[dest] = total / self._mean_of(i) if i.op == "mean" else total

    def _mean_of(self, i: Instruction) -> float:
        """How many entries one mean is of."""
        shape = self._shape[i.args[0]]
        axes = range(len(shape)) if i.value[0] is None else [a % len(shape) for a in i.value[0]]
        return float(np.prod(resolve(tuple(shape[a] for a in axes), self._sizes, "a mean")))

    # -- cutting the program -------------------------------------------------------------------

    def _inputs(
        self, data: Mapping[str, Any], sizes: Mapping[str, int]
    ) -> tuple[dict[int, Any], dict[int, Any]]:
        start: dict[int, Any] = {at: np.float64(v) for at, v in self.program.numbers}
        columns: dict[int, Any] = {}
        for name, at in self.program.sizes.items():
            start[at] = np.float64(resolve((name,), sizes, "the formula")[0])
        for name, at in self.program.symbols.items():
            shape = self._shape[at]
            if self._has_rows(shape) and (name not in data or shape[0] != self.rows):
                raise NotInBlocks(f"{name} has the rows in its shape")
            if name in data:
                (columns if self._has_rows(shape) else start)[at] = data[name]
        return start, columns

    def _has_rows(self, shape: Shape) -> bool:
        """Whether the rows are an axis; shifted rows are refused."""
        named = [size for size in shape if isinstance(size, str)]
        if any(split_size(s)[0] == self.rows and s != self.rows for s in named):
            raise NotInBlocks("rows are shifted against each other")
        if named.count(self.rows) > 1:
            raise NotInBlocks("rows are paired with rows")
        return self.rows in named

    def _split(self) -> list[tuple[list[Step], list[Step], list[Any]]]:
        """For each stage: single numbers, row values that its reductions need, reductions."""
        stage: dict[int, int] = {}
        by_row: dict[int, Instruction] = {}
        numbers: dict[int, list[Step]] = {}
        reductions: dict[int, list[Instruction]] = {}
        for i in self.program.instructions:
            level = max((stage.get(a, 0) for a in i.args), default=0)
            inputs = any(self._has_rows(self._shape.get(a, ())) for a in i.args)
            if self._has_rows(i.shape):
                self._check_local(i)
                by_row[i.dest], stage[i.dest] = i, level
            elif inputs:
                self._check_reduction(i)
                reductions.setdefault(level, []).append(i)
                stage[i.dest] = level + 1
            else:
                numbers.setdefault(level, []).append(step(i, self._exact))
                stage[i.dest] = level
        if any(at in by_row or at in self._columns for at in self.program.outputs):
            raise NotInBlocks("a result has one entry for each row")
        last = max(stage.values(), default=0)
        return [
            (numbers.get(s, []), self._needed(reductions.get(s, []), by_row),
             [(i, self._reduction(i)) for i in reductions.get(s, [])])
            for s in range(last + 1)
        ]  # fmt: skip

    def _needed(self, reductions: list[Instruction], by_row: dict[int, Instruction]) -> list[Step]:
        wanted: set[int] = set()
        stack = [a for i in reductions for a in i.args]
        while stack:
            at = stack.pop()
            if at in by_row and at not in wanted:
                wanted.add(at)
                stack.extend(by_row[at].args)
        return [self._local(i) for at, i in by_row.items() if at in wanted]

    def _local(self, i: Instruction) -> Step:
        """A row instruction; a broadcast to the rows is to those of the block."""
        dest, kernel, args = step(i, self._exact)
        if i.op == "broadcast":
            args = (args[0], *(-1 - a if a in self._row_sizes else a for a in args[1:]))
        return dest, kernel, args

    def _reduction(self, i: Instruction) -> Step:
        if i.op != "mean":
            return step(i, self._exact)
        total = Instruction(i.dest, "sum", i.args, i.value, i.shape)
        return step(total, self._exact)

    def _check_local(self, i: Instruction) -> None:
        if i.op in _OTHER:
            raise NotInBlocks(f"{i.op} over rows")
        if i.op == "getitem":
            axis = self._shape[i.args[0]].index(self.rows)
            items = [item for item in i.value if item[0] != "new"]
            if axis < len(items) and items[axis] != ("slice", None, None, None):
                raise NotInBlocks("some of the rows are taken out")

    def _check_reduction(self, i: Instruction) -> None:
        if i.op not in _SUMS and i.op not in _JOIN:
            raise NotInBlocks(f"{i.op} over rows")
