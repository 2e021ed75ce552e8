"""The names of the columns of a source, without reading its rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from symgd.data.csv_reader import header_of
from symgd.data.files import TEXT_SUFFIXES, parquet_names
from symgd.data.frames import frame_names
from symgd.data.paths import paths_of
from symgd.data.table import Table


def column_names(source: object) -> list[str]:
    """The names of the columns of ``source`` (see :func:`symgd.data.load`), in order.

    >>> column_names({"x": [1, 2], "y": [3, 4]})
    ['x', 'y']
    """
    if isinstance(source, Table):
        return list(source.columns)
    paths = paths_of(source, limited=False)
    if paths is not None:
        return names_in_file(paths[0])
    if isinstance(source, np.ndarray) and source.dtype.names is not None:
        return list(source.dtype.names)
    if isinstance(source, Mapping):
        return [str(name) for name in source]
    return frame_names(source, f"the {type(source).__name__}")


def names_in_file(path: Path) -> list[str]:
    """The names of the columns of one file."""
    return header_of(path) if path.suffix.lower() in TEXT_SUFFIXES else parquet_names(path)
