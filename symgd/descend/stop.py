"""When to stop, and what to call it.

``precision`` is a promise about the answer: CONVERGED says that every parameter is within it.
The step |theta_k+1 - theta_k| cannot say that (a small learning rate makes small steps
anywhere), but it can rule it out: if two iterates in a row are within the precision of the
minimum, they are within twice the precision of each other. So the step is the cheap screen of
every iterate, and what passes is examined by :mod:`symgd.descend.certify`.

>>> from symgd.descend import descend
>>> def parabola(x):
...     return (x - 3) ** 2, 2 * (x - 3)
>>> slow = descend(parabola, 100.0, rate=1e-9)
>>> slow.outcome.name, slow.steps, round(slow.error_estimate)
('STALLED', 1, 97)
"""

from __future__ import annotations

import math
import sys
from typing import NamedTuple

import numpy as np

from symgd.descend import endings
from symgd.descend.certify import Certifier
from symgd.descend.curvature import EPS
from symgd.descend.endings import Ending
from symgd.descend.estimate import Estimate, Kind
from symgd.descend.evaluate import Evaluator, largest
from symgd.descend.examine import Examiner
from symgd.descend.growth import Growth
from symgd.descend.objective import FloatArray
from symgd.descend.options import Settings
from symgd.descend.progression import Progression
from symgd.descend.solution import Outcome
from symgd.descend.stepping import Limits, largest_each

_SAFE = 0.99
_HOPELESS = 1e7
_FROZEN = 100
_TAIL = 64
_SAME = 4 * EPS


class Point(NamedTuple):
    """An iterate: theta (p,), the loss over all rows, its gradient (p,) and max-norm."""

    theta: FloatArray
    loss: float
    gradient: FloatArray
    norm: float


class Watch:
    """Sees every full evaluation of a run and says when it is over."""

    def __init__(self, settings: Settings, evaluate: Evaluator, certifier: Certifier) -> None:
        precision = settings.precision
        self.settings = settings
        self.names = certifier.names
        self.examiner = Examiner(evaluate, certifier, _SAFE * (precision or 0.0))
        self.progression = Progression(settings)
        self.growth = Growth(settings, evaluate, certifier)
        self._best = Point(certifier.start, math.nan, certifier.start, math.nan)
        self._level = math.inf
        self._frozen = 0
        self._screen = -1.0 if precision is None else 2.0 * precision
        self._losses = self.progression.losses
        self._norms = self.progression.norms

    def look(
        self,
        k: int,
        theta: FloatArray,
        loss: float,
        gradient: FloatArray,
        norm: float,
        moved: float,
    ) -> Ending | None:
        """The ending if the run is over at the k-th full evaluation, which is finite.

        ``moved`` is the max-norm distance to the evaluation before it.
        """
        if loss <= self._level:
            self._improve(theta, loss, gradient, norm)
        self._losses.append(loss)
        self._norms.append(norm)
        if k == 0:
            self.growth.begin(loss, norm)
        elif loss > self.growth.start and self.growth.final(k, norm, self._losses, self._norms):
            return self._diverged()
        ending = None
        if moved <= self._screen or norm == 0.0:
            ending = self._near(k, Point(theta, loss, gradient, norm), moved)
        if ending is None and self._screen > 0.0:
            course = self.progression
            again = loss == course.anchor_loss or k >= course.next_anchor
            if again and course.repeats(k, theta, loss):
                why = "the iterates go round in a circle"
                return self._halted(Point(theta, loss, gradient, norm), why)
            if k >= course.window_end:
                return self._window(k, Point(theta, loss, gradient, norm))
        return ending

    def clear(self, k: int, moved: float) -> tuple[int, Limits]:
        """Up to which look (from the k-th on) nothing can happen within some limits."""
        screen, course = self._screen, self.progression
        if screen <= 0.0:
            return sys.maxsize, Limits(self.growth.start)
        until = min(course.next_anchor, course.window_end)
        if self.settings.rule == "step":
            screen /= 2.0  # the precision itself
        elif moved <= screen:
            until, screen = min(until, self.examiner.next_look), 0.0
        return until, Limits(self.growth.start, course.anchor_loss, screen)

    def pass_over(self, thetas: FloatArray, losses: FloatArray, gradients: FloatArray) -> None:
        """Take note of evaluations at which, by :meth:`clear`, nothing happened."""
        if not len(losses):
            return
        norms = largest_each(gradients)
        low = float(losses.min())
        if low <= self._level:
            near = min(self._level, low + 64 * _SAME * abs(low))
            flat = 1 + int(np.flatnonzero(losses > low + _SAME * abs(low)).max(initial=-1))
            candidates = np.flatnonzero(losses[:flat] <= near).tolist()
            if flat < len(losses):  # of losses that are all equal the smallest gradient counts
                candidates.append(flat + int(norms[flat:].argmin()))
            found = losses[candidates].tolist(), norms[candidates].tolist()
            best = self._best_of(candidates, *found)
            if best is not None:
                self._best = Point(
                    thetas[best].copy(), float(losses[best]), gradients[best].copy(),
                    float(norms[best]),
                )  # fmt: skip
            self._level = min(self._level, low + _SAME * abs(low))
        if self._screen <= 0.0:  # only the end of the run is ever asked for
            self.growth.note([low], [float(norms.max())])
            losses, norms = losses[-_TAIL:], norms[-_TAIL:]
        self._losses.extend(losses.tolist())
        self._norms.extend(norms.tolist())
        self._frozen = 0

    def exhausted(self, steps: bool, point: Point) -> Ending:
        """The ending when the steps (or else the time) are used up."""
        settings = self.settings
        if self.growth.rose_at_the_end(self._losses):
            return self._diverged()
        if not steps:
            text = f"The time limit of {endings.number(settings.seconds)} s is reached."
            return self._end(Outcome.TIME_LIMIT, point, f"{text} {Outcome.TIME_LIMIT.value}")
        estimate = self.examiner.weigh(point.theta, point.gradient)
        if settings.precision is None:
            text = f"All {settings.steps} steps were run, as asked for by precision=None. "
            text += endings.remaining(settings, estimate)
            return self._end(Outcome.MAX_STEPS, point, text, estimate)
        done = self._answer(point, estimate)
        if done is not None:
            return done
        slow = endings.pace(settings, estimate)
        if slow and endings.hopeless(settings, estimate, _HOPELESS / 10):
            return self._stalled(point, estimate, "the steps are too small to get there", slow)
        text = endings.used_up(settings, estimate, slow)
        return self._end(Outcome.MAX_STEPS, point, text, estimate)

    def interrupted(self) -> Ending:
        """The ending after Ctrl-C: the best point so far, without another evaluation."""
        return self._end(Outcome.INTERRUPTED, self._best, Outcome.INTERRUPTED.value)

    def broken(self, theta: FloatArray, loss: float, moved: float, norm: float) -> Ending:
        """The ending where the loss, its gradient or theta is not finite.

        ``norm`` is that of the last finite gradient, of a batch or of all rows.
        """
        outcome = self.growth.kind(theta, loss, moved, norm, self._losses)
        failed_at = theta.copy()
        if outcome is Outcome.DIVERGED:
            return self._diverged(failed_at)
        point = ", ".join(
            f"{name} = {value:.6g}"
            for name, value in zip(self.names[:3], theta.tolist(), strict=False)
        )
        more = ", ..." if theta.size > 3 else ""
        text = f"The loss or its gradient is not a finite number ({loss}) at {point}{more}."
        return self._end(outcome, self._best, f"{text} {outcome.value}", failed_at=failed_at)

    def _improve(self, theta: FloatArray, loss: float, gradient: FloatArray, norm: float) -> None:
        """Keep the best point: the lowest loss, and among equals the smallest gradient."""
        best = self._best
        if not (loss >= best.loss - _SAME * abs(loss) and norm >= best.norm):
            self._best = Point(theta, loss, gradient, norm)
        self._level = min(self._level, loss + _SAME * abs(loss))

    def _best_of(self, places: list[int], losses: list[float], norms: list[float]) -> int | None:
        """Which of some points :meth:`_improve` would keep, one after the other; None: none."""
        _, lowest, _, flattest = self._best
        level, found = self._level, None
        for place, loss, norm in zip(places, losses, norms, strict=True):
            if loss <= level:
                slack = _SAME * abs(loss)
                if not (loss >= lowest - slack and norm >= flattest):
                    found, lowest, flattest = place, loss, norm
                level = min(level, loss + slack)
        self._level = level
        return found

    def _near(self, k: int, point: Point, moved: float) -> Ending | None:
        """A small step or a gradient of zero: is it the minimum?"""
        settings = self.settings
        precision = settings.precision
        if precision is None:
            return None
        if settings.rule == "step":
            return self._step_rule(point, moved) if k > 0 and moved < precision else None
        self._frozen = self._frozen + 1 if k > 0 and moved == 0.0 else 0
        if self._frozen and (settings.textbook or self._frozen >= _FROZEN):
            why = "the steps are too small to change the parameters in floating point"
            return self._halted(point, "the gradient is exactly zero" if not point.norm else why)
        estimate = self.examiner.estimate(k, point.theta, point.gradient)
        if estimate is None:
            return None
        ending = self._answer(point, estimate, moving=True)
        if ending is not None:
            return ending
        if estimate.stuck and settings.steepest:
            return self._stalled(point, estimate, "the gradient leads nowhere else from here")
        if endings.hopeless(settings, estimate, _HOPELESS):
            estimate = self.examiner.examine(point.theta, point.gradient, far=True)
            slow = endings.pace(settings, estimate)
            if slow:
                return self._stalled(point, estimate, "the steps are too small", slow)
        return None

    def _step_rule(self, point: Point, moved: float) -> Ending:
        """The textbook test holds: is the answer as good as it seems?"""
        estimate = self.examiner.weigh(point.theta, point.gradient)
        why = f"the step test holds (the last step was {endings.number(moved)}), "
        why += "but a small step is not a small error"
        slow = endings.pace(self.settings, estimate)
        return self._answer(point, estimate) or self._stalled(point, estimate, why, slow)

    def _halted(self, point: Point, why: str) -> Ending:
        """The run goes nowhere any more: at the minimum, at the rounding limit, or stalled."""
        estimate = self.examiner.weigh(point.theta, point.gradient)
        ending = self._answer(point, estimate)
        if ending is None and self._best.loss < point.loss:
            point = self._best
            estimate = self.examiner.weigh(point.theta, point.gradient)
            ending = self._answer(point, estimate)
        why += self.growth.remark(estimate)
        return ending or self._stalled(point, estimate, why)

    def _window(self, k: int, point: Point) -> Ending | None:
        """At the end of a window: does the run still get anywhere, and is there a bottom?"""
        progression = self.progression
        self.growth.note(self._losses, self._norms)
        if self.growth.bottomless(k, point.theta, point.gradient, progression):
            text = "The loss keeps falling along the way of the run, as far as numbers reach. "
            return self._end(Outcome.UNBOUNDED, self._best, text + Outcome.UNBOUNDED.value)
        if progression.stagnant(k, point.theta, point.gradient):
            return self._halted(point, "the loss and its gradient have stopped falling")
        return None

    def _answer(self, point: Point, estimate: Estimate, moving: bool = False) -> Ending | None:
        """CONVERGED or PRECISION_LIMIT, if the estimate says so.

        A run that still moves is at its limit only when it is within the rounding error of the
        minimum; a run that has come to rest also when it is a few digits of theta away.
        """
        precision = self.settings.precision
        if precision is not None and estimate.kind is Kind.UNPLACED and not moving:
            text = endings.unplaced(estimate)
            return self._end(Outcome.PRECISION_LIMIT, point, text, estimate)
        if precision is None or not estimate.settled:
            return None
        if estimate.error <= (_SAFE if moving else 1.0) * precision:
            text = endings.converged(self.settings, estimate)
            return self._end(Outcome.CONVERGED, point, text, estimate)
        limit = estimate.noise <= 1.0 and estimate.floor > precision
        if not moving:
            digits = estimate.error <= 1e3 * EPS * largest(point.theta)
            limit = digits or estimate.noise <= 16.0 or estimate.floor > 0.5 * estimate.error
        if limit:
            text = endings.rounding(self.settings, estimate)
            return self._end(Outcome.PRECISION_LIMIT, point, text, estimate)
        return None

    def _stalled(self, point: Point, estimate: Estimate, why: str, advice: str = "") -> Ending:
        text = endings.stalled(self.settings, estimate, why, advice)
        return self._end(Outcome.STALLED, point, text, estimate)

    def _diverged(self, failed_at: FloatArray | None = None) -> Ending:
        text = self.growth.message(self._best.theta)
        return self._end(Outcome.DIVERGED, self._best, text, failed_at=failed_at)

    def _end(
        self,
        outcome: Outcome,
        point: Point,
        text: str,
        estimate: Estimate | None = None,
        failed_at: FloatArray | None = None,
    ) -> Ending:
        error = None if estimate is None else endings.known(estimate)
        return Ending(outcome, point.theta, point.loss, point.norm, text, error, failed_at)
