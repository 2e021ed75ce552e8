"""One line that follows a run on standard error: only on a terminal, only if it takes a while.

The steps that are left are estimated from the contraction of the moves: if a step shrinks them
by the factor q, the error is about move/(1 - q), and log(precision/error)/log(q) steps remain.
Where the curvature vanishes at the minimum the moves shrink as a power of the steps instead.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from time import perf_counter
from typing import Any, TextIO

import numpy as np

from symgd.cli.terminal import fitting, terminal_of

QUIET_SECONDS = 1.0
EVERY = 0.2
_BAR = 12
_WINDOW = 24


class Progress:
    """An observer that draws a line: steps, loss, gradient, rate, speed, what is left.

    As a context manager it wipes its line at the end, however the run ends. ``limit`` is the most
    steps that will be made, ``precision`` the error that is asked for (``None``: all steps).
    """

    def __init__(
        self, limit: int | None = None, precision: float | None = None,
        stream: TextIO | None = None,
    ) -> None:  # fmt: skip
        self.limit, self.precision = limit, precision
        self.stream = sys.stderr if stream is None else stream
        self.terminal = terminal_of(self.stream)
        self.began = self._next = perf_counter()
        self._next += QUIET_SECONDS
        self._first: int | None = None
        self._drawn = False
        self._before: Any = None
        self._moves: list[tuple[int, float]] = []

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self.wipe()

    def __call__(self, progress: Any) -> None:
        """See one iterate; draw if it is time."""
        if self._first is None:
            self._first = progress.step
        if self._before is not None:
            self._measure(progress)
        now = perf_counter()
        if now >= self._next:
            self._next = now + EVERY
            self._before = progress
            self._draw(progress, now)

    def reading(self, reading: Any) -> None:
        """See how far the reading of files has come; draw if it is time."""
        now = perf_counter()
        if now >= self._next:
            self._next = now + EVERY
            self._write(str(reading))

    def _measure(self, progress: Any) -> None:
        """How far the step moved theta; seen for two neighbouring iterates at a time."""
        if progress.step == self._before.step + 1:
            move = float(np.max(np.abs(progress.theta - self._before.theta)))
            self._moves = [*self._moves[1 - _WINDOW :], (progress.step, move)]
        self._before = None

    def _draw(self, progress: Any, now: float) -> None:
        made = progress.step - (self._first or 0)
        speed = made / (now - self.began)
        left = steps_left(self._moves, self.precision)
        if self.limit is not None:
            rest = max(0, self.limit - made)
            left = rest if left is None else min(left, rest)
        line = self._line(progress, made, speed, left)
        self._write(line)

    def _write(self, line: str) -> None:
        """The line in the place of the one before."""
        self.stream.write("\r" + fitting(line, self.terminal) + "\x1b[K")
        self.stream.flush()
        self._drawn = True

    def _line(self, progress: Any, made: int, speed: float, left: int | None) -> str:
        """What is worth knowing, the most important first, as much as fits."""
        rate = f"rate {progress.rate:.3g}" if math.isfinite(progress.rate) else ""
        parts = [
            f"step {progress.step:,}", _left_words(left, speed), f"loss {progress.loss:.6g}",
            rate, f"{_rounded(speed)} steps/s", f"gradient {progress.gradient_norm:.2g}",
        ]  # fmt: skip
        line = bar(made, left) + " "
        for part in parts:
            longer = f"{line}{part}  " if part else line
            if len(longer) > self.terminal.width - 1:
                break
            line = longer
        return line.rstrip()

    def wipe(self) -> None:
        """Take the line away."""
        if self._drawn:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self._drawn = False


def steps_left(moves: Sequence[tuple[int, float]], precision: float | None) -> int | None:
    """How many steps remain until the error is ``precision``, from (step, move) seen.

    ``None`` if the moves do not shrink steadily, or if all steps are to be made.

    >>> steps_left([(10 * k, 0.9 ** (10 * k)) for k in range(8)], 1e-6)  # 0.9^n / (1 - 0.9)
    83
    """
    known = [(step, move) for step, move in moves if 0 < move < math.inf and step > 0]
    if precision is None or len(known) < 4:
        return None
    steps = np.array([step for step, _ in known], dtype=np.float64)
    logs = np.log([move for _, move in known])
    found = []
    for kind, times in (("geometric", steps - steps[-1]), ("power", np.log(steps / steps[-1]))):
        slope, height = (float(v) for v in np.polyfit(times, logs, 1))
        unsteady = float(np.std(logs - slope * times - height))
        if slope < 0 and unsteady < 0.3 * -slope * float(np.ptp(times)):
            found.append((unsteady, kind, slope, height))
    if not found:
        return None
    _, kind, slope, height = min(found)
    if kind == "geometric":
        return _geometric(slope, height - math.log(precision))
    return _power(float(steps[-1]), slope, height - math.log(precision))


def _geometric(slope: float, excess: float) -> int:
    """Steps until move/(1 - q), with q = exp(slope), is 1; ``excess`` is the log of the move."""
    return max(0, math.ceil((excess - math.log(-math.expm1(slope))) / -slope))


def _power(step: float, slope: float, excess: float) -> int | None:
    """The same for moves that shrink as t^slope: those after t make move*t/(-slope - 1)."""
    if slope >= -1.05:
        return None
    beyond = (excess + math.log(step / (-slope - 1))) / (-slope - 1)
    return None if beyond > 50 else max(0, math.ceil(step * math.expm1(beyond)))


def bar(made: int, left: int | None) -> str:
    """How much of the way is gone.

    >>> bar(30, 10), bar(5, None)
    ('━━━━━━━━━───', '────────────')
    """
    whole = made + left if left is not None else 0
    full = int(_BAR * made / whole) if whole else 0
    return "━" * full + "─" * (_BAR - full)


def _left_words(left: int | None, speed: float) -> str:
    if left is None:
        return ""
    seconds = left / speed if speed > 0 else math.inf
    return f"~{_rounded(left)} left ({duration(seconds)})"


def _rounded(value: float) -> str:
    """Three digits at most: 1,230,000."""
    if not math.isfinite(value):
        return "?"
    if value < 10:
        return f"{value:.2g}"
    unit = 10 ** max(0, math.floor(math.log10(value)) - 2)
    return f"{round(value / unit) * unit:,}"


def duration(seconds: float) -> str:
    """Seconds in words that fit a line.

    >>> duration(0.2), duration(75), duration(7300), duration(1e9)
    ('<1 s', '1 min 15 s', '2 h 1 min', 'more than a week')
    """
    if seconds < 1:
        return "<1 s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{int(seconds) // 60} min {int(seconds) % 60} s"
    if seconds < 7 * 86400:
        return f"{int(seconds) // 3600} h {int(seconds) % 3600 // 60} min"
    return "more than a week"
