"""Runners for formulas without rows of data: plain Python if small, by levels if large."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symgd.compile.interpret import interpreted, runs
from symgd.compile.levels import Levels, NotLevelled
from symgd.compile.program import Program
from symgd.compile.python import NotPlain, plain_function
from symgd.compile.sizes import resolve
from symgd.descend.objective import FloatArray, IntArray, Layout

SMALL = 600
"""Programs of more instructions are taken by levels, if that makes few calls of them."""


class _Flat:
    """A program of (symbols..., sizes...) as a function of theta, flat."""

    def __init__(
        self, program: Program, layout: Layout, data: Mapping[str, Any], sizes: Mapping[str, int]
    ) -> None:
        self._program = program
        names = list(program.symbols)
        counts = [np.float64(resolve((s,), sizes, "the formula")[0]) for s in program.sizes]
        self._arguments = [*(data.get(name) for name in names), *counts]
        self._moving = []
        place = 0
        for name, shape in layout.shapes.items():
            size = int(np.prod(shape, dtype=int))
            if name in program.symbols:
                self._moving.append((names.index(name), place, place + size, shape))
            place += size

    def at_rows(self, rows: IntArray, /) -> None:
        """The NumPy function takes batches."""

    def _given(self, theta: FloatArray) -> list[Any]:
        arguments = list(self._arguments)
        for place, begin, end, shape in self._moving:
            arguments[place] = theta[begin:end].reshape(shape) if shape else theta[begin]
        return arguments


class PlainRunner(_Flat):
    """Python source; NumPy where ``math`` raises instead of giving inf or nan."""

    def __init__(
        self, program: Program, layout: Layout, data: Mapping[str, Any], sizes: Mapping[str, int]
    ) -> None:
        super().__init__(program, layout, data, sizes)
        self._function = plain_function(program)
        self._other: Callable[..., tuple[Any, ...]] | None = None
        floats = [None if a is None else float(a) for a in self._arguments]
        moving = [place for place, *_ in self._moving]
        used = [begin for _, begin, _, _ in self._moving]
        self._direct = moving == list(range(len(floats))) and used == list(range(layout.size))
        self._floats = floats

    @property
    def direct(self) -> Callable[..., tuple[float, ...]] | None:
        """The function itself if it takes the components of theta and nothing else."""
        return self._function if self._direct else None

    def __call__(self, theta: FloatArray) -> FloatArray:
        if self._direct:
            values = theta.tolist()
        else:
            values = list(self._floats)
            for place, begin, _, _ in self._moving:
                values[place] = float(theta[begin])
        try:
            return np.array(self._function(*values), dtype=np.float64)
        except (ArithmeticError, ValueError):
            if self._other is None:
                self._other = interpreted(self._program)
            return np.array(self._other(*map(np.float64, values)), dtype=np.float64)


class LevelRunner(_Flat):
    """Many instructions, few calls."""

    def __init__(
        self, program: Program, layout: Layout, data: Mapping[str, Any], sizes: Mapping[str, int]
    ) -> None:
        super().__init__(program, layout, data, sizes)
        self.levels = Levels(program)
        self._inputs = np.array([0.0 if a is None else a for a in self._arguments])
        self._places = np.array([place for place, *_ in self._moving], dtype=np.intp)
        self._from = np.array([begin for _, begin, _, _ in self._moving], dtype=np.intp)

    def __call__(self, theta: FloatArray) -> FloatArray:
        inputs = self._inputs.copy()
        inputs[self._places] = theta[self._from]
        return self.levels(inputs)


class StepRunner(_Flat):
    """Instruction by instruction on arrays."""

    def __init__(
        self, program: Program, layout: Layout, data: Mapping[str, Any], sizes: Mapping[str, int]
    ) -> None:
        super().__init__(program, layout, data, sizes)
        self._function = interpreted(program)
        self._shapes = [(), *layout.shapes.values()]

    def __call__(self, theta: FloatArray) -> FloatArray:
        outputs = self._function(*self._given(theta))
        parts = [
            np.ravel(np.broadcast_to(part, shape))
            for part, shape in zip(outputs, self._shapes, strict=True)
        ]
        return np.concatenate(parts)


def scalar_runner(
    program: Program, layout: Layout, data: Mapping[str, Any], sizes: Mapping[str, int]
) -> tuple[LevelRunner | PlainRunner | StepRunner, str] | None:
    """The quickest start for a program without rows; None if there is none."""
    if program.operations > SMALL:
        try:
            by_levels = LevelRunner(program, layout, data, sizes)
        except NotLevelled:
            pass
        else:
            if len(by_levels.levels.groups) * 20 < program.operations:
                count = len(by_levels.levels.groups)
                return by_levels, f"numpy: {program.operations} operations in {count} calls"
    try:
        return PlainRunner(program, layout, data, sizes), "python source"
    except NotPlain:
        pass
    if not runs(program):
        return None
    return StepRunner(program, layout, data, sizes), "numpy, step by step"
