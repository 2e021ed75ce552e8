"""The closed list of ends: a run reaches each of them, and each ends with a usable point."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import symgd
from symgd.descend import Outcome, Solution


def interrupted() -> Solution:
    def stop(progress: object) -> None:
        raise KeyboardInterrupt

    return symgd.minimize("(x - 3)^4", start={"x": 9}, rate=1e-4, observers=stop)


RUNS: dict[Outcome, Callable[[], Solution]] = {
    Outcome.CONVERGED: lambda: symgd.minimize("(x - 3)^2", rate=0.1),
    Outcome.PRECISION_LIMIT: lambda: symgd.minimize(
        "(x - 1e9)^2 + x", start={"x": 0}, rate=0.4, precision=1e-12
    ),
    Outcome.MAX_STEPS: lambda: symgd.minimize("(x - 3)^2", rate=0.1, steps=3, precision=None),
    Outcome.TIME_LIMIT: lambda: symgd.minimize(
        "(x - 3)^4", start={"x": 9}, rate=1e-12, precision=None, steps=10**9, time_limit=0.05
    ),
    Outcome.STALLED: lambda: symgd.minimize("(x - 3)^2", start={"x": 9}, rate=1e-15),
    Outcome.DIVERGED: lambda: symgd.minimize("(x - 3)^2", start={"x": 9}, rate=50.0),
    Outcome.UNBOUNDED: lambda: symgd.minimize("-x", start={"x": 0}, rate=0.1),
    Outcome.LEFT_DOMAIN: lambda: symgd.minimize("x - log(x)", start={"x": 0.1}, rate=50.0),
    Outcome.INTERRUPTED: interrupted,
}


@pytest.mark.parametrize("outcome", list(Outcome), ids=lambda o: o.name)
def test_a_run_ends_like_this(outcome: Outcome) -> None:
    found = RUNS[outcome]()
    assert found.outcome is outcome, found.message
    assert found.converged == (outcome is Outcome.CONVERGED)
    assert np.isfinite(found.theta).all()
    assert math.isfinite(found.loss)
    assert found.message
    assert found.evaluations >= 1
    assert found.seconds >= 0
