"""What moves: the frames asked for, small files, and the same picture after decoding."""

from __future__ import annotations

import io
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import symgd
from symgd import show
from symgd.errors import DataError, OptionError
from symgd.show.gif import gif_of
from symgd.show.learning import chosen_steps

RANDOM = np.random.default_rng(5)
X = RANDOM.uniform(-2, 2, 60)
DATA = {"x": X, "y": 1.5 * X + 0.5 + RANDOM.normal(0, 0.4, 60)}


@pytest.fixture(scope="module")
def fitted() -> symgd.Fit:
    return symgd.fit("y ~ m*x + b", DATA, start={"m": -1, "b": 3}, rate=0.05)


def opened(content: bytes) -> Any:
    return Image.open(io.BytesIO(content))


def test_a_line_learns_in_the_frames_asked_for_and_is_small(fitted: symgd.Fit) -> None:
    movie = show.learning(fitted, frames=60)
    frames = list(movie.frames())
    assert len(frames) == len(movie) == 60
    content = gif_of(frames, movie.durations())
    assert len(content) < 100_000
    image = opened(content)
    assert image.n_frames == 60
    assert image.info["loop"] == 0
    image.seek(59)
    shown = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(shown - frames[-1]).mean() < 3


def test_the_last_frame_is_the_fit(fitted: symgd.Fit) -> None:
    movie = show.learning(fitted, frames=10)
    list(movie.frames())
    (line,) = [a for a in movie.moving if a.get_gid() == "fit"]
    x, y = line.get_data()  # type: ignore[attr-defined]
    assert y == pytest.approx(fitted.predict({"x": x}))


@pytest.mark.parametrize("stage", ["curve", "contour", "surface"])
def test_the_point_walks_to_the_solution(stage: str, fitted: symgd.Fit) -> None:
    over = "m" if stage == "curve" else "m,b"
    movie = show.walk(fitted, on=stage, over=over, frames=8)
    frames = list(movie.frames())
    assert len(frames) == 8
    assert any(np.any(a != b) for a, b in pairwise(frames))
    (point,) = [a for a in movie.moving if a.get_gid() == "point"]
    data = point.get_data_3d() if stage == "surface" else point.get_data()  # type: ignore[attr-defined]
    ends = fitted.theta.tolist()
    assert data[0] == pytest.approx([ends[0]])
    if stage != "curve":
        assert data[1] == pytest.approx([ends[1]])


def test_a_short_run_has_a_frame_for_each_step() -> None:
    run = symgd.minimize("(x - 3)^2", {"x": 0}, rate=0.4, steps=5, precision=None)
    movie = show.walk("(x - 3)^2", run)
    assert len(movie) == 6
    assert sum(movie.durations()) > 4000


def test_pixels_survive_the_gif() -> None:
    frames = [np.full((30, 40, 3), 255, np.uint8) for _ in range(4)]
    for k, frame in enumerate(frames):
        frame[5 * k : 5 * k + 5, 3:20] = (213, 94, 0)
    image = opened(gif_of(frames, [40] * 4))
    for k, frame in enumerate(frames):
        image.seek(k)
        shown = np.asarray(image.convert("RGB")).astype(int)
        assert np.abs(shown - frame).max() < 10
        assert image.info["duration"] == 40


@pytest.mark.parametrize(("count", "frames"), [(2, 60), (60, 60), (61, 60), (10_000, 60)])
def test_chosen_steps_rise_from_first_to_last(count: int, frames: int) -> None:
    course = np.exp(-np.arange(count) / 50.0)[:, None]
    chosen = chosen_steps(course, frames)
    assert len(chosen) == min(count, frames)
    assert (chosen[0], chosen[-1]) == (0, count - 1)
    assert np.all(np.diff(chosen) > 0)


def test_a_player_holds_every_frame(fitted: symgd.Fit) -> None:
    page = show.learning(fitted, frames=5).html()
    assert page.count("iVBORw0KGgo") == 6  # five frames, and the first one in its place
    assert "http" not in page
    assert "data:image/gif;base64," in show.learning(fitted, frames=3)._repr_html_()


def test_mp4_without_ffmpeg_says_what_is_missing(
    fitted: symgd.Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OptionError, match="needs the program ffmpeg"):
        show.save(show.learning(fitted, frames=3), tmp_path / "a.mp4")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for ffmpeg")
def test_mp4_goes_through_ffmpeg(
    fitted: symgd.Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text('#!/bin/sh\nfor last; do :; done\n/bin/cat > "$last"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    movie = show.learning(fitted, frames=3)
    show.save(movie, tmp_path / "a.mp4")
    height, width = next(movie.frames()).shape[:2]
    assert (tmp_path / "a.mp4").stat().st_size == 3 * 3 * (height // 2 * 2) * (width // 2 * 2)
    program.write_text('#!/bin/sh\n/bin/cat > /dev/null\necho "no codec" >&2\nexit 1\n')
    with pytest.raises(DataError, match="no codec"):
        show.save(movie, tmp_path / "a.mp4")


def test_what_cannot_move_is_refused_in_words(fitted: symgd.Fit) -> None:
    with pytest.raises(OptionError, match="frames must be"):
        show.learning(fitted, frames=1)
    with pytest.raises(OptionError, match="curve, contour, surface"):
        show.walk(fitted, on="plane")
    with pytest.raises(OptionError, match="give its solution"):
        show.walk("x^2")
    several = symgd.fit("y ~ a*x + b*z", {**DATA, "z": X**2})
    with pytest.raises(OptionError, match="no single data column"):
        show.learning(several)
