"""Results as tables for a terminal, laid out with rich; what the user named stays as it is.

Every cell is a ``Text``: markup such as ``x[i]`` is text and no style.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from symgd.cli.terminal import Terminal

OUTCOMES = {
    "CONVERGED": "bold green",
    "PRECISION_LIMIT": "bold green",
    "DIVERGED": "bold red",
    "UNBOUNDED": "bold red",
    "LEFT_DOMAIN": "bold red",
}
OTHER = "bold yellow"
QUIET = "bright_black"
NAME = "bold cyan"
SHOWN = 40
SHORT = 50


def text(words: str, style: str = "") -> Text:
    """Words that wrap at spaces."""
    return Text(words, style=style, overflow="fold")


def listing(rows: Iterable[tuple[Text, Text]], indent: int = 2) -> Padding:
    """Two columns: names, and what belongs to them, which wraps."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return Padding(table, (0, 0, 0, indent))


def columns(headers: Sequence[str], rows: Iterable[Sequence[Text]], right: Sequence[bool]) -> Table:
    """A table with a line below its headers."""
    from rich import box

    table = Table(box=box.SIMPLE_HEAD, header_style=QUIET, pad_edge=False, padding=(0, 1))
    for header, to_right in zip(headers, right, strict=True):
        table.add_column(
            text(header), justify="right" if to_right else "left", overflow="fold",
            no_wrap=to_right,
        )  # fmt: skip
    for row in rows:
        table.add_row(*row)
    return table


def solution(found: Any, terminal: Terminal) -> Group:
    """The answer of a run: outcome, parameters, how good it is, the advice."""
    return Group(head(found), _parameters(found), text(found.message), *_cause(found))


def head(found: Any) -> Text:
    """How a run ended, in colour."""
    name = found.outcome.name
    count = f"{found.steps:,} step{'s' if found.steps != 1 else ''}"
    word = name.lower().replace("_", " ")
    gap = "  " if len(found.method) < SHORT else "\nby "
    return Text.assemble(
        (word, OUTCOMES.get(name, OTHER)), f" after {count}{gap}", (found.method, QUIET)
    )


def _cause(found: Any) -> list[Text]:
    told = found.cause in found.message
    return [text(found.cause, "red")] if found.cause and not told else []


def _parameters(found: Any) -> Any:
    names, values = found.layout.names, found.theta.tolist()
    rows = [
        (text(name, NAME), text(f"{value:.10g}"))
        for name, value in zip(names[:SHOWN], values[:SHOWN], strict=True)
    ]
    if len(names) > SHOWN:
        rows.append((text("..."), text(f"{len(names) - SHOWN:,} more: --json gives all", QUIET)))
    rows.append((text("loss", QUIET), text(f"{found.loss:.10g}")))
    rows.append((text("gradient norm", QUIET), text(f"{found.gradient_norm:.3g}")))
    if found.error_estimate is not None:
        rows.append((text("error", QUIET), text(f"about {found.error_estimate:.2g}")))
    return listing(rows)


def derivatives(gradient: Any, terminal: Terminal) -> Group:
    """The loss, how it was read, and the partial derivatives as a book writes them."""
    first = text("L = ").append(gradient.loss.text(), style="bold")
    return Group(first, Padding(text(gradient.reading, QUIET), (0, 0, 1, 4)),
                 partials(gradient, terminal))  # fmt: skip


def partials(gradient: Any, terminal: Terminal) -> Padding:
    """The partial derivatives by name."""
    shown = gradient.pretty() if terminal.unicode else gradient.text()
    rows = []
    for line in shown.split("\n"):
        name, _, right = line.partition(" = ")
        rows.append((text(name, NAME), text("= " + right)))
    return listing(rows, 0)


def derivation(steps: Any, terminal: Terminal) -> Group:
    """Numbered rules with their sentence and their equation below it."""
    style = "pretty" if terminal.unicode else "text"
    first = steps.text(ascii=not terminal.unicode).split("\n")[0]
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=terminal.width >= 60, overflow="fold")
    table.add_column(overflow="fold")
    for step in steps:
        body = Group(text(step.said(style), QUIET), text(step.shown(style)))
        table.add_row(text(str(step.number), QUIET), text(step.rule, NAME), body)
    proof = [text(line, "green") for line in steps.proof]
    return Group(text(first, "bold"), table, *proof)
