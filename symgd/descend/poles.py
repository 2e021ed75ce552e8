r"""Poles: does the loss fall to minus infinity at a point that is near?

Beside a pole of 1/x, -1/|x| or log|x| a descent comes to rest where its steps become too small to
be told apart. The lowest point near is found by golden sections along the gradient, and the loss
is looked at on the way to it: at a minimum it gains less with every decade that is nearer (a tenth
at |x|, a third at sqrt|x|), at a pole as much as in the decade before, or more.

>>> import numpy as np
>>> def loss(x):
...     return float(np.log(abs(x[0] - 2))), 1.0 / (x - 2)
>>> falls_into_pole(loss, np.array([1.0]), np.array([2 - 1e-9]))
True
>>> falls_into_pole(lambda x: (float(abs(x[0])), np.sign(x)), np.ones(1), np.array([1e-9]))
False
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from symgd.descend.evaluate import largest
from symgd.descend.objective import FloatArray

_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_WIDENINGS = 60
_SECTIONS = 250
_FIRST, _LAST, _LEAST = -4, -13, -25
_AS_MUCH = 0.9

Line = Callable[[float], float]


def falls_into_pole(
    evaluate: Callable[[FloatArray], tuple[float, Any]], start: FloatArray, theta: FloatArray
) -> bool:
    """Whether the loss is not bounded below on the line along the gradient near ``theta`` (p,).

    The run that ended in ``theta`` came from ``start`` (p,), which gives the scale.
    """
    here, gradient = evaluate(theta)
    slope = largest(np.asarray(gradient))
    if not (math.isfinite(here) and 0.0 < slope < math.inf):
        return False
    way = -np.asarray(gradient) / slope

    def loss(distance: float) -> float:
        with np.errstate(all="ignore"):
            found = evaluate(theta + distance * way)[0]
        return math.inf if math.isnan(found) else found

    bracket = _bracket(loss, here, abs(here) / slope)
    if bracket is None:
        return False
    lowest = _lowest(loss, *bracket)
    size = max(largest(theta), largest(theta - start))
    least = max(_LEAST, _LAST if largest(theta + lowest * way) > 1e-6 * size else _LEAST)
    sides = (1.0, -1.0)
    return loss(lowest) == -math.inf or any(_steady(loss, lowest, s * size, least) for s in sides)


def _bracket(loss: Line, here: float, size: float) -> tuple[float, float, float] | None:
    """Distances a < b < c with the loss at b below those at a and c; None if it falls on."""
    behind, before, last = 0.0, 0.0, here
    distance = 1e-3 * size or 1e-300
    for _ in range(_WIDENINGS):
        now = loss(distance)
        if now >= last:
            return (behind, before, distance) if before > 0.0 else (0.0, 0.5 * distance, distance)
        behind, before, last, distance = before, distance, now, 2.0 * distance
    return None


def _lowest(loss: Line, low: float, middle: float, high: float) -> float:
    """Where golden sections of the bracket lead."""
    best = loss(middle)
    for _ in range(_SECTIONS):
        right = high - middle > middle - low
        gap = high - middle if right else middle - low
        point = middle + (1.0 - _GOLDEN) * (gap if right else -gap)
        if not low < point < high or point == middle:
            break
        value = loss(point)
        if value < best:
            low, high = (middle, high) if right else (low, middle)
            middle, best = point, value
        else:
            low, high = (low, point) if right else (point, high)
    return middle


def _steady(loss: Line, lowest: float, size: float, least: int) -> bool:
    """Whether every decade nearer to ``lowest`` gains about as much as the one before."""
    losses = [loss(lowest + size * 10.0**k) for k in range(_FIRST, least - 1, -1)]
    gains = [before - after for before, after in pairwise(losses)]
    if not all(math.isfinite(gain) and gain > 0.0 for gain in gains):
        return False
    return all(after >= _AS_MUCH * before for before, after in pairwise(gains))
