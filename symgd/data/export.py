"""Columns out: a CSV file that reads back as the same bits."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import ArrayLike

from symgd.data.files import write_atomically
from symgd.data.names import listed, quote
from symgd.errors import DataError

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CHUNK = 10_000


def to_csv(path: str | os.PathLike[str], columns: Mapping[str, ArrayLike]) -> None:
    """Write columns of one length to ``path`` as CSV (UTF-8, commas, line feeds).

    Numbers are written by ``repr``, so that :func:`load` reads the same bits back.
    A name or a cell of text that starts with ``=``, ``+``, ``-`` or ``@`` gets an
    apostrophe in front, so that a spreadsheet does not run it. The file is replaced
    in one step: it is never half written. Raises ``DataError``.

    >>> import tempfile, os
    >>> from symgd.data import load
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     place = os.path.join(folder, "out.csv")
    ...     to_csv(place, {"x": [0.1, 0.2], "y": [1, 2]})
    ...     print(load(place).columns["x"].tolist())
    [0.1, 0.2]
    """
    arrays = {name: _cells(values, name) for name, values in columns.items()}
    lengths = {name: len(array) for name, array in arrays.items()}
    if not arrays:
        raise DataError("there are no columns to write")
    if len(set(lengths.values())) > 1:
        given = listed(f"{name} has {n}" for name, n in lengths.items())
        raise DataError(f"the columns differ in their number of rows: {given}")
    write_atomically(path, _text(arrays))


def _cells(values: ArrayLike, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iufUT":
        raise DataError(
            f"column {quote(name)} cannot be written: it has shape {array.shape} and type "
            f"{array.dtype}; a column is (N,) numbers or text"
        )
    return array


def _text(
    arrays: Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]],
) -> Iterator[str]:
    """The file in pieces of some thousand rows."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([_safe(name) for name in arrays])
    for start in range(0, len(next(iter(arrays.values()))), _CHUNK):
        parts = [array[start : start + _CHUNK].tolist() for array in arrays.values()]
        texts = [[_safe(v) if isinstance(v, str) else repr(v) for v in part] for part in parts]
        writer.writerows(zip(*texts, strict=True))
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _safe(text: str) -> str:
    return "'" + text if text.startswith(_STARTS_A_FORMULA) else text
