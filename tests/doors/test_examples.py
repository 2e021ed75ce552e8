"""Every lesson runs, is short, and shows what it is there to show."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from symgd.cli.demo import LESSONS

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def output_of(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main()
    return capsys.readouterr().out


SHOWS = {
    "norris": ["1.00211681802045", "outer function", "digits"],
    "batch_descent": ["X.T @ (X @ theta - y)", "least squares", "rate 5/(t + 1000)"],
    "mini_batches": ["1 feature(s), 3500 updates", "3 feature(s)"],
    "parabola": ["23/4 = 5.75", "step   0", "DIVERGED", "CONVERGED", "2/L = 1"],
    "chain_rule": ["-2 x (y - (m x + b))", "inner function", "-2/N*sum(y - (m*x + b))"],
    "descent_logs": ["gradient descent, rate 0.1", "one row at a time"],
    "loss_surface": ["2*x^2*w + 2*x*b - 2*x*y: True", "2*b + 2*x*w - 2*y: True"],
}


@pytest.mark.parametrize("name", list(LESSONS))
def test_a_lesson_shows_what_it_is_there_for(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = output_of(name, capsys)
    for shown in SHOWS[name]:
        assert shown in text


def test_every_lesson_is_a_short_story() -> None:
    for name in LESSONS:
        lines = (EXAMPLES / f"{name}.py").read_text().splitlines()
        assert len(lines) < 60, name


def test_found_is_beside_true(capsys: pytest.CaptureFixture[str]) -> None:
    text = output_of("batch_descent", capsys)
    rows = {line[:20].strip(): line[20:].split() for line in text.splitlines()}
    for run in ("rate 0.01", "rate 5/(t + 1000)"):
        for found, exact in zip(rows[run][:2], rows["least squares"], strict=True):
            assert float(found) == pytest.approx(float(exact), abs=2e-4)
