"""Numbers and arrays as JSON can hold them, and paths thinned to what a picture needs.

>>> import numpy as np
>>> plain(np.array([1.0, np.nan, np.inf]))
[1.0, None, None]
>>> kept(10, 4).tolist()
[0, 1, 6, 9]
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symgd.descend.objective import FloatArray, IntArray


def plain(value: Any) -> Any:
    """Numbers, arrays and mappings of them for JSON; what is not finite becomes ``None``."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind != "f" or np.isfinite(value).all():
            return value.tolist()
        value = value.tolist()
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def kept(count: int, most: int) -> IntArray:
    """At most ``most`` of ``count`` places: the first ones densely, the later ones evenly.

    A descent does most of its way in its first steps, and the last place is always among them.
    """
    if count <= most:
        return np.arange(count)
    first = most // 2
    later = np.linspace(first, count - 1, most - first + 1)[1:]
    return np.concatenate([np.arange(first), np.unique(later.round().astype(np.intp))])[-most:]


def evenly(count: int, most: int) -> IntArray:
    """At most ``most`` of ``count`` places, evenly, with the first and the last."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.intp))


def significant(values: FloatArray, digits: int = 6) -> list[float | None]:
    """Each value to so many digits of its own; ``None`` for what is not finite.

    >>> significant(np.array([123.456789, 1.23456789e-9, np.nan]), 3)
    [123.0, 1.23e-09, None]
    """
    known = np.isfinite(values).tolist()
    pairs = zip(values.tolist(), known, strict=True)
    return [float(f"{value:.{digits}g}") if fine else None for value, fine in pairs]


def rounded(values: FloatArray, digits: int = 9) -> list[Any]:
    """Values for a picture, to so many digits of the largest: shorter on the way."""
    known = np.abs(values[np.isfinite(values)])
    largest = float(known.max()) if known.size else 0.0
    if largest == 0.0:
        return list(plain(values))
    places = digits - 1 - math.floor(math.log10(largest))
    if not -300 < places < 300:
        return list(plain(values))
    return list(plain(np.round(values, places)))
