"""The graph as a straight line of assignments: what every compiler starts from.

A :class:`Program` computes its outputs from its inputs by one instruction for
each node, shared nodes once. Inputs are symbols and sizes; numbers are exact and
become floats in the compiler.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from symgd.compile.sizes import split_size
from symgd.derive.rewrite import compensated
from symgd.formula.graph import Node, topological
from symgd.formula.shapes import Shape


@dataclass(frozen=True, slots=True)
class Instruction:
    """``place[dest] = op(place[args...])``."""

    dest: int
    op: str
    args: tuple[int, ...]
    value: Any
    shape: Shape


@dataclass(frozen=True)
class Program:
    """Assignments in order; places are numbered from 0.

    ``symbols`` and ``sizes`` map input names to their places, ``exact`` are the
    constants (place, node), ``outputs`` the places of the results.
    """

    instructions: tuple[Instruction, ...]
    symbols: dict[str, int]
    sizes: dict[str, int]
    exact: tuple[tuple[int, Node], ...]
    outputs: tuple[int, ...]

    @property
    def numbers(self) -> tuple[tuple[int, float], ...]:
        """The constants as floats: (place, value)."""
        return tuple(
            (place, _CONSTANTS[n.value] if n.op == "const" else float(n.value))
            for place, n in self.exact
        )

    @property
    def operations(self) -> int:
        """How many assignments there are."""
        return len(self.instructions)


_CONSTANTS = {"pi": 3.141592653589793, "e": 2.718281828459045}


def linearize(outputs: Sequence[Node]) -> Program:
    """The program that computes ``outputs``."""
    roots = compensated(list(outputs))
    place: dict[Node, int] = {}
    instructions: list[Instruction] = []
    symbols: dict[str, int] = {}
    sizes: dict[str, int] = {}
    exact: list[tuple[int, Node]] = []
    for node in topological(*roots):
        if node in place:
            continue
        if node.op in ("broadcast", "scatter"):
            value, needed = _shape_slots(node)
            args = tuple(place[a] for a in node.args)
            args += tuple(_size_place(name, place, sizes, node) for name in needed)
            here = place[node] = len(place)
            instructions.append(Instruction(here, node.op, args, value, node.shape))
            continue
        here = place[node] = len(place)
        if node.op == "sym":
            symbols[node.value] = here
        elif node.op == "dim":
            sizes[node.value] = here
        elif node.op in ("num", "const"):
            exact.append((here, node))
        else:
            args = tuple(place[a] for a in node.args)
            instructions.append(Instruction(here, node.op, args, node.value, node.shape))
    return Program(
        tuple(instructions), symbols, sizes, tuple(exact), tuple(place[r] for r in roots)
    )


def _shape_slots(node: Node) -> tuple[Any, list[str]]:
    """The value of a broadcast or scatter with named sizes as (slot, offset) pairs."""
    needed: list[str] = []
    slots: list[Any] = []
    for size in node.shape:
        if isinstance(size, int):
            slots.append(size)
            continue
        base, offset = split_size(size)
        if base not in needed:
            needed.append(base)
        slots.append((needed.index(base), offset))
    shape = tuple(slots)
    return (shape if node.op == "broadcast" else (shape, node.value[1])), needed


def _size_place(name: str, place: dict[Node, int], sizes: dict[str, int], node: Node) -> int:
    """The place of a named size, made an input if it is not one yet."""
    size = node.graph.size(name)
    if size not in place:
        place[size] = sizes[name] = len(place)
    return place[size]
