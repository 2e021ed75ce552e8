"""What is computed without SymPy does not import it."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest

from symgd.derive.exact_linear import affine, solved
from symgd.formula.problem import read

HEAVY = ("sympy", "scipy", "matplotlib", "llvmlite", "flint", "pandas")
JOBS = {
    "a parabola": "symgd.minimize('(x - 3.5)^2 - 4.5x + 10')",
    "a parabola by gradient descent":
        "symgd.minimize('(x - 3.5)^2 - 4.5x + 10', start={'x': 9}, rate=0.1, precision=1e-3)",
    "three numbers": "symgd.minimize('(x - 3)^2 + 2*(x - y/3)^2 + z^2')",
}  # fmt: skip


@pytest.mark.parametrize("job", JOBS)
def test_a_small_minimum_imports_nothing_heavy(job: str) -> None:
    code = f"""
import sys
import symgd
assert {JOBS[job]}.converged
print(*[name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_command_says_the_exact_answer_without_sympy() -> None:
    code = """
import sys
from symgd.cli.main import main
try:
    main(["minimize", "(x - 3.5)^2 - 4.5x + 10"])
except SystemExit as end:
    assert not end.code
print(*[name for name in ("sympy", "scipy", "matplotlib") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert "x = 23/4 = 5.75" in done.stdout
    assert lines[-1] == ""


@pytest.mark.parametrize(
    ("equations", "names", "wanted"),
    [
        (["2*(x - 3.5) - 4.5"], ["x"], [Fraction(23, 4)]),
        (["x + 2*y - 3", "(x - y)/3 + 1"], ["x", "y"], [Fraction(-1), Fraction(2)]),
        (["y - 1", "x + y"], ["x", "y"], [Fraction(-1), Fraction(1)]),
        (["1/7*x - 0.1"], ["x"], [Fraction(7, 10)]),
    ],
)
def test_linear_equations_are_solved_exactly(
    equations: list[str], names: list[str], wanted: list[Fraction]
) -> None:
    assert solved([read(e).root for e in equations], names) == wanted


@pytest.mark.parametrize(
    ("equations", "names"),
    [
        (["x^2 - 1"], ["x"]),
        (["pi*x - 1"], ["x"]),
        (["x - x"], ["x"]),
        (["x + y - 1", "2*x + 2*y - 2"], ["x", "y"]),
        (["x + k"], ["x"]),
        (["1/x"], ["x"]),
        (["x*y", "y"], ["x", "y"]),
    ],
)
def test_what_is_not_linear_or_has_no_one_solution_is_left(
    equations: list[str], names: list[str]
) -> None:
    assert solved([read(e).root for e in equations], names) is None


def test_the_walk_does_not_recurse() -> None:
    deep = "x" + "".join(f" + {k}*(x - 1)" for k in range(1500))
    found = affine(read(deep).root)
    assert found is not None
    assert found["x"] == 1 + sum(range(1500))
