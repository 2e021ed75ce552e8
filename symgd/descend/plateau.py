r"""Where does a level stretch of a loss end, and does it end in fact or only in rounding?

The loss ``max(0, x)`` is level on the left of 0: every point there is a minimum. ``exp(50*x)`` and
``tanh(x)`` seem as level far on the left, but only because their gradient is below what floating
point can hold: they have no minimum. The difference is seen at the edge of the level stretch. At a
distance d from a true edge the slope is a power of d (or jumps), down to the smallest d. Where
numbers fade out, the slope next to the edge is what rounding leaves, and hardly changes with d.

>>> import numpy as np
>>> edge_of(lambda t: (max(0.0, t - 3.0), float(t > 3.0)), 10.0).name
'SHARP'
>>> def far_down(t):
...     return np.exp(50.0 * (t - 25.0)), 50.0 * np.exp(50.0 * (t - 25.0))
>>> edge_of(far_down, 20.0).name
'FADING'
>>> edge_of(lambda t: (0.0, 0.0), 100.0).name
'NONE'
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum, auto
from functools import partial

import numpy as np

from symgd.descend.curvature import EPS, Probe
from symgd.descend.evaluate import largest
from symgd.descend.objective import FloatArray

Look = Callable[[float], tuple[float, float]]
"""The loss, and the size of the slope along the way, at a distance; nan where unknown."""

_SCALES = 60
_BISECTIONS = 100
_JUMP = 1e-3
_POWER = 0.4
_RESOLVED = 0.01
_STEPS = 15
_FAR = 100.0
_RISE = 1e-6


class Fading(Enum):
    """What fades out along a line."""

    NOTHING = auto()
    TO_A_LIMIT = auto()  # one side rises, the other goes on for ever
    BOTH_WAYS = auto()  # both sides end, one of them at least in rounding only


class Edge(Enum):
    """How a level stretch ends on one side."""

    NONE = auto()  # not as far as was looked
    SHARP = auto()  # in fact: a jump or a power of the distance
    FADING = auto()  # only in rounding


def edge_of(
    look: Look, reach: float, noise: float = 0.0, size: float = 0.0, rise: float = 0.0,
    home: float = 0.0,
) -> Edge:  # fmt: skip
    """The edge of the level stretch that begins at 0, looked for up to the distance ``reach``.

    There is one if the loss rises somewhere by more than ``rise``; the stretch ends before that,
    where the slope exceeds ``noise``. ``size`` is that of the numbers in theta, whose spacing
    limits how near to the edge one can look. ``home`` is a distance at which the loss is known to
    be higher, if there is one.
    """
    stretch = _Stretch(look, noise, rise)
    wall = stretch.wall(reach, home)
    if wall is None:
        return Edge.NONE
    edge = stretch.end(wall)
    if edge is None:
        return Edge.NONE
    strongest, span = stretch.strongest(edge, max(reach, wall))
    near = max(1e-6 * span, 100.0 * EPS * max(size, edge))
    first, second = look(edge + near)[1], look(edge + 10.0 * near)[1]
    if math.isfinite(first) and first >= _JUMP * strongest > 0.0:
        return Edge.SHARP
    seen = first > 0.0 and second > 0.0 and math.isfinite(second)
    if not seen or near > _RESOLVED * span:
        return Edge.FADING
    return Edge.SHARP if math.log10(second / first) > _POWER else Edge.FADING


class _Stretch:
    """A level stretch of the loss that begins at the distance 0."""

    def __init__(self, look: Look, noise: float, rise: float) -> None:
        self.look, self.noise = look, noise
        loss = look(0.0)[0]
        self.level = loss + max(rise, 1e3 * EPS * abs(loss))

    def wall(self, reach: float, home: float) -> float | None:
        """A distance at which the loss has risen; None if it does not within reach."""
        if home > 0.0 and self.look(home)[0] > self.level:
            return home
        for k in range(_SCALES, -1, -1):
            loss, slope = self.look(reach * 0.5**k)
            if loss > self.level:
                return reach * 0.5**k
            if not (math.isfinite(loss) and math.isfinite(slope)):
                return None
        return None

    def end(self, wall: float) -> float | None:
        """Where the slope first exceeds the noise, or the loss rises, before ``wall``."""
        inside, outside = 0.0, wall
        for _ in range(_BISECTIONS):
            middle = (inside + outside) / 2.0
            if not inside < middle < outside:
                break
            loss, slope = self.look(middle)
            ended = loss > self.level or slope > self.noise
            if not (ended or math.isfinite(slope)):
                return None
            inside, outside = (inside, middle) if ended else (middle, outside)
        return outside

    def strongest(self, edge: float, reach: float) -> tuple[float, float]:
        """The largest slope seen beyond the edge, and the distance from it to a tenth of that."""
        seen = []
        for k in range(50):
            slope = self.look(edge + reach * 0.5**k)[1]
            if math.isfinite(slope):
                seen.append((slope, reach * 0.5**k))
        most = max((slope for slope, _ in seen), default=0.0)
        return most, min((d for slope, d in seen if slope >= 0.1 * most), default=reach)


class Floor:
    """The floor of a valley around ``centre`` (p,).

    ``inverse`` (p, p) is the pseudo-inverse of the Hessian in the curved directions: Newton steps
    with it lead from a point beside the valley down to its floor. Walls are measured by how far
    the loss has fallen since ``start`` (p,).
    """

    def __init__(
        self, probe: Probe, start: FloatArray, centre: FloatArray, inverse: FloatArray
    ) -> None:
        self.probe, self.centre, self.inverse = probe, centre, inverse
        self.curved = bool(inverse.any())
        fallen = probe(start)[0] - probe(centre)[0]
        self.rise = _RISE * fallen if 0.0 < fallen < math.inf else 0.0

    def fading(self, way: FloatArray, size: float, noise: float, home: float = 0.0) -> Fading:
        """Whether the floor is level along ``way``, of max-norm 1, only in rounding.

        ``home`` is how far the start is along ``way``, if it is there.
        """
        reach = _FAR * size
        edges = [
            edge_of(partial(self._at, side), reach, noise, size, self.rise, distance)
            for side, distance in ((way, home), (-way, 0.0))
        ]
        if Edge.FADING not in edges:
            return Fading.NOTHING
        return Fading.TO_A_LIMIT if Edge.NONE in edges else Fading.BOTH_WAYS

    def _at(self, way: FloatArray, distance: float) -> tuple[float, float]:
        """The loss and the size of its slope along ``way``; nan where the floor bends away."""
        straight = self.centre + distance * way
        point, left = straight, 0.0
        for _ in range(_STEPS if self.curved else 0):
            move = self.inverse @ self.probe(point)[1]
            point, left = point - move, largest(move)
            if not left > 1e-9 * distance:
                break
        bent = largest(point - straight)
        if self.curved and not (bent <= 0.5 * distance and left <= 1e-6 * distance):
            return (math.nan, math.nan) if distance > 0.0 else self._plain(point, way)
        return self._plain(point, way)

    def _plain(self, point: FloatArray, way: FloatArray) -> tuple[float, float]:
        loss, gradient = self.probe(point)
        return loss, abs(float(np.dot(way, gradient)))
