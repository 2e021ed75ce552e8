"""Pictures of what goes wrong, of very little and of very much."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import symgd
from symgd import show
from symgd.show.plane import plane, split_names
from symgd.show.relief import clipped_cells
from symgd.show.scene import ROWS, sample_rows, scene
from symgd.show.window import ceiling, distinct, framed, levels, way_of


def notes(figure: Any) -> str:
    return " ".join(t.get_text() for t in figure.texts if t.get_gid() == "notes")


def test_very_many_rows_are_thinned_and_it_is_said() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=200_000)
    data = {"x": x, "y": 2 * x + 1 + random.normal(size=200_000)}
    fitted = symgd.fit("y ~ m*x + b", data)
    figure = show.fit(fitted)
    assert "4,000 of 200,000 rows drawn" in notes(figure)
    (points,) = [line for line in figure.axes[0].lines if line.get_gid() == "data"]
    assert len(points.get_xdata()) == 4000
    assert f"{ROWS:,} of 200,000 rows" in notes(show.contour(fitted))


def test_a_sample_of_rows_covers_all_of_them() -> None:
    chosen = sample_rows(10**6, 1000)
    assert np.all(np.diff(chosen) > 0)
    assert np.all(chosen // 1000 == np.arange(1000))


def test_a_runaway_is_shown_as_far_as_it_can_be_told_apart() -> None:
    run = symgd.minimize("(x - 3.5)^2", start={"x": 9}, rate=50)
    figure = show.curve("(x - 3.5)^2", run)
    assert "not shown" in notes(figure)
    low, high = figure.axes[0].get_xlim()
    assert low < run.history.theta[1, 0] < 9 < high < 1e4


def test_a_history_of_one_point_and_a_constant_loss() -> None:
    run = symgd.minimize("0*x + 3 + 0*y", {"x": 9, "y": 1}, rate=0.5)
    for figure in (show.history(run), show.contour("0*x + 3 + 0*y", run),
                   show.surface("0*x + 3 + 0*y", run)):  # fmt: skip
        figure.canvas.draw()
    said = [t.get_text() for t in show.contour("0*x + 3 + 0*y", run).axes[0].texts]
    assert any("constant here: 3" in text for text in said)


def test_a_loss_that_is_nowhere_defined_in_the_window_says_so() -> None:
    formula, span = "log(x) + log(y) + x + y", {"x": (-2.0, -1.0), "y": (-2.0, -1.0)}
    for figure in (show.contour(formula, span=span), show.surface(formula, span=span),
                   show.curve("log(x) + x", span=(-2, -1))):  # fmt: skip
        figure.canvas.draw()
        said = [t.get_text() for axes in figure.axes for t in axes.texts]
        assert any("not a finite number" in text for text in said)


def test_a_long_noisy_run_keeps_its_extremes() -> None:
    from symgd.show.courses import envelope

    random = np.random.default_rng(1)
    value = random.normal(size=50_000)
    value[31_234] = 77.0
    step, kept, note = envelope(np.arange(50_000.0), value)
    assert note
    assert len(step) < 3000
    assert kept.max() == 77.0
    assert kept.min() == value.min()
    assert step[-1] == 49_999


def test_many_parameters_are_chosen_by_their_movement() -> None:
    start = {"w": np.r_[np.zeros(30), 5.0]}
    run = symgd.minimize("sum((w - 1)^2)", start, rate=0.1, shapes={"w": 31})
    figure = show.history(run)
    assert "7 of 31 parameters" in notes(figure)
    assert any(line.get_gid() == "w[30]" for line in figure.axes[-1].lines)


def test_a_title_that_mathtext_cannot_draw_is_written_plainly() -> None:
    formula = "where(x > 0, x^2, -x) + 0*y + y^2"
    figure = show.contour(formula, span={"x": (-1, 1), "y": (-1, 1)})
    figure.canvas.draw()
    assert any("where(" in text.get_text() for text in figure.texts)
    long = " + ".join(f"(x - {k})^2" for k in range(60))
    figure = show.curve(long)
    figure.canvas.draw()
    assert any(text.get_text().endswith("…") for text in figure.texts)


@pytest.mark.parametrize("name", ["theta_hat", "learning_rate", "lambda", "x1", "λ"])
def test_names_of_all_kinds_are_labels(name: str) -> None:
    figure = show.curve(f"({name} - 2)^2")
    figure.canvas.draw()
    assert figure.axes[0].get_xlabel()


def test_a_solution_that_knows_its_loss_is_drawn_on_it() -> None:
    run = symgd.minimize("(x - 3.5)^2", {"x": 0}, rate=0.1)
    assert show.plot_solution(run).axes[0].get_ylabel() == "$f(x)$"
    unknowing = replace(run, objective=None)
    assert show.plot_solution(unknowing).axes[0].get_ylabel() == "loss"


def test_frames_hold_what_they_frame() -> None:
    for values, centre in (([1.0], 1.0), ([5, 6], 6), ([0, 1e9], 1e9), ([-3, 8, 2], None)):
        low, high = framed(np.array(values, float), centre)
        assert low < min(values) <= max(values) < high


def test_levels_rise_and_cover_a_valley() -> None:
    x, y = np.meshgrid(np.linspace(-2, 2, 60), np.linspace(-1, 3, 60))
    marks = levels((1 - x) ** 2 + 100 * (y - x**2) ** 2)
    assert np.all(np.diff(marks) > 0)
    assert marks[1] < 10 < 500 < marks[-1]


def test_a_bowl_is_not_cut_and_a_cliff_is() -> None:
    x, y = np.meshgrid(np.linspace(-1, 1, 40), np.linspace(-1, 1, 40))
    assert ceiling(x**2 + y**2, np.nan, 6.0) is None
    top = ceiling(np.exp(12 * x), np.nan, 6.0)
    assert top is not None
    assert 1 < top < np.exp(11)


def test_a_cut_surface_ends_exactly_at_the_cut() -> None:
    formula, span = "x^2 + 3*y^2 + x*y", {"x": (-3.0, 3.0), "y": (-2.0, 2.0)}
    seen = plane(scene(formula), [], span=span, count=80)
    cells = clipped_cells(seen, 4.0)
    x, y, z = np.moveaxis(cells, -1, 0)
    assert z.max() == pytest.approx(4.0, abs=1e-12)
    assert np.isfinite(cells).all()
    area = np.abs(np.sum(x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1), axis=1)).sum() / 2
    assert area == pytest.approx(np.pi * 4 / np.sqrt(3 - 0.25), rel=0.01)  # of the ellipse


def test_small_parts() -> None:
    assert split_names("W[0,1], b") == ["W[0,1]", "b"]
    points = np.array([[0.0], [0.001], [0.5], [0.501], [1.0]])
    assert distinct(points, [(0, 1)], 0.1).tolist() == [0, 2, 4]
    run = symgd.minimize("x^2", {"x": 1}, rate=0.1)
    assert way_of(run).reached


def test_nothing_global_is_touched() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    show.fit(symgd.fit("y ~ m*x + b", {"x": [0, 1, 2.0], "y": [1, 3, 5.5]})).canvas.draw()
    assert dict(matplotlib.rcParams) == before
