"""Files: which may be read, and how one is written without ever being half there."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from symgd.data.columns import FloatArray
from symgd.data.frames import read_frame
from symgd.data.names import closest, quote, select
from symgd.errors import DataError

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
SUFFIXES = (*TEXT_SUFFIXES, ".parquet")
MAX_BYTES = 2 * 1024**3
MAX_CELLS = 500_000_000

# The first bytes of what is not text, and what it is.
_MAGIC = {
    b"\x1f\x8b": "compressed (gzip)",
    b"PK\x03\x04": "a zip archive or a spreadsheet",
    b"BZh": "compressed (bzip2)",
    b"\xfd7zXZ": "compressed (xz)",
    b"\x28\xb5\x2f\xfd": "compressed (zstandard)",
    b"PAR1": "a Parquet file",
    b"\x93NUMPY": "a NumPy file",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"\xd0\xcf\x11\xe0": "a spreadsheet",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}


def check_path(path: str | os.PathLike[str], limited: bool = True) -> Path:
    """The path of a regular local file with a known suffix, else ``DataError``.

    Addresses (``s3://…``), devices, pipes, folders and other kinds of file are
    refused, and files of more than ``MAX_BYTES`` if their size is ``limited``; a
    symbolic link to a regular file is followed.
    """
    text = os.fspath(path)
    if "://" in text or text.startswith("file:"):
        raise DataError(f"{quote(text)} is an address; only local files are read: download it")
    if not text or "\0" in text:
        raise DataError(f"{quote(text)} is not the name of a file")
    found = Path(text)
    if found.suffix.lower() not in SUFFIXES:
        raise DataError(f"{quote(text)}: data is read from files named {', '.join(SUFFIXES)}")
    try:
        info = found.stat()
    except FileNotFoundError:
        raise DataError(f"there is no file {quote(text)}{_neighbour(found)}") from None
    except OSError as problem:
        raise DataError(f"{quote(text)} cannot be read: {problem.strerror}") from problem
    if not stat.S_ISREG(info.st_mode):
        kind = "a folder" if stat.S_ISDIR(info.st_mode) else "a device or a pipe"
        raise DataError(f"{quote(text)} is {kind}; data is read from regular files only")
    if limited and info.st_size > MAX_BYTES:
        raise DataError(
            f"{quote(text)} has {info.st_size} bytes; the limit is {MAX_BYTES}: "
            "give a mapping of memory-mapped arrays, or let symgd.fit take it block by block"
        )
    return found


def open_data(path: Path) -> BinaryIO:
    """The file, open for reading bytes; ``DataError`` in words if that fails."""
    try:
        return path.open("rb")
    except OSError as problem:
        raise DataError(f"{quote(str(path))} cannot be read: {problem.strerror}") from problem


def start_of_text(file: BinaryIO, name: str) -> None:
    """Skip a byte order mark; ``DataError`` for compressed or binary content."""
    head = file.read(8)
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            raise DataError(f"{name} is {kind}, not plain text in UTF-8; convert it first")
    file.seek(3 if head.startswith(b"\xef\xbb\xbf") else 0)


def read_parquet(path: Path, columns: list[str] | None) -> dict[str, FloatArray]:
    """The chosen columns of a Parquet file, through pyarrow or polars."""
    name = path.name
    with open_data(path) as file:
        if file.read(4) != b"PAR1":
            raise DataError(f"{name} is not a Parquet file")
        file.seek(0)
        try:
            if importlib.util.find_spec("pyarrow"):
                return read_frame(_with_pyarrow(file, columns, name), columns, name)
            if importlib.util.find_spec("polars"):
                return read_frame(_with_polars(file, columns, name), columns, name)
        except DataError:
            raise
        except Exception as problem:
            raise DataError(f"{name} is damaged: {quote(str(problem))}") from problem
    raise DataError(f"{name}: to read Parquet, install polars or pyarrow (pip install polars)")


def parquet_names(path: Path) -> list[str]:
    """The names of the columns of a Parquet file."""
    with open_data(path) as file:
        if importlib.util.find_spec("pyarrow"):
            from pyarrow import parquet

            return list(parquet.ParquetFile(file).schema_arrow.names)
        if importlib.util.find_spec("polars"):
            import polars

            return list(polars.read_parquet_schema(file))
    raise DataError(f"{path.name}: to read Parquet, install polars or pyarrow")


def _with_pyarrow(file: BinaryIO, columns: list[str] | None, name: str) -> object:
    from pyarrow import parquet

    parts = parquet.ParquetFile(file)
    names = list(parts.schema_arrow.names)
    used = [names[at] for at in select(names, columns, name).values()]
    _check_cells(parts.metadata.num_rows * len(used), name)
    return parts.read(columns=used)


def _with_polars(file: BinaryIO, columns: list[str] | None, name: str) -> object:
    import polars

    names = list(polars.read_parquet_schema(file))
    used = [names[at] for at in select(names, columns, name).values()]
    file.seek(0)
    rows = polars.scan_parquet(file).select(polars.len()).collect().item()
    _check_cells(rows * len(used), name)
    file.seek(0)
    return polars.read_parquet(file, columns=used)


def _check_cells(cells: int, name: str) -> None:
    if cells > MAX_CELLS:
        raise DataError(f"{name} has {cells} cells to read; the limit is {MAX_CELLS}")


def _neighbour(path: Path) -> str:
    try:
        known = [p.name for p in path.parent.iterdir() if p.suffix.lower() in SUFFIXES]
    except OSError:
        return f"; there is no folder {quote(str(path.parent))}"
    return closest(path.name, known)


def write_atomically(path: str | os.PathLike[str], text: Iterable[str]) -> None:
    """Write pieces of ``text`` (UTF-8) so that the old file or the whole new one is there.

    A temporary file beside it is written, synced to the disk and renamed over
    ``path``. Raises ``DataError`` if the place cannot be written.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("x", encoding="utf-8", newline="") as file:
            file.writelines(text)
            file.flush()
            os.fsync(file.fileno())
        if target.is_file():
            shutil.copymode(target, temporary)
        temporary.replace(target)
        _sync_folder(target.parent)
    except OSError as problem:
        raise DataError(f"{quote(target.name)} cannot be written: {problem.strerror}") from problem
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
