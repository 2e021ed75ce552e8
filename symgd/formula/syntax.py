"""What the parser builds: the formula as written, each piece with its place.

The tree lives only between the parser and the elaboration into the typed graph;
it exists because an error about shapes or names needs a caret, and because
``x_i`` means something only inside a sum over ``i``.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any


class Syntax:
    """One piece of a formula.

    ``kind`` is one of: number, name, add, neg, mul, matmul, div, pow, transpose,
    index, call, compare, and, or, not, where, big (a sum or product over an
    index), derivative. ``value`` holds what is not a sub-formula: the exact
    number, the name, the function, the comparison, the index.
    """

    __slots__ = ("args", "end", "kind", "start", "value")

    def __init__(
        self, kind: str, start: int, end: int, args: tuple[Syntax, ...] = (), value: Any = None
    ) -> None:
        self.kind = kind
        self.start = start
        self.end = end
        self.args = args
        self.value = value

    def __repr__(self) -> str:
        inner = ", ".join(map(repr, self.args))
        value = "" if self.value is None else f"{self.value!s} "
        return f"({self.kind} {value}{inner})"


class Call:
    """The value of a call: function, keyword arguments."""

    __slots__ = ("keywords", "name")

    def __init__(self, name: str, keywords: dict[str, Any]) -> None:
        self.name = name
        self.keywords = keywords

    def __str__(self) -> str:
        return self.name


class Slice:
    """One item of an index: ``:``, ``a:b:c``, ``None``, a number, or a name (``x[i]``)."""

    __slots__ = ("items", "kind", "name")

    def __init__(
        self, kind: str, items: tuple[int | None, ...] = (), name: str | None = None
    ) -> None:
        self.kind = kind  # "slice", "new", "at", "name"
        self.items = items
        self.name = name


class Big:
    """The value of a big operator: sum, prod or mean over ``index`` from ``lower`` to ``upper``.

    ``upper`` is an int, a name or ``None`` (all rows); ``lower`` likewise.
    """

    __slots__ = ("index", "lower", "operation", "upper")

    def __init__(
        self, operation: str, index: str, lower: int | None = None, upper: int | str | None = None
    ) -> None:
        self.operation = operation
        self.index = index
        self.lower = lower
        self.upper = upper


def post_order(root: Syntax) -> list[Syntax]:
    """Every piece after its parts, without recursion."""
    order: list[Syntax] = []
    stack = [root]
    while stack:
        piece = stack.pop()
        order.append(piece)
        stack.extend(piece.args)
    order.reverse()
    return order


def names_in(root: Syntax) -> Iterator[Syntax]:
    """The pieces of kind ``name``, from left to right."""
    found = [piece for piece in post_order(root) if piece.kind == "name"]
    return iter(sorted(found, key=lambda piece: piece.start))


def number(value: int | Fraction, at: Syntax) -> Syntax:
    """A number that stands where ``at`` stands."""
    return Syntax("number", at.start, at.end, (), Fraction(value))
