"""A strict reader of CSV: what is not plainly a table of decimal numbers is refused.

Excel, R and pandas guess (separators, types, an index when a row is too long);
here the header decides the separator, every row has as many cells as the header,
and every cell that is used is a decimal number or is missing.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from symgd.data.columns import FloatArray
from symgd.data.files import MAX_CELLS, open_data, start_of_text
from symgd.data.names import listed, normal, quote, select
from symgd.errors import DataError

if TYPE_CHECKING:
    from _csv import Reader

MAX_LINE = 1_000_000
MAX_COLUMNS = 10_000
_CHUNK = 50_000
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DECIMAL_BYTES = b"0123456789.+-eE "
_MISSING = {"", "na", "nan", "n/a", "null"}
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}

# What a cell that is no number looks like, and what to say about it.
_LOOKS = (
    (re.compile(r"true|false", re.I), "True and False are not numbers; write 1 and 0"),
    (re.compile(r"[+-]?inf(inity)?", re.I), "an infinite value cannot be used"),
    (re.compile(r"[+-]?[0-9]*,([0-9]{1,2}|[0-9]{4,})"), "write a decimal point, not a comma"),
    (re.compile(r"[+-]?[0-9.,' ]*[0-9]"), "write digits and one decimal point, without separators"),
    (re.compile(r"[+-]?0x[0-9a-f]+", re.I), "write it as a decimal number"),
    (re.compile(r"[+-]?[0-9_.]+"), "write digits and one decimal point, without underscores"),
    (re.compile(r".*[0-9]+[-/.:][0-9]+[-/.:][0-9]+.*"), "a date must be given as a number"),
    (re.compile(r"[^0-9]*[0-9.]+ ?%"), "write a share as a number, such as 0.05"),
)  # fmt: skip


@dataclass(frozen=True)
class Cells:
    """What a CSV file holds: its columns, the line of data row 1, and remarks."""

    columns: dict[str, FloatArray]
    first_line: int
    notes: tuple[str, ...]


def read_csv(path: Path, columns: list[str] | None) -> Cells:
    """The chosen columns of a CSV file as float64 arrays of one length, NaN where missing.

    Lines before the header that start with ``#`` are comments. Raises ``DataError``
    with the name of the file, the line and the column.
    """
    name = path.name
    with open_data(path) as file:
        names, separator, body = _opened(file, name)
        used = select(names, columns, name)
        first_line = body.line
        parts = _columns(body, used, len(names))
    notes = () if separator == "," else (f"separated by {_SEPARATORS[separator]}",)
    arrays = {key: np.concatenate([*part, np.empty(0)]) for key, part in parts.items()}
    return Cells(arrays, first_line, notes)


def csv_blocks(
    path: Path, columns: list[str] | None, rows: int
) -> Iterator[tuple[int, dict[str, FloatArray]]]:
    """The chosen columns in blocks of ``rows`` rows, with the line on which each block starts.

    However long the file is, only one block is in memory.
    """
    name = path.name
    with open_data(path) as file:
        names, _, body = _opened(file, name)
        used = select(names, columns, name)
        while chunk := body.take(rows, len(names)):
            yield body.chunk_line, {k: _numbers(chunk, at, k, body) for k, at in used.items()}


def header_of(path: Path) -> list[str]:
    """The names of the columns of a CSV file."""
    with open_data(path) as file:
        return _opened(file, path.name)[0]


def _opened(file: BinaryIO, name: str) -> tuple[list[str], str, _Body]:
    """The header, the separator, and the rows yet to be read."""
    start_of_text(file, name)
    lines = _lines(file, name)
    skipped, header = _header_line(lines, name)
    separator = _separator(header, name)
    reader = csv.reader(
        chain([header], lines), delimiter=separator, strict=True, skipinitialspace=True
    )
    body = _Body(reader, name, skipped)
    return _header(body.take(1), name, skipped + 1), separator, body


def _columns(body: _Body, used: dict[str, int], width: int) -> dict[str, list[FloatArray]]:
    parts: dict[str, list[FloatArray]] = {key: [] for key in used}
    cells = 0
    while rows := body.take(_CHUNK, width):
        cells += len(rows) * len(used)
        if cells > MAX_CELLS:
            raise DataError(f"{body.name} has more than {MAX_CELLS} cells; the limit is reached")
        for key, at in used.items():
            parts[key].append(_numbers(rows, at, key, body))
    return parts


class _Body:
    """The rows of a file in chunks, with the line on which each chunk starts."""

    def __init__(self, reader: Reader, name: str, skipped: int) -> None:
        self.reader = reader
        self.name = name
        self.skipped = skipped
        self.chunk_line = self.line = skipped + 1

    def take(self, count: int, width: int | None = None) -> list[list[str]]:
        """Up to ``count`` rows, each of ``width`` cells (empty lines at the end are no rows)."""
        self.chunk_line = self.line
        rows: list[list[str]] = []
        try:
            rows.extend(islice(self.reader, count))  # keeps the rows before an error
        except csv.Error as problem:
            at = self.line_of(rows, len(rows))
            raise DataError(f"{self.name}, line {at}: {_quoting(str(problem))}") from problem
        self.line = self.skipped + self.reader.line_num + 1
        if width is None or set(map(len, rows)) <= {width}:
            return rows
        wrong = next(i for i, row in enumerate(rows) if len(row) != width)
        if not any(rows[wrong:]) and not self._more():
            return rows[:wrong]
        at = self.line_of(rows, wrong)
        raise DataError(f"{self.name}, line {at}{_row_length(rows[wrong], width)}")

    def _more(self) -> bool:
        try:
            return any(self.reader)
        except csv.Error:
            return True

    def line_of(self, rows: list[list[str]], index: int) -> int:
        """The line on which row ``index`` of the current chunk starts."""
        inside = sum(cell.count("\n") for row in rows[:index] for cell in row)
        return self.chunk_line + index + inside


def _lines(file: BinaryIO, name: str) -> Iterator[str]:
    for number, raw in enumerate(iter(partial(file.readline, MAX_LINE + 1), b""), 1):
        if len(raw) > MAX_LINE:
            raise DataError(f"{name}, line {number} is longer than {MAX_LINE} bytes")
        if b"\0" in raw:
            raise DataError(f"{name}, line {number} holds a NUL byte: the file is not plain text")
        try:
            yield raw.decode()
        except UnicodeDecodeError as problem:
            raise DataError(
                f"{name}, line {number}: byte {problem.start + 1} is not UTF-8; "
                "save the file as UTF-8"
            ) from problem


def _header_line(lines: Iterator[str], name: str) -> tuple[int, str]:
    """How many lines stand before the header, and the header."""
    for skipped, line in enumerate(lines):
        if line.strip() and not line.startswith("#"):
            return skipped, line
    raise DataError(f"{name} is empty; a header of names and rows of numbers are needed")


def _separator(header: str, name: str) -> str:
    found = [mark for mark in ";\t" if mark in header]
    if "," in header or not found:
        return ","
    if len(found) == 2:
        raise DataError(f"{name}: the header holds tabs and semicolons; separate with commas")
    return found[0]


def _header(rows: list[list[str]], name: str, line: int) -> list[str]:
    names = [normal(cell.strip()) for cell in rows[0]]
    if len(names) > MAX_COLUMNS:
        raise DataError(f"{name} has {len(names)} columns; the limit is {MAX_COLUMNS}")
    if all(_DECIMAL.fullmatch(cell) for cell in names):
        raise DataError(
            f"{name}, line {line}: a header is needed, such as x,y; found {listed(names, 4)}"
        )
    if len(set(names)) < len(names):
        twice = next(cell for cell in names if names.count(cell) > 1)
        raise DataError(f"{name}, line {line}: the column {quote(twice)} is there twice")
    return names


def _row_length(row: list[str], width: int) -> str:
    if not row:
        return " is empty; a row is needed, or the end of the file"
    if row[0].startswith("#"):
        return ": comments may stand only before the header"
    cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
    hint = "; write a decimal point, not a comma" if len(row) == 2 * width else ""
    return f" has {cells}, the header has {width}{hint}"


def _quoting(problem: str) -> str:
    if "unexpected end" in problem or "field larger" in problem:
        return "a quote is opened here and not closed (or the cell is too long)"
    if "new-line" in problem:
        return "a carriage return stands alone; save the file with line feeds"
    return f"quotes are not closed before the separator ({problem})"


def _numbers(rows: list[list[str]], at: int, name: str, body: _Body) -> FloatArray:
    cells = [row[at] for row in rows]
    # float() also reads 1_000, nan, inf and other digits; none of them passes this filter.
    if not "".join(cells).encode().translate(None, _DECIMAL_BYTES):
        try:
            array = np.fromiter(map(float, cells), np.float64, len(cells))
        except ValueError:
            pass
        else:
            if np.isfinite(array).all():
                return array
    array = np.empty(len(cells))
    for index, cell in enumerate(cells):
        text = cell.strip()
        array[index] = value = _number(text)
        if value in (np.inf, -np.inf):
            where = f"{body.name}, line {body.line_of(rows, index)}, column {quote(name)}"
            raise DataError(f"{where}: {quote(cell)} is not a finite decimal number{_advice(text)}")
    return array


def _number(text: str) -> float:
    """The number; NaN if it is missing, infinity if it is neither."""
    if _DECIMAL.fullmatch(text):
        return float(text)
    return np.nan if text.lower() in _MISSING else np.inf


def _advice(text: str) -> str:
    if _DECIMAL.fullmatch(text):
        return "; it is too large for float64"
    for pattern, words in _LOOKS:
        if pattern.fullmatch(text):
            return f"; {words}"
    return "; encode text as numbers, or leave the column out"
