"""What the symbolic form tells about a problem: exact stationary points, curvature, stable rate.

>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> print(closed_form(derive(read("(x - 3.5)^2 - 4.5x + 10"))))
x = 23/4 = 5.75
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symgd.compile.objective import Objective
from symgd.derive.partials import Partials
from symgd.descend.objective import FloatArray


@dataclass(frozen=True)
class ClosedForm:
    """Exact stationary points: where all partial derivatives are zero.

    ``points`` maps each name to a float, ``text`` says them exactly.
    """

    points: tuple[dict[str, float], ...]
    text: str

    def __str__(self) -> str:
        return self.text

    def __bool__(self) -> bool:
        return bool(self.points)


def closed_form(partials: Partials) -> ClosedForm:
    """Set the gradient to zero and solve, where that is possible exactly.

    An empty result means that no closed form was found, not that there is none.
    """
    from symgd.algebra.closed import rational_text, zeros

    if any(partials.problem.shape(name) for name in partials.wrt) or partials.problem.data:
        return ClosedForm((), "")
    names = list(partials.wrt)
    found = zeros([partials.textbook(name) for name in names], names)
    points = tuple({n: float(v) for n, v in solution.items()} for solution in found)
    lines = [
        ", ".join(f"{name} = {rational_text(value)}" for name, value in solution.items())
        for solution in found
    ]
    return ClosedForm(points, "  or  ".join(lines))


@dataclass(frozen=True)
class Curvature:
    """The eigenvalues of the Hessian at a point, and the learning rates they allow.

    Gradient descent is stable below 2/L for the largest eigenvalue L; with the
    smallest one mu > 0, the rate 2/(mu + L) contracts fastest (Polyak 1964).
    """

    eigenvalues: FloatArray

    @property
    def largest(self) -> float:
        """L, the largest curvature."""
        return float(self.eigenvalues[-1])

    @property
    def smallest(self) -> float:
        """mu, the smallest curvature."""
        return float(self.eigenvalues[0])

    @property
    def stable_rate(self) -> float:
        """2/L, or inf if the loss does not curve upwards."""
        return 2.0 / self.largest if self.largest > 0 else float("inf")

    @property
    def best_rate(self) -> float:
        """2/(mu + L), or 1/L if mu is not positive."""
        if self.largest <= 0:
            return float("inf")
        return 2.0 / (max(self.smallest, 0.0) + self.largest)


def curvature(objective: Objective, theta: FloatArray) -> Curvature:
    """The eigenvalues of the Hessian at ``theta``."""
    values = np.asarray(np.linalg.eigvalsh(objective.hessian(theta)), dtype=np.float64)
    return Curvature(values)
