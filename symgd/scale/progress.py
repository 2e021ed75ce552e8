"""How far a pass over the rows is: rows per second and the time that is left.

>>> reading = Reading(passes=2, rows=500, total=2000, seconds=0.5)
>>> reading.rows_per_second, reading.seconds_left
(1000.0, 1.5)
>>> str(reading)
'pass 2: 500 of 2,000 rows, 1,000 rows/s, 1.5 s left'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol, runtime_checkable

from symgd.scale.parts import Block, length_of


@dataclass(frozen=True)
class Reading:
    """A pass over the rows as observers see it; ``total`` is None until the rows are counted."""

    passes: int
    rows: int
    total: int | None
    seconds: float

    @property
    def rows_per_second(self) -> float:
        """The speed of this pass."""
        return self.rows / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """What is left of this pass at this speed, None if that cannot be known."""
        if self.total is None or not self.rows_per_second:
            return None
        return max(0.0, (self.total - self.rows) / self.rows_per_second)

    def __str__(self) -> str:
        rows = f"{self.rows:,}" + (f" of {self.total:,}" if self.total else "")
        text = f"pass {self.passes}: {rows} rows, {self.rows_per_second:,.0f} rows/s"
        left = self.seconds_left
        return text if left is None else f"{text}, {left:.1f} s left"


@runtime_checkable
class RowObserver(Protocol):
    """An observer that also wants to see how far a pass over the rows is."""

    def reading(self, reading: Reading, /) -> None:
        """Called after each block of rows."""
        ...


def watchers(observers: Iterable[Any]) -> list[Callable[[Reading], None]]:
    """What is to be called after each block."""
    return [one.reading for one in observers if isinstance(one, RowObserver)]


def watched(
    blocks: Iterator[tuple[Block, int]],
    passes: int,
    total: int | None,
    callbacks: list[Callable[[Reading], None]],
) -> Iterator[tuple[Block, int]]:
    """The same blocks; the callbacks hear about each when it is done."""
    began = perf_counter()
    rows = 0
    for block, gone in blocks:
        yield block, gone
        rows += length_of(block)
        for callback in callbacks:
            callback(Reading(passes, rows, total, perf_counter() - began))
