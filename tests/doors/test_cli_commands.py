"""The commands in this process: what they print, as text, LaTeX, JSON and pictures; exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from symgd.cli import main

LOSS = "mean((y-(m*x+b))^2)"
GOOD = "-2*mean(x*(y-(m*x+b)))"
DATA = "x,y\n0,1\n1,3\n2,5.1\n3,6.9\n"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as leaving:
        main(list(arguments))
    captured = capsys.readouterr()
    return int(leaving.value.code or 0), captured.out, captured.err


def test_a_claim_is_judged(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "check", GOOD, "--of", LOSS, "--wrt", "m")
    assert (status, out.split()[0]) == (0, "equal")
    status, out, _ = run(capsys, "check", GOOD.replace("-2", "2"), "--of", LOSS, "--wrt", "m")
    assert (status, out.split()[0]) == (1, "wrong")
    assert "right: -2/N*sum(x*(y - (m*x + b)))" in out
    status, out, _ = run(
        capsys, "check", "-mean(x*(y-(m*x+b)))", "--of", LOSS, "--wrt", "m", "--json"
    )
    told = json.loads(out)
    assert (status, told["verdict"], told["factor"]) == (1, "proportional", "1/2")


@pytest.mark.parametrize("last", ["2*x - 6", "2*x - 5"])
def test_the_lines_of_a_file_are_judged(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, last: str
) -> None:
    file = tmp_path / "lines.txt"
    file.write_text(f"L = (x - 3)^2\ndL/dx = 2*(x - 3)\n= {last}\n")
    right = last == "2*x - 6"
    status, out, _ = run(capsys, "check", "--lines", str(file), "--wrt", "x")
    assert status == (0 if right else 1)
    assert last in out
    status, out, _ = run(capsys, "check", "--lines", str(file), "--wrt", "x", "--json")
    assert status == (0 if right else 1)
    assert isinstance(json.loads(out), dict)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "2*x"], "--of"), (["check", "--of", "x^2"], "a claim"),
        (["check", "2*x", "--of", "x^2", "--lines", "none.txt"], "not both"),
        (["check", "--lines", "no/such/file.txt"], "no/such/file.txt"),
        (["check", "2*x", "--of", "x^"], "ends where"), (["grad", "3"], "nothing to differentiate"),
        (["demo", "no_such_lesson"], "there is no lesson 'no_such_lesson'; there are"),
        (["plot", "curve", "(x-1)^2", "--start", "x=oops", "-o", "p.png"], "oops"),
    ],
)  # fmt: skip
def test_mistakes_end_with_status_2_and_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_grad_in_latex_with_all_that_stands_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(
        capsys, "grad", "(x-3)^2*y", "--latex", "--steps", "--backprop", "--hessian",
        "--certificate",
    )  # fmt: skip
    assert status == 0
    assert r"\begin{pmatrix}" in out
    assert "frac{" in out or "partial" in out
    assert r"2 y \left(x - 3\right)" in out


def test_grad_as_text_with_all_that_stands_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "grad", "(x-3)^2*y", "--backprop", "--hessian", "--certificate")
    assert status == 0
    assert "d2L/dxdy" in out
    assert "dL/dx = 2*y*(x - 3)" in out


def test_grad_as_json_has_what_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(
        capsys, "grad", "(x-3)^2*y", "--json", "--latex", "--steps", "--hessian", "--certificate",
        "--code", "numpy",
    )  # fmt: skip
    told = json.loads(out)
    assert status == 0
    assert told["gradient"]["y"] == "(x - 3)^2"
    assert told["hessian"]["x"]["x"] == "2*y"
    assert set(told) >= {"latex", "steps", "code", "certificate"}
    assert all({"rule", "sentence", "equation"} <= set(step) for step in told["steps"]["x"])


def test_a_formula_of_data_alone_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "grad", "sum(x_i)", "--columns", "x")
    assert status == 2
    assert "--wrt x" in err


@pytest.mark.parametrize(
    ("kind", "formula", "more"),
    [
        ("curve", "(x-3)^2", ["--start", "x=0", "--rate", "0.2"]),
        ("history", "(x-3)^2", ["--start", "x=0", "--rate", "0.2"]),
        ("contour", "(x-3)^2+2*y^2", ["--start", "x=0,y=1", "--rate", "0.1", "--over", "x,y"]),
        ("rates", "(x-3)^2", ["--start", "x=0", "--rate", "0.1,0.5"]),
        ("rates", "(x-3)^2", ["--start", "x=0"]),
        ("graph", "(x-3)^2*y", ["--start", "x=0,y=2"]),
    ],
)
def test_pictures_are_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str, formula: str, more: list[str]
) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "picture.png"
    status, out, err = run(capsys, "plot", kind, formula, *more, "-o", str(path))
    assert (status, err) == (0, "")
    assert str(path) in out.replace("\n", "")
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_run_with_its_log_and_its_exact_answer(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(
        capsys, "minimize", "(x-3.5)^2-4.5x+10", "--start", "x=9", "--rate", "0.2", "--log",
        "--spark", "--method", "gd",
    )  # fmt: skip
    assert status == 0
    assert "step" in out
    assert "5.75" in out
    assert "Exactly" in out
    status, out, _ = run(
        capsys, "minimize", "(x-3.5)^2-4.5x+10", "--start", "x=9", "--rate", "0.2", "--log",
        "--method", "gd", "--json",
    )  # fmt: skip
    told = json.loads(out)
    assert told["history"]["theta"][0] == [9.0]
    assert told["params"]["x"] == pytest.approx(5.75, abs=1e-5)


def test_several_starts_list_their_minima(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(
        capsys, "minimize", "(x^2-1)^2 + 0.1*x", "--start", "x=2", "--starts", "8", "--seed", "1"
    )
    assert status == 0
    assert "minima" in out
    assert out.count("loss ") >= 2


def test_a_run_that_does_not_converge_has_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, _ = run(capsys, "minimize", "(x-3)^2", "--start", "x=9", "--rate", "1e-3",
                       "--steps", "5", "--method", "gd")  # fmt: skip
    assert status == 1
    status, _, _ = run(capsys, "minimize", "(x-3)^2", "--start", "x=9", "--rate", "1e-3",
                       "--steps", "5", "--method", "gd", "--precision", "none")  # fmt: skip
    assert status == 0


def test_a_fit_prints_its_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    file.write_text(DATA)
    status, out, err = run(capsys, "fit", "y ~ m*x + b", str(file))
    assert (status, err) == (0, "")
    assert "1.98" in out  # slope (3*5.9 + 2.1)/10 by hand
    status, out, _ = run(capsys, "fit", "y ~ m*x + b", str(file), "--json")
    assert json.loads(out)["params"]["m"] == pytest.approx(1.98, abs=1e-9)
