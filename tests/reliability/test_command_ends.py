"""How the command ends when it is stopped, when nobody reads on, and when a disk is full."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from symgd.cli.main import stopped_by_sigterm

ROOT = Path(__file__).resolve().parents[2]
NORRIS = str(ROOT / "examples" / "data" / "norris.csv")
ENDLESS = ("--steps", "1000000000", "--precision", "none")
SLOW = ("--rate", "1e-12", *ENDLESS)
RUNS = {
    "minimize": ("minimize", "(x-3)^2 + (y-1)^4", "--start", "x=9,y=5", *SLOW),
    "minimize data": ("minimize", "mean((y-(m*x+b))^2)", "--data", NORRIS, *SLOW),
    "fit": ("fit", "y ~ m*x + b", NORRIS, *SLOW),
    "fit in batches": ("fit", "y ~ m*x + b", NORRIS, "--batch", "4", *SLOW),
}
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and /dev/full are POSIX")


def started(*arguments: str, **options: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"}
    return subprocess.Popen(
        [sys.executable, "-m", "symgd", *arguments], text=True, env=environment,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},  # type: ignore[call-overload]
    )  # fmt: skip


def busy(process: subprocess.Popen[str], seconds: float) -> None:
    """Wait until the process has computed for some seconds: past its imports, in the run."""
    stat = Path(f"/proc/{process.pid}/stat")
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        time.sleep(0.1)
        fields = stat.read_text().rsplit(")", 1)[1].split()
        if (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") > seconds:
            return


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see it work")
@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize(("sign", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_run_prints_its_best_point(run: str, sign: signal.Signals, status: int) -> None:
    process = started(*RUNS[run])
    busy(process, 4.0)
    process.send_signal(sign)
    out, err = process.communicate(timeout=60)
    assert process.returncode == status, (out, err)
    assert "interrupted" in out
    assert "best point" in out
    assert "Traceback" not in err


def test_a_command_that_has_no_point_yet_says_only_that_it_was_stopped() -> None:
    with stopped_by_sigterm() as received, pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    assert received == [signal.SIGTERM]


def test_the_handler_is_there_only_while_a_command_runs() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopped_by_sigterm():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_other_threads_leave_signals_alone() -> None:
    seen: list[object] = []

    def work() -> None:
        with stopped_by_sigterm():
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


@pytest.mark.parametrize(
    "arguments",
    [("grad", "mean((y-(m*x+b))^2)", "--steps"), ("grad", "x^2", "--json"),
     ("minimize", "(x-3)^2", "--rate", "0.01", "--log")],
)  # fmt: skip
def test_nobody_reads_on(arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = started(*arguments, stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=60)
    assert err == ""
    assert process.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("arguments", [("grad", "x^2"), ("minimize", "(x-3)^2", "--json")])
def test_a_full_disk_below_the_output(arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        process = started(*arguments, stdout=full)
        _, err = process.communicate(timeout=60)
    assert err.splitlines() == ["error: No space left on device"]
    assert process.returncode == 2


def one_line(process: subprocess.Popen[str]) -> str:
    """The only line on standard error of a command that could not write its picture."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2, (out, err)
    assert len(err.splitlines()) == 1
    return err


def small_files() -> None:
    """No file may grow beyond 4 kB: what a full disk does to a picture."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def test_a_picture_that_does_not_fit_on_the_disk(tmp_path: Path) -> None:
    place = tmp_path / "picture.png"
    process = started("minimize", "(x-3)^2", "--plot", str(place), preexec_fn=small_files)
    err = one_line(process)
    assert "picture.png cannot be written" in err
    assert list(tmp_path.iterdir()) == []


def test_a_picture_in_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    absent = one_line(started("minimize", "(x-3)^2", "--plot", str(tmp_path / "no" / "a.png")))
    assert "does not exist" in absent
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write everywhere")
        err = one_line(started("minimize", "(x-3)^2", "--plot", str(tmp_path / "a.png")))
        assert "cannot be written" in err
    finally:
        tmp_path.chmod(0o700)
