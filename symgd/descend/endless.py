"""Does the loss fall for ever? Asked of a run that ends far out, or nowhere.

A ray theta + 2^j d is followed as far as numbers reach. If every doubling gains at least as much
as the one before, the loss has no lower bound; if the gains die out, it approaches a limit that
no point attains (exp(-x), a logistic loss of separable classes).

>>> import numpy as np
>>> falls(lambda t: (-float(t[0]), -np.ones(1)), np.zeros(1), np.ones(1)).name
'FOR_EVER'
>>> falls(lambda t: (float(np.exp(-t[0])), -np.exp(-t)), np.ones(1), np.ones(1)).name
'TO_A_LIMIT'
>>> falls(lambda t: (float(t[0] ** 2), 2 * t), np.ones(1), np.ones(1)).name
'NOT'
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

import numpy as np

from symgd.descend.evaluate import largest
from symgd.descend.objective import FloatArray

_DOUBLINGS = 60
_STEADY = 12


class Fall(Enum):
    """How the loss behaves along a ray."""

    NOT = auto()
    TO_A_LIMIT = auto()
    FOR_EVER = auto()


def falls(
    evaluate: Callable[[FloatArray], tuple[float, Any]], theta: FloatArray, way: FloatArray
) -> Fall:
    """How the loss goes on from ``theta`` along ``way``."""
    last = evaluate(theta)[0]
    if last == -math.inf:
        return Fall.FOR_EVER
    gain, steady = 0.0, 0
    for doubling in range(_DOUBLINGS):
        loss = evaluate(theta + 2.0**doubling * way)[0]
        if loss == -math.inf:
            return Fall.FOR_EVER
        if not loss <= last:
            steep = steady >= _STEADY and not math.isfinite(loss)
            return Fall.FOR_EVER if steep else Fall.NOT
        steady = steady + 1 if last - loss > 0.99 * gain else 0
        last, gain = loss, last - loss
    return Fall.FOR_EVER if steady >= _STEADY else Fall.TO_A_LIMIT


def where_to(
    evaluate: Callable[[FloatArray], tuple[float, Any]], start: FloatArray, theta: FloatArray
) -> tuple[Fall, FloatArray]:
    """How the loss goes on beyond ``theta`` on the way that led there from ``start``."""
    way = theta - start
    gradient = evaluate(theta)[1]
    for direction in (way, -np.asarray(gradient) * max(1.0, largest(theta))):
        if not (np.isfinite(direction).all() and direction.any()):
            continue
        found = falls(evaluate, theta, direction)
        if found is Fall.FOR_EVER:
            return found, direction
        behind, here = evaluate(theta - direction / 2)[0], evaluate(theta)[0]
        far = largest(theta) > 10.0 * (1.0 + largest(start))
        if found is Fall.TO_A_LIMIT and far and behind > here:
            return found, direction
    return Fall.NOT, way
