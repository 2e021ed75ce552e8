"""The ends of epochs that a run of compiled steps went past: is there one to look at?

With mini-batches the loss over all rows is only known at the end of an epoch. Several epochs may
be made in one run of steps; afterwards the loss and gradient over all rows are taken at the ends
between them, up to the first one at which the stopping rule would do more than take note.

>>> import numpy as np
>>> from symgd.descend.evaluate import Evaluator
>>> bowl = Evaluator(lambda theta: (float(theta @ theta), 2.0 * theta), 1, bare=False)
>>> points = np.array([[3.0], [2.0], [1.0]])
>>> ends = ends_of(bowl, np.array([4.0]), points, Limits(screen=0.5))
>>> ends.clear, ends.losses.tolist()
(3, [9.0, 4.0, 1.0])
>>> ends_of(bowl, np.array([4.0]), points, Limits(ceiling=5.0)).clear
0
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from symgd.descend.evaluate import Evaluator
from symgd.descend.objective import FloatArray
from symgd.descend.stepping import Limits, largest_each


@dataclass(frozen=True, eq=False)
class Ends:
    """The first ``clear`` ends, at which nothing happens: points (k, p), losses, gradients."""

    thetas: FloatArray
    losses: FloatArray
    gradients: FloatArray

    @property
    def clear(self) -> int:
        """How many ends they are."""
        return len(self.losses)


def ends_of(evaluate: Evaluator, before: FloatArray, thetas: FloatArray, limits: Limits) -> Ends:
    """The ends among ``thetas`` (k, p) that need no look; ``before`` is the end before them.

    Evaluations from the first end on that needs a look are not counted: the loop makes them
    again.
    """
    losses: list[float] = []
    gradients: list[FloatArray] = []
    failure = evaluate.failure
    for theta in thetas:
        if perf_counter() > evaluate.deadline:
            break
        loss, gradient = evaluate(theta)
        losses.append(loss)
        gradients.append(gradient)
        if not -math.inf < loss <= limits.ceiling:
            break
    count = len(losses)
    values, slopes = np.array(losses), np.array(gradients).reshape(count, thetas.shape[1])
    clear = _clear(np.vstack([before, thetas[:count]]), values, slopes, limits)
    if clear < count:
        evaluate.calls -= count - clear
        evaluate.failure = failure
    return Ends(thetas[:clear], values[:clear], slopes[:clear])


def _clear(thetas: FloatArray, losses: FloatArray, gradients: FloatArray, limits: Limits) -> int:
    """How many ends come before the first one to look at."""
    norms, moved = largest_each(gradients), largest_each(np.diff(thetas, axis=0))
    calm = (limits.flat < norms) & (norms < math.inf)
    calm &= (limits.screen < moved) & (moved < math.inf)
    calm &= (-math.inf < losses) & (losses <= limits.ceiling) & (losses != limits.equal)
    return len(losses) if calm.all() else int(calm.argmin())
