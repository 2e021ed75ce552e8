"""Totals over rows: a program cut at its sums, so that blocks can be worked on anywhere.

A program over rows is a few *stages*: single numbers, then sums over the rows that need them,
then the next numbers, ... A *state* is one array that says all about the stages that are done.
:meth:`Totals.partial` gives what a block adds to the sums of a stage, as pairs (high, low), and
:meth:`Totals.join` takes all of them, in the order of the rows, on to the next state. The same
machine code as for data in memory does the work, in the same parts of rows, so that the results
are the same bits (NumPy does it where that cannot be).
"""

from __future__ import annotations

import ctypes
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any, Protocol

import numpy as np

from symgd.compile.blocks import BlockRunner, NotInBlocks
from symgd.compile.native.engine import Loaded
from symgd.compile.native.kernel import Columns, NativeProgram, native_program
from symgd.compile.native.module import PART
from symgd.compile.native.spread import NotNative
from symgd.data.columns import FloatArray
from symgd.errors import UnsupportedError
from symgd.formula.problem import Symbol
from symgd.scale.parts import Block, length_of
from symgd.scale.spec import BUILDING, ROWS, Formula, Spec, formula

Merge = tuple[str, ...]


class Totals(Protocol):
    """A program over rows in stages."""

    @property
    def stages(self) -> int:
        """How many passes over the rows there are."""
        ...

    @property
    def words(self) -> str:
        """What computes, in words."""
        ...

    def kinds(self, stage: int) -> Merge:
        """How each number of a stage is joined: "sum", "max", "min", "prod", "norm", "logsum"."""
        ...

    def enter(self, inputs: FloatArray, rows: float) -> FloatArray:
        """The state before the first pass, for the inputs and the number of all rows."""
        ...

    def partial(self, stage: int, state: FloatArray, block: Block) -> FloatArray:
        """What a block adds, (parts, numbers, 2)."""
        ...

    def join(self, stage: int, state: FloatArray, parts: FloatArray) -> FloatArray:
        """The state after the pass, from the parts of all blocks in order."""
        ...

    def outputs(self, state: FloatArray) -> FloatArray:
        """All results of the program, flat, from the last state."""
        ...


def merged(parts: FloatArray, kinds: Merge) -> FloatArray:
    """Parts (m, numbers, 2) joined into one, (1, numbers, 2), in their order."""
    total = parts[0].copy()
    sums = np.array([kind == "sum" for kind in kinds], dtype=bool)
    for part in parts[1:]:
        high, low = total[:, 0], total[:, 1]
        new = high + part[:, 0]
        back = new - high
        low = low + part[:, 1] + ((high - (new - back)) + (part[:, 0] - back))
        for index, kind in enumerate(kinds):
            if kind != "sum":
                new[index] = _JOIN[kind](high[index], part[index, 0])
        total = np.stack([new, np.where(sums, low, 0.0)], axis=1)
    found: FloatArray = total[None]
    return found


_JOIN: dict[str, Any] = {
    "max": np.maximum, "min": np.minimum, "prod": np.multiply, "norm": np.hypot,
    "logsum": np.logaddexp,
}  # fmt: skip


class NativeTotals:
    """Compiled by LLVM: the functions of :mod:`symgd.compile.native.module`, stage by stage."""

    def __init__(self, made: Formula, kind: str) -> None:
        inputs = made.inputs(kind)
        shapes = {**inputs, **made.column_shapes}
        sizes = dict.fromkeys((ROWS,), 0)
        self.native: NativeProgram = native_program(made.program(kind), shapes, sizes, ROWS)
        self._size = sum(int(np.prod(shape, dtype=int)) for shape in inputs.values())
        self.stages = len(self.native.plan.passes)
        self.words = f"native: {self.native.describe()}"

    @cached_property
    def _loaded(self) -> Loaded:
        return self.native.in_order

    def kinds(self, stage: int) -> Merge:
        """How each number of a stage is joined."""
        names = {"rsum": "sum", "rmax": "max", "rmin": "min", "rprod": "prod"}
        return tuple(names[cell.op] for cell in self.native.plan.passes[stage].reductions)

    def enter(self, inputs: FloatArray, rows: float) -> FloatArray:
        """The state before the first pass: the workspace of the machine code."""
        state = np.zeros(self.native.plan.size)
        state[0] = rows
        state[1 : 1 + self._size] = inputs
        self._call("numbers_0", "p", state.ctypes.data)
        return state

    def partial(self, stage: int, state: FloatArray, block: Block) -> FloatArray:
        """What a block adds, (parts, numbers, 2)."""
        n = length_of(block)
        count = -(-n // PART)
        columns = Columns(self.native, block)
        parts = np.empty((count, len(self.native.plan.passes[stage].reductions), 2))
        own = state.copy()
        self._call(
            f"span_{stage}", "ppplllp", own.ctypes.data, columns.address, 0, n, 0, count,
            parts.ctypes.data,
        )  # fmt: skip
        return parts

    def join(self, stage: int, state: FloatArray, parts: FloatArray) -> FloatArray:
        """The state after the pass."""
        found, every = state.copy(), np.ascontiguousarray(parts)
        self._call(f"join_{stage}", "ppl", found.ctypes.data, every.ctypes.data, len(every))
        self._call(f"numbers_{stage + 1}", "p", found.ctypes.data)
        return found

    def outputs(self, state: FloatArray) -> FloatArray:
        """All results, flat."""
        first = self.native.plan.first_output
        return state[first : self.native.plan.size].copy()

    def _call(self, name: str, kinds: str, *arguments: int) -> None:
        _native(self._loaded.addresses[name], kinds)(*arguments)


@lru_cache(maxsize=512)
def _native(address: int, kinds: str) -> Any:
    """A compiled function; ``p`` is an address, ``l`` a whole number."""
    types = {"p": ctypes.c_void_p, "l": ctypes.c_int64}
    return ctypes.CFUNCTYPE(None, *[types[k] for k in kinds])(address)


_KINDS = {"amax": "max", "amin": "min", "prod": "prod", "norm": "norm", "logsumexp": "logsum"}


class NumpyTotals(BlockRunner):
    """NumPy, for formulas that cannot be compiled; the state holds the inputs and all sums."""

    def __init__(self, made: Formula, kind: str) -> None:
        program = made.program(kind)
        problem = made.partials.problem
        data = dict.fromkeys(made.column_shapes)
        self._given = made.inputs(kind)
        if any(name not in data and name not in self._given for name in program.symbols):
            raise NotInBlocks("it needs values that are neither columns nor parameters")
        self._known_shapes = {**made.column_shapes, **self._given}
        symbols = tuple(Symbol(n, "data", s) for n, s in self._known_shapes.items())
        shaped = replace(problem, symbols=symbols)
        super().__init__(program, shaped, made.layout, data, {ROWS: 1})
        self.stages = len(self._stages) - 1
        self.words = "numpy"

    def kinds(self, stage: int) -> Merge:
        """How each number of a stage is joined."""
        found: list[str] = []
        for i, _ in self._stages[stage][2]:
            count = int(np.prod(self._total_shape(i.shape), dtype=int))
            found += [_KINDS.get(i.op, "sum")] * count
        return tuple(found)

    def enter(self, inputs: FloatArray, rows: float) -> FloatArray:
        """The state before the first pass: the number of rows and the inputs."""
        return np.concatenate([[rows], inputs])

    def partial(self, stage: int, state: FloatArray, block: Block) -> FloatArray:
        """What a block adds, (1, numbers, 2)."""
        place = self._place(state, stage)
        for at, name in self._named.items():
            place[at] = block[name]
        for at in self._row_sizes:
            place[-1 - at] = np.float64(length_of(block))
        _, rows, reductions = self._stages[stage]
        found = []
        with np.errstate(all="ignore"):
            for dest, kernel, args in rows:
                place[dest] = kernel(*[place[a] for a in args])
            for _, (_, kernel, args) in reductions:
                found.append(np.ravel(kernel(*[place[a] for a in args])))
        flat = np.concatenate(found) if found else np.empty(0)
        return np.stack([flat, np.zeros(flat.shape)], axis=1)[None]

    def join(self, stage: int, state: FloatArray, parts: FloatArray) -> FloatArray:
        """The state after the pass: the sums are put behind it."""
        whole = merged(parts, self.kinds(stage))[0]
        low = np.where(np.isfinite(whole[:, 1]), whole[:, 1], 0.0)
        return np.concatenate([state, whole[:, 0] + low])

    def outputs(self, state: FloatArray) -> FloatArray:
        """All results, flat."""
        place = self._place(state, self.stages)
        return np.concatenate([np.ravel(place[at]) for at in self.program.outputs])

    # -- the state as places of the program ---------------------------------------------------

    @cached_property
    def _named(self) -> dict[int, str]:
        return {at: name for name, at in self.program.symbols.items() if at in self._columns}

    def _place(self, state: FloatArray, stage: int) -> dict[int, Any]:
        """The values of all numbers before the pass of ``stage``."""
        place = self._start.copy()
        for at in self._row_sizes:
            place[at] = np.float64(state[0])
        begin = 1
        for name, shape in self._given.items():
            begin = self._put(place, self.program.symbols.get(name, -1), shape, state, begin)
        with np.errstate(all="ignore"):
            for index in range(stage + 1):
                for dest, kernel, args in self._stages[index][0]:
                    place[dest] = kernel(*[place[a] for a in args])
                if index < stage:
                    begin = self._totals(place, index, state, begin)
        return place

    def _totals(self, place: dict[int, Any], stage: int, state: FloatArray, begin: int) -> int:
        for i, (dest, _, _) in self._stages[stage][2]:
            begin = self._put(place, dest, self._total_shape(i.shape), state, begin)
            if i.op == "mean":
                place[dest] = place[dest] / (self._mean_of(i) * state[0])
        return begin

    @staticmethod
    def _put(place: dict[int, Any], at: int, shape: Any, state: FloatArray, begin: int) -> int:
        size = int(np.prod(shape, dtype=int))
        part = state[begin : begin + size]
        place[at] = part.reshape(shape) if shape else np.float64(part[0])
        return begin + size

    @staticmethod
    def _total_shape(shape: Any) -> tuple[int, ...]:
        return tuple(int(size) for size in shape)


def totals(spec: Spec, kind: str, backend: str = "auto") -> Totals:
    """The totals of a program of ``spec``, made once in a process.

    Raises :class:`~symgd.errors.UnsupportedError` for a formula that does not add up over rows.
    """
    with BUILDING:
        return _totals(spec, kind, backend)


@lru_cache(maxsize=64)
def _totals(spec: Spec, kind: str, backend: str) -> Totals:
    made = formula(spec)
    try:
        if backend != "numpy":
            return NativeTotals(made, kind)
    except NotNative:
        pass
    try:
        return NumpyTotals(made, kind)
    except NotInBlocks as reason:
        raise UnsupportedError(
            f"this loss cannot be computed block by block: {reason}; fit a sample that fits into "
            "memory, or write the loss as sums over the rows"
        ) from None
