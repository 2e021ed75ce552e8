"""How far to go: learning-rate schedules as small values, each a function of the step count t.

A schedule is any callable from t = 0, 1, 2, ... to a positive rate; these carry their formula
as ``text``. t counts updates and runs on from epoch to epoch.

>>> schedule = inverse_time(5, 1000)
>>> schedule.text, schedule(0), schedule(1000)
('5/(t + 1000)', 0.005, 0.0025)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from symgd.descend.options import positive_number
from symgd.errors import OptionError

Rate = float | Callable[[int], float]


@dataclass(frozen=True)
class Schedule:
    """Base of the schedules of this module; every field is a positive number."""

    def __post_init__(self) -> None:
        for item in fields(self):
            positive_number(f"{item.name} of the schedule", getattr(self, item.name))

    @property
    def text(self) -> str:
        """The schedule as a formula in t."""
        raise NotImplementedError

    def __call__(self, t: int) -> float:
        """The learning rate of update ``t``."""
        raise NotImplementedError


@dataclass(frozen=True)
class Constant(Schedule):
    """eta_t = rate."""

    rate: float

    @property
    def text(self) -> str:
        return f"{self.rate:g}"

    def __call__(self, t: int) -> float:
        return self.rate


@dataclass(frozen=True)
class InverseTime(Schedule):
    """eta_t = t0/(t + t1), the classic decay of stochastic approximation (Robbins, Monro)."""

    t0: float
    t1: float

    @property
    def text(self) -> str:
        return f"{self.t0:g}/(t + {self.t1:g})"

    def __call__(self, t: int) -> float:
        return self.t0 / (t + self.t1)


@dataclass(frozen=True)
class Exponential(Schedule):
    """eta_t = rate*decay^t; with decay < 1 the steps sum up to a finite way."""

    rate: float
    decay: float

    @property
    def text(self) -> str:
        return f"{self.rate:g}*{self.decay:g}^t"

    def __call__(self, t: int) -> float:
        return float(self.rate * self.decay**t)


@dataclass(frozen=True)
class StepDecay(Schedule):
    """eta_t = rate*factor^floor(t/every): constant for ``every`` steps, then times factor."""

    rate: float
    factor: float
    every: int

    @property
    def text(self) -> str:
        return f"{self.rate:g}*{self.factor:g}^floor(t/{self.every:g})"

    def __call__(self, t: int) -> float:
        return float(self.rate * self.factor ** (t // self.every))


@dataclass(frozen=True)
class Cosine(Schedule):
    """eta_t = lowest + (rate - lowest)*(1 + cos(pi*t/steps))/2 up to t = steps, then lowest."""

    rate: float
    steps: int
    lowest: float

    @property
    def text(self) -> str:
        span = f"({self.rate:g} - {self.lowest:g})"
        return f"{self.lowest:g} + {span}*(1 + cos(pi*min(t, {self.steps:g})/{self.steps:g}))/2"

    def __call__(self, t: int) -> float:
        swing = 1.0 + math.cos(math.pi * min(t, self.steps) / self.steps)
        return self.lowest + (self.rate - self.lowest) * swing / 2.0


def constant(rate: float) -> Constant:
    """The same ``rate`` at every step."""
    return Constant(rate)


def inverse_time(t0: float, t1: float) -> InverseTime:
    """t0/(t + t1)."""
    return InverseTime(t0, t1)


def exponential(rate: float, decay: float) -> Exponential:
    """rate*decay^t."""
    return Exponential(rate, decay)


def step(rate: float, factor: float, every: int) -> StepDecay:
    """rate*factor^floor(t/every)."""
    return StepDecay(rate, factor, every)


def cosine(rate: float, steps: int, lowest: float | None = None) -> Cosine:
    """From ``rate`` down to ``lowest`` (a thousandth of it) along half a cosine wave."""
    return Cosine(rate, steps, rate / 1000 if lowest is None else lowest)


def rate_at(schedule: Callable[[int], float], t: int, text: str) -> float:
    """The rate of update ``t``; raises :class:`OptionError` naming t if it is not positive."""
    value = schedule(t)
    if 0.0 < value < math.inf:
        return float(value)
    raise OptionError(f"the learning rate {text} is {value} at t = {t}: it must be positive")


def text_of(rate: Rate) -> str:
    """The rate in words, for messages."""
    if isinstance(rate, Schedule):
        return rate.text
    return "schedule" if callable(rate) else f"{rate:g}"


def checked_rate(rate: Any) -> Rate:
    """``rate`` as a positive float or as a callable; constants become plain numbers."""
    if isinstance(rate, Constant):
        return float(rate.rate)
    return rate if callable(rate) else positive_number("rate", rate)
