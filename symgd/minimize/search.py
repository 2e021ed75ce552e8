"""Starts that the data suggest, where none is given.

Candidates are drawn on scales of the data: sizes of the columns and their inverses, places within
their ranges, widths down to a few rows, and, inside sines and cosines, frequencies up to the
sampling rate. For a sum of squares each candidate is judged at its best: the parameters in which
the residual is linear are solved for (variable projection). The best candidates are improved by
some Levenberg-Marquardt steps and, unless these agree, by differential evolution; all is seeded.

Source: Golub & Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares
problems whose variables separate", SIAM J. Numer. Anal. 10 (1973) 413-432; Storn & Price,
"Differential evolution", J. Global Optimization 11 (1997) 341-359.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symgd.compile.least_squares import Residuals
from symgd.compile.objective import Objective
from symgd.descend.course import Course, Halt
from symgd.descend.objective import FloatArray
from symgd.descend.squares import levenberg_marquardt
from symgd.errors import OptionError
from symgd.formula.graph import depends_on, topological
from symgd.minimize.starts import mask_of, simple_points

CANDIDATES = 400
"""How many random points are judged when a start is looked for."""

ROWS = 4_000
"""Candidates are judged on so many rows at most."""

_WAVES = 5
_POPULATION = 40
_GENERATIONS = 60
_WORK = 6_000_000
_STEPS = 60
_AGREED = 3

Judged = tuple[float, FloatArray]


@dataclass(frozen=True, eq=False)
class Search:
    """What a start is looked for with.

    ``residuals`` are those of a sum of squares, which is ``linear`` in the parameters of these
    names; ``fixed`` (p,) is a point whose components in the mask ``held`` (p,) stay.
    """

    objective: Objective
    residuals: Residuals | None
    linear: tuple[str, ...]
    fixed: FloatArray
    held: Any
    seed: int

    @cached_property
    def solved(self) -> Any:
        """Which components are solved for, as a mask (p,)."""
        return mask_of(self.objective, self.linear) & ~self.held

    def judged(self, theta: FloatArray) -> Judged | None:
        """The loss at ``theta`` with the linear parameters at their best; None if not finite."""
        theta = np.where(self.held, self.fixed, theta)
        solved = self.solved
        point = theta if self.residuals is None else projected(self.residuals, theta, solved)
        if point is None:
            return None
        value, gradient = self.objective(point)
        return (value, point) if np.isfinite(value) and np.isfinite(gradient).all() else None


def sampled(objective: Objective) -> Objective:
    """The loss on some rows, evenly spread, if there are too many."""
    try:
        count = objective.n_rows
        if count <= ROWS:
            return objective
        return objective.at_rows(np.linspace(0, count - 1, ROWS).astype(np.intp))
    except OptionError:
        return objective


def searched_starts(search: Search, most: int) -> list[FloatArray]:
    """The ``most`` best candidates, the best first."""
    found = _judged_candidates(search, np.random.default_rng(search.seed))
    return _distinct([point for _, point in found], most)


def searched_ends(search: Search, theta: FloatArray, most: int) -> list[FloatArray]:
    """Where Levenberg-Marquardt steps lead from ``most`` candidates and ``theta``, best first.

    If they do not agree on where the lowest point is, the candidates are evolved first.
    """
    random = np.random.default_rng(search.seed)
    found = _judged_candidates(search, random)
    points = _distinct([point for _, point in found], most)
    ends = [improved(search, point) for point in [*points, theta]]
    free = int((~(search.solved | search.held)).sum())
    if not _agreed(ends) and 2 <= free <= 20 and len(found) >= 8 and theta.size <= 40:
        people = sorted(_evolved(search, found, random), key=lambda pair: pair[0])
        points = _distinct([point for _, point in people], most)
        ends += [improved(search, point) for point in points]
    return tidiest(ends)


def _judged_candidates(search: Search, random: np.random.Generator) -> list[Judged]:
    free = int((~(search.solved | search.held)).sum())
    found = [f for theta in _candidates(search, free, random) if (f := search.judged(theta))]
    return sorted(found, key=lambda pair: pair[0])


def _agreed(ends: list[Judged]) -> bool:
    """Whether several ends are equally low, and none is lower."""
    values = [value for value, _ in ends]
    level = min(values) + 1e-6 * abs(min(values))
    return sum(value <= level for value in values) >= _AGREED


def improved(search: Search, theta: FloatArray) -> Judged:
    """Where some Levenberg-Marquardt steps lead from ``theta``, and the loss there."""
    objective, squares = search.objective, search.residuals
    if squares is None:
        return objective(theta)[0], theta
    course = Course(objective, objective.layout, _STEPS, 1e9)
    with np.errstate(all="ignore"), suppress(Halt, np.linalg.LinAlgError):
        levenberg_marquardt(course, squares, theta, most=_STEPS)
    best = course.best
    return (best.loss, best.theta) if best is not None else (np.inf, theta)


def tidiest(ends: list[Judged]) -> list[FloatArray]:
    """The ends, the lowest first; among equal ones that with the fewest minus signs, the smallest.

    Many models have mirrored minima: a width of the other sign, a frequency of the other side of
    the sampling rate.
    """
    lowest = min((value for value, _ in ends if np.isfinite(value)), default=np.inf)
    level = lowest + 1e-6 * abs(lowest)

    def rank(end: Judged) -> tuple[float, int, float]:
        value, theta = end
        if value <= level:
            return -np.inf, int((theta < 0).sum()), float(np.abs(theta).sum())
        return (value if np.isfinite(value) else np.inf), 0, 0.0

    return [theta for _, theta in sorted(ends, key=rank)]


def _candidates(search: Search, free: int, random: np.random.Generator) -> Iterator[FloatArray]:
    size = search.objective.layout.size
    yield from simple_points(size)
    if not free:
        yield np.ones(size)
        return
    scales = _Scales(search.objective)
    count = CANDIDATES * (_WAVES if scales.waves and free <= 4 else 1)
    for k in range(count):
        values = scales.sizes(size, random)
        sign = np.where(random.random(size) < (0.25 if k % 2 else 0.0), -1.0, 1.0)
        draw = random.random(size)
        if k % 4 >= 2:
            values = np.where(draw < 0.4, scales.places(size, random), sign * values)
            values = np.where(draw > 0.6, scales.widths(size, random), values)
        else:
            values = sign * values
        if scales.waves and k % 2:
            values = np.where(random.random(size) < 0.5, scales.frequencies(size, random), values)
        yield values


class _Scales:
    """Magnitudes that the data suggest."""

    def __init__(self, objective: Objective) -> None:
        typical = [0.1, 1.0, 1.0, 10.0]
        self.ranges: list[tuple[float, float, int]] = []
        for column in objective.data.values():
            numbers = np.asarray(column, dtype=np.float64).ravel()
            if numbers.size < 2:
                continue
            values, spread = np.abs(numbers), float(np.ptp(numbers))
            sizes = [float(np.median(values)), float(values.max()), spread, spread / 4]
            positive = [v for v in sizes if np.isfinite(v) and v > 0]
            typical += positive + [1.0 / v for v in positive] + [6.3 / v for v in positive[2:]]
            if spread > 0.0:
                self.ranges.append((float(numbers.min()), spread, numbers.size))
        self._typical = np.array(typical)
        self.waves = bool(self.ranges) and _has_waves(objective)

    def sizes(self, count: int, random: np.random.Generator) -> FloatArray:
        """Typical sizes of the columns and of their inverses."""
        return np.asarray(
            random.choice(self._typical, count) * 10.0 ** random.uniform(-0.5, 0.5, count)
        )

    def places(self, count: int, random: np.random.Generator) -> FloatArray:
        """Places within the ranges of the columns."""
        low, spread, _ = self._drawn(count, random)
        return np.asarray(low + spread * random.random(count))

    def widths(self, count: int, random: np.random.Generator) -> FloatArray:
        """Parts of the ranges, down to a few rows."""
        _, spread, _ = self._drawn(count, random)
        return np.asarray(spread * 10.0 ** random.uniform(-2.2, 0.0, count))

    def frequencies(self, count: int, random: np.random.Generator) -> FloatArray:
        """Angular frequencies, or cycles, up to half the sampling rate."""
        _, spread, rows = self._drawn(count, random)
        most = np.maximum(rows / 2, 1.0)
        even, steep = random.uniform(0.2, most), 0.2 * (most / 0.2) ** random.random(count)
        cycles = np.where(random.random(count) < 0.5, even, steep) / spread
        return np.asarray(cycles * np.where(random.random(count) < 0.5, 2 * np.pi, 1.0))

    def _drawn(
        self, count: int, random: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        if not self.ranges:
            return np.zeros(count), np.ones(count), np.ones(count)
        table = np.array(self.ranges)[random.integers(len(self.ranges), size=count)]
        return table[:, 0], table[:, 1], table[:, 2]


def _has_waves(objective: Objective) -> bool:
    """Whether a parameter stands inside a sine or cosine."""
    partials = objective.partials
    order = topological(partials.loss)
    active = depends_on(order, [partials.problem.symbol(n) for n in partials.wrt])
    return any(node.op in ("sin", "cos") and node in active for node in order)


def _evolved(search: Search, found: list[Judged], random: np.random.Generator) -> list[Judged]:
    """The best candidates after some generations of differential evolution."""
    people = found[:_POPULATION]
    rows = max((np.size(c) for c in search.objective.data.values()), default=1)
    generations = min(_GENERATIONS, _WORK // (len(people) * rows * 8))
    for _ in range(generations):
        thetas = np.array([point for _, point in people])
        best = thetas[int(np.argmin([value for value, _ in people]))]
        for index, (value, _) in enumerate(people):
            trial = search.judged(_child(thetas, index, best, random))
            if trial is not None and trial[0] < value:
                people[index] = trial
    return people


def _child(
    thetas: FloatArray, index: int, best: FloatArray, random: np.random.Generator
) -> FloatArray:
    """One point crossed with the differences of others, drawn towards the best in half."""
    first, second, third = thetas[random.choice(len(thetas), 3, replace=False)]
    weight = random.uniform(0.4, 0.9)
    own = thetas[index]
    towards = own + weight * (best - own) if random.random() < 0.5 else first
    mutant = towards + weight * (second - third)
    return np.asarray(np.where(random.random(own.size) < 0.8, mutant, own))


def projected(residuals: Residuals, theta: FloatArray, solved: Any) -> FloatArray | None:
    """``theta`` with the components in ``solved`` at their best, the others kept."""
    if not solved.any():
        return theta
    base = np.where(solved, 0.0, theta)
    with np.errstate(all="ignore"):
        residual = residuals.residual(base)
        columns = residuals.jacobian(base)[:, solved]
        if not (np.isfinite(residual).all() and np.isfinite(columns).all()):
            return None
        scale = np.linalg.norm(columns, axis=0)
        scale[scale == 0] = 1.0
        try:
            best = np.linalg.lstsq(columns / scale, -residual, rcond=1e-10)[0] / scale
        except np.linalg.LinAlgError:
            return None
    base[solved] = best
    return base


def _distinct(points: list[FloatArray], most: int) -> list[FloatArray]:
    """The first ``most`` points that are not near each other."""
    kept: list[FloatArray] = []
    for point in points:
        size = np.maximum(np.abs(point), 1e-12)
        if all((np.abs(point - other) > 0.05 * size).any() for other in kept):
            kept.append(point)
        if len(kept) == most:
            break
    return kept
