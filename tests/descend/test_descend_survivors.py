"""Endings at their limits, and many evaluations at once: what the mutation runner found."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symgd.descend import descend
from symgd.descend.certify import Certifier
from symgd.descend.evaluate import Evaluator
from symgd.descend.options import Settings
from symgd.descend.stop import Point, Watch

Loss = Callable[[Any], tuple[float, Any]]


def parabola(x: float) -> tuple[float, float]:
    return (x - 3.0) ** 2, 2.0 * (x - 3.0)


# -- runs -----------------------------------------------------------------------------------------


def test_without_a_precision_a_run_that_goes_in_a_circle_takes_all_its_steps() -> None:
    found = descend(parabola, 100.0, rate=1.0, steps=3000, precision=None)
    assert (found.outcome.name, found.steps) == ("MAX_STEPS", 3000)
    assert "All 3000 steps were run" in found.message


def test_with_a_precision_a_circle_ends_the_run() -> None:
    found = descend(parabola, 100.0, rate=1.0, steps=3000)
    assert found.outcome.name == "STALLED"
    assert found.steps < 100
    assert "circle" in found.message
    assert "at the stable limit 2/L = 1" in found.message


@pytest.mark.parametrize(("steps", "name"), [(40, "DIVERGED"), (3, "DIVERGED")])
def test_a_loss_that_rises_to_the_last_step_has_diverged(steps: int, name: str) -> None:
    found = descend(parabola, 100.0, rate=1.001, steps=steps)
    assert (found.outcome.name, found.steps) == (name, steps)
    assert found.params["theta"] == 100.0
    assert "above the stable limit 2/L = 1" in found.message


def test_the_time_limit_is_named() -> None:
    found = descend(parabola, 100.0, rate=1e-9, steps=10**9, precision=None, time_limit=0.05)
    assert found.outcome.name == "TIME_LIMIT"
    assert "0.05 s" in found.message
    assert found.loss < 97.0**2


@pytest.mark.parametrize(("more", "name"), [(5e5, "MAX_STEPS"), (2e6, "STALLED")])
def test_a_million_steps_to_go_is_stalled_at_the_end(more: float, name: str) -> None:
    """n steps at the rate eta shrink an error by exp(-2 eta n) on (x - 3)^2."""
    rate = math.log(97 / 1e-6) / (2 * more)
    found = descend(parabola, 100.0, rate=rate, steps=100)
    assert (found.outcome.name, found.steps) == (name, 100)
    assert ("the steps are too small to get there" in found.message.lower()) is (name == "STALLED")


@pytest.mark.parametrize(("more", "steps"), [(5e6, 10), (2e7, 1)])
def test_ten_million_steps_to_go_is_stalled_at_once(more: float, steps: int) -> None:
    rate = math.log(97 / 1e-3) / (2 * more)
    found = descend(parabola, 100.0, rate=rate, steps=10, precision=1e-3)
    assert (found.outcome.name, found.steps) == ("STALLED", steps)


def scripted(answers: list[tuple[float, float]]) -> Loss:
    """An objective that gives these losses and gradients one after the other, then Ctrl-C."""
    left = iter(answers)

    def objective(theta: Any) -> tuple[float, Any]:
        found = next(left, None)
        if found is None:
            raise KeyboardInterrupt
        return found[0], np.array([found[1]])

    return objective


@pytest.mark.parametrize(
    ("answers", "best"),
    [
        ([(5, 4), (3, 2), (4, 1), (6, 0.5)], (3, 2)),
        ([(5, 4), (3, 2), (4, 1), (3, 1), (3, 1.5), (3, 3)], (3, 1)),
        ([(5, 4)], (5, 4)), ([(5, 4), (5, 3), (5, 3)], (5, 3)),
        ([(-2, 1), (-3, 5), (-1, 0.1)], (-3, 5)),
        ([(1, 1), (1 + 1e-16, 0.5), (1 + 1e-9, 0.1)], (1, 0.5)),
        ([(1e9, 1), (1e9 * (1 - 1e-12), 2)], (1e9 * (1 - 1e-12), 2)),
    ],
)  # fmt: skip
def test_the_best_point_is_the_lowest_and_then_the_flattest(
    answers: list[tuple[float, float]], best: tuple[float, float]
) -> None:
    found = descend(scripted(answers), [1.0], rate=0.1, precision=None)
    assert found.outcome.name == "INTERRUPTED"
    assert (found.loss, found.gradient_norm) == best
    assert found.steps == len(answers)


def test_a_loss_that_is_no_number_says_where() -> None:
    def loss(theta: Any) -> tuple[float, Any]:
        with np.errstate(all="ignore"):
            return float(np.sum(theta - np.log(theta))), 1 - 1 / theta

    four = descend(loss, {"a": 2.0, "b": 2.0, "c": 2.0, "d": 2.0}, rate=5.0)
    assert four.outcome.name == "LEFT_DOMAIN"
    assert "a = -0.5, b = -0.5, c = -0.5, ..." in four.message
    assert "d =" not in four.message
    three = descend(loss, {"a": 2.0, "b": 2.0, "c": 2.0}, rate=5.0)
    assert "c = -0.5." in three.message
    assert three.failed_at is not None
    np.testing.assert_allclose(three.failed_at, -0.5)


def test_a_loss_without_a_bottom() -> None:
    found = descend(lambda x: (-x, -1.0), 0.0, rate=0.1)
    assert found.outcome.name == "UNBOUNDED"
    assert "keeps falling" in found.message


def test_the_step_rule_needs_a_step_and_keeps_the_promise() -> None:
    near = descend(parabola, 3.0 + 1e-9, rate=0.1, stop="step")
    assert near.outcome.name == "CONVERGED"
    far = descend(parabola, 100.0, rate=1e-9, stop="step")
    assert (far.outcome.name, far.steps) == ("STALLED", 1)
    assert "The step test holds" in far.message
    # steps of exactly the precision are not below it
    level = descend(lambda x: (abs(x), math.copysign(1.0, x)), 10.0, rate=2.0**-10,
                    precision=2.0**-10, stop="step", steps=50)  # fmt: skip
    assert level.steps == 50


def test_rounding_is_named_where_it_ends_a_run() -> None:
    found = descend(lambda x: (((x - 1.0) ** 2 + 1e8), 2 * ((x + 1e10) - (1e10 + 1.0))), 5.0,
                    rate=0.1, precision=1e-12)  # fmt: skip
    assert found.outcome.name in ("PRECISION_LIMIT", "STALLED")
    assert abs(found.params["theta"] - 1.0) < 1e-5


def test_at_the_minimum_nothing_is_left_to_do() -> None:
    found = descend(parabola, 3.0, rate=0.1)
    assert (found.outcome.name, found.steps) == ("CONVERGED", 0)
    assert found.error_estimate == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_an_answer_is_converged_only_within_the_precision(factor: float) -> None:
    """All steps are used up at a known distance: steps n leave the error 97*(1 - 2*eta)^n."""
    left = 97.0 * 0.8**50
    found = descend(parabola, 100.0, rate=0.1, steps=50, precision=left / factor)
    assert found.outcome.name == ("CONVERGED" if factor < 1 else "MAX_STEPS")
    assert found.error_estimate == pytest.approx(abs(found.params["theta"] - 3.0), rel=1e-3)


@pytest.mark.parametrize(
    ("allowed", "name", "taken"), [(99, "MAX_STEPS", 99), (1000, "STALLED", 100)]
)
def test_a_hundred_looks_at_one_point_are_enough_for_a_schedule(
    allowed: int, name: str, taken: int
) -> None:
    """A schedule of rates that change nothing in floating point is given up, but not at once."""
    found = descend(parabola, 1e9, rate=lambda t: 1e-30, steps=allowed)
    assert (found.outcome.name, found.steps) == (name, taken)


def test_a_constant_rate_that_changes_nothing_ends_at_once() -> None:
    found = descend(parabola, 1e9, rate=1e-30, steps=1000)
    assert (found.outcome.name, found.steps) == ("STALLED", 1)
    assert "too small to change the parameters in floating point" in found.message


def test_a_gradient_of_zero_off_the_minimum_is_said() -> None:
    found = descend(lambda x: (-math.cos(x), math.sin(x) if x else 0.0), math.pi, rate=1e-30)
    assert found.outcome.name == "STALLED"
    flat = descend(lambda x: (max(x, 0.0), 1.0 if x > 0 else 0.0), -5.0, rate=0.1)
    assert flat.steps < 1000
    assert flat.loss == 0.0


# -- many evaluations at once ---------------------------------------------------------------------


def a_watch(precision: float | None = None, rate: float = 0.1) -> Watch:
    """A watch over one parameter that has seen the start: loss 10, gradient 1."""
    settings = Settings(
        precision=precision, rule="error", steps=1000, seconds=100.0, rate=rate, schedule=None,
        rate_text=str(rate), steepest=True, batches=None,
    )  # fmt: skip
    evaluate = Evaluator(lambda theta: (0.5 * float(theta @ theta), theta), 1, bare=False)
    start = np.array([0.0])
    found = Watch(settings, evaluate, Certifier(evaluate, start, precision, ("a",)))
    assert found.look(0, start, 10.0, np.array([1.0]), 1.0, math.inf) is None
    return found


LOSSES = (10.0, 5.0, 5.0, 5.0 * (1 + 1e-15), 5.0 * (1 - 1e-15), 3.0, 4.0, -2.0, 0.0, 11.0)


@pytest.mark.parametrize("seed", range(60))
def test_passing_over_keeps_the_point_that_looking_would_keep(seed: int) -> None:
    random = np.random.default_rng(seed)
    count = int(random.integers(1, 12))
    losses = random.choice(np.array(LOSSES[seed % 5 :]), count)
    norms = random.choice(np.array([0.5, 1.0, 2.0, 3.0]), count)
    thetas = np.arange(1.0, count + 1)[:, None]
    one, many = a_watch(), a_watch()
    for k in range(count):
        one.look(k + 1, thetas[k], float(losses[k]), norms[k : k + 1], float(norms[k]), math.inf)
    cut = int(random.integers(0, count + 1))
    many.pass_over(thetas[:cut], losses[:cut], norms[:cut, None])
    many.pass_over(thetas[cut:], losses[cut:], norms[cut:, None])
    by_one, at_once = one.interrupted(), many.interrupted()
    assert (at_once.loss, at_once.norm) == (by_one.loss, by_one.norm)
    assert at_once.theta == by_one.theta


def test_only_a_rise_over_the_last_losses_is_divergence() -> None:
    down, up = np.linspace(9.0, 8.0, 64), np.linspace(8.5, 12.0, 6)
    for losses, name in (
        (np.concatenate([down, up]), "MAX_STEPS"), (np.linspace(10.1, 12.0, 70), "DIVERGED"),
        (np.concatenate([down, np.linspace(8.1, 9.0, 25)]), "DIVERGED"),
        (np.concatenate([down, np.linspace(8.1, 9.0, 18)]), "MAX_STEPS"),
    ):  # fmt: skip
        watch = a_watch()
        count = len(losses)
        watch.pass_over(np.ones((count, 1)), losses, np.ones((count, 1)))
        point = Point(np.ones(1), float(losses[-1]), np.ones(1), 1.0)
        assert watch.exhausted(True, point).outcome.name == name


@pytest.mark.parametrize(("norm", "name"), [(2e6, "LEFT_DOMAIN"), (1.1e9, "DIVERGED")])
def test_gradients_met_on_the_way_say_what_is_wild(norm: float, name: str) -> None:
    """A thousand times the largest gradient met below the loss of the start is wild."""
    watch = a_watch()
    watch.pass_over(np.ones((3, 1)), np.array([9.0, 8.0, 9.0]), np.array([[1.0], [1e6], [1.0]]))
    assert watch.broken(np.array([0.5]), math.inf, 0.1, norm).outcome.name == name
