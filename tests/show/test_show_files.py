"""Pictures in files, in text, in windows; and matplotlib only when a picture is drawn."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symgd
from symgd import show
from symgd.errors import DataError, OptionError

PARABOLA = "(x - 3.5)^2 - 4.5x + 10"
DATA = {"x": np.arange(6.0), "y": 2 * np.arange(6.0) + np.array([1, 1.2, 0.9, 1.1, 1, 0.8])}
STARTS = {
    ".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF", ".jpg": b"\xff\xd8",
    ".gif": b"GIF89a", ".html": b"<!DOCTYPE html>",
}  # fmt: skip


@pytest.mark.parametrize("suffix", STARTS)
def test_a_fit_is_written_by_its_suffix(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"fit{suffix}"
    fitted = symgd.fit("y ~ m*x + b", DATA, rate=0.05, start={"m": 0, "b": 0})
    show.write(fitted, path)
    content = path.read_bytes()
    assert content.lstrip().lower().startswith(STARTS[suffix].lower())
    assert len(content) > 8000


def test_a_solution_and_a_gradient_are_written(tmp_path: Path) -> None:
    run = symgd.minimize(PARABOLA, {"x": 0}, rate=0.1)
    show.write(run, tmp_path / "a.png")
    show.write(run, tmp_path / "b.gif", PARABOLA)
    show.write(symgd.gradient(PARABOLA), tmp_path / "c.svg")
    show.write(symgd.gradient(PARABOLA), tmp_path / "d.html")
    assert all(path.stat().st_size > 5000 for path in tmp_path.iterdir())
    bare = symgd.descend(lambda x: ((x - 3) ** 2, 2 * (x - 3)), 0.0, rate=0.1)
    with pytest.raises(OptionError, match="needs its formula"):
        show.write(bare, tmp_path / "e.gif")
    with pytest.raises(OptionError, match="does not move"):
        show.write(symgd.gradient(PARABOLA), tmp_path / "f.gif")


def test_a_path_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    figure = show.curve(PARABOLA)
    with pytest.raises(OptionError, match=r"did you mean \.png"):
        show.save(figure, tmp_path / "a.pgn")
    with pytest.raises(OptionError, match="no suffix"):
        show.save(figure, tmp_path / "a")
    with pytest.raises(OptionError, match="still picture"):
        show.save(figure, tmp_path / "a.gif")
    with pytest.raises(DataError, match="does not exist"):
        show.save(figure, tmp_path / "no" / "a.png")
    (tmp_path / "b.png").mkdir()
    with pytest.raises(DataError, match="cannot be written"):
        show.save(figure, tmp_path / "b.png")


def test_the_same_picture_is_the_same_file(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        show.save(show.curve(PARABOLA), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


# -- plotly -----------------------------------------------------------------------------------


def test_without_plotly_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symgd.show.page.available", lambda: False)
    with pytest.raises(OptionError, match=r"symgd\[plotly\]"):
        show.interactive("x^2 + y^2")


def test_the_page_holds_surface_path_and_solution(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []

    class Figure:
        def __init__(self, data: list[Any]) -> None:
            self.data = data

        def update_layout(self, **options: Any) -> None:
            self.layout = options

        def to_html(self, **options: Any) -> str:
            return f"<html>{options['include_plotlyjs']}</html>"

    def trace(**options: Any) -> dict[str, Any]:
        made.append(options)
        return options

    fake = types.SimpleNamespace(Figure=Figure, Surface=trace, Scatter3d=trace)
    monkeypatch.setattr("symgd.show.page.available", lambda: True)
    monkeypatch.setattr("symgd.show.page.import_module", lambda name: fake)
    run = symgd.minimize("x^2 + 4*y^2", {"x": 3, "y": 2}, rate=0.1)
    page = show.interactive("x^2 + 4*y^2", run)
    surface, path, end = made
    x, y = np.meshgrid(surface["x"], surface["y"])
    assert np.allclose(surface["z"], x**2 + 4 * y**2, equal_nan=True)
    assert [path["x"][-1], path["y"][-1]] == run.theta.tolist()
    assert [end["x"][0], end["y"][0]] == run.theta.tolist()
    assert page.html() == "<html>True</html>"


def test_the_real_plotly_makes_a_page_that_needs_nothing_else(tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    run = symgd.minimize("x^2 + 4*y^2", {"x": 3, "y": 2}, rate=0.1)
    show.save(show.interactive("x^2 + 4*y^2", run), tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size > 10**6


# -- live -------------------------------------------------------------------------------------


def test_a_live_picture_follows_the_run() -> None:
    with show.Live(["x"], every=0.0, window=False) as live:
        run = symgd.minimize(PARABOLA, {"x": 0}, rate=0.4, observers=[live])
    assert run.converged
    assert live.failure is None
    assert live.drawn > run.steps
    (line,) = live.figure.axes[1].lines
    assert line.get_data()[1][-1] == run.params["x"]


def test_closing_the_picture_does_not_stop_the_run() -> None:
    live = show.Live(every=0.0, window=False)

    def close(progress: Any) -> None:
        if progress.step == 5:
            live.close()

    run = symgd.minimize(PARABOLA, {"x": 0}, rate=0.1, observers=[live, close])
    assert run.converged
    assert live.drawn == 6


def test_a_window_that_is_gone_does_not_stop_the_run() -> None:
    live = show.Live(every=0.0, window=False)

    def gone() -> None:
        raise RuntimeError("the window is gone")

    live.draw()
    run = symgd.minimize(
        PARABOLA, {"x": 0}, rate=0.1,
        observers=[live, lambda progress: setattr(live, "_show", gone)],
    )  # fmt: skip
    assert run.converged
    assert live.closed
    assert isinstance(live.failure, RuntimeError)


def test_without_a_display_it_is_drawn_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib

    monkeypatch.setattr(matplotlib, "get_backend", lambda: "agg")
    with show.Live(every=10.0) as live:
        symgd.minimize("(x - 1)^2 + y^2", {"x": 0, "y": 0}, rate=0.1, observers=[live])
    assert live.failure is None
    assert live.drawn == 2
    labels = [text.get_text() for text in live.figure.axes[1].get_legend().get_texts()]
    assert labels == ["$x$", "$y$"]


def test_many_steps_are_kept_thinned() -> None:
    from symgd.descend import Progress

    live = show.Live(every=1e9, window=False)
    for step in range(20_000):
        theta = np.array([float(step)])
        live(Progress(step, step, theta, 1.0 / (1 + step), 1.0, 0.1))
    live.draw()
    steps = live.figure.axes[0].lines[0].get_xdata()
    assert len(steps) <= 2002
    assert (steps[0], steps[-1]) == (0, 19_999)


# -- text -------------------------------------------------------------------------------------


def test_sparks() -> None:
    assert show.spark([8, 4, 2, 1]) == "█▄▂▁"
    assert show.spark([100.0, 10.0, 1.0]) == "█▅▁"  # logarithmic
    assert show.spark([]) == ""
    assert show.spark([float("nan")] * 3) == "\N{MULTIPLICATION SIGN}" * 3
    assert show.spark([1e308, -1e308, float("inf")]) == "█▁\N{MULTIPLICATION SIGN}"
    assert len(show.spark(range(1000), width=40)) == 40
    with pytest.raises(OptionError, match="width"):
        show.spark([1], width=0)
    lines = show.chart(range(50), width=30, height=5).splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("49 ┤")
    assert show.chart([]) == ""
    assert show.chart([5.0] * 3) == "5 ┤▁▁▁"
    diverging = show.chart([-0.25, 1e4, 1e8, 1e12], width=60, height=8).splitlines()
    heights = [sum(line.ljust(80)[len("1e+12 ┤") + 4 * k] != " " for line in diverging)
               for k in range(4)]  # fmt: skip
    assert heights == sorted(set(heights))  # four steps of a stair, not one wall


@pytest.mark.parametrize("code", [
    "import symgd", "import symgd; symgd.minimize('(x - 3)^2', {'x': 0}, rate=0.1)",
    "import symgd; symgd.fit('y ~ m*x', {'x': [1, 2], 'y': [2, 4]})", "import symgd.show",
    "from symgd.show import spark; spark([1, 2, 3])",
])  # fmt: skip
def test_matplotlib_waits_for_a_picture(code: str) -> None:
    check = "import sys; assert not {'matplotlib', 'PIL'} & set(sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {check}"], capture_output=True, text=True, check=False,
        cwd=Path(symgd.__path__[0]).parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", [m.name for m in pkgutil.iter_modules(show.__path__)])
def test_the_examples_of_this_room_are_true(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(f"symgd.show.{name}"))
    assert failed == 0
