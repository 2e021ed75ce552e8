"""One column: whatever array-like it is, as a float64 array or a refusal in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from symgd.data.names import quote
from symgd.errors import DataError

FloatArray: TypeAlias = NDArray[np.float64]

_EXACT = 2**53
_NUMBER = (int, float, np.integer, np.floating, type(None))
_BLOCK = 1 << 20

# dtype kind -> what such a column holds and what to do about it
_REFUSED = {
    "b": "True and False; arithmetic on them is not arithmetic on numbers: "
    "give 0 and 1 with .astype(float)",
    "c": "complex numbers; give its real and imaginary parts as two columns",
    "O": "Python objects; give numbers, numpy.asarray(values, dtype=float)",
    "U": "text; convert numbers with .astype(float), encode classes as 0 and 1, or leave it out",
    "S": "bytes; convert them with .astype(float), or leave the column out",
    "T": "text; convert numbers with .astype(float), encode classes as 0 and 1, or leave it out",
    "M": "dates; give a number such as the days since the first: "
    "(t - t[0]) / numpy.timedelta64(1, 'D')",
    "m": "time spans; give a number in a unit: t / numpy.timedelta64(1, 's')",
    "V": "records; give each field as its own column: {name: a[name] for name in a.dtype.names}",
}


def as_column(values: object, where: str, *, matrix: bool = False) -> FloatArray:
    """``values`` as a C-contiguous, read-only float64 array: (N,), or (N, k) for a matrix.

    ``where`` names the column in messages. What is float64 already is not copied
    (a memory map stays one). ``None`` in a list is a missing value (NaN). A shape
    of (N, 1) is refused unless ``matrix`` says that one column of a matrix is meant:
    against (N,) it would broadcast to (N, N). Raises ``DataError``.

    >>> as_column([1, None, 3], "column 'x'")
    array([ 1., nan,  3.])
    """
    if isinstance(values, np.ma.MaskedArray):
        raise DataError(
            f"{where} is a masked array; give values.filled(numpy.nan) with missing='drop', "
            "or values.compressed()"
        )
    array = values if isinstance(values, np.ndarray) else _array(values, where)
    _check_shape(array, where, matrix)
    view = _floats(array, where).view()
    view.flags.writeable = False
    return view


def exact_floats(integers: NDArray[np.integer], where: str) -> FloatArray:
    """Integers as float64; ``DataError`` if one of them would lose digits.

    >>> exact_floats(np.array([2**53 + 1]), "column 'id'")
    Traceback (most recent call last):
      ...
    symgd.errors.DataError: column 'id' holds 9007199254740993, an integer beyond 2^53 \
that would become 9007199254740992; subtract an offset first, or use .astype(float)
    """
    floats = integers.astype(np.float64)
    if not integers.size or max(-int(integers.min()), int(integers.max())) <= _EXACT:
        return floats
    # NumPy compares int64 with float64 as floats, so compare the low words exactly:
    # float(v) - 2^32*(v >> 32) has no rounding and equals v & (2^32 - 1) if v lost none.
    low = floats - (integers >> 32).astype(np.float64) * 2.0**32
    lost = np.argwhere(low != (integers & 0xFFFFFFFF).astype(np.float64))
    if len(lost):
        first = int(integers[tuple(lost[0])])
        raise DataError(
            f"{where} holds {first}, an integer beyond 2^53 that would become "
            f"{int(float(first))}; subtract an offset first, or use .astype(float)"
        )
    return floats


def rows_where(column: FloatArray, *, infinite: bool) -> NDArray[np.intp]:
    """The 0-based rows that hold an infinity, or (``infinite=False``) a NaN."""
    found = []
    for start in range(0, len(column), _BLOCK):
        block = column[start : start + _BLOCK]
        if np.isfinite(block).all():
            continue
        bad = np.isinf(block) if infinite else np.isnan(block)
        rows = bad.any(axis=1) if bad.ndim == 2 else bad
        found.append(np.flatnonzero(rows) + start)
    return np.concatenate(found) if found else np.empty(0, np.intp)


def _array(values: object, where: str) -> NDArray[np.generic]:
    """A list, a tuple or an object that knows how to become an array."""
    kinds = _kinds(values) if isinstance(values, list | tuple) else set()
    if kinds & {bool, np.bool_}:
        raise DataError(f"{where} holds {_REFUSED['b']}")
    try:
        array = np.asarray(values)
    except Exception as problem:
        raise DataError(f"{where} is not an array of numbers: {problem}") from problem
    exact = array.dtype != object and not (array.dtype.kind == "f" and int in kinds)
    if exact or not kinds or not all(issubclass(kind, _NUMBER) for kind in kinds):
        return array
    numbers = [_number(value, where) for value in np.asarray(values, dtype=object).flat]
    return np.array(numbers).reshape(array.shape)


def _kinds(values: Sequence[object]) -> set[type]:
    """The types in a list, or in a list of lists."""
    kinds = set(map(type, values))
    if kinds & {list, tuple}:
        kinds |= {type(v) for row in values if isinstance(row, list | tuple) for v in row}
    return kinds - {list, tuple}


def _number(value: object, where: str) -> float:
    """One number of a list that holds ``None``, or integers beside other numbers."""
    if value is None:
        return math.nan
    try:
        number = float(value)  # type: ignore[arg-type]
    except OverflowError:
        number = math.inf
    if isinstance(value, int) and value != number:
        raise DataError(f"{where} holds {quote(value)}, which float64 cannot hold exactly")
    return number


def _check_shape(array: NDArray[np.generic], where: str, matrix: bool) -> None:
    shape = array.shape
    if array.ndim == 0:
        given = type(array.item()).__name__ if array.dtype.kind != "V" else "record"
        raise DataError(
            f"{where} is one {given}, not a column of numbers; "
            "write a constant into the formula, and give columns as arrays or lists"
        )
    if array.ndim > 2:
        raise DataError(f"{where} has shape {shape}; a column has (N,) and a matrix (N, k)")
    if array.ndim == 2 and shape[1] == 0:
        raise DataError(f"{where} has shape {shape}: a matrix without columns")
    if array.ndim == 2 and shape[1] == 1 and not matrix:
        raise DataError(
            f"{where} has shape {shape}, which beside a column of shape ({shape[0]},) would "
            f"broadcast to ({shape[0]}, {shape[0]}); give its only column, values[:, 0]"
        )


def _floats(array: NDArray[np.generic], where: str) -> FloatArray:
    kind = array.dtype.kind
    if kind in "iu":
        return np.ascontiguousarray(exact_floats(array, where))  # type: ignore[arg-type]
    if kind != "f":
        raise DataError(f"{where} holds {_REFUSED.get(kind, f'values of type {array.dtype}')}")
    if array.dtype == np.float64 and array.dtype.isnative and array.flags.c_contiguous:
        return array  # type: ignore[return-value]
    with np.errstate(over="ignore"):  # a long double too large becomes inf, refused later
        return np.ascontiguousarray(array, dtype=np.float64)
