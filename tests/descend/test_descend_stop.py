"""The honest end: what is called converged, and what everything else is called."""

from __future__ import annotations

import math

import numpy as np
import pytest

from symgd.descend import Outcome, descend, exponential, inverse_time


def parabola(x):
    return (x - 3.5) ** 2 - 4.5 * x + 10, 2 * (x - 3.5) - 4.5


def power(n):
    return lambda x: (x**n, n * x ** (n - 1))


def kink(x):
    return abs(x), np.sign(x)


def rosenbrock(theta):
    x, y = theta
    slope = np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2, slope


def saddle(theta):
    return theta[0] ** 2 - theta[1] ** 2, np.array([2 * theta[0], -2 * theta[1]])


def sigmoid(x):
    s = 1 / (1 + np.exp(-x))
    return s, s * (1 - s)


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.2, 0.4, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("precision", [1e-3, 1e-6, 1e-10])
@pytest.mark.parametrize("start", [0.0, 9.0, -1e4])
def test_converged_is_a_promise_about_the_answer(rate, precision, start):
    solution = descend(parabola, start, rate=rate, precision=precision)
    assert solution.outcome is Outcome.CONVERGED
    assert solution.converged
    error = abs(solution.params["theta"] - 5.75)
    assert error <= precision
    assert solution.error_estimate == pytest.approx(error, rel=1e-3, abs=1e-14)


@pytest.mark.parametrize("rate", [0.003, 0.05, 0.3, 0.95])
def test_the_stop_comes_soon(rate):
    solution = descend(parabola, 0.0, rate=rate, precision=1e-6)
    needed = math.log(1e-6 / 5.75) / math.log(abs(1 - 2 * rate))
    assert needed <= solution.steps <= 1.02 * needed + 3


@pytest.mark.parametrize("rate", [1.5, 3.0, 50, 1e6])
def test_a_rate_above_the_limit_diverges_within_a_few_steps(rate):
    solution = descend(parabola, 0.0, rate=rate)
    assert solution.outcome is Outcome.DIVERGED
    assert solution.steps <= (20 if rate < 2 else 10)
    assert solution.params["theta"] == 0.0
    assert solution.loss == parabola(0.0)[0]
    assert f"learning rate {rate:g} is above the stable limit 2/L = 1 " in solution.message
    assert "1/L = 0.5" in solution.message


def test_growth_just_above_the_limit_is_noticed_at_the_end():
    assert descend(parabola, 0.0, rate=1.0001, steps=300).outcome is Outcome.DIVERGED
    assert descend(parabola, 0.0, rate=1.01).outcome is Outcome.DIVERGED


def test_the_stable_limit_itself_oscillates():
    solution = descend(parabola, 0.0, rate=1.0)
    assert solution.outcome is Outcome.STALLED
    assert solution.steps < 100
    assert "2/L = 1" in solution.message


@pytest.mark.parametrize("rate", [1e-9, 1e-12, 1e-20, 1e-300])
def test_a_tiny_rate_stalls_and_says_why(rate):
    solution = descend(parabola, 100.0, rate=rate)
    assert solution.outcome is Outcome.STALLED
    assert solution.steps < 1000
    assert solution.params["theta"] == pytest.approx(100.0)


def test_a_slow_run_is_not_cut_short():
    solution = descend(parabola, 0.0, rate=1e-4, steps=200)
    assert solution.outcome is Outcome.MAX_STEPS
    assert solution.steps == 200
    assert solution.error_estimate == pytest.approx(abs(solution.theta[0] - 5.75), rel=1e-6)


@pytest.mark.parametrize("rate", [0.01, 0.1, 1e-9])
def test_the_textbook_test_is_not_enough(rate):
    solution = descend(parabola, 0.0, rate=rate, precision=1e-3, stop="step")
    steps = np.abs(np.diff(solution.history.theta[:, 0]))
    assert steps[-1] < 1e-3
    assert (steps[:-1] >= 1e-3).all()
    assert solution.outcome is Outcome.STALLED
    assert "step test holds" in solution.message
    assert solution.error_estimate == pytest.approx(abs(solution.theta[0] - 5.75), rel=1e-6)


def test_the_textbook_test_with_a_good_rate_converges():
    solution = descend(parabola, 0.0, rate=0.4, precision=1e-3, stop="step")
    assert solution.converged
    assert abs(solution.theta[0] - 5.75) <= 1e-3


@pytest.mark.parametrize("stop", ["error", "step"])
@pytest.mark.parametrize("rate", [1e-9, 0.1, 50])
def test_the_exact_minimum_is_recognised_at_once(stop, rate):
    solution = descend(parabola, 5.75, rate=rate, stop=stop)
    assert solution.converged
    assert solution.steps <= 1


def test_the_minimum_up_to_rounding_is_recognised_at_once():
    generator = np.random.default_rng(3)
    design = generator.normal(size=(50, 3))
    response = design @ [1.0, -2.0, 3.0] + generator.normal(size=50)
    best = np.linalg.lstsq(design, response, rcond=None)[0]

    def loss(theta):
        residual = design @ theta - response
        return float(residual @ residual) / 50, design.T @ residual / 25

    solution = descend(loss, best, rate=0.1)
    assert solution.converged
    assert solution.steps <= 1


@pytest.mark.parametrize("minimum", [0.0, 2.0, -30.0])
@pytest.mark.parametrize("order", [4, 6])
def test_a_flat_bottom_is_not_mistaken(minimum, order):
    def flat(x):
        return (x - minimum) ** order, order * (x - minimum) ** (order - 1)

    precision = 0.05 if order == 4 else 0.2
    solution = descend(flat, minimum + 0.9, rate=0.1, precision=precision, steps=50_000)
    assert solution.converged
    error = abs(solution.theta[0] - minimum)
    assert 0.75 * precision < error <= precision
    solution = descend(flat, minimum + 0.9, rate=0.1, precision=1e-6)
    assert solution.outcome is Outcome.MAX_STEPS
    assert solution.error_estimate == pytest.approx(abs(solution.theta[0] - minimum), rel=0.1)


@pytest.mark.parametrize("precision", [1e-2, 1e-3, 1e-6])
def test_an_inflection_is_never_a_minimum(precision):
    solution = descend(power(3), 1.0, rate=0.1, precision=precision)
    assert solution.outcome in (Outcome.MAX_STEPS, Outcome.STALLED)
    assert descend(power(3), 0.0, rate=0.1, precision=precision).outcome is Outcome.STALLED


@pytest.mark.parametrize("start", [(1.0, 0.0), (0.0, 0.0), (-3.0, 0.0)])
def test_a_saddle_is_never_a_minimum(start):
    solution = descend(saddle, start, rate=0.1)
    assert solution.outcome is Outcome.STALLED
    assert "saddle" in solution.message
    assert "theta[1]" in solution.message


def test_a_maximum_is_never_a_minimum():
    solution = descend(lambda x: (-x * x, -2 * x), 0.0)
    assert solution.outcome is Outcome.STALLED
    assert "maximum" in solution.message


@pytest.mark.parametrize("start", [-40.0, -20.0, -5.0, 40.0])
@pytest.mark.parametrize("precision", [1e-6, 1e-2, 1.0])
def test_a_plateau_is_never_a_minimum(start, precision):
    assert not descend(sigmoid, start, rate=1.0, precision=precision, steps=2000).converged
    assert not descend(sigmoid, start, precision=precision, stop="step").converged


def test_a_loss_that_only_levels_off_has_no_minimum():
    solution = descend(lambda x: (np.exp(-x), -np.exp(-x)), 0.0, rate=1.0)
    assert solution.outcome is Outcome.MAX_STEPS


@pytest.mark.parametrize("start", [5.73, 1.0, -0.31])
def test_chatter_at_a_kink_ends(start):
    solution = descend(kink, start, rate=0.1)
    assert solution.outcome is Outcome.STALLED
    assert solution.steps < 1000
    assert abs(solution.theta[0]) <= 0.1


def test_chatter_within_the_precision_is_good_enough():
    solution = descend(kink, 5.73, rate=0.1, precision=0.2)
    assert solution.converged
    assert abs(solution.theta[0]) <= 0.2


def test_a_kink_of_two_parameters_is_never_certified():
    def ridge(theta):
        across = np.sign(theta[0] - theta[1])
        loss = 10 * abs(theta[0] - theta[1]) - 0.1 * (theta[0] + theta[1])
        return loss, np.array([10 * across - 0.1, -10 * across - 0.1])

    for precision in (1e-6, 0.5, 5.0):
        assert not descend(ridge, [1.0, 1.3], rate=0.01, precision=precision, steps=500).converged


@pytest.mark.parametrize("start", [30.0, 40.0, 300.0])
def test_a_saturated_plateau_beside_a_minimum_is_not_a_valley(start):
    def loss(theta):
        s = 1 / (1 + np.exp(-theta[0]))
        return s + (theta[1] - 2) ** 2, np.array([s * (1 - s), 2 * (theta[1] - 2)])

    assert not descend(loss, [start, 0.0], rate=0.1, steps=2000).converged


def test_a_loss_that_is_level_everywhere_has_nothing_to_converge_to():
    solution = descend(lambda x: (4.0, 0.0), 1.0)
    assert solution.outcome is Outcome.STALLED
    assert "plateau" in solution.message


def test_a_flat_floor_between_walls_is_a_valley():
    def trough(x):
        return max(abs(x) - 1, 0.0) ** 2, 2 * math.copysign(max(abs(x) - 1, 0.0), x)

    assert descend(trough, 0.3, rate=0.1).converged


@pytest.mark.parametrize("start", [5.0, -2.0])
def test_the_edge_of_a_flat_floor_is_not_blamed_on_rounding(start):
    def trough(x):
        return max(abs(x) - 1, 0.0) ** 2, 2 * math.copysign(max(abs(x) - 1, 0.0), x)

    solution = descend(trough, start, rate=0.1)
    assert abs(solution.theta[0]) - 1 <= 1e-6
    assert solution.outcome in (Outcome.CONVERGED, Outcome.STALLED)
    assert "Rounding" not in solution.message
    if not solution.converged:
        assert "jumps" in solution.message
        assert solution.error_estimate is None


@pytest.mark.parametrize("rate", [0.01, 0.1, 50])
def test_a_loss_that_falls_ever_faster_is_unbounded(rate):
    solution = descend(power(3), -1.0, rate=rate)
    assert solution.outcome is Outcome.UNBOUNDED
    assert solution.steps < 300
    assert solution.loss < -1.0


def test_straight_down_is_unbounded():
    for rate in (0.01, 0.1, 50):
        assert descend(lambda x: (-x, -1.0), 0.0, rate=rate).outcome is Outcome.UNBOUNDED
        assert descend(lambda x: (-x * x, -2 * x), 1.0, rate=rate).outcome is Outcome.UNBOUNDED
    assert descend(saddle, (1.0, 1e-3), rate=0.1).outcome is Outcome.UNBOUNDED


def test_a_far_minimum_is_not_unbounded():
    solution = descend(lambda x: ((x - 1e5) ** 2, 2 * (x - 1e5)), 0.0, rate=1e-4, steps=3000)
    assert solution.outcome is Outcome.MAX_STEPS


@pytest.mark.parametrize("library", [np, math])
def test_leaving_the_domain(library):
    def loss(x):
        return library.log(x) ** 2, 2 * library.log(x) / x

    solution = descend(loss, 5.0, rate=30.0)
    assert solution.outcome is Outcome.LEFT_DOMAIN
    assert solution.params["theta"] == 5.0
    assert solution.loss == pytest.approx(math.log(5.0) ** 2)
    assert solution.failed_at is not None
    assert solution.failed_at[0] < 0
    assert ("math domain error" in solution.cause) is (library is math)


def test_a_start_outside_the_domain():
    solution = descend(lambda x: (np.log(x), 1 / x), -1.0)
    assert solution.outcome is Outcome.LEFT_DOMAIN
    assert solution.steps == 0
    assert solution.params["theta"] == -1.0


def test_python_arithmetic_that_raises_is_not_the_end_of_the_world():
    overflow = descend(lambda x: (float(x) ** 4, 4 * float(x) ** 3), 3.0, rate=1e80)
    assert overflow.outcome is Outcome.DIVERGED
    assert overflow.params["theta"] == 3.0


@pytest.mark.parametrize("minimum", [1e9, 1e9 + 0.3, -3e12])
def test_precision_below_the_spacing_of_numbers(minimum):
    def loss(x):
        return (x - minimum) ** 2, 2 * (x - minimum)

    solution = descend(loss, 0.0, rate=0.1, precision=1e-8)
    assert solution.outcome is Outcome.PRECISION_LIMIT
    assert solution.theta[0] == pytest.approx(minimum, rel=1e-14)
    assert solution.steps < 1000


@pytest.mark.parametrize("precision", [1e-16, 1e-20, 1e-300])
@pytest.mark.parametrize("stop", ["error", "step"])
def test_precision_below_rounding(precision, stop):
    solution = descend(parabola, 0.3, rate=0.13, precision=precision, stop=stop)
    assert solution.outcome is Outcome.PRECISION_LIMIT
    assert solution.theta[0] == pytest.approx(5.75, rel=1e-14)


def test_noise_of_an_ill_conditioned_gradient_is_a_limit():
    matrix = np.array([[1.0, 1.0], [1.0, 1.0 + 1e-3]])
    side = matrix @ [0.3, 0.7]

    def loss(theta):
        slope = matrix @ theta - side
        return float(theta @ matrix @ theta / 2 - side @ theta), slope

    solution = descend(loss, [0.0, 0.0], rate=0.9, precision=1e-15, steps=200_000)
    assert solution.outcome is Outcome.PRECISION_LIMIT
    assert np.abs(solution.theta - [0.3, 0.7]).max() < 1e-11


@pytest.mark.parametrize("offset", [1e3, 1e6, 1e9])
@pytest.mark.parametrize("seed", range(12))
def test_a_gradient_that_cancels_is_not_believed_beyond_its_stairs(offset, seed):
    generator = np.random.default_rng(seed)
    minimum, rate = generator.normal(), generator.uniform(0.1, 1.2)
    stair = np.spacing(offset)
    for precision in (0.01 * stair, 0.3 * stair, 3 * stair, 300 * stair):
        solution = descend(
            lambda x: (x * x / 2 - minimum * x, ((x + offset) - offset) - minimum),
            minimum + generator.normal(), rate=rate, precision=precision, steps=3000,
        )  # fmt: skip
        error = abs(solution.params["theta"] - minimum)
        assert not solution.converged or error <= precision
        assert solution.converged or precision < 100 * stair
        assert error <= max(precision, 20 * stair)


@pytest.mark.parametrize("precision", [1.0, 0.3, 0.05, 1e-3])
@pytest.mark.parametrize("steep", [1.0, 5.0, 20.0])
def test_a_coarse_precision_is_no_obstacle_on_a_smooth_loss(precision, steep):
    def loss(theta):
        u = steep * (theta - [0.4, -1.0])
        return float(np.logaddexp(u, -u).sum() + 0.1 * np.sum(u**2)), steep * (np.tanh(u) + 0.2 * u)

    solution = descend(loss, [2.0, 1.0], rate=0.2 / steep**2, precision=precision)
    assert solution.converged
    assert np.abs(solution.theta - [0.4, -1.0]).max() <= precision
    assert solution.steps < 500


def test_a_formula_may_declare_itself_gradient_descent():
    class Written:
        name = "theta - eta*g"
        steepest = True

        def init(self, theta):
            return None

        def step(self, theta, gradient, state, rate, t):
            return theta - rate * gradient, None

    for rate in (50, 1e-9, 0.1):
        own, known = (descend(parabola, 0.0, rate=rate, update=u) for u in (Written(), None))
        assert own.message == known.message
        assert own.steps == known.steps


@pytest.mark.parametrize("start", [(3.0, 0.5), (-1.0, 4.0)])
def test_a_line_of_minima_is_said_to_be_one(start):
    def line(theta):
        off = theta[0] + theta[1] - 1
        return off**2, 2 * off * np.ones(2)

    solution = descend(line, start, rate=0.1)
    assert solution.converged
    assert "not unique" in solution.message
    assert abs(solution.theta.sum() - 1) <= 2e-6


def test_a_curved_valley_of_minima_is_recognised():
    def hyperbola(theta):
        off = theta[0] * theta[1] - 1
        return off**2, 2 * off * theta[::-1]

    solution = descend(hyperbola, [3.0, 0.5], rate=0.02)
    assert solution.converged
    assert "not unique" in solution.message
    assert solution.theta.prod() == pytest.approx(1.0, abs=1e-5)


def test_rosenbrock():
    solution = descend(rosenbrock, [-1.2, 1.0], rate=1e-3, steps=100_000)
    assert solution.converged
    assert np.abs(solution.theta - 1).max() <= 1e-6
    assert descend(rosenbrock, [-1.2, 1.0], rate=1e-3, steps=500).outcome is Outcome.MAX_STEPS
    assert descend(rosenbrock, [-1.2, 1.0], rate=1e-2).outcome is Outcome.DIVERGED


@pytest.mark.parametrize("t0", [1.0, 5.0, 20.0])
@pytest.mark.parametrize("t1", [1.0, 5.0])
def test_a_schedule_may_start_above_the_limit(t0, t1):
    solution = descend(parabola, 0.0, rate=inverse_time(t0, t1), precision=1e-4)
    assert solution.converged
    assert abs(solution.theta[0] - 5.75) <= 1e-4


def test_a_transient_of_many_powers_of_ten_is_not_divergence():
    solution = descend(lambda x: (50 * x * x, 100 * x), 1.0, rate=inverse_time(1.0, 1.5))
    assert solution.history.loss.max() > 1e14 * solution.history.loss[0]
    assert solution.converged


def test_a_schedule_that_stays_above_the_limit_diverges():
    solution = descend(parabola, 0.0, rate=lambda t: 2.0 + 1.0 / (t + 1))
    assert solution.outcome is Outcome.DIVERGED


def test_a_schedule_that_decays_too_fast_stalls():
    solution = descend(parabola, 0.0, rate=exponential(0.1, 0.9))
    assert solution.outcome is Outcome.STALLED
    assert solution.error_estimate == pytest.approx(abs(solution.theta[0] - 5.75), rel=1e-6)


def test_every_outcome_carries_advice():
    assert {outcome.name for outcome in Outcome} == {
        "CONVERGED", "PRECISION_LIMIT", "MAX_STEPS", "TIME_LIMIT", "STALLED", "DIVERGED",
        "UNBOUNDED", "LEFT_DOMAIN", "INTERRUPTED",
    }  # fmt: skip
    for outcome in Outcome:
        assert outcome.value.endswith(".")
        assert len(outcome.value.split()) >= 6
