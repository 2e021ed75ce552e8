"""What goes wrong is one clear message, and an exit status of 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.commands import NORRIS, ROOT, run


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("grad", "x^2", "--stesp"), "--steps"), (("grad", "--hesian", "x^2"), "--hessian"),
        (("fit", "y ~ m*x", NORRIS, "--precison", "1"), "--precision"),
        (("minimize", "x^2", "--method=adm"), "adam"), (("minimise", "x^2"), "minimize"),
        (("grda", "x"), "grad"), (("frobnicate",), "there are grad"),
        (("check", "--of", "x^2"), "--lines"), (("plot", "surfaces", "x"), "surface"),
        (("completion", "tcsh"), "bash"), (("minimize", "x^2", "--steps", "many"), "integer"),
        (("grad", "x^2", "--color", "pink"), "always"),
        (("fit", "y ~ m*x"), "FILE"), (("demo", "norrris"), "norris"),
        (("grad", "@no such file"), "not a file"),
        (("plot", "rates", "(x-3)^2", "--rate", "0.1,fast"), "fast"),
    ],
)  # fmt: skip
def test_a_slip_of_the_hand_is_named(
    arguments: tuple[str, ...], remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert remedy in err
    assert len(err.splitlines()) <= 4


def test_the_version_is_told_without_an_installation(capsys: pytest.CaptureFixture[str]) -> None:
    import symgd

    status, out, err = run(capsys, "--version")
    assert (status, err) == (0, "")
    assert out.strip() == f"symgd, version {symgd.__version__}"


@pytest.mark.parametrize("formula", ["-x^2", "--x^2", "- x", "-(x)", "--x", "-2x+x^2"])
def test_a_formula_may_start_with_a_minus(formula: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "grad", formula)[0] == 0
    assert run(capsys, "grad", formula, "--json")[0] == 0


@pytest.mark.parametrize(
    "formula",
    ["5", "1.5e3", r"\frac{1}{2} \cdot 3", "mean(x) --columns x", "pi + 2"],
)
@pytest.mark.parametrize("more", [(), ("--json",), ("--latex",), ("--code", "numpy")])
def test_nothing_to_differentiate_by_is_bad_input(
    formula: str, more: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    first, dashes, rest = formula.partition(" --")
    status, out, err = run(capsys, "grad", first, *(dashes + rest).split(), *more)
    assert (status, out) == (2, "")
    assert "nothing to differentiate by" in err
    assert "hint:" in err


def test_formulas_come_from_files_and_pipes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    place = tmp_path / "loss.txt"
    terms = "\n  + ".join(f"(x{k} - {k})^2" for k in range(60))
    place.write_text("\ufeff" + terms + "\n")
    status, out, _ = run(capsys, "grad", f"@{place}", "--json")
    assert status == 0
    assert len(json.loads(out)["gradient"]) == 60
    status, out, _ = run(capsys, "minimize", f"@{place}", "--json")
    assert json.loads(out)["params"]["x59"] == pytest.approx(59)
    monkeypatch.setattr("sys.stdin", io.StringIO("(x-3)^2\n"))
    assert "2*(x - 3)" in run(capsys, "grad", "-")[1]
    monkeypatch.setattr("sys.stdin", io.StringIO("2*(x-3)\n"))
    assert run(capsys, "check", "-", "--of", "(x-3)^2")[0] == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("y ~ m*x + b"))
    assert run(capsys, "fit", "-", NORRIS)[0] == 0


def test_a_file_that_is_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "f.txt"
    place.write_bytes(b"\xff\xfe\x00")
    status, _, err = run(capsys, "grad", f"@{place}")
    assert status == 2
    assert "not UTF-8" in err


def test_a_control_character_does_not_reach_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, _, err = run(capsys, "grad", "x + \x1b]0;title\x07 y", "--color", "always")
    assert "\x1b]" not in err
    _, _, err = run(capsys, "fit", "y ~ m*x", "no\x1b[2Jfile.csv", "--color", "always")
    assert "\x1b[2J" not in err


@pytest.mark.parametrize("arguments", [("grad", "x^2", "--steps"), ("fit", "y ~ m*x", NORRIS)])
def test_nobody_reads_on_a_coloured_report(arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "symgd", *arguments, "--color", "always"], stdout=writing,
        stderr=subprocess.PIPE, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("option", ["--history", "--save"])
def test_a_full_disk_below_a_record(option: str, tmp_path: Path) -> None:
    import resource
    import signal

    def small() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (256, 256))

    name = "out.csv" if option == "--history" else "out.json"
    done = subprocess.run(
        [sys.executable, "-m", "symgd", "minimize", "(x-3)^2", "--rate", "0.01", option,
         name], cwd=tmp_path,
        capture_output=True, text=True, check=False, preexec_fn=small,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert name in done.stderr
    assert list(tmp_path.iterdir()) == []
