"""Parquet by the block: row groups are read one after the other, never a whole file.

Needs pyarrow, or polars in its place.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from symgd.data.columns import FloatArray
from symgd.data.files import open_data
from symgd.data.frames import read_frame
from symgd.data.names import quote, select
from symgd.errors import DataError

_BUFFER = 1 << 20


def group_sizes(path: Path) -> list[int]:
    """The number of rows of every row group of a Parquet file."""
    with open_data(path) as file:
        try:
            if importlib.util.find_spec("pyarrow"):
                from pyarrow import parquet

                found = parquet.ParquetFile(file).metadata
                return [found.row_group(k).num_rows for k in range(found.num_row_groups)]
            if importlib.util.find_spec("polars"):
                import polars

                return [int(polars.scan_parquet(file).select(polars.len()).collect().item())]
        except Exception as problem:
            raise DataError(f"{path.name} is damaged: {quote(str(problem))}") from problem
    raise DataError(f"{path.name}: to read Parquet, install pyarrow (pip install pyarrow)")


def parquet_blocks(
    path: Path, columns: list[str] | None, groups: tuple[int, int] | None, rows: int
) -> Iterator[dict[str, FloatArray]]:
    """The chosen columns of some row groups (default: all) in blocks of at most ``rows`` rows.

    Nulls are NaN. Raises ``DataError`` for a column that is not numbers.
    """
    name = path.name
    with open_data(path) as file:
        if file.read(4) != b"PAR1":
            raise DataError(f"{name} is not a Parquet file")
        file.seek(0)
        frames = _frames(file, columns, groups, rows, name)
        while True:
            try:
                frame = next(frames, None)
            except DataError:
                raise
            except Exception as problem:
                raise DataError(f"{name} is damaged: {quote(str(problem))}") from problem
            if frame is None:
                return
            yield _arrays(frame, columns, name)


def _frames(
    file: Any, columns: list[str] | None, groups: tuple[int, int] | None, rows: int, name: str
) -> Iterator[Any]:
    """Tables of at most ``rows`` rows, of pyarrow or of polars."""
    if importlib.util.find_spec("pyarrow"):
        import pyarrow
        from pyarrow import parquet

        # a buffer before the whole file would grow with it
        parts = parquet.ParquetFile(file, pre_buffer=False, buffer_size=_BUFFER)
        names = list(parts.schema_arrow.names)
        used = [names[at] for at in select(names, columns, name).values()]
        wanted = range(*groups) if groups else range(parts.metadata.num_row_groups)
        batches = parts.iter_batches(
            batch_size=rows, row_groups=list(wanted), columns=used, use_threads=False
        )
        for batch in batches:
            yield pyarrow.Table.from_batches([batch])
        return
    import polars

    lazy = polars.scan_parquet(file)
    names = lazy.collect_schema().names()
    used = [names[at] for at in select(names, columns, name).values()]
    begin, frame = 0, lazy.select(used).head(rows).collect()
    while len(frame):
        yield frame
        begin += len(frame)
        frame = lazy.select(used).slice(begin, rows).collect()


def _arrays(frame: Any, columns: list[str] | None, name: str) -> dict[str, FloatArray]:
    """The columns of one table; plain float64 of pyarrow without a copy and without narwhals."""
    if not _plain(frame):
        return read_frame(frame, columns, name)
    chosen = select(frame.column_names, columns, name)
    return {key: _view(frame.column(at)) for key, at in chosen.items()}


def _plain(frame: Any) -> bool:
    """Whether all columns of a pyarrow table are float64 in one piece, without nulls."""
    if type(frame).__module__.partition(".")[0] != "pyarrow":
        return False
    columns = frame.columns
    return all(
        str(c.type) == "double" and c.null_count == 0 and c.num_chunks == 1 for c in columns
    )


def _view(column: Any) -> FloatArray:
    values: FloatArray = np.asarray(column.chunk(0).to_numpy(zero_copy_only=True))
    return values
