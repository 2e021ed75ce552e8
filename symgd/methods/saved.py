"""Values of a run as JSON can hold them, and back, bit by bit.

>>> restored(plain((np.array([0.1, np.inf]), 2, None)))
(array([0.1, inf]), 2, None)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from symgd.errors import OptionError


def plain(value: Any) -> Any:
    """Numbers, text, arrays, tuples, lists and mappings of them for JSON.

    Floats are written by ``repr``; what is not finite becomes text. Raises
    :class:`~symgd.errors.OptionError` for anything else.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, np.floating | np.integer | np.bool_):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf":
        numbers = [v if math.isfinite(v) else repr(v) for v in value.ravel().tolist()]
        return {"array": numbers, "shape": list(value.shape), "kind": value.dtype.str}
    if isinstance(value, tuple):
        return {"tuple": [plain(item) for item in value]}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {"items": {key: plain(item) for key, item in value.items()}}
    raise OptionError(f"a {type(value).__name__} in the state of the run cannot be saved")


def restored(value: Any) -> Any:
    """What :func:`plain` was given."""
    if isinstance(value, list):
        return [restored(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "float" in value:
        return float(value["float"])
    if "array" in value:
        kind = np.dtype(value["kind"])
        convert = float if kind.kind == "f" else int
        flat = np.array([convert(v) for v in value["array"]], dtype=kind)
        return flat.reshape(value["shape"])
    if "tuple" in value:
        return tuple(restored(item) for item in value["tuple"])
    return {key: restored(item) for key, item in value["items"].items()}
