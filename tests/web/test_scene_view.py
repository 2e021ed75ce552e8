"""Landscapes, stable rates, methods and data against NumPy."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from numpy.polynomial import polynomial

from symgd.errors import SymgdError
from symgd.web.data_view import data
from symgd.web.diagnose_view import diagnose, suggested
from symgd.web.isolines import isolines
from symgd.web.method_view import method
from symgd.web.scene_view import scene

LINE = "x,y\n" + "".join(f"{x},{3 * x - 2 + (-1) ** x}\n" for x in range(12))


# -- landscapes -----------------------------------------------------------------------------------


def test_a_curve_is_the_function() -> None:
    seen = scene({"problem": {"text": "x^3 - 2x"}, "span": {"x": [-2, 2]}, "points": 41})
    x = np.array(seen["x"])
    assert np.allclose(seen["y"], x**3 - 2 * x, rtol=1e-9, atol=1e-9)
    assert seen["kind"] == "curve"
    assert seen["names"] == ["x"]


def test_a_curve_has_gaps_where_the_loss_is_not_defined() -> None:
    seen = scene({"problem": {"text": "log(x)"}, "span": {"x": [-1, 1]}, "points": 21})
    for x, y in zip(seen["x"], seen["y"], strict=True):
        assert (y is None) == (x <= 1e-12)
    json.dumps(seen, allow_nan=False)


def test_a_surface_is_the_loss_on_its_data() -> None:
    problem = {"text": "mean((y - (m*x + b))^2)", "csv": LINE}
    seen = scene({"problem": problem, "span": {"m": [2, 4], "b": [-4, 0]}, "points": 31})
    x = np.arange(12)
    y = 3 * x - 2 + (-1.0) ** x
    m, b = np.array(seen["x"]), np.array(seen["y"])
    expected = np.mean((y - (m[None, :, None] * x + b[:, None, None])) ** 2, axis=2)
    assert np.allclose(seen["z"], expected, rtol=1e-5)
    best = polynomial.polyfit(x, y, 1)
    framed = scene({"problem": problem})
    low, high = framed["span"][0]
    assert low < best[1] < high
    assert framed["minimum"]["x"] == pytest.approx(best[1])


def test_a_wall_does_not_flatten_the_valley() -> None:
    steep = {"text": "(1 - x)^2 + 100*(y - x^2)^2", "wrt": ["x", "y"]}
    seen = scene({"problem": steep, "start": {"x": -1, "y": 1}})
    heights = np.array(seen["z"], dtype=float)
    assert seen["ceiling"] is not None
    assert seen["ceiling"] < 0.5 * heights.max()
    assert seen["range"] == [pytest.approx(heights.min(), rel=1e-4), pytest.approx(seen["ceiling"])]


def test_the_points_of_a_run_are_in_the_picture() -> None:
    ends = [[9.0], [-3.0], [5.75]]
    seen = scene({"problem": {"text": "(x - 3.5)^2 - 4.5x"}, "ends": ends})
    assert seen["span"][0] < -3
    assert seen["span"][1] > 9


def test_parameters_that_are_not_drawn_are_held_and_named() -> None:
    problem = {"text": "x^2 + y^2 + (z - 4)^2", "wrt": ["x", "y", "z"]}
    seen = scene({"problem": problem, "over": ["x", "z"], "at": {"x": 0, "y": 2, "z": 4}})
    assert seen["names"] == ["x", "z"]
    assert seen["held"] == {"y": 2.0}
    assert min(map(min, seen["z"])) == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize(
    "content",
    [
        {"problem": {"text": "3"}},
        {"problem": {"text": "x"}, "span": {"x": [1, 1]}},
        {"problem": {"text": "x"}, "span": {"x": [1, "2"]}},
        {"problem": {"text": "x"}, "span": [1, 2]},
        {"problem": {"text": "x^2"}, "over": ["q"]},
        {"problem": {"text": "x^2"}, "kind": "surface"},
        {"problem": {"text": "x^2"}, "points": 10**7},
        {"problem": {"text": "x^2"}, "ends": [[1, 2]]},
        {"problem": {"text": "x^2"}, "ends": 3},
        {"problem": {"text": "mean((y - m*x)^2)"}},
    ],
)
def test_a_landscape_that_cannot_be_drawn_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(SymgdError):
        scene(content)


def test_a_loss_without_a_minimum_is_shown_around_its_start() -> None:
    seen = scene({"problem": {"text": "x"}, "start": {"x": 2}})
    assert seen["span"][0] < 2 < seen["span"][1]
    assert seen["span"][1] < 100


# -- isolines -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_isolines_lie_on_their_level(seed: int) -> None:
    random = np.random.default_rng(seed)
    a, b, c = random.uniform(0.5, 2, 3)
    across, up = np.linspace(-2, 2, 121), np.linspace(-1, 3, 101)
    surface = np.sin(a * across)[None, :] * np.cos(b * up)[:, None] + c * across[None, :]
    level = float(random.uniform(-1, 1))
    lines = isolines(across, up, surface, level)
    assert lines
    for line in lines:
        x, y = np.array(line).T
        value = np.sin(a * x) * np.cos(b * y) + c * x
        assert np.abs(value - level).max() < 0.01
        ends_inside = [(-2 < p[0] < 2) and (-1 < p[1] < 3) for p in (line[0], line[-1])]
        assert line[0] == line[-1] or not any(ends_inside)
        for p, q in pairwise(line):
            assert abs(p[0] - q[0]) <= 4 / 120 + 1e-9
            assert abs(p[1] - q[1]) <= 4 / 100 + 1e-9


def test_a_saddle_has_two_branches_and_a_hole_has_none() -> None:
    across = up = np.linspace(-1, 1, 40)
    saddle = across[None, :] * up[:, None]
    assert len(isolines(across, up, saddle, 0.1)) == 2
    broken = saddle.copy()
    broken[15:25, 15:25] = np.nan
    for line in isolines(across, up, broken, 0.001):
        assert all(max(abs(x), abs(y)) > 0.2 for x, y in line)


# -- diagnose, method, data -----------------------------------------------------------------------


def test_the_stable_rate_is_that_of_the_curvature() -> None:
    problem = {"text": "mean((y - (m*x + b))^2)", "csv": LINE}
    x = np.arange(12)
    hessian_ = 2 * np.array([[np.mean(x**2), np.mean(x)], [np.mean(x), 1]])
    largest = np.linalg.eigvalsh(hessian_).max()
    seen = diagnose({"problem": problem})
    assert seen["stable_rate"] == pytest.approx(2 / largest, rel=1e-9)
    assert seen["suggested"]["low"] < seen["suggested"]["rate"] < seen["stable_rate"]
    assert seen["suggested"]["high"] > seen["stable_rate"]


def test_without_a_stable_rate_a_slider_has_ends_all_the_same() -> None:
    ends = suggested(float("nan"), float("nan"))
    assert ends["low"] < ends["rate"] < ends["high"]


def test_methods_and_schedules_are_formulas() -> None:
    table = method({"method": None})
    assert {"gd", "momentum", "adam"} <= {row["key"] for row in table["methods"]}
    own = method({"method": "v = beta*v + g; theta = theta - eta*v", "momentum": 0.25})
    assert "0.25" in own["formulas"]
    seen = method({"method": "gd", "schedule": "1/(1 + t)^2"})
    assert seen["schedule"]["values"][:3] == [1.0, 0.25, pytest.approx(1 / 9)]
    for wrong in ({"method": "nope"}, {"method": "v = "}, {"method": "gd", "schedule": "q + 1"}):
        with pytest.raises(SymgdError):
            method(wrong)


def test_columns_that_are_no_numbers_are_named_with_the_reason() -> None:
    seen = data({"csv": "a;b;c\n1;x;2.5\n2;y;3.5\n"})
    assert [column["name"] for column in seen["columns"]] == ["a", "c"]
    assert seen["refused"][0]["name"] == "b"
    assert seen["rows"] == 2
    for wrong in ("", "a,b\n", "a,a\n1,2\n", "a\nx\n"):
        with pytest.raises(SymgdError):
            data({"csv": wrong})
