"""From an objective and a point of interest to a :class:`Diagnosis`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symgd.compile.objective import Objective
from symgd.compile.structure import Structure, structure_of
from symgd.descend import Outcome, Solution
from symgd.descend.objective import FloatArray
from symgd.diagnose.cause import cause
from symgd.diagnose.closed import closed_form, minimiser
from symgd.diagnose.diagnosis import Diagnosis, Pace
from symgd.diagnose.freedom import free_directions
from symgd.diagnose.growth import turning_point
from symgd.diagnose.noise import Noise, noise_floor
from symgd.diagnose.prediction import Course
from symgd.diagnose.shape import shape_of
from symgd.diagnose.spectrum import DENSE, Curvature, curvature
from symgd.diagnose.standardise import Standardised, standardised
from symgd.diagnose.words import number
from symgd.formula.text import to_text

_GOOD = (Outcome.CONVERGED, Outcome.PRECISION_LIMIT)


@dataclass(frozen=True, eq=False)
class Plan:
    """The descent that is asked about: its start (p,), rates, precision and batches.

    ``rates`` maps the text of each rate to a number or a schedule. ``seconds`` bounds the search
    for a closed form.
    """

    start: FloatArray | None = None
    rates: dict[str, float | Callable[[Any], float]] = field(default_factory=dict)
    precision: float = 1e-6
    batch: int | None = None
    seconds: float = 5.0


def diagnose(
    objective: Objective,
    theta: FloatArray,
    plan: Plan | None = None,
    run: Solution | None = None,
    search: Solution | None = None,
) -> Diagnosis:
    """What is known about a loss near ``theta`` (p,), its minimum if there is one.

    ``run`` is a descent that was made: it also says why that failed. ``search`` is the run that
    found ``theta``: whether that is a minimum is what its outcome says.
    """
    plan = plan or Plan()
    partials = objective.partials
    structure = structure_of(partials)
    with np.errstate(all="ignore"):
        loss, gradient = objective(theta)
        bend = _bend(objective, theta, structure)
        arrived = _arrived(bend, theta, gradient, structure, search)
        exact = minimiser(objective) if structure.quadratic and theta.size <= DENSE else None
        closed = closed_form(partials, objective, plan.seconds, exact)
        known = bend if structure.quadratic or arrived in ("minimum", "flat") else None
        paces = _paces(theta if exact is None else exact, known, structure, plan)
        return Diagnosis(
            formula=to_text(partials.written),
            reading=partials.problem.reading,
            names=objective.names,
            point=theta,
            loss=loss,
            gradient_norm=float(np.abs(gradient).max()),
            arrived=arrived,
            limits=() if search is None else search.limits,
            shape=shape_of(objective, structure, theta, bend),
            curvature=bend,
            precision=plan.precision,
            paces=paces,
            standardised=_standardised(objective, structure, theta, bend),
            free=free_directions(objective, theta),
            noise=_noise(objective, theta, bend, plan) if arrived == "minimum" else None,
            closed=closed,
            distance=closed.distance(objective.unpack(theta)),
            failure=_failure(objective, run, bend, plan),
            at_start=_at_start(objective, structure, plan),
            found="" if search is None or search.outcome in _GOOD else search.message,
        )


def _bend(objective: Objective, theta: FloatArray, structure: Structure) -> Curvature | None:
    if theta.size > DENSE:
        return None
    found = curvature(objective, theta, structure.quadratic)
    return found if np.isfinite(found.largest) else None


def _at_start(objective: Objective, structure: Structure, plan: Plan) -> Curvature | None:
    """The curvature at the start, where it is another one than at the minimum."""
    if structure.quadratic or plan.start is None or plan.start.size > DENSE:
        return None
    return _bend(objective, plan.start, structure)


def _arrived(
    bend: Curvature | None,
    theta: FloatArray,
    gradient: FloatArray,
    structure: Structure,
    search: Solution | None,
) -> str:
    """The kind of the point: by its gradient, if a Newton step would not move it."""
    if search is not None and search.outcome not in _GOOD:
        return ""
    if structure.kinks:
        return "kink" if search is not None else ""
    kind = _stationary(bend, theta, gradient)
    return "limit" if not kind and search is not None and search.limits else kind


def _stationary(bend: Curvature | None, theta: FloatArray, gradient: FloatArray) -> str:
    """The kind of a point whose gradient is zero."""
    if bend is None or bend.vectors is None or not np.isfinite(gradient).all():
        return ""
    if not gradient.any():
        return bend.kind
    clear = np.abs(bend.eigenvalues) > bend.noise
    along = bend.vectors.T @ gradient
    step = bend.vectors[:, clear] @ (along[clear] / bend.eigenvalues[clear])
    flat = bool(np.abs(along[~clear]).max(initial=0.0) <= 1e-6 * (1.0 + np.abs(gradient).max()))
    near = bool(np.abs(step).max(initial=0.0) <= 1e-4 * (1.0 + np.abs(theta).max()))
    return bend.kind if near and flat else ""


def _standardised(
    objective: Objective, structure: Structure, theta: FloatArray, bend: Curvature | None
) -> Standardised | None:
    if bend is None or theta.size < 2:
        return None
    return standardised(objective, structure, theta)


def _paces(
    minimum: FloatArray,
    bend: Curvature | None,
    structure: Structure,
    plan: Plan,
) -> tuple[Pace, ...]:
    """The rates that were asked about, and the best one."""
    if bend is None or not bend.largest > 0:
        return ()
    course = None
    if structure.quadratic and plan.start is not None and bend.smallest >= -bend.noise:
        course = _course(minimum, bend, plan.start)
    rates = dict(plan.rates)
    best = bend.best_rate
    if not any(isinstance(r, float) and abs(r - best) <= 1e-3 * best for r in rates.values()):
        rounded = _rounded_down(best)
        rates[f"{rounded:.4g}"] = rounded
    return tuple(_pace(text, rate, bend, course, plan.precision) for text, rate in rates.items())


def _rounded_down(rate: float) -> float:
    """Four digits, and not above: the best rate may be next to the stable limit."""
    unit = 10.0 ** (math.floor(math.log10(rate)) - 3)
    near = float(f"{rate:.4g}")
    return near if near <= rate else float(f"{(math.floor(rate / unit) - 1e-9) * unit:.4g}")


def _course(minimum: FloatArray, bend: Curvature, start: FloatArray) -> Course:
    """The course of a descent on a quadratic loss."""
    assert bend.vectors is not None
    error = bend.vectors.T @ (start - minimum)
    flat = np.abs(bend.eigenvalues) <= bend.noise
    values = np.where(flat, 0.0, bend.eigenvalues)
    return Course(values, bend.vectors, np.where(flat, 0.0, error))


def _pace(
    text: str,
    rate: float | Callable[[Any], float],
    bend: Curvature,
    course: Course | None,
    precision: float,
) -> Pace:
    counts = {}
    if course is not None:
        counts = {stop: course.count(rate, precision, stop, 10**6) for stop in ("error", "step")}
    turn = factor = value = None
    if callable(rate):
        turn = turning_point(rate, bend.largest)
    else:
        value = rate
        factor = max(abs(1 - rate * bend.largest), abs(1 - rate * bend.slowest))
    return Pace(text, value, counts.get("error"), counts.get("step"), factor, turn)


def _noise(
    objective: Objective, theta: FloatArray, bend: Curvature | None, plan: Plan
) -> Noise | None:
    """The floor of mini-batches; at the minimum only."""
    if plan.batch is None or bend is None:
        return None
    constant = [r for r in plan.rates.values() if isinstance(r, float)]
    rate = constant[0] if constant else bend.best_rate / 2
    return noise_floor(objective, theta, bend, rate, plan.batch)


def _failure(
    objective: Objective, solution: Solution | None, bend: Curvature | None, plan: Plan
) -> str:
    """Why a run failed, and what helps."""
    if solution is None:
        return ""
    if solution.failed_at is not None and solution.outcome is Outcome.LEFT_DOMAIN:
        return cause(objective, solution.failed_at)
    if solution.outcome is not Outcome.DIVERGED or bend is None or not bend.largest > 0:
        return ""
    where = "" if bend.exact else " where it was best"
    limit = f"2/L = {number(bend.stable_rate)}{where}"
    rates = list(plan.rates.items())
    if not rates:
        return f"the rate must stay below {limit}; {number(bend.best_rate)} is the fastest"
    text, rate = rates[0]
    if not callable(rate):
        above = "above the stable limit" if rate >= bend.stable_rate else "below"
        return f"the rate {text} is {above} {limit}; use {number(bend.best_rate)}"
    turn = turning_point(rate, bend.largest)
    if math.isinf(turn.time):
        return f"the schedule {text} stays above {limit}; start it at {number(bend.best_rate)}"
    return (
        f"the schedule {text} is above {limit} until t = {number(turn.time)} and the error grows "
        f"by 10^{turn.log10_peak:.1f} till then; start it at {number(bend.best_rate)}"
    )
