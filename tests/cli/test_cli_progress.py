"""The line of progress: what it estimates, when it is shown, and that it goes."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator

import numpy as np
import pytest

import symgd
from symgd.cli import progress as room
from symgd.cli.progress import Progress, bar, duration, steps_left
from tests.cli.commands import Screen


class Clock:
    """A clock that goes on by a fixed time at each look."""

    def __init__(self, tick: float) -> None:
        self.now, self.tick = 0.0, tick

    def __call__(self) -> float:
        self.now += self.tick
        return self.now


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(room, "perf_counter", Clock(0.05))
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "100")
    return


def moves(rate: float, curvatures: tuple[float, ...], start: int) -> list[tuple[int, float]]:
    """The moves of gradient descent on a quadratic, every seventh step, from the formula."""
    curvature = np.array(curvatures)
    found = []
    for step in range(start, start + 140, 7):
        move = rate * curvature * (1 - rate * curvature) ** step
        found.append((step, float(np.max(np.abs(move)))))
    return found


@pytest.mark.parametrize("rate", [0.3, 0.05, 0.004])
@pytest.mark.parametrize("precision", [1e-3, 1e-6, 1e-9])
def test_steps_left_on_a_quadratic(rate: float, precision: float) -> None:
    """The error of theta is (1 - rate*curvature)^t from distance 1: solved for t."""
    slow, fast = 0.1, 2.0
    start = math.ceil(math.log(1e-6) / math.log((1 - rate * fast) / (1 - rate * slow)))
    known = moves(rate, (slow, fast), start)
    needed = math.log(precision) / math.log1p(-rate * slow) - known[-1][0]
    if known[-1][1] == 0.0 or needed <= 0:
        assert steps_left(known, precision) in (0, None)
        return
    found = steps_left(known, precision)
    assert found is not None
    assert found == pytest.approx(needed, rel=0.02, abs=2)


@pytest.mark.parametrize(("start", "later"), [(400, 4000), (3000, 50_000)])
def test_steps_left_where_the_curvature_vanishes(start: int, later: int) -> None:
    """Descent on x^4 by hand: when will it be as close as it is ``later``?"""
    x, known, rate = 1.0, [], 0.01
    for step in range(1, later + 1):
        move = rate * 4 * x**3
        x -= move
        if start - 200 < step <= start and step % 10 == 0:
            known.append((step, move))
    found = steps_left(known, x)
    assert found is not None
    assert 0.5 < found / (later - start) < 2


def test_nothing_is_said_where_nothing_is_known() -> None:
    growing = [(k, 1.1**k) for k in range(20)]
    noise = np.random.default_rng(5).lognormal(0, 1, 20)
    assert steps_left(growing, 1e-6) is None
    assert steps_left([(k, float(v)) for k, v in enumerate(noise)], 1e-6) is None
    assert steps_left([(0, 1.0), (1, 0.5)], 1e-6) is None
    assert steps_left([(k, 0.9**k) for k in range(9)], None) is None
    assert steps_left([(k, math.nan) for k in range(9)], 1e-6) is None


@pytest.mark.usefixtures("quick")
def test_the_line_tells_and_goes() -> None:
    screen = Screen()
    with Progress(5000, 1e-6, screen) as line:
        symgd.minimize("(x - 3)^2 + 5*(y + 1)^2", start={"x": 0, "y": 0}, rate=0.004,
                       steps=5000, observers=[line])  # fmt: skip
        shown = screen.getvalue()
    assert "step " in shown
    assert "loss " in shown
    assert "rate 0.004" in shown
    assert "steps/s" in shown
    assert " left (" in shown
    for part in shown.split("\r"):
        assert len(part.replace("\x1b[K", "")) < 100
    assert screen.getvalue().endswith("\r\x1b[K")
    assert "\n" not in screen.getvalue()


@pytest.mark.usefixtures("quick")
def test_the_estimate_comes_true() -> None:
    """Half way, the steps left and the steps that the run then took agree."""
    seen: list[tuple[int, int]] = []

    class Noting(Progress):
        def _draw(self, progress: object, now: float) -> None:
            left = steps_left(self._moves, self.precision)
            if left is not None:
                seen.append((progress.step, left))  # type: ignore[attr-defined]
            super()._draw(progress, now)

    with Noting(10_000, 1e-6, Screen()) as line:
        found = symgd.minimize("(x - 3)^2 + 5*(y + 1)^2", start={"x": 0, "y": 0}, rate=0.004,
                               observers=[line])  # fmt: skip
    assert found.converged
    step, left = seen[len(seen) // 2]
    assert step + left == pytest.approx(found.steps, rel=0.1)


def test_a_short_run_shows_nothing() -> None:
    screen = Screen()
    with Progress(None, 1e-6, screen) as line:
        symgd.minimize("(x - 3)^2", start=0, rate=0.1, observers=[line])
    assert screen.getvalue() == ""


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("columns", [20, 40, 60])
def test_the_line_fits_a_narrow_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    screen = Screen()
    with Progress(5000, 1e-6, screen) as line:
        symgd.minimize("(x - 3)^2", start=0, rate=0.001, steps=2000, observers=[line])
    for part in screen.getvalue().split("\r"):
        assert len(part.replace("\x1b[K", "")) < columns


def test_bars_and_durations() -> None:
    assert bar(0, 10).count("━") == 0
    assert bar(10, 0).count("─") == 0
    assert bar(1, None) == bar(0, 1)
    assert duration(math.inf) == "more than a week"
    assert duration(59.4) == "59 s"
    assert duration(3599) == "59 min 59 s"


def test_no_line_where_standard_error_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    from symgd.cli import solve

    monkeypatch.setattr(solve.sys, "stderr", io.StringIO())
    given = {"save": None, "precision": "auto", "steps": None, "epochs": None, "live": False}
    assert solve.watched(given, lambda seen: seen) == []
    monkeypatch.setattr(solve.sys, "stderr", Screen())
    assert len(solve.watched(given, lambda seen: seen)) == 1
