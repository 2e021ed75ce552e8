"""Inner products of the rows of a sum of squares, and how those of two blocks are joined."""

from __future__ import annotations

import numpy as np

from symgd.data.columns import FloatArray
from symgd.scale import exact
from symgd.scale.parts import Block
from symgd.scale.rows import Rows

EXACT = 16
"""Columns up to which they are exact."""


def products(
    rows: Rows, theta: FloatArray, block: Block, numbers: FloatArray
) -> list[FloatArray]:
    """The inner products of a block, for every row term: pairs (2, 3k, 3k), or R (1, k, k)."""
    found: list[FloatArray] = []
    for columns in rows.blocks(theta, block, numbers):
        made = [_product(c) for c in columns]
        found = made if not found else [merge(a, b) for a, b in zip(found, made, strict=True)]
    return found


def _product(columns: FloatArray) -> FloatArray:
    if len(columns) > EXACT:
        return _triangle(columns.T)
    places, signs, different = _different(columns)
    return exact.chosen(exact.sliced_gram(columns[different]), places, signs)


def _different(columns: FloatArray) -> tuple[list[int], list[float], list[int]]:
    """Which columns are another one or its negative: places, signs, and the different ones.

    The slope of y - (m*x + b) by b is -1, and at 0 the residual is the target: of five columns
    three are left.
    """
    places: list[int] = []
    signs: list[float] = []
    different: list[int] = []
    for k, column in enumerate(columns):
        found = [_sign(column, columns[other]) for other in different]
        place = next((p for p, sign in enumerate(found) if sign), len(different))
        if place == len(different):
            different.append(k)
            found.append(1.0)
        places.append(place)
        signs.append(found[place])
    return places, signs, different


def _sign(column: FloatArray, other: FloatArray) -> float:
    """1 or -1 if ``column`` is that times ``other``, else 0."""
    if column[0] == other[0] and np.array_equal(column, other):
        return 1.0
    return -1.0 if column[0] == -other[0] and np.array_equal(column, -other) else 0.0


def _triangle(rows: FloatArray) -> FloatArray:
    k = rows.shape[1]
    if not np.isfinite(rows).all():
        return np.full((1, k, k), np.nan)
    upper = np.linalg.qr(rows, mode="r")
    full = np.zeros((1, k, k))
    full[0, : len(upper)] = upper
    return full


def merge(a: FloatArray, b: FloatArray) -> FloatArray:
    """The inner products of the rows of both."""
    if len(a) == 2:
        return exact.join(a, b)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return a + b
    return _triangle(np.vstack([a[0], b[0]]))
