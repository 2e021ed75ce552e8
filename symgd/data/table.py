"""What every source becomes: float64 columns of one length."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from symgd.data.columns import FloatArray, rows_where
from symgd.data.names import listed, quote
from symgd.errors import DataError

_FIRST = 5


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of numbers, all finite and of one length.

    ``columns`` maps names to read-only C-contiguous float64 arrays, (N,) or (N, k)
    for a matrix, in the order of the source; ``n_rows`` is N; ``source`` says where
    they come from; ``dropped`` counts the rows that were dropped for a missing
    value; ``notes`` are sentences a report should show.

    >>> from symgd.data import load
    >>> print(load({"x": [1, 2], "y": [3, 4]}))
    the data: 2 rows; x, y
    """

    columns: Mapping[str, FloatArray]
    n_rows: int
    source: str
    dropped: int = 0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))

    def __reduce__(self) -> tuple[type[Table], tuple[object, ...]]:
        fields = (dict(self.columns), self.n_rows, self.source, self.dropped, self.notes)
        return Table, fields

    def __str__(self) -> str:
        rows = "1 row" if self.n_rows == 1 else f"{self.n_rows} rows"
        gone = f" ({self.dropped} dropped)" if self.dropped else ""
        return f"{self.source}: {rows}{gone}; {listed(self.columns)}"


def fingerprint(table: Table) -> str:
    """SHA-256 (64 hex digits) of the names, shapes, types and bytes of the columns.

    Equal data gives equal text whatever the source and the order of the columns.

    >>> from symgd.data import load
    >>> fingerprint(load({"x": [1, 2]})) == fingerprint(load({"x": [1.0, 2.0]}))
    True
    >>> fingerprint(load({"x": [1, 2]})) == fingerprint(load({"x": [2, 1]}))
    False
    """
    digest = hashlib.sha256()
    for name in sorted(table.columns):
        column = np.ascontiguousarray(table.columns[name], dtype="<f8")
        head = f"{len(name)}:{name} {column.shape} {column.dtype.str}\n"
        digest.update(head.encode())
        digest.update(column.data)
    return digest.hexdigest()


def build(
    columns: dict[str, FloatArray],
    source: str,
    drop: bool,
    notes: tuple[str, ...] = (),
    first_line: int | None = None,
) -> Table:
    """A ``Table`` of checked columns: one length, no infinity, missing values dealt with.

    ``first_line`` is the line of a file that holds data row 1, for messages.
    """
    if not columns:
        raise DataError(f"{source} has no columns")
    n_rows = _common_length(columns, source)
    if n_rows == 0:
        raise DataError(f"{source} has no rows of data")
    counted = f" (data row 1 is line {first_line})" if first_line else ""
    infinite = {name: rows_where(column, infinite=True) for name, column in columns.items()}
    if any(map(len, infinite.values())):
        raise DataError(f"{_complaint(source, 'infinite', infinite)}{counted}")
    missing = {name: rows_where(column, infinite=False) for name, column in columns.items()}
    if not any(map(len, missing.values())):
        return Table(columns, n_rows, source, 0, notes)
    if not drop:
        raise DataError(
            f"{_complaint(source, 'missing', missing)}{counted}; fill them in, "
            "or drop such rows with missing='drop'"
        )
    return _without(columns, np.unique(np.concatenate(list(missing.values()))), source, notes)


def _without(
    columns: dict[str, FloatArray], rows: NDArray[np.intp], source: str, notes: tuple[str, ...]
) -> Table:
    n_rows = len(next(iter(columns.values())))
    if len(rows) == n_rows:
        raise DataError(f"{source}: every row has a missing value, so dropping them leaves none")
    keep = np.ones(n_rows, dtype=bool)
    keep[rows] = False
    kept = {name: column[keep] for name, column in columns.items()}
    for column in kept.values():
        column.flags.writeable = False
    note = f"rows dropped for a missing value: {len(rows)}; rows kept: {n_rows - len(rows)}"
    return Table(kept, n_rows - len(rows), source, len(rows), (*notes, note))


def _common_length(columns: dict[str, FloatArray], source: str) -> int:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        given = listed(f"{name} has {n}" for name, n in lengths.items())
        raise DataError(f"{source}: the columns differ in their number of rows: {given}")
    return next(iter(lengths.values()))


def _complaint(source: str, what: str, rows: dict[str, NDArray[np.intp]]) -> str:
    """``data.csv: column 'x' has 2 missing values, in data rows 3, 7``."""
    parts = []
    for name, found in rows.items():
        if len(found):
            values = "value" if len(found) == 1 else "values"
            places = "row" if len(found) == 1 else "rows"
            numbers = listed((found[: _FIRST + 1] + 1).tolist(), _FIRST)
            parts.append(
                f"column {quote(name)} has {len(found)} {what} {values}, in data {places} {numbers}"
            )
    return f"{source}: {'; '.join(parts[:_FIRST])}"
