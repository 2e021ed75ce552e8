"""The result: its record, its report and its JSON."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

from symgd.descend import Layout, descend
from symgd.descend.history import Recorder
from symgd.errors import OptionError


def bowl(theta):
    return float(theta @ theta), 2.0 * theta


LAYOUT = Layout.of({"w": (2,), "b": ()})


def test_the_history_starts_at_the_start_and_ends_at_the_end():
    solution = descend(bowl, [1.0, 2.0, 3.0], rate=0.1, layout=LAYOUT)
    history = solution.history
    assert len(history) == solution.steps + 1
    assert history.step.tolist() == list(range(solution.steps + 1))
    assert history.theta.shape == (len(history), 3)
    assert history.theta[0].tolist() == [1.0, 2.0, 3.0]
    assert np.array_equal(history.theta[-1], solution.theta)
    assert history.loss[-1] == solution.loss
    assert history.gradient_norm[-1] == solution.gradient_norm
    assert history.epoch_loss.size == history.epoch_theta.size == 0
    assert history.stride == 1


def test_components_by_name():
    history = descend(bowl, [1.0, 2.0, 3.0], rate=0.1, layout=LAYOUT).history
    assert np.array_equal(history.component("w[1]"), history.theta[:, 1])
    assert np.array_equal(history.component("b"), history.theta[:, 2])
    with pytest.raises(OptionError, match=r"w\[0\], w\[1\], b"):
        history.component("w")


def test_the_record_is_read_only():
    solution = descend(bowl, [1.0, 2.0, 3.0], rate=0.1)
    for array in (solution.theta, solution.history.theta, solution.history.loss):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        solution.loss = 0.0


@pytest.mark.parametrize("limit", [2, 3, 7, 16, 33])
@pytest.mark.parametrize("count", [1, 2, 5, 33, 1000])
def test_a_long_record_is_thinned_evenly(limit, count):
    recorder = Recorder(LAYOUT, limit)
    for k in range(count):
        recorder.steps.add(k, np.full(3, float(k)), k / 2, 0.1, 1.0)
    history = recorder.history()
    steps = history.step.tolist()
    assert len(steps) <= limit + 1
    assert steps[0] == 0
    assert steps[-1] == count - 1
    assert set(np.diff(steps[:-1]).tolist()) <= {history.stride}
    assert all(step % history.stride == 0 for step in steps[:-1])
    assert math.log2(history.stride).is_integer()
    assert history.theta[:, 0].tolist() == steps
    assert history.loss.tolist() == [k / 2 for k in steps]


def test_json_holds_no_nan_and_no_infinity():
    diverged = descend(lambda x: (np.exp(x), np.exp(x)), 800.0)
    assert not math.isfinite(diverged.loss)
    for solution in (diverged, descend(bowl, [1.0, 2.0, 3.0], rate=0.1, layout=LAYOUT)):
        content = solution.to_dict()
        text = json.dumps(content, allow_nan=False)
        assert json.loads(text)["outcome"] == solution.outcome.name
        for name in content:
            assert hasattr(solution, name)
    assert content["params"] == {"w": solution.params["w"].tolist(), "b": solution.params["b"]}


def test_the_report_names_what_matters():
    solution = descend(bowl, [1.0, 2.0, 3.0], rate=0.1, layout=LAYOUT)
    text = str(solution)
    for part in ("converged", "w[0]", "w[1]", "b", "loss", "gradient norm", "error", "rate 0.1"):
        assert part in text
    many = str(descend(bowl, np.ones(100), rate=0.1))
    assert "88 more" in many
    assert len(many.splitlines()) < 25


def test_a_solution_can_be_extended():
    @dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
    class Fit(type(descend(bowl, [1.0]))):
        rows: int

    solution = descend(bowl, [1.0], rate=0.1)
    values = {item.name: getattr(solution, item.name) for item in dataclasses.fields(solution)}
    assert Fit(**values, rows=3).converged
    named = dataclasses.replace(solution, cause="log(x) of a negative number")
    assert "log(x) of a negative number" in str(named)
