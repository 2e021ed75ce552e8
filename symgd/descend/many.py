"""Many parameters: L-BFGS to the neighbourhood of the minimum, conjugate gradients to the end.

L-BFGS keeps a few pairs of steps and gradient changes in the place of the Hessian (SciPy's
L-BFGS-B; Liu & Nocedal, Math. Programming 45 (1989) 503). It stops some digits short of what
the gradient allows; truncated Newton steps with exact products H v go on from there.

>>> import numpy as np
>>> from symgd.descend.course import Course
>>> from symgd.descend.objective import Layout
>>> class Bowl:
...     def __call__(self, t):
...         return float(t @ t), 2 * t
...     def product(self, t, v):
...         return 2 * v
>>> course = Course(Bowl(), Layout.of({"t": (400,)}), 100, 60.0)
>>> float(abs(truncated_newton(course, lbfgs(course, np.ones(400))).theta).max())
0.0
"""

from __future__ import annotations

import math
import warnings

import numpy as np

from symgd.descend import krylov
from symgd.descend.course import Course, finite
from symgd.descend.curvature import EPS
from symgd.descend.objective import FloatArray
from symgd.descend.stop import Point

_PAIRS = 20
_PRODUCTS = 500


def lbfgs(course: Course, start: FloatArray) -> Point:
    """Descend from ``start`` by L-BFGS; returns the last point."""
    options = {"maxfun": 20 * course.limit, "maxcor": _PAIRS, "ftol": 1e-15, "gtol": 1e-12}
    return _scipy(course, start, "L-BFGS-B", options)


def bfgs(course: Course, start: FloatArray) -> Point:
    """Descend from ``start`` by BFGS, for few parameters; returns the last point."""
    return _scipy(course, start, "BFGS", {"gtol": 1e-9})


def _scipy(course: Course, start: FloatArray, method: str, options: dict[str, float]) -> Point:
    from scipy.optimize import minimize

    point = course.begin(start)
    seen = {"point": point}
    scale = max(abs(point.loss), 1e-300) if method == "L-BFGS-B" else 1.0

    def value(theta: FloatArray) -> tuple[float, FloatArray]:
        trial = course.at(theta.copy())
        if not finite(trial):
            course.refuse(trial.theta)
            return math.inf, np.zeros(theta.size)
        if trial.loss < seen["point"].loss:
            seen["point"] = trial
        return trial.loss / scale, trial.gradient / scale

    def show(theta: FloatArray) -> None:
        course.step(course.at(theta.copy()))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        minimize(
            value, start, jac=True, method=method, callback=show,
            options={"maxiter": course.limit, **options},
        )  # fmt: skip
    return seen["point"]


def truncated_newton(course: Course, point: Point, most: int = 100) -> Point:
    """Newton steps by conjugate gradients from ``point``, as long as the gradient shrinks."""
    function = course.function

    for _ in range(most):
        if not point.norm > 0:
            return point
        theta = point.theta

        def product(vector: FloatArray, at: FloatArray = theta) -> FloatArray:
            answer: FloatArray = function.product(at, vector)
            return answer

        solved = krylov.newton(product, point.gradient, min(_PRODUCTS, 2 * theta.size + 10))
        if not np.isfinite(solved.step).all() or not solved.step.any():
            return point
        better = _search(course, point, solved.step)
        if better is None:
            return point
        point = course.step(better)
    return point


def _search(course: Course, point: Point, step: FloatArray) -> Point | None:
    """The first of the points theta + step/2^k that is better than ``point``."""
    level = 16 * EPS * abs(point.loss)
    for _ in range(20):
        trial = course.at(point.theta + step)
        if finite(trial) and trial.loss <= point.loss + level:
            if trial.norm < 0.7 * point.norm or trial.loss < point.loss - level:
                return trial
            return None
        step = step / 2
    return None
