"""The options of a run, each refused by name when it is out of its range."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from symgd.descend.batches import Batches
from symgd.descend.objective import FloatArray, Layout, RowObjective, real_array
from symgd.errors import OptionError

STEPS = 10_000
SECONDS = 3600.0
RULES = ("error", "step")


@dataclass(frozen=True)
class Settings:
    """What a run was asked to do.

    ``rate`` is the constant learning rate, or ``schedule`` the one that changes; ``steepest``
    says that the method is plain gradient descent; ``steps`` bounds the updates.
    """

    precision: float | None
    rule: str
    steps: int
    seconds: float
    rate: float | None
    schedule: Callable[[int], float] | None
    rate_text: str
    steepest: bool
    batches: Batches | None

    @property
    def per_epoch(self) -> int:
        """Updates in an epoch."""
        return 1 if self.batches is None else self.batches.per_epoch

    @property
    def rows_text(self) -> str:
        """The mini-batches in words, to follow the method and its rate."""
        plan = self.batches
        if plan is None:
            return ""
        how = " drawn with replacement" if plan.replace else ""
        return f", batches of {plan.size} of {plan.n_rows} rows{how}"

    @property
    def textbook(self) -> bool:
        """Gradient descent with a constant rate on all rows: where one can predict."""
        return self.steepest and self.rate is not None and self.batches is None


def checked_precision(precision: Any) -> float | None:
    """``precision`` as a positive float, or None."""
    if precision is None:
        return None
    return positive_number("precision", precision, "; precision=None runs all steps")


def checked_rule(stop: Any) -> str:
    """``stop`` if it is one of the stopping rules."""
    if stop in RULES and isinstance(stop, str):
        return stop
    raise OptionError(f"stop must be 'error' or 'step', not {stop!r}")


def checked_steps(steps: Any, epochs: Any, per_epoch: int) -> int:
    """The number of updates that ``steps`` or ``epochs`` allow."""
    if steps is not None and epochs is not None:
        raise OptionError("give steps or epochs, not both: epochs counts passes over the rows")
    if epochs is not None:
        return _whole("epochs", epochs, 1) * per_epoch
    return STEPS if steps is None else _whole("steps", steps, 1)


def checked_seconds(time_limit: Any) -> float:
    """``time_limit`` in seconds."""
    return SECONDS if time_limit is None else positive_number("time_limit", time_limit)


def checked_batches(objective: Any, batch: Any, replace: Any, seed: Any) -> Batches | None:
    """The plan of mini-batches, or None for all rows at once."""
    if seed is not None:
        seed = _whole("seed", seed, 0)
    if not isinstance(replace, bool | np.bool_):
        raise OptionError(f"replace must be True or False, not {replace!r}")
    if batch is None:
        if replace:
            raise OptionError("replace=True draws mini-batches: give their size as batch")
        return None
    size = _whole("batch", batch, 1)
    if not isinstance(objective, RowObjective):
        raise OptionError(
            f"batch={size} needs an objective over rows (n_rows, at_rows); this one has none"
        )
    rows = int(objective.n_rows)
    if size > rows:
        raise OptionError(f"batch must be between 1 and the {rows} rows of the data, not {size}")
    return Batches(rows, size, bool(replace), seed)


def checked_observers(observers: Any) -> tuple[Callable[[Any], None], ...]:
    """The observers as a tuple; a single one may stand alone."""
    if not (callable(observers) or isinstance(observers, Iterable)):
        raise OptionError(f"observers must be callable, not {observers!r}")
    several = (observers,) if callable(observers) else tuple(observers)
    for observer in several:
        if not callable(observer):
            raise OptionError(f"observers must be callable, not {observer!r}")
    return several


def checked_start(start: Any, layout: Layout | None) -> tuple[FloatArray, Layout]:
    """The flat start and the names of its components."""
    if isinstance(start, Mapping):
        if layout is None:
            shapes = {
                str(name): real_array(value, f"the start of {name!r}").shape
                for name, value in start.items()
            }
            layout = Layout.of(shapes)
        return layout.pack(start), layout
    theta = real_array(start, "start")
    if theta.ndim > 1 or not theta.size:
        raise OptionError(
            f"start must be a number, a vector or a mapping of names, not of shape {theta.shape}"
        )
    layout = layout or Layout.of({"theta": theta.shape})
    theta = theta.reshape(-1)
    if theta.size != layout.size:
        raise OptionError(
            f"start has {theta.size} components, but there are {layout.size} parameters: "
            + ", ".join(layout.names[:8])
        )
    return theta, layout


def _whole(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise OptionError(f"{name} must be a whole number, not {value!r}")
    if value < least:
        raise OptionError(f"{name} must be at least {least}, not {value}")
    return int(value)


def positive_number(name: str, value: Any, hint: str = "") -> float:
    """``value`` as a positive finite float; an :class:`OptionError` that names it otherwise."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise OptionError(f"{name} must be a positive number, not {value!r}{hint}")
    number = float(value)
    if not 0.0 < number < math.inf:
        raise OptionError(f"{name} must be positive and finite, not {value!r}{hint}")
    return number
