"""Losses with kinks: smoothing to the neighbourhood, then the kinks that hold are solved for.

The smoothed loss is minimised for smaller and smaller widths, each from the minimum before it.
The kinks at which |u| has become as small as the width are taken as active, and the conditions
of :mod:`symgd.descend.kkt` are solved exactly; kinks whose multiplier leaves [-1, 1] are
released, kinks that are crossed are added. For a piecewise linear loss (mean absolute error,
quantiles, Chebyshev's largest error) it begins at the vertex that linear programming finds. Largest
entries, bounds and constraints are kinks too, by :mod:`symgd.minimize.penalty`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symgd.compile.kinks import Kinks, kinks_of, without_norms
from symgd.compile.objective import Objective
from symgd.descend.course import Course
from symgd.descend.estimate import Kind
from symgd.descend.kkt import Fixed, independent, solve_conditions
from symgd.descend.objective import FloatArray, IntArray
from symgd.descend.trust import newton
from symgd.descend.verdict import Judge, Verdict
from symgd.minimize.limits import Limits
from symgd.minimize.penalty import penalise
from symgd.minimize.vertex import vertex_of

_WIDTHS = 10
_ROUNDS = 60


@dataclass(frozen=True, eq=False)
class Held:
    """The conditions with the kinks ``active`` at zero and the others on their side."""

    kinks: Kinks
    signs: FloatArray
    active: IntArray

    def system(
        self, theta: FloatArray, multipliers: FloatArray, /
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        """grad L, c, W, A and B; the multipliers are the signs of the active kinks."""
        signs = self.signs.copy()
        signs[self.active] = multipliers
        objective = self.kinks.held(signs)
        _, gradient = objective(theta)
        rows = self.kinks.jacobian(theta)[self.active]
        values = self.kinks.atoms(theta)[self.active]
        weights = self.kinks.slopes(theta, signs)[self.active]
        return gradient, values, objective.hessian(theta), rows, (rows * weights[:, None]).T


def descend_kinks(
    objective: Objective, course: Course, judge: Judge, theta: FloatArray,
    limits: Limits | None = None,
) -> tuple[FloatArray, Verdict] | None:  # fmt: skip
    """The minimum and the verdict on it; None if the kinks are not of a known kind."""
    made = penalise(without_norms(objective), limits)
    if made is None or not np.isfinite(course.begin(theta).loss):
        return None
    whole = made.start(theta)
    for price in made.prices(whole):
        kinks = kinks_of(made.at(price))
        if kinks is None:
            continue
        found = _solved(kinks, course, whole)
        if found is None:
            continue
        fixed, signs = found
        point = fixed.theta[: theta.size]
        if limits is not None and not limits.satisfied(point):
            continue
        before, after = objective(theta)[0], objective(point)[0]
        if limits is None and not _is_the_loss(kinks, fixed, signs, after):
            return None
        if limits is None and not after <= before + 1e-6 * abs(before) + 1e-300:
            return None
        return _told(judge, fixed, signs, point, limits)
    return None


def _is_the_loss(kinks: Kinks, fixed: Fixed, signs: FloatArray, loss: float) -> bool:
    """Whether the held loss is the loss itself: every |u| is s*u there, or 0."""
    held = kinks.held(signs)(fixed.theta)[0]
    return bool(abs(held - loss) <= 1e-8 * max(abs(held), abs(loss)) + 1e-300)


def _solved(kinks: Kinks, course: Course, theta: FloatArray) -> tuple[Fixed, FloatArray] | None:
    """The minimum of a loss of absolute values, with the multiplier of each."""
    vertex = vertex_of(kinks, theta)
    if vertex is not None:
        width = 1e-10 * float(np.abs(kinks.atoms(theta)).max(initial=0.0))
        fixed, signs = _active_set(kinks, vertex.theta, width, vertex.multipliers)
        if fixed is not None:
            return fixed, signs
    theta, width = _smoothed(kinks, course, theta)
    fixed, signs = _active_set(kinks, theta, width)
    return None if fixed is None else (fixed, signs)


def _told(
    judge: Judge, fixed: Fixed, signs: FloatArray, point: FloatArray, limits: Limits | None
) -> tuple[FloatArray, Verdict]:
    """The verdict on a solution of the conditions."""
    count = int((np.abs(signs) < 1).sum())
    words = f"{count} kink{'s are' if count > 1 else ' is'} active" if count else ""
    if limits is not None:
        point = limits.clipped(point)
        words = limits.reached(point, judge.names)
    elif not count:
        words = "no kink is active"
    errors = fixed.errors[: point.size]
    loose = fixed.multipliers.size and float(np.abs(fixed.multipliers).max()) > 1.0 - 1e-9
    kind = Kind.MINIMUM if fixed.curvature > 1e-9 and not loose else Kind.VALLEY
    if kind is Kind.VALLEY:
        words += "; " if words else ""
        words += "the minimum is not unique: the loss stays the same along a direction"
    return point, judge.certified(point, errors, judge.allowed(point, errors), kind, words)


def beside_all_kinks(objective: Objective, theta: FloatArray) -> bool:
    """Whether ``theta`` is well away from every kink, so that the loss is smooth around it."""
    kinks = kinks_of(without_norms(objective))
    if kinks is None:
        return False
    u = np.abs(kinks.atoms(theta))
    reach = np.abs(kinks.jacobian(theta)) @ np.abs(theta) + u
    return bool((u > 1e-6 * reach).all())


def _smoothed(kinks: Kinks, course: Course, theta: FloatArray) -> tuple[FloatArray, float]:
    """The minimum of the loss smoothed with smaller and smaller widths, and the last width."""
    size = course.layout.size
    sizes = np.abs(kinks.atoms(theta))
    width = float(np.median(sizes)) or float(sizes.max(initial=0.0)) or 1.0
    best = theta
    for _ in range(_WIDTHS):
        smooth = kinks.smooth(width)
        inner = Course(smooth, smooth.layout, course.limit, 1e9, ())
        inner.evaluate.deadline = course.evaluate.deadline
        best = newton(inner, best, most=60).theta
        course.evaluate.calls += inner.evaluate.calls
        point = course.at(best[:size])
        if np.isfinite(point.loss) and np.isfinite(point.norm):
            course.step(point)
        width *= 0.1
    return best, 10 * width


def _active_set(
    kinks: Kinks, theta: FloatArray, width: float, known: FloatArray | None = None
) -> tuple[Fixed | None, FloatArray]:
    """Solve for the kinks that hold, releasing and adding until all conditions agree.

    ``known`` (k,) are the multipliers, if they are known already.
    """
    u = kinks.atoms(theta)
    guess = u / np.sqrt(u**2 + width**2) if known is None else known
    signs = np.where(u >= 0, 1.0, -1.0)
    slopes = kinks.slopes(theta, signs)
    weighty = np.abs(slopes) > 1e-12 * np.abs(slopes).max(initial=0.0)
    near = (np.abs(u) <= 30 * width) & weighty
    rows = kinks.jacobian(theta)
    order = np.abs(u) if known is None else np.abs(known)
    active = _pick(near, rows, order, theta.size)
    seen: set[tuple[int, ...]] = set()
    for _ in range(_ROUNDS):
        held = Held(kinks, signs, active)
        fixed = solve_conditions(held, theta, guess[active])
        if fixed is None or not np.isfinite(fixed.theta).all():
            return None, signs
        wrong = _worst(kinks, fixed, signs, active)
        if wrong is None:
            signs[active] = fixed.multipliers
            slopes = kinks.slopes(fixed.theta, signs)
            weights = np.abs(slopes)
            scale = float((weights @ np.abs(kinks.jacobian(fixed.theta))).max(initial=0.0))
            upward = (slopes[active] >= -1e-12 * weights.max(initial=0.0)).all()
            return (fixed if upward and fixed.defect <= 1e-8 * scale else None), signs
        index, release = wrong
        if release:
            signs[index] = np.sign(fixed.multipliers[active.tolist().index(index)])
            active = active[active != index]
        else:
            signs[index] = -signs[index]
            active = _with(active, index, kinks.jacobian(fixed.theta), theta.size)
        key = (*sorted(active.tolist()), *np.flatnonzero(signs < 0).tolist())
        if key in seen:
            return None, signs
        seen.add(key)
        guess = np.clip(guess, -0.9, 0.9)
        theta = fixed.theta
    return None, signs


def _pick(near: FloatArray, rows: FloatArray, order: FloatArray, most: int) -> IntArray:
    places = np.flatnonzero(near)
    chosen = independent(rows[places], order[places], most)
    return np.sort(places[chosen])


def _with(active: IntArray, index: int, rows: FloatArray, most: int) -> IntArray:
    """``active`` with one more kink, as far as they are independent."""
    places = np.append(active, index)
    order = np.append(np.ones(active.size), 0.0)
    return np.sort(places[independent(rows[places], order, most)])


def _worst(
    kinks: Kinks, fixed: Fixed, signs: FloatArray, active: IntArray
) -> tuple[int, bool] | None:
    """The kink that breaks the conditions most, and whether it is to be released."""
    excess = np.abs(fixed.multipliers) - 1.0
    if excess.size and excess.max() > 1e-9:
        return int(active[int(np.argmax(excess))]), True
    u = kinks.atoms(fixed.theta)
    crossed = -(u * signs)
    crossed[active] = 0.0
    level = 1e-10 * np.abs(u).max(initial=0.0)
    weights = kinks.slopes(fixed.theta, signs)
    crossed[np.abs(weights) <= 1e-12 * np.abs(weights).max(initial=0.0)] = 0.0
    if crossed.size and crossed.max() > level:
        return int(np.argmax(crossed)), False
    return None
