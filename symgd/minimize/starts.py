"""Where a run starts: what was given, or a start that is chosen and said.

A start that is missing is zeros, ones or small numbers; for a loss with data one is looked for, see
:mod:`symgd.minimize.search`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from symgd.compile.objective import Objective, as_floats
from symgd.derive.partials import Partials
from symgd.descend.objective import FloatArray, real_array
from symgd.errors import OptionError

Start = Mapping[str, Any] | float | str | None


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
        start = {name: real_array(value, f"start of {name}") for name, value in start.items()}
        if set(start) == set(objective.partials.wrt):
            return objective.pack(start)
        chosen = objective.unpack(chosen_start(objective))
        return objective.pack({**chosen, **start})
    if start is not None:
        if objective.layout.size != 1:
            raise OptionError("start is a number, but there are several parameters; name them")
        value = real_array(start, "start")
        if value.shape not in ((), (1,)):
            raise OptionError(f"start must be one number here, not of the shape {value.shape}")
        return objective.pack(
            {objective.partials.wrt[0]: value.reshape(objective.layout.entries[0][1])}
        )
    return chosen_start(objective)


def checked_seed(seed: Any) -> int | None:
    """``seed`` if it is None or a whole number from 0."""
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
        raise OptionError(f"seed must be a whole number from 0, not {seed!r}")
    return seed


def chosen_start(objective: Objective) -> FloatArray:
    """Zeros if the loss is smooth there and not flat, else ones, else small random numbers."""
    best: FloatArray | None = None
    for theta in simple_points(objective.layout.size):
        value, gradient = objective(theta)
        if not np.isfinite(value) or not np.all(np.isfinite(gradient)):
            continue
        best = theta if best is None else best
        if np.all(gradient != 0):
            return theta
    if best is None:
        raise OptionError("no start was found where the loss is defined; give one with start=")
    return best


def simple_points(size: int) -> Iterator[FloatArray]:
    """Points to begin with where nothing is known: zeros, ones, small random numbers."""
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
        return mask_of(objective, tuple(start))
    return np.full(objective.layout.size, start is not None)


def mask_of(objective: Objective, names: tuple[str, ...]) -> Any:
    """Which components of theta belong to the given parameters."""
    parts = [
        np.full(int(np.prod(shape, dtype=int)), name in names)
        for name, shape in objective.layout.entries
    ]
    return np.concatenate(parts)
