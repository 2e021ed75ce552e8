"""The way of an engine: every iterate counted, recorded and shown, the best one kept.

Engines are methods of second order that make their own steps (a trust region, a search) and
cannot be written as one update rule. They evaluate through a :class:`Course` and report each
accepted point to it; steps, time and Ctrl-C end them from there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from time import perf_counter
from typing import Any

import numpy as np

from symgd.descend.evaluate import Evaluator, largest
from symgd.descend.history import Recorder
from symgd.descend.objective import FloatArray, Layout
from symgd.descend.progress import Observer, Progress
from symgd.descend.solution import Outcome
from symgd.descend.stop import Point


class Halt(Exception):
    """The run is over from outside: the steps or the time are used up."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.value)


class Course:
    """One run of one or more engines over the same objective.

    Every engine that starts anew has a ``recorder`` of its own, with steps counted from there;
    ``steps`` counts those of all.
    """

    def __init__(
        self,
        objective: Any,
        layout: Layout,
        steps: int,
        seconds: float,
        observers: Iterable[Observer] = (),
    ) -> None:
        self.began = perf_counter()
        self.layout = layout
        self.function = objective
        self.evaluate = Evaluator(objective, layout.size, bare=False)
        self.evaluate.deadline = self.began + seconds
        self.limit = steps
        self.steps = 0
        self.recorder = Recorder(layout)
        self.kept = self.recorder
        self.observers = tuple(observers)
        self.best: Point | None = None
        self.failed_at: FloatArray | None = None
        self.last: FloatArray | None = None
        self._before = 0

    def begin(self, theta: FloatArray) -> Point:
        """The point an engine starts from; it opens a record unless the one before ended there."""
        point = self.at(theta)
        if self.last is None:
            self._record(point)
            self._show(point)
        elif (self.last != theta).any():
            self.recorder, self._before = Recorder(self.layout), self.steps
            self._record(point)
        self._keep(point)
        return point

    def at(self, theta: FloatArray) -> Point:
        """The loss and gradient at ``theta``, which may be refused afterwards."""
        if perf_counter() > self.evaluate.deadline:
            raise Halt(Outcome.TIME_LIMIT)
        loss, gradient = self.evaluate(theta)
        return Point(theta, loss, gradient, largest(gradient))

    def given(self, theta: FloatArray, loss: float, gradient: FloatArray) -> Point:
        """The point at ``theta`` whose loss and gradient come from another pass over the rows."""
        if perf_counter() > self.evaluate.deadline:
            raise Halt(Outcome.TIME_LIMIT)
        self.evaluate.calls += 1
        return Point(theta, loss, gradient, largest(gradient))

    def step(self, point: Point) -> Point:
        """Report an accepted step to ``point``, which is finite."""
        self.steps += 1
        self._record(point)
        self._show(point)
        self._keep(point)
        if self.steps >= self.limit:
            raise Halt(Outcome.MAX_STEPS)
        return point

    def refuse(self, theta: FloatArray) -> None:
        """Remember a trial point at which the loss is not a finite number."""
        self.failed_at = theta

    def _keep(self, point: Point) -> None:
        best = self.best
        if not finite(point):
            return
        if best is None or point.loss <= best.loss or best.theta is point.theta:
            self.best, self.kept = point, self.recorder

    def _record(self, point: Point) -> None:
        self.last = point.theta.copy()
        step = self.steps - self._before
        self.recorder.steps.add(step, self.last, point.loss, 1.0, point.norm)

    def _show(self, point: Point) -> None:
        theta = point.theta.copy()
        theta.setflags(write=False)
        for observer in self.observers:
            observer(Progress(self.steps, self.steps, theta, point.loss, point.norm, 1.0))


def finite(point: Point) -> bool:
    """Whether the loss and its gradient are finite numbers.

    >>> import numpy as np
    >>> finite(Point(np.zeros(1), float("inf"), np.zeros(1), 0.0))
    False
    """
    return math.isfinite(point.loss) and math.isfinite(point.norm)


def scale_of(theta: FloatArray) -> FloatArray:
    """|theta| with 1 in the place of zeros."""
    size: FloatArray = np.where(theta != 0, np.abs(theta), 1.0)
    return size
