"""The command: exit status, JSON, and errors without a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from symgd.cli import main

ROOT = Path(__file__).resolve().parents[2]
NORRIS = str(ROOT / "examples" / "data" / "norris.csv")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as leaving:
        main(list(arguments))
    captured = capsys.readouterr()
    return int(leaving.value.code or 0), captured.out, captured.err


def test_grad_prints_the_gradient_and_its_steps(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "grad", "mean((y-(m*x+b))^2)", "--wrt", "m", "--steps")
    assert status == 0
    assert err == ""
    assert "dL/dm = -2/N*sum(x*(y - (m*x + b)))" in out
    assert "outer function" in out
    assert "dL/db" not in out


def test_grad_json_is_one_object_that_the_parser_reads_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from symgd.formula.problem import read

    status, out, _ = run(capsys, "grad", "-x^2 + 3x*y", "--json", "--hessian")
    content = json.loads(out)
    assert status == 0
    assert content["parameters"] == ["x", "y"]
    for text in content["gradient"].values():
        read(text)
    assert content["hessian"]["x"]["y"] == "3"


def test_minimize_shows_the_exact_answer_beside_the_descent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, _ = run(
        capsys, "minimize", "(x-3.5)^2-4.5x+10", "--start", "x=0", "--rate", "0.1",
        "--precision", "0.001",
    )  # fmt: skip
    assert status == 0
    assert "x = 23/4 = 5.75" in out


def test_minimize_that_diverges_has_exit_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(
        capsys, "minimize", "(x-3.5)^2-4.5x+10", "--start", "x=9", "--rate", "50", "--json"
    )
    assert status == 1
    assert json.loads(out)["outcome"] == "DIVERGED"


def test_fit_prints_certified_digits(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "fit", "y ~ B0 + B1*x", NORRIS)
    assert status == 0
    assert "1.00211681802" in out
    status, out, _ = run(capsys, "fit", "y ~ B0 + B1*x", NORRIS, "--json")
    assert json.loads(out)["params"]["B1"] == pytest.approx(1.00211681802045, rel=1e-12)


@pytest.mark.parametrize(
    "arguments",
    [
        ("grad", "mean((y - (mx + b))^2"), ("grad", "__import__('os')"), ("grad", "9**9**9**9"),
        ("minimize", "x^2", "--rate", "fast"), ("minimize", "x^2", "--precision", "-1"),
        ("minimize", "x^2", "--start", "x=nan"), ("minimize", "x^2", "--start", "y=1"),
        ("fit", "y ~ m*x", "no_such_file.csv"), ("fit", "y ~ m*x", "/etc/passwd"),
        ("fit", "y ~ m*x", "s3://bucket/x.csv"), ("fit", "y ~ m*q", NORRIS, "--loss", "nope"),
        ("grad", "x^2", "--shape", "x"), ("minimize", "x^2", "--batch", "0"),
        ("demo", "nothing"), ("grad",), ("frobnicate",), ("grad", "x", "--constant", "c"),
    ],
)  # fmt: skip
def test_bad_input_has_exit_status_2_and_no_traceback(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, *arguments)
    assert status == 2
    assert out == ""
    assert err
    assert "Traceback" not in err
    assert "bug in symgd" not in err


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from symgd.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n    pass\n"
        "heavy = {'sympy', 'numpy', 'matplotlib', 'scipy', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_import_symgd_is_light_and_the_doors_are_functions() -> None:
    code = (
        "import sys, symgd\n"
        "assert not {'sympy', 'numpy', 'matplotlib'} & set(sys.modules)\n"
        "import symgd.fit, symgd.minimize, symgd.descend\n"
        "assert callable(symgd.fit) and callable(symgd.minimize) and callable(symgd.descend)\n"
        "assert 'matplotlib' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
