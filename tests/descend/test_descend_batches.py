"""Mini-batches: which rows, in which order, and when such a run is over."""

from __future__ import annotations

import numpy as np
import pytest

from symgd.descend import Batches, Outcome, descend, inverse_time
from symgd.errors import OptionError


class Line:
    """mean((m*x + b - y)^2) over the rows of x, y; remembers which rows it was asked for."""

    def __init__(self, x, y, asked=None):
        self.x, self.y = x, y
        self.asked = [] if asked is None else asked

    @property
    def n_rows(self):
        return len(self.x)

    def __call__(self, theta):
        off = theta[0] * self.x + theta[1] - self.y
        slope = np.array([2 * (off @ self.x), 2 * off.sum()]) / len(self.x)
        return float(off @ off) / len(self.x), slope

    def at_rows(self, rows):
        self.asked.append(rows.copy())
        return Line(self.x[rows], self.y[rows], self.asked)


def data(seed=0, rows=100, noise=1.0):
    generator = np.random.default_rng(seed)
    x = 2 * generator.random(rows)
    return Line(x, 4 + 3 * x + noise * generator.normal(size=rows))


def best(line):
    design = np.column_stack([line.x, np.ones(line.n_rows)])
    return np.linalg.lstsq(design, line.y, rcond=None)[0]


@pytest.mark.parametrize(("rows", "size"), [(100, 16), (10, 3), (7, 7), (5, 1), (1, 1)])
def test_an_epoch_sees_every_row_once_and_the_short_last_batch_is_used(rows, size):
    plan = Batches(rows, size, seed=3)
    stream = plan.stream()
    for _ in range(3):
        epoch = [next(stream) for _ in range(plan.per_epoch)]
        assert sorted(np.concatenate(epoch).tolist()) == list(range(rows))
        assert [len(batch) for batch in epoch[:-1]] == [size] * (plan.per_epoch - 1)
        assert len(epoch[-1]) == (rows - 1) % size + 1


def test_the_order_is_that_of_numpy_and_changes_from_epoch_to_epoch():
    generator = np.random.default_rng(5)
    stream = Batches(6, 4, seed=5).stream()
    for _ in range(3):
        order = generator.permutation(6)
        assert next(stream).tolist() == order[:4].tolist()
        assert next(stream).tolist() == order[4:].tolist()


def test_with_replacement_rows_repeat_and_batches_are_full():
    plan = Batches(10, 4, replace=True, seed=0)
    stream = plan.stream()
    draws = [next(stream) for _ in range(300)]
    assert plan.per_epoch == 3
    assert {len(batch) for batch in draws} == {4}
    assert any(len(set(batch.tolist())) < 4 for batch in draws)
    counts = np.bincount(np.concatenate(draws), minlength=10)
    assert counts.min() > 60
    assert len(counts) == 10


@pytest.mark.parametrize("batch", [1, 16, 100])
def test_the_iterates_are_those_of_the_textbook_loop(batch):
    line = data()
    theta, generator, course = np.zeros(2), np.random.default_rng(4), [np.zeros(2)]
    t = 0
    for _ in range(3):
        order = generator.permutation(100)
        for start in range(0, 100, batch):
            rows = order[start : start + batch]
            gradient = Line(line.x[rows], line.y[rows])(theta)[1]
            theta = theta - 5 / (t + 50) * gradient
            course.append(theta)
            t += 1
    solution = descend(
        line, [0, 0], rate=lambda t: 5 / (t + 50), batch=batch, seed=4, epochs=3, precision=None
    )
    assert np.array_equal(solution.history.theta, course)
    assert solution.steps == t
    assert solution.epochs == 3


def test_the_history_of_a_batched_run():
    line = data()
    solution = descend(line, [0, 0], rate=0.05, batch=16, seed=2, epochs=4, precision=None)
    history = solution.history
    assert len(history) == 4 * 7 + 1
    assert history.epoch_theta.shape == (4, 2)
    assert np.array_equal(history.epoch_theta, history.theta[7::7])
    assert history.epoch_loss.tolist() == [line(theta)[0] for theta in history.epoch_theta]
    assert solution.loss == history.epoch_loss[-1] == history.loss[-1]
    assert np.array_equal(np.sort(np.concatenate(line.asked[:7])), np.arange(100))
    first = Line(line.x[line.asked[0]], line.y[line.asked[0]])
    assert history.loss[0] == first(np.zeros(2))[0]


def test_steps_may_end_within_an_epoch():
    line = data()
    solution = descend(line, [0, 0], rate=0.05, batch=16, seed=2, steps=10, precision=None)
    assert solution.steps == 10
    assert solution.epochs == 1
    assert len(solution.history.epoch_loss) == 1
    assert solution.loss == line(solution.theta)[0]


def test_the_same_seed_gives_the_same_run():
    options = {"rate": 0.05, "batch": 16, "epochs": 5, "precision": None}
    one, same, other = (descend(data(), [0, 0], seed=seed, **options) for seed in (8, 8, 9))
    assert np.array_equal(one.history.theta, same.history.theta)
    assert not np.array_equal(one.theta, other.theta)
    drawn = [descend(data(), [0, 0], seed=8, replace=True, **options) for _ in range(2)]
    assert np.array_equal(drawn[0].theta, drawn[1].theta)
    assert not np.array_equal(one.theta, drawn[0].theta)
    assert "16 of 100 rows drawn with replacement" in drawn[0].method


@pytest.mark.parametrize("batch", [1, 16])
def test_data_on_a_line_converges(batch):
    solution = descend(data(noise=0.0), [0, 0], rate=0.05, batch=batch, seed=1, epochs=1000)
    assert solution.outcome is Outcome.CONVERGED
    assert np.abs(solution.theta - [3, 4]).max() <= 1e-6
    assert solution.epochs < 400


@pytest.mark.parametrize("batch", [1, 16])
@pytest.mark.parametrize("seed", range(5))
def test_noise_is_neither_convergence_nor_divergence(batch, seed):
    line = data(seed)
    solution = descend(line, [0, 0], rate=0.05, batch=batch, seed=seed, epochs=60)
    assert solution.outcome is Outcome.MAX_STEPS
    assert "jumping" in solution.message
    error = np.abs(solution.theta - best(line)).max()
    assert solution.error_estimate == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize("seed", range(10))
def test_converged_holds_for_the_loss_over_all_rows(seed):
    line = data(seed)
    solution = descend(
        line, [0, 0], rate=inverse_time(5, 50), batch=4, seed=seed, epochs=200, precision=0.02
    )
    assert solution.converged
    assert np.abs(solution.theta - best(line)).max() <= 0.02


@pytest.mark.parametrize("batch", [1, 16])
@pytest.mark.parametrize("rate", [2, 50])
def test_divergence_ends_a_batched_run(batch, rate):
    solution = descend(data(), [0, 0], rate=rate, batch=batch, seed=0)
    assert solution.outcome is Outcome.DIVERGED
    assert solution.steps < 500
    assert solution.theta.tolist() == [0.0, 0.0]
    assert "2/L" in solution.message


def test_a_batch_has_at_most_all_rows():
    with pytest.raises(OptionError, match="100 rows"):
        descend(data(), [0, 0], batch=101)
    assert descend(data(), [0, 0], rate=0.1, batch=100, seed=0, epochs=2000).converged


def test_interrupting_a_batched_run():
    def impatient(progress):
        if progress.step == 40:
            raise KeyboardInterrupt

    line = data()
    solution = descend(line, [0, 0], rate=0.05, batch=16, seed=0, observers=impatient)
    assert solution.outcome is Outcome.INTERRUPTED
    assert solution.epochs == 5
    assert solution.loss == min(solution.history.epoch_loss)
    assert solution.loss == line(solution.theta)[0]


def test_mini_batches_that_start_at_the_minimum_do_not_diverge() -> None:
    random = np.random.default_rng(0)
    x = random.random(100)
    y = 3 * x + 1 + 0.1 * random.normal(size=100)
    matrix = np.column_stack([x, np.ones(100)])
    best = np.linalg.lstsq(matrix, y, rcond=None)[0]

    class Line:
        n_rows = 100

        def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
            return self.at_rows(np.arange(100))(theta)

        def at_rows(self, rows: np.ndarray) -> object:
            def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
                residual = matrix[rows] @ theta - y[rows]
                return float(np.mean(residual**2)), 2 * matrix[rows].T @ residual / len(rows)

            return loss

    for batch in (1, 8, 16):
        found = descend(Line(), best, rate=0.05, batch=batch, epochs=60, precision=None, seed=1)
        assert found.outcome is Outcome.MAX_STEPS
        assert found.epochs == 60
