"""What an examination of one point finds: an error, a kind of neighbourhood, a reason."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from symgd.descend.objective import FloatArray


class Kind(Enum):
    """What the neighbourhood of a point looks like."""

    MINIMUM = auto()
    VALLEY = auto()  # minima, but not a single one
    SADDLE = auto()
    FLAT = auto()
    UNPLACED = auto()  # a minimum, but rounding hides where
    OPEN = auto()  # not settled


@dataclass(frozen=True, eq=False)
class Estimate:
    """What was found at one point.

    ``error`` is the estimated largest error of a parameter (inf: unknown), ``floor`` the part
    of it that rounding makes, ``noise`` the Newton step in units of its rounding error,
    ``inverse`` the inverse Hessian, ``pace`` the curvature along the error, which sets the pace
    of gradient descent, ``steepest`` the largest curvature L, which limits the rate to 2/L,
    ``stuck`` whether gradient descent cannot leave a saddle.
    """

    kind: Kind
    error: float = math.inf
    floor: float = 0.0
    noise: float = math.inf
    inverse: FloatArray | None = None
    pace: float = 0.0
    steepest: float = 0.0
    reason: str = ""
    stuck: bool = False

    @property
    def settled(self) -> bool:
        """Whether there is a minimum at the distance ``error``."""
        return self.kind in (Kind.MINIMUM, Kind.VALLEY)


def named(direction: FloatArray, names: tuple[str, ...]) -> str:
    """A direction in words: the names of its leading components.

    >>> named(np.array([0.1, -2.0, 1.9]), ("a", "b", "c"))
    'b - c'
    """
    size = np.abs(direction)
    leading = np.flatnonzero(size >= 0.3 * size.max())[:3]
    sign = math.copysign(1.0, direction[leading[0]])
    parts = [("- " if sign * direction[i] < 0 else "+ ") + names[i] for i in leading]
    return " ".join(parts).removeprefix("+ ")
