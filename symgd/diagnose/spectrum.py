r"""The curvature of a loss at a point, and the learning rates it allows.

Gradient descent with the rate eta multiplies the error along an eigenvector of the Hessian with
eigenvalue lambda by 1 - eta*lambda in every step. So it is stable below 2/L for the largest
eigenvalue L, and with the smallest one mu > 0 it contracts fastest at 2/(mu + L), by
(kappa - 1)/(kappa + 1) a step, kappa = L/mu. For a quadratic loss this is exact and the same
everywhere; for any other it holds near the point.

Source: Polyak, "Introduction to Optimization" (1987), section 1.4, theorem 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from symgd.compile.objective import Objective
from symgd.descend.objective import FloatArray

DENSE = 400
"""With more parameters than this the Hessian is not formed."""


@dataclass(frozen=True, eq=False)
class Curvature:
    """The eigenvalues (p,) of the Hessian at a point, ascending, and its eigenvectors (p, p).

    ``exact`` says that the loss is quadratic, so that the Hessian is the same everywhere.

    >>> Curvature(np.array([1.0, 9.0])).best_rate
    0.2
    """

    eigenvalues: FloatArray
    vectors: FloatArray | None = field(default=None, repr=False)
    exact: bool = False

    @property
    def largest(self) -> float:
        """L, the largest curvature."""
        return float(self.eigenvalues[-1])

    @property
    def smallest(self) -> float:
        """mu, the smallest curvature."""
        return float(self.eigenvalues[0])

    @property
    def noise(self) -> float:
        """Eigenvalues below this cannot be told from zero."""
        size = float(np.max(np.abs(self.eigenvalues)))
        return 1e-14 * self.eigenvalues.size * size

    @property
    def slowest(self) -> float:
        """The smallest curvature that is clearly positive: it sets the pace; nan if none is."""
        positive = self.eigenvalues[self.eigenvalues > self.noise]
        return float(positive[0]) if positive.size else math.nan

    @property
    def stable_rate(self) -> float:
        """2/L, or inf if the loss does not curve upwards."""
        return 2.0 / self.largest if self.largest > 0 else math.inf

    @property
    def best_rate(self) -> float:
        """2/(mu + L) over the directions that are curved; inf if there are none."""
        if self.largest <= 0:
            return math.inf
        low = self.slowest
        return 2.0 / (self.largest + (0.0 if math.isnan(low) else low))

    @property
    def condition(self) -> float:
        """kappa = L/mu; inf if some direction is flat, nan if one curves downwards."""
        if self.smallest < -self.noise or self.largest <= 0:
            return math.nan
        return self.largest / self.smallest if self.smallest > self.noise else math.inf

    @property
    def kind(self) -> str:
        """What a point with gradient zero would be: "minimum", "saddle", "maximum", "flat"."""
        falling = self.smallest < -self.noise
        rising = self.largest > self.noise
        if falling:
            return "saddle" if rising else "maximum"
        return "minimum" if self.smallest > self.noise else "flat"


def curvature(objective: Objective, theta: FloatArray, exact: bool = False) -> Curvature:
    """The curvature at ``theta`` (p,); nan where the Hessian is not finite."""
    hessian = objective.hessian(theta)
    if not np.all(np.isfinite(hessian)):
        return Curvature(np.full(theta.size, np.nan), None, False)
    values, vectors = np.linalg.eigh(hessian)
    return Curvature(np.asarray(values), np.asarray(vectors), exact)
