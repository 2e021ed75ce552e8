"""A sum of squares over many rows by its sums: r'r, J'r and J'J instead of r and J.

J'J has the square of the condition of J, so half of the digits may be lost in it; where its
columns, scaled to length 1, are nearly dependent it is not used (:class:`IllConditioned`).

>>> def sums(theta):
...     return 8.0, np.array([-6.0]), np.array([[4.0]])
>>> gram = Gram.at(sums, np.array([1.0]))
>>> gram.scale.tolist(), gram.spectrum.tolist()
([2.0], [1.0])
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from symgd.descend.objective import FloatArray

CONDITION = 1e-8
"""The least ratio of the eigenvalues of J'J that is trusted."""


class Sums(Protocol):
    """What a sum of squares over many rows comes to, without its residual and Jacobian."""

    def __call__(self, theta: FloatArray, /) -> tuple[float, FloatArray, FloatArray]:
        """r'r, J'r (p,) and J'J (p, p)."""
        ...

    def half_hessian(self, theta: FloatArray, /) -> FloatArray:
        """J'J + sum_i r_i Hessian(r_i), (p, p)."""
        ...

    def spread(self, theta: FloatArray, factors: FloatArray, /) -> FloatArray:
        """sum_i (factors J_i)^2 (|J_i| . |theta|)^2, (p,), for ``factors`` (p, p)."""
        ...


@runtime_checkable
class Summed(Protocol):
    """A sum of squares that may know its :class:`Sums`."""

    @property
    def sums(self) -> Sums | None:
        """The sums; None where the Jacobian is small enough to be formed."""
        ...


def sums_of(squares: object) -> Sums | None:
    """The sums of a sum of squares that has them."""
    return squares.sums if isinstance(squares, Summed) else None


class IllConditioned(Exception):
    """J'J has lost what J still tells apart."""


@dataclass(frozen=True, eq=False)
class Gram:
    """r'r, J'r and J'J with the spectrum of J'J for columns of J of length 1.

    D J'J D = V S^2 V' with D = 1/``scale``. Raises :class:`IllConditioned` where the
    eigenvalues spread over more than eight digits: J'J has twice the digits of J to lose.
    """

    total: float
    slope: FloatArray
    square: FloatArray
    scale: FloatArray
    spectrum: FloatArray
    turn: FloatArray

    @classmethod
    def at(cls, sums: Sums, theta: FloatArray) -> Gram | None:
        """The sums at ``theta``; None if they are not finite."""
        total, slope, square = sums(theta)
        if not (math.isfinite(total) and np.isfinite(slope).all() and np.isfinite(square).all()):
            return None
        scale = np.sqrt(np.diag(square))
        if not (scale > 0).all():
            raise IllConditioned
        spectrum, turn = np.linalg.eigh(square / np.outer(scale, scale))
        if not spectrum[0] > CONDITION * spectrum[-1]:
            raise IllConditioned
        return cls(total, slope, square, scale, spectrum, turn)
