"""``weights`` and ``sigma``: a column of the data that holds them, and a factor of the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from symgd.compile.columns import WithData
from symgd.data import column_names, load
from symgd.errors import DataError, OptionError
from symgd.fit.losses import LOSSES, weighted

_WEIGHT = "row_weight"


def with_weights(
    loss: str, data: Any, names: frozenset[str], weights: Any, sigma: Any, used: list[str],
    missing: str,
) -> tuple[str, Any, frozenset[str], str | None]:  # fmt: skip
    """The loss with its weights, and data that hold them; also the weight as a formula."""
    if weights is None and sigma is None:
        return LOSSES.get(loss, loss), data, names, None
    if weights is not None and sigma is not None:
        raise OptionError("give weights or sigma, not both: weights are 1/sigma^2")
    what, given = ("weights", weights) if weights is not None else ("sigma", sigma)
    if isinstance(given, str):
        if given not in names:
            raise OptionError(
                f"{what}={given!r} is no column of the data: there are {', '.join(sorted(names))}"
            )
        column = given
    else:
        column = _WEIGHT
        if column in names:
            raise OptionError(f"{what}: the data has a column {column}, which is in the way")
        data = _joined(data, given, what, used, missing)
        names = frozenset(column_names(data))
    factor = column if what == "weights" else f"1/{column}^2"
    return weighted(loss, factor), data, names, factor


def check_weights(found: WithData, weights: Any, sigma: Any) -> None:
    """Refuse weights below zero and errors that are not above."""
    given = weights if weights is not None else sigma
    if given is None:
        return
    values = np.asarray(found.columns[given if isinstance(given, str) else _WEIGHT])
    wrong = values < 0 if weights is not None else values <= 0
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        what = "weights must not be negative" if weights is not None else "sigma must be above zero"
        raise DataError(f"{what}: row {row + 1} has {values[row]:g}")
    if not values.any():
        raise DataError("weights are all zero: there is nothing to fit")


def named(error: DataError, what: str) -> DataError:
    """The error with the option that was given in the place of its column."""
    text = str(error).replace(f"column '{_WEIGHT}'", what).replace(_WEIGHT, what)
    return DataError(text)


def _joined(data: Any, given: Any, what: str, used: list[str], missing: str) -> Any:
    """The data with the weights as one more column."""
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise OptionError(f"{what} must be a column name or numbers, not {given!r}") from None
    if array.ndim != 1:
        raise OptionError(f"{what} must be one number for each row, not of shape {array.shape}")
    if isinstance(data, Mapping):
        return {**data, _WEIGHT: array}
    table = load(data, used, missing=missing)
    if table.dropped:
        raise DataError(f"rows were dropped: give {what} as a column, so that they stay together")
    return {**table.columns, _WEIGHT: array}
