"""Nothing is lost: kill -9 at random moments, full disks, folders that cannot be written."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import symgd
from symgd.errors import DataError

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and limits are POSIX")


def left_behind(what: str, folder: Path) -> dict[str, int]:
    """What was found after 100 kills."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("killed.py")), what, str(folder), "7"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    counted: dict[str, int] = json.loads(done.stdout)
    return counted


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_no_wrong_checkpoint(tmp_path: Path) -> None:
    found = left_behind("checkpoint", tmp_path)
    assert sum(found.values()) == 200
    assert set(found) == {"whole"}  # not even one that has to be refused


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_no_wrong_kernel(tmp_path: Path) -> None:
    found = left_behind("cache", tmp_path)
    assert sum(found.values()) == 100
    assert set(found) == {"whole"}


def small_files() -> None:
    """No file may grow beyond 512 bytes: what a full disk does to a checkpoint."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))


FULL = """
import sys, symgd
from symgd.errors import DataError
run = symgd.minimize("(x - 3)^2", start={"x": 9}, rate=0.1, steps=50, precision=None)
try:
    symgd.save(sys.argv[1], run)
except DataError as problem:
    print(problem)
"""


def test_a_full_disk_keeps_the_checkpoint_that_was_there(tmp_path: Path) -> None:
    place = tmp_path / "run.json"
    run = symgd.minimize("(x - 3)^2", start={"x": 9}, rate=0.1, steps=7, precision=None)
    symgd.save(place, run)
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(place)], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=120, check=False, preexec_fn=small_files,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert "run.json" in done.stdout
    assert symgd.load(place).step == 7
    assert not [p for p in tmp_path.iterdir() if p.suffix == ".tmp"]


def test_a_folder_that_is_not_there_or_may_not_be_written(tmp_path: Path) -> None:
    run = symgd.minimize("(x - 3)^2", start={"x": 9}, rate=0.1, steps=7, precision=None)
    with pytest.raises(DataError, match=r"run\.json"):
        symgd.save(tmp_path / "no" / "run.json", run)
    (tmp_path / "a file").write_text("x")
    with pytest.raises(DataError, match=r"run\.json"):
        symgd.save(tmp_path / "a file" / "run.json", run)
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write everywhere")
        with pytest.raises(DataError, match=r"run\.json"):
            symgd.save(tmp_path / "run.json", run)
    finally:
        tmp_path.chmod(0o700)
