"""Engines at work: descend, polish, judge; try another way if the end is no proper minimum."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from symgd.compile.least_squares import Residuals
from symgd.compile.objective import Objective
from symgd.compile.structure import Structure
from symgd.descend import Observer, Outcome, Solution
from symgd.descend.closeness import Closeness
from symgd.descend.course import Course, Halt, finite
from symgd.descend.estimate import Kind
from symgd.descend.many import bfgs, lbfgs, truncated_newton
from symgd.descend.objective import FloatArray
from symgd.descend.squares import levenberg_marquardt
from symgd.descend.stop import Point
from symgd.descend.trust import newton, settle
from symgd.descend.verdict import Judge, Verdict
from symgd.minimize.limited import descend_limited
from symgd.minimize.limits import Limits

_CHEAP = 1.0
_GOOD = (Outcome.CONVERGED, Outcome.PRECISION_LIMIT)
TITLES = {
    "exact": "linear solve",
    "lm": "Levenberg-Marquardt",
    "newton": "Newton's method in a trust region",
    "lbfgs": "L-BFGS",
    "kinks": "smoothing and active set",
    "limits": "active set with Lagrange multipliers",
}


@dataclass(frozen=True)
class Task:
    """A compiled loss with what is known of it, and the limits of a run.

    ``precision`` is absolute, or None: relative to each parameter; ``asked`` says that the
    method was named by the user, ``limits`` are bounds and constraints, ``endless`` says that no
    precision was asked for.
    """

    objective: Objective
    structure: Structure
    residuals: Residuals | None
    precision: float | None
    steps: int
    seconds: float
    observers: tuple[Observer, ...] = ()
    asked: bool = False
    limits: Limits | None = None
    endless: bool = False

    @property
    def has_data(self) -> bool:
        """Whether there are columns of data."""
        return bool(self.objective.data)

    def course(self) -> Course:
        """A fresh run."""
        objective = self.objective
        return Course(objective, objective.layout, self.steps, self.seconds, self.observers)


@dataclass(frozen=True, eq=False)
class Arrival:
    """Where an engine ended, and what that is worth."""

    theta: FloatArray
    verdict: Verdict

    @property
    def good(self) -> bool:
        """Whether it is a minimum as close as asked for, or as rounding allows."""
        return self.verdict.outcome in _GOOD and self.verdict.kind is not Kind.VALLEY


Engine = Callable[[Course, FloatArray], Point]


def engines(task: Task, name: str) -> list[tuple[str, Engine]]:
    """The engines to try one after the other for a method, with what the message calls them."""
    squares = task.residuals

    def lm(course: Course, theta: FloatArray) -> Point:
        assert squares is not None
        return levenberg_marquardt(course, squares, theta)

    def scaled(course: Course, theta: FloatArray) -> Point:
        return newton(course, theta)

    def flow(course: Course, theta: FloatArray) -> Point:
        return newton(course, theta, flow=True)

    def many(course: Course, theta: FloatArray) -> Point:
        return truncated_newton(course, lbfgs(course, theta))

    both: list[tuple[str, Engine]] = [
        ("Newton steps", scaled),
        ("the path of steepest descent", flow),
    ]
    if not task.has_data:
        both.reverse()
    if name == "lm":
        return [("Levenberg-Marquardt", lm), *both]
    if name == "lbfgs":
        return [("L-BFGS", many)]
    if name == "exact":
        return [("a linear solve", _linear), *both]
    return both


def kinked(task: Task, course: Course, judge: Judge, theta: FloatArray) -> Arrival | None:
    """Where the active set of the kinks ends."""
    from symgd.minimize.kinked import descend_kinks

    found = descend_kinks(task.objective, course, judge, theta)
    if found is None:
        return None
    return Arrival(_reported(course, found[0]), found[1])


def predicted(task: Task, course: Course, judge: Judge, theta: FloatArray) -> Arrival | None:
    """Where a loss of a badly conditioned linear predictor ends."""
    from symgd.minimize.predicted import descend_predictor, needed

    predictor = needed(task.objective)
    if predictor is None:
        return None
    found = descend_predictor(predictor, course, judge, theta)
    return None if found is None else Arrival(_reported(course, found[0]), found[1])


def doubted(task: Task, arrival: Arrival) -> Arrival:
    """An arrival at a loss with kinks is good only if there is no kink near it."""
    from symgd.minimize.kinked import beside_all_kinks

    if arrival.verdict.outcome not in _GOOD or beside_all_kinks(task.objective, arrival.theta):
        return arrival
    text = "The loss has a kink here, and it could not be proved that this is its minimum. "
    return Arrival(arrival.theta, Verdict(Outcome.STALLED, text + Outcome.STALLED.value, Kind.OPEN))


def rivals(task: Task, name: str, course: Course) -> list[tuple[str, Engine]]:
    """Engines that are worth a try even after a success: another may find a lower minimum.

    Only for cheap losses that may have several minima, and not when a method was asked for.
    """
    spent = perf_counter() - course.began
    if name not in ("lm", "newton") or task.asked or spent > _CHEAP:
        return []
    if not task.has_data:
        return [("BFGS", bfgs)]
    if task.residuals is None:
        return []
    return [("Newton steps", lambda course, theta: newton(course, theta, most=200))]


def _linear(course: Course, theta: FloatArray) -> Point:
    """The start itself: the polish that follows is the solve."""
    return course.begin(theta)


def solve(task: Task, name: str, theta: FloatArray, why: str = "") -> Solution:
    """Minimise from ``theta`` by the engine ``name``; whatever happens is the outcome."""
    course = task.course()
    smooth = task.structure.smooth and not task.structure.pieces
    judge = Judge(course, theta, task.precision, smooth)
    tried: list[str] = []
    best: Arrival | None = None
    halted: Outcome | None = None
    with np.errstate(all="ignore"):
        try:
            begin = course.begin(theta)
            if not finite(begin):
                return undefined(task, course, theta, name, why)
            if task.limits is not None:
                name = "limits"
                best = Arrival(*descend_limited(task.limits, task.residuals, course, judge, theta))
                _reported(course, best.theta)
                return report(task, course, best, name, task.limits.words, tried)
            if name == "newton" and task.has_data:
                best = predicted(task, course, judge, theta)
            if name == "kinks":
                best = kinked(task, course, judge, theta)
                tried += ["smoothing and an active set"]
            for title, engine in engines(task, name):
                if best is not None and best.verdict.outcome in _GOOD:
                    break
                tried.append(title)
                arrival = arrive(task, course, judge, ended(engine, course, theta))
                if task.structure.kinks:
                    arrival = doubted(task, arrival)
                best = better(best, arrival, task.objective)
                if best.good or (task.structure.affine and best.verdict.outcome in _GOOD):
                    break
            if task.structure.pieces and not (best is not None and best.good):
                tried.append("smoothing and an active set")
                other = kinked(task, course, judge, best.theta if best is not None else theta)
                if other is not None:
                    best = better(best, other, task.objective)
            for title, engine in rivals(task, name, course):
                tried.append(title)
                best = better(best, arrive(task, course, judge, engine(course, theta).theta),
                              task.objective)  # fmt: skip
        except Halt as halt:
            halted = halt.outcome
        except KeyboardInterrupt:
            halted = Outcome.INTERRUPTED
        if halted is not None:
            best = stopped(task, course, judge, best, halted)
    assert best is not None
    return report(task, course, best, name, why, tried)


def arrive(task: Task, course: Course, judge: Judge, theta: FloatArray) -> Arrival:
    """Polish an end point and judge it."""
    if task.objective.layout.size > 500 and not task.structure.affine:
        return Arrival(theta, judge.judge_large(theta))
    closeness = None
    if task.residuals is not None:
        closeness = Closeness(task.residuals, task.structure.affine)
        polished = closeness.polish(theta, judge.start)
        if polished is not None and _not_worse(task.objective, polished[0], theta):
            theta = polished[0]
        verdict = judge.judge(theta, closeness)
        if verdict.outcome in _GOOD:
            return Arrival(_reported(course, theta), verdict)
    theta = settle(course, theta)
    return Arrival(_reported(course, theta), judge.judge(theta, closeness))


def _not_worse(objective: Objective, after: FloatArray, before: FloatArray) -> bool:
    old, new = objective(before)[0], objective(after)[0]
    return bool(new <= old + 1e-9 * abs(old) or not np.isfinite(old))


def _reported(course: Course, theta: FloatArray) -> FloatArray:
    """``theta``, recorded as the last step if it is new."""
    if course.best is None or (course.best.theta != theta).any():
        point = course.at(theta)
        if finite(point):
            course.step(point)
    return theta


def better(best: Arrival | None, other: Arrival, objective: Objective) -> Arrival:
    """The better one: good before not, then the lower loss."""
    if best is None:
        return other
    ours, theirs = objective(best.theta)[0], objective(other.theta)[0]
    if best.good != other.good:
        return best if best.good else other
    worth = best.verdict.outcome in _GOOD, other.verdict.outcome in _GOOD
    if worth[0] != worth[1] and not abs(ours - theirs) > 1e-6 * abs(ours):
        return best if worth[0] else other
    lower = theirs < ours - 1e-8 * max(abs(ours), 1e-300)
    if best.good and other.good and lower:
        return other
    if best.good:
        return best
    return other if lower and np.isfinite(theirs) else best


def stopped(
    task: Task, course: Course, judge: Judge, best: Arrival | None, outcome: Outcome
) -> Arrival:
    """The arrival of a run that was ended from outside: the best point it has seen."""
    theta = course.best.theta if course.best is not None else judge.start
    if best is not None and best.verdict.outcome in _GOOD:
        return best
    if outcome is Outcome.MAX_STEPS:
        course.limit = course.steps + 10
        course.evaluate.deadline = perf_counter() + 5.0
        try:
            arrival = arrive(task, course, judge, theta)
            if arrival.verdict.outcome in _GOOD:
                return arrival
        except Halt:
            pass
    return Arrival(theta, Verdict(outcome, outcome.value, Kind.OPEN))


def undefined(task: Task, course: Course, theta: FloatArray, name: str, why: str) -> Solution:
    """The solution of a run whose start is outside the domain of the loss."""
    text = "The loss or its gradient is not a finite number at the start. "
    verdict = Verdict(Outcome.LEFT_DOMAIN, text + Outcome.LEFT_DOMAIN.value, Kind.OPEN)
    course.failed_at = theta
    return report(task, course, Arrival(theta, verdict), name, why, [])


def report(
    task: Task, course: Course, arrival: Arrival, name: str, why: str, tried: Iterable[str]
) -> Solution:
    """The run as a :class:`Solution`."""
    from symgd.compile.blame import blame

    verdict = arrival.verdict
    if task.endless and verdict.outcome in _GOOD:
        text = f"No precision was asked for (precision=None). {verdict.message}"
        verdict = replace(verdict, outcome=Outcome.MAX_STEPS, message=text)
    theta = arrival.theta.copy()
    theta.setflags(write=False)
    loss, gradient = task.objective(theta)
    message = verdict.message
    others = list(tried)[1:]
    if others and verdict.outcome not in _GOOD:
        message += (
            f" ({' and '.join(others)} {'were' if len(others) > 1 else 'was'} tried as well.)"
        )
    left = verdict.outcome is Outcome.LEFT_DOMAIN
    method = TITLES.get(name, name) + (f", because {why}" if why and why != "as asked for" else "")
    return Solution(
        params=task.objective.unpack(theta),
        loss=float(loss),
        gradient_norm=float(np.abs(gradient).max()),
        outcome=verdict.outcome,
        steps=course.steps,
        epochs=course.steps,
        evaluations=course.evaluate.calls,
        seconds=perf_counter() - course.began,
        error_estimate=verdict.error,
        history=course.recorder.history(),
        message=message,
        theta=theta,
        layout=task.objective.layout,
        method=method,
        failed_at=course.failed_at if left else None,
        cause=blame(task.objective, theta) if left else "",
    )
