"""A fit without a start: starts that the data suggest are searched for, and several are run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from symgd.compile.least_squares import residuals
from symgd.compile.objective import Objective
from symgd.compile.structure import linear_names
from symgd.descend import Solution
from symgd.descend.objective import FloatArray
from symgd.diagnose.convexity import bend_of
from symgd.diagnose.shape import known_signs
from symgd.minimize.mirrors import canonical
from symgd.minimize.search import Search, sampled, searched_ends, searched_starts
from symgd.minimize.several import run_each, run_until_good
from symgd.minimize.solve import Task
from symgd.minimize.starts import Start, given_mask

_SEARCHED = 50
_TRIED = 6
_PATIENCE = 10.0
_CHOSEN = "Of values that give exactly the same loss, positive ones and small angles are taken."


def convex(objective: Objective) -> bool:
    """Whether the rules of composition prove the loss convex: then any start will do."""
    return bend_of(objective.partials, known_signs(objective)).is_convex


def to_be_searched(task: Task, start: Start) -> bool:
    """Whether a start is missing for a loss with data that is not solved from anywhere."""
    easy = task.structure.affine or task.structure.quadratic or convex(task.objective)
    complete = isinstance(start, Mapping) and set(start) >= set(task.objective.partials.wrt)
    missing = start is None or (isinstance(start, Mapping) and not complete)
    return missing and task.has_data and not easy and task.objective.layout.size <= _SEARCHED


def searched(
    task: Task, engine: Callable[[FloatArray], Solution], start: Start, theta: FloatArray,
    seed: int,
) -> Solution:  # fmt: skip
    """The best of the runs from starts that the data suggest."""
    text = "No start was given: several were tried, found by a search over the data."
    search = _search(task, start, theta, seed)
    if search.residuals is None or task.limits is not None:
        found = searched_starts(search, _TRIED)
        if task.limits is not None:
            found = [task.limits.clipped(point) for point in found]
        best = run_each(engine, [*found, theta], min(_PATIENCE, task.seconds))
    else:
        found = searched_ends(search, theta, _TRIED)
        chosen = found if start is not None else [canonical(task.objective, p) for p in found]
        best = run_until_good(engine, chosen, min(_PATIENCE, task.seconds))
        best = _canonical(task, engine, best) if start is None else best
        if any(not np.array_equal(a, b) for a, b in zip(found, chosen, strict=True)):
            text = f"{text} {_CHOSEN}"
    return dataclasses.replace(best, message=f"{best.message} {text}")


def _canonical(task: Task, engine: Callable[[FloatArray], Solution], found: Solution) -> Solution:
    """The run once more from where signs and angles are canonical, if they are not yet."""
    point = canonical(task.objective, found.theta)
    if not found.converged or np.array_equal(point, found.theta):
        return found
    again = engine(point)
    return again if again.converged else found


def _search(task: Task, start: Start, theta: FloatArray, seed: int) -> Search:
    """What starts are looked for with: the loss, over some rows if there are many."""
    squares, objective = task.structure.squares, sampled(task.objective)
    linear: tuple[str, ...] = ()
    if squares is not None:
        linear = linear_names(objective.partials, [s.residual for s in squares])
    residual = None
    if task.residuals is not None and squares is not None:
        same = objective is task.objective
        residual = task.residuals if same else residuals(squares, objective)
    return Search(objective, residual, linear, theta, given_mask(start, objective), seed)
