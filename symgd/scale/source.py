"""A source of rows: parts that are read block by block, as often as needed.

>>> import numpy as np
>>> source = in_memory({"x": np.arange(5.0)})
>>> [block["x"].tolist() for block, _ in source.blocks(["x"])]
[[0.0, 1.0, 2.0, 3.0, 4.0]]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from symgd.data import Table, column_names, load
from symgd.data.columns import FloatArray
from symgd.data.files import MAX_BYTES, MAX_CELLS
from symgd.data.header import names_in_file
from symgd.data.parquet import group_sizes
from symgd.data.paths import many_paths, paths_of
from symgd.errors import DataError, OptionError
from symgd.scale.ahead import ahead
from symgd.scale.parts import BLOCK, ArrayPart, Block, FilePart, Part, length_of

SHARE = 0.25
"""The share of the machine's memory that data may take without being told."""
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_UNITS |= {f"{unit}i": 1024**power for power, unit in enumerate("kmgt", 1)}
_GROUPS = 1 << 20


@dataclass(frozen=True, eq=False)
class Source:
    """Rows in parts. ``names`` are the columns; ``n_rows`` is None until they are counted.

    ``size`` is what the columns of numbers would take in memory, in bytes, for each column
    (an estimate for text); ``missing`` says what becomes of rows that miss a value.
    """

    parts: tuple[Part, ...]
    names: tuple[str, ...]
    label: str
    n_rows: int | None
    size: float
    missing: str = "refuse"

    def blocks(self, columns: list[str]) -> Iterator[tuple[Block, int]]:
        """All rows in order, in blocks of exactly ``BLOCK`` rows but for the last one.

        The cuts do not depend on the parts, so that sums over the blocks do not either. With
        each block goes the number of rows dropped since the one before.
        """
        reader = ahead(self._raw(columns))
        try:
            yield from reblocked(reader)
        finally:
            reader.close()  # type: ignore[attr-defined]

    def _raw(self, columns: list[str]) -> Iterator[tuple[Block, int]]:
        for part in self.parts:
            yield from part.blocks(columns, self.missing)

    def sample(self, columns: list[str], rows: int) -> dict[str, FloatArray]:
        """About ``rows`` rows, from the beginning of every part (at most 64 parts)."""
        step = -(-len(self.parts) // 64)
        chosen = self.parts[::step]
        share = -(-rows // len(chosen))
        pieces: dict[str, list[FloatArray]] = {name: [] for name in columns}
        for part in chosen:
            blocks = part.blocks(columns, self.missing)
            left = share
            for block, _ in blocks:
                for name in columns:
                    pieces[name].append(np.array(block[name][:left]))
                left -= length_of(block)
                if left <= 0:
                    break
        found = {name: np.concatenate(piece) for name, piece in pieces.items()}
        if not length_of(found):
            raise DataError(f"{self.label} has no rows of data")
        return found

    def __str__(self) -> str:
        rows = "rows" if self.n_rows is None else f"{self.n_rows:,} rows"
        return f"{self.label}: {rows} in {len(self.parts)} parts"


def reblocked(pieces: Iterator[tuple[Block, int]]) -> Iterator[tuple[Block, int]]:
    """The same rows in blocks of exactly ``BLOCK`` rows, the last one shorter."""
    held: list[Block] = []
    count = dropped = 0
    for block, gone in pieces:
        dropped += gone
        held.append(block)
        count += length_of(block)
        while count >= BLOCK:
            whole = held[0] if len(held) == 1 else _stacked(held)
            yield {name: column[:BLOCK] for name, column in whole.items()}, dropped
            dropped, count = 0, count - BLOCK
            held = [{name: column[BLOCK:] for name, column in whole.items()}] if count else []
    if count or dropped:
        yield _stacked(held), dropped


def _stacked(blocks: list[Block]) -> Block:
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def from_files(paths: list[Path], missing: str = "refuse") -> Source:
    """The rows of CSV and Parquet files, one file after the other."""
    parts: list[Part] = []
    size = 0.0
    for path in paths:
        on_disk = path.stat().st_size
        part = FilePart(str(path.resolve()), size=on_disk)
        if not part.is_text:
            count = sum(group_sizes(path))
            part = FilePart(part.path, None, 0, count, on_disk)
            size += 8.0 * count
        else:
            size += on_disk / max(1, len(names_in_file(path)))
        parts.append(part)
    known = [part.rows for part in parts]
    rows = None if None in known or missing == "drop" else sum(n or 0 for n in known)
    label = paths[0].name if len(paths) == 1 else f"{paths[0].name} to {paths[-1].name}"
    return Source(tuple(parts), tuple(names_in_file(paths[0])), label, rows, size, missing)


def in_pieces(source: Source) -> Source:
    """The same rows in smaller parts where files allow: row groups of about a million rows."""
    parts: list[Part] = []
    for part in source.parts:
        if isinstance(part, FilePart) and not part.is_text and part.groups is None:
            parts += _by_group(part)
        else:
            parts.append(part)
    fields = (source.names, source.label, source.n_rows, source.size, source.missing)
    return Source(tuple(parts), *fields)


def _by_group(part: FilePart) -> list[FilePart]:
    sizes = group_sizes(Path(part.path))
    found: list[FilePart] = []
    first = before = rows = 0
    for k, size in enumerate(sizes):
        rows += size
        if rows >= _GROUPS or k == len(sizes) - 1:
            found.append(FilePart(part.path, (first, k + 1), before, rows))
            first, before, rows = k + 1, before + rows, 0
    return found or [part]


def in_memory(data: Any, missing: str = "refuse", columns: list[str] | None = None) -> Source:
    """The rows of columns in memory: what :func:`symgd.data.load` takes, without a copy."""
    table = load(data, columns, missing=missing)
    n = table.n_rows
    part = ArrayPart(table.columns, 0, n, table.source)
    return Source((part,), tuple(table.columns), table.source, n, 8.0 * n, missing)


def is_dask(data: Any) -> bool:
    """Whether ``data`` is a collection of Dask: a DataFrame, a bag, arrays, delayed partitions.

    >>> is_dask({"x": [1, 2]}), is_dask("data.parquet")
    (False, False)
    """
    if isinstance(data, Mapping):
        return any(belongs_to_dask(item) for item in data.values())
    if isinstance(data, list | tuple):
        return bool(data) and all(belongs_to_dask(item) for item in data)
    return belongs_to_dask(data)


def belongs_to_dask(item: Any) -> bool:
    """Whether the type of ``item`` is one of Dask's."""
    return type(item).__module__.partition(".")[0] in ("dask", "dask_expr", "distributed")


def streams(data: Any, memory: Any) -> bool:
    """Whether ``data`` is taken block by block: many files, a large one, a collection of Dask.

    ``memory`` is how many bytes the columns may take (``"2GB"``, a number, or None: a quarter
    of the machine's memory).
    """
    limit = memory_limit(memory)
    if isinstance(data, Source) or many_paths(data) or is_dask(data):
        return True
    paths = paths_of(data, limited=False)
    if paths is None:
        return False
    source = from_files(paths)
    size = source.size * len(source.names)
    whole = all(path.stat().st_size <= MAX_BYTES for path in paths) and size <= 8 * MAX_CELLS
    return size > limit or not whole


def memory_limit(memory: Any) -> float:
    """``memory`` in bytes.

    >>> memory_limit("1.5 GB"), memory_limit("2MiB"), memory_limit(1000)
    (1500000000.0, 2097152.0, 1000.0)
    """
    if memory is None:
        return SHARE * _machine()
    found: float | None = None
    if isinstance(memory, str):
        match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]*)?)\s*([kmgt]?i?)b?\s*", memory.lower())
        if match is not None and match[2] in _UNITS:
            found = float(match[1]) * _UNITS[match[2]]
    elif isinstance(memory, int | float) and not isinstance(memory, bool):
        found = float(memory)
    if found is None or not 0 < found < float("inf"):
        raise OptionError(f"memory must be a number of bytes or text such as '2GB', not {memory!r}")
    return found


def _machine() -> float:
    """The memory of this machine in bytes."""
    import os

    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return 8e9


def source_of(data: Any, missing: str) -> Source:
    """The source behind ``data``: a :class:`Source`, or files."""
    if isinstance(data, Source):
        return data
    paths = paths_of(data, limited=False)
    if paths is None:
        return in_memory(data, missing, list(column_names(data)))
    return from_files(paths, missing)


def as_table(source: Source, columns: list[str]) -> Table:
    """All rows of some columns in memory."""
    found = [block for block, _ in source.blocks(columns)]
    whole = _stacked(found) if found else {}
    return load(dict(whole))
