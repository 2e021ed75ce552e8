"""A run that is put aside and gone on with makes the bits of one that never stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symgd
from symgd.descend import RunState, cosine, inverse_time
from symgd.errors import OptionError
from symgd.methods import METHODS
from symgd.resume import Checkpoint, load, save

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=53)
DATA = {"x": X, "y": 2 * X + 1 + RANDOM.normal(size=53), "X": RANDOM.normal(size=(53, 3))}
LINE = "mean((y - (m*x + b))^2)"
ROSENBROCK = "(2 - a)^2 + 30*(b - a^2)^2"

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "all rows": (LINE, {"data": DATA, "rate": 0.1, "start": {"m": 0, "b": 0}}),
    "batches": (LINE, {"data": DATA, "rate": 0.05, "batch": 8, "seed": 3}),
    "one row": (LINE, {"data": DATA, "rate": 0.01, "batch": 1, "seed": 4}),
    "replacement": (LINE, {"data": DATA, "rate": 0.05, "batch": 8, "replace": True, "seed": 3}),
    "no seed": (LINE, {"data": DATA, "rate": 0.05, "batch": 8}),
    "schedule": (LINE, {"data": DATA, "schedule": "5/(t + 50)", "batch": 10, "seed": 0}),
    "schedule value": (LINE, {"data": DATA, "rate": inverse_time(5, 50)}),
    "cosine": (ROSENBROCK, {"rate": cosine(1e-3, 90), "start": {"a": 0, "b": 0}}),
    "own rule": (ROSENBROCK, {
        "method": "n = 0.9*n + sum(g^2); v = 0.5*v + g; theta = theta - eta*v/sqrt(n + 1)",
        "rate": 0.01, "start": {"a": -1, "b": 1}}),
    "vector": ("mean((X @ theta - y)^2) + 0.1*sum(theta^2)", {
        "data": DATA, "method": "nesterov", "rate": 0.02, "batch": 7, "seed": 1}),
    "numpy": (LINE, {"data": DATA, "rate": 0.1, "backend": "numpy", "start": {"m": 0.3}}),
    **{name: (ROSENBROCK, {"method": name, "rate": 1e-3, "start": {"a": -1.2, "b": 1}})
       for name in METHODS},
}  # fmt: skip


def same(a: symgd.Solution, b: symgd.Solution) -> bool:
    rows = min(len(a.history), len(b.history))
    tails = [getattr(run.history, what)[-rows:] for what in ("theta", "loss", "step", "rate")
             for run in (a, b)]  # fmt: skip
    alike = all(np.array_equal(u, v) for u, v in zip(tails[::2], tails[1::2], strict=True))
    return alike and np.array_equal(a.theta, b.theta) and a.loss == b.loss and a.steps == b.steps


@pytest.mark.parametrize("name", CASES)
def test_forty_and_sixty_updates_are_a_hundred(name: str, tmp_path: Path) -> None:
    formula, options = CASES[name]
    if name == "no seed":  # without a seed only the saved state can say how it goes on
        part = symgd.minimize(formula, steps=40, precision=None, **options)
        save(tmp_path / "run.json", part)
        runs = [load(tmp_path / "run.json").resume(data=DATA, steps=60) for _ in range(2)]
        assert same(*runs)
        return
    whole = symgd.minimize(formula, steps=100, precision=None, **options)
    part = symgd.minimize(formula, steps=40, precision=None, **options)
    save(tmp_path / "run.json", part)
    saved = load(tmp_path / "run.json")
    rest = saved.resume(data=options.get("data"), steps=60)
    assert same(rest, whole)
    assert rest.history.step[0] == 40
    assert saved.notes == ()


@pytest.mark.parametrize("batch", [1, 8, 53])
@pytest.mark.parametrize("replace", [False, True])
def test_every_place_in_an_epoch_can_be_gone_on_from(
    batch: int, replace: bool, tmp_path: Path
) -> None:
    options: dict[str, Any] = {
        "data": DATA, "rate": 0.01, "batch": batch, "replace": replace, "seed": 2,
        "precision": None, "start": {"m": 0, "b": 0},
    }  # fmt: skip
    whole = symgd.minimize(LINE, steps=24, **options)
    for first in range(1, 24):
        save(tmp_path / "run.json", symgd.minimize(LINE, steps=first, **options))
        rest = load(tmp_path / "run.json").resume(data=DATA, steps=24 - first)
        assert same(rest, whole)


def test_a_run_may_be_put_aside_again_and_again(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "data": DATA, "method": "adam", "rate": 0.05, "batch": 8, "seed": 2, "precision": None,
    }  # fmt: skip
    whole = symgd.minimize(LINE, steps=30, **options)
    found = symgd.minimize(LINE, steps=3, **options)
    for _ in range(9):
        save(tmp_path / "run.json", found)
        found = load(tmp_path / "run.json").resume(data=DATA, steps=3)
    assert same(found, whole)


def test_sums_that_left_the_loop_stay_out_of_it(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=300_000)
    data = {"x": x, "y": 2 * x + 1 + random.normal(size=x.size)}
    options: dict[str, Any] = {
        "data": data, "rate": 0.1, "precision": None, "start": {"m": 0, "b": 0},
    }  # fmt: skip
    whole = symgd.minimize(LINE, steps=60, **options)
    save(tmp_path / "run.json", symgd.minimize(LINE, steps=40, **options))
    assert same(load(tmp_path / "run.json").resume(data=data, steps=20), whole)


def test_a_checkpoint_on_the_way_is_the_run_at_that_step(tmp_path: Path) -> None:
    states: list[RunState] = []

    def watch(progress: symgd.descend.Progress) -> None:  # type: ignore[attr-defined]
        if progress.step == 17:
            states.append(progress.state())

    options: dict[str, Any] = {
        "data": DATA, "rate": 0.05, "batch": 8, "seed": 2, "precision": None, "steps": 40,
    }  # fmt: skip
    place = tmp_path / "run.json"
    whole = symgd.minimize(LINE, observers=[watch, Checkpoint(place, steps=10)], **options)
    assert load(place).step == 40
    assert load(tmp_path / "run.json.previous").step == 30
    save(place, states[0])
    assert same(load(place).resume(data=DATA, steps=23), whole)
    save(place, whole)
    assert load(tmp_path / "run.json.previous").step == 17


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    def stop(progress: symgd.descend.Progress) -> None:  # type: ignore[attr-defined]
        if progress.step == 13:
            raise KeyboardInterrupt

    options: dict[str, Any] = {
        "data": DATA, "rate": 0.05, "batch": 8, "seed": 2, "precision": None,
    }  # fmt: skip
    whole = symgd.minimize(LINE, steps=40, **options)
    part = symgd.minimize(LINE, steps=40, observers=[stop], **options)
    assert part.outcome is symgd.Outcome.INTERRUPTED
    save(tmp_path / "run.json", part)
    assert same(load(tmp_path / "run.json").resume(data=DATA, steps=27), whole)


def test_a_fit_can_be_gone_on_with(tmp_path: Path) -> None:
    options: dict[str, Any] = {"rate": 0.05, "batch": 8, "seed": 2, "precision": None}
    whole = symgd.fit("y ~ m*x + b", DATA, steps=40, **options)
    save(tmp_path / "run.json", symgd.fit("y ~ m*x + b", DATA, steps=15, **options))
    assert same(load(tmp_path / "run.json").resume(data=DATA, steps=25), whole)


def test_the_bare_loop_goes_on_too() -> None:
    def bowl(theta: symgd.descend.FloatArray) -> tuple[float, symgd.descend.FloatArray]:  # type: ignore[attr-defined]
        return float(theta @ theta), 2.0 * theta

    options: dict[str, Any] = {"rate": inverse_time(3, 20), "precision": None}
    whole = symgd.descend(bowl, [3.0, -1.0], steps=9, **options)
    part = symgd.descend(bowl, [3.0, -1.0], steps=4, **options)
    rest = symgd.descend(bowl, [0.0, 0.0], steps=5, resume=part.state, **options)
    assert same(rest, whole)
    assert rest.evaluations >= whole.evaluations
    with pytest.raises(OptionError, match="2 parameters"):
        symgd.descend(bowl, [0.0], steps=5, resume=part.state, **options)


def test_a_resumed_run_converges_as_well(tmp_path: Path) -> None:
    part = symgd.minimize(LINE, data=DATA, rate=0.1, steps=10, start={"m": 0, "b": 0})
    save(tmp_path / "run.json", part)
    rest = load(tmp_path / "run.json").resume(data=DATA)
    whole = symgd.minimize(LINE, data=DATA, rate=0.1, start={"m": 0, "b": 0})
    assert rest.converged
    assert abs(rest.steps - whole.steps) <= 3
    np.testing.assert_allclose(rest.theta, whole.theta, atol=1e-6)
