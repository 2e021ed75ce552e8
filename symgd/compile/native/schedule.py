"""The order of work: numbers, a pass over the rows, numbers, the next pass, ... results.

A :class:`Schedule` says which cells each part computes and where the numbers that cross from
one part to another live in the *workspace*, one array of doubles: the inputs (the number of
rows first), the results of reductions, numbers that are used later, and the outputs.
"""

from __future__ import annotations

from dataclasses import dataclass

from symgd.compile.native.cells import REDUCTIONS, Cell, ordered
from symgd.compile.native.lower import Lowered

CHUNK = 300
"""Numbers in one function: what LLVM compiles in a time that does not grow with the program."""


@dataclass(frozen=True)
class Pass:
    """One pass over the rows: its reductions, and all row cells that they need, in order."""

    reductions: tuple[Cell, ...]
    order: tuple[Cell, ...]
    shared: tuple[Cell, ...]

    @property
    def cost(self) -> int:
        """About how many vector instructions one row costs."""
        return sum(cell.cost for cell in self.order) + len(self.reductions)


@dataclass(frozen=True)
class Schedule:
    """The parts in order: ``numbers[s]``, then ``passes[s]``, for s = 0, 1, ...

    ``numbers`` are chunks of single numbers; there is one group more than passes.
    """

    numbers: tuple[tuple[tuple[Cell, ...], ...], ...]
    passes: tuple[Pass, ...]
    slots: dict[int, int]
    outputs: tuple[Cell, ...]
    first_output: int
    size: int


def schedule(lowered: Lowered) -> Schedule:
    """The order of work of a program in cells."""
    outputs = tuple(cell for group in lowered.outputs for cell in group)
    order = ordered(list(outputs))
    reductions = [cell for cell in order if cell.op in REDUCTIONS]
    last = max((cell.stage for cell in order), default=0)
    passes = tuple(
        _pass(tuple(r for r in reductions if r.stage == stage + 1)) for stage in range(last)
    )
    single = [c for c in order if not c.row and c.args and c.op not in REDUCTIONS]
    groups = tuple(
        _chunks([cell for cell in single if cell.stage == stage]) for stage in range(last + 1)
    )
    slots = {lowered.cells.n.serial: 0}
    for cell in order:
        if cell.op == "input":
            slots[cell.serial] = int(cell.value)
    place = lowered.cells.inputs
    for cell in [*reductions, *_crossing(groups, passes, outputs)]:
        slots[cell.serial] = place
        place += 1
    return Schedule(groups, passes, slots, outputs, place, place + len(outputs))


def _pass(reductions: tuple[Cell, ...]) -> Pass:
    """The row cells below the reductions, not looking below single numbers."""
    order: list[Cell] = []
    shared: list[Cell] = []
    seen: set[int] = set()
    stack = [(r.args[0], False) for r in reversed(reductions)]
    while stack:
        cell, done = stack.pop()
        if done:
            order.append(cell)
            continue
        if cell.serial in seen:
            continue
        seen.add(cell.serial)
        if not cell.row:
            shared.append(cell)
            continue
        stack.append((cell, True))
        stack.extend((a, False) for a in reversed(cell.args) if a.serial not in seen)
    return Pass(reductions, tuple(order), tuple(shared))


def _chunks(cells: list[Cell]) -> tuple[tuple[Cell, ...], ...]:
    return tuple(tuple(cells[k : k + CHUNK]) for k in range(0, len(cells), CHUNK))


def _crossing(
    groups: tuple[tuple[tuple[Cell, ...], ...], ...],
    passes: tuple[Pass, ...],
    outputs: tuple[Cell, ...],
) -> list[Cell]:
    """The numbers that are used outside the chunk that computes them."""
    home = {
        cell.serial: (stage, k)
        for stage, group in enumerate(groups)
        for k, chunk in enumerate(group)
        for cell in chunk
    }
    found: dict[int, Cell] = {}
    for stage, group in enumerate(groups):
        for k, chunk in enumerate(group):
            for cell in chunk:
                for a in cell.args:
                    if a.serial in home and home[a.serial] != (stage, k):
                        found[a.serial] = a
    for one in passes:
        found |= {c.serial: c for c in one.shared if c.serial in home}
    found |= {c.serial: c for c in outputs if c.serial in home}
    return list(found.values())
