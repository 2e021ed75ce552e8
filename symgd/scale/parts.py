"""Rows that are read together: some of a file, or a stretch of arrays in memory.

A part of a file is described by text and numbers alone (:meth:`FilePart.plain`), so that it can
be named to another process, which then reads it there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from symgd.data.columns import FloatArray, rows_where
from symgd.data.csv_reader import csv_blocks
from symgd.data.files import TEXT_SUFFIXES
from symgd.data.names import quote
from symgd.data.parquet import parquet_blocks
from symgd.errors import DataError

Block = Mapping[str, FloatArray]
"""Columns by name, of one number of rows."""

BLOCK = 1 << 16
"""Rows of a block."""


class Part(Protocol):
    """Rows that are read one block after the other."""

    @property
    def rows(self) -> int | None:
        """How many rows there are, if that is known before they are read."""
        ...

    def blocks(self, columns: list[str], missing: str) -> Iterator[tuple[Block, int]]:
        """The columns in blocks of at most ``BLOCK`` rows, each with the rows dropped from it."""
        ...


@dataclass(frozen=True)
class FilePart:
    """A file, or the row groups ``groups`` (first, last + 1) of a Parquet file.

    ``before`` is how many rows of the file come before them, ``size`` their bytes in the file.
    """

    path: str
    groups: tuple[int, int] | None = None
    before: int = 0
    rows: int | None = None
    size: int = 0

    @property
    def is_text(self) -> bool:
        """Whether it is a CSV file."""
        return Path(self.path).suffix.lower() in TEXT_SUFFIXES

    def plain(self) -> dict[str, Any]:
        """The part as text and numbers."""
        groups = None if self.groups is None else list(self.groups)
        return {"path": self.path, "groups": groups, "before": self.before, "rows": self.rows}

    @classmethod
    def again(cls, plain: Mapping[str, Any]) -> FilePart:
        """The part that :meth:`plain` describes."""
        groups = plain["groups"]
        known = None if groups is None else (int(groups[0]), int(groups[1]))
        return cls(str(plain["path"]), known, int(plain["before"]), plain["rows"])

    def blocks(self, columns: list[str], missing: str) -> Iterator[tuple[Block, int]]:
        """The columns in blocks of at most ``BLOCK`` rows, each with the rows dropped from it."""
        path = Path(self.path)
        if self.is_text:
            for line, block in csv_blocks(path, columns, BLOCK):
                yield cleaned(block, path.name, line, missing, "line")
            return
        row = self.before + 1
        for block in parquet_blocks(path, columns, self.groups, BLOCK):
            yield cleaned(block, path.name, row, missing)
            row += length_of(block)


@dataclass(frozen=True, eq=False)
class ArrayPart:
    """The rows ``begin`` to ``end`` of columns in memory (or in a memory map)."""

    columns: Mapping[str, FloatArray]
    begin: int
    end: int
    label: str = "the data"

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.end - self.begin

    def blocks(self, columns: list[str], missing: str) -> Iterator[tuple[Block, int]]:
        """The columns in blocks of at most ``BLOCK`` rows, each with the rows dropped from it."""
        for begin in range(self.begin, self.end, BLOCK):
            end = min(begin + BLOCK, self.end)
            block = {name: self.columns[name][begin:end] for name in columns}
            yield cleaned(block, self.label, begin + 1, missing)


def length_of(block: Block) -> int:
    """How many rows a block has."""
    return len(next(iter(block.values()), ()))


def cleaned(
    block: Block, label: str, first: int, missing: str, counted: str = "row"
) -> tuple[Block, int]:
    """The block without its rows that miss a value, and how many these were.

    ``first`` is the number of its first row, ``counted`` what is counted. Raises ``DataError``
    for an infinity, and for a missing value if it is to be refused.
    """
    gone: list[NDArray[np.intp]] = []
    for name, column in block.items():
        if np.isfinite(column).all():
            continue
        infinite = rows_where(column, infinite=True)
        if infinite.size:
            raise DataError(
                f"{label}: column {quote(name)} has an infinite value in {counted} "
                f"{first + int(infinite[0])}"
            )
        gone.append(rows_where(column, infinite=False))
        if missing != "drop":
            raise DataError(
                f"{label}: column {quote(name)} misses a value in {counted} "
                f"{first + int(gone[-1][0])}; fill it in, or drop such rows with missing='drop'"
            )
    if not gone:
        return block, 0
    keep = np.ones(length_of(block), dtype=bool)
    keep[np.concatenate(gone)] = False
    return {name: column[keep] for name, column in block.items()}, int((~keep).sum())
