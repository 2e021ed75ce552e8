"""One file or many: patterns (``"data/*.parquet"``) and lists of paths.

>>> paths_of({"x": [1, 2]}) is None
True
"""

from __future__ import annotations

import glob
import os
from pathlib import Path

from symgd.data.files import SUFFIXES, check_path
from symgd.data.names import quote
from symgd.errors import DataError

_MAGIC = "*?["


def is_pattern(text: str) -> bool:
    """Whether ``text`` is a pattern of paths rather than the name of a file that is there.

    >>> is_pattern("data/part-*.parquet"), is_pattern("points.csv")
    (True, False)
    """
    return any(mark in text for mark in _MAGIC) and "://" not in text and not Path(text).exists()


def many_paths(source: object) -> bool:
    """Whether ``source`` names several files: a pattern, or a list of paths."""
    if isinstance(source, str):
        return is_pattern(source)
    if not isinstance(source, list | tuple) or not source:
        return False
    return all(isinstance(item, str | os.PathLike) for item in source)


def paths_of(source: object, limited: bool = True) -> list[Path] | None:
    """The files that ``source`` names, checked, in order; ``None`` if it names no files.

    ``source`` is a path, a pattern with ``*``, ``?``, ``[...]`` or ``**`` (its files are
    taken in the order of their names) or a list of both; a file that is read whole is
    ``limited`` in size. Raises ``DataError`` for a pattern
    without files, a path that is no data file, and a file that is named twice.
    """
    if isinstance(source, str | os.PathLike):
        items: list[str] = [os.fspath(source)]
    elif many_paths(source):
        items = [os.fspath(item) for item in source]  # type: ignore[attr-defined]
    else:
        return None
    found = [path for item in items for path in _expanded(item, limited)]
    twice = [path for k, path in enumerate(found) if path in found[:k]] if len(items) > 1 else []
    if twice:
        raise DataError(f"{quote(str(twice[0]))} is named twice; its rows would count double")
    return found


def _expanded(item: str, limited: bool) -> list[Path]:
    if not is_pattern(item):
        return [check_path(item, limited)]
    names = sorted(glob.glob(item, recursive=True))
    files = [name for name in names if Path(name).suffix.lower() in SUFFIXES]
    if not files:
        other = f"; it fits {quote(Path(names[0]).name)}" if names else ""
        raise DataError(f"no data file fits {quote(item)}: {', '.join(SUFFIXES)} are read{other}")
    return [check_path(name, limited) for name in files]
