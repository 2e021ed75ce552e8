"""No hostile input takes more than 300 MB, measured by the system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "cases" / "hostile_inputs.json"
LIMIT = 300.0


@pytest.mark.skipif(not SHARED.is_file(), reason="the shared table is not beside the project")
@pytest.mark.skipif(sys.platform != "linux", reason="the unit of the peak memory differs elsewhere")
@pytest.mark.slow
@pytest.mark.parametrize(
    "channel", ["formula-text", "formula-latex", "parameter-name", "path", "csv"]
)
def test_the_peak_memory_over_all_rows(channel: str) -> None:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("memory_of_rows.py")), str(SHARED), channel],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    megabytes, rows = done.stdout.split()
    assert int(rows) > 3
    assert float(megabytes) < LIMIT
