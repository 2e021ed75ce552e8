"""pandas, polars and pyarrow tables, read through narwhals (imported only here)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from symgd.data.columns import FloatArray, as_column, exact_floats
from symgd.data.names import listed, quote, select
from symgd.errors import DataError

if TYPE_CHECKING:
    import narwhals as nw

_PLAIN = (np.ndarray, list, tuple, range, str, bytes, int, float)


def read_frame(frame: object, columns: list[str] | None, source: str) -> dict[str, FloatArray]:
    """The chosen columns of a table, by position (an index is never used to align).

    Raises ``DataError`` for an object that is no table and for columns that are
    not numbers.
    """
    eager, names = _opened(frame, source)
    chosen = select(names, columns, source)
    return {
        name: as_column(
            _series_array(eager.get_column(names[at]), f"{source}, column {quote(name)}"),
            f"{source}, column {quote(name)}",
        )
        for name, at in chosen.items()
    }


def frame_names(frame: object, source: str) -> list[str]:
    """The names of the columns of a table."""
    return [str(name) for name in _opened(frame, source)[1]]


def _opened(frame: object, source: str) -> tuple[Any, list[Any]]:
    """The table behind narwhals, and the names of its columns."""
    import narwhals as nw

    try:
        table = nw.from_native(frame)  # type: ignore[call-overload]
        eager = table.collect() if isinstance(table, nw.LazyFrame) else table
        return eager, list(eager.columns)
    except nw.exceptions.DuplicateError as problem:
        raise DataError(f"{source}: two columns have the same name; rename one") from problem
    except Exception as problem:
        raise DataError(
            f"{source} cannot be read as data: give a mapping name -> array, a pandas, polars or "
            "pyarrow table, or the path of a .csv or .parquet file"
        ) from problem


def plain_array(values: object, where: str) -> object:
    """A Series of a table library as a NumPy array; anything else as it is."""
    if isinstance(values, _PLAIN) or values is None:
        return values
    import narwhals as nw

    series = nw.from_native(values, series_only=True, pass_through=True)
    return _series_array(series, where) if isinstance(series, nw.Series) else values


def _series_array(series: nw.Series[Any], where: str) -> object:
    """Numbers as a NumPy array with NaN for null; ``DataError`` for anything else."""
    import narwhals as nw

    kind = series.dtype
    if isinstance(kind, nw.Categorical | nw.Enum):
        classes = listed(map(quote, series.unique(maintain_order=True).to_list()), 4)
        raise DataError(
            f"{where} holds classes ({classes}), not numbers; encode it as one column of 0 and 1 "
            "per class (get_dummies in pandas, to_dummies in polars), or leave it out"
        )
    if isinstance(kind, nw.Boolean):
        raise DataError(f"{where} holds True and False; give 0 and 1, cast to a float")
    if not kind.is_numeric():
        return _not_numeric(series, where)
    missing = int(series.null_count())
    if not missing and not kind.is_decimal():
        return series.to_numpy()
    gaps = series.is_null().to_numpy()
    filled = series.fill_null(0)
    if kind.is_integer():
        floats = exact_floats(filled.to_numpy(), where)
    else:
        floats = np.array(filled.cast(nw.Float64).to_numpy())
    floats[gaps] = np.nan
    return floats


def _not_numeric(series: nw.Series[Any], where: str) -> object:
    import narwhals as nw

    kind = series.dtype
    if isinstance(kind, nw.Unknown):  # complex, sparse and other types of pandas
        array = series.to_numpy()
        if array.dtype.kind in "iufc":
            return array
    words = "text" if isinstance(kind, nw.String) else f"values of type {kind}"
    advice = {
        nw.String: "convert numbers to a float type, encode classes as 0 and 1",
        nw.Object: "convert numbers to a float type (to_numeric in pandas)",
        nw.Datetime: "give a number such as the days since the first",
        nw.Date: "give a number such as the days since the first",
        nw.Duration: "give a number in a unit, such as seconds",
    }.get(type(kind), "give numbers")
    raise DataError(f"{where} holds {words}, not numbers; {advice}, or leave the column out")
