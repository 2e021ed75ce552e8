"""Where a run starts: what was given, or a start that is chosen and said.

A start that is missing is looked for: zeros, ones and small numbers first, then seeded random
points of many sizes. For a sum of squares each candidate is judged at its best: the parameters
in which the residual is linear are solved for (variable projection), and only the others are
guessed, on scales that the data suggest (the sizes of the columns and of their inverses).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from symgd.compile.least_squares import Residuals
from symgd.compile.objective import Objective, as_floats
from symgd.derive.partials import Partials
from symgd.descend.objective import FloatArray
from symgd.errors import OptionError

Start = Mapping[str, Any] | float | str | None

CANDIDATES = 400
"""How many random points are judged when a start is looked for."""


def start_shapes(start: Start, partials: Partials) -> dict[str, tuple[int, ...]]:
    """The shapes that a start gives to the parameters."""
    if not isinstance(start, Mapping):
        return {}
    unknown = [name for name in start if name not in partials.wrt]
    if unknown:
        known = ", ".join(partials.wrt)
        raise OptionError(f"start: {unknown[0]!r} is not a parameter; the parameters are {known}")
    return {name: as_floats(value, f"start of {name}").shape for name, value in start.items()}


def start_of(start: Start, objective: Objective, seed: int | None) -> FloatArray:
    """The start as a vector; names that a mapping leaves out start where they are chosen."""
    if isinstance(start, str):
        if start != "random":
            raise OptionError(f"start must be 'random', a mapping or a number, not {start!r}")
        return np.random.default_rng(checked_seed(seed)).uniform(-1.0, 1.0, objective.layout.size)
    if isinstance(start, Mapping):
        if set(start) == set(objective.partials.wrt):
            return objective.pack(start)
        chosen = objective.unpack(chosen_start(objective))
        return objective.pack({**chosen, **start})
    if start is not None:
        if objective.layout.size != 1:
            raise OptionError("start is a number, but there are several parameters; name them")
        return objective.pack({objective.partials.wrt[0]: start})
    return chosen_start(objective)


def checked_seed(seed: Any) -> int | None:
    """``seed`` if it is None or a whole number from 0."""
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
        raise OptionError(f"seed must be a whole number from 0, not {seed!r}")
    return seed


def chosen_start(objective: Objective) -> FloatArray:
    """Zeros if the loss is smooth there and not flat, else ones, else small random numbers."""
    best: FloatArray | None = None
    for theta in _simple(objective.layout.size):
        value, gradient = objective(theta)
        if not np.isfinite(value) or not np.all(np.isfinite(gradient)):
            continue
        best = theta if best is None else best
        if np.all(gradient != 0):
            return theta
    if best is None:
        raise OptionError("no start was found where the loss is defined; give one with start=")
    return best


def _simple(size: int) -> Iterator[FloatArray]:
    random = np.random.default_rng(0)
    yield np.zeros(size)
    yield np.ones(size)
    yield np.full(size, 0.5)
    for scale in (1, 0.1, 3, 10, 100):
        yield random.uniform(-1, 1, size) * scale
        yield random.uniform(0, 1, size) * scale


def given_mask(start: Start, objective: Objective) -> Any:
    """Which components of theta (p,) the user's start gives."""
    if isinstance(start, Mapping):
        return _mask(objective, tuple(start))
    return np.full(objective.layout.size, start is not None)


# -- searched starts ----------------------------------------------------------------------------


def searched_starts(
    objective: Objective,
    residuals: Residuals | None,
    linear: tuple[str, ...],
    fixed: tuple[FloatArray, Any],
    seed: int,
    most: int,
) -> list[FloatArray]:
    """The ``most`` best of many candidates, by their loss, the best first.

    With ``residuals`` the parameters in ``linear`` are solved for at each candidate; ``fixed``
    is a point with a mask of the components that stay as they are in it.
    """
    random = np.random.default_rng(seed)
    given, held = fixed
    solved = _mask(objective, linear) & ~held
    sizes = _sizes(objective)
    found: list[tuple[float, FloatArray]] = []
    for theta in _candidates(objective.layout.size, sizes, solved, random):
        theta = np.where(held, given, theta)
        point = theta if residuals is None else projected(residuals, theta, solved)
        if point is None:
            continue
        value, gradient = objective(point)
        if np.isfinite(value) and np.all(np.isfinite(gradient)):
            found.append((value, point))
    found.sort(key=lambda pair: pair[0])
    return _distinct([point for _, point in found], most)


def _candidates(
    size: int, sizes: FloatArray, solved: Any, random: np.random.Generator
) -> Iterator[FloatArray]:
    yield from _simple(size)
    count = CANDIDATES if not solved.all() else 1
    for k in range(count):
        scale = random.choice(sizes, size) * 10.0 ** random.uniform(-0.5, 0.5, size)
        sign = np.where(random.random(size) < (0.25 if k % 2 else 0.0), -1.0, 1.0)
        yield sign * scale


def _sizes(objective: Objective) -> FloatArray:
    """Magnitudes that the data suggest: of the columns, their ranges, and the inverses."""
    found = [0.1, 1.0, 1.0, 10.0]
    for column in objective.data.values():
        values = np.abs(np.asarray(column, dtype=np.float64)).ravel()
        if values.size < 2:
            continue
        spread = float(np.ptp(np.asarray(column)))
        typical = [float(np.median(values)), float(values.max()), spread, spread / 4]
        positive = [v for v in typical if np.isfinite(v) and v > 0]
        found += positive + [1.0 / v for v in positive] + [6.3 / v for v in positive[2:]]
    return np.array(found)


def _mask(objective: Objective, names: tuple[str, ...]) -> Any:
    """Which components of theta belong to the given parameters."""
    parts = [
        np.full(int(np.prod(shape, dtype=int)), name in names)
        for name, shape in objective.layout.entries
    ]
    return np.concatenate(parts)


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
