"""Random quadratics: CONVERGED is true, and it is reached when the budget allows.

The reference is closed: the error of gradient descent is Q (1 - eta*lambda)^k Q^T e_0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgd.descend import Outcome, descend


@dataclass
class Quadratic:
    """(theta - minimum)^T A (theta - minimum)/2 with the eigenvalues and vectors of A."""

    values: np.ndarray
    vectors: np.ndarray
    minimum: np.ndarray
    factored: bool

    def __post_init__(self):
        self.matrix = (self.vectors * self.values) @ self.vectors.T
        self.side = self.matrix @ self.minimum

    def __call__(self, theta):
        if self.factored:
            slope = self.matrix @ (theta - self.minimum)
            return float((theta - self.minimum) @ slope) / 2, slope
        slope = self.matrix @ theta - self.side
        return float(theta @ slope - self.side @ theta) / 2, slope

    def needed(self, start, rate, precision):
        """The first step after which every error is and stays within the precision."""
        error = self.vectors.T @ (start - self.minimum)
        shrink = 1 - rate * self.values
        steps = 1
        while np.abs(self.vectors @ (error * shrink**steps)).max() > precision:
            steps = int(steps * 1.05) + 1
        return steps


class Curved(Quadratic):
    """The same with its exact Hessian."""

    def hessian(self, theta):
        return self.matrix


def draw(generator, condition, kind=Quadratic):
    size = int(generator.integers(1, 8))
    top = 10 ** generator.uniform(-3, 3)
    values = top * condition ** -generator.random(size)
    values[0], values[-1] = top, top / (condition if size > 1 else 1)
    vectors = np.linalg.qr(generator.normal(size=(size, size)))[0]
    if generator.random() < 0.3:
        vectors = np.eye(size)
    minimum = generator.normal(size=size) * 10 ** generator.uniform(-2, 2)
    return kind(values, vectors, minimum, bool(generator.random() < 0.5))


@pytest.mark.parametrize("kind", [Quadratic, Curved])
@pytest.mark.parametrize("seed", range(40))
def test_converged_is_true_and_reached(kind, seed):
    generator = np.random.default_rng(seed)
    loss = draw(generator, 10 ** generator.uniform(0, 3), kind)
    start = loss.minimum + generator.normal(size=loss.minimum.size) * 10 ** generator.uniform(-1, 2)
    rate = generator.uniform(0.1, 1.9) / loss.values[0]
    precision = 10 ** generator.uniform(-7, -2)
    needed = loss.needed(start, rate, precision)
    solution = descend(loss, start, rate=rate, precision=precision, steps=2 * needed + 50)
    assert solution.outcome is Outcome.CONVERGED
    error = np.abs(solution.theta - loss.minimum).max()
    assert error <= precision
    assert solution.error_estimate >= 0.99 * error
    assert solution.steps <= 1.1 * needed + 20


@pytest.mark.parametrize("seed", range(8))
def test_condition_up_to_a_million(seed):
    generator = np.random.default_rng(100 + seed)
    loss = draw(generator, 10 ** generator.uniform(4, 6))
    slow = loss.vectors[:, -1] * 1e-3 * generator.uniform(0.5, 1)
    start = loss.minimum + slow + 0.1 * loss.vectors @ generator.normal(size=loss.minimum.size)
    solution = descend(loss, start, rate=1 / loss.values[0], precision=1e-5, steps=20_000)
    error = np.abs(solution.theta - loss.minimum).max()
    assert not solution.converged or error <= 1e-5
    assert solution.outcome in (Outcome.CONVERGED, Outcome.MAX_STEPS)
    assert solution.error_estimate == pytest.approx(error, rel=0.02)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    digits=st.floats(0, 12),
    reach=st.floats(1e-4, 1.99),
    precision=st.floats(-14, 0),
    kind=st.sampled_from([Quadratic, Curved]),
)
def test_converged_is_never_false(seed, digits, reach, precision, kind):
    generator = np.random.default_rng(seed)
    loss = draw(generator, 10**digits, kind)
    start = loss.minimum + generator.normal(size=loss.minimum.size)
    solution = descend(loss, start, rate=reach / loss.values[0], precision=10**precision, steps=400)
    assert solution.outcome is not Outcome.DIVERGED
    if solution.converged:
        assert np.abs(solution.theta - loss.minimum).max() <= 10**precision * (1 + 1e-9)


class Damped:
    """Newton with a constant rate: reaches the rounding limit at any condition number."""

    name = "damped Newton"

    def __init__(self, matrix):
        self.matrix = matrix

    def init(self, theta):
        return None

    def step(self, theta, gradient, state, rate, t):
        return theta - rate * np.linalg.solve(self.matrix, gradient), None


@pytest.mark.parametrize("kind", [Quadratic, Curved])
@pytest.mark.parametrize("seed", range(40))
def test_at_the_rounding_limit_converged_is_still_true(kind, seed):
    generator = np.random.default_rng(1000 + seed)
    condition = 10 ** generator.uniform(0, 7)
    loss = draw(generator, condition, kind)
    loss.factored = True
    precision = np.abs(loss.minimum).max() * condition * 10 ** generator.uniform(-18, -14)
    start = loss.minimum + generator.normal(size=loss.minimum.size)
    solution = descend(
        loss, start, rate=0.5, update=Damped(loss.matrix), precision=precision, steps=2000
    )
    assert solution.outcome in (Outcome.CONVERGED, Outcome.PRECISION_LIMIT)
    if solution.converged:
        assert np.abs(solution.theta - loss.minimum).max() <= precision


@pytest.mark.parametrize("size", [60, 200])
@pytest.mark.parametrize("condition", [10, 300])
def test_many_parameters(size, condition):
    generator = np.random.default_rng(size + condition)
    values = condition ** -generator.random(size)
    values[0], values[-1] = 1.0, 1 / condition
    vectors = np.linalg.qr(generator.normal(size=(size, size)))[0]
    loss = Quadratic(values, vectors, generator.normal(size=size), True)
    solution = descend(loss, np.zeros(size), rate=1.0)
    assert solution.converged
    error = np.abs(solution.theta - loss.minimum).max()
    assert error <= 1e-6
    assert solution.error_estimate == pytest.approx(error, rel=1e-3)
    needed = loss.needed(np.zeros(size), 1.0, 1e-6)
    assert solution.steps <= 1.1 * needed + 20


def test_many_parameters_a_tiny_rate_and_a_saddle():
    generator = np.random.default_rng(7)
    start = generator.normal(size=100)
    assert descend(lambda t: (float(t @ t), 2 * t), start, rate=1e-10).outcome is Outcome.STALLED
    sign = np.ones(100)
    sign[50], start[50] = -1.0, 0.0
    run = descend(lambda t: (float(sign @ t**2), 2 * sign * t), start, rate=0.1, steps=2000)
    assert not run.converged
    diverged = descend(lambda t: (float(t @ t), 2 * t), start, rate=3.0)
    assert diverged.outcome is Outcome.DIVERGED
    assert "2/L = 1 " in diverged.message


@pytest.mark.parametrize("units", [1e-6, 1e-3, 1e3, 1e6])
def test_the_verdict_does_not_depend_on_the_units(units):
    scale = np.array([1.0, units])

    def loss(theta):
        u = theta * scale
        return float(np.cosh(u[0]) + np.cosh(u[1] - 1)), scale * np.sinh(u - [0.0, 1.0])

    class Rescaled:
        name = "rescaled descent"

        def init(self, theta):
            return None

        def step(self, theta, gradient, state, rate, t):
            return theta - rate * gradient / scale**2, None

    precision = 1e-6 / max(1.0, units)
    solution = descend(
        loss, [1.0, 2.0 / units], rate=0.3, update=Rescaled(), precision=precision, steps=500
    )
    assert solution.converged
    assert np.abs(solution.theta - np.array([0.0, 1 / units])).max() <= precision
