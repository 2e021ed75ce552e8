"""Errors on standard error: the reason, the place with a caret, the remedy; coloured if wanted.

What the user gave is text and stays as it is: ``x[i]`` is no markup here.

>>> print(painted("a bracket is not closed\\n  (x\\n  ^\\nhint: close it", 80, colour=False))
error: a bracket is not closed
  (x
  ^
hint: close it
"""

from __future__ import annotations

import re
import sys

import click

from symgd.cli.terminal import fitting, terminal_of

_CARETS = re.compile(r" +\^+$")
_LABEL = re.compile(r"(hint|note|try): ")


def report(message: str) -> None:
    """Write an error to standard error."""
    terminal = terminal_of(sys.stderr)
    text = painted(message, terminal.width, terminal.colour, crop=terminal.drawn)
    click.echo(fitting(text, terminal), err=True, color=terminal.colour)


def usage(problem: click.ClickException) -> None:
    """Write an error in the use of the command, and how to get help."""
    message = problem.format_message()
    if isinstance(problem, click.UsageError) and problem.ctx is not None:
        message = message.rstrip(".") + f"\ntry: {problem.ctx.command_path} --help"
    report(message)


def painted(message: str, width: int, colour: bool, crop: bool = False) -> str:
    """The message with its label, its caret and its hint in colour."""
    lines = (message or "no reason is known").split("\n")
    if crop:
        lines = _cropped(lines, width)
    first = click.style("error", fg="red", bold=True) if colour else "error"
    shown = [f"{first}: {lines[0]}"]
    shown += [_line(line) if colour else line for line in lines[1:]]
    return "\n".join(shown)


def _line(line: str) -> str:
    if _CARETS.fullmatch(line):
        return click.style(line, fg="red", bold=True)
    label = _LABEL.match(line)
    if label:
        return click.style(label.group(1), fg="green", bold=True) + line[label.end(1) :]
    return line


def _cropped(lines: list[str], width: int) -> list[str]:
    """A line with a caret below it that does not fit is cut around the caret."""
    found = list(lines)
    for k in range(1, len(found)):
        above, carets = found[k - 1], found[k]
        if not _CARETS.fullmatch(carets) or len(above) <= width:
            continue
        column = len(carets) - len(carets.lstrip())
        room = width - 4
        left = max(2, min(column - room // 2, len(above) - room))
        mark = len(carets.lstrip())
        found[k - 1] = "  " + _ends_marked(above[left : left + room], left > 2,
                                           left + room < len(above))  # fmt: skip
        found[k] = " " * (column - left + 2) + "^" * max(1, min(mark, left + room - column))
    return found


def _ends_marked(text: str, before: bool, after: bool) -> str:
    text = "…" + text[1:] if before else text
    return text[:-1] + "…" if after else text
