"""Engines at work: descend, polish, judge; try another way if the end is no proper minimum."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

import numpy as np

from symgd.descend import Outcome, Solution
from symgd.descend.course import Course, Halt, finite
from symgd.descend.estimate import Kind
from symgd.descend.objective import FloatArray
from symgd.descend.verdict import Judge, Verdict
from symgd.minimize.engines import (
    GOOD,
    SPECIAL,
    Arrival,
    Task,
    arrive,
    better,
    doubted,
    ended,
    engines,
    kinked,
    predicted,
    reported,
    rivals,
)
from symgd.minimize.limited import descend_limited
from symgd.minimize.limits import Limits

__all__ = ["Task", "solve"]

TITLES = {
    "exact": "linear solve",
    "lm": "Levenberg-Marquardt",
    "newton": "Newton's method in a trust region",
    "lbfgs": "L-BFGS",
    "kinks": "smoothing and active set",
    "limits": "active set with Lagrange multipliers",
}


def solve(task: Task, name: str, theta: FloatArray, why: str = "") -> Solution:
    """Minimise from ``theta`` by the engine ``name``; whatever happens is the outcome."""
    if task.limits is not None:
        name, why = "limits", task.limits.words
    course = task.course()
    smooth = task.structure.smooth and not task.structure.pieces
    run = _Run(task, course, Judge(course, theta, task.precision, smooth), name)
    with np.errstate(all="ignore"):
        try:
            if not finite(course.begin(theta)):
                return report(task, course, outside(course, theta), name, why, [])
            run.go(theta)
        except Halt as halt:
            run.best = stopped(task, course, run.judge, run.best, halt.outcome)
        except KeyboardInterrupt:
            run.best = stopped(task, course, run.judge, run.best, Outcome.INTERRUPTED)
    assert run.best is not None
    return report(task, course, run.best, name, why, run.tried)


class _Run:
    """One run: the engines that were tried and the best arrival so far."""

    def __init__(self, task: Task, course: Course, judge: Judge, name: str) -> None:
        self.task, self.course, self.judge, self.name = task, course, judge, name
        self.tried: list[str] = []
        self.best: Arrival | None = None

    @property
    def done(self) -> bool:
        """Whether there is a minimum that needs no other engine."""
        best = self.best
        if best is None:
            return False
        return best.good or (self.task.structure.affine and best.verdict.outcome in GOOD)

    def go(self, theta: FloatArray) -> None:
        """Try what there is until one way leads to a minimum."""
        task, course, judge = self.task, self.course, self.judge
        if task.limits is not None:
            self._limited(task.limits, theta)
            return
        if self.name == "newton" and task.has_data:
            self._keep(predicted(task, course, judge, theta))
        if self.name == "kinks":
            self._keep(kinked(task, course, judge, theta))
            self.tried.append(SPECIAL)
            if self.best is not None and self.best.verdict.outcome in GOOD:
                return
        for title, engine in engines(task, self.name):
            if self.done:
                break
            arrival = arrive(task, course, judge, ended(engine, course, theta), title)
            self._keep(doubted(task, judge, arrival) if task.structure.kinks else arrival)
            self.tried.append(title)
        if task.structure.pieces and not self.done:
            begin = theta if self.best is None else self.best.theta
            self._keep(kinked(task, course, judge, begin))
            self.tried.append(SPECIAL)
        for title, engine in rivals(task, self.name, course, self.best):
            self._keep(arrive(task, course, judge, ended(engine, course, theta), title))
            self.tried.append(title)

    def _limited(self, limits: Limits, theta: FloatArray) -> None:
        """Within limits: kinks together with the limits first, then the limits of a smooth loss."""
        task, course, judge = self.task, self.course, self.judge
        kinks = task.structure.kinks or task.structure.pieces
        if kinks:
            self._keep(kinked(task, course, judge, limits.clipped(theta)))
            self.tried.append(SPECIAL)
            if self.best is not None and self.best.verdict.outcome in GOOD:
                return
        found = descend_limited(limits, task.residuals, course, judge, theta)
        arrival = Arrival(reported(course, found[0]), found[1], course.recorder)
        self.best = doubted(task, judge, arrival) if kinks else arrival

    def _keep(self, arrival: Arrival | None) -> None:
        if arrival is not None:
            self.best = better(self.best, arrival, self.task.objective)


def stopped(
    task: Task, course: Course, judge: Judge, best: Arrival | None, outcome: Outcome
) -> Arrival:
    """The arrival of a run that was ended from outside: the best point it has seen."""
    theta = course.best.theta if course.best is not None else judge.start
    if best is not None and best.verdict.outcome in GOOD:
        return best
    if outcome is Outcome.MAX_STEPS:
        course.limit = course.steps + 10
        course.evaluate.deadline = perf_counter() + 5.0
        try:
            arrival = arrive(task, course, judge, theta)
            if arrival.verdict.outcome in GOOD:
                return arrival
        except Halt:
            pass
    return Arrival(theta, Verdict(outcome, outcome.value, Kind.OPEN), course.kept)


def outside(course: Course, theta: FloatArray) -> Arrival:
    """The arrival of a run whose start is outside the domain of the loss."""
    text = "The loss or its gradient is not a finite number at the start. "
    course.failed_at = theta
    verdict = Verdict(Outcome.LEFT_DOMAIN, text + Outcome.LEFT_DOMAIN.value, Kind.OPEN)
    return Arrival(theta, verdict, course.recorder)


def report(
    task: Task, course: Course, arrival: Arrival, name: str, why: str, tried: list[str]
) -> Solution:
    """The run as a :class:`Solution`."""
    verdict = arrival.verdict
    if task.endless and verdict.outcome in GOOD:
        text = f"No precision was asked for (precision=None). {verdict.message}"
        verdict = replace(verdict, outcome=Outcome.MAX_STEPS, message=text)
    theta = arrival.theta.copy()
    theta.setflags(write=False)
    loss, gradient = task.objective(theta)
    message = verdict.message
    others = tried[1:]
    if others and verdict.outcome not in GOOD:
        message += f" Also tried: {', '.join(others)}."
    left = verdict.outcome is Outcome.LEFT_DOMAIN
    method = TITLES.get(name, name) + (f", because {why}" if why and why != "as asked for" else "")
    if arrival.by in others:
        method += f"; then {arrival.by}"
    history = arrival.record.history()
    steps = int(history.step[-1]) if len(history.step) else 0
    return Solution(
        params=task.objective.unpack(theta),
        loss=float(loss),
        gradient_norm=float(np.abs(gradient).max()),
        outcome=verdict.outcome,
        steps=steps,
        epochs=steps,
        evaluations=course.evaluate.calls,
        seconds=perf_counter() - course.began,
        error_estimate=verdict.error,
        history=history,
        message=message,
        theta=theta,
        layout=task.objective.layout,
        method=method,
        failed_at=course.failed_at if left else None,
        objective=task.objective,
        tried=tuple(name for name in tried if name != arrival.by),
        limits=() if task.limits is None else task.limits.listed,
    )
