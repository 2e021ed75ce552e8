r"""What a schedule does that starts above the stable limit: the error grows first, then shrinks.

Along the steepest direction the error is multiplied by |1 - eta_t*L|, which is above 1 as long
as eta_t > 2/L. For eta_t = lr0/(1 + decay*t) that is until t = (lr0*L/2 - 1)/decay.

>>> turn = turning_point(lambda t: 0.05/(1 + 0.01*t), 68.85)
>>> round(turn.time, 1), turn.step, f"{turn.log10_peak:.1f}"
(72.1, 73.0, '13.7')
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgd.diagnose.prediction import rates

_FAR = 1e15
_COUNTED = 2_000_000


@dataclass(frozen=True)
class Turn:
    """Where growth ends: ``time`` is the real t at which eta_t = 2/L, ``step`` the peak.

    ``log10_peak`` is the power of ten by which the error along the steepest direction has grown
    at the peak. ``time`` is 0 for a schedule that never is above the limit, inf for one that
    stays above it.
    """

    time: float
    step: float
    log10_peak: float

    @property
    def grows(self) -> bool:
        """Whether the error grows at all before it shrinks."""
        return self.time > 0.0

    @property
    def overflows(self) -> bool:
        """Whether the loss at the peak is beyond the largest double."""
        return self.log10_peak > 150.0


def turning_point(schedule: Callable[[Any], float], curvature: float) -> Turn:
    """Where a schedule that falls comes below the stable limit 2/L for the curvature L > 0."""
    limit = 2.0 / curvature
    if not float(schedule(0)) > limit:
        return Turn(0.0, 0.0, 0.0)
    high = 1.0
    while float(schedule(high)) > limit:
        high *= 2.0
        if high > _FAR:
            return Turn(math.inf, math.inf, math.inf)
    low = high / 2.0 if high > 1.0 else 0.0
    while high - low > 1e-9 * high:
        middle = (low + high) / 2.0
        low, high = (middle, high) if float(schedule(middle)) > limit else (low, middle)
    step = math.ceil(high * (1.0 - 2e-9))
    return Turn(high, float(step), _growth(schedule, curvature, step))


def _growth(schedule: Callable[[Any], float], curvature: float, steps: int) -> float:
    """log10 of the product of eta_t*L - 1 over the steps before the peak."""
    if steps <= _COUNTED:
        factors = np.abs(1.0 - rates(schedule, 0, steps) * curvature)
        return float(np.log10(np.maximum(factors, 1e-300)).sum())
    times = np.linspace(0.0, steps - 1.0, 4001)
    values = np.array([abs(1.0 - float(schedule(t)) * curvature) for t in times])
    return float(np.trapezoid(np.log10(np.maximum(values, 1e-300)), times))
