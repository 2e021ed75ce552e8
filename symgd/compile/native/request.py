"""What a native program is made from, comparable: the same request gives the same code.

>>> from symgd.compile.program import linearize
>>> from symgd.formula.problem import read
>>> first, second = (linearize([read("a^2 + 1").root]) for _ in range(2))
>>> Request(first, {"a": ()}, {}, None) == Request(second, {"a": ()}, {}, None)
True
>>> other = linearize([read("a^2 + 2").root])
>>> Request(first, {"a": ()}, {}, None) == Request(other, {"a": ()}, {}, None)
False
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from symgd.compile.program import Program
from symgd.formula.shapes import Shape

_LARGE = 400
"""Instructions from which comparing costs more than the code is worth in memory."""
_PLAIN = (type(None), bool, int, str)


class Request:
    """A program, the shapes of its inputs, the sizes and the name of the rows."""

    def __init__(
        self,
        program: Program,
        shapes: Mapping[str, Shape],
        sizes: Mapping[str, int],
        rows: str | None,
    ) -> None:
        self.program, self.shapes, self.sizes, self.rows = program, shapes, sizes, rows

    @cached_property
    def key(self) -> str | None:
        """All of it in words; None if the program is large or has other values than numbers.

        In words 1, 1.0 and True differ, and so do 0.0 and -0.0.
        """
        program = self.program
        if len(program.instructions) > _LARGE:
            return None
        if not all(_plain((i.value, i.shape)) for i in program.instructions):
            return None
        steps = [(i.dest, i.op, i.args, i.value, i.shape) for i in program.instructions]
        numbers = [(place, value.hex()) for place, value in program.numbers]
        inputs = [*program.symbols.items()], [*program.sizes.items()], program.outputs
        around = [*self.shapes.items()], sorted(self.sizes.items()), self.rows
        return repr((steps, numbers, inputs, around))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Request) and self.key is not None and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def _plain(value: Any) -> bool:
    """Whether ``repr`` tells all of a value."""
    if type(value) is tuple:
        return all(_plain(part) for part in value)
    return type(value) in _PLAIN
