"""The TAB key: commands, options, methods, losses, columns of the file that was typed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from symgd.cli import completers
from symgd.cli.completion import SHELLS, script
from symgd.cli.main import symgd
from tests.cli.commands import ROOT, run


def completed(*words: str) -> list[str]:
    """What is offered for the last word."""
    kind = ShellComplete(symgd, {}, "symgd", "_SYMGD_COMPLETE")
    return [item.value for item in kind.get_completions(list(words[:-1]), words[-1])]


@pytest.fixture
def table(tmp_path: Path) -> str:
    place = tmp_path / "d.csv"
    place.write_text("\ufefftime,count,err\n1,2,3\n")
    return str(place)


def test_commands_and_options() -> None:
    assert completed("m") == ["minimize"]
    assert completed("grad", "x^2", "--he") == ["--hessian", "--help"]
    assert "--subject-to" in completed("minimize", "x^2", "--s")
    assert completed("--color", "n") == ["never"]
    assert completed("completion", "") == list(SHELLS)
    assert "surface" in completed("plot", "s")


def test_values() -> None:
    assert completed("minimize", "x^2", "--method", "l") == ["lbfgs", "lm"]
    assert completed("fit", "y~x", "d.csv", "--loss", "h") == ["huber"]
    assert completed("grad", "x^2", "--code", "") == list(completers.TARGETS)


def test_columns_of_the_file(table: str) -> None:
    assert completed("fit", "y ~ a*time", table, "--sigma", "") == ["time", "count", "err"]
    assert completed("fit", "y ~ a", table, "--rate", "1", "--weights", "c") == ["count"]
    assert completed("fit", "y ~ a", "none.csv", "--weights", "") == []


@pytest.mark.parametrize(
    ("content", "names"),
    [(b"a;b c;d\n", ["a", "b c", "d"]), (b"a\tb\n", ["a", "b"]), (b'"p,q",r\n', ["p,q", "r"]),
     (b"", []), (b"\xff\xfe\x00", []), (b"one\n", ["one"])],
)  # fmt: skip
def test_headers(content: bytes, names: list[str], tmp_path: Path) -> None:
    place = tmp_path / "d.csv"
    place.write_bytes(content)
    assert completers.header(str(place)) == names
    assert completers.header(str(tmp_path)) == []


def test_the_names_are_those_of_the_tables() -> None:
    from symgd.check import check_derivation  # noqa: F401  (the doors are there)
    from symgd.compile.backends import BACKENDS
    from symgd.compile.export import TARGETS
    from symgd.derive.steps import LEVELS
    from symgd.fit.losses import LOSSES
    from symgd.methods import METHODS
    from symgd.minimize.choose import ENGINES

    assert set(completers.METHODS) == {*METHODS, *ENGINES} - {"trust"}  # trust is newton
    assert set(completers.LOSSES) == set(LOSSES)
    assert set(completers.TARGETS) == set(TARGETS)
    assert set(completers.LEVELS) == set(LEVELS)
    assert set(BACKENDS) >= set(completers.BACKENDS)


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "completion", shell)
    assert status == 0
    assert f"_SYMGD_COMPLETE={shell}_complete" in out
    assert out.strip() == script(shell).strip()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes(tmp_path: Path, table: str) -> None:
    """The printed script, in a shell, with a command of that name in the path."""
    place = tmp_path / "symgd"
    place.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c '
                     "'from symgd.cli import main; main()' \"$@\"\n")  # fmt: skip
    place.chmod(0o755)
    code = (
        'eval "$(symgd completion bash)"\n'
        f'COMP_WORDS=(symgd fit y~a "{table}" --sigma e); COMP_CWORD=5\n'
        '_symgd_completion symgd; echo "${COMPREPLY[@]}"\n'
    )
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.split() == ["err"], done.stderr


def test_completion_imports_nothing_heavy(table: str) -> None:
    code = (
        "import sys\nfrom symgd.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'sympy', 'numpy', 'scipy', 'matplotlib', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    words = f"symgd fit y~a {table} --sigma "
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "_SYMGD_COMPLETE": "bash_complete",
             "COMP_WORDS": words, "COMP_CWORD": "5", "_C_COMPLETE": "bash_complete"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
