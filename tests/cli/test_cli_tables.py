"""Tables on a terminal hold the numbers of the plain report; a pipe gets the plain report."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

import symgd
from tests.cli.commands import NORRIS, ROOT, run

ESCAPE = "\x1b"
LINE = ("fit", "y ~ B0 + B1*x", NORRIS)
COMMANDS = {
    "fit": LINE,
    "minimize": ("minimize", "(x-3.5)^2-4.5x+10", "--start", "x=0", "--rate", "0.1", "--spark"),
    "grad": ("grad", "mean((y-(m*x+b))^2)", "--steps", "--hessian", "--certificate", "--backprop"),
    "check": ("check", "2*mean(x*(y-(m*x+b)))", "--of", "mean((y-(m*x+b))^2)", "--wrt", "m"),
    "explain": ("explain", "(x-3.5)^2-4.5x+10", "--start", "x=9", "--rate", "50"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def words(text: str) -> list[str]:
    """Names and numbers without the frame around them."""
    return re.findall(r"[\w.+-]*\w", plain(text))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_pipe_gets_plain_text(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, *COMMANDS[name])
    assert ESCAPE not in out
    assert out == run(capsys, *COMMANDS[name], "--color", "never")[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_colour_can_be_forced_before_and_after_the_command(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, coloured, _ = run(capsys, *COMMANDS[name], "--color", "always")
    assert ESCAPE in coloured
    assert (status, coloured) == run(capsys, "--color", "always", *COMMANDS[name])[:2]
    assert run(capsys, *COMMANDS[name])[0] == status


@pytest.mark.parametrize("columns", [40, 60, 80, 110])
@pytest.mark.parametrize("name", COMMANDS)
def test_tables_fit_the_terminal(
    name: str, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    _, out, _ = run(capsys, *COMMANDS[name], "--color", "always")
    shown = [line for line in plain(out).split("\n") if "┤" not in line]
    if name != "grad":  # the backpropagation table keeps its columns
        assert max(map(len, shown)) <= columns


def test_a_fit_has_the_numbers_of_its_report(capsys: pytest.CaptureFixture[str]) -> None:
    fitted = symgd.fit("y ~ B0 + B1*x", NORRIS)
    _, out, _ = run(capsys, *LINE, "--color", "always")
    missing = set(words(fitted.report())) - set(words(out)) - {"value", "by", "steps", "R"}
    assert not missing
    assert "1.00211681802" in plain(out)
    low, high = fitted.confidence(0.95)["B1"]
    assert f"{low:.6g} to {high:.6g}" in plain(out)


def test_a_narrow_fit_keeps_values_and_errors(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "44")
    _, out, _ = run(capsys, *LINE, "--color", "always")
    assert re.search(r"B1 +1\.002117 +0\.00043 ", plain(out))


def test_names_with_brackets_survive(capsys: pytest.CaptureFixture[str]) -> None:
    formula = "(w[0] - 1)^2 + (w[1] + 2)^2"
    _, out, _ = run(capsys, "minimize", formula, "--shapes", "w:2", "--color", "always")
    assert "w[0]" in plain(out)
    assert "w[1]" in plain(out)
    _, _, err = run(capsys, "grad", "x[i]**2 + [/red", "--color", "always")
    assert "x[i]**2 + [/red" in plain(err)


def test_a_derivation_says_the_same_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    steps = symgd.gradient("mean((y-(m*x+b))^2)").steps("m")
    _, out, _ = run(capsys, "grad", "mean((y-(m*x+b))^2)", "--wrt", "m", "--steps",
                    "--color", "always")  # fmt: skip
    told = " ".join(plain(out).split())
    for step in steps:
        assert step.shown("pretty") in told
        assert step.rule in told
    for line in steps.proof:
        assert line in told


@pytest.mark.parametrize("name", COMMANDS)
def test_an_ascii_terminal_gets_ascii(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "C")
    for colour in ("always", "never"):
        _, out, err = run(capsys, *COMMANDS[name], "--color", colour)
        assert out.isascii()
        assert err.isascii()


def test_json_is_ascii_where_unicode_does_not_arrive(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, wide, _ = run(capsys, "grad", "(θ - 3)^2", "--json")
    monkeypatch.setenv("LC_ALL", "C")
    _, narrow, _ = run(capsys, "grad", "(θ - 3)^2", "--json")
    assert narrow.isascii()
    assert json.loads(narrow) == json.loads(wide)


@pytest.mark.parametrize(
    ("encoding", "locale"), [("ascii", "C.UTF-8"), ("utf-8", "C"), ("latin-1", "C.UTF-8")]
)
def test_a_process_with_a_poor_encoding_prints(encoding: str, locale: str) -> None:
    import os

    done = subprocess.run(
        [sys.executable, "-m", "symgd", "grad", "mean((y-θ*x)^2)", "--steps"],
        capture_output=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding, "LANG": locale},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode("ascii")
    assert b"theta" in done.stdout


def test_rich_is_imported_only_for_a_terminal() -> None:
    code = (
        "import sys\n"
        "from symgd.cli import main\n"
        "def run(*arguments):\n"
        "    try:\n        main(list(arguments))\n"
        "    except SystemExit as leaving:\n        print(leaving.code)\n"
        "run('minimize', '(x-3)^2')\n"
        "run('grad', 'x^2', '--steps')\n"
        "run('grad', 'x^')\n"
        "assert 'rich' not in sys.modules\n"
        "assert 'matplotlib' not in sys.modules\n"
        "run('grad', 'x^2', '--color', 'always')\n"
        "assert 'rich' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
