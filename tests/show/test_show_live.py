"""``live=True``: a window follows the run, can be closed, and is refused where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import symgd
from symgd import show
from symgd.descend.watching import introduce, watched
from symgd.errors import OptionError

ROOT = Path(__file__).resolve().parents[2]
DATA = {"x": np.arange(6.0), "y": 2 * np.arange(6.0) + 1}
WINDOW = {"MPLBACKEND": "module://tests.show.fake_window"}
BARE = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}


def in_window(code: str, **environment: str) -> None:
    """Run code in a process of its own, whose matplotlib has windows in memory."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False,
        env={**BARE, "PYTHONPATH": str(ROOT), **WINDOW, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_live_changes_nothing_about_a_run() -> None:
    in_window(
        "import symgd\n"
        "from matplotlib import pyplot\n"
        "from tests.show.fake_window import flushed\n"
        "data = {'x': [0, 1, 2, 3], 'y': [1, 3, 5, 7.5]}\n"
        "options = dict(rate=0.05, steps=300, precision=None)\n"
        "asked = [lambda **more: symgd.fit('y ~ m*x + b', data, **options, **more),\n"
        "         lambda **more: symgd.minimize('(m-1)^2 + (b+2)^2', **options, **more),\n"
        "         lambda **more: symgd.fit('y ~ m*x + b', data, **more)]\n"
        "for ask in asked:\n"
        "    before = len(flushed)\n"
        "    live, quiet = ask(live=True), ask()\n"
        "    assert live.params == quiet.params and live.steps == quiet.steps\n"
        "    figure = pyplot.figure(pyplot.get_fignums()[-1])\n"
        "    assert len(flushed) > before\n"
        "    lower = figure.axes[1]\n"
        "    assert [t.get_text() for t in lower.get_legend().get_texts()] == ['$m$', '$b$']\n"
        "    line = lower.lines[0]\n"
        "    assert line.get_ydata()[-1] == live.params['m']\n"
        "found = symgd.descend(lambda x: ((x - 3)**2, 2*(x - 3)), 0.0, rate=0.1, live=True)\n"
        "assert found.converged and len(pyplot.get_fignums()) == 4\n"
    )


def test_closing_the_window_does_not_stop_the_run() -> None:
    in_window(
        "import symgd\n"
        "from matplotlib import pyplot\n"
        "from tests.show.fake_window import flushed\n"
        "def close(progress):\n"
        "    if progress.step == 50:\n"
        "        manager = pyplot.get_current_fig_manager()\n"
        "        manager.canvas.callbacks.process('close_event', None)\n"
        "        pyplot.close('all')\n"
        "found = symgd.minimize('(x-3)^2', start=0, rate=0.01, live=True, observers=[close])\n"
        "assert found.converged and found.steps > 100\n"
        "assert not pyplot.get_fignums()\n"
    )


def test_the_command_follows_a_run_in_a_window() -> None:
    in_window(
        "import sys\n"
        "from symgd.cli import main\n"
        "from tests.show.fake_window import flushed\n"
        "try:\n"
        "    main(['minimize', '(x-3)^2', '--rate', '0.01', '--live'])\n"
        "except SystemExit as leaving:\n"
        "    assert leaving.code == 0\n"
        "assert flushed\n"
    )


@pytest.mark.parametrize("backend", ["agg", "svg", "tkagg"])
def test_without_a_display_there_is_one_clear_line(backend: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "symgd", "minimize", "(x-3)^2", "--rate", "0.1", "--live"],
        capture_output=True, text=True, check=False,
        env={**BARE, "PYTHONPATH": str(ROOT), **WINDOW, "MPLBACKEND": backend},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "no display" in done.stderr


def test_live_is_refused_before_the_run_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    steps: list[int] = []
    for ask in (
        lambda: symgd.minimize("(x-3)^2", rate=0.1, live=True, observers=lambda p: steps.append(1)),
        lambda: symgd.fit("y ~ m*x", DATA, live=True, observers=lambda p: steps.append(1)),
    ):
        with pytest.raises(OptionError, match="no display"):
            ask()
    assert not steps
    with pytest.raises(OptionError, match="live must be True or False"):
        symgd.minimize("(x-3)^2", rate=0.1, live="yes")  # type: ignore[arg-type]


def test_an_observer_that_asks_is_told_the_names() -> None:
    live = show.Live(window=False, every=0)
    symgd.minimize("(a - 1)^2 + (w[0] - 1)^2 + w[1]^2", rate=0.1, shapes={"w": (2,)},
                   observers=[live])  # fmt: skip
    assert live.names == ("a", "w[0]", "w[1]")
    kept = show.Live(("mine",), window=False)
    introduce([kept, print], ("a",))
    assert kept.names == ("mine",)


def test_another_run_begins_a_new_course() -> None:
    live = show.Live(window=False, every=0)
    for start in (0.0, 9.0):
        symgd.minimize("(x - 3)^2", start=start, rate=0.2, steps=5, precision=None,
                       observers=[live])  # fmt: skip
    live.draw()
    steps = live.figure.axes[0].lines[0].get_xdata()
    assert (np.diff(steps) >= 0).all()
    assert len(steps) <= 8


def test_watched_gives_what_it_got() -> None:
    with watched([print, repr]) as seen:
        assert seen == (print, repr)
    with watched(print) as seen:
        assert seen == (print,)
