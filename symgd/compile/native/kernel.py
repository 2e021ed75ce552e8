"""Machine code as a callable: a program compiled for its sizes, and bound to columns of data.

A call copies theta into the workspace, runs the compiled function and copies the results out:
about 2 microseconds beside the work itself. Large data are split over threads (the compiled
code runs without Python's lock); the result does not depend on how many there are.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from symgd.compile.native.code import Module
from symgd.compile.native.engine import Loaded, has_symbol, host, load
from symgd.compile.native.lower import Lowered, lower
from symgd.compile.native.module import PART, module_text
from symgd.compile.native.operations import LIBRARY
from symgd.compile.native.request import Request
from symgd.compile.native.schedule import Schedule, schedule
from symgd.compile.native.spread import NotNative
from symgd.compile.native.steps import add_descent, add_descent_by_row
from symgd.compile.program import Program
from symgd.formula.shapes import Shape

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_SLOW_CODE = 20_000
"""With more cells than this, LLVM's optimiser takes longer than it gives back."""
_WORTH_THREADS = 8_000_000
"""Rows times cost from which a pass is split over threads (about half a millisecond)."""

_Call = Callable[..., None]
_LARGEST_COPY = 1 << 31
"""Matrices of more bytes are not copied into columns."""
_SHORT = 100_000
"""Rows times cost below which a call is over before another thread could use the lock."""


class Space(NamedTuple):
    """A workspace for one call at a time: its values, the partial sums, and where they are.

    ``frame`` holds the five arguments of ``run``, ``address`` is where it is; ``inputs`` and
    ``outputs`` are parts of ``values``.
    """

    values: FloatArray
    parts: FloatArray
    frame: NDArray[np.uintp]
    address: int
    inputs: FloatArray
    outputs: FloatArray


@dataclass(frozen=True)
class NativeProgram:
    """A program compiled for given small sizes and any number of rows."""

    lowered: Lowered
    plan: Schedule

    @property
    def cost(self) -> int:
        """About how many vector instructions one row takes, all passes together."""
        return sum(one.cost for one in self.plan.passes)

    def describe(self) -> str:
        """What runs, in words."""
        count = len(self.plan.passes)
        if not count:
            return "one compiled function"
        passes = "one pass" if count == 1 else f"{count} passes"
        return f"{passes} over the rows, {host().lanes} at once"

    def text(self, gather: bool = False, extra: Callable[[Module], None] | None = None) -> str:
        """The LLVM IR."""
        return module_text(self.plan, host().lanes, gather, extra)

    def _load(self, gather: bool) -> Loaded:
        count = len(self.plan.passes)
        names = ["enter", f"numbers_{count}"]
        for stage in range(count):
            names += [f"numbers_{stage}", f"span_{stage}", f"join_{stage}"]
        return load(self.text(gather), tuple(names), self._opt)

    def stepping(self, kind: str, size: int) -> Loaded:
        """The code of the descent for ``size`` parameters (:mod:`symgd.compile.native.steps`).

        ``kind`` is ``"all"`` rows, batches ``"cut"`` out of an index, or ``"one"`` row a step.
        """
        known = self._stepping.get((kind, size))
        if known is None:
            add = add_descent_by_row if kind == "one" else add_descent
            text = self.text(kind != "all", lambda module: add(module, self.plan, size))
            name = "descend_one" if kind == "one" else "descend"
            known = self._stepping[kind, size] = load(text, (name,), self._opt)
        return known

    @cached_property
    def _stepping(self) -> dict[tuple[str, int], Loaded]:
        return {}

    @property
    def _opt(self) -> int:
        return 2 if len(self.lowered.cells) < _SLOW_CODE else 0

    @cached_property
    def in_order(self) -> Loaded:
        """The code for rows one after the other."""
        return self._load(gather=False)

    @cached_property
    def by_index(self) -> Loaded:
        """The code for rows given by their numbers."""
        return self._load(gather=True)


def native_program(
    program: Program, shapes: Mapping[str, Shape], sizes: Mapping[str, int], rows: str | None
) -> NativeProgram:
    """The native form of a program. Raises :class:`NotNative` with the reason if there is none.

    ``shapes`` are the symbolic shapes of the inputs, those of the parameters first, in the
    order of theta; ``rows`` is the size that stays open. The last few small programs stay in
    memory, with their code: the same formula again is not lowered again.
    """
    request = Request(program, shapes, sizes, rows)
    return _native(request) if request.key is None else _kept(request)


@lru_cache(maxsize=64)
def _kept(request: Request) -> NativeProgram:
    return _native(request)


def _native(request: Request) -> NativeProgram:
    host()
    lowered = lower(request.program, request.shapes, request.sizes, request.rows)
    for op in lowered.cells.operations() & set(LIBRARY):
        if not has_symbol(LIBRARY[op]):
            raise NotNative(f"the C library has no {LIBRARY[op]}")
    return NativeProgram(lowered, schedule(lowered))


class Columns:
    """The columns of a program in memory: contiguous, with their addresses."""

    def __init__(self, native: NativeProgram, data: Mapping[str, Any]) -> None:
        self._kept: list[FloatArray] = []
        addresses = []
        whole: dict[str, FloatArray] = {}
        for name, entry in native.lowered.columns:
            if name not in whole:
                array = np.asarray(data[name], dtype=np.float64)
                if array.ndim > 1 and array.nbytes > _LARGEST_COPY:
                    raise NotNative(f"{name} is too large to be copied column by column")
                # the rows last, so that each column is contiguous
                whole[name] = np.ascontiguousarray(np.moveaxis(array, 0, -1))
            column = whole[name][entry]
            self._kept.append(column)
            addresses.append(column.ctypes.data)
        self._table = np.array([*addresses, 0], dtype=np.uintp)
        self.address = int(self._table.ctypes.data)


class Kernel:
    """A native program bound to columns of data: ``kernel(theta)`` gives all outputs, flat.

    ``rows`` are the numbers of the rows that are taken, or None for all ``n`` rows; ``threaded``
    says that a pass is split over threads.
    """

    def __init__(
        self,
        native: NativeProgram,
        columns: Columns,
        fixed: Mapping[str, Any],
        n: int,
        rows: IntArray | None = None,
    ) -> None:
        self.native, self.columns, self.fixed, self.n = native, columns, fixed, n
        plan = native.plan
        self.rows = None if rows is None else np.ascontiguousarray(rows, dtype=np.int64)
        self._index = 0 if self.rows is None else int(self.rows.ctypes.data)
        self._parts = -(-n // PART)
        widest = max((2 * len(one.reductions) for one in plan.passes), default=0)
        self._part_size = max(1, widest * self._parts)
        self._outputs = slice(plan.first_output, plan.size)
        self._spares: list[Space] = []
        self.threaded = n * native.cost >= _WORTH_THREADS and threads() > 1

    @cached_property
    def _loaded(self) -> Loaded:
        return self.native.in_order if self.rows is None else self.native.by_index

    @cached_property
    def _enter(self) -> _Call:
        """The compiled function; a short one keeps Python's lock, which is quicker."""
        address = self._loaded.addresses["enter"]
        short = self.n * self.native.cost < _SHORT
        kind = ctypes.PYFUNCTYPE if short else ctypes.CFUNCTYPE
        return kind(None, ctypes.c_void_p)(address)

    def space(self, rows: int = 0) -> Space:
        """A new workspace for passes over all rows, or over ``rows`` rows if they are more."""
        plan, size = self.native.plan, self._part_size * (1 + rows // PART)
        values, parts = np.zeros(plan.size), np.empty(size)
        for place, (name, entry) in enumerate(self.native.lowered.inputs, 1):
            if name in self.fixed:
                values[place] = np.asarray(self.fixed[name])[entry]
        frame = np.array(
            [values.ctypes.data, self.columns.address, self._index, self.n, parts.ctypes.data],
            dtype=np.uintp,
        )
        return Space(
            values, parts, frame, int(frame.ctypes.data), values[1:], values[self._outputs]
        )

    def at_rows(self, rows: IntArray) -> Kernel:
        """The same program over the given rows."""
        return Kernel(self.native, self.columns, self.fixed, len(rows), rows)

    def __call__(self, theta: FloatArray) -> FloatArray:
        """All outputs of the program, one after the other, as a fresh array."""
        try:
            space = self._spares.pop()
        except IndexError:
            space = self.space()
        space.inputs[: len(theta)] = theta
        if self.threaded:
            self._run_threaded(space)
        else:
            self._enter(space.address)
        result = space.outputs.copy()
        self._spares.append(space)
        return result

    def _run_threaded(self, whole: Space) -> None:
        loaded, columns, index, n = self._loaded, self.columns.address, self._index, self.n
        space, parts = int(whole.frame[0]), int(whole.frame[4])
        count = min(threads(), self._parts)
        cuts = [self._parts * k // count for k in range(count + 1)]
        whole.values[0] = n
        for stage in range(len(self.native.plan.passes)):
            _function(loaded.addresses[f"numbers_{stage}"], "p")(space)
            span = _function(loaded.addresses[f"span_{stage}"], "ppplllp")
            waiting = [
                _pool().submit(span, space, columns, index, n, first, last, parts)
                for first, last in pairwise(cuts[1:])
            ]
            span(space, columns, index, n, cuts[0], cuts[1], parts)
            for task in waiting:
                task.result()
            _function(loaded.addresses[f"join_{stage}"], "ppl")(space, parts, self._parts)
        _function(loaded.addresses[f"numbers_{len(self.native.plan.passes)}"], "p")(space)


@cache
def _function(address: int, kinds: str) -> _Call:
    """A compiled function; ``p`` is an address, ``l`` a whole number."""
    types = {"p": ctypes.c_void_p, "l": ctypes.c_int64}
    return ctypes.CFUNCTYPE(None, *[types[k] for k in kinds])(address)


@cache
def threads() -> int:
    """How many threads a large pass may use.

    ``SYMGD_THREADS`` or else ``OMP_NUM_THREADS``, or else the processors this process may run on.
    """
    for name in ("SYMGD_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(name, "").isdecimal():
            return max(1, int(os.environ[name]))
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


_POOLS: dict[int, ThreadPoolExecutor] = {}


def _pool() -> ThreadPoolExecutor:
    """The threads of this process; a forked child makes its own."""
    pool = _POOLS.get(os.getpid())
    if pool is None:
        pool = _POOLS[os.getpid()] = ThreadPoolExecutor(threads(), thread_name_prefix="symgd")
    return pool
