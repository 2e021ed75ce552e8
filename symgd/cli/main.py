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

from symgd import __version__
from symgd.cli.command import colour_option
from symgd.cli.failures import report, usage
from symgd.cli.terminal import chosen, output, write

EXAMPLES = """\b
Examples:
  symgd grad "mean((y-(m*x+b))^2)" --steps
  symgd check "-2*mean(x*(y-(m*x+b)))" --of "mean((y-(m*x+b))^2)" --wrt m
  symgd minimize "(x-3.5)^2-4.5x+10" --start x=0 --rate 0.1 --spark
  symgd explain "(x-3.5)^2-4.5x+10" --start x=9 --rate 50
  symgd fit "y ~ m*x + b" data.csv --plot fit.png
  symgd fit "y ~ a*exp(-k*t)" data.csv --bounds k=0: --json | jq .params
\b
Quote formulas, so that the shell leaves * and ( alone. @FILE reads one from
a file, - from standard input. Each command has its own --help with examples.
"""

COMMANDS = {
    "grad": "symgd.cli.grad",
    "check": "symgd.cli.check",
    "explain": "symgd.cli.explain",
    "minimize": "symgd.cli.solve",
    "fit": "symgd.cli.solve",
    "plot": "symgd.cli.plot",
    "serve": "symgd.cli.serve",
    "demo": "symgd.cli.demo",
    "completion": "symgd.cli.completion",
}
"""Each command and the module that holds it, imported when it is called."""

SUMMARIES = {
    "grad": "The gradient of a formula, with every step.",
    "check": "Is a claimed derivative right, and if not, where and why?",
    "explain": "Stable rates, steps, convexity, closed form: before the first step.",
    "minimize": "The minimum of a formula.",
    "fit": "Fit a model to the columns of a file.",
    "plot": "A picture of a loss with a run on it.",
    "serve": "All of it as a page in the browser, on this computer.",
    "demo": "The textbook jobs, start to end.",
    "completion": "The TAB key completes commands, options, methods and columns.",
}


class Commands(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = import_module(COMMANDS[name])
        command: click.Command = getattr(module, name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, COMMANDS, 1)
            meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(COMMANDS)}"
            raise click.UsageError(f"There is no command {name!r}; {meant}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUMMARIES[name]) for name in COMMANDS])


@click.group(
    cls=Commands,
    epilog=EXAMPLES,
    params=[colour_option()],
    context_settings={"max_content_width": 100},
)
@click.version_option(__version__, prog_name="symgd")
def symgd() -> None:
    """Type a loss. Get its gradient with every step shown and proved, and its minimum."""


INTERRUPTED = 130
TERMINATED = 143
"""Exit statuses of a command that was stopped, by Ctrl-C and by SIGTERM."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command; every outcome is an exit status, never a traceback."""
    before = chosen.set("auto")
    try:
        with stopped_by_sigterm() as received:
            status = _run(arguments)
    finally:
        chosen.reset(before)
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
    except click.exceptions.NoArgsIsHelpError as problem:
        click.echo(problem.format_message(), err=True)
        status = 2
    except click.ClickException as problem:
        usage(problem)
        status = 2
    except SymgdError as problem:
        report(str(problem))
        status = 2
    except (KeyboardInterrupt, click.exceptions.Abort):
        click.echo("interrupted", err=True)
        status = INTERRUPTED
    except BrokenPipeError:
        _no_more_output()
        status = 1
    except OSError as problem:
        place = f": {problem.filename}" if problem.filename else ""
        report(f"{problem.strerror or problem}{place}")
        status = 2
    except Exception as problem:
        report(
            f"{type(problem).__name__}: {problem}\n"
            "This is a bug in symgd. Please report the command you typed together with this line."
        )
        status = 3
    return status if isinstance(status, int) else 0


def _no_more_output() -> None:
    """Standard output goes nowhere from here on: what is still to be flushed cannot fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_json(content: dict[str, Any]) -> None:
    """One JSON object on standard output; escaped where the encoding knows no Unicode."""
    import json

    terminal = output()
    write(json.dumps(content, ensure_ascii=not terminal.unicode, allow_nan=False), terminal)
