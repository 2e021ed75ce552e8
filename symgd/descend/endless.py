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
    TO_THE_EDGE = auto()
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


def edge_along(
    evaluate: Callable[[FloatArray], tuple[float, Any]], theta: FloatArray, way: FloatArray
) -> FloatArray | None:
    """The way from ``theta`` to where the loss stops being a finite number, if it does."""
    inside, outside = 0.0, 1.0
    while math.isfinite(evaluate(theta + outside * way)[0]):
        inside, outside = outside, 16.0 * outside
        if outside > 1e10:
            return None
    if evaluate(theta + outside * way)[0] == -math.inf:
        return None
    for _ in range(80):
        middle = (inside + outside) / 2
        if math.isfinite(evaluate(theta + middle * way)[0]):
            inside = middle
        else:
            outside = middle
    return inside * way


def towards(
    evaluate: Callable[[FloatArray], tuple[float, Any]], theta: FloatArray, edge: FloatArray
) -> Fall:
    """How the loss behaves on the way to an edge of its domain that is near."""
    if largest(edge) > 1e-3 * (1.0 + largest(theta)):
        return Fall.NOT
    last, gain, steady = evaluate(theta)[0], 0.0, 0
    for halving in range(1, 40):
        loss = evaluate(theta + (1.0 - 0.5**halving) * edge)[0]
        if not loss < last:
            break
        steady = steady + 1 if last - loss > 0.99 * gain else 0
        last, gain = loss, last - loss
    else:
        return Fall.FOR_EVER if steady >= _STEADY else Fall.TO_THE_EDGE
    return Fall.NOT


def where_to(
    evaluate: Callable[[FloatArray], tuple[float, Any]], start: FloatArray, theta: FloatArray
) -> tuple[Fall, FloatArray]:
    """How the loss goes on beyond ``theta`` on the way that led there from ``start``."""
    way = theta - start
    gradient = evaluate(theta)[1]
    for direction in (way, -np.asarray(gradient) * max(1.0, largest(theta))):
        if not (np.isfinite(direction).all() and direction.any()):
            continue
        edge = edge_along(evaluate, theta, direction)
        if edge is not None:
            found = towards(evaluate, theta, edge)
            here, at_it = evaluate(theta)[0], largest(edge) <= 1e-9 * (1.0 + largest(theta))
            if found is Fall.NOT and at_it and evaluate(theta - 1e-6 * direction)[0] > here:
                found = Fall.TO_THE_EDGE
            if found is not Fall.NOT:
                return found, direction
            continue
        found = falls(evaluate, theta, direction)
        if found is Fall.FOR_EVER:
            return found, direction
        behind, here = evaluate(theta - direction / 2)[0], evaluate(theta)[0]
        far = largest(theta) > 10.0 * (1.0 + largest(start))
        if found is Fall.TO_A_LIMIT and far and behind > here:
            return found, direction
    return Fall.NOT, way
