r"""The distance to the minimum with many parameters: conjugate gradients on the Newton step.

The Hessian is never formed. A product H v is a central difference of the gradient along v, two
evaluations, and conjugate gradients solve H d = -g with a number of products that grows with
the square root of the condition number. The check is that of :mod:`symgd.descend.certify`: the
second Newton step must be small against the first. A few Lanczos products from a random start
look for negative curvature that the gradient does not show.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from symgd.descend.curvature import EPS, Probe
from symgd.descend.evaluate import largest
from symgd.descend.objective import FloatArray

_LANCZOS = 12
_TIGHT = 1e-5
_LEVEL = 1e-10

Product = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, eq=False)
class Solve:
    """A Newton step with the curvatures met on the way; ``reason`` says why there is none."""

    step: FloatArray
    low: float
    high: float
    reason: str = ""
    falling: bool = False


def products(probe: Probe, theta: FloatArray, reach: float) -> Product:
    """v -> H v at ``theta`` by central differences over the max-norm distance ``reach``."""

    def product(vector: FloatArray) -> FloatArray:
        shift = reach / largest(vector)
        change = probe(theta + shift * vector)[1] - probe(theta - shift * vector)[1]
        result: FloatArray = change / (2.0 * shift)
        return result

    return product


def newton(product: Product, gradient: FloatArray, most: int) -> Solve:
    """Solve H d = -gradient by conjugate gradients with at most ``most`` products."""
    step = np.zeros_like(gradient)
    residual = -gradient
    direction = residual
    square = goal = float(residual @ residual)
    low, high = math.inf, 0.0
    for _ in range(most):
        if not square > _TIGHT**2 * goal:
            return Solve(step, low, high)
        image = product(direction)
        bend = float(direction @ image)
        curvature = bend / float(direction @ direction)
        if not math.isfinite(curvature):
            return Solve(step, low, high, "the curvature is not finite here")
        high = max(high, abs(curvature))
        if curvature <= _LEVEL * high:
            falling = curvature < -_LEVEL * high
            what = "negative: a saddle or a maximum" if falling else "zero"
            return Solve(step, low, high, f"the curvature along the gradient is {what}", falling)
        low = min(low, curvature)
        length = square / bend
        step = step + length * direction
        residual = residual - length * image
        last, square = square, float(residual @ residual)
        direction = residual + (square / last) * direction
    reason = "" if square <= _TIGHT**2 * goal else "too ill-conditioned to be checked at this cost"
    return Solve(step, low, high, reason)


def extremes(product: Product, size: int) -> tuple[float, float]:
    """Estimates of the smallest and the largest eigenvalue of H (Lanczos, random start)."""
    vector = np.random.default_rng(0).standard_normal(size)
    basis = [vector / np.linalg.norm(vector)]
    diagonal: list[float] = []
    beside: list[float] = []
    for _ in range(min(_LANCZOS, size)):
        image = product(basis[-1])
        diagonal.append(float(basis[-1] @ image))
        known = np.array(basis)
        for _ in range(2):
            image = image - known.T @ (known @ image)
        norm = float(np.linalg.norm(image))
        if not math.isfinite(norm):
            return math.nan, math.nan
        if norm <= 4 * EPS * max(map(abs, diagonal)):
            break
        beside.append(norm)
        basis.append(image / norm)
    count = len(diagonal)
    matrix = np.diag(diagonal) + np.diag(beside[: count - 1], 1) + np.diag(beside[: count - 1], -1)
    values = np.linalg.eigvalsh(matrix)
    return float(values[0]), float(values[-1])
