"""Minima within limits: to their neighbourhood by SciPy, to the last digits by the conditions.

Sequential quadratic programming (SLSQP) or, for a sum of squares with bounds alone, the trust
region of ``scipy.optimize.least_squares`` finds which limits hold; both are given our exact
derivatives. The point is then solved for with Lagrange multipliers
(:mod:`symgd.descend.kkt`): limits whose multiplier has the wrong sign are released, limits that
are crossed are added.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgd.compile.least_squares import Residuals
from symgd.descend.course import Course, Halt, finite
from symgd.descend.estimate import Kind
from symgd.descend.kkt import Fixed, independent, solve_conditions
from symgd.descend.objective import FloatArray, IntArray
from symgd.descend.solution import Outcome
from symgd.descend.verdict import Judge, Verdict
from symgd.minimize.limits import Limits

_ROUNDS = 60
_BARRIER = 1e30


@dataclass(frozen=True, eq=False)
class Active:
    """The conditions with the limits ``held`` as equations.

    Limits are numbered: constraints first, then lower bounds, then upper bounds.
    """

    limits: Limits
    held: IntArray

    def system(
        self, theta: FloatArray, multipliers: FloatArray, /
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        """grad L, c, W, A and B for L = loss - sum of multipliers times limits."""
        count = self.limits.count
        prices = np.zeros(count)
        inner = self.held < count
        prices[self.held[inner]] = multipliers[inner]
        objective = self.limits.priced(prices)
        _, gradient = objective(theta)
        values, rows = all_limits(self.limits, theta)
        rows, values = rows[self.held], values[self.held]
        gradient = gradient - rows[~inner].T @ multipliers[~inner]
        return gradient, values, objective.hessian(theta), rows, -rows.T


def all_limits(limits: Limits, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """All limits as c >= 0 (or = 0): their values and rows; missing bounds are inf."""
    unit = np.eye(theta.size)
    values = np.concatenate([limits.values(theta), theta - limits.low, limits.high - theta])
    return values, np.vstack([limits.jacobian(theta), unit, -unit])


def descend_limited(
    limits: Limits, squares: Residuals | None, course: Course, judge: Judge, theta: FloatArray
) -> tuple[FloatArray, Verdict]:
    """The minimum within the limits and the verdict on it."""
    theta = limits.clipped(theta)
    course.begin(theta)
    best = theta
    for best in _neighbourhoods(limits, squares, course, theta):
        solved = solve_active(limits, best)
        if solved is not None:
            fixed, held = solved
            return fixed.theta, _verdict(limits, judge, fixed, held)
    values, _ = all_limits(limits, best)
    broken = np.where(_equal(limits), -np.abs(values), values)
    if broken.min(initial=0.0) < -1e-6 * (1 + np.abs(best).max()):
        worst = limits.texts[int(np.argmin(broken[: limits.count]))] if limits.count else ""
        text = f"No point was found that satisfies all constraints (at worst: {worst}). "
        return best, Verdict(Outcome.STALLED, text + Outcome.STALLED.value, Kind.OPEN)
    verdict = judge.judge(best, None)
    if verdict.outcome is Outcome.UNBOUNDED:
        return best, verdict
    text = "The conditions of a minimum within the limits could not be solved from here. "
    return best, Verdict(Outcome.STALLED, text + Outcome.STALLED.value, Kind.OPEN)


def _verdict(limits: Limits, judge: Judge, fixed: Fixed, held: IntArray) -> Verdict:
    allowed = judge.allowed(fixed.theta, fixed.errors)
    names = judge.names
    count, size = limits.count, fixed.theta.size
    at = [names[i - count] for i in held if count <= i < count + size]
    at += [names[i - count - size] for i in held if i >= count + size]
    bounded = np.isfinite(limits.low).any() or np.isfinite(limits.high).any()
    words = f"at the bound: {', '.join(at)}" if at else "no bound is reached" if bounded else ""
    active = sorted({limits.texts[i] for i in held if i < count and not limits.equal[i]})
    if active:
        words += f"{'; ' if words else ''}with equality: {', '.join(active)}"
    if fixed.curvature < -1e-9:
        text = "The curvature is negative along the constraints: a saddle, not a minimum. "
        return Verdict(Outcome.STALLED, text + Outcome.STALLED.value, Kind.SADDLE, fixed.errors)
    kind = Kind.MINIMUM if fixed.curvature > 1e-10 else Kind.VALLEY
    if kind is Kind.VALLEY:
        words += "; the minimum is not unique: the loss stays the same along a direction"
    return judge.certified(fixed.theta, fixed.errors, allowed, kind, words)


def _neighbourhoods(
    limits: Limits, squares: Residuals | None, course: Course, theta: FloatArray
) -> Iterator[FloatArray]:
    """Points near the minimum by one method after the other."""
    if squares is not None and not limits.count:
        yield _trf(limits, squares, course, theta)
    point = _slsqp(limits, course, theta)
    yield point
    yield _trust(limits, course, point)


def _trf(limits: Limits, squares: Residuals, course: Course, theta: FloatArray) -> FloatArray:
    from scipy.optimize import least_squares

    gap = np.where(np.isfinite(limits.high - limits.low), limits.high - limits.low, 1.0)
    inside = np.clip(theta, limits.low + 1e-10 * gap, limits.high - 1e-10 * gap)
    seen = course.evaluate

    def residual(at: FloatArray) -> FloatArray:
        seen.calls += 1
        return np.asarray(np.nan_to_num(squares.residual(at), nan=_BARRIER, posinf=_BARRIER))

    try:
        result = least_squares(
            residual, inside, jac=lambda at: np.nan_to_num(squares.jacobian(at)), x_scale="jac",
            bounds=(limits.low, limits.high), ftol=1e-14, xtol=1e-14, gtol=1e-14, max_nfev=2000,
        )  # fmt: skip
    except (ValueError, np.linalg.LinAlgError):
        return theta
    return _shown(course, np.asarray(result.x))


def _slsqp(limits: Limits, course: Course, theta: FloatArray) -> FloatArray:
    from scipy.optimize import minimize

    scale = np.where(theta != 0, np.abs(theta), 1.0)
    first = course.at(theta)
    size = max(abs(first.loss), float(np.abs(first.gradient * scale).max()), 1e-300)
    if not np.isfinite(size):
        size = 1.0
    rules = []
    for kind, mask in (("eq", limits.equal), ("ineq", ~limits.equal)):
        if mask.any():
            rules.append({
                "type": kind,
                "fun": lambda u, m=mask: limits.values(scale * u)[m],
                "jac": lambda u, m=mask: limits.jacobian(scale * u)[m] * scale,
            })  # fmt: skip

    def value(u: FloatArray) -> tuple[float, FloatArray]:
        point = course.at(limits.clipped(scale * u))
        if not finite(point):
            course.refuse(point.theta)
            return _BARRIER, np.zeros(u.size)
        return point.loss / size, point.gradient * scale / size

    bounds = [
        (None if np.isinf(a) else a, None if np.isinf(b) else b)
        for a, b in zip(limits.low / scale, limits.high / scale, strict=True)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = minimize(
            value, theta / scale, jac=True, method="SLSQP", constraints=rules, bounds=bounds,
            callback=lambda u: _shown(course, limits.clipped(scale * u)) is None,
            options={"maxiter": min(course.limit, 1000), "ftol": 1e-16},
        )  # fmt: skip
    return limits.clipped(scale * np.asarray(result.x))


def _trust(limits: Limits, course: Course, theta: FloatArray) -> FloatArray:
    from scipy.optimize import Bounds, NonlinearConstraint, minimize

    rules = []
    if limits.count:
        rules.append(NonlinearConstraint(
            limits.values, np.zeros(limits.count), np.where(limits.equal, 0.0, np.inf),
            jac=limits.jacobian, hess=_no_bend,
        ))  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = minimize(
                lambda at: course.at(at).loss, theta, jac=lambda at: course.at(at).gradient,
                hess=course.function.hessian, method="trust-constr", constraints=rules,
                bounds=Bounds(limits.low, limits.high),
                options={"maxiter": 500, "gtol": 1e-12, "xtol": 1e-14},
            )  # fmt: skip
        except (ValueError, np.linalg.LinAlgError):
            return theta
    return limits.clipped(np.asarray(result.x))


def _no_bend(theta: FloatArray, prices: FloatArray) -> FloatArray:
    return np.zeros((theta.size, theta.size))


def _shown(course: Course, theta: FloatArray) -> FloatArray:
    point = course.at(theta)
    if finite(point):
        course.step(point)
    return theta


def _equal(limits: Limits) -> Any:
    return np.concatenate([limits.equal, np.zeros(2 * limits.low.size, dtype=bool)])


def solve_active(limits: Limits, theta: FloatArray) -> tuple[Fixed, IntArray] | None:
    """Solve for the limits that hold, releasing and adding until all conditions agree."""
    equal = _equal(limits)
    start = theta
    held = _guess(limits, theta, equal)
    seen: set[tuple[int, ...]] = set()
    for _ in range(_ROUNDS):
        prices = _prices(limits, theta, held)
        fixed = solve_conditions(Active(limits, held), theta, prices)
        if fixed is None or not np.isfinite(fixed.theta).all():
            return None
        wrong = _wrong(limits, fixed, held, equal)
        if wrong is None:
            return (_exact(limits, fixed, held), held) if _proper(limits, fixed, start) else None
        index, release = wrong
        held = held[held != index] if release else _with(limits, fixed.theta, held, index, equal)
        key = tuple(held.tolist())
        if key in seen:
            return None
        seen.add(key)
        theta = limits.clipped(fixed.theta)
    return None


def _proper(limits: Limits, fixed: Fixed, start: FloatArray) -> bool:
    """Whether the conditions hold, and the loss is not above that of where it began."""
    _, gradient = limits.objective(fixed.theta)
    size = np.abs(gradient).max(initial=0.0) + float(np.abs(fixed.multipliers).max(initial=0.0))
    before, after = limits.objective(start)[0], limits.objective(fixed.theta)[0]
    curved = np.abs(limits.objective.hessian(fixed.theta)) @ np.abs(fixed.theta)
    level = 1e-8 * size + 1e-9 * float(curved.max(initial=0.0))
    values, rows = all_limits(limits, fixed.theta)
    reach = np.abs(rows) @ np.abs(fixed.theta) + 1e-12
    unmet = (
        np.abs(values[: limits.count])[limits.equal] > 1e-7 * reach[: limits.count][limits.equal]
    )
    if unmet.any():
        return False
    near = after <= before + 1e-5 * (abs(before) + 1e-12) or not np.isfinite(before)
    return bool(fixed.defect <= level and (near or limits.count))


def _exact(limits: Limits, fixed: Fixed, held: IntArray) -> Fixed:
    """The point with the parameters at a bound exactly there."""
    theta, count, size = fixed.theta.copy(), limits.count, fixed.theta.size
    for i in held:
        if i >= count + size:
            theta[i - count - size] = limits.high[i - count - size]
        elif i >= count:
            theta[i - count] = limits.low[i - count]
    return Fixed(
        limits.clipped(theta), fixed.multipliers, fixed.errors, fixed.curvature, fixed.defect
    )


def _guess(limits: Limits, theta: FloatArray, equal: Any) -> IntArray:
    """The limits that seem to hold: equations, and those reached to some digits."""
    values, rows = all_limits(limits, theta)
    size = np.maximum(np.abs(rows) @ np.abs(theta), 1e-6)
    near = equal | (np.abs(values) <= 1e-5 * size)
    places = np.flatnonzero(near & np.isfinite(values))
    order = np.where(equal[places], -1.0, np.abs(values[places]) / size[places])
    return np.sort(places[independent(rows[places], order, theta.size)])


def _prices(limits: Limits, theta: FloatArray, held: IntArray) -> FloatArray:
    _, gradient = limits.objective(theta)
    _, rows = all_limits(limits, theta)
    if not held.size or not np.isfinite(gradient).all():
        return np.zeros(held.size)
    return np.asarray(np.linalg.lstsq(rows[held].T, gradient, rcond=None)[0])


def _wrong(limits: Limits, fixed: Fixed, held: IntArray, equal: Any) -> tuple[int, bool] | None:
    """The limit that breaks the conditions most, and whether it is to be released."""
    values, rows = all_limits(limits, fixed.theta)
    size = np.maximum(np.abs(rows) @ np.abs(fixed.theta), 1e-300)
    broken = np.where(np.isfinite(values), values, np.inf) / size
    broken[equal] = np.inf
    broken[held] = np.inf
    if broken.size and broken.min() < -1e-11:
        return int(np.argmin(broken)), False
    prices = np.where(equal[held], 0.0, fixed.multipliers)
    scale = np.abs(limits.objective(fixed.theta)[1]).max(initial=0.0)
    if prices.size and prices.min() < -1e-9 * max(float(np.abs(prices).max()), scale, 1e-300):
        return int(held[int(np.argmin(prices))]), True
    return None


def _with(limits: Limits, theta: FloatArray, held: IntArray, index: int, equal: Any) -> IntArray:
    places = np.append(held, index)
    _, rows = all_limits(limits, theta)
    order = np.where(equal[places], -1.0, np.where(places == index, 0.0, 1.0))
    return np.sort(places[independent(rows[places], order, theta.size)])


__all__ = ["Halt", "descend_limited", "solve_active"]
