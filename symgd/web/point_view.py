"""The loss and its partial derivatives at one point.

>>> values({"problem": {"text": "x^2*y"}, "at": {"x": 3, "y": 2}})
{'value': 18.0, 'gradient': {'x': 12.0, 'y': 9.0}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from symgd.web.data_file import data_of
from symgd.web.jsonable import plain
from symgd.web.problem import FieldError, problem_of, start_of
from symgd.web.scene_view import point_of, scene_of


def values(content: Mapping[str, Any]) -> dict[str, Any]:
    """The loss and its partial derivatives at one point, component by component."""
    asked = problem_of(content)
    at = start_of(content, "at")
    if not isinstance(at, dict):
        raise FieldError("at", 'at must be an object such as {"x": 1}')
    with data_of(asked) as data:
        found = scene_of(asked, data, at)
    with np.errstate(all="ignore"):
        value, gradient = found.function(point_of(found, at, "at"))
    named = dict(zip(found.layout.names, gradient.tolist(), strict=True))
    return {"value": plain(float(value)), "gradient": plain(named)}
