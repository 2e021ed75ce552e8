"""Newton's method with a safeguard, until a solver of its own takes its place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symgd.compile.objective import Objective
from symgd.descend.objective import FloatArray


@dataclass(frozen=True)
class Newton:
    """Newton's method with a safeguard: theta - s |H|^-1 g.

    |H| is the Hessian with its eigenvalues made positive, so that the step goes
    downhill everywhere; s is halved until the loss falls enough (Armijo). On a
    quadratic loss the first step is exact.

    Source: Nocedal & Wright, "Numerical Optimization", 2nd ed., sections 3.1 and 3.4.
    """

    objective: Objective
    name: str = "Newton's method"

    def init(self, theta: FloatArray) -> None:
        """No state."""
        return None

    def step(
        self, theta: FloatArray, gradient: FloatArray, state: None, rate: float, t: int
    ) -> tuple[FloatArray, None]:
        """One safeguarded Newton step."""
        direction = self._direction(theta, gradient)
        value, _ = self.objective(theta)
        slope = float(gradient @ direction)
        size = rate
        for _ in range(40):
            point = theta + size * direction
            trial, _ = self.objective(point)
            if np.isfinite(trial) and trial <= value + 1e-4 * size * slope + 1e-15 * abs(value):
                return point, None
            size /= 2
        return theta + size * direction, None

    def _direction(self, theta: FloatArray, gradient: FloatArray) -> FloatArray:
        hessian = self.objective.hessian(theta)
        if not np.all(np.isfinite(hessian)):
            return -gradient
        scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-300))
        scale = np.where(np.isfinite(scale) & (np.abs(np.diag(hessian)) > 0), scale, 1.0)
        values, vectors = np.linalg.eigh(hessian * np.outer(scale, scale))
        floor = max(float(np.max(np.abs(values))) * 1e-14, 1e-300)
        inverse = 1.0 / np.maximum(np.abs(values), floor)
        scaled = vectors @ (inverse * (vectors.T @ (scale * gradient)))
        return np.asarray(-scale * scaled)
