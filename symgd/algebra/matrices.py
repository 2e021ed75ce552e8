"""Inverse and determinant in normal form: by index where the size is a name, else written out."""

from __future__ import annotations

from symgd.algebra.field import GaveUp, Index, Place, Rat, digest
from symgd.algebra.rename import renamed
from symgd.algebra.sums import COLUMN, ROW

MAX_WRITTEN_OUT = 4


def matrix_atom(op: str, entry: Rat, *places: Place) -> Rat:
    """``inv`` at two places or ``det`` of the matrix whose entry at (ROW, COLUMN) is given.

    The inverse of a transpose is the transpose of the inverse, so of a matrix and
    its transpose one is chosen.
    """
    field = entry.field
    flipped = renamed(entry, {ROW: COLUMN, COLUMN: ROW})
    if flipped.key < entry.key:
        entry, places = flipped, places[::-1]
    elif flipped.key == entry.key:
        places = tuple(sorted(places, key=str))
    inner = entry.free - {ROW, COLUMN}
    free = inner | {p.base for p in places if isinstance(p, Index)}
    key = f"{op}[{','.join(map(str, places))}]:{digest(entry.key)}"
    return field.of_atom("matrix", key, (op, entry, *places), free, entry.slots)


def determinant(rows: list[list[Rat]]) -> Rat:
    """The determinant by cofactors along the first row."""
    if len(rows) > MAX_WRITTEN_OUT:
        raise GaveUp("a determinant of more than 4 rows")
    if len(rows) == 1:
        return rows[0][0]
    result = rows[0][0].field.zero
    for j, value in enumerate(rows[0]):
        if not value.is_zero():
            part = value * determinant(_minor(rows, 0, j))
            result = result - part if j % 2 else result + part
    return result


def inverse(rows: list[list[Rat]]) -> list[list[Rat]]:
    """The inverse by the adjugate."""
    whole = determinant(rows)
    n = len(rows)
    if n == 1:
        return [[1 / whole]]
    return [
        [determinant(_minor(rows, j, i)) * (-1) ** (i + j) / whole for j in range(n)]
        for i in range(n)
    ]


def _minor(rows: list[list[Rat]], i: int, j: int) -> list[list[Rat]]:
    return [[v for c, v in enumerate(row) if c != j] for r, row in enumerate(rows) if r != i]
