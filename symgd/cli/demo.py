"""``symgd demo``: the textbook jobs, one after the other."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from time import perf_counter

import click

from symgd.cli.command import Command
from symgd.cli.completers import Names

LESSONS = {
    "norris": "A line through certified data: our digits beside NIST's",
    "batch_descent": "Batch gradient descent: a fixed rate, then a decaying one",
    "mini_batches": "Mini-batches of 16, with one feature and with three",
    "parabola": "A parabola: every update, rates compared, and one that explodes",
    "chain_rule": "The chain rule in words for dMSE/dm and dMSE/db",
    "descent_logs": "Descent and stochastic descent, with their logs",
    "loss_surface": "The loss over (w, b), and descent row by row",
}
"""The example scripts in order, and what each shows."""


@click.command(cls=Command)
@click.argument("lessons", nargs=-1, shell_complete=Names(*LESSONS))
def demo(lessons: tuple[str, ...]) -> int:
    """Run the LESSONS (all of them if none is named) and say what each showed.

    \b
    symgd demo
    symgd demo norris parabola
    """
    from symgd.errors import OptionError

    for name in lessons:
        if name not in LESSONS:
            raise OptionError(f"there is no lesson {name!r}; there are {', '.join(LESSONS)}")
    folder = examples_folder()
    began = perf_counter()
    for name in lessons or LESSONS:
        click.echo(f"\n== {LESSONS[name]}  ({name}.py)")
        runpy.run_path(str(folder / f"{name}.py"), run_name="__main__")
    sys.stdout.flush()
    count = len(lessons or LESSONS)
    plural = "s" if count != 1 else ""
    click.echo(f"\n{count} lesson{plural} in {perf_counter() - began:.1f} s")
    return 0


def examples_folder() -> Path:
    """Where the example scripts are: in the installed package, or beside it in a checkout."""
    from symgd.errors import DataError

    package = Path(__file__).resolve().parents[1]
    for folder in (package / "examples", package.parent / "examples"):
        if (folder / "norris.py").is_file():
            return folder
    raise DataError("the examples are not installed with this copy of symgd")
