"""Null spaces in numbers that a person can read: many zeros, small fractions.

>>> null_space(np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 0.0]]))[1].tolist()
[1.0, -1.0, 0.0]
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from symgd.descend.objective import FloatArray

_NULL = 1e-12
_SURE = 1e-11  # with small whole numbers
_VAGUE = 1e-13  # with any others: an ill-conditioned direction is not a free one
LARGEST = 64
"""The largest denominator of a number that counts as a small fraction."""


def null_space(matrix: FloatArray) -> list[FloatArray]:
    """A basis of the null space with many zeros and small whole numbers, where there is one."""
    size = np.abs(matrix).max(axis=1, keepdims=True)
    matrix = matrix / np.where(size > 0, size, 1.0)
    columns = np.abs(matrix).max(axis=0)
    idle = columns == 0
    unit = [np.asarray(np.eye(columns.size)[i]) for i in np.flatnonzero(idle)]
    kept = np.flatnonzero(~idle)
    if not kept.size:
        return unit
    scaled = matrix[:, kept] / columns[kept]
    _, values, vectors = np.linalg.svd(scaled, full_matrices=True)
    rank = int(np.count_nonzero(values > _NULL * values[0]))
    basis = vectors[rank:] / columns[kept]
    for vector in _reduced(basis):
        full = np.zeros(columns.size)
        full[kept] = vector
        unit.append(full)
    return unit


def _reduced(basis: FloatArray) -> list[FloatArray]:
    """The reduced row echelon form of ``basis`` (k, p), rounded where that is close."""
    rows = basis.copy()
    for step in range(len(rows)):
        left = rows[step:]
        sizes = np.abs(left).max(axis=0)
        open_columns = [c for c in range(rows.shape[1]) if sizes[c] > 1e-6 * np.abs(left).max()]
        column = open_columns[0]
        best = step + int(np.argmax(np.abs(left[:, column])))
        rows[[step, best]] = rows[[best, step]]
        rows[step] /= rows[step, column]
        for other in range(len(rows)):
            if other != step:
                rows[other] -= rows[other, column] * rows[step]
    return [_rounded(row) for row in rows]


def _rounded(row: FloatArray) -> FloatArray:
    """Entries next to small fractions become them; entries next to zero vanish."""
    row = np.where(np.abs(row) < 1e-8 * np.abs(row).max(), 0.0, row)
    near = [Fraction(float(v)).limit_denominator(LARGEST) for v in row]
    close = all(
        abs(float(f) - v) <= 1e-8 * max(1.0, abs(v)) for f, v in zip(near, row, strict=True)
    )
    small = all(abs(f) <= LARGEST**2 for f in near)
    return np.array([float(f) for f in near]) if close and small else row


def vanishes(matrix: FloatArray, vector: FloatArray) -> bool:
    """Whether every row is orthogonal to ``vector`` to rounding."""
    neat = np.array_equal(vector * 27720, np.round(vector * 27720))
    terms = matrix * vector
    size = np.abs(terms).max(axis=1)
    return bool(
        (np.abs(terms.sum(axis=1)) <= (_SURE if neat else _VAGUE) * np.maximum(size, 1e-300)).all()
    )
