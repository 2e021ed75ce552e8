"""The last check of a point near the supposed minimum.

A second Newton step with the same Hessian must be small against the first, and a third against
the second: then the minimum is where Newton says. Where they are not small, the loss is flatter
than a parabola (the bottom of x^4) or has no minimum at all (x^3), and Newton steps with fresh
Hessians follow it down; they shrink by a constant ratio there, and the rest is a geometric
series. Along every such direction both sides are then looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from symgd.descend.curvature import EPS, LocalModel
from symgd.descend.estimate import Estimate, Kind, named
from symgd.descend.evaluate import largest
from symgd.descend.objective import FloatArray, IntArray
from symgd.descend.plateau import Fading, Floor

_SHARE = 0.98
_NEWTONS = 12
_QUIET = 8.0
_SMALL = 0.1
_SLOWEST = 0.95
_UNPLACED = "the loss is too flat along {} to place the minimum"
_LIMIT = (
    "the loss falls along {} for ever towards a limit that it reaches nowhere; it looks level here "
    "only because the numbers end"
)
_STAIR = 4.0  # a gradient that does not move at all shows only a part of its stair


class Instruments(Protocol):
    """What a :class:`symgd.descend.certify.Certifier` lends for the check."""

    precision: float | None
    names: tuple[str, ...]
    start: FloatArray

    def probe(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """The loss and its gradient at ``theta``."""
        ...

    def model(self, theta: FloatArray, gradient: FloatArray) -> LocalModel | None:
        """The quadratic model at ``theta``."""
        ...


@dataclass(frozen=True, eq=False)
class Spot:
    """Where the minimum should be: ``tail`` (p,) is what the spot itself may be off.

    ``doubtful`` are the directions of ``model`` along which this is not yet a minimum, and
    ``reach`` how far one has to look along each to see both sides of it.
    """

    centre: FloatArray
    model: LocalModel
    tail: FloatArray
    doubtful: IntArray
    reach: FloatArray


class Closing:
    """The check at one point ``theta``, within the precision or (``far``) as far as it takes."""

    def __init__(
        self,
        tools: Instruments,
        model: LocalModel,
        theta: FloatArray,
        gradient: FloatArray,
        far: bool,
    ) -> None:
        self.tools, self.model, self.theta, self.gradient = tools, model, theta, gradient
        self.first = model.newton(gradient)
        self.floor = model.floor(theta)
        reach = 4 * max(largest(model.basis @ self.first), largest(self.floor))
        precision = tools.precision or 0.0
        self.radius = max(precision, reach) if far else precision
        self._walled = False

    def estimate(self, known: Estimate) -> Estimate:
        """``known`` with the kind, the error, its floor and the reason filled in."""
        loud = np.abs(self.first) > self.model.rounding
        loudness = np.abs(self.first[loud]) / np.maximum(self.model.rounding[loud], 1e-300)
        noise = float(loudness.max(initial=0.0))
        known = replace(known, floor=largest(self.floor), noise=noise)
        spot = self._spot()
        if spot is None:
            return replace(known, reason="the curvature changes too fast here")
        blur = self._blur(spot)
        if largest(blur) > 0.5 * (self.tools.precision or 0.0) and self._jumps(spot):
            return replace(known, reason="the slope of the gradient jumps at the minimum")
        known = replace(known, floor=largest(self.floor + blur))
        error = np.abs(spot.centre - self.theta) + spot.tail + self.floor + blur
        if not spot.doubtful.size:
            return replace(known, kind=Kind.MINIMUM, error=largest(error))
        widths = self._widths(spot, largest(error))
        if widths is None:
            return replace(known, error=max(3 * largest(error), self.radius))
        kind, reason, unsure = self._look_around(spot, widths)
        return replace(known, kind=kind, error=largest(error + unsure), reason=reason)

    def _blur(self, spot: Spot) -> FloatArray:
        """How badly the gradient places a proper minimum on the scale of the precision (p,).

        At some distance within the precision it must change as the model says, on one side at
        least: half the precision away, or nearer by where the loss curves more. Terms that cancel
        can leave a staircase instead, and a stair wider than the precision shows at no distance.
        """
        precision = self.tools.precision
        if spot.reach.any() or not precision:
            return np.zeros_like(spot.centre)
        seen = []
        for shift in (0.5 * precision, 0.05 * precision, 0.005 * precision):
            seen.append(self._mismatch(spot, shift))
            if largest(seen[-1]) <= 0.1 * shift:
                return _STAIR * seen[-1]
        return _STAIR * seen[0]

    def _jumps(self, spot: Spot) -> bool:
        """Whether the model is as wrong far out as near: no rounding, but a break in the loss."""
        precision = self.tools.precision or 0.0
        near = largest(self._mismatch(spot, 0.5 * precision)) / 0.5
        far = largest(self._mismatch(spot, 300 * precision)) / 300
        return far > 0.3 * near

    def _mismatch(self, spot: Spot, shift: float) -> FloatArray:
        """How far off the model places the minimum (p,), seen ``shift`` away on its better side."""
        inverse, here = spot.model.inverse(), self.tools.probe(spot.centre)[1]
        signs = np.where(np.arange(here.size) % 2, -1.0, 1.0)
        sides = []
        for step in (shift * signs, -shift * signs):
            point = spot.centre + step
            change = self.tools.probe(point)[1] - here
            sides.append(np.abs(inverse @ (change - spot.model.hessian @ (point - spot.centre))))
        return min(sides, key=largest)

    def _spot(self) -> Spot | None:
        """Follow the Newton steps to the supposed minimum."""
        model, sizes = self.model, [np.abs(self.first)]
        centre, steps = self.theta, self.first
        for _ in range(2):
            centre = centre + model.basis @ steps
            steps = model.newton(self.tools.probe(centre)[1])
            sizes.append(np.abs(steps))
            if not np.isfinite(steps).all():
                return None
        first, second, third = sizes
        quiet = _QUIET * model.rounding
        slow = (second > np.maximum(_SMALL * first, quiet)) | (
            third > np.maximum(_SMALL * second, quiet)
        )
        if slow.any():
            return self._follow()
        tail = np.abs(model.basis) @ (1.2 * _SMALL * third)
        flat = np.flatnonzero(~model.curved)
        return Spot(centre + model.basis @ steps, model, tail, flat, np.zeros(flat.size))

    def _follow(self) -> Spot | None:
        """Newton steps with fresh Hessians; None if they do not shrink."""
        point, model, step = self.theta, self.model, self.model.basis @ self.first
        for _ in range(_NEWTONS):
            point = point + step
            gradient = self.tools.probe(point)[1]
            fresh = self.tools.model(point, gradient)
            if fresh is None or fresh.falling.any():
                return None
            model = fresh
            steps, last = model.newton(gradient), np.linalg.solve(model.basis, step)
            step = model.basis @ steps
            loud = np.abs(steps) > _QUIET * model.rounding
            slow = loud & (np.abs(steps) > _SMALL * np.abs(last))
            if not slow.any() or largest(step) < 0.01 * largest(point - self.theta):
                break
        ratio = np.where(slow, np.abs(steps) / np.maximum(np.abs(last), 1e-300), _SMALL)
        sizes = np.abs(steps) * np.abs(model.basis).max(axis=0)
        if (slow & (ratio >= _SLOWEST) & (sizes > 0.05 * largest(step))).any():
            return None
        ratio = np.minimum(ratio, _SLOWEST)
        rest = np.abs(steps) * ratio / (1.0 - ratio)
        tail = np.abs(model.basis) @ np.where(slow, 0.0, rest)
        doubtful = np.flatnonzero(slow | ~model.curved)
        return Spot(point + step, model, tail, doubtful, 2 * rest[doubtful])

    def _widths(self, spot: Spot, used: float) -> FloatArray | None:
        """How far to look along each doubtful direction.

        Along a curved one as far as the Newton steps may be off, along a flat one as far as the
        radius allows.
        """
        left = _SHARE * self.radius - used
        flat = ~spot.model.curved[spot.doubtful]
        if left <= 0.0 and flat.any():
            return None
        directions = np.abs(spot.model.basis[:, spot.doubtful])
        widths: FloatArray = 1.0 / directions.max(axis=0)
        widths *= max(left, 0.0) / (directions @ widths).max()
        return np.where(flat, widths, spot.reach)

    def _look_around(self, spot: Spot, widths: FloatArray) -> tuple[Kind, str, FloatArray]:
        """The kind of the spot, the reason, and how far it may be off (p,)."""
        kinked = self._kinked(spot)
        kind, reason, unsure = Kind.MINIMUM, "", np.zeros_like(spot.centre)
        for index, width in zip(spot.doubtful.tolist(), widths.tolist(), strict=True):
            direction = spot.model.basis[:, index]
            where = named(direction, self.tools.names)
            noise = 2 * float(np.abs(direction) @ spot.model.noise)
            sides = self._sides(spot.centre, direction, width)
            if not min(sides) >= -noise:
                reason = f"the gradient is small, but the loss falls on along {where}"
                return Kind.FLAT, reason, unsure
            if min(sides) > noise:
                if kinked:
                    return Kind.FLAT, f"the loss has a kink along {where}", unsure
                unsure = unsure + width * np.abs(direction)
                continue
            floor = self._floor(spot, direction)
            if not floor >= -2 * noise or self._lower_beyond(spot, direction):
                return Kind.FLAT, f"the loss is level here, but falls on along {where}", unsure
            if floor > 2 * noise:
                return Kind.UNPLACED, _UNPLACED.format(where), unsure
            fading = self._fading(spot, direction, noise)
            if fading is not None:
                return *fading, unsure
            kind = Kind.VALLEY
            reason = f"the minimum is not unique: the loss stays the same along {where}"
        if kind is Kind.VALLEY and not spot.model.curved.any() and not self._walled:
            return Kind.FLAT, "the loss is level in every direction: a plateau", unsure
        return kind, reason, unsure

    def _kinked(self, spot: Spot) -> bool:
        """Whether the Newton steps have left the gradient as large as it was.

        At a kink of several parameters the loss can rise on both sides in every direction that
        is looked at, and fall between them; of one parameter there are only two sides.
        """
        directions = spot.model.basis[:, spot.doubtful]
        before = np.linalg.norm(directions.T @ self.gradient)
        after = np.linalg.norm(directions.T @ self.tools.probe(spot.centre)[1])
        noise = np.linalg.norm(np.abs(directions).T @ spot.model.noise)
        return spot.centre.size > 1 and bool(after > max(0.5 * before, 2 * noise))

    def _sides(
        self, centre: FloatArray, direction: FloatArray, width: float
    ) -> tuple[float, float]:
        """The outward slopes on both sides of ``centre``."""
        ahead = self.tools.probe(centre + width * direction)[1]
        behind = self.tools.probe(centre - width * direction)[1]
        return float(direction @ ahead), -float(direction @ behind)

    def _floor(self, spot: Spot, direction: FloatArray) -> float:
        """The outward slope far beyond the precision, on the floor of the valley if there is one.

        About 0 means that one can slide along a line of minima.
        """
        inverse = spot.model.inverse()
        span = max(1e3 * self.radius, 1e-3 * largest(spot.centre)) / largest(direction)
        slopes = []
        for sign in (1.0, -1.0):
            point = spot.centre + sign * span * direction
            for _ in range(5):
                point = point - inverse @ self.tools.probe(point)[1]
            slopes.append(sign * float(direction @ self.tools.probe(point)[1]))
        return min(slopes) if min(slopes) < 0.0 else max(slopes)

    def _fading(self, spot: Spot, direction: FloatArray, noise: float) -> tuple[Kind, str] | None:
        """What a stretch is that is level only because numbers fade out; None for a true one."""
        centre, names = spot.centre, self.tools.names
        silent = float(direction @ self.tools.probe(centre)[1]) == 0.0
        size = max(largest(centre), largest(self.tools.start), 1e3 * self.radius)
        home = np.linalg.solve(spot.model.basis, self.tools.start - centre)
        home = spot.model.basis @ np.where(spot.model.curved, 0.0, home)
        floor = Floor(self.tools.probe, self.tools.start, centre, spot.model.inverse())
        ways = (direction, home) if largest(home) > 1e-6 * size else (direction,)
        for way in ways:
            length = largest(way)
            level, distance = 0.0 if silent else noise / length, length if way is home else 0.0
            found = floor.fading(way / length, size, level, distance)
            if found is Fading.TO_A_LIMIT:
                return Kind.FLAT, _LIMIT.format(named(way, names))
            if found is Fading.BOTH_WAYS:
                return Kind.UNPLACED, _UNPLACED.format(named(way, names))
        return None

    def _lower_beyond(self, spot: Spot, direction: FloatArray) -> bool:
        """Whether the loss is lower far out on either side: then this is a plateau.

        A saturated loss (a sigmoid at 40) has a gradient of exactly zero, like a valley of
        minima. Notes on the way whether the loss rises anywhere (``_walled``).
        """
        here = self.tools.probe(spot.centre)[0]
        slack = 1e3 * EPS * abs(here)
        size = max(largest(spot.centre), 1e3 * self.radius) / largest(direction)
        for span in (0.1 * size, size, 10 * size):
            for sign in (1.0, -1.0):
                there = self.tools.probe(spot.centre + sign * span * direction)[0]
                if there < here - slack:
                    return True
                self._walled = self._walled or there > here + slack
        return False
