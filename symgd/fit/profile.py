r"""Profile likelihood: how far one parameter can move if the others make up for it.

For each value of a parameter the loss is minimised over all others. The interval ends where
tau = sign * sqrt((S(theta_j) - S_min)/s^2) reaches the quantile of Student's t (for likelihoods
sqrt(2 (l_max - l)) and the normal quantile). Unlike the symmetric interval it does not depend on
how the model is parametrised.

Source: Bates & Watts, "Nonlinear Regression Analysis and Its Applications" (1988), chapter 6.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from symgd.compile.least_squares import Residuals
from symgd.compile.structure import structure_of
from symgd.descend.closeness import Closeness
from symgd.descend.course import Course, Halt
from symgd.descend.objective import FloatArray, Layout
from symgd.descend.squares import Real, levenberg_marquardt
from symgd.descend.trust import newton, settle

_DOUBLINGS = 40


class _Rest:
    """A loss with one component of theta held."""

    def __init__(self, function: Any, squares: Residuals | None, index: int, size: int) -> None:
        self.function, self.squares, self.index = function, squares, index
        self.kept = np.delete(np.arange(size), index)
        self.value = 0.0

    def full(self, rest: Real) -> Real:
        return np.insert(rest, self.index, self.value)

    def __call__(self, rest: FloatArray) -> tuple[float, FloatArray]:
        loss, gradient = self.function(self.full(rest))
        return loss, gradient[self.kept]

    def hessian(self, rest: FloatArray) -> FloatArray:
        return np.asarray(self.function.hessian(self.full(rest))[np.ix_(self.kept, self.kept)])

    def residual(self, rest: Real) -> Real:
        assert self.squares is not None
        return self.squares.residual(self.full(rest))

    def jacobian(self, rest: Real) -> Real:
        assert self.squares is not None
        return self.squares.jacobian(self.full(rest))[:, self.kept]

    def curvature(self, rest: FloatArray, weights: FloatArray) -> FloatArray:
        assert self.squares is not None
        full = self.squares.curvature(self.full(rest), weights)
        return full[np.ix_(self.kept, self.kept)]


class Profile:
    """The profile of a loss: the least loss for a given value of one parameter."""

    def __init__(self, objective: Any, theta: FloatArray) -> None:
        self.objective, self.theta = objective, theta
        structure = structure_of(objective.partials)
        self.squares = None
        if structure.squares is not None:
            made = Residuals(structure.squares, objective)
            self.squares = made if made.proper else None

    def least(self, index: int) -> Callable[[float], float]:
        """The function value of theta_index -> least loss; each run starts from the last."""
        rest = _Rest(self.objective, self.squares, index, self.theta.size)
        state = {"at": np.delete(self.theta, index)}
        layout = Layout.of({"rest": (self.theta.size - 1,)}) if self.theta.size > 1 else None

        def loss(value: float) -> float:
            rest.value = value
            if layout is None:
                return float(self.objective(np.array([value]))[0])
            course = Course(rest, layout, 500, 10.0)
            with np.errstate(all="ignore"):
                try:
                    theta = self._run(rest, course, state["at"])
                except Halt:
                    theta = course.best.theta if course.best is not None else state["at"]
            found = float(rest(theta)[0])
            if math.isfinite(found):
                state["at"] = theta
            return found

        return loss

    def _run(self, rest: _Rest, course: Course, start: FloatArray) -> FloatArray:
        if self.squares is None:
            return settle(course, newton(course, start, most=100).theta)
        theta = levenberg_marquardt(course, rest, start, most=200).theta
        polished = Closeness(rest, affine=False).polish(theta, start)
        return theta if polished is None else polished[0]


def interval(
    least: Callable[[float], float], best: float, loss: float, step: float, target: float,
    unit: float,
) -> tuple[float, float]:  # fmt: skip
    """Where sqrt((least(value) - loss)/unit) reaches ``target`` on both sides of ``best``.

    ``step`` is a first guess of the half width. An end that is not reached is infinite.
    """

    def excess(value: float) -> float:
        return math.sqrt(max(least(value) - loss, 0.0) / unit) - target

    return _end(excess, best, -step), _end(excess, best, step)


def _end(excess: Callable[[float], float], best: float, step: float) -> float:
    """The root of ``excess`` beyond ``best`` in the direction of ``step``."""
    from scipy.optimize import brentq

    inside, outside = best, best + step
    for _ in range(_DOUBLINGS):
        value = excess(outside)
        if not math.isfinite(value):
            return math.copysign(math.inf, step)
        if value >= 0:
            break
        inside, outside = outside, best + 2 * (outside - best)
    else:
        return math.copysign(math.inf, step)
    return float(brentq(excess, inside, outside, xtol=1e-10 * abs(step), rtol=1e-10))
