"""What a run comes to: the parameters, why it ended, and how good the answer is.

The outcome is data. Each member of :class:`Outcome` carries its advice as its value:

>>> print(Outcome.STALLED.value)
No further progress: look at the learning rate and at the shape of the loss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from symgd.descend.history import History
from symgd.descend.objective import FloatArray, Layout
from symgd.descend.state import RunState

if TYPE_CHECKING:
    from symgd.diagnose import Diagnosis

_SHOWN = 12


class Outcome(Enum):
    """Why a run ended; the value is the advice in words."""

    CONVERGED = "The minimum is reached to the precision asked for."
    PRECISION_LIMIT = (
        "As close to the minimum as rounding allows: ask for less precision, or rescale."
    )
    MAX_STEPS = "All steps are used up: more of them, or a faster method, would come closer."
    TIME_LIMIT = "The time limit is reached: allow more time, or use a faster method."
    STALLED = "No further progress: look at the learning rate and at the shape of the loss."
    DIVERGED = "The iterates run away: use a smaller learning rate."
    UNBOUNDED = "The loss falls without bound: it has no minimum in this direction."
    LEFT_DOMAIN = (
        "The loss is not defined where the step led: use a smaller learning rate or another start."
    )
    INTERRUPTED = "The run was interrupted: this is the best point so far."


@dataclass(frozen=True, kw_only=True, eq=False)
class Minimum:
    """One of several minima that were found: where, how low, and from how many starts."""

    params: dict[str, float | FloatArray]
    loss: float
    outcome: Outcome
    starts: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Solution:
    """The result of a descent.

    ``params`` maps each parameter to a float or an array, ``theta`` (p,) is the same flat in
    the order of ``layout``. ``loss`` and ``gradient_norm`` (the max-norm of the gradient) are
    those of all rows at ``theta``. ``steps`` counts updates, ``epochs`` full passes over the
    rows, ``evaluations`` calls of the objective for any purpose. ``error_estimate`` is the
    estimated largest distance of any parameter from the minimum, ``None`` if it cannot be
    known. ``message`` says in plain sentences why the run ended and what helps. ``failed_at``
    (p,) is the point at which the loss was not a finite number, if that ended the run, and
    ``cause`` names the part of the loss that failed there, and the row. ``state`` is what the run
    needs to go on and what it was asked to do, where that is known (see :mod:`symgd.resume`).
    ``minima`` lists the distinct minima of a run from several starts, the lowest first.
    ``tried`` names the other methods that were run from the same start; ``steps`` and ``history``
    are of the run that gave the answer. ``limits`` are the bounds and constraints as text.
    ``objective`` is the loss that was minimised, where the
    run was made from a formula; it is left behind when a solution goes to another process.

    >>> from symgd.descend import descend
    >>> solution = descend(lambda x: ((x - 3) ** 2, 2 * (x - 3)), 7.0, rate=0.25)
    >>> solution.outcome.name, round(solution.params["theta"], 5)
    ('CONVERGED', 3.0)
    """

    params: dict[str, float | FloatArray]
    loss: float
    gradient_norm: float
    outcome: Outcome
    steps: int
    epochs: int
    evaluations: int
    seconds: float
    error_estimate: float | None
    history: History
    message: str
    theta: FloatArray
    layout: Layout
    method: str
    failed_at: FloatArray | None = None
    cause: str = ""
    state: RunState | None = field(default=None, repr=False)
    minima: tuple[Minimum, ...] = ()
    tried: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    objective: Any = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        kept = {f.name: self.__dict__[f.name] for f in fields(self)}
        return {**kept, "objective": None}

    @property
    def converged(self) -> bool:
        """True only if every parameter is within the precision of the minimum."""
        return self.outcome is Outcome.CONVERGED

    def plot(self) -> Any:
        """A figure of the run, drawn by :mod:`symgd.show`."""
        from symgd.show import plot_solution

        return plot_solution(self)

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """What can be known about this loss and this run: :func:`symgd.explain` of the solution.

        Raises :class:`~symgd.errors.OptionError` if the run was not made from a formula.
        """
        from symgd.explain import explain

        return explain(self)

    def _repr_html_(self) -> str:
        from symgd.show.notebook_runs import solution_html

        return solution_html(self)

    def to_dict(self) -> dict[str, Any]:
        """All but the history as JSON can hold it; the keys are the attribute names.

        nan becomes ``None``, the infinities become text.
        """
        failed_at = None if self.failed_at is None else _plain(self.failed_at)
        return {
            "params": {name: _plain(value) for name, value in self.params.items()},
            "loss": _plain(self.loss),
            "gradient_norm": _plain(self.gradient_norm),
            "outcome": self.outcome.name,
            "converged": self.converged,
            "steps": self.steps,
            "epochs": self.epochs,
            "evaluations": self.evaluations,
            "seconds": self.seconds,
            "error_estimate": _plain(self.error_estimate),
            "message": self.message,
            "method": self.method,
            "failed_at": failed_at,
            "cause": self.cause,
            "tried": list(self.tried),
            "minima": [
                {
                    "params": {name: _plain(value) for name, value in found.params.items()},
                    "loss": _plain(found.loss),
                    "outcome": found.outcome.name,
                    "starts": found.starts,
                }
                for found in self.minima
            ],
        }

    def __str__(self) -> str:
        done = f"{self.steps} step{'s' if self.steps != 1 else ''}"
        head = f"{self.outcome.name.lower().replace('_', ' ')} after {done} ({self.method})"
        rows = list(zip(self.layout.names, self.theta.tolist(), strict=True))
        values = [(name, f"{value:.10g}") for name, value in rows[:_SHOWN]]
        if len(rows) > _SHOWN:
            values.append(("...", f"{len(rows) - _SHOWN} more"))
        values.append(("loss", f"{self.loss:.10g}"))
        values.append(("gradient norm", f"{self.gradient_norm:.3g}"))
        if self.error_estimate is not None:
            values.append(("error", f"about {self.error_estimate:.2g}"))
        width = max(len(name) for name, _ in values)
        table = [f"  {name:<{width}}  {value}" for name, value in values]
        return "\n".join([head, *table, self.message, *self._cause_lines()])

    def _cause_lines(self) -> list[str]:
        """The cause, unless the message says it."""
        return [] if not self.cause or self.cause in self.message else [self.cause]


def _plain(value: Any) -> Any:
    """Numbers and arrays as JSON knows them."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else f"{value}"
    return value
