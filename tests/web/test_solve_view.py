"""Runs, fits and examples against SciPy and certified values."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import curve_fit

from symgd.web.check_view import check
from symgd.web.derive_view import derive
from symgd.web.examples import examples
from symgd.web.jsonable import kept, plain, rounded
from symgd.web.problem import FieldError
from symgd.web.runs import order_of, run_of
from symgd.web.solve_job import solve

LINE = "x,y\n" + "".join(f"{x},{3 * x - 2 + (-1) ** x}\n" for x in range(12))


# -- runs -----------------------------------------------------------------------------------------


def test_runs_are_read_strictly() -> None:
    assert run_of({"rate": "0.1"}).rate == 0.1
    assert run_of({"rate": "1/(t + 1)"}).rate == "1/(t + 1)"
    assert run_of({"method": "nesterov", "momentum": 0.5}).rule == "nesterov(beta=0.5)"
    for wrong in (
        {"rate": True}, {"rate": [1]}, {"batch": 0}, {"batch": 1.5}, {"seed": -1}, {"stop": "x"},
        {"momentum": "a"}, {"method": 3}, {"replace": 1},
    ):  # fmt: skip
        with pytest.raises(FieldError):
            run_of(wrong)
    for wrong_order in ({"runs": []}, {"runs": [{}] * 7}, {"runs": {}}, {"steps": 0},
                        {"precision": "x"}):  # fmt: skip
        with pytest.raises(FieldError):
            order_of(wrong_order, None)


def told(content: dict[str, object]) -> list[dict[str, object]]:
    events: list[dict[str, object]] = []
    solve(content, events.append)
    json.dumps(events, allow_nan=False)
    return events


def test_a_run_is_told_and_ends_at_the_minimum() -> None:
    content = {
        "problem": {"text": "(x - 3.5)^2 - 4.5x + 10"}, "start": {"x": 9}, "job": "j",
        "runs": [{"rate": 0.1}, {"rate": 50}, {"method": "nope"}], "closed": True,
    }  # fmt: skip
    events = told(content)
    assert [event["event"] for event in events if event["event"] not in ("path", "progress")] == [
        "start", "done", "done", "failed", "closed",
    ]  # fmt: skip
    good, bad = (event for event in events if event["event"] == "done")
    assert good["solution"]["params"]["x"] == pytest.approx(5.75, abs=1e-5)
    assert good["solution"]["status"] == "good"
    assert bad["solution"]["status"] == "bad"
    path = good["path"]
    assert path["theta"][0] == [9.0]
    for (here,), (there,), rate in zip(
        path["theta"], path["theta"][1:], path["rate"], strict=False
    ):
        assert there == pytest.approx(here - rate * (2 * (here - 3.5) - 4.5), rel=1e-12)
    assert events[-1]["points"] == [{"x": 5.75}]


def test_a_fit_is_that_of_scipy() -> None:
    x = np.linspace(0, 4, 30)
    y = 2.5 * np.exp(-0.8 * x) + 0.01 * np.sin(37 * x)
    csv = "u,v\n" + "".join(f"{a!r},{b!r}\n" for a, b in zip(x.tolist(), y.tolist(), strict=True))
    problem = {"text": "v ~ a*exp(-k*u)", "model": True, "csv": csv}
    (done,) = [e for e in told({"problem": problem, "runs": [{}]}) if e["event"] == "done"]
    best, covariance = curve_fit(lambda u, a, k: a * np.exp(-k * u), x, y, (1, 1))
    fit = done["fit"]
    assert [p["value"] for p in fit["params"]] == pytest.approx(best.tolist(), rel=1e-6)
    errors = np.sqrt(np.diag(covariance))
    assert [p["stderr"] for p in fit["params"]] == pytest.approx(errors.tolist(), rel=1e-4)
    curve = fit["curve"]
    a, k = best
    assert np.allclose(curve["y"], a * np.exp(-k * np.array(curve["x"])), rtol=1e-5)
    assert all(low < mid < high for low, mid, high in
               zip(curve["low"], curve["y"], curve["high"], strict=True))  # fmt: skip
    assert np.allclose(fit["points"]["residual"], y - a * np.exp(-k * x), atol=1e-6)
    assert fit["frames"]


def test_long_paths_are_thinned_and_keep_their_ends() -> None:
    content = {
        "problem": {"text": "x^2 + 100*y^2"}, "start": {"x": 1, "y": 1}, "steps": 20_000,
        "runs": [{"rate": 1e-4}], "precision": None,
    }  # fmt: skip
    (done,) = [e for e in told(content) if e["event"] == "done"]
    steps = done["path"]["step"]
    assert len(steps) <= 2000
    assert steps[0] == 0
    assert steps[-1] == 20_000
    assert steps[:500] == list(range(500))
    assert all(a < b for a, b in pairwise(steps))


def test_random_choices_can_be_repeated() -> None:
    problem = {"text": "mean((y - (m*x + b))^2)", "csv": LINE}
    content = {"problem": problem, "start": "random", "precision": None, "steps": 20,
               "runs": [{"rate": 0.001, "batch": 4}]}  # fmt: skip
    first, second = ([e["path"] for e in told(content) if e["event"] == "done"] for _ in range(2))
    assert first == second


# -- small things ---------------------------------------------------------------------------------


def test_numbers_for_json() -> None:
    assert plain({"a": np.float64("inf"), "b": [np.int64(3), float("nan")]}) == {
        "a": None,
        "b": [3, None],
    }
    assert rounded(np.array([123456.789123, 1e-9]), 6) == [123457.0, 0.0]
    for count, most in ((5, 10), (10, 10), (11, 10), (10**6, 2000)):
        places = kept(count, most)
        assert len(places) <= most
        assert places[0] == 0
        assert places[-1] == count - 1
        assert (np.diff(places) > 0).all()


def test_every_example_works() -> None:
    found = examples({})["examples"]
    assert len({example["key"] for example in found}) == len(found) >= 12
    for example in found:
        state = example["state"]
        if example["tab"] == "derive":
            assert derive(state)["gradient"]
        elif example["tab"] == "check":
            assert check(state)["lines"]


@pytest.mark.slow
def test_every_example_can_be_solved() -> None:
    for example in examples({})["examples"]:
        if example["tab"] == "solve":
            ends = [e for e in told(example["state"]) if e["event"] in ("done", "failed")]
            assert [e["event"] for e in ends] == ["done"] * len(example["state"]["runs"])
            if example["key"] != "rates":
                assert "bad" not in [e["solution"]["status"] for e in ends]
    by_key = {example["key"]: example for example in examples({})["examples"]}
    (misra,) = [e for e in told(by_key["misra"]["state"]) if e["event"] == "done"]
    certified = {"b1": 238.94212918, "b2": 5.5015643181e-4}  # NIST StRD, Misra1a
    for name, value in certified.items():
        assert misra["solution"]["params"][name] == pytest.approx(value, rel=1e-7)
