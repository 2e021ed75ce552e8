"""The door for data: which reader a source gets."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from symgd.data.columns import FloatArray, as_column
from symgd.data.csv_reader import read_csv
from symgd.data.files import TEXT_SUFFIXES, check_path, read_parquet
from symgd.data.frames import plain_array, read_frame
from symgd.data.names import asked, closest, normal, quote, select
from symgd.data.table import Table, build
from symgd.errors import OptionError

_MISSING = ("refuse", "drop")


def load(
    source: object,
    columns: Iterable[str] | None = None,
    *,
    missing: str = "refuse",
    matrices: Collection[str] = (),
) -> Table:
    """The columns of ``source`` as float64 arrays of one length, all of them finite.

    ``source`` is a mapping name -> array-like, a pandas, polars or pyarrow table, a
    path to a ``.csv`` (``.tsv``, ``.txt``) or ``.parquet`` file, or a ``Table``.
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
    if missing not in _MISSING:
        allowed = " or ".join(map(repr, _MISSING))
        hint = closest(missing, _MISSING) if isinstance(missing, str) else ""
        raise OptionError(f"missing={missing!r} is not an option; it is {allowed}{hint}")
    drop = missing == "drop"
    wanted = asked(columns)
    if isinstance(source, Table):
        return replace(source, columns=_from_mapping(source.columns, wanted, source.columns))
    if isinstance(source, str | os.PathLike):
        return _from_file(source, wanted, drop)
    if isinstance(source, Mapping):
        return build(_from_mapping(source, wanted, matrices), "the data", drop)
    name = f"the {type(source).__name__}"
    return build(read_frame(source, wanted, name), name, drop)


def _from_file(source: str | os.PathLike[str], columns: list[str] | None, drop: bool) -> Table:
    path = check_path(source)
    if path.suffix.lower() in TEXT_SUFFIXES:
        cells = read_csv(path, columns)
        return build(cells.columns, path.name, drop, cells.notes, cells.first_line)
    return build(read_parquet(path, columns), path.name, drop)


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
