"""First-order methods: the learning rate, its schedule, and the update rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symgd.compile.objective import Objective
from symgd.descend import Update
from symgd.descend.objective import FloatArray
from symgd.descend.search import checked_rate
from symgd.errors import OptionError
from symgd.methods import schedule_function

Rate = float | str | Callable[[int], float]

__all__ = ["Rate", "rate_of", "safe_rate", "schedule_function", "usual_rate"]


def rate_of(rate: Rate | None, schedule: str | None) -> tuple[Any, str | None]:
    """The rate as a number or a function of t, and the text of a schedule."""
    if schedule is not None and rate is not None:
        raise OptionError("give rate or schedule, not both: a schedule is the rate as a formula")
    text = schedule if schedule is not None else rate if isinstance(rate, str) else None
    if text is None:
        return (None if rate is None else checked_rate(rate)), None
    return schedule_function(text), text


def usual_rate(update: Update[Any] | None, objective: Objective, theta: FloatArray) -> float:
    """The rate of a method to which none is given: its usual one, else 1/L at the start."""
    from symgd.methods import Rule

    if isinstance(update, Rule) and update.rate is not None:
        return update.rate
    if update is not None and not isinstance(update, Rule):
        return 1.0
    return safe_rate(objective, theta)


def safe_rate(objective: Objective, theta: FloatArray) -> float:
    """1/L for the largest curvature L at the start, found by power iteration on differences."""
    _, gradient = objective(theta)
    direction: FloatArray = np.random.default_rng(0).standard_normal(theta.shape)
    curvature = 0.0
    step = 1e-5 * (1.0 + float(np.max(np.abs(theta))))
    for _ in range(20):
        direction = direction / (float(np.linalg.norm(direction)) or 1.0)
        _, moved = objective(theta + step * direction)
        change = (moved - gradient) / step
        if not np.all(np.isfinite(change)):
            return 1e-3
        curvature = float(np.linalg.norm(change))
        direction = change
        if curvature == 0:
            return 1e-2
    return 1.0 / curvature
