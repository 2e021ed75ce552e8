"""Many iterates at once: the loop hands over to a compiled objective where nothing can happen.

A :class:`Leaper` makes a run of compiled steps that ends before anything at which the loop or
its stopping rule would do more than take note: a loss above that of the start, one that was met
before, a small step, the end of a window, a number that is not finite. What it went through is
then recorded as if every step had been made in the loop. A run takes a few hundredths of a
second at most, so that Ctrl-C and the time limit hold.

>>> from symgd.descend.search import inverse_time
>>> rates_of(inverse_time(5, 1000), 1000, 2).tolist() == [5 / 2000, 5 / 2001]
True
>>> rates_of(0.5, 0, 2).tolist()
[0.5, 0.5]
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Protocol, runtime_checkable

import numpy as np

from symgd.descend.batches import Stream
from symgd.descend.objective import FloatArray, IntArray
from symgd.descend.options import Settings
from symgd.descend.search import InverseTime, Rate, Schedule, rate_at
from symgd.descend.stepping import Limits, Stepper, Stepping, Way
from symgd.descend.stop import Watch
from symgd.errors import OptionError

WARM = 32
"""Plain steps before compiled ones: an objective may change its way after some calls."""
_SOON = 200
"""Plain steps before compiled ones where the run may end at any time."""
_WORTH = 300
"""Fewer steps are not worth the compilation."""
_SECONDS = 0.02
_NUMBERS = 60_000
"""Numbers a run takes down: what is larger comes from the system page by page, which is slow."""
_FEW = 4
_LONGEST_PAUSE = 256
_ANYTHING = Limits(flat=-1.0)


@runtime_checkable
class Listed(Protocol):
    """A schedule that is a function of t alone: it may be asked ahead of time."""

    def values(self, times: FloatArray, /) -> FloatArray:
        """The rates at several times."""
        ...


def rates_of(rate: Rate, first: int, count: int, text: str = "") -> FloatArray:
    """The rates of the updates first, first + 1, ..., the same numbers as one by one.

    They end before the first one that is not positive.
    """
    if not callable(rate):
        return np.full(count, float(rate))
    if isinstance(rate, InverseTime):
        times = np.arange(first, first + count, dtype=np.float64)
        return np.asarray(rate.t0 / (times + rate.t1))
    found: list[float] = []
    try:
        for t in range(first, first + count):
            found.append(rate_at(rate, t, text))
    except OptionError:
        pass
    return np.array(found)


def leaper(function: object, settings: Settings, watch: Watch, first: int) -> Leaper | None:
    """What makes the compiled steps of a run from step ``first`` on; None if nothing can."""
    schedule = settings.schedule
    known = schedule is None or isinstance(schedule, Schedule | Listed)
    if not (settings.steepest and known and isinstance(function, Stepping)):
        return None
    return Leaper(function, settings, watch, first)


@dataclass(frozen=True, eq=False)
class Leap:
    """Steps from step ``t`` on.

    ``thetas`` (done + 1, p) begins with the start; ``losses``, ``gradients``, ``norms`` and
    ``rates`` (done, ...) are those at ``thetas[:-1]``. At ``looks`` iterates between the start
    and the end the loop would have looked at all rows.
    """

    t: int
    thetas: FloatArray
    losses: FloatArray
    gradients: FloatArray
    norms: FloatArray
    rates: FloatArray
    looks: int = 0

    @classmethod
    def of(cls, t: int, way: Way, rates: FloatArray, looks: int = 0) -> Leap | None:
        """The leap along ``way``; None if it has no step."""
        if not way.done:
            return None
        return cls(t, way.thetas, way.losses, way.gradients, way.norms, rates[: way.done], looks)

    @property
    def done(self) -> int:
        """How many steps were made."""
        return len(self.losses)

    def part(self, t: int, count: int) -> Leap | None:
        """At most ``count`` steps of it from step ``t`` on."""
        begin = t - self.t
        end = min(begin + count, self.done)
        if not 0 <= begin < end:
            return None
        return Leap(
            t, self.thetas[begin : end + 1], self.losses[begin:end], self.gradients[begin:end],
            self.norms[begin:end], self.rates[begin:end],
        )  # fmt: skip

    def first(self, count: int, looks: int) -> Leap:
        """The first ``count`` steps, with so many looks between them."""
        return Leap(
            self.t, self.thetas[: count + 1], self.losses[:count], self.gradients[:count],
            self.norms[:count], self.rates[:count], looks,
        )  # fmt: skip


class Leaper:
    """Compiled steps for one run."""

    def __init__(self, function: Stepping, settings: Settings, watch: Watch, first: int) -> None:
        self._function, self._settings, self._watch = function, settings, watch
        self._end = first + settings.steps
        self._stepper: Stepper | None = None
        self._coming: Leap | None = None
        self._pause = 0
        self._count = _FEW
        patience = WARM if settings.precision is None else _SOON
        self._wait = first + (patience if settings.batches is None else 0)
        if self._end - self._wait < _WORTH:
            self._wait = self._end + 1

    def over_all(self, t: int, theta: FloatArray, looks: int, moved: float) -> Leap | None:
        """Steps on all rows from an iterate that was looked at; ``looks`` is the next look.

        ``moved`` is the length of the last step. None: the loop makes the next step.
        """
        if t < self._wait or not self._ready():
            return None
        until, limits = self._watch.clear(looks, moved)
        count = min(self._end - t, until - looks + 1, self._count, self._most(theta))
        rates = self._rates(t, count)
        if len(rates) < 2:
            return None
        began = perf_counter()
        way = self._steps(theta, rates, limits)
        self._learn(t, way.done, perf_counter() - began)
        return Leap.of(t, way, rates, way.done - 1)

    def over_batches(
        self, t: int, theta: FloatArray, stream: Stream, one: bool = False
    ) -> Leap | None:
        """Steps on the batches that are left of the epoch, or on several epochs from its start.

        Several epochs are run ahead in one call; those that are not taken are handed out again,
        or ``one`` by one. To be followed by :meth:`Stream.skip`.
        """
        per_epoch = stream.plan.per_epoch
        most = per_epoch if one else self._end
        leap = None if self._coming is None else self._coming.part(t, most)
        if leap is None:
            self._coming = None
            if t < self._wait or not self._ready():
                return None
            most = min(self._end - t, self._count, self._most(theta))
            epochs = most // per_epoch
            if epochs > 1 and t % per_epoch == 0:
                self._coming = self._batches(t, theta, epochs * per_epoch, *stream.coming(epochs))
                leap = None if self._coming is None else self._coming.part(t, most)
            else:
                rows, cuts = stream.rest()
                left = len(rows) if cuts is None else len(cuts) - 1
                leap = self._batches(t, theta, min(left, most), rows, cuts)
        return leap

    def _batches(
        self, t: int, theta: FloatArray, count: int, rows: IntArray, cuts: IntArray | None
    ) -> Leap | None:
        """``count`` steps on batches."""
        rates = self._rates(t, count)
        began = perf_counter()
        way = self._steps(theta, rates, _ANYTHING, rows, cuts)
        self._learn(t, way.done, perf_counter() - began, len(rates) < self._count)
        return Leap.of(t, way, rates)

    def _ready(self) -> bool:
        """Whether there is a stepper; asked for once."""
        if self._stepper is None:
            stepper = self._function.stepper()
            batches = self._settings.batches is not None
            if stepper is None or not (stepper.by_row if batches else stepper.whole):
                self._wait = self._end + 1
                return False
            self._stepper = stepper
        return True

    def _steps(
        self,
        theta: FloatArray,
        rates: FloatArray,
        limits: Limits,
        rows: IntArray | None = None,
        cuts: IntArray | None = None,
    ) -> Way:
        assert self._stepper is not None
        return self._stepper(theta, rates, limits, rows, cuts)

    def _learn(self, t: int, done: int, seconds: float, cut: bool = False) -> None:
        """How many steps to make at once, and when to try again after a few only."""
        if done >= self._count or (cut and 2.0 * seconds < _SECONDS):
            pace = min(8.0, _SECONDS / max(seconds, 1e-9))
            self._count = max(_FEW, min(int(self._count * pace), _NUMBERS))
        if done >= _FEW or cut:
            self._pause = 0
        else:
            self._pause = min(max(1, 2 * self._pause), _LONGEST_PAUSE)
            self._wait = t + done + self._pause

    def _rates(self, t: int, count: int) -> FloatArray:
        settings = self._settings
        rate = settings.rate if settings.schedule is None else settings.schedule
        assert rate is not None
        return rates_of(rate, t, count, settings.rate_text)

    def _most(self, theta: FloatArray) -> int:
        """Steps whose record fits into memory."""
        return max(_FEW, _NUMBERS // (2 * theta.size + 2))
