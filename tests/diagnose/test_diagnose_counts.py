"""Predicted numbers of steps are the numbers of steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symgd
from symgd.descend import FloatArray, cosine, descend, exponential, inverse_time
from symgd.diagnose import Course, turning_point
from symgd.methods import schedule


class Bowl:
    """A quadratic with a known Hessian and minimum."""

    def __init__(self, hessian: FloatArray, minimum: FloatArray) -> None:
        self.matrix, self.minimum = hessian, minimum

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        way = theta - self.minimum
        return float(way @ self.matrix @ way / 2), self.matrix @ way

    def hessian(self, theta: FloatArray) -> FloatArray:
        return self.matrix


def a_bowl(seed: int) -> tuple[Bowl, FloatArray, FloatArray, np.random.Generator]:
    """A random quadratic with its eigenvalues and a start."""
    random = np.random.default_rng(seed)
    size = int(random.integers(1, 7))
    basis, _ = np.linalg.qr(random.normal(size=(size, size)))
    values = 10 ** random.uniform(-2, 1.5, size)
    hessian = basis @ np.diag(values) @ basis.T
    minimum = random.normal(size=size) * 10 ** random.uniform(-1, 2)
    start = random.normal(size=size) * 10 ** random.uniform(-1, 2)
    return Bowl((hessian + hessian.T) / 2, minimum), values, start, random


@pytest.mark.parametrize("stop", ["step", "error"])
def test_the_count_at_a_constant_rate_is_that_of_the_run(stop: str) -> None:
    compared = 0
    for seed in range(60):
        bowl, values, start, random = a_bowl(seed)
        rate = random.uniform(0.02, 1.99) / values.max()
        precision = 10 ** random.uniform(-7, -2)
        count = Course.of(bowl.matrix, start - bowl.minimum).count(rate, precision, stop)
        if count.steps > 20_000:
            continue
        found = descend(
            bowl, start, rate=rate, precision=precision, stop=stop, steps=30_000, time_limit=60
        )
        assert count.exact
        assert found.steps == count.steps
        compared += 1
    assert compared > 30


@pytest.mark.parametrize("stop", ["step", "error"])
def test_the_count_under_a_schedule_is_that_of_the_run(stop: str) -> None:
    exact = 0
    for seed in range(30):
        bowl, values, start, random = a_bowl(seed)
        top, t1 = values.max(), float(10 ** random.uniform(0.5, 2.5))
        eta: Any = [
            inverse_time(random.uniform(0.5, 4) / top * t1, t1), cosine(1.5 / top, 500),
            schedule(f"{float(1.2 / top)!r}/(1 + t/{t1!r})"), exponential(1.9 / top, 0.999),
        ][seed % 4]  # fmt: skip
        precision = 10 ** random.uniform(-5, -2)
        count = Course.of(bowl.matrix, start - bowl.minimum).count(eta, precision, stop, 5000)
        if count.how == "more than":
            continue
        found = descend(bowl, start, rate=eta, precision=precision, stop=stop, steps=8000)
        if count.exact:
            assert found.steps == count.steps
            exact += 1
        else:
            assert found.steps >= count.steps
    assert exact >= 5


def test_a_rate_above_the_limit_never_arrives() -> None:
    course = Course.of(np.diag([1.0, 4.0]), np.array([1.0, 1.0]))
    assert course.count(0.5001, 1e-6).steps == np.inf
    assert course.count(0.4999, 1e-6).exact


def test_very_long_courses_are_counted_without_making_them() -> None:
    course = Course.of(np.array([[1.0]]), np.array([1.0]))
    count = course.count(1e-12, 1e-6)
    assert count.how == "about"
    assert count.steps == pytest.approx(np.log(1e6) * 1e12, rel=1e-3)


X = np.linspace(0, 10, 50)
TOP = float(np.linalg.eigvalsh(2 * np.array([[np.mean(X * X), X.mean()], [X.mean(), 1]]))[-1])


@pytest.mark.parametrize(
    ("first", "decay", "peak"), [(0.05, 0.01, 73), (0.05, 0.1, 8), (0.04, 0.02, 19)]
)
def test_a_schedule_turns_where_it_comes_below_the_limit(
    first: float, decay: float, peak: int
) -> None:
    turn = turning_point(schedule(f"{first}/(1 + {decay}*t)"), TOP)
    assert turn.time == pytest.approx((first * TOP / 2 - 1) / decay, rel=1e-6)
    assert turn.step == peak
    error, sizes = np.array([1.0]), []
    for t in range(peak + 20):
        sizes.append(abs(error[0]))
        error = (1 - first / (1 + decay * t) * TOP) * error
    assert int(np.argmax(sizes)) == peak
    assert turn.log10_peak == pytest.approx(np.log10(max(sizes)), abs=1e-9)


def test_schedules_that_never_grow_or_never_stop_growing() -> None:
    assert not turning_point(schedule("0.1/(1 + t)"), 2.0).grows
    assert turning_point(lambda t: 3.0, 2.0).time == np.inf
    assert turning_point(schedule("50/(1 + t/1000)"), 2.0).overflows


@pytest.mark.parametrize("rate", [0.5, 0.9, 0.99, 1.5])
@pytest.mark.parametrize("stop", ["step", "error"])
def test_explain_counts_what_minimize_does(rate: float, stop: str) -> None:
    random = np.random.default_rng(1)
    data = {"x": X, "y": 2 * X + 1 + random.normal(size=50)}
    loss, start = "mean((y - (m*x + b))^2)", {"m": 0.3, "b": -1}
    eta = rate / TOP
    told = symgd.explain(loss, data, start=start, rate=eta, precision=1e-5)
    found = symgd.minimize(loss, data=data, start=start, rate=eta, precision=1e-5, stop=stop)
    count = told.pace(eta).to_step if stop == "step" else told.pace(eta).to_error
    assert count is not None
    assert found.steps == count.steps
    assert told.stable_rate == pytest.approx(2 / TOP)


@pytest.mark.parametrize("share", [0.5, 0.99, 0.999, 1.001, 1.01, 1.5])
def test_the_stable_rate_is_where_descent_turns_from_convergence_to_divergence(
    share: float,
) -> None:
    data = {"x": X, "y": 2 * X + 1}
    loss, start = "mean((y - (m*x + b))^2)", {"m": 0, "b": 0}
    told = symgd.explain(loss, data, start=start)
    assert told.stable_rate == pytest.approx(0.0290516, rel=1e-5)
    found = symgd.minimize(
        loss, data=data, start=start, rate=share * told.stable_rate, precision=1e-4, steps=20_000
    )
    assert found.outcome is (symgd.Outcome.CONVERGED if share < 1 else symgd.Outcome.DIVERGED)


def test_the_best_rate_is_the_fastest() -> None:
    data = {"x": X, "y": 2 * X + 1}
    told = symgd.explain("mean((y - (m*x + b))^2)", data, start={"m": 0, "b": 0}, precision=1e-9)
    counts = []
    for share in (0.8, 0.9, 1.0, 1.004):
        course = symgd.explain(
            "mean((y - (m*x + b))^2)", data, start={"m": 0, "b": 0}, precision=1e-9,
            rate=share * told.best_rate,
        ).pace(share * told.best_rate)  # fmt: skip
        assert course.to_error is not None
        counts.append(course.to_error.steps)
    assert min(counts) == counts[2]
