r"""How many steps will it take? For a quadratic loss, exactly, before the first one is made.

In the eigenbasis of the Hessian every component of the error goes its own way,
c_i(k+1) = (1 - eta_k*lambda_i) c_i(k), so the iterate after k steps is known without making them.

>>> import numpy as np
>>> course = Course.of(np.diag([1.0, 9.0]), np.array([1.0, 1.0]))
>>> count = course.count(0.2, 1e-6, stop="step")
>>> print(count)
exactly 66
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from symgd.descend.objective import FloatArray

_CHUNK = 2048
_SCANNED = 4_000_000  # numbers looked at one by one
_EPS = float(np.finfo(np.float64).eps)
_BLUR = 1e-3
_SAFE = 0.99  # the share of the precision that descend asks of its estimate

Rate = float | Callable[[int], float]


@dataclass(frozen=True)
class Count:
    """A number of steps: ``steps`` is inf if the test never fires, nan if that is not known.

    ``how`` it is known: "exactly" (it is the count of the run itself), "about", "more than"
    (so many were followed), or "at least" (the iterates grow so much on the way that rounding
    decides what is left of their small components). A run that comes near the minimum with a
    long step sees it after the next one: ``first`` is the step that came there.
    """

    steps: float
    how: str = "exactly"
    came: float | None = None

    @property
    def first(self) -> float:
        """The first iterate within the precision; ``steps`` where it is not told apart."""
        return self.steps if self.came is None else self.came

    @property
    def exact(self) -> bool:
        """Whether the run itself will make this number of steps."""
        return self.how == "exactly"

    def __str__(self) -> str:
        if math.isnan(self.steps):
            return "an unknown number of"
        if math.isinf(self.steps):
            return "infinitely many"
        return f"{self.how} " + (
            f"{int(self.steps):,}" if self.steps < 1e9 else f"{self.steps:.3g}"
        )


@dataclass(frozen=True, eq=False)
class Course:
    """The way of gradient descent on a quadratic: curvatures (p,), eigenvectors (p, p), errors.

    ``error`` (p,) holds the components of start minus minimum in the eigenbasis.
    """

    values: FloatArray
    vectors: FloatArray
    error: FloatArray

    @classmethod
    def of(cls, hessian: FloatArray, error: FloatArray) -> Course:
        """The course for a Hessian (p, p) and the error of the start (p,)."""
        values, vectors = np.linalg.eigh(hessian)
        return cls(np.asarray(values), np.asarray(vectors), np.asarray(vectors.T @ error))

    def count(self, rate: Rate, precision: float, stop: str = "error", most: int = 10**7) -> Count:
        """How many steps gradient descent makes until its test fires.

        ``stop="step"`` is the textbook test max|theta_(k+1) - theta_k| < precision, ``"error"``
        the first iterate within the precision of the minimum that a step of twice the precision
        led to, or the minimum itself. At most ``most`` steps are followed under a schedule.
        """
        if callable(rate):
            return self._followed(rate, precision, stop, most)
        shrink = 1.0 - rate * self.values
        moving = np.abs(self.error) > 0
        if not moving.any():
            return Count(1.0 if stop == "step" else 0.0)
        pace = np.abs(shrink[moving])
        scale = np.abs(self.error[moving]) * (rate * self.values[moving] if stop == "step" else 1)
        low, high = _bounds(pace, np.abs(scale), precision)
        if math.isinf(high):
            return Count(math.inf)
        if (high - low) * self.values.size > _SCANNED:
            return Count(self._bisected(shrink, rate, precision, stop, low, high), "about")
        begin = max(0, math.floor(low) - 3)
        powers = np.sign(shrink) ** begin * np.abs(shrink) ** float(begin)
        return self._scan(self._constant(shrink, powers), precision, stop, begin, high + 3)

    def theta(self, rate: float, k: float) -> FloatArray:
        """The error theta_k - theta* (p,) after k steps at a constant rate."""
        shrink = 1.0 - rate * self.values
        signs = np.where(shrink < 0, -1.0 if k % 2 else 1.0, 1.0)
        return np.asarray(self.vectors @ (self.error * signs * np.abs(shrink) ** k))

    def _constant(self, shrink: FloatArray, powers: FloatArray) -> Iterator[FloatArray]:
        """Chunks of the products of the factors, from ``powers`` on, with the first row known."""
        table = np.cumprod(np.broadcast_to(shrink, (_CHUNK, shrink.size)), axis=0)
        while True:
            chunk = np.vstack([powers, powers * table[:-1]])
            yield chunk
            powers = powers * table[-1]

    def _scan(
        self, chunks: Iterator[FloatArray], precision: float, stop: str, begin: int, end: float
    ) -> Count:
        """The first step from ``begin`` on at which the test fires."""
        last = np.full((1, self.values.size), np.nan)  # the step that led to begin is not known
        peak = 0.0
        for chunk in chunks:
            iterates = (chunk * self.error) @ self.vectors.T
            sizes = np.abs(iterates).max(axis=1)
            moved = np.abs(np.diff(np.vstack([last, iterates]), axis=0)).max(axis=1)
            near = sizes <= _SAFE * precision
            if stop == "step":
                fires = moved < precision
            else:
                fires = near & ((moved <= 2 * precision) | (sizes == 0.0))
            place = int(np.argmax(fires))
            if fires[place]:
                peak = max(peak, float(sizes[: place + 1].max()))
                blurred = _EPS * peak > _BLUR * precision
                came = None if stop == "step" else float(begin + _since(near, place))
                return Count(float(begin + place), "at least" if blurred else "exactly", came)
            if not np.isfinite(sizes[-1]):
                return Count(math.inf)
            peak, last, begin = max(peak, float(sizes.max())), iterates[-1:], begin + len(chunk)
            if begin > end:
                break
        return Count(float(begin), "more than")

    def _followed(
        self, rate: Callable[[int], float], precision: float, stop: str, most: int
    ) -> Count:
        """The count under a schedule, step by step."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self._scan(self._changing(rate), precision, stop, 0, most)

    def _changing(self, rate: Callable[[int], float]) -> Iterator[FloatArray]:
        powers, begin = np.ones((1, self.values.size)), 0
        while True:
            etas = rates(rate, begin, begin + _CHUNK)
            table = powers * np.cumprod(1.0 - etas[:, None] * self.values, axis=0)
            yield np.vstack([powers, table[:-1]])
            powers, begin = table[-1:], begin + _CHUNK

    def _bisected(
        self, shrink: FloatArray, rate: float, precision: float, stop: str, low: float, high: float
    ) -> float:
        """The same for a course so slow that it is monotone where the test fires."""
        weight = rate * self.values if stop == "step" else np.ones_like(shrink)
        while high - low > 0.5:
            middle = (low + high) / 2
            error = self.vectors @ (self.error * weight * np.abs(shrink) ** middle)
            low, high = (low, middle) if np.abs(error).max() < precision else (middle, high)
        return float(math.ceil(high))


def _since(holds: NDArray[np.bool_], place: int) -> int:
    """The first place of the unbroken row of trues that ends at ``place``."""
    broken = np.flatnonzero(~holds[:place])
    return int(broken[-1]) + 1 if broken.size else 0


@runtime_checkable
class Tabulated(Protocol):
    """A schedule that gives many rates at once."""

    def values(self, times: Any) -> FloatArray:
        """The learning rates at ``times``."""
        ...


def rates(rate: Callable[[Any], Any], begin: int, end: int) -> FloatArray:
    """The learning rates of the updates begin, ..., end - 1."""
    if isinstance(rate, Tabulated):
        return rate.values(np.arange(begin, end))
    return np.array([float(rate(t)) for t in range(begin, end)])


def _bounds(pace: FloatArray, scale: FloatArray, precision: float) -> tuple[float, float]:
    """Between which steps the test fires for sure: from single components and from their sum."""
    relevant = scale > 0
    pace, scale = pace[relevant], scale[relevant]
    if not pace.size:
        return 0.0, 1.0
    if (pace >= 1.0).any() and scale[pace >= 1.0].max() > precision:
        return math.inf, math.inf
    shrinking = (pace < 1.0) & (pace > 0.0)
    logs = -np.log(np.where(shrinking, pace, 0.5))
    size = math.sqrt(scale.size)
    low = np.log(np.maximum(scale / (size * precision), 1.0)) / logs
    high = np.log(np.maximum(scale * size / (0.5 * precision), 1.0)) / logs
    low, high = np.where(shrinking, low, 0.0), np.where(shrinking, high, 1.0)
    return float(low.max()), float(high.max())
