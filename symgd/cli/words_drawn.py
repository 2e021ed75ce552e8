"""Verdicts, diagnoses and plain reports for a terminal: words that wrap below themselves."""

from __future__ import annotations

import re
from typing import Any

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from symgd.cli.tables import NAME, OTHER, QUIET, listing, text
from symgd.cli.terminal import Terminal

VERDICTS = {"equal": "bold green", "right": "bold green", "wrong": "bold red"}
_COLUMN = re.compile(r"\S {2,}")


def verdict(found: Any, terminal: Terminal) -> Table:
    """A verdict with its reason, the right derivative and a point that shows it."""
    word, lines = found.verdict, str(found).split("\n")
    body = [text(lines[0][len(word) :].lstrip())]
    body += [
        text(line.strip(), "" if line.lstrip().startswith("right:") else QUIET)
        for line in lines[1:]
    ]
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(text(word, VERDICTS.get(word, OTHER)), Group(*body))
    return table


def judged(report: Any, terminal: Terminal) -> Group:
    """A derivation, line by line, with what was found of each."""
    parts: list[Any] = [text(report.reading, QUIET)] if report.reading else []
    for line in report:
        said = str(line).split("\n")
        parts.append(hanging(said[0], "bold"))
        parts += [hanging(words, _judgement(line)) for words in said[1:]]
    last = str(report).rsplit("\n", 1)[-1]
    return Group(*parts, text(last, VERDICTS["right"] if report.ok else VERDICTS["wrong"]))


def _judgement(line: Any) -> str:
    if not line.ok and line.verdict.verdict in ("wrong", "proportional"):
        return VERDICTS.get(line.verdict.verdict, OTHER).removeprefix("bold ")
    return QUIET


def diagnosis(found: Any, terminal: Terminal) -> Padding:
    """Topics with their sentences."""
    sections = found.sections()
    return listing(((text(t, NAME), text("\n".join(lines))) for t, lines in sections), 0)


def lines(words: str, terminal: Terminal) -> Group:
    """Lines of text that wrap below where their last column begins."""
    return Group(*(hanging(line) for line in words.split("\n")))


def hanging(line: str, style: str = "") -> Any:
    """A line whose further parts are indented as its words are."""
    gaps = [gap.end() for gap in _COLUMN.finditer(line)]
    begin = gaps[-1] if gaps else len(line) - len(line.lstrip())
    if not 0 < begin <= 40:
        return Text(line, style=style, overflow="fold")
    table = Table.grid()
    table.add_column(no_wrap=True, width=begin)
    table.add_column(overflow="fold")
    table.add_row(Text(line[:begin], style=style), text(line[begin:], style))
    return table
