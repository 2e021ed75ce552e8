r"""Are the tests sharp? Plants small mistakes into the core and counts which ones they find.

    python tests/mutation/run.py --sample 30 --seed 1          30 mutants of every module
    python tests/mutation/run.py --only derive.rules           all mutants of one module

A mutant is a module with one change (:mod:`mutants`). It is killed if a test of its module
fails, or if the tests use several times the processor time that they use without it: then it
loops. (The clock of the wall would count a busy machine as a find.) Every mutant runs in a child
process of its own, in memory: no file is changed. The survivors are printed with their lines;
those that are known, and why they live, stand in ``survivors.md``.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.machinery
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(ROOT))
from mutants import Mutant, count, mutant  # noqa: E402

FORMULAS = (
    "tests/formula/test_formula_ambiguous_names.py", "tests/formula/test_formula_parser.py",
    "tests/formula/test_formula_printer.py", "tests/formula/test_formula_refusals.py",
    "tests/formula/test_formula_survivors.py", "tests/reliability/test_reading_repairs.py",
)  # fmt: skip
STOPPING = (
    "tests/descend/test_descend_survivors.py", "tests/descend/test_descend_examinations.py",
    "tests/descend/test_descend_certify.py",
    "tests/descend/test_descend_stop.py", "tests/solve/test_solve_outcomes.py",
)  # fmt: skip
DERIVING = (
    "tests/derive/test_derive_rules.py", "tests/derive/test_derive_sweep.py",
    "tests/derive/test_derive_survivors.py", "tests/derive/test_derive_second.py",
    "tests/derive/test_derive_cases.py", "tests/steps/test_steps_told.py",
)  # fmt: skip
JUDGING = (
    "tests/check/test_check_verdict_words.py", "tests/check/test_check_claims.py",
    "tests/check/test_check_identity.py", "tests/check/test_check_lines.py",
)  # fmt: skip
TARGETS: dict[str, tuple[str, ...]] = {
    "derive.rules": DERIVING,
    "derive.sweep": DERIVING,
    "descend.stop": (*STOPPING, "tests/speed/test_leaps.py"),
    "descend.certify": STOPPING,
    "formula.parser": FORMULAS,
    "formula.cursor": FORMULAS,
    "formula.operators": FORMULAS,
    "formula.forms": FORMULAS,
    "check.verdict": JUDGING,
    "check.judge": JUDGING,
}
"""Each module and the tests that know it best, the quickest first."""

KILLED, SURVIVED, TIMED_OUT = "killed", "survived", "killed (too slow)"


@dataclass(frozen=True)
class Fate:
    """What became of one mutant."""

    module: str
    mutant: Mutant
    outcome: str
    seconds: float

    def __str__(self) -> str:
        place = f"symgd/{self.module.replace('.', '/')}.py:{self.mutant.line}"
        return f"{self.outcome:18} {place}: {self.mutant.change} ({self.seconds:.0f} s)"


class _Planted(importlib.abc.MetaPathFinder):
    """Imports one module from a changed tree."""

    def __init__(self, name: str, code: CodeType) -> None:
        self.name, self.code = name, code

    def find_spec(
        self, name: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.name:
            return None
        place = ROOT.joinpath(*name.split(".")).with_suffix(".py")
        loader = importlib.machinery.SourceFileLoader(name, str(place))
        loader.get_code = lambda fullname: self.code  # type: ignore[method-assign, assignment]
        return importlib.machinery.ModuleSpec(name, loader, origin=str(place))


def with_mutant(name: str, tree: ast.Module, act: Callable[[], int]) -> int:
    """What ``act`` returns while module ``name`` is imported from ``tree``."""
    sys.meta_path.insert(0, _Planted(name, compile(tree, f"<mutant of {name}>", "exec")))
    return act()


def tests_pass(paths: Sequence[str]) -> int:
    """0 if every quick test in ``paths`` passes, else 1."""
    import pytest

    options = ["-q", "-x", "--assert=plain"]  # plain: no rewriting of the tests, quicker
    options += [f"-pno:{plugin}" for plugin in ("cacheprovider", "xdist", "cov")]
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    os.chdir(ROOT)
    found = pytest.main([*options, "-m", "not slow", *paths])
    return 0 if found == pytest.ExitCode.OK else 1


def in_child(act: Callable[[], int], seconds: int) -> tuple[str, float]:
    """Run ``act`` in a forked process of its own; also: the processor time that it used.

    It is ended after ``seconds`` of processor time, and after 30 times as long by the clock.
    """
    before = _children_time()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setpgid(0, 0)
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
            status = act()
        finally:
            os._exit(status)
    code = _waited(child, 30 * seconds)
    used = _children_time() - before
    if code is None or code == -signal.SIGXCPU:
        return TIMED_OUT, used
    return (SURVIVED if code == 0 else KILLED), used


def _waited(child: int, seconds: float) -> int | None:
    """The exit code of a child, or None if it had to be ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _children_time() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def fate(module: str, changed: Mutant, seconds: int) -> Fate:
    """Run the tests of a module on one of its mutants."""
    act: Callable[[], int] = lambda: with_mutant(  # noqa: E731
        f"symgd.{module}", changed.tree, lambda: tests_pass(TARGETS[module])
    )
    return Fate(module, changed, *in_child(act, seconds))


def warm_up() -> None:
    """Import what every child needs, but nothing of symgd."""
    import hypothesis  # noqa: F401
    import mpmath  # noqa: F401
    import numpy  # noqa: F401
    import pytest  # noqa: F401
    import scipy.optimize  # noqa: F401
    import sympy  # noqa: F401


def numbers(module: str, sample: int | None, seed: int) -> tuple[ast.Module, list[int]]:
    """The tree of a module and which of its mutants are to be run."""
    place = ROOT.joinpath("symgd", *module.split(".")).with_suffix(".py")
    tree = ast.parse(place.read_text(encoding="utf-8"))
    every = range(count(tree))
    if sample is None or sample >= len(every):
        return tree, list(every)
    return tree, sorted(random.Random(f"{seed} {module}").sample(every, sample))


def examine(module: str, given: argparse.Namespace) -> list[Fate]:
    """The fates of the mutants of one module, printed as they come."""
    outcome, seconds = in_child(lambda: tests_pass(TARGETS[module]), 3600)
    if outcome != SURVIVED:
        raise SystemExit(f"the tests of {module} fail without any mutant")
    tree, chosen = numbers(module, given.sample, given.seed)
    chosen = given.number or chosen
    print(f"{module}: {len(chosen)} of {count(tree)} mutants, tests {seconds:.0f} s", flush=True)
    fates = []
    for number in chosen:
        fates.append(fate(module, mutant(tree, number), int(10 + given.factor * seconds)))
        if fates[-1].outcome != KILLED:
            print(f"  #{number} {fates[-1]}", flush=True)
    dead = sum(f.outcome != SURVIVED for f in fates)
    print(f"{module}: {dead} of {len(fates)} killed", flush=True)
    return fates


def main() -> int:
    parser = argparse.ArgumentParser(description="Plants mistakes and looks who finds them.")
    parser.add_argument("--sample", type=int, default=None, help="mutants of each module")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--number", type=int, action="append", help="this mutant, as printed")
    parser.add_argument("--only", choices=TARGETS, action="append")
    parser.add_argument(
        "--factor", type=float, default=4.0, help="time limit over usual processor time"
    )
    given = parser.parse_args()
    warm_up()
    fates = [
        f for module in given.only or TARGETS for f in examine(module, given)
    ]  # fmt: skip
    dead = sum(f.outcome != SURVIVED for f in fates)
    print(f"{dead} of {len(fates)} mutants killed ({dead / max(1, len(fates)):.1%})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
