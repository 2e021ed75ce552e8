"""Schedules: their formulas, what they refuse, and what a run does with them."""

from __future__ import annotations

import math

import pytest

from symgd.descend import constant, cosine, descend, exponential, inverse_time, step
from symgd.errors import OptionError

SCHEDULES = [
    (constant(0.1), lambda t: 0.1),
    (inverse_time(5, 1000), lambda t: 5 / (t + 1000)),
    (inverse_time(0.3, 2.5), lambda t: 0.3 / (t + 2.5)),
    (exponential(0.2, 0.99), lambda t: 0.2 * 0.99**t),
    (step(0.4, 0.5, 10), lambda t: 0.4 * 0.5 ** math.floor(t / 10)),
    (cosine(1.0, 200), lambda t: 0.001 + 0.999 * (1 + math.cos(math.pi * min(t, 200) / 200)) / 2),
    (cosine(0.5, 50, 0.1), lambda t: 0.1 + 0.4 * (1 + math.cos(math.pi * min(t, 50) / 50)) / 2),
]


@pytest.mark.parametrize(("schedule", "formula"), SCHEDULES)
def test_a_schedule_is_its_formula(schedule, formula):
    for t in (0, 1, 7, 10, 49, 50, 199, 200, 1000):
        assert schedule(t) == pytest.approx(formula(t), rel=1e-14)


@pytest.mark.parametrize(("schedule", "formula"), SCHEDULES)
def test_the_text_of_a_schedule_is_true(schedule, formula):
    names = {"cos": math.cos, "pi": math.pi, "floor": math.floor, "min": min}
    code = compile(schedule.text.replace("^", "**"), "text", "eval")
    for t in (0, 3, 17, 400):
        assert eval(code, names | {"t": t}) == pytest.approx(formula(t), rel=1e-12)


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, "1", True, None])
def test_schedules_refuse_what_is_not_positive(value):
    for make in (
        constant,
        lambda v: inverse_time(v, 1),
        lambda v: inverse_time(1, v),
        lambda v: exponential(0.1, v),
        lambda v: step(0.1, 0.5, v),
        lambda v: cosine(0.1, v),
    ):
        with pytest.raises(OptionError, match="positive"):
            make(value)


@pytest.mark.parametrize("value", [0.0, -0.1, math.nan, math.inf])
def test_a_rate_that_is_not_positive_ends_the_run_naming_t(value):
    with pytest.raises(OptionError, match="t = 3"):
        descend(lambda x: (x * x, 2 * x), 1.0, rate=lambda t: 0.1 if t < 3 else value)


def test_a_schedule_is_asked_for_one_step_after_the_other():
    asked = []

    def schedule(t):
        asked.append(t)
        return 0.1

    solution = descend(lambda x: (x * x, 2 * x), 1.0, rate=schedule, steps=9, precision=None)
    assert asked == list(range(9))
    assert solution.history.rate.tolist() == [0.1] * 10


def test_the_history_holds_the_rates():
    run = descend(lambda x: (x * x, 2 * x), 1.0, rate=inverse_time(1, 10), steps=3, precision=None)
    assert run.history.rate.tolist() == [1 / 10, 1 / 11, 1 / 12, 1 / 12]
    assert "1/(t + 10)" in run.method


def test_a_schedule_may_be_named_by_the_caller():
    run = descend(lambda x: (x * x, 2 * x), 1.0, rate=lambda t: 9.0, rate_text="9 + 0*t", steps=50)
    assert "9 + 0*t" in run.method
    assert "9 + 0*t" in run.message
