"""What the other end of a stream can show: colour, Unicode, a width; and writing to it.

A stream that is no terminal gets plain text. ``--color`` decides first, then ``NO_COLOR``
(https://no-color.org), then ``FORCE_COLOR``, then whether the stream is a terminal. A locale ``C``
and an encoding without Unicode get ASCII. rich is imported when something is drawn with it.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TextIO

import click

CHOICES = ("auto", "always", "never")
WIDEST = 110
_WIDTH = 100
_ENDING = re.compile(r"(?: |\x1b\[[0-9;]*m)+$")
_RESET = "\x1b[0m"
_PROBE = "Σᵢ²∂█─"
_PLAIN_LOCALES = ("C", "POSIX")

chosen: ContextVar[str] = ContextVar("chosen", default="auto")
"""What ``--color`` said."""


@dataclass(frozen=True)
class Terminal:
    """What a stream can show.

    ``drawn`` says that tables may be laid out (else plain text), ``colour`` that they may be
    coloured, ``unicode`` that signs beyond ASCII arrive, ``width`` is in columns.
    """

    drawn: bool
    colour: bool
    unicode: bool
    width: int


def terminal_of(stream: TextIO, environment: Mapping[str, str] | None = None) -> Terminal:
    """What ``stream`` can show in this environment.

    >>> terminal_of(io.StringIO(), {"LC_ALL": "C.UTF-8"}).drawn
    False
    >>> found = terminal_of(io.StringIO(), {"FORCE_COLOR": "1", "COLUMNS": "60", "LANG": "C"})
    >>> found.drawn, found.colour, found.unicode, found.width
    (True, True, False, 60)
    """
    known = os.environ if environment is None else environment
    tty = stream.isatty() and known.get("TERM") != "dumb"
    choice, forced = chosen.get(), known.get("FORCE_COLOR", "") not in ("", "0")
    if choice == "auto":
        colour = not known.get("NO_COLOR") and (tty or forced)
    else:
        colour = choice == "always"
    return Terminal(tty or colour, colour, _knows_unicode(stream, known), _width(known))


def _knows_unicode(stream: TextIO, known: Mapping[str, str]) -> bool:
    """Whether the encoding and the locale allow signs beyond ASCII."""
    try:
        _PROBE.encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    if known.get("LC_ALL"):
        return known["LC_ALL"] not in _PLAIN_LOCALES
    if known.get("LANG") in _PLAIN_LOCALES:
        # Python itself sets LC_CTYPE to C.UTF-8 in the locale C (PEP 538).
        return known.get("LC_CTYPE", "C.UTF-8") not in ("C.UTF-8", *_PLAIN_LOCALES)
    return known.get("LC_CTYPE") not in _PLAIN_LOCALES


def _width(known: Mapping[str, str]) -> int:
    """The columns of the terminal, at most as many as are pleasant to read."""
    given = known.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return max(20, min(WIDEST, int(given)))
    return max(20, min(WIDEST, _columns()))


def _columns() -> int:
    """The columns of the terminal behind a standard stream, if there is one."""
    for stream in (1, 2, 0):
        try:
            return os.get_terminal_size(stream).columns or _WIDTH
        except OSError:
            continue
    return _WIDTH


def output() -> Terminal:
    """What standard output can show."""
    return terminal_of(sys.stdout)


def say(text: str, kind: str = "", result: Any = None) -> None:
    """Write ``text`` to standard output; on a terminal the drawing of ``result`` instead.

    ``kind`` names one of the drawings of :mod:`symgd.cli.drawings`; rich comes with it.
    """
    terminal = output()
    if kind and terminal.drawn:
        from symgd.cli.drawings import DRAWINGS

        text = rendered(DRAWINGS[kind](result, terminal), terminal)
    write(text, terminal)


def write(text: str, terminal: Terminal | None = None, *, newline: bool = True) -> None:
    """Write text as it is, in ASCII where the terminal knows no more."""
    known = output() if terminal is None else terminal
    click.echo(fitting(text, known), nl=newline, color=True)


def fitting(text: str, terminal: Terminal) -> str:
    """Text that the terminal can show: in ASCII if need be, and without lone surrogates."""
    if text.isascii():
        return text
    if terminal.unicode:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    from symgd.cli.plain import ascii_of

    return ascii_of(text)


def rendered(drawing: Any, terminal: Terminal) -> str:
    """A drawing of rich as text with escape codes, or without where there is no colour."""
    from rich.console import Console

    page = io.StringIO()
    console = Console(
        file=page, width=terminal.width, force_terminal=terminal.colour, markup=False,
        color_system="standard" if terminal.colour else None, highlight=False, emoji=False,
        legacy_windows=False, no_color=not terminal.colour, _environ={},
    )  # fmt: skip
    console.print(drawing)
    lines = page.getvalue().rstrip("\n").split("\n")
    return "\n".join(_ENDING.sub(_ended, line) for line in lines)


def _ended(end: re.Match[str]) -> str:
    """The end of a line without its spaces."""
    return _RESET if _RESET in end.group() else ""
