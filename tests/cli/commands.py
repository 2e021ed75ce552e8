"""Running the command inside a test."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from symgd.cli import main

ROOT = Path(__file__).resolve().parents[2]
NORRIS = str(ROOT / "examples" / "data" / "norris.csv")


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def isatty(self) -> bool:
        return True


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    with pytest.raises(SystemExit) as leaving:
        main(list(arguments))
    captured = capsys.readouterr()
    return int(leaving.value.code or 0), captured.out, captured.err
