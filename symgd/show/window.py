"""What part of the world a picture shows: the way of a run, its frame, and where to cut.

A run that went well is framed with the minimum in the middle. Of a run that went astray the
first steps are shown, as many as can be told apart. A wall is cut where it would flatten the
valley.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symgd.descend import Outcome, Solution
from symgd.descend.objective import FloatArray, IntArray
from symgd.show.words import counted, number

HUGE = 1e100
VERTICES = 4000
ASTRAY = (Outcome.DIVERGED, Outcome.UNBOUNDED, Outcome.LEFT_DOMAIN)
Pair = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Way:
    """The iterates of a run that can be drawn: ``theta`` (k, p), ``step`` (k,).

    ``end`` (p,) is the answer of the run, ``reached`` that it is the minimum, ``astray`` that
    the run went away, and ``left_out`` how many of its recorded iterates lie far outside and are
    not in ``theta``.
    """

    theta: FloatArray
    step: IntArray
    end: FloatArray
    astray: bool
    left_out: int
    reached: bool = False

    @property
    def notes(self) -> list[str]:
        """What must be said about the part that is not shown."""
        if not self.left_out:
            return []
        return [f"the run leaves the picture: {counted(self.left_out, 'later step')} not shown"]


def way_of(solution: Solution) -> Way:
    """The part of a run that a picture can show."""
    history = solution.history
    theta = history.theta
    with np.errstate(invalid="ignore"):
        fine = np.all(np.abs(theta) < HUGE, axis=1)
    count = len(fine) if fine.all() else int(np.argmin(fine))
    astray = solution.outcome in ASTRAY
    if astray:
        count = min(count, _before_escape(theta[:count]))
    end = solution.theta
    if not np.all(np.isfinite(end)):
        end = theta[max(0, count - 1)]
    arrived = np.flatnonzero((theta[:count] == end).all(axis=1))
    if len(arrived) and not astray:
        # What follows is a second try from elsewhere that ends in the same place.
        count = int(arrived[0]) + 1
        return Way(theta[:count], history.step[:count], end, astray, 0, solution.converged)
    return Way(
        theta[:count], history.step[:count], end, astray, len(theta) - count, solution.converged
    )


def _before_escape(theta: FloatArray) -> int:
    """How many iterates stay within a few times the room that the first moves take."""
    if len(theta) < 3:
        return len(theta)
    reach = np.max(np.abs(theta - theta[0]), axis=1)
    first = reach[1] if reach[1] > 0 else float(np.max(reach[:8]))
    outside = np.flatnonzero(reach > 8.0 * max(first, 1e-300))
    return max(2, min(int(outside[0]) if len(outside) else len(theta), 40))


def framed(values: FloatArray, centre: float | None, beyond: float = 0.9) -> Pair:
    """An interval with room around ``values`` (k,), that reaches ``beyond`` the centre.

    >>> low, high = framed(np.array([9.0, 6.0, 5.75]), 5.75)
    >>> round(low, 2), round(high, 2)
    (2.82, 9.65)
    """
    low, high = float(np.min(values)), float(np.max(values))
    if centre is None or not np.isfinite(centre):
        middle, half = (low + high) / 2, (high - low) / 2
        left = right = 1.25 * half
    else:
        middle = centre
        below, above = max(centre - low, 0.0), max(high - centre, 0.0)
        widest = max(below, above)
        left, right = max(1.2 * below, beyond * widest), max(1.2 * above, beyond * widest)
    least = 1e-12 * max(1.0, abs(middle))
    if left + right <= least:
        left = right = max(1.0, 0.5 * abs(middle))
    return middle - left, middle + right


def grid(span: Pair, count: int) -> FloatArray:
    """``count`` even places from one end to the other."""
    return np.linspace(span[0], span[1], count)


def distinct(points: FloatArray, spans: list[Pair], gap: float) -> IntArray:
    """The places of points (k, d) that are at least ``gap`` of the window from the one before.

    The first and the last point always stay.
    """
    if len(points) < 3:
        return np.arange(len(points))
    scale = np.array([high - low for low, high in spans])
    scaled = (points / np.where(scale > 0, scale, 1.0)).tolist()
    kept, last = [0], scaled[0]
    for k, point in enumerate(scaled):
        if max(abs(a - b) for a, b in zip(point, last, strict=True)) >= gap:
            kept.append(k)
            last = point
    if kept[-1] != len(points) - 1:
        kept.append(len(points) - 1)
    return np.array(kept, dtype=np.intp)


def drawn_part(points: FloatArray, spans: list[Pair]) -> tuple[IntArray, str]:
    """The places of the points that a line needs, and a note if some of a crowd are left out."""
    kept = distinct(points, spans, 0.002)
    if len(kept) <= VERTICES:
        return kept, ""
    stride = -(-len(kept) // VERTICES)
    return np.append(kept[:-1:stride], kept[-1]), f"every {stride}th step drawn"


def ceiling(values: NDArray[np.float64], start: float, room: float) -> float | None:
    """Where to cut a steep wall, or None if nothing needs cutting.

    The cut leaves the start of the run in the picture, and about ``room`` times the height
    that half of the picture stays below.
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return None
    low, middle, high = float(known.min()), float(np.median(known)), float(known.max())
    usual = room * (middle - low)
    if np.isfinite(start):
        rise = max(start - low, 0.0)
        usual = min(max(2.2 * rise, middle - low), usual)
        if rise > usual:
            usual = min(1.1 * rise, 3.0 * usual)
    if usual <= 0.0 or high - low <= 1.5 * usual:
        return None
    return low + usual


def levels(values: NDArray[np.float64], count: int = 12) -> FloatArray:
    """Rising contour levels in round numbers that give each band about the same area.

    >>> levels(np.array([2.0, 2.0]))
    array([], dtype=float64)
    """
    known = values[np.isfinite(values)]
    if not known.size or float(np.ptp(known)) <= 1e-12 * max(1.0, float(np.max(np.abs(known)))):
        return np.empty(0)
    shares = np.linspace(0.0, 1.0, count + 1)[1:] ** 1.35 * 0.97
    marks = np.quantile(known, shares)
    low = float(known.min())
    rounded = [low]
    for mark in marks:
        gap = float(mark) - rounded[-1]
        if gap > 0:
            nice = _rounded(float(mark), max(gap, 0.02 * (float(mark) - low)))
            if nice > rounded[-1]:
                rounded.append(nice)
    return np.array(rounded) if len(rounded) > 2 else np.linspace(low, float(known.max()), count)


def _rounded(value: float, gap: float) -> float:
    """``value`` to one digit finer than the gap."""
    unit = 10.0 ** np.floor(np.log10(gap))
    return float(np.round(value / unit) * unit)


def near(value: float, span: Pair) -> float:
    """``value`` without the digits that a picture over ``span`` cannot show.

    >>> near(6.8e-9, (-1.0, 1.0)), near(5.7499991, (0.0, 10.0))
    (0.0, 5.75)
    """
    unit = 10.0 ** math.floor(math.log10((span[1] - span[0]) / 2000.0))
    return value if abs(value) > 1e12 * unit else round(value / unit) * unit


def cut_note(top: float | None, label: str) -> str:
    """What must be said about a wall that was cut."""
    return "" if top is None else f"cut at {label} = {number(top, 3)}"
