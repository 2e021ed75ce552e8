r"""How far is the minimum? The question behind ``precision``, asked at one point.

A small step or a small gradient says nothing about the distance to the minimum. A Newton step
does: with d = -H^-1 g(theta) and d' = -H^-1 g(theta + d), the ratio |d'|/|d| is next to 0 at a
proper minimum, and the minimum is at theta + d + d' up to a fraction of d'. Where the ratio is
not small (the flat bottom of x^4, an inflection like x^3, a kink) or where the curvature is
within rounding of zero, both sides are looked at: only if the loss rises outwards, or stays
level along a line of equally good minima, is there a minimum.

>>> import numpy as np
>>> from symgd.descend.evaluate import Evaluator
>>> def bowl(theta):
...     return float(theta @ theta), 2.0 * theta
>>> point = np.array([1.0, -0.5])
>>> certifier = Certifier(Evaluator(bowl, 2, bare=False), point, None, ("a", "b"))
>>> estimate = certifier.examine(point, bowl(point)[1], far=True)
>>> estimate.kind.name, round(estimate.error, 6)
('MINIMUM', 1.0)
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from symgd.descend import closing, estimate, krylov
from symgd.descend.curvature import EPS, LocalModel, local_model
from symgd.descend.estimate import Estimate, Kind
from symgd.descend.evaluate import Evaluator, OutOfTime, largest
from symgd.descend.objective import FloatArray, SecondOrder

DENSE = 50


class Certifier:
    """Examines points of one run. ``precision`` sets the scale on which things are looked at."""

    def __init__(
        self,
        evaluate: Evaluator,
        start: FloatArray,
        precision: float | None,
        names: tuple[str, ...],
    ) -> None:
        function = evaluate.function
        self._evaluate = evaluate
        self.exact = function.hessian if isinstance(function, SecondOrder) else None
        self.start = start
        self.precision = precision
        self.names = names
        self.effort = 200
        self.large = start.size > DENSE and self.exact is None

    def probe(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """The loss and its gradient at a point beside the way of the run."""
        return self._evaluate.probe(theta)

    def examine(self, theta: FloatArray, gradient: FloatArray, far: bool = False) -> Estimate:
        """The estimate at ``theta``; ``far`` follows the Newton step however long it is."""
        try:
            if self.large:
                return self._examine_large(theta, gradient, far)
            return self._examine(theta, gradient, far)
        except (OutOfTime, np.linalg.LinAlgError):
            return Estimate(Kind.OPEN)

    def model(self, theta: FloatArray, gradient: FloatArray) -> LocalModel | None:
        """The quadratic model at ``theta``."""
        return local_model(self.probe, self.exact, theta, gradient, self.steps(theta))

    def largest_curvature(self, theta: FloatArray, gradient: FloatArray) -> float:
        """The largest eigenvalue L of the Hessian, which limits the learning rate to 2/L."""
        if self.large:
            return krylov.extremes(self._products(theta), theta.size)[1]
        model = self.model(theta, gradient)
        return math.nan if model is None else model.steepest

    def steps(self, theta: FloatArray) -> FloatArray:
        """Lengths (p,) of the finite differences, in the units of each parameter."""
        moved = np.abs(theta - self.start)
        scale = np.maximum(np.abs(theta), moved)
        wanted = 1e-8 if self.precision is None else 0.01 * self.precision
        unknown = max(wanted, 1e-8 * largest(scale))
        wide = np.where(scale > wanted, np.minimum(wanted, 0.01 * scale), unknown)
        natural: FloatArray = np.maximum(EPS ** (1 / 3) * np.abs(theta), 1e-7 * moved)
        return np.maximum(natural, wide)

    def _examine(self, theta: FloatArray, gradient: FloatArray, far: bool) -> Estimate:
        model = self.model(theta, gradient)
        if model is None:
            return Estimate(Kind.OPEN, reason="the curvature is not finite here")
        first = model.newton(gradient)
        move = model.basis @ first
        length = largest(move)
        if model.falling.any():
            return self._saddle(model, gradient, length)
        pace = _pace(move, gradient)
        known = Estimate(Kind.OPEN, length, 0.0, math.inf, model.inverse(), pace, model.steepest)
        if not far and not length <= 2 * (self.precision or 0.0):
            return known
        found = closing.Closing(self, model, theta, gradient, far).estimate(known)
        way = self._bent_way_down(model, theta) if found.settled else None
        if way is None:
            return found
        text = "the loss falls on a bent way that begins along "
        return Estimate(Kind.SADDLE, reason=text + estimate.named(way, self.names))

    def _bent_way_down(self, model: LocalModel, theta: FloatArray) -> FloatArray | None:
        """A flat direction (p,) beside which the loss falls, as in Peano's (y - x^2)(y - 3x^2).

        Along every straight line the origin is a minimum of that. So from points on the line a
        Newton step is made in the curved directions; it must lead below at every distance.
        """
        if model.curved.all() or not model.curved.any():
            return None
        here, inverse = self.probe(theta)[0], model.inverse()
        scale = largest(np.abs(theta)) or largest(np.abs(self.start)) or 1.0
        for way in model.basis[:, ~model.curved].T[:3]:
            for sign in (1.0, -1.0):
                falls = []
                for share in (0.03, 0.01, 0.003):
                    point = theta + sign * share * scale * way / largest(np.abs(way))
                    rise, slope = self.probe(point)
                    falls.append(here - self.probe(point - inverse @ slope)[0])
                    if not falls[-1] > 0.01 * abs(rise - here):
                        break
                if len(falls) == 3 and 4 * falls[2] < 2 * falls[1] < falls[0]:
                    return np.asarray(way)
        return None

    def _examine_large(self, theta: FloatArray, gradient: FloatArray, far: bool) -> Estimate:
        """The same questions with conjugate gradients in the place of the Hessian."""
        product, most = self._products(theta), max(20, self.effort // 5)
        first = krylov.newton(product, gradient, most)
        if first.reason:
            return Estimate(Kind.SADDLE if first.falling else Kind.OPEN, reason=first.reason)
        length, pace = largest(first.step), _pace(first.step, gradient)
        floor = 4 * EPS * largest(theta) * max(1.0, first.high / first.low)
        noise = length / floor if floor > 0.0 else math.inf * length if length else 0.0
        known = Estimate(Kind.OPEN, length, floor, noise, None, pace, first.high)
        if not far and not length <= 2 * (self.precision or 0.0):
            return known
        after = self.probe(theta + first.step)[1]
        second = krylov.newton(product, after, most)
        if noise > 16 and (second.reason or largest(second.step) > 0.1 * length):
            return replace(known, reason=second.reason or "the curvature changes too fast here")
        low, high = krylov.extremes(product, theta.size)
        if not low >= -1e-6 * high:
            return Estimate(Kind.SADDLE, reason="the curvature is negative in some direction")
        rest = second.step if noise > 16 else np.zeros_like(theta)
        error = largest(first.step + rest) + 0.12 * largest(rest) + floor
        return replace(known, kind=Kind.MINIMUM, error=error, steepest=max(high, first.high))

    def _products(self, theta: FloatArray) -> krylov.Product:
        return krylov.products(self.probe, theta, float(self.steps(theta).max()))

    def _saddle(self, model: LocalModel, gradient: FloatArray, length: float) -> Estimate:
        falling = model.falling
        downhill = model.basis[:, falling]
        near = length <= 0.01 * (self.precision or 0.0)
        stuck = near and not (downhill.T @ gradient).any()
        worst = downhill[:, 0]
        reason = (
            f"the curvature is negative in the direction of {estimate.named(worst, self.names)}: "
        )
        reason += "a saddle or a maximum, not a minimum"
        return Estimate(Kind.SADDLE, reason=reason, stuck=stuck)


def _pace(move: FloatArray, gradient: FloatArray) -> float:
    square = float(move @ move)
    return -float(move @ gradient) / square if square > 0.0 else 0.0
