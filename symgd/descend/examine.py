"""When to examine a point: rarely enough to cost little, soon enough not to run on.

An examination costs a Hessian. Between examinations the last inverse Hessian P gives the error
|P g| for nothing, and two such values give the pace at which it shrinks, so that the next look
comes a quarter of the way before the error is expected to be small enough.
"""

from __future__ import annotations

import math

from symgd.descend.certify import DENSE, Certifier
from symgd.descend.estimate import Estimate
from symgd.descend.evaluate import Evaluator, largest
from symgd.descend.objective import FloatArray

_SHARE = 0.2


class Examiner:
    """Asks a :class:`Certifier` for the error of the iterates of one run, now and then.

    ``target`` is the error that is good enough.
    """

    def __init__(self, evaluate: Evaluator, certifier: Certifier, target: float) -> None:
        self.certifier = certifier
        self.target = target
        self._evaluate = evaluate
        self._inverse: FloatArray | None = None
        self._factor = 1.0
        self._at = 0
        self._error = math.inf
        self._norm = 1.0
        self._last_look, self._last_error = 0, math.inf
        self._next_look = 0
        self._spent = 0
        self._idle = False

    @property
    def next_look(self) -> int:
        """The evaluation before which a point with a slope is not examined."""
        return self._next_look

    def estimate(self, k: int, theta: FloatArray, gradient: FloatArray) -> Estimate | None:
        """The estimate at the k-th full evaluation, or None if now is not the time."""
        norm = largest(gradient)
        if k < self._next_look and (norm > 0.0 or self._idle):
            return None
        error = self._guess(gradient, norm)
        if error > self.target:
            stale = k >= 2 * self._at or error < 0.1 * self._error
            if not stale or self._spent > self._allowed(k):
                self._plan(k, error)
                return None
        estimate = self.examine(theta, gradient)
        self._remember(k, gradient, norm, estimate)
        self._idle = norm == 0.0  # a plateau is not looked at again with every step
        return estimate

    def examine(self, theta: FloatArray, gradient: FloatArray, far: bool = False) -> Estimate:
        """The estimate at this point, whatever it costs."""
        before = self._evaluate.calls
        self.certifier.effort = 100 + int(_SHARE * before)
        estimate = self.certifier.examine(theta, gradient, far)
        self._spent += self._evaluate.calls - before
        return estimate

    def weigh(self, theta: FloatArray, gradient: FloatArray) -> Estimate:
        """The best estimate at the end of a run: near first, then as far as it takes."""
        if self.target > 0.0:
            estimate = self.examine(theta, gradient)
            if estimate.settled and estimate.error <= self.target:
                return estimate
        return self.examine(theta, gradient, far=True)

    def _guess(self, gradient: FloatArray, norm: float) -> float:
        """The error by the last examination; 0 if that found nothing to go by."""
        if self._inverse is not None:
            return self._factor * largest(self._inverse @ gradient)
        if self.certifier.large and math.isfinite(self._error):
            return self._error * norm / self._norm
        return 0.0

    def _remember(self, k: int, gradient: FloatArray, norm: float, estimate: Estimate) -> None:
        self._inverse, self._factor = estimate.inverse, 1.0
        self._at, self._norm, self._error = k, norm, estimate.error
        if estimate.inverse is not None and math.isfinite(estimate.error):
            cheap = largest(estimate.inverse @ gradient)
            self._factor = max(1.0, estimate.error / cheap) if cheap > 0.0 else 1.0
        self._plan(k, estimate.error)

    def _plan(self, k: int, error: float) -> None:
        """Set the next look."""
        wait = max(1.0, k / (100 if self.target < error < math.inf else 16))
        if self.target < error < self._last_error < math.inf and k > self._last_look:
            speed = math.log(self._last_error / error) / (k - self._last_look)
            wait = min(max(1.0, math.log(error / self.target) / speed / 4), max(1.0, k / 4))
        overdraft = self._spent - self._allowed(k)
        if overdraft > 0:
            wait = max(wait, overdraft / _SHARE)
        self._last_look, self._last_error = k, error
        self._next_look = k + math.ceil(wait)

    def _allowed(self, k: int) -> float:
        """Evaluations that may have gone into examinations so far."""
        return _SHARE * k + 3 * (2 * min(self.certifier.start.size, DENSE) + 12)
