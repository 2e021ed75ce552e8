r"""Levenberg-Marquardt: the minimum of |r(theta)|^2 with the exact Jacobian.

At each point the residual is replaced by its linear part, and the step p minimises
|r + J p|^2 within |D p| <= radius, where D holds the column norms of J (never decreasing), so
that units do not matter. With the singular values J D^-1 = U S V^T the step is
p = -D^-1 V S (S^2 + lambda)^-1 U^T r, and lambda is the root of a scalar equation.

Source: J. J. More, "The Levenberg-Marquardt algorithm: implementation and theory" (1978).

>>> import numpy as np
>>> from symgd.descend.course import Course
>>> from symgd.descend.objective import Layout
>>> class Rosenbrock:
...     def residual(self, t):
...         return np.array([10 * (t[1] - t[0] ** 2), 1 - t[0]])
...     def jacobian(self, t):
...         return np.array([[-20 * t[0], 10.0], [-1.0, 0.0]])
...     def curvature(self, t, w):
...         return np.array([[-20.0 * w[0], 0.0], [0.0, 0.0]])
>>> r = Rosenbrock()
>>> def loss(t):
...     return float(r.residual(t) @ r.residual(t)), 2 * r.jacobian(t).T @ r.residual(t)
>>> course = Course(loss, Layout.of({"x": (), "y": ()}), 100, 60.0)
>>> levenberg_marquardt(course, r, np.array([-1.2, 1.0])).theta.round(6)
array([1., 1.])
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from symgd.descend.course import Course, finite
from symgd.descend.curvature import EPS
from symgd.descend.objective import FloatArray
from symgd.descend.stop import Point
from symgd.descend.sums import CONDITION, IllConditioned, Sums, sums_of

Real = NDArray[Any]
_SMALLEST = 1e-300
_NOTHING = 1e-30
_SAME = 1e-12
_FULL = 25
"""After so many undamped steps in a row the rest is for Newton's method."""


class Squares(Protocol):
    """A sum of squares |r(theta)|^2; r and J answer in the precision of theta."""

    def residual(self, theta: Real, /) -> Real:
        """r (m,) at theta (p,)."""
        ...

    def jacobian(self, theta: Real, /) -> Real:
        """J (m, p) at theta."""
        ...

    def curvature(self, theta: FloatArray, weights: FloatArray, /) -> FloatArray:
        """sum_i weights_i * Hessian of r_i, (p, p)."""
        ...


def triangle(jacobian: FloatArray, residual: FloatArray) -> tuple[FloatArray, FloatArray]:
    """R (p, p) and Q^T r (p,) of J = Q R, padded with zeros if there are fewer rows."""
    rows, columns = jacobian.shape
    if rows < columns:
        padding = np.zeros((columns - rows, columns))
        jacobian = np.vstack([jacobian, padding])
        residual = np.concatenate([residual, np.zeros(columns - rows)])
    basis, upper = np.linalg.qr(jacobian)
    return upper, basis.T @ residual


def column_norms(jacobian: FloatArray) -> FloatArray:
    """The norms of the columns, (p,), without overflow."""
    top = np.abs(jacobian).max(axis=0, initial=0.0)
    safe = np.where(top > 0, top, 1.0)
    norms: FloatArray = safe * np.sqrt(((jacobian / safe) ** 2).sum(axis=0))
    return np.where(top > 0, norms, 0.0)


class _Step:
    """The steps p(lambda) at one point, and the lambda that a radius asks for.

    ``values`` and ``right`` (p, p) are S and V of J D^-1 = U S V', ``along`` is U'r.
    """

    def __init__(
        self, scale: FloatArray, values: FloatArray, right: FloatArray, along: FloatArray
    ) -> None:
        self.scale, self.values, self.right, self.along = scale, values, right, along

    def length(self, damping: float) -> float:
        return float(np.linalg.norm(self._scaled(damping)))

    def _scaled(self, damping: float) -> FloatArray:
        values = self.values
        if damping == 0.0:
            kept = values > 4 * EPS * len(values) * values[0]
            inverse = np.where(kept, 1.0 / np.where(kept, values, 1.0), 0.0)
            return -inverse * self.along
        return -values * self.along / (values**2 + damping)

    def within(self, radius: float) -> tuple[FloatArray, float, float]:
        """The step of at most the radius, its damping, and the decrease it predicts."""
        damping = 0.0
        if self.length(0.0) > radius:
            damping = self._damping(radius)
        scaled = self._scaled(damping)
        image = self.values * scaled
        gain = -float(image @ (image + 2 * self.along))
        return (self.right @ scaled) / self.scale, damping, gain

    def _damping(self, radius: float) -> float:
        """lambda with |D p(lambda)| = radius, by bisection and Newton on 1/|p|."""
        low, high = 0.0, float(np.linalg.norm(self.values * self.along)) / radius
        damping = max(1e-3 * high, _SMALLEST)
        for _ in range(60):
            parts = self._scaled(damping)
            length = float(np.linalg.norm(parts))
            if abs(length - radius) <= 0.05 * radius or not length > 0:
                break
            if length > radius:
                low = damping
            else:
                high = damping
            slope = -float(parts @ (parts / (self.values**2 + damping))) / length
            damping += (length / radius) * (radius - length) / slope if slope else 0.0
            if not low < damping < high:
                damping = max(math.sqrt(low * high), 1e-3 * high)
        return damping


class _Rows:
    """The residual and its Jacobian at one point, row by row."""

    def __init__(self, squares: Squares, theta: FloatArray) -> None:
        self._squares, self._theta = squares, theta
        self._residual = squares.residual(theta)
        self.total = float(self._residual @ self._residual)

    @cached_property
    def _jacobian(self) -> FloatArray:
        return self._squares.jacobian(self._theta)

    def norms(self) -> FloatArray | None:
        """The norms of the columns of J (p,); None if J is not finite."""
        jacobian = self._jacobian
        return column_norms(jacobian) if np.isfinite(jacobian).all() else None

    def step(self, scale: FloatArray) -> _Step:
        """The steps for the given units."""
        upper, projected = triangle(self._jacobian / scale, self._residual)
        left, values, right = np.linalg.svd(upper)
        return _Step(scale, values, right.T, left.T @ projected)

    def decrease(self, after: _Rows) -> float:
        """|r|^2 - |s|^2 without cancellation: (r - s)(r + s)."""
        before, now = self._residual, after._residual
        return float((before - now) @ (before + now))


class _Sums:
    """The same in sums over the rows; ``whole`` says that r'r is the loss, nothing beside it."""

    def __init__(self, sums: Sums, theta: FloatArray) -> None:
        self.total, self.slope, self._square = sums(theta)
        self.whole = False

    def norms(self) -> FloatArray | None:
        """The norms of the columns of J (p,); None if J is not finite."""
        finite = np.isfinite(self.slope).all() and np.isfinite(self._square).all()
        return np.sqrt(np.diag(self._square)) if finite else None

    def step(self, scale: FloatArray) -> _Step:
        """The steps for the given units. Raises :class:`IllConditioned`."""
        spectrum, turn = np.linalg.eigh(self._square / np.outer(scale, scale))
        if not spectrum[0] > CONDITION * spectrum[-1]:
            raise IllConditioned
        values = np.sqrt(spectrum)
        return _Step(scale, values, turn, (turn.T @ (self.slope / scale)) / values)

    def decrease(self, after: _Sums) -> float:
        """|r|^2 - |s|^2."""
        return self.total - after.total


def levenberg_marquardt(
    course: Course,
    squares: Squares,
    start: FloatArray,
    factor: float = 1.0,
    most: int = 2000,
    tight: float = 1e-13,
) -> Point:
    """Descend from ``start``; returns the last point.

    ``factor`` sets the first radius in units of |D theta|. It ends when the loss cannot be
    decreased by more than the share ``tight``, or the step has shrunk to rounding.
    """
    sums = sums_of(squares)
    if sums is not None:
        try:
            return _descended(course, partial(_Sums, sums), start, factor, most, tight)
        except (IllConditioned, np.linalg.LinAlgError):
            start = start if course.best is None else course.best.theta
    return _descended(course, partial(_Rows, squares), start, factor, most, tight)


def _descended(
    course: Course,
    look: Callable[[FloatArray], Any],
    start: FloatArray,
    factor: float,
    most: int,
    tight: float,
) -> Point:
    """The loop, on what ``look`` says of a point."""
    point = course.begin(start)
    here = look(start)
    if isinstance(here, _Sums):
        here.whole = abs(point.loss - here.total) <= _SAME * here.total
    scale: FloatArray | None = None
    radius = 0.0
    small = full = 0
    first = here.total
    for _ in range(most):
        norms = here.norms()
        if norms is None:
            return point
        if scale is None:
            scale = np.where(norms > 0, norms, 1.0)
            radius = factor * (float(np.linalg.norm(scale * point.theta)) or 1.0)
        else:
            scale = np.maximum(scale, norms)
        model = here.step(scale)
        accepted = None
        while accepted is None:
            move, damping, gain = model.within(radius)
            theta = point.theta + move
            length = float(np.linalg.norm(scale * move))
            if (theta == point.theta).all() or radius < 1e-300:
                return point
            trial, fresh = _looked(course, look, theta, here)
            actual = here.decrease(fresh) if finite(trial) else -math.inf
            if not finite(trial):
                course.refuse(theta)
            ratio = actual / gain if gain > 0 else -1.0
            radius = _next_radius(radius, length, ratio)
            if ratio > 1e-4 and finite(trial):
                accepted = trial
            elif gain <= tight * here.total or length <= 1e-15 * np.linalg.norm(
                scale * point.theta
            ):
                return point
        full = full + 1 if damping == 0.0 else 0
        small = small + 1 if gain <= tight * here.total and actual <= tight * here.total else 0
        point, here = course.step(accepted), fresh
        if small >= 2 or full >= _FULL or not point.norm > 0:
            return point
        if here.total <= _NOTHING * first:
            return point
    return point


def _looked(
    course: Course, look: Callable[[FloatArray], Any], theta: FloatArray, here: Any
) -> tuple[Point, Any]:
    """The point at ``theta`` and what ``look`` says of it; ``here`` again where it is not finite.

    The sums over the rows hold the loss and its gradient too, so one pass is enough.
    """
    if isinstance(here, _Sums) and here.whole:
        fresh = look(theta)
        fresh.whole = True
        trial = course.given(theta, fresh.total, 2.0 * fresh.slope)
        return trial, fresh if finite(trial) else here
    trial = course.at(theta)
    return trial, look(theta) if finite(trial) else here


def _next_radius(radius: float, length: float, ratio: float) -> float:
    """Smaller after a bad prediction, larger after a good one that the radius held back."""
    if not ratio > 0.25:
        return 0.1 * length if ratio < -10 or ratio == -math.inf else 0.25 * min(length, radius)
    if ratio > 0.75:
        return max(radius, 2.0 * length)
    return radius
