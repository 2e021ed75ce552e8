"""The table of commands and what they share: options, errors, exit status."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import Any

import click

EXAMPLES = """\b
Examples:
  symgd grad "mean((y-(m*x+b))^2)" --steps
  symgd check "-2*mean(x*(y-(m*x+b)))" --of "mean((y-(m*x+b))^2)" --wrt m
  symgd minimize "(x-3.5)^2-4.5x+10" --start x=0 --rate 0.1
  symgd fit "y ~ m*x + b" data.csv
  symgd demo
"""

COMMANDS = {
    "grad": "symgd.cli.grad",
    "check": "symgd.cli.check",
    "explain": "symgd.cli.explain",
    "minimize": "symgd.cli.solve",
    "fit": "symgd.cli.solve",
    "plot": "symgd.cli.plot",
    "demo": "symgd.cli.demo",
}
"""Each command and the module that holds it, imported when it is called."""

SUMMARIES = {
    "grad": "The gradient of a formula, with every step.",
    "check": "Is a claimed derivative right, and if not, where and why?",
    "explain": "Stable rates, steps, convexity, closed form: before the first step.",
    "minimize": "The minimum of a formula.",
    "fit": "Fit a model to the columns of a file.",
    "plot": "A picture of a loss with a run on it.",
    "demo": "The textbook jobs, start to end.",
}


FORMULA_FIRST = {"ignore_unknown_options": True, "max_content_width": 100}
"""Settings of a command whose argument may start with a minus sign, such as ``-x^2``."""


class Commands(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[name]), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUMMARIES[name]) for name in COMMANDS])


@click.group(
    cls=Commands,
    epilog=EXAMPLES,
    context_settings={"max_content_width": 100},
)
@click.version_option(package_name="symgd")
def symgd() -> None:
    """Type a loss. Get its gradient with every step shown and proved, and its minimum."""


INTERRUPTED = 130
TERMINATED = 143
"""Exit statuses of a command that was stopped, by Ctrl-C and by SIGTERM."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command; every outcome is an exit status, never a traceback."""
    with stopped_by_sigterm() as received:
        status = _run(arguments)
    sys.exit(TERMINATED if received and status == INTERRUPTED else status)


@contextmanager
def stopped_by_sigterm() -> Iterator[list[int]]:
    """While a command runs, SIGTERM stops it as Ctrl-C does: a descent gives its best point.

    The list holds the signal once it came. A second SIGTERM ends the process at once.
    """
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(arguments: list[str] | None) -> int:
    """Run the command and give its exit status; what went wrong is printed in words."""
    from symgd.errors import SymgdError

    status: Any
    try:
        status = symgd.main(args=arguments, prog_name="symgd", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        status = leaving.exit_code
    except click.ClickException as problem:
        problem.show()
        status = 2
    except SymgdError as problem:
        click.echo(f"error: {problem}", err=True)
        status = 2
    except (KeyboardInterrupt, click.exceptions.Abort):
        click.echo("interrupted", err=True)
        status = INTERRUPTED
    except BrokenPipeError:
        _no_more_output()
        status = 1
    except OSError as problem:
        place = f": {problem.filename}" if problem.filename else ""
        click.echo(f"error: {problem.strerror or problem}{place}", err=True)
        status = 2
    except Exception as problem:
        click.echo(
            f"error: {type(problem).__name__}: {problem}\n"
            "This is a bug in symgd. Please report the command you typed together with this line.",
            err=True,
        )
        status = 3
    return status if isinstance(status, int) else 0


def _no_more_output() -> None:
    """Standard output goes nowhere from here on: what is still to be flushed cannot fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_json(content: dict[str, Any]) -> None:
    """One JSON object on standard output."""
    import json

    click.echo(json.dumps(content, ensure_ascii=False, allow_nan=False))
