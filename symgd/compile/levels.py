"""Large scalar programs by levels: what can be computed at the same time is one NumPy call.

A written-out sum of a thousand terms of one form (the Rosenbrock function in 1,000 dimensions)
has 15,000 instructions but only a few dozen *levels*: instructions whose arguments are all
ready. Within a level, instructions of the same operation become one call on vectors, gathered
by index. Nothing is compiled, so the first gradient is there at once; the cost of a call grows
with the depth of the formula, not with its length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgd.compile.interpret import exponents, step
from symgd.compile.program import Instruction, Program
from symgd.descend.objective import FloatArray, IntArray


class NotLevelled(Exception):
    """The program is not made of single numbers only."""


@dataclass(frozen=True)
class _Group:
    """One call: the places it fills are ``begin:end``, its arguments stand in ``sources``."""

    begin: int
    end: int
    kernel: Callable[..., Any]
    sources: tuple[IntArray, ...]
    starts: IntArray | None = None


class Levels:
    """A program of single numbers as few calls on vectors.

    >>> from symgd.compile.program import linearize
    >>> from symgd.formula.problem import read
    >>> levels = Levels(linearize([read("(a - 1)^2 + (b - 2)^2 + (c - 3)^2").root]))
    >>> levels(np.array([3.0, 3.0, 3.0])), len(levels.groups)
    (array([5.]), 4)
    """

    def __init__(self, program: Program) -> None:
        if any(i.shape != () for i in program.instructions) or program.sizes:
            raise NotLevelled("it has arrays")
        self._exact = exponents(program)
        where: dict[int, int] = {}
        for at in program.symbols.values():
            where[at] = len(where)
        self._inputs = len(where)
        for at, _ in program.numbers:
            where[at] = len(where)
        constants = [value for _, value in program.numbers]
        self.groups = self._grouped(program, where)
        self._start = np.zeros(len(where))
        self._start[self._inputs : self._inputs + len(constants)] = constants
        self._outputs = np.array([where[at] for at in program.outputs], dtype=np.intp)

    def __call__(self, inputs: FloatArray) -> FloatArray:
        """All outputs for the values of the symbols, in the program's order."""
        value = self._start.copy()
        value[: self._inputs] = inputs
        with np.errstate(all="ignore"):
            for group in self.groups:
                gathered = [value[source] for source in group.sources]
                if group.starts is not None:
                    value[group.begin : group.end] = np.add.reduceat(gathered[0], group.starts)
                else:
                    value[group.begin : group.end] = group.kernel(*gathered)
        return value[self._outputs]

    def _grouped(self, program: Program, where: dict[int, int]) -> list[_Group]:
        level: dict[int, int] = {}
        buckets: dict[Any, list[Instruction]] = {}
        for i in program.instructions:
            mine = 1 + max([level.get(a, 0) for a in i.args])
            level[i.dest] = mine
            buckets.setdefault((mine, *self._kind(i)), []).append(i)
        groups = []
        for key, members in sorted(buckets.items(), key=lambda item: item[0][0]):
            begin = len(where)
            for i in members:
                where[i.dest] = len(where)
            groups.append(self._group(key[1], members, where, begin))
        return groups

    def _kind(self, i: Instruction) -> tuple[Any, ...]:
        """Instructions of one kind are one call."""
        if i.op == "add" and len(i.args) > 2:
            return "sum", None, 0
        if i.op == "pow" and i.args[1] in self._exact:
            return "pow", self._exact[i.args[1]], 2
        return i.op, i.value, len(i.args)

    def _group(
        self, op: str, members: list[Instruction], where: dict[int, int], begin: int
    ) -> _Group:
        if op == "sum":
            flat = np.array([where[a] for i in members for a in i.args], dtype=np.intp)
            counts = [len(i.args) for i in members]
            starts = np.cumsum([0, *counts[:-1]])
            return _Group(begin, begin + len(members), np.add, (flat,), starts)
        _, kernel, args = step(members[0], self._exact)
        sources = tuple(
            np.array([where[i.args[k]] for i in members], dtype=np.intp) for k in range(len(args))
        )
        return _Group(begin, begin + len(members), kernel, sources)
