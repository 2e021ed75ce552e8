"""The door for data: which reader a source gets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from symgd.data.columns import FloatArray, as_column
from symgd.data.csv_reader import read_csv
from symgd.data.files import TEXT_SUFFIXES, read_parquet
from symgd.data.frames import plain_array, read_frame
from symgd.data.names import asked, closest, normal, quote, select
from symgd.data.paths import paths_of
from symgd.data.table import Table, build
from symgd.errors import DataError, OptionError

_MISSING = ("refuse", "drop")


def check_missing(missing: object) -> None:
    """Refuse what is no way to treat missing values, with an :class:`OptionError`."""
    if missing not in _MISSING:
        allowed = " or ".join(map(repr, _MISSING))
        hint = closest(missing, _MISSING) if isinstance(missing, str) else ""
        raise OptionError(f"missing={missing!r} is not an option; it is {allowed}{hint}")


def load(
    source: object,
    columns: Iterable[str] | None = None,
    *,
    missing: str = "refuse",
    matrices: Collection[str] = (),
) -> Table:
    """The columns of ``source`` as float64 arrays of one length, all of them finite.

    ``source`` is a mapping name -> array-like, a pandas, polars or pyarrow table, a NumPy
    array of records, a path to a ``.csv`` (``.tsv``, ``.txt``) or ``.parquet`` file, a
    pattern of such paths (``"data/*.csv"``) or a list of them, or a ``Table``.
    ``columns`` names the columns that are needed; the others are not looked at, so
    that a column of text does no harm. Arrays in a mapping may be matrices (N, k);
    one of shape (N, 1) is kept only if ``matrices`` names it, because beside (N,) it
    would broadcast to (N, N). Single numbers are refused: they belong into the formula.
    With ``missing="drop"`` rows that lack a value (NaN, null, an empty cell) in one of
    these columns are dropped and counted; an infinity is always refused.

    Raises ``DataError`` for data that is not plainly numbers, and ``OptionError`` for
    an option that is not allowed.

    >>> load({"x": [1, 2, None], "name": ["a", "b", "c"]}, ["x"], missing="drop").n_rows
    2
    >>> load({"x": [1, 2], "y": [3]})
    Traceback (most recent call last):
      ...
    symgd.errors.DataError: the data: the columns differ in their number of rows: x has 2, y has 1
    """
    check_missing(missing)
    drop = missing == "drop"
    wanted = asked(columns)
    if isinstance(source, Table):
        return replace(source, columns=_from_mapping(source.columns, wanted, source.columns))
    paths = paths_of(source)
    if paths is not None:
        return _from_file(paths[0], wanted, drop) if len(paths) == 1 else _joined(
            [_from_file(path, wanted, drop) for path in paths]
        )
    if isinstance(source, np.ndarray) and source.dtype.names is not None:
        source = {name: source[name] for name in source.dtype.names}
    if isinstance(source, Mapping):
        return build(_from_mapping(source, wanted, matrices), "the data", drop)
    name = f"the {type(source).__name__}"
    return build(read_frame(source, wanted, name), name, drop)


def _from_file(path: Path, columns: list[str] | None, drop: bool) -> Table:
    if path.suffix.lower() in TEXT_SUFFIXES:
        cells = read_csv(path, columns)
        return build(cells.columns, path.name, drop, cells.notes, cells.first_line)
    return build(read_parquet(path, columns), path.name, drop)


def _joined(tables: list[Table]) -> Table:
    """The rows of several files, one file after the other."""
    first, last = tables[0], tables[-1]
    for table in tables[1:]:
        if set(table.columns) != set(first.columns):
            odd = next(iter(set(table.columns) ^ set(first.columns)))
            raise DataError(
                f"{first.source} and {table.source} have not the same columns: {quote(odd)} is in "
                "one of them only; name the columns that are needed, or leave a file out"
            )
    columns = {
        name: as_column(np.concatenate([table.columns[name] for table in tables]), name)
        for name in first.columns
    }
    dropped = sum(table.dropped for table in tables)
    notes = tuple(dict.fromkeys(note for table in tables for note in table.notes))
    source = f"{first.source} to {last.source} ({len(tables)} files)"
    return Table(columns, sum(table.n_rows for table in tables), source, dropped, notes)


def _from_mapping(
    source: Mapping[str, object], columns: list[str] | None, matrices: Collection[str]
) -> dict[str, FloatArray]:
    names = list(source)
    kept = {normal(name) for name in matrices}
    arrays = {}
    for name, at in select(names, columns, "the data").items():
        where = f"column {quote(name)}"
        values = plain_array(source[names[at]], where)
        arrays[name] = as_column(values, where, matrix=name in kept)
    return arrays
