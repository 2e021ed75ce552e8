"""The names of the columns of a source, without reading its rows."""

from __future__ import annotations

import os
from collections.abc import Mapping

from symgd.data.csv_reader import header_of
from symgd.data.files import TEXT_SUFFIXES, check_path, parquet_names
from symgd.data.frames import frame_names
from symgd.data.table import Table


def column_names(source: object) -> list[str]:
    """The names of the columns of ``source`` (see :func:`symgd.data.load`), in order.

    >>> column_names({"x": [1, 2], "y": [3, 4]})
    ['x', 'y']
    """
    if isinstance(source, Table):
        return list(source.columns)
    if isinstance(source, str | os.PathLike):
        path = check_path(source)
        return header_of(path) if path.suffix.lower() in TEXT_SUFFIXES else parquet_names(path)
    if isinstance(source, Mapping):
        return [str(name) for name in source]
    return frame_names(source, f"the {type(source).__name__}")
