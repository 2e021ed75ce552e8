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
from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np

from symgd.descend import krylov
from symgd.descend.curvature import EPS, LocalModel, local_model
from symgd.descend.evaluate import Evaluator, OutOfTime, largest
from symgd.descend.objective import FloatArray, IntArray, SecondOrder

DENSE = 50
_SHARE = 0.98


class Kind(Enum):
    """What the neighbourhood of a point looks like."""

    MINIMUM = auto()
    VALLEY = auto()  # minima, but not a single one
    SADDLE = auto()
    FLAT = auto()
    UNPLACED = auto()  # a minimum, but rounding hides where
    OPEN = auto()  # not settled


@dataclass(frozen=True, eq=False)
class Estimate:
    """What was found at one point.

    ``error`` is the estimated largest error of a parameter (inf: unknown), ``floor`` the part
    of it that rounding makes, ``noise`` the Newton step in units of its rounding error,
    ``inverse`` the inverse Hessian, ``pace`` the curvature along the error, which sets the pace
    of gradient descent, ``steepest`` the largest curvature L, which limits the rate to 2/L,
    ``stuck`` whether gradient descent cannot leave a saddle.
    """

    kind: Kind
    error: float = math.inf
    floor: float = 0.0
    noise: float = math.inf
    inverse: FloatArray | None = None
    pace: float = 0.0
    steepest: float = 0.0
    reason: str = ""
    stuck: bool = False

    @property
    def settled(self) -> bool:
        """Whether there is a minimum at the distance ``error``."""
        return self.kind in (Kind.MINIMUM, Kind.VALLEY)


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
        self.probe = evaluate.probe
        self.exact = function.hessian if isinstance(function, SecondOrder) else None
        self.start = start
        self.precision = precision
        self.names = names
        self.effort = 200
        self.large = start.size > DENSE and self.exact is None

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
        wanted = 1e-6 if self.precision is None else self.precision
        wide = np.minimum(wanted, np.maximum(0.01 * scale, 1e-6))
        natural: FloatArray = np.maximum(EPS ** (1 / 3) * np.abs(theta), 1e-8 * moved)
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
        return _Closing(self, model, theta, gradient, far).estimate(known)

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
        reason = f"the curvature is negative in the direction of {self.named(worst)}: "
        reason += "a saddle or a maximum, not a minimum"
        return Estimate(Kind.SADDLE, reason=reason, stuck=stuck)

    def named(self, direction: FloatArray) -> str:
        """A direction in words: the names of its leading components."""
        size = np.abs(direction)
        leading = np.flatnonzero(size >= 0.3 * size.max())[:3]
        sign = math.copysign(1.0, direction[leading[0]])
        parts = [("-" if sign * direction[i] < 0 else "+") + self.names[i] for i in leading]
        return " ".join(parts).removeprefix("+")


def _pace(move: FloatArray, gradient: FloatArray) -> float:
    square = float(move @ move)
    return -float(move @ gradient) / square if square > 0.0 else 0.0


class _Closing:
    """The last check, near the supposed minimum: second Newton step, then both sides."""

    def __init__(
        self,
        certifier: Certifier,
        model: LocalModel,
        theta: FloatArray,
        gradient: FloatArray,
        far: bool,
    ) -> None:
        self.certifier, self.model, self.theta = certifier, model, theta
        self.gradient = gradient
        self.first = first = model.newton(gradient)
        self.rounding = model.rounding()
        unit = np.spacing(np.abs(theta)) / 2
        self.floor = np.abs(model.basis) @ self.rounding + unit
        precision = certifier.precision or 0.0
        reach = 4 * max(largest(model.basis @ first), largest(self.floor))
        self.radius = max(precision, reach) if far else precision

    def estimate(self, known: Estimate) -> Estimate:
        model, first = self.model, self.first
        gradient = self.certifier.probe(self.theta + model.basis @ first)[1]
        second = model.newton(gradient)
        loud = np.abs(first) > self.rounding
        loudness = np.abs(first[loud]) / np.maximum(self.rounding[loud], 1e-300)
        noise = float(loudness.max(initial=0.0))
        floor = largest(self.floor)

        def found(kind: Kind, error: float, reason: str = "") -> Estimate:
            return replace(known, kind=kind, error=error, floor=floor, noise=noise, reason=reason)

        if not np.isfinite(second).all():
            return found(Kind.OPEN, math.inf, "the loss is not finite where the minimum should be")
        move = model.basis @ (first + second)
        degenerate = np.abs(second) > np.maximum(0.1 * np.abs(first), 8 * self.rounding)
        proper = model.curved & ~degenerate
        tail = np.where(proper, 0.12 * np.abs(second), 0.0)
        error = np.abs(move) + np.abs(model.basis) @ tail + self.floor
        doubtful = np.flatnonzero(~proper)
        if not doubtful.size:
            return found(Kind.MINIMUM, largest(error))
        widths = self._widths(doubtful, largest(error))
        if widths is None:
            return found(Kind.OPEN, max(3 * largest(error), self.radius))
        kind, reason = self._look_around(self.theta + move, doubtful, widths)
        return found(kind, largest(error + np.abs(model.basis[:, doubtful]) @ widths), reason)

    def _widths(self, doubtful: IntArray, used: float) -> FloatArray | None:
        """How far to look along each doubtful direction: what the radius leaves."""
        left = _SHARE * self.radius - used
        if left <= 0.0:
            return None
        directions = np.abs(self.model.basis[:, doubtful])
        widths: FloatArray = 1.0 / directions.max(axis=0)
        widths *= left / (directions @ widths).max()
        return widths

    def _look_around(
        self, centre: FloatArray, doubtful: IntArray, widths: FloatArray
    ) -> tuple[Kind, str]:
        kinked = self._kinked(centre, doubtful)
        kind, reason = Kind.MINIMUM, ""
        for index, width in zip(doubtful.tolist(), widths.tolist(), strict=True):
            direction = self.model.basis[:, index]
            where = self.certifier.named(direction)
            noise = 2 * float(np.abs(direction) @ self.model.noise)
            sides = self._sides(centre, direction, width)
            if not min(sides) >= -noise:
                return Kind.FLAT, f"the gradient is small, but the loss falls on along {where}"
            if min(sides) > noise:
                if kinked:
                    return Kind.FLAT, f"the loss has a kink along {where}"
                continue
            floor = self._floor(centre, direction)
            if not floor >= -2 * noise:
                return Kind.FLAT, f"the gradient is small, but the loss falls on along {where}"
            if floor > 2 * noise:
                return Kind.UNPLACED, f"the loss is too flat along {where} to place the minimum"
            kind = Kind.VALLEY
            reason = f"the minimum is not unique: the loss stays the same along {where}"
        return kind, reason

    def _kinked(self, centre: FloatArray, doubtful: IntArray) -> bool:
        """Whether two Newton steps have left the gradient as large as it was.

        At a kink of several parameters the loss can rise on both sides in every direction that
        is looked at, and fall between them; of one parameter there are only two sides.
        """
        directions = self.model.basis[:, doubtful]
        before = np.linalg.norm(directions.T @ self.gradient)
        after = np.linalg.norm(directions.T @ self.certifier.probe(centre)[1])
        noise = np.linalg.norm(np.abs(directions).T @ self.model.noise)
        return centre.size > 1 and bool(after > max(0.5 * before, 2 * noise))

    def _sides(
        self, centre: FloatArray, direction: FloatArray, width: float
    ) -> tuple[float, float]:
        """The outward slopes on both sides of ``centre``."""
        ahead = self.certifier.probe(centre + width * direction)[1]
        behind = self.certifier.probe(centre - width * direction)[1]
        return float(direction @ ahead), -float(direction @ behind)

    def _floor(self, centre: FloatArray, direction: FloatArray) -> float:
        """The outward slope far beyond the precision, on the floor of the valley if there is one.

        About 0 means that one can slide along a line of minima.
        """
        inverse = self.model.inverse()
        span = max(1e3 * self.radius, 1e-3 * largest(centre)) / largest(direction)
        slopes = []
        for sign in (1.0, -1.0):
            point = centre + sign * span * direction
            for _ in range(5):
                point = point - inverse @ self.certifier.probe(point)[1]
            slopes.append(sign * float(direction @ self.certifier.probe(point)[1]))
        return min(slopes) if min(slopes) < 0.0 else max(slopes)
