r"""Inner products of columns without rounding errors: sums that do not depend on how rows are cut.

Every column of a block of :data:`ROWS` rows is cut into three slices of 20 bits each,
x = x1 + x2 + x3 (exactly, down to 2^-60 of the column's largest entry). Products of slices are
whole multiples of one power of two, and so are their sums over the block: below 2^53 of them,
so that a matrix product by BLAS, in whatever order, makes no rounding error at all (Ozaki,
Ogita, Oishi & Rump, "Error-free transformations of matrix multiplication", Numer. Algorithms
59 (2012) 95). The sums of the blocks are added as pairs (high, low) of doubles, 106 bits.

Normal equations J'J then lose nothing to speak of, although their condition is the square of
that of J: their triangle R is computed with 400 bits and carries the digits of the data.

>>> x = np.array([[1e8 + 1.0, 1e8 + 2.0], [1.0, 1.0]])
>>> high, low = gram(x)
>>> int(high[0, 0]) + int(low[0, 0]) == (10**8 + 1)**2 + (10**8 + 2)**2
True
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgd.data.columns import FloatArray

ROWS = 1 << 13
BITS = 20
SLICES = 3
_PRECISION = 400
_NOTHING = 2.0**-96
"""A pivot that is smaller than this share of its column is what the pairs leave of zero."""

_LARGEST = 2.0**500

Pair = NDArray[np.float64]
"""(2, ...): a sum and its rounding error."""


def gram(columns: FloatArray) -> Pair:
    """X'X as a pair (2, k, k) for the columns X' (k, n); nan where an entry is not finite."""
    return folded(sliced_gram(columns))


def sliced_gram(columns: FloatArray) -> Pair:
    """The inner products of all slices of the columns (k, n), (2, 3k, 3k): what is added up."""
    k, n = columns.shape
    total = np.zeros((2, SLICES * k, SLICES * k))
    for begin in range(0, n, ROWS):
        sliced = _sliced(columns[:, begin : begin + ROWS])
        if sliced is None:
            return np.full(total.shape, np.nan)
        accumulate(total, sliced @ sliced.T)
    return total


def chosen(total: Pair, places: list[int], signs: list[float]) -> Pair:
    """The inner products of columns that are, up to their sign, those at ``places``."""
    k = total.shape[1] // SLICES
    index = np.concatenate([np.array(places) + s * k for s in range(SLICES)])
    sign = np.tile(signs, SLICES)
    found: Pair = total[:, index[:, None], index[None, :]] * np.outer(sign, sign)
    return found


def _sliced(columns: FloatArray) -> FloatArray | None:
    """The slices of all columns, the leading ones first, (3k, rows); overwritten by the next.

    None if an entry is not finite, or so large that its square is not.
    """
    k, n = columns.shape
    top = np.maximum(columns.max(axis=1), -columns.min(axis=1))
    if not (top < _LARGEST).all():
        return None
    exponent = np.frexp(top)[1]
    slices, rest = buffer("slices", (SLICES * k, n)), buffer("rest", (k, n))
    np.copyto(rest, columns)
    for index in range(SLICES):
        shift = np.ldexp(1.5, exponent - (index + 1) * BITS + 52)[:, None]
        part = slices[index * k : (index + 1) * k]
        np.add(rest, shift, out=part)
        part -= shift
        if index + 1 < SLICES:
            rest -= part
    return slices


_OWN = threading.local()


def buffer(name: str, shape: tuple[int, int]) -> FloatArray:
    """An array of this thread that is used again and again: fresh memory costs more than sums."""
    known: dict[str, FloatArray] = _OWN.__dict__
    found = known.get(name)
    if found is None or found.shape != shape:
        found = known[name] = np.empty(shape)
    return found


def folded(total: Pair) -> Pair:
    """The sums over all pairs of slices, (2, k, k)."""
    k = total.shape[1] // SLICES
    found = np.zeros((2, k, k))
    for i in range(SLICES):
        for j in range(SLICES):
            part = total[:, i * k : (i + 1) * k, j * k : (j + 1) * k]
            found = join(found, part)
    return found


def accumulate(total: Pair, part: FloatArray) -> None:
    """Add numbers to a pair in its place, with the error of the addition kept."""
    high = total[0]
    new = high + part
    back = new - high
    total[1] += (high - (new - back)) + (part - back)
    total[0] = new


def join(total: Pair, other: Pair) -> Pair:
    """The sum of two pairs."""
    found = total.copy()
    accumulate(found, other[0])
    found[1] += other[1]
    return found


def triangle(matrix: Any) -> NDArray[np.longdouble]:
    """R (k, k) in extended precision with R'R = ``matrix``, a list of rows of flint ``arb``.

    A column that depends on those before it has 0 on the diagonal.
    """
    from flint import arb, ctx

    size = len(matrix)
    before, ctx.prec = ctx.prec, _PRECISION
    try:
        upper = [[arb(0)] * size for _ in range(size)]
        for j in range(size):
            for i in range(j + 1):
                rest = matrix[i][j]
                for m in range(i):
                    rest -= upper[m][i] * upper[m][j]
                upper[i][j] = _entry(rest, upper[i][i], i == j, matrix[j][j])
        return np.array([[_long(value) for value in row] for row in upper])
    finally:
        ctx.prec = before


def _entry(rest: Any, pivot: Any, diagonal: bool, size: Any) -> Any:
    """One entry of R: the root of what is left of a pivot, or a quotient by one."""
    if diagonal:
        return rest.mid().sqrt() if rest.mid() > size.mid() * _NOTHING else rest * 0
    return (rest / pivot).mid() if pivot.mid() > 0 else rest * 0


def combined(pairs: list[Pair], weights: list[float]) -> Any:
    """sum_t weights_t * pairs_t as rows of ``arb``, without rounding to speak of."""
    from flint import arb, ctx

    before, ctx.prec = ctx.prec, _PRECISION
    try:
        size = pairs[0].shape[-1]
        rows = [[arb(0)] * size for _ in range(size)]
        for pair, weight in zip(pairs, weights, strict=True):
            for i in range(size):
                for j in range(size):
                    value = arb(float(pair[0, i, j])) + arb(float(pair[1, i, j]))
                    rows[i][j] = (rows[i][j] + arb(weight) * value).mid()
        return rows
    finally:
        ctx.prec = before


def _long(value: Any) -> np.longdouble:
    """An ``arb`` in extended precision."""
    high = float(value.mid())
    return np.longdouble(high) + np.longdouble(float((value - high).mid()))
