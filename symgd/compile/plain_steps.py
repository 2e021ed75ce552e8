"""Many steps of gradient descent on a small formula in plain Python: no compiler, no arrays.

The formula is the function that the objective itself runs (:mod:`symgd.compile.python`), and a
step is theta - eta*gradient in Python floats, so the iterates are those of the plain loop to
the last bit; a step takes about a microsecond.

>>> import numpy as np
>>> stepper = PlainStepper(lambda x: ((x - 3.0) ** 2, 2.0 * (x - 3.0)))
>>> way = stepper(np.array([0.0]), np.full(3, 0.25))
>>> way.thetas.ravel().tolist(), way.losses.tolist()
([0.0, 1.5, 2.25, 2.625], [9.0, 2.25, 0.5625])
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from symgd.compile.native.spread import NotNative
from symgd.descend.objective import FloatArray, IntArray
from symgd.descend.stepping import Limits, Way

Function = Callable[..., tuple[float, ...]]


@dataclass(frozen=True)
class PlainStepper:
    """Plain gradient descent on ``function``: p numbers to the loss and its p slopes."""

    function: Function

    @property
    def whole(self) -> bool:
        """True: there are no rows."""
        return True

    @property
    def by_row(self) -> bool:
        """False: there are no rows."""
        return False

    def __call__(
        self,
        theta: FloatArray,
        rates: FloatArray,
        limits: Limits | None = None,
        rows: IntArray | None = None,
        cuts: IntArray | None = None,
    ) -> Way:
        """One step for each of ``rates`` (k,), or fewer if a limit is met."""
        if rows is not None:
            raise NotNative("there are no rows for this objective")
        values: list[float] = theta.tolist()
        thetas, losses, gradients = _steps(self.function, values, rates.tolist(), limits)
        size = len(theta)
        return Way(
            np.array(thetas).reshape(-1, size), np.array(losses),
            np.array(gradients).reshape(-1, size),
        )  # fmt: skip


def _steps(
    function: Function, theta: list[float], rates: list[float], limits: Limits | None
) -> tuple[list[list[float]], list[float], list[list[float]]]:
    """The iterates, losses and gradients gone through."""
    bounds = limits or Limits()
    ceiling, equal, screen, flat = bounds.ceiling, bounds.equal, bounds.screen, bounds.flat
    thetas: list[list[float]] = [theta]
    losses: list[float] = []
    gradients: list[list[float]] = []
    infinite = math.inf
    for rate in rates:
        try:
            loss, *slopes = function(*theta)
        except (ArithmeticError, ValueError):
            break  # where ``math`` raises: the objective has another way
        following = [old - rate * slope for old, slope in zip(theta, slopes, strict=True)]
        moved = norm = 0.0
        for old, new, slope in zip(theta, following, slopes, strict=True):
            far, steep = abs(new - old), abs(slope)
            if not far <= moved:
                moved = far
            if not steep <= norm:
                norm = steep
        if not (-infinite < loss <= ceiling and flat < norm < infinite and moved < infinite):
            break
        if loss in (equal, infinite):
            break
        theta = following
        thetas.append(theta)
        losses.append(loss)
        gradients.append(slopes)
        if moved <= screen:
            break
    return thetas, losses, gradients
