"""A program bound to its columns on a device: what the descent calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from symgd.compile.interpret import exponents
from symgd.compile.program import Instruction, Program
from symgd.compile.runtimes.operations import Library, is_known, kernel, powers
from symgd.compile.sizes import resolve
from symgd.descend.objective import FloatArray, IntArray, Layout
from symgd.errors import UnsupportedError
from symgd.formula.problem import Problem

Array = Any
Flat = Callable[[Array, dict[str, Array]], Array]


class Device(Protocol):
    """An array library on one of its devices, in one type."""

    library: Library
    words: str

    def put(self, value: Any) -> Array:
        """Numbers as an array of the device's type on the device."""
        ...

    def take(self, column: Array, rows: IntArray) -> Array:
        """Some rows of a column."""
        ...

    def ready(self, function: Flat) -> Flat:
        """The function, compiled if the library can."""
        ...

    def call(self, function: Flat, theta: FloatArray, columns: dict[str, Array]) -> FloatArray:
        """The function's result as a fresh NumPy array of float64."""
        ...

    def flat(self, parts: list[tuple[Array, tuple[int, ...]]]) -> Array:
        """The parts, each broadcast to its shape, one after the other."""
        ...


@dataclass(frozen=True, eq=False)
class Place:
    """A program on a device; functions are made once for each set of sizes."""

    program: Program
    problem: Problem
    layout: Layout
    device: Device
    made: dict[tuple[tuple[str, int], ...], Flat] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for i in self.program.instructions:
            if not is_known(self.device.library, i.op):
                raise UnsupportedError(f"{i.op} is not written for {self.device.words}")

    def columns(self, data: Mapping[str, Any]) -> dict[str, Array]:
        """The columns that the program uses, on the device."""
        return {
            name: self.device.put(data[name])
            for name in self.program.symbols
            if name not in self.layout.shapes
        }

    def function(self, sizes: Mapping[str, int]) -> Flat:
        """``function(theta, columns)``: the value and the gradient (1 + p,), on the device."""
        key = tuple(sorted(sizes.items()))
        if key not in self.made:
            self.made[key] = self.device.ready(self._walk(dict(sizes)))
        return self.made[key]

    def _walk(self, sizes: dict[str, int]) -> Flat:
        """The program instruction by instruction."""
        program, device = self.program, self.device
        counts = {at: resolve((n,), sizes, "the formula")[0] for n, at in program.sizes.items()}
        exact = exponents(program)
        steps = [(i.dest, *self._step(i, exact, counts)) for i in program.instructions]
        shapes = [(), *self.layout.shapes.values()]

        def walk(theta: Array, columns: dict[str, Array]) -> Array:
            place: dict[int, Array] = {at: device.put(value) for at, value in program.numbers}
            place |= {at: device.put(float(count)) for at, count in counts.items()}
            values = {**columns, **self._parts(theta)}
            place |= {at: values[name] for name, at in program.symbols.items()}
            for dest, function, args in steps:
                place[dest] = function(*[place[a] for a in args])
            outputs = [place[at] for at in program.outputs]
            return device.flat(list(zip(outputs, shapes, strict=True)))

        return walk

    def _parts(self, theta: Array) -> dict[str, Array]:
        """theta (p,) as the named parameters."""
        parts, begin = {}, 0
        for name, shape in self.layout.shapes.items():
            end = begin + int(np.prod(shape, dtype=int))
            parts[name] = theta[begin:end].reshape(shape)
            begin = end
        return parts

    def _step(
        self, i: Instruction, exact: Mapping[int, Any], counts: Mapping[int, int]
    ) -> tuple[Callable[..., Array], tuple[int, ...]]:
        """One instruction as a function and the places of its arguments."""
        if i.op == "pow":
            power = powers(exact.get(i.args[1]))
            if power is not None:
                return power, i.args[:1]
        shape: tuple[int, ...] = ()
        args = i.args
        if i.op in ("broadcast", "scatter"):
            slots = i.value if i.op == "broadcast" else i.value[0]
            given = [counts[a] for a in i.args[1:]]
            shape = tuple(s if isinstance(s, int) else given[s[0]] + s[1] for s in slots)
            args = i.args[:1]
        return kernel(self.device.library, i.op, i.value, shape), args


@dataclass(frozen=True, eq=False)
class RuntimeRunner:
    """A loss and its gradient as one flat vector, computed on the device."""

    place: Place
    data: dict[str, Array]
    sizes: dict[str, int]

    def __call__(self, theta: FloatArray, /) -> FloatArray:
        """The value and the gradient (1 + p,)."""
        return self.place.device.call(self.place.function(self.sizes), theta, self.data)

    def at_rows(self, rows: IntArray, /) -> RuntimeRunner:
        """The same over the given rows only, taken on the device."""
        own = str(self.place.problem.rows)
        shapes = {s.name: s.shape for s in self.place.problem.symbols}
        take = self.place.device.take
        taken = {
            name: take(column, rows) if shapes[name][:1] == (own,) else column
            for name, column in self.data.items()
        }
        return RuntimeRunner(self.place, taken, {**self.sizes, own: len(rows)})


__all__ = ["Device", "Place", "RuntimeRunner"]
