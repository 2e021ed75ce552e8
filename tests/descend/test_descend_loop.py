"""The loop: textbook iterates, methods, observers, Ctrl-C, limits, options."""

from __future__ import annotations

import math

import numpy as np
import pytest

from symgd.descend import Layout, Outcome, Progress, SteepestDescent, Update, descend
from symgd.errors import OptionError


def parabola(x):
    return (x - 3.5) ** 2 - 4.5 * x + 10, 2 * (x - 3.5) - 4.5


def rosenbrock(theta):
    x, y = theta
    slope = np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2, slope


def bowl(theta):
    return float(theta @ theta), 2.0 * theta


@pytest.mark.parametrize("rate", [1e-4, 3e-4, 1.1e-3])
@pytest.mark.parametrize("start", [(-1.2, 1.0), (0.3, -0.7)])
def test_the_iterates_are_those_of_the_textbook_loop_bit_for_bit(rate, start):
    theta = np.array(start)
    course = [theta]
    for _ in range(250):
        theta = theta - rate * rosenbrock(theta)[1]
        course.append(theta)
    solution = descend(rosenbrock, start, rate=rate, steps=250, precision=None)
    assert np.array_equal(solution.history.theta, course)
    assert np.array_equal(solution.theta, theta)
    assert solution.outcome is Outcome.MAX_STEPS
    assert solution.steps == solution.epochs == 250
    assert solution.loss == rosenbrock(theta)[0]
    assert solution.gradient_norm == np.abs(rosenbrock(theta)[1]).max()


def test_a_number_is_descended_as_in_plain_python():
    x, course = 9.0, [9.0]
    for _ in range(40):
        x = x - 0.1 * parabola(x)[1]
        course.append(x)
    solution = descend(parabola, 9.0, rate=0.1, steps=40, precision=None)
    assert solution.history.theta[:, 0].tolist() == course


def test_stopping_does_not_change_the_iterates():
    free = descend(parabola, 9.0, rate=0.1, steps=500, precision=None)
    stopped = descend(parabola, 9.0, rate=0.1, steps=500)
    assert stopped.steps < 500
    count = len(stopped.history)
    assert np.array_equal(free.history.theta[:count], stopped.history.theta)


class Momentum:
    name = "momentum"

    def init(self, theta):
        return np.zeros_like(theta)

    def step(self, theta, gradient, state, rate, t):
        velocity = 0.9 * state + gradient
        return theta - rate * velocity, velocity


def test_another_update_is_a_part_of_the_same_loop():
    theta, velocity = np.array([1.0, -2.0]), np.zeros(2)
    for _ in range(30):
        velocity = 0.9 * velocity + bowl(theta)[1]
        theta = theta - 0.01 * velocity
    update: Update = Momentum()
    run = descend(bowl, [1.0, -2.0], rate=0.01, update=update, steps=30, precision=None)
    assert np.array_equal(run.theta, theta)
    assert "momentum" in run.method
    assert descend(bowl, [1.0, -2.0], rate=0.01, update=update).converged


def test_an_update_sees_the_rate_and_the_count():
    seen = []

    class Spy(SteepestDescent):
        def step(self, theta, gradient, state, rate, t):
            seen.append((t, rate))
            return super().step(theta, gradient, state, rate, t)

    descend(bowl, [1.0], update=Spy(), rate=lambda t: 1 / (t + 10), steps=4, precision=None)
    assert seen == [(0, 1 / 10), (1, 1 / 11), (2, 1 / 12), (3, 1 / 13)]


def test_observers_see_every_iterate_and_cannot_change_it():
    seen: list[Progress] = []
    solution = descend(
        rosenbrock, [0.5, 0.5], rate=1e-3, steps=20, precision=None, observers=[seen.append]
    )
    assert [progress.step for progress in seen] == list(range(21))
    assert np.array_equal([progress.theta for progress in seen], solution.history.theta)
    assert [progress.loss for progress in seen] == solution.history.loss.tolist()
    assert {progress.rate for progress in seen} == {1e-3}
    assert seen[-1].gradient_norm == solution.gradient_norm
    with pytest.raises(ValueError, match="read-only"):
        seen[0].theta[0] = 7.0


def test_watching_changes_nothing():
    alone = descend(rosenbrock, [0.5, 0.5], rate=1e-3, steps=50)
    watched = descend(rosenbrock, [0.5, 0.5], rate=1e-3, steps=50, observers=lambda progress: None)
    assert np.array_equal(alone.history.theta, watched.history.theta)


def test_an_exception_of_an_observer_comes_through():
    def broken(progress):
        raise RuntimeError("my own trouble")

    with pytest.raises(RuntimeError, match="my own trouble"):
        descend(bowl, [1.0], observers=[broken])


def test_ctrl_c_in_an_observer_gives_the_best_point():
    def impatient(progress):
        if progress.step == 7:
            raise KeyboardInterrupt

    solution = descend(parabola, 9.0, rate=0.1, observers=[impatient])
    assert solution.outcome is Outcome.INTERRUPTED
    assert not solution.converged
    assert solution.steps == 7
    assert solution.theta[0] == solution.history.theta[-1, 0]
    assert solution.loss == solution.history.loss.min()


@pytest.mark.parametrize("calls", [2, 5, 30])
def test_ctrl_c_in_the_objective_gives_the_best_point(calls):
    count = 0

    def slow(x):
        nonlocal count
        count += 1
        if count >= calls:
            raise KeyboardInterrupt
        return parabola(x)

    solution = descend(slow, 9.0, rate=0.95)
    assert solution.outcome is Outcome.INTERRUPTED
    assert solution.loss == solution.history.loss.min()
    assert solution.loss == parabola(solution.params["theta"])[0]


def test_ctrl_c_before_anything_is_known_gives_the_start():
    def never(theta):
        raise KeyboardInterrupt

    solution = descend(never, [1.0, 2.0])
    assert solution.outcome is Outcome.INTERRUPTED
    assert solution.theta.tolist() == [1.0, 2.0]
    assert math.isnan(solution.loss)
    assert len(solution.history) == 1


def test_the_best_point_is_kept_when_the_loss_rises():
    def impatient(progress):
        if progress.step == 12:
            raise KeyboardInterrupt

    rates = [0.1] * 5 + [0.9] * 20
    solution = descend(bowl, [1.0], rate=lambda t: 3 * rates[t], observers=impatient)
    assert solution.loss == solution.history.loss.min() < solution.history.loss[-1]


def test_time_is_limited():
    ticks = iter(range(10**6))

    def endless(theta):
        next(ticks)
        return float(np.cosh(theta[0] / 1e3)), np.sinh(theta / 1e3) / 1e3

    solution = descend(endless, [50.0], rate=1e-2, steps=10**9, time_limit=0.05)
    assert solution.outcome is Outcome.TIME_LIMIT
    assert 0 < solution.steps < 10**9
    assert "0.05 s" in solution.message


def test_start_may_be_a_number_a_vector_or_names():
    layout = Layout.of({"a": (), "w": (2,)})
    runs = [
        descend(bowl, {"w": [2, 3], "a": 1}, layout=layout, steps=3, precision=None),
        descend(bowl, [1, 2, 3], layout=layout, steps=3, precision=None),
        descend(bowl, {"a": 1, "w": np.array([2, 3])}, steps=3, precision=None),
    ]
    for run in runs:
        assert run.layout.names == ("a", "w[0]", "w[1]")
        assert run.params["a"] == runs[0].params["a"]
        assert np.array_equal(run.params["w"], runs[0].params["w"])
    assert descend(bowl, [1.0, 2.0], steps=1).layout.names == ("theta[0]", "theta[1]")


def test_the_start_is_not_changed():
    start = np.array([1.0, 2.0])
    descend(bowl, start, steps=5)
    assert start.tolist() == [1.0, 2.0]
    start[0] = 5.0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("rate", value) for value in (0, -1, 0.0, math.nan, math.inf, "0.1", None, True, 1j)),
        *(("precision", value) for value in (0, -1e-6, math.nan, math.inf, "1e-6", True)),
        *(("steps", value) for value in (0, -1, 1.5, True, "10", math.nan)),
        *(("epochs", value) for value in (0, -3, 2.0, False)),
        *(("batch", value) for value in (0, -1, 1.0, True, "all")),
        *(("seed", value) for value in (-1, 1.0, "x", True)),
        *(("time_limit", value) for value in (0, -1, math.nan, math.inf, "1")),
        *(("stop", value) for value in ("gradient", None, 1, ["error"])),
        *(("start", value) for value in (math.nan, math.inf, "0", True, 1j, [[1.0]], [], None)),
        ("replace", "yes"),
        ("update", "adam"),
        ("observers", [3]),
    ],
)
def test_options_are_refused_by_name(option, value):
    options = {"start": 1.0} | {option: value}
    with pytest.raises(OptionError, match=option):
        descend(parabola, options.pop("start"), **options)


def test_options_that_do_not_go_together_are_refused():
    with pytest.raises(OptionError, match="steps or epochs"):
        descend(parabola, 1.0, steps=3, epochs=3)
    with pytest.raises(OptionError, match="n_rows"):
        descend(parabola, 1.0, batch=4)
    with pytest.raises(OptionError, match="batch"):
        descend(parabola, 1.0, replace=True)
    with pytest.raises(OptionError, match="2 components"):
        descend(bowl, [1.0, 2.0], layout=Layout.of({"a": ()}))


def test_numpy_numbers_are_options_too():
    run = descend(bowl, [1.0], rate=np.float64(0.1), steps=np.int64(3), precision=np.float32(1e-9))
    assert run.steps == 3


def test_every_call_of_the_objective_is_counted():
    count = 0

    def counting(theta):
        nonlocal count
        count += 1
        return bowl(theta)

    solution = descend(counting, [1.0, 2.0], rate=0.1)
    assert solution.evaluations == count
    assert solution.seconds > 0.0


def test_numpy_is_left_as_it_was():
    before = np.geterr()
    descend(lambda x: (np.log(x) ** 2, 2 * np.log(x) / x), 5.0, rate=30.0)
    assert np.geterr() == before
