r"""Newton's method within a trust region, with the exact Hessian.

The step minimises g^T p + p^T H p/2 within |D p| <= radius, from the eigenvalues of
D^-1 H D^-1, so that it is exact also where H is indefinite: saddles are left along their
downhill direction. Two metrics are useful:

* ``scaled``: D = diag(|H_jj|^(1/2)) makes the steps independent of the units of the parameters.
* ``flow``: D = 1. Then p = -(H + lambda)^-1 g is a step of the implicit Euler method along the
  path of steepest descent, theta' = -g(theta). The radius is kept so small that the gradient at
  the new point is the predicted one, and the run ends in the minimum whose basin it starts in.

Source: Nocedal & Wright, "Numerical Optimization", 2nd ed. (2006), section 4.3; Hairer & Wanner,
"Solving Ordinary Differential Equations II" (1996), section IV.8 for the implicit Euler method.

>>> import numpy as np
>>> from symgd.descend.course import Course
>>> from symgd.descend.objective import Layout
>>> class Saddle:
...     def __call__(self, t):
...         x, y = t
...         return float(x**2 + (y**2 - 1) ** 2), np.array([2 * x, 4 * y * (y**2 - 1)])
...     def hessian(self, t):
...         return np.diag([2.0, 12 * t[1] ** 2 - 4])
>>> course = Course(Saddle(), Layout.of({"x": (), "y": ()}), 100, 60.0)
>>> abs(newton(course, np.array([1.0, 0.0])).theta.round(6)).tolist()
[0.0, 1.0]
"""

from __future__ import annotations

import math

import numpy as np

from symgd.descend.course import Course, finite
from symgd.descend.curvature import EPS
from symgd.descend.objective import FloatArray
from symgd.descend.stop import Point

_TRUSTED, _ALLOWED = 0.25, 0.75
_NEAR = 1e-10
_FAR = 1e60
_SHRINKS = 200


class Model:
    """The quadratic model at one point in the coordinates D theta, diagonalised."""

    def __init__(self, hessian: FloatArray, gradient: FloatArray, flow: bool = False) -> None:
        self.scale = np.ones(gradient.size) if flow else _units(hessian)
        scaled = hessian / np.outer(self.scale, self.scale)
        self.values, self.vectors = np.linalg.eigh(scaled)
        self.along = self.vectors.T @ (gradient / self.scale)

    @property
    def convex(self) -> bool:
        """Whether all curvatures are clearly positive."""
        return bool(self.values[0] > 1e-12 * max(abs(self.values[-1]), 1e-300))

    def full(self) -> FloatArray:
        """The Newton step -H^-1 g."""
        step: FloatArray = (self.vectors @ self._parts(0.0)) / self.scale
        return step

    def within(self, radius: float) -> tuple[FloatArray, float, float]:
        """The step, its length in the metric, and the decrease that the model predicts."""
        parts = self._parts(0.0) if self.convex else None
        if parts is None or not np.linalg.norm(parts) <= radius:
            parts = self._bounded(radius)
        gain = -float(self.along @ parts + 0.5 * (self.values * parts) @ parts)
        return (self.vectors @ parts) / self.scale, float(np.linalg.norm(parts)), gain

    def _parts(self, damping: float) -> FloatArray:
        bottom = self.values + damping
        safe = np.where(np.abs(bottom) > 1e-300, bottom, 1e-300)
        return np.asarray(-self.along / safe)

    def _bounded(self, radius: float) -> FloatArray:
        """The minimiser on the sphere: a shift that makes all curvatures positive."""
        least = max(0.0, -float(self.values[0]))
        low, high = least, least + float(np.linalg.norm(self.along)) / radius
        damping = least + 1e-3 * (high - least) + 1e-12 * least
        for _ in range(80):
            length = float(np.linalg.norm(self._parts(damping)))
            if abs(length - radius) <= 0.05 * radius or not high > low:
                break
            low, high = (damping, high) if length > radius else (low, damping)
            share = max(low - least, 1e-14 * high) * (high - least)
            damping = least + math.sqrt(max(share, 0.0))
        parts = self._parts(damping)
        left = radius**2 - float(parts @ parts)
        if least > 0 and left > 0.2 * radius**2:
            # The gradient does not see the most negative curvature: the hard case.
            parts[0] += (-1.0 if self.along[0] > 0 else 1.0) * math.sqrt(left)
        return parts


def _units(hessian: FloatArray) -> FloatArray:
    """The square roots of the curvatures along the axes, with a substitute for zeros."""
    diagonal = np.abs(np.diagonal(hessian))
    rows = np.sqrt((hessian**2).sum(axis=1))
    size = np.where(diagonal > 1e-8 * rows, diagonal, rows)
    top = float(size.max(initial=0.0))
    least = EPS**2 * top if top > 0 else 1.0
    units: FloatArray = np.sqrt(np.where(size > least, size, EPS * top or 1.0))
    return units


def newton(course: Course, start: FloatArray, flow: bool = False, most: int = 1000) -> Point:
    """Descend from ``start``; returns the last point.

    It ends when the model promises no decrease above rounding or the steps have become tiny.
    """
    point = course.begin(start)
    radius = 0.0
    size = np.maximum(np.abs(start), 1e-3)
    for _ in range(most):
        hessian = course.function.hessian(point.theta)
        if not np.isfinite(hessian).all():
            return point
        model = Model(hessian, point.gradient, flow)
        if radius == 0.0:
            radius = _first_radius(model, point, flow)
        taken, radius = _advance(course, point, hessian, model, radius, flow)
        if taken is None:
            return point
        moved = np.abs(taken.theta - point.theta)
        level = EPS * abs(point.loss)
        ending = point.loss - taken.loss <= 4 * level and taken.norm >= 0.5 * point.norm
        size = np.maximum(size, np.abs(taken.theta))
        point = course.step(taken)
        if ending or point.norm == 0.0 or (moved <= _NEAR * size).all():
            return point
        if size.max() > _FAR or radius > _FAR:
            return point
    return point


def _first_radius(model: Model, point: Point, flow: bool) -> float:
    natural = float(np.linalg.norm(model.scale * point.theta))
    if flow:
        return 0.1 * max(natural, 0.1)
    return max(0.5 * natural, min(0.5 * math.sqrt(abs(point.loss)), 1e3 * max(natural, 1.0)), 1e-3)


def _advance(
    course: Course, point: Point, hessian: FloatArray, model: Model, radius: float, flow: bool
) -> tuple[Point | None, float]:
    """The next point, or None if there is nothing to gain; and the next radius."""
    level = EPS * abs(point.loss)
    for _ in range(_SHRINKS):
        step, length, gain = model.within(radius)
        theta = point.theta + step
        if (theta == point.theta).all() or not gain > max(1e-2 * level, 1e-300):
            return None, radius
        trial = course.at(theta)
        if not finite(trial):
            course.refuse(theta)
            radius = 0.25 * min(length, radius)
            continue
        ratio = (point.loss - trial.loss + 4 * level) / max(gain + 4 * level, 1e-300)
        if flow:
            predicted = point.gradient + hessian @ step
            off = float(np.linalg.norm(trial.gradient - predicted))
            larger = np.maximum(np.abs(point.gradient), np.abs(trial.gradient))
            off /= max(float(np.linalg.norm(larger)), 1e-300)
            off = max(off, abs(ratio - 1.0))
        else:
            off = 1.0 - min(ratio, 1.0)
        full = length > 0.8 * radius
        if off < _TRUSTED:
            return trial, 2.0 * radius if full else radius
        if off < _ALLOWED or (not flow and ratio > 1e-4):
            return trial, radius if off < _ALLOWED else 0.25 * length
        radius = 0.3 * min(length, radius)
        if gain <= 16 * level and ratio > 1e-4:
            return trial, radius
    return None, radius


def settle(course: Course, theta: FloatArray, most: int = 60) -> FloatArray:
    """Plain Newton steps from a point near a minimum, as long as they shrink.

    The loss cannot tell two points apart there; the gradient can. A step that would raise the
    loss above rounding, or lead along negative curvature, ends it.
    """
    point = course.at(theta)
    unit: FloatArray | None = None
    last = math.inf
    for _ in range(most):
        if not finite(point):
            break
        hessian = course.function.hessian(point.theta)
        if not np.isfinite(hessian).all():
            break
        model = Model(hessian, point.gradient)
        if not model.values[0] > 0:
            break
        step = model.full()
        if unit is None:
            unit = np.maximum(np.abs(point.theta), np.abs(step))
            unit = np.where(unit > 0, unit, 1.0)
        size = float((np.abs(step) / unit).max())
        moved = point.theta + step
        if not 0 < size < 0.9 * last or (moved == point.theta).all():
            break
        trial = course.at(moved)
        if not trial.loss <= point.loss + 64 * EPS * abs(point.loss):
            break
        point, last = trial, size
    return point.theta
