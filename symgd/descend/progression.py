"""Does a run still get anywhere? Windows of losses and gradient norms, compared.

A window is half as long again as the one before it, so that a slow run is judged by long
windows. A run stands still when the lowest and the highest loss of a window are those of the
window before it, and the gradient does not shrink either: near the minimum the loss stops
falling (it is flat to rounding there) long before the iterates do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from symgd.descend.objective import FloatArray
from symgd.descend.options import Settings

_FIRST = 32
_GROWTH = 1.5
_LEAST = 200  # evaluations before a verdict; ten times as many for methods with a memory
_KEPT = 3


@dataclass(frozen=True, eq=False)
class Window:
    """What one stretch of the run looked like, and where it ended."""

    low: float
    high: float
    norm: float
    last_norm: float
    theta: FloatArray
    gradient: FloatArray


class Progression:
    """The losses and norms of the current window, and a memory of the one before it."""

    def __init__(self, settings: Settings) -> None:
        self.losses: list[float] = []
        self.norms: list[float] = []
        self.window_end = _FIRST
        self.before: Window | None = None
        self._periodic = settings.textbook
        self._needed = 2 if settings.textbook else 3
        self._tolerance = 0.05 if settings.textbook else 0.01
        self._least = _LEAST if settings.steepest else 10 * _LEAST
        self._still = 0
        self.next_anchor = 0
        self.anchor_loss = math.nan
        self._anchor: FloatArray | None = None

    def repeats(self, k: int, theta: FloatArray, loss: float) -> bool:
        """Whether the iterates go round in a circle (Brent's method, exact comparison).

        Only gradient descent with a constant rate on all rows is bound to go round for ever.
        To be asked when the loss is ``anchor_loss``, and at ``next_anchor``.
        """
        known = self._anchor
        if loss == self.anchor_loss and known is not None and np.array_equal(theta, known):
            return self._periodic
        if k >= self.next_anchor:
            self.anchor_loss, self._anchor, self.next_anchor = loss, theta, 2 * k + 1
        return False

    def stagnant(self, k: int, theta: FloatArray, gradient: FloatArray) -> bool:
        """Close the window; whether several windows in a row were all alike."""
        losses, norms = self.losses, self.norms
        low, high, norm = min(losses), max(losses), min(norms)
        before = self.before
        still = False
        if before is not None:
            slack = self._tolerance * (high - low)
            still = abs(low - before.low) <= slack and abs(high - before.high) <= slack
            recent = norms[-max(2, len(norms) // 20) :]
            still = still and not (norm < before.norm and min(recent) == norm)
        self._still = self._still + 1 if still else 0
        self.before = Window(low, high, norm, norms[-1], theta, gradient)
        del losses[:-_KEPT], norms[:-_KEPT]
        self.window_end = math.ceil(_GROWTH * k) + 1
        return self._still >= self._needed and k >= self._least
