"""Runs that get out of hand: the iterates grow, the loss falls for ever, the domain ends.

With a constant rate, growth is final: gradient descent on a quadratic multiplies the error
along a direction of curvature lambda by 1 - eta*lambda in each step, and past the stable limit
eta = 2/L this is below -1. A schedule may start above the limit, grow for a while and still
come back, so under a schedule growth is only final when the rates to come do not go below it.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from symgd.descend import endings
from symgd.descend.certify import Certifier
from symgd.descend.estimate import Estimate
from symgd.descend.evaluate import Evaluator, OutOfTime, largest
from symgd.descend.objective import FloatArray
from symgd.descend.options import Settings
from symgd.descend.progression import Progression
from symgd.descend.solution import Outcome

_RUNAWAY = 1e5
_RISING = 20
_DOUBLINGS = 60


class Growth:
    """Watches the size of the loss and of the gradient of one run."""

    def __init__(self, settings: Settings, evaluate: Evaluator, certifier: Certifier) -> None:
        self.settings = settings
        self.evaluate = evaluate
        self.certifier = certifier
        self.start = math.inf
        self._reference = 0.0
        self._next_check = 0
        self._next_ray = 0

    def begin(self, loss: float, norm: float) -> None:
        """The loss and the gradient norm at the start."""
        self.start, self._reference = loss, norm

    def final(self, k: int, norm: float, losses: list[float], norms: list[float]) -> bool:
        """Whether the run has grown out of hand for good; the loss is above that of the start."""
        if norm <= _RUNAWAY * self._reference or len(losses) < 3:
            return False
        if not losses[-1] > losses[-2] > losses[-3]:
            return False
        if self.settings.batches is not None and losses[-1] < 10.0 * abs(self.start):
            return False  # a run that started at the minimum jumps about it
        good = [n for n, loss in zip(norms, losses, strict=True) if loss <= self.start]
        self._reference = max([self._reference, *good])
        if norm <= _RUNAWAY * self._reference:
            return False
        return self.settings.rate is not None or self._too_late(k)

    def note(self, losses: list[float], norms: list[float]) -> None:
        """Remember the largest gradient met where the loss was not above that of the start."""
        good = [n for n, loss in zip(norms, losses, strict=True) if loss <= self.start]
        self._reference = max([self._reference, *good])

    def rose_at_the_end(self, losses: list[float]) -> bool:
        """Whether the loss did nothing but rise at the end of a run with a constant rate."""
        tail = losses[-_RISING:]
        if not self.settings.textbook or len(tail) < 3:
            return False
        rising = all(after > before for before, after in pairwise(tail))
        return rising and (len(tail) == _RISING or tail[-1] > self.start)

    def message(self, best: FloatArray) -> str:
        """What happened, and the learning rate that would have been right."""
        advice = endings.too_fast(self.settings, self._curvature(best))
        return f"The iterates grow without end. {advice} {Outcome.DIVERGED.value}"

    def remark(self, estimate: Estimate) -> str:
        """On a run that jumps to and fro: the rate may be at the stable limit."""
        rate, steepest = self.settings.rate, estimate.steepest
        if not self.settings.textbook or rate is None or not 1.9 < rate * steepest < 1e3:
            return ""
        limit = endings.number(2.0 / steepest)
        where = "above" if rate * steepest > 2.01 else "at"
        text = self.settings.rate_text
        return f"; the learning rate {text} is {where} the stable limit 2/L = {limit}"

    def bottomless(
        self, k: int, theta: FloatArray, gradient: FloatArray, progression: Progression
    ) -> bool:
        """Whether the loss falls along the way the run takes, as far as numbers reach.

        Asked only where nothing levels off: the loss is at its lowest, the gradient does not
        shrink, and the path is not curved upwards.
        """
        before, losses = progression.before, progression.losses
        if before is None or k < self._next_ray or losses[-1] > min(losses):
            return False
        way, change = theta - before.theta, gradient - before.gradient
        bend = float(way @ change)
        level = 1e-6 * largest(way) * largest(gradient)
        if largest(gradient) < 0.5 * before.last_norm or not bend <= level:
            return False
        self._next_ray = 4 * k
        return self._falls_for_ever(theta, way)

    def kind(
        self, theta: FloatArray, loss: float, moved: float, norm: float, losses: list[float]
    ) -> Outcome:
        """What a loss, a gradient or a theta that is not finite means."""
        if not losses:
            return Outcome.UNBOUNDED if loss == -math.inf else Outcome.LEFT_DOMAIN
        rising = len(losses) >= 3 and losses[-1] > losses[-2] > losses[-3]
        falling = len(losses) >= 3 and losses[-1] < losses[-2] < losses[-3]
        wild = norm > 1e3 * self._reference
        if loss == -math.inf or (falling and wild and not math.isfinite(moved)):
            return Outcome.UNBOUNDED
        if falling and wild and losses[-1] < -1e3 * abs(self.start):
            return Outcome.UNBOUNDED
        if rising or wild or not math.isfinite(moved) or not np.isfinite(theta).all():
            return Outcome.DIVERGED
        size = largest(theta)
        leap = moved > 0.9 * size and size > 10 * largest(self.certifier.start)
        return Outcome.DIVERGED if loss == math.inf and leap else Outcome.LEFT_DOMAIN

    def _too_late(self, k: int) -> bool:
        """Whether no rate that the schedule still has in store is below the stable limit."""
        schedule, settings = self.settings.schedule, self.settings
        if schedule is None or not settings.steepest or k < self._next_check:
            return False
        self._next_check = 2 * k
        now = k * settings.per_epoch
        times = {round(now * (settings.steps / now) ** (i / 20)) for i in range(21)}
        lowest = min(float(schedule(t)) for t in times)
        return lowest * self._curvature(self.certifier.start) >= 2.0

    def _curvature(self, theta: FloatArray) -> float:
        """The largest curvature L at ``theta``; nan if it cannot be had."""
        try:
            gradient = self.evaluate.probe(theta)[1]
            return self.certifier.largest_curvature(theta, gradient)
        except (OutOfTime, np.linalg.LinAlgError):
            return math.nan

    def _falls_for_ever(self, theta: FloatArray, way: FloatArray) -> bool:
        """Follow the ray theta + 2^j way: does every doubling gain at least as much again?"""
        try:
            last, gain = self.evaluate.probe(theta)[0], 0.0
            for doubling in range(_DOUBLINGS):
                loss = self.evaluate.probe(theta + 2.0**doubling * way)[0]
                if loss == -math.inf:
                    return True
                if not last - loss > 0.99 * gain:
                    return False
                last, gain = loss, last - loss
        except OutOfTime:
            return False
        return True
