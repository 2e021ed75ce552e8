"""Fair timing: everything in one process, taken in turns, CPU time, medians of ratios."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Run = Callable[[], Any]
SHORTEST = 0.02
"""A turn repeats a job until it takes this long (seconds)."""


@dataclass(frozen=True)
class Measured:
    """One tool in one job: seconds a run, its ratio to symgd, and what it took to get ready."""

    seconds: float
    ratio: float
    ready: float


def measure(
    tools: Mapping[str, Callable[[], Run]], rounds: int, tolerance: float, ours: str
) -> dict[str, Measured | str]:
    """Every tool that is installed and right; a tool that is not is given as the reason.

    A tool is a function that prepares a job (imports, compiles, runs once) and gives a function
    that runs it. The results of all must agree before anything is timed.
    """
    runs: dict[str, Run] = {}
    found: dict[str, Measured | str] = {}
    ready: dict[str, float] = {}
    wanted = None
    for name, prepare in tools.items():
        before = clock()
        try:
            run = prepare()
            result = flat(run())
        except ImportError as missing:
            found[name] = f"not installed ({missing.name})"
            continue
        ready[name] = clock() - before
        wanted = result if wanted is None else wanted
        scale = float(np.max(np.abs(wanted)))
        if not np.allclose(result, wanted, rtol=tolerance, atol=tolerance * scale):
            found[name] = f"another result: {result[:4]} instead of {wanted[:4]}"
            continue
        runs[name] = run
    times = _turns(runs, rounds)
    for name, seconds in times.items():
        ratios = [s / mine for s, mine in zip(seconds, times[ours], strict=True)]
        found[name] = Measured(statistics.median(seconds), statistics.median(ratios), ready[name])
    return {name: found[name] for name in tools}


def clock() -> float:
    """CPU seconds of this process and of those that it ran to the end."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def flat(result: Any) -> Any:
    """A result (a number, an array, a tuple of them) as one vector."""
    parts = result if isinstance(result, tuple) else (result,)
    return np.concatenate([np.ravel(np.asarray(part, dtype=float)) for part in parts])


def _turns(runs: Mapping[str, Run], rounds: int) -> dict[str, list[float]]:
    repeats = {name: _repeats(run) for name, run in runs.items()}
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            before = clock()
            for _ in range(repeats[name]):
                run()
            times[name].append((clock() - before) / repeats[name])
    return times


def _repeats(run: Run) -> int:
    count = 1
    while True:
        before = clock()
        for _ in range(count):
            run()
        taken = clock() - before
        if taken >= SHORTEST or count >= 1 << 20:
            return count
        count = max(count * 2, int(count * SHORTEST / taken) if taken > 0 else count * 10)
