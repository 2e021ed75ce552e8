"""The columns of a table that together are one matrix of the formula.

A table has columns of numbers only. Where a loss needs a data matrix such as ``X`` of shape
(N, p), the columns ``X0, X1, ..`` or ``x1, x2, ..`` are its columns in the order of their
numbers; without such names it is made of all columns that the formula does not name.

>>> seen = with_matrices(Asked("mean((y - X @ theta)^2)", columns=("x1", "x2", "y")))
>>> seen.columns, str(seen.matrices[0])
(('y', 'X'), 'X has the columns x1, x2')
>>> with_matrices(Asked("mean((y - m*x1)^2)", columns=("x1", "x2", "y"))).matrices
()
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from symgd.errors import SymgdError
from symgd.web.problem import Asked, model_loss

if TYPE_CHECKING:
    from symgd.formula.problem import Problem


@dataclass(frozen=True)
class Matrix:
    """A data matrix: its name, its ``columns`` in the table, its ``shape`` as text ("N,p")."""

    name: str
    columns: tuple[str, ...]
    shape: str

    def __str__(self) -> str:
        from symgd.data.names import listed

        return f"{self.name} has the columns {listed(self.columns)}"


def with_matrices(asked: Asked) -> Asked:
    """The same problem, with the columns of its table that make up a matrix of the formula.

    ``columns`` then names the columns that the formula uses, and the matrices. What is wrong
    with a formula or its data is left to be told, with its place, where they are used.
    """
    from symgd.expression import read_formula

    try:
        columns = _table_columns(asked)
        if not columns:
            return asked
        text = model_loss(replace(asked, columns=columns)) if asked.model else asked.text
        problem = read_formula(text, asked.format, shapes=asked.shapes, constants=asked.constants)
    except SymgdError:
        return asked
    found = _matrices(problem, columns)
    if not found:
        return asked
    named = {symbol.name for symbol in problem.symbols}
    return replace(
        asked,
        columns=(*(name for name in columns if name in named), *(one.name for one in found)),
        shapes={**{one.name: one.shape for one in found}, **(asked.shapes or {})},
        matrices=found,
    )


def _table_columns(asked: Asked) -> tuple[str, ...]:
    """The names of the columns: those of the request, else those of the data."""
    from symgd.data import column_names
    from symgd.web.data_file import file_of

    if asked.columns is not None:
        return asked.columns
    with file_of(asked) as path:
        return () if path is None else tuple(column_names(path))


def _matrices(problem: Problem, columns: Sequence[str]) -> tuple[Matrix, ...]:
    """The data matrices that are no column, as far as there are columns for them."""
    named = {symbol.name for symbol in problem.symbols}
    missing = [
        symbol for symbol in problem.symbols
        if symbol.role == "data" and len(symbol.shape) == 2 and symbol.name not in columns
    ]  # fmt: skip
    free = tuple(name for name in columns if name not in named)
    found = []
    for symbol in missing:
        own = _numbered(symbol.name, free) or (free if len(missing) == 1 else ())
        if own:
            found.append(Matrix(symbol.name, own, ",".join(str(size) for size in symbol.shape)))
    return tuple(found)


def _numbered(name: str, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns whose names are that of the matrix and a number, in the order of the numbers."""
    for flags in (re.NOFLAG, re.IGNORECASE):
        pattern = re.compile(rf"{re.escape(name)}_?(\d+)", flags)
        matches = [found for column in columns if (found := pattern.fullmatch(column))]
        if matches:
            return tuple(found[0] for found in sorted(matches, key=lambda found: int(found[1])))
    return ()


def table(path: str, asked: Asked) -> dict[str, Any]:
    """The columns of a file, those of a matrix side by side as an (N, p) array.

    Raises ``DataError`` for a column that is not plainly numbers.
    """
    import numpy as np

    from symgd.data import load

    inside = [column for one in asked.matrices for column in one.columns]
    names = {one.name for one in asked.matrices}
    single = [name for name in asked.columns or () if name not in names]
    whole = load(path, [*single, *inside], missing=asked.missing).columns
    matrices = {
        one.name: np.column_stack([whole[column] for column in one.columns])
        for one in asked.matrices
    }
    return {**{name: whole[name] for name in single}, **matrices}
