"""Compiled descent inside the loop: the run is the one that the plain loop makes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symgd.compile.native.engine import host
from symgd.compile.native.spread import NotNative
from symgd.compile.objective import Objective, compile_objective
from symgd.derive.partials import derive
from symgd.descend import descend, leap
from symgd.descend.history import Track
from symgd.descend.search import cosine, exponential, inverse_time
from symgd.descend.solution import Solution
from symgd.formula.problem import read

try:
    host()
except NotNative as missing:
    pytest.skip(str(missing), allow_module_level=True)

LINE = "mean((y - (m*x + b))^2)"
CURVE = "mean((y - a*tanh(k*(x - c)))^2)"


class Hidden:
    """The same objective without its compiled steps."""

    def __init__(self, objective: Objective) -> None:
        self._objective = objective

    def __call__(self, theta: Any) -> Any:
        return self._objective(theta)

    @property
    def n_rows(self) -> int:
        return self._objective.n_rows

    def at_rows(self, rows: Any) -> Any:
        return self._objective.at_rows(rows)

    def hessian(self, theta: Any) -> Any:
        return self._objective.hessian(theta)

    def product(self, theta: Any, vector: Any) -> Any:
        return self._objective.product(theta, vector)


def made(formula: str, n: int = 0, seed: int = 5, backend: str = "auto") -> Objective:
    random = np.random.default_rng(seed)
    data = {"x": random.standard_normal(n), "y": random.standard_normal(n)} if n else {}
    return compile_objective(derive(read(formula)), data, backend=backend)


@pytest.fixture
def leaps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many steps each leap made."""
    found: list[int] = []
    learn = leap.Leaper._learn

    def counting(self: Any, t: int, done: int, *rest: Any) -> None:
        found.append(done)
        learn(self, t, done, *rest)

    monkeypatch.setattr(leap.Leaper, "_learn", counting)
    return found


def same(fast: Solution, slow: Solution) -> None:
    """Two runs that cannot be told apart, but for their seconds."""
    assert fast.outcome is slow.outcome
    assert (fast.steps, fast.epochs, fast.evaluations) == (
        slow.steps, slow.epochs, slow.evaluations,
    )  # fmt: skip
    assert (fast.message, fast.error_estimate) == (slow.message, slow.error_estimate)
    assert (fast.loss, fast.gradient_norm) == (slow.loss, slow.gradient_norm)
    np.testing.assert_array_equal(fast.theta, slow.theta)
    for name in ("step", "theta", "loss", "rate", "gradient_norm", "epoch_theta", "epoch_loss"):
        np.testing.assert_array_equal(getattr(fast.history, name), getattr(slow.history, name))
    assert fast.history.stride == slow.history.stride
    assert fast.state is not None
    assert slow.state is not None
    np.testing.assert_array_equal(fast.state.theta, slow.state.theta)
    assert fast.state.random == slow.state.random
    assert fast.state.step == slow.state.step


def both(objective: Objective, start: Any, **options: Any) -> tuple[Solution, Solution]:
    fresh = Hidden(compile_objective(objective.partials, objective.data, backend="auto"))
    return descend(objective, start, **options), descend(fresh, start, **options)


RUNS: dict[str, tuple[Callable[[], Objective], Any, dict[str, Any]]] = {
    "all steps": (lambda: made(LINE, 60), [3.0, -2.0], {"rate": 0.01, "steps": 3000,
                                                        "precision": None}),
    "to a precision": (lambda: made(LINE, 60), [3.0, -2.0], {"rate": 0.002}),
    "the textbook test": (lambda: made(LINE, 60), [3.0, -2.0], {"rate": 0.002, "stop": "step",
                                                                "precision": 1e-7}),
    "a curve": (lambda: made(CURVE, 50), [0.5, 0.4, 0.3], {"rate": 0.05, "steps": 5000}),
    "a curve, inverse time": (lambda: made(CURVE, 50), [0.5, 0.4, 0.3],
                              {"rate": inverse_time(50, 1000), "steps": 4000}),
    "exponential decay": (lambda: made(LINE, 50), [1.0, 1.0], {"rate": exponential(0.5, 0.999),
                                                               "steps": 2000}),
    "cosine": (lambda: made(LINE, 50), [1.0, 1.0], {"rate": cosine(0.4, 1000), "steps": 2000}),
    "above the stable limit at first": (lambda: made(LINE, 50), [1.0, 1.0],
                                        {"rate": inverse_time(300, 100), "steps": 2000}),
    "moments": (lambda: made(LINE, 40_000), [3.0, 3.0], {"rate": 1e-3, "steps": 3000}),
    "a formula": (lambda: made("(x - 3.5)^2 - 4.5x + 10"), [9.0], {"rate": 1e-3}),
    "three numbers": (lambda: made("(a - 1)^2 + exp(b) - b + 3*(c - a)^2"), [3.0, 1.0, 0.0],
                      {"rate": 1e-2, "precision": 1e-9}),
    "a valley": (lambda: made("(1 - u)^2 + 100*(v - u^2)^2"), [-1.2, 1.0],
                 {"rate": 1e-3, "steps": 20_000}),
    "too small a rate": (lambda: made("(x - 3)^4"), [9.0], {"rate": 1e-5, "steps": 20_000}),
    "a slow runaway": (lambda: made("-log(cosh(x)) + x^2/10"), [1e-9], {"rate": 1e-2,
                                                                        "steps": 8000}),
    "no bottom": (lambda: made("-x^2"), [1e-6], {"rate": 1e-3, "steps": 50_000}),
    "to and fro": (lambda: made("abs(x)"), [0.35], {"rate": 0.01, "steps": 5000}),
    "round in a circle": (lambda: made("abs(x)^1.5"), [0.3], {"rate": 0.5, "steps": 5000}),
    "leaves the domain": (lambda: made("x - log(x)/1000"), [5.0], {"rate": 0.01, "steps": 5000}),
    "at rest": (lambda: made("max(0, x)^2"), [3.0], {"rate": 0.01, "steps": 5000}),
    "batches": (lambda: made(LINE, 50), [3.0, -2.0],
                {"rate": 0.01, "batch": 16, "seed": 3, "steps": 2001, "precision": None}),
    "batches to a precision": (lambda: made(CURVE, 40), [0.5, 0.4, 0.3],
                               {"rate": inverse_time(50, 1000), "batch": 7, "seed": 3,
                                "epochs": 300, "precision": 1e-3}),
    "single rows": (lambda: made(LINE, 50), [3.0, -2.0],
                    {"rate": inverse_time(5, 1000), "batch": 1, "seed": 3, "epochs": 40}),
    "batches drawn with replacement": (lambda: made(LINE, 50), [3.0, -2.0],
                                       {"rate": 0.01, "batch": 8, "replace": True, "seed": 3,
                                        "epochs": 60, "precision": None}),
    "rows without a slope": (lambda: made("mean(max(0, 1 - y*(m*x + b))) + m^2/10", 50),
                             [0.3, 0.2], {"rate": 0.05, "batch": 1, "seed": 1, "epochs": 30}),
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_the_run_is_that_of_the_plain_loop(name: str, leaps: list[int]) -> None:
    objective, start, options = RUNS[name]
    fast, slow = both(objective(), start, **options)
    same(fast, slow)
    if fast.steps > 400 and name != "above the stable limit at first":  # there it has to look
        assert sum(leaps) > 0.4 * fast.steps


def test_at_a_rate_far_too_large_it_ends_at_once() -> None:
    for objective, start in ((made("(x - 3.5)^2"), [9.0]), (made(LINE, 50), [1.0, 1.0])):
        fast, slow = both(objective, start, rate=50, steps=10_000)
        same(fast, slow)
        assert fast.outcome.name == "DIVERGED"
        assert fast.steps < 100
    every = descend(made(LINE, 50, backend="native"), [1.0, 1.0], rate=1.2, precision=None)
    assert every.outcome.name == "DIVERGED"


@pytest.mark.parametrize("batch", [None, 1, 7])
@pytest.mark.parametrize("first", [1, 150, 333, 700])
def test_a_run_goes_on_bit_by_bit(batch: int | None, first: int) -> None:
    options: dict[str, Any] = {"rate": inverse_time(5, 200), "precision": None, "batch": batch,
                               "seed": 8}  # fmt: skip
    objective = made(LINE, 40)
    whole = descend(objective, [1.0, 2.0], steps=1500, **options)
    part = descend(objective, [1.0, 2.0], steps=first, **options)
    rest = descend(objective, [1.0, 2.0], steps=1500 - first, resume=part.state, **options)
    np.testing.assert_array_equal(rest.theta, whole.theta)
    assert (rest.steps, rest.evaluations >= whole.evaluations) == (whole.steps, True)
    np.testing.assert_array_equal(rest.history.theta[1:], whole.history.theta[first + 1 :])


@pytest.mark.parametrize("batch", [None, 1, 7])
def test_observers_see_every_iterate_in_order(batch: int | None, leaps: list[int]) -> None:
    options: dict[str, Any] = {"rate": 0.01, "steps": 900, "precision": None, "batch": batch,
                               "seed": 8}  # fmt: skip
    objective = made(LINE, 40)
    seen: list[list[Any]] = [[], []]

    def watcher(k: int) -> Callable[[Any], None]:
        def see(now: Any) -> None:
            assert not now.theta.flags.writeable
            state = now.state()
            assert state.step == now.step
            np.testing.assert_array_equal(state.theta, now.theta)
            seen[k].append((now.step, now.epoch, now.theta.tolist(), now.loss, now.gradient_norm,
                            now.rate))  # fmt: skip

        return see

    fast = descend(objective, [1.0, 2.0], observers=watcher(0), **options)
    assert sum(leaps) > 300
    slow = descend(Hidden(objective), [1.0, 2.0], observers=watcher(1), **options)
    assert seen[0] == seen[1]
    same(fast, slow)


def test_an_observer_may_end_the_run() -> None:
    def stop(now: Any) -> None:
        if now.step == 777:
            raise KeyboardInterrupt

    found = descend(made(LINE, 40), [1.0, 2.0], rate=0.01, steps=5000, precision=None,
                    observers=stop)  # fmt: skip
    assert found.outcome.name == "INTERRUPTED"
    assert found.steps == 777
    assert found.history.step[-1] == 777


def test_ctrl_c_ends_a_compiled_run_soon() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job may ignore Ctrl-C
    timer = threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT))
    try:
        timer.start()
        found = descend(
            made(LINE, 40), [1.0, 2.0], rate=1e-9, steps=10**9, precision=None, time_limit=10
        )
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert found.outcome.name == "INTERRUPTED"
    assert found.steps > 1000
    assert found.seconds < 5
    assert found.loss <= found.history.loss[0]


def test_the_time_limit_holds() -> None:
    found = descend(made(LINE, 40), [1.0, 2.0], rate=1e-9, steps=10**9, precision=None,
                    time_limit=0.2)  # fmt: skip
    assert found.outcome.name == "TIME_LIMIT"
    assert 0.1 < found.seconds < 3


def test_a_schedule_that_ends_is_named_when_it_is_reached() -> None:
    class Falling:
        """A rate that is a function of t."""

        def __call__(self, t: int) -> float:
            return 0.5 - t / 2000

        def values(self, times: Any) -> Any:
            return 0.5 - times / 2000

    with pytest.raises(Exception, match="t = 1000"):
        descend(made(LINE, 40), [1.0, 2.0], rate=Falling(), steps=5000, precision=None)
    found = descend(made(LINE, 40), [1.0, 2.0], rate=Falling(), steps=1000, precision=None)
    assert found.steps == 1000


def test_a_schedule_of_the_user_is_asked_once_for_each_step() -> None:
    asked: list[int] = []

    def rate(t: int) -> float:
        asked.append(t)
        return 0.01

    descend(made(LINE, 40), [1.0, 2.0], rate=rate, steps=1000, precision=None)
    assert asked == sorted(set(asked))


def test_a_record_in_pieces_is_that_of_single_rows() -> None:
    random = np.random.default_rng(7)
    for limit in (16, 64, 100, 1000):
        pieces, single = Track(2, limit), Track(2, limit)
        step = 0
        for _ in range(40):
            count = int(random.integers(1, 60))
            thetas, losses, rates, norms = (
                random.random((count, 2)), random.random(count), random.random(count),
                random.random(count),
            )  # fmt: skip
            pieces.extend(step, thetas, losses, rates, norms)
            for j in range(count):
                single.add(step + j, thetas[j], losses[j], rates[j], norms[j])
            step += count
            for ours, theirs in zip(pieces.rows(), single.rows(), strict=True):
                np.testing.assert_array_equal(ours, theirs)
            assert pieces.stride == single.stride


@pytest.mark.parametrize("precision", [None, 1e-3, 1e-12])
@pytest.mark.parametrize("rate", [0.01, 0.3, inverse_time(5, 100)])
def test_epochs_that_are_passed_are_recorded_one_by_one(precision: Any, rate: Any) -> None:
    options: dict[str, Any] = {"rate": rate, "batch": 4, "seed": 2, "epochs": 150,
                               "precision": precision}  # fmt: skip
    fast, slow = both(made(LINE, 30), [3.0, -2.0], **options)
    same(fast, slow)
    if fast.steps == 150 * 8:
        assert len(fast.history.epoch_loss) == 150
        x, y = (made(LINE, 30).data[name] for name in "xy")
        theta = fast.history.epoch_theta
        losses = ((y[:, None] - (theta[:, 0] * x[:, None] + theta[:, 1])) ** 2).mean(axis=0)
        np.testing.assert_allclose(fast.history.epoch_loss, losses, rtol=1e-12)


def test_epochs_that_run_away_end_where_the_plain_loop_ends() -> None:
    for rate in (0.9, 1.3, 2.5):
        fast, slow = both(made(LINE, 30), [3.0, -2.0], rate=rate, batch=4, seed=2, epochs=400,
                          precision=None)  # fmt: skip
        same(fast, slow)


def test_a_record_that_was_handed_out_does_not_change() -> None:
    track = Track(1, 16)
    kept = []
    for step in range(200):
        track.add(step, np.array([float(step)]), float(step), 0.1, 1.0)
        steps, thetas, losses, _, _ = track.rows()
        kept.append((steps, thetas, losses, steps.copy()))
    for steps, thetas, losses, before in kept:
        np.testing.assert_array_equal(steps, before)
        np.testing.assert_array_equal(thetas[:, 0], before)
        np.testing.assert_array_equal(losses, before)
