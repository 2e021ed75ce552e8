"""The options that ``minimize`` and ``fit`` share, under the names of the Python doors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from symgd.cli import completers as tab

Decorator = Callable[[Any], Any]


def path_option(*names: str, help: str, metavar: str = "FILE") -> Decorator:
    """An option that takes a file; the shell completes it."""
    return click.option(*names, metavar=metavar, help=help, shell_complete=tab.files)


def declared_options() -> list[Decorator]:
    """What the names of a formula are: shapes and numbers."""
    return [
        click.option("--shapes", "--shape", "shape", multiple=True, metavar="X:n,p",
                     help="The shape of a name."),
        click.option("--constants", "--constant", "constant", multiple=True, metavar="c=1",
                     help="Names that are numbers."),
    ]  # fmt: skip


def missing_option() -> Decorator:
    """What to do about missing cells."""
    return click.option(
        "--missing", default="refuse", show_default=True, metavar="refuse|drop",
        help="Rows with a missing cell.", shell_complete=tab.Names(*tab.MISSING),
    )  # fmt: skip


def _how() -> list[Decorator]:
    """Which method, from where, with which rate."""
    return [
        click.option("--start", multiple=True, metavar="x=0,y=1",
                     help="Start; or 'random'. Left out: chosen and said."),
        click.option("--method", metavar="NAME", shell_complete=tab.Names(*tab.METHODS),
                     help="gd, momentum, nesterov, adagrad, rmsprop, adam, adamw, or exact, lm, "
                     "newton, lbfgs, kinks (chosen by the structure of the loss if left out), or "
                     'a rule such as "v = 0.9*v + g; theta = theta - eta*v".'),
        click.option("--rate", metavar="R", help="Learning rate, or a schedule in t."),
        click.option("--schedule", metavar="F", help='The rate as a formula in t: "5/(t+1000)".'),
        click.option("--batch", type=int, help="Rows per update."),
        click.option("--replace", is_flag=True, help="Draw the rows with replacement."),
        click.option("--seed", type=int, help="Seed of whatever is random."),
        click.option("--bounds", "--bound", "bound", multiple=True, metavar="k=0:,b=-1:1",
                     help="Bounds of a parameter, low:high; one may be left out."),
        click.option("--subject-to", multiple=True, metavar="'a + b = 1'", help="Constraints."),
        click.option("--starts", type=int, help="So many starts; their minima are listed."),
        click.option("--backend", default="auto", show_default=True, metavar="NAME",
                     shell_complete=tab.Names(*tab.BACKENDS), help="What computes."),
    ]  # fmt: skip


def _until() -> list[Decorator]:
    """When a run ends."""
    return [
        click.option("--precision", default="auto", show_default=True,
                     help="Largest error allowed in any parameter; 'none' runs all steps, "
                     "'auto' is 1e-6 (of each parameter's size for methods without a rate)."),
        click.option("--stop", default="error", show_default=True, metavar="error|step",
                     shell_complete=tab.Names(*tab.STOPS),
                     help="'step' is the textbook test |x - last_x| < precision."),
        click.option("--steps", type=int, help="At most so many updates."),
        click.option("--epochs", type=int, help="At most so many passes over the data."),
        click.option("--time-limit", type=float, metavar="SECONDS", help="At most so long."),
    ]  # fmt: skip


def _shown() -> list[Decorator]:
    """What is shown and written."""
    return [
        click.option("--log", is_flag=True, help="Print every recorded step."),
        click.option("--spark", is_flag=True, help="Draw the course of the loss in the terminal."),
        click.option("--live", is_flag=True, help="A window that follows the run."),
        path_option("--plot", help="Write a picture: png, svg, pdf, gif, mp4 or html."),
        path_option("--history", metavar="FILE.csv|.json", help="Write every recorded step."),
        path_option("--save", metavar="RUN.json", help="Write the run, so that it can go on."),
        path_option("--resume", metavar="RUN.json",
                    help="Go on with a saved run, bit by bit: --steps further ones."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
    ]  # fmt: skip


def applied(options: list[Decorator]) -> Decorator:
    """One decorator for a list of options, in their order."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def declared(command: Any) -> Any:
    """Adds ``--shapes`` and ``--constants`` to a command."""
    return applied(declared_options())(command)


def solver_options(command: Any) -> Any:
    """Adds the options of a run to a command."""
    every = [*_how(), *_until(), *declared_options(), missing_option(), *_shown()]
    return applied(every)(command)


def block_options(command: Any) -> Any:
    """Adds the options of data that are taken block by block (docs/scale.md)."""
    engine = click.option("--engine", metavar="NAME", shell_complete=tab.Names("dask", "local"),
                          help="'dask': a cluster.")  # fmt: skip
    return applied([
        engine,
        click.option("--scheduler", metavar="ADDRESS",
                     help="Of the cluster, such as tcp://host:8786."),
        click.option("--memory", metavar="SIZE",
                     help="Rows are read in blocks beyond it, such as 2GB."),
    ])(command)  # fmt: skip
