"""The mutation runner makes the mutants it says it makes, and sees who survives."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import mutants as made  # noqa: E402
import run  # noqa: E402


def changes(source: str) -> list[str]:
    return [m.change for m in made.mutants(ast.parse(source))]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", ["a < b becomes a <= b", "a < b becomes a >= b"]),
        ("a is None", ["a is None becomes a is not None"]),
        ("a + b", ["a + b becomes a - b"]),
        ("a and b", ["a and b becomes a or b"]),
        ("not a", ["not a becomes a"]),
        ("-a", ["-a becomes a"]),
        ("a = True", ["True becomes False"]),
        ("a = 0.0", ["0.0 becomes 1.0"]),
        ("a: int = 3", ["3 becomes 4", "3 becomes 2"]),
        ("a += b", ["a += b becomes pass"]),
        ("f(a)", ["f(a) becomes pass"]),
        ("raise a", ["raise a becomes pass"]),
        ("def f():\n    return a", ["return a becomes return None"]),
        ("def f():\n    return None", []),
        ("'words'\nimport a\nfrom b import c", []),
        ("if TYPE_CHECKING:\n    f(a)", []),
        ("@dataclass(frozen=True)\nclass A:\n    'words'\n    b: int", []),
    ],
)
def test_the_mutants_of_a_line(source: str, expected: list[str]) -> None:
    assert changes(source) == expected
    assert made.count(ast.parse(source)) == len(expected)


def test_a_mutant_differs_in_one_place_and_runs() -> None:
    tree = ast.parse("def f(a):\n    if a > 1:\n        return a * 2\n    return -a\n")
    before = ast.unparse(tree)
    seen = {ast.unparse(m.tree) for m in made.mutants(tree)}
    assert len(seen) == made.count(tree)
    assert before not in seen
    assert ast.unparse(tree) == before
    for source in seen:
        compile(source, "mutant", "exec")


def test_every_target_and_its_tests_are_there() -> None:
    for module, paths in run.TARGETS.items():
        assert run.ROOT.joinpath("symgd", *module.split(".")).with_suffix(".py").is_file()
        for path in paths:
            assert (run.ROOT / path).exists()


@pytest.mark.skipif(os.name != "posix", reason="the runner forks")
def test_a_child_passes_fails_or_is_killed() -> None:
    def endless() -> int:
        while True:
            pass

    assert run.in_child(lambda: 0, 10)[0] == run.SURVIVED
    assert run.in_child(lambda: 1, 10)[0] == run.KILLED
    assert run.in_child(endless, 1)[0] == run.TIMED_OUT


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the runner forks")
def test_a_sample_of_the_verdict_is_killed() -> None:
    command = [sys.executable, str(HERE / "run.py"), "--only", "check.verdict"]
    done = subprocess.run(
        [*command, "--sample", "8", "--seed", "2"],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "8 of 8 mutants killed" in done.stdout, done.stdout
