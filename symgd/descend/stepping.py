"""Many steps of gradient descent in one call: what the loop asks of a compiled objective.

An objective that can make steps of its own (:class:`Stepping`) hands out a :class:`Stepper`. It
makes one step theta_(t+1) = theta_t - eta_t * gradient(theta_t) for each rate that it is given
and returns the whole way; :class:`Limits` say where it ends early, so that the stopping rule
can look closer.

>>> import numpy as np
>>> way = Way(np.array([[0.0], [1.5], [2.25]]), np.array([9.0, 2.25]), np.array([[-6.0], [-3.0]]))
>>> way.done, way.norms.tolist()
(2, [6.0, 3.0])
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from symgd.descend.objective import FloatArray, IntArray

_FEW = 16


def largest_each(vectors: FloatArray) -> FloatArray:
    """The max-norms (k,) of ``vectors`` (k, p).

    >>> largest_each(np.array([[1.0, -3.0], [0.5, 0.25]])).tolist()
    [3.0, 0.5]
    """
    sizes = np.abs(vectors)
    if sizes.shape[1] > _FEW:
        return np.asarray(sizes.max(axis=1))
    norms = sizes[:, 0]
    for column in sizes.T[1:]:
        norms = np.maximum(norms, column)
    return norms


@dataclass(frozen=True)
class Limits:
    """Where a run of steps ends early, for the stopping rule to look closer.

    Before a step: where the loss is above ``ceiling`` or equal to ``equal``, where no component
    of the gradient is above ``flat`` in size, and where anything is not finite. After a step:
    where no parameter moved by more than ``screen``.
    """

    ceiling: float = math.inf
    equal: float = math.nan
    screen: float = -1.0
    flat: float = 0.0


@dataclass(frozen=True)
class Way:
    """What ``done`` steps went through.

    ``thetas`` (done + 1, p) begins with the start; ``losses`` (done,) and ``gradients``
    (done, p) are those at ``thetas[:-1]``, of the batch if there are batches.
    """

    thetas: FloatArray
    losses: FloatArray
    gradients: FloatArray

    @property
    def done(self) -> int:
        """How many steps were made."""
        return len(self.losses)

    @property
    def norms(self) -> FloatArray:
        """The max-norms of the gradients (done,)."""
        return largest_each(self.gradients)


class Stepper(Protocol):
    """Plain gradient descent on one objective, many steps a call.

    Losses, gradients and steps are those of the objective to the last bit.
    """

    @property
    def whole(self) -> bool:
        """Whether it can take all rows at once."""
        ...

    @property
    def by_row(self) -> bool:
        """Whether it can take batches of rows."""
        ...

    def __call__(
        self,
        theta: FloatArray,
        rates: FloatArray,
        limits: Limits | None = None,
        rows: IntArray | None = None,
        cuts: IntArray | None = None,
    ) -> Way:
        """One step for each of ``rates`` (k,), or fewer if a limit is met.

        With ``rows``, step t looks at the rows ``rows[cuts[t]:cuts[t + 1]]``; without ``cuts``
        at the single row ``rows[t]``.
        """
        ...


@runtime_checkable
class Stepping(Protocol):
    """An objective that may have a :class:`Stepper`."""

    def stepper(self) -> Stepper | None:
        """Many steps of gradient descent in one call; None if that cannot be or does not pay."""
        ...
