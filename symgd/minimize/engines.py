"""What a run is given, the engines that it may use, and what the end of one is worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from symgd.compile.least_squares import Residuals
from symgd.compile.objective import Objective
from symgd.compile.structure import Structure
from symgd.descend import Observer, Outcome
from symgd.descend.closeness import Closeness
from symgd.descend.course import Course, finite
from symgd.descend.estimate import Kind
from symgd.descend.history import Recorder
from symgd.descend.many import bfgs, lbfgs, truncated_newton
from symgd.descend.objective import FloatArray
from symgd.descend.squares import levenberg_marquardt
from symgd.descend.stop import Point
from symgd.descend.trust import newton, settle
from symgd.descend.verdict import Judge, Verdict
from symgd.minimize.choose import DENSE
from symgd.minimize.limits import Limits

_CHEAP = 1.0
GOOD = (Outcome.CONVERGED, Outcome.PRECISION_LIMIT)


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
    """Where an engine ended, what that is worth, and its record; ``by`` names the engine."""

    theta: FloatArray
    verdict: Verdict
    record: Recorder
    by: str = ""

    @property
    def good(self) -> bool:
        """Whether it is a minimum as close as asked for, or as rounding allows."""
        return self.verdict.outcome in GOOD and self.verdict.kind is not Kind.VALLEY


Engine = Callable[[Course, FloatArray], Point]
SPECIAL = "smoothing and an active set"


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

    found = descend_kinks(task.objective, course, judge, theta, task.limits)
    if found is None:
        return None
    return Arrival(reported(course, found[0]), found[1], course.recorder, SPECIAL)


def predicted(task: Task, course: Course, judge: Judge, theta: FloatArray) -> Arrival | None:
    """Where a loss of a badly conditioned linear predictor ends."""
    from symgd.minimize.predicted import descend_predictor, needed

    predictor = needed(task.objective)
    if predictor is None:
        return None
    found = descend_predictor(predictor, course, judge, theta)
    if found is None:
        return None
    return Arrival(reported(course, found[0]), found[1], course.recorder)


def doubted(task: Task, judge: Judge, arrival: Arrival) -> Arrival:
    """An arrival at a loss with kinks is good only if there is no kink near it.

    A loss of one parameter may have one there: that it rises on both sides is proof enough.
    """
    from symgd.minimize.kinked import beside_all_kinks

    if arrival.verdict.outcome not in GOOD or beside_all_kinks(task.objective, arrival.theta):
        return arrival
    if arrival.theta.size == 1 and task.limits is None and judge.enclosed(arrival.theta):
        return arrival
    text = "The loss has a kink here, and it could not be proved that this is its minimum. "
    doubt = Verdict(Outcome.STALLED, text + Outcome.STALLED.value, Kind.OPEN)
    return replace(arrival, verdict=doubt)


def rivals(
    task: Task, name: str, course: Course, best: Arrival | None = None
) -> list[tuple[str, Engine]]:
    """Engines that are worth a try even after a success: another may find a lower minimum.

    Only for cheap losses that may have several minima, and not when a method was asked for. A
    sum of squares over so many rows that J is not formed is not cheap: a ``best`` that is proved
    to be a minimum is enough there.
    """
    spent = perf_counter() - course.began
    if name not in ("lm", "newton") or task.asked or spent > _CHEAP:
        return []
    if not task.has_data:
        return [("BFGS", bfgs)]
    if task.residuals is None or (best is not None and best.good and task.residuals.sums):
        return []
    return [("Newton steps", lambda course, theta: newton(course, theta, most=200))]


def _linear(course: Course, theta: FloatArray) -> Point:
    """The start itself: the polish that follows is the solve."""
    return course.begin(theta)


def ended(engine: Engine, course: Course, theta: FloatArray) -> FloatArray:
    """Where an engine ends; if its matrices break down, the best point so far."""
    try:
        return engine(course, theta).theta
    except np.linalg.LinAlgError:
        return course.best.theta if course.best is not None else theta


def arrive(task: Task, course: Course, judge: Judge, theta: FloatArray, by: str = "") -> Arrival:
    """Polish an end point and judge it."""
    if task.objective.layout.size > DENSE and not task.structure.affine:
        return Arrival(theta, judge.judge_large(theta), course.recorder, by)
    closeness = None
    if task.residuals is not None:
        closeness = Closeness(task.residuals, task.structure.affine)
        polished = closeness.polish(theta, judge.start)
        if polished is not None and _not_worse(task.objective, polished[0], theta):
            theta = polished[0]
        verdict = judge.judge(theta, closeness)
        if verdict.outcome in GOOD:
            return Arrival(reported(course, theta), verdict, course.recorder, by)
    theta = settle(course, theta)
    verdict = judge.judge(theta, closeness)
    return Arrival(reported(course, theta), verdict, course.recorder, by)


def _not_worse(objective: Objective, after: FloatArray, before: FloatArray) -> bool:
    old, new = objective(before)[0], objective(after)[0]
    return bool(new <= old + 1e-9 * abs(old) or not np.isfinite(old))


def reported(course: Course, theta: FloatArray) -> FloatArray:
    """``theta``, recorded as the last step if it is new."""
    if course.last is None or (course.last != theta).any():
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
    worth = best.verdict.outcome in GOOD, other.verdict.outcome in GOOD
    if worth[0] != worth[1] and not abs(ours - theirs) > 1e-6 * abs(ours):
        return best if worth[0] else other
    lower = theirs < ours - 1e-8 * max(abs(ours), 1e-300)
    if best.good and other.good and lower:
        return other
    if best.good:
        return best
    return other if lower and np.isfinite(theirs) else best
