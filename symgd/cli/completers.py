"""What the TAB key may put in: names of methods and losses, columns of the file, files.

The names are written down here, so that a key press imports nothing heavy; a test compares
them with the tables they come from.
"""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import CompletionItem

METHODS = (
    "adagrad", "adam", "adamw", "gd", "momentum", "nesterov", "rmsprop",
    "exact", "kinks", "lbfgs", "lm", "newton",
)  # fmt: skip
LOSSES = ("mse", "sse", "mae", "huber", "logistic", "poisson")
TARGETS = ("numpy", "jax", "torch", "c", "julia", "latex")
LEVELS = ("brief", "normal", "every")
FORMATS = ("auto", "text", "latex")
THEMES = ("light", "dark")
STOPS = ("error", "step")
MISSING = ("refuse", "drop")
BACKENDS = ("auto", "native", "numpy", "jax", "torch")
_TEXT = (".csv", ".tsv", ".txt")
_MAX_HEADER = 100_000
_MAX_COMMENTS = 200


class Names:
    """Completes one of a few names: a value for ``shell_complete``."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def __call__(
        self, context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(name) for name in self.names if name.startswith(incomplete)]


def columns(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The columns of the data file that was typed before; the last of a list with commas."""
    before, comma, last = incomplete.rpartition(",")
    names = [name for given in _files(context) for name in header(given)]
    return [CompletionItem(before + comma + n) for n in dict.fromkeys(names) if n.startswith(last)]


def files(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Files of the folder: the shell finds them."""
    return [CompletionItem(incomplete, type="file")]


def _files(context: click.Context) -> list[str]:
    given: list[str] = []
    for name in ("table", "files"):
        value: Any = context.params.get(name)
        given += [value] if isinstance(value, str) else list(value or ())
    return given


def header(path: str) -> list[str]:
    """The names in the first line of a text file that is no comment; nothing if it is unread."""
    import csv
    from pathlib import Path

    file = Path(path)
    if file.suffix.lower() not in _TEXT:
        return []
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            lines = (opened.readline(_MAX_HEADER) for _ in range(_MAX_COMMENTS))
            first = next((line for line in lines if line.strip() and line[0] != "#"), "")
    except (OSError, UnicodeDecodeError):
        return []
    mark = max(",;\t", key=first.count)
    names = next(csv.reader([first.strip()], delimiter=mark), [])
    return [name.strip() for name in names if name.strip()]
