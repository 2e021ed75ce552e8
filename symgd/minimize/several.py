"""Several starts: run each, list the distinct minima, return the lowest.

>>> from symgd.minimize import minimize
>>> found = minimize("x^4 - 3*x^2 + x", start=1, starts=10, seed=1)
>>> [round(m.params["x"], 4) for m in found.minima], round(found.params["x"], 4)
([-1.3008, 1.1309], -1.3008)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from time import perf_counter

import numpy as np

from symgd.descend import Outcome, Solution
from symgd.descend.objective import FloatArray
from symgd.descend.solution import Minimum
from symgd.errors import OptionError

_GOOD = (Outcome.CONVERGED, Outcome.PRECISION_LIMIT)
_SAME = 1e-5
MOST_STARTS = 10_000


def checked_starts(starts: object) -> int | None:
    """``starts`` if it is None or a whole number from 1."""
    if starts is None:
        return None
    if isinstance(starts, bool) or not isinstance(starts, int) or not 1 <= starts <= MOST_STARTS:
        raise OptionError(f"starts must be a whole number from 1 to {MOST_STARTS}, not {starts!r}")
    return starts


def spread(
    theta: FloatArray, count: int, seed: int | None, low: FloatArray, high: FloatArray
) -> list[FloatArray]:
    """``count`` starts: ``theta`` first, the others random around it or between its bounds."""
    random = np.random.default_rng(0 if seed is None else seed)
    points = [theta]
    width = 2.0 * np.abs(theta) + 2.0
    boxed = np.isfinite(low) & np.isfinite(high)
    while len(points) < count:
        around = theta + width * random.standard_normal(theta.size)
        inside = np.where(boxed, low, 0.0) + random.random(theta.size) * np.where(
            boxed, high - low, 1.0
        )
        points.append(np.clip(np.where(boxed, inside, around), low, high))
    return points


def run_each(
    once: Callable[[FloatArray], Solution], thetas: Iterable[FloatArray], seconds: float
) -> Solution:
    """The best of the runs from all ``thetas``, with the minima that were found."""
    began = perf_counter()
    runs = _runs(once, thetas, seconds, frozenset({Outcome.INTERRUPTED}))
    best = _tidiest(runs)
    return replace(
        best, minima=distinct(runs), evaluations=sum(r.evaluations for r in runs),
        seconds=perf_counter() - began,
    )  # fmt: skip


def _runs(
    once: Callable[[FloatArray], Solution], thetas: Iterable[FloatArray], seconds: float,
    last: Collection[Outcome],
) -> list[Solution]:  # fmt: skip
    """At least one run, and on until the time is over or a run ends with one of ``last``."""
    began = perf_counter()
    runs: list[Solution] = []
    for theta in thetas:
        if runs and perf_counter() - began > seconds:
            break
        runs.append(once(theta))
        if runs[-1].outcome in last:
            break
    return runs


def run_until_good(
    once: Callable[[FloatArray], Solution], thetas: Iterable[FloatArray], seconds: float
) -> Solution:
    """The first good run, the most promising start first; the best one if none is good."""
    began = perf_counter()
    runs = _runs(once, thetas, seconds, {Outcome.INTERRUPTED, *_GOOD})
    best = min(runs, key=_rank)
    evaluations = sum(run.evaluations for run in runs)
    return replace(best, evaluations=evaluations, seconds=perf_counter() - began)


def _tidiest(runs: list[Solution]) -> Solution:
    """The lowest run; among equal ones the one with the fewest minus signs, then the smallest.

    Many models have mirrored minima (a sine of negative amplitude, half a turn further).
    """
    first = min(runs, key=_rank)
    level = first.loss + 1e-9 * abs(first.loss)
    equal = [r for r in runs if r.outcome is first.outcome and r.loss <= level]
    return min(equal, key=lambda r: (int((r.theta < 0).sum()), float(np.abs(r.theta).sum())))


def _rank(run: Solution) -> tuple[int, float]:
    """Good before unbounded before the rest, then the lowest loss."""
    order = 1 if run.outcome in _GOOD else 0 if run.outcome is Outcome.UNBOUNDED else 2
    return order, run.loss if np.isfinite(run.loss) else np.inf


def distinct(runs: list[Solution]) -> tuple[Minimum, ...]:
    """The different minima among good runs, the lowest first."""
    groups: list[list[Solution]] = []
    for run in sorted((r for r in runs if r.outcome in _GOOD), key=lambda r: r.loss):
        for group in groups:
            if _same(group[0], run):
                group.append(run)
                break
        else:
            groups.append([run])
    return tuple(
        Minimum(params=g[0].params, loss=g[0].loss, outcome=g[0].outcome, starts=len(g))
        for g in groups
    )


def _same(one: Solution, other: Solution) -> bool:
    size = np.maximum(np.abs(one.theta), np.abs(other.theta))
    level = np.maximum(size, 1e-3 * float(size.max(initial=0.0)))
    return bool((np.abs(one.theta - other.theta) <= _SAME * np.where(level > 0, level, 1)).all())
