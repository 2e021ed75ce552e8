"""A loss over two of its parameters, on a grid: what contours and surfaces are drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgd.descend import Solution
from symgd.descend.objective import FloatArray
from symgd.errors import OptionError
from symgd.show.scene import Scene, reference
from symgd.show.window import Pair, Way, ceiling, framed, grid, way_of
from symgd.show.words import name_of, number

PROFILED = 41
"""The grid is coarser where each point is a minimisation of its own."""

OTHERS = ("held", "profiled")
Over = str | Iterable[str] | None
Spans = Mapping[str, Pair] | None


@dataclass(frozen=True, eq=False)
class Plane:
    """The loss ``height`` (b, a) over ``across`` (a,) and ``up`` (b,).

    ``names`` and ``places`` are the two parameters, ``base`` (p,) where the others are held.
    ``lowest`` (2,) is the minimum that frames a picture without a run.
    """

    scene: Scene
    names: tuple[str, str]
    places: tuple[int, int]
    across: FloatArray
    up: FloatArray
    height: NDArray[np.float64]
    base: FloatArray
    profiled: bool
    ways: tuple[Way, ...]
    lowest: FloatArray | None = None

    @property
    def spans(self) -> list[Pair]:
        """The ends of both axes."""
        return [(float(v[0]), float(v[-1])) for v in (self.across, self.up)]

    def points(self, way: Way) -> FloatArray:
        """The way of a run in this plane, (k, 2)."""
        return way.theta[:, list(self.places)]

    def end(self, way: Way) -> FloatArray:
        """The answer of a run in this plane, (2,)."""
        return way.end[list(self.places)]

    def heights(self, points: FloatArray) -> FloatArray:
        """The loss (k,) at points (k, 2) of the plane."""
        return _heights(self.scene, self.base, self.places, points, self.profiled)

    def cut(self) -> float | None:
        """Where a surface is cut, so that a wall does not flatten the valley."""
        way = self.ways[0] if self.ways else None
        if way is None or not len(way.theta):
            return ceiling(self.height, np.nan, 6.0)
        if way.astray:
            return None
        return ceiling(self.height, float(self.heights(self.points(way)[:1])[0]), 6.0)

    @property
    def notes(self) -> list[str]:
        """What must be said about rows and about the parameters that are not drawn."""
        names = self.scene.layout.names
        rest = [k for k in range(len(names)) if k not in self.places]
        if not rest:
            return self.scene.notes
        if self.profiled:
            said = f"the other {len(rest)} at their best in each point"
        elif len(rest) <= 3:
            listed = [f"{name_of(names[k])} = {number(float(self.base[k]), 3)}" for k in rest]
            said = f"held: {', '.join(listed)}"
        else:
            said = f"the other {len(rest)} parameters held at the solution"
        return [*self.scene.notes, said]


def plane(
    found: Scene,
    solutions: Iterable[Solution],
    *,
    over: Over = None,
    others: str = "held",
    span: Spans = None,
    count: int = 81,
) -> Plane:
    """The loss on a grid of ``count`` x ``count`` points around the ways of the solutions.

    ``over`` names the two parameters (default: the first two); the others are held at the
    (first) solution, or with ``others="profiled"`` the loss is minimised over them in each point.
    """
    if others not in OTHERS:
        raise OptionError(f"others={others!r} is not known; there are {', '.join(OTHERS)}")
    names = names_over(found, over, 2)
    places = (found.component(names[0]), found.component(names[1]))
    ways = [way_of(solution) for solution in solutions]
    framing = ways or framing_ways(found, names, span)
    base = framing[0].end if framing else np.zeros(found.layout.size)
    spans = [
        spanned(name, place, framing, span, 0.55 if ways else 1.1)
        for name, place in zip(names, places, strict=True)
    ]
    profiled = others == "profiled" and found.layout.size > 2
    count = min(count, PROFILED) if profiled else count
    across, up = grid(spans[0], count), grid(spans[1], count)
    points = np.array([(a, b) for b in up for a in across])
    height = _heights(found, base, places, points, profiled).reshape(len(up), len(across))
    lowest = None
    if not ways and framing and framing[0].reached:
        lowest = framing[0].end[list(places)]
    return Plane(
        found, (names[0], names[1]), places, across, up, height, base, profiled, tuple(ways), lowest
    )


def names_over(found: Scene, over: Over, count: int) -> list[str]:
    """The ``count`` components to draw over, checked."""
    listed = split_names(over) if isinstance(over, str) else list(over or ())
    names = listed or list(found.layout.names[:count])
    if len(names) != count or len(set(names)) != count:
        kind = {1: "one parameter", 2: "two parameters"}[count]
        have = ", ".join(found.layout.names[:12])
        raise OptionError(f"this picture is over {kind}, not over {names or 'none'}: it has {have}")
    for name in names:
        found.component(name)
    return names


def split_names(text: str) -> list[str]:
    """Names at commas outside brackets.

    >>> split_names("W[0,1], b")
    ['W[0,1]', 'b']
    """
    names, depth = [""], 0
    for char in text:
        depth += (char == "[") - (char == "]")
        if char == "," and depth == 0:
            names.append("")
        else:
            names[-1] += char
    return [name.strip() for name in names if name.strip()]


def framing_ways(found: Scene, names: list[str], span: Spans) -> list[Way]:
    """Without a run: the way from the chosen start to the minimum, which is not drawn."""
    run = reference(found)
    if run is not None:
        return [way_of(run)]
    if all(name in (span or {}) for name in names):
        return []
    raise OptionError("nothing says where to look: give a solution, or span={name: (low, high)}")


def spanned(name: str, place: int, ways: list[Way], span: Spans, beyond: float = 0.9) -> Pair:
    """The interval of one parameter: as given, or around the ways."""
    if span is not None and name in span:
        low, high = (float(value) for value in span[name])
        if not (np.isfinite([low, high]).all() and low < high):
            raise OptionError(f"span of {name} must be (low, high), not {span[name]!r}")
        return low, high
    values = np.concatenate([way.theta[:, place] for way in ways])
    good = [way for way in ways if not way.astray]
    return framed(values, float(good[0].end[place]) if good else None, beyond)


def _heights(
    found: Scene,
    base: FloatArray,
    places: tuple[int, int],
    points: FloatArray,
    profiled: bool,
) -> FloatArray:
    full = np.tile(base, (len(points), 1))
    full[:, list(places)] = points
    if not profiled:
        return found.values(full)
    return _profiled(found, full, [k for k in range(len(base)) if k not in places])


def _profiled(found: Scene, full: FloatArray, free: list[int]) -> FloatArray:
    """The loss minimised over the ``free`` components, each point from the one before it."""
    from scipy.optimize import minimize

    def rest(values: FloatArray, point: FloatArray) -> tuple[float, FloatArray]:
        point[free] = values
        loss, gradient = found.function(point)
        return loss, gradient[free]

    best = np.full(len(full), np.nan)
    last = full[0, free]
    with np.errstate(all="ignore"):
        for k, point in enumerate(full):
            reached: Any = minimize(rest, last, (point.copy(),), method="L-BFGS-B", jac=True)
            best[k] = reached.fun
            if np.isfinite(reached.fun):
                last = reached.x
    return best
