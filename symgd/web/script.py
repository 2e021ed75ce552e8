"""The runs of the page as Python that makes them again: a script, or a notebook.

All that the user typed stands in the source as a Python literal; nothing of it is ever a piece
of the program.

>>> story = Story("(x - 3)^2", runs=[{"start": {"x": 0}, "rate": 0.1}], picture="curve")
>>> print(run_line(story, 0))
symgd.minimize(LOSS, start={'x': 0}, rate=0.1)
"""

from __future__ import annotations

import json
import pprint
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

WIDTH = 96
INTRO = '"""Gradient descent as it was set up on the page; run it where symgd is installed."""'


@dataclass(frozen=True)
class Story:
    """What the script tells: a loss (or a model with its ``loss``), data, runs, a picture."""

    text: str
    loss: str | None = None
    data: Mapping[str, Sequence[float]] | None = None
    declared: Mapping[str, Any] = field(default_factory=dict)
    runs: Sequence[Mapping[str, Any]] = ()
    labels: Sequence[str] = ()
    picture: str = "history"
    over: str | None = None
    theme: str = "light"


def script(story: Story) -> str:
    """The whole as a Python script."""
    parts = [
        INTRO, "", *_imports(), "", *_givens(story), "", *_runs(story), "", *_gradient(story),
        "print(g.reading)", "print(g)", "for name, run in runs.items():",
        '    print(f"\\n== {name}\\n{run}")', "", *_picture(story, saved=True), "",
    ]  # fmt: skip
    return "\n".join(parts)


def notebook(story: Story) -> str:
    """The same as a notebook (nbformat 4.5)."""
    cells = [
        _words("# Gradient descent\n\nAs it was set up on the page of symgd."),
        _code([*_imports(), "", *_givens(story)]),
        _words("## The runs"),
        _code([*_runs(story), "", "for name, run in runs.items():",
               '    print(f"\\n== {name}\\n{run}")']),
        _words("## The gradient"),
        _code([*_gradient(story), "g"]),
        _code(["for name in g:", "    print(g.steps(name))"]),
        _code(_picture(story, saved=False)),
    ]  # fmt: skip
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    content = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _words(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(lines: Sequence[str]) -> dict[str, Any]:
    return {
        "cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [],
        "source": "\n".join(lines).splitlines(keepends=True),
    }  # fmt: skip


# -- the pieces -----------------------------------------------------------------------------------


def _imports() -> list[str]:
    return ["import symgd", "from symgd import show"]


def _givens(story: Story) -> list[str]:
    """The formula and the data."""
    lines = [f"{_formula(story)} = {literal(story.text)}"]
    if story.data is not None:
        lines += [f"DATA = {literal(dict(story.data))}"]
    return lines


def _formula(story: Story) -> str:
    return "LOSS" if story.loss is None else "MODEL"


def _gradient(story: Story) -> list[str]:
    """The gradient of the loss; that of a model is known to the first fit."""
    if story.loss is not None:
        loss = "next(iter(runs.values())).loss_text"
        return [f"g = symgd.gradient({loss}, columns=list(DATA){_more(dict(story.declared))})"]
    options = dict(story.declared)
    if story.data is not None:
        return [f"g = symgd.gradient(LOSS, columns=list(DATA){_more(options)})"]
    return [f"g = symgd.gradient(LOSS{_more(options)})"]


def _runs(story: Story) -> list[str]:
    lines = ["runs = {"]
    for index in range(len(story.runs)):
        name = story.labels[index] if index < len(story.labels) else ""
        key = literal(f"{index + 1}. {name}" if name else f"run {index + 1}")
        lines.append(f"    {key}: {run_line(story, index)},")
    return [*lines, "}"]


def run_line(story: Story, index: int) -> str:
    """One run as a call."""
    options = {**story.runs[index], **story.declared}
    data = ", DATA" if story.loss is not None else "" if story.data is None else ", data=DATA"
    if story.loss is not None:
        options.pop("wrt", None)
        named = {} if story.loss == "mse" else {"loss": story.loss}
        return f"symgd.fit(MODEL{data}{_more({**named, **options})})"
    return f"symgd.minimize(LOSS{data}{_more(options)})"


def _more(options: Mapping[str, Any]) -> str:
    return "".join(f", {name}={value!r}" for name, value in options.items())


def _picture(story: Story, *, saved: bool) -> list[str]:
    """The picture of the first run, or of all of them."""
    call = _call(story)
    moving = story.picture in ("learning", "walk")
    lines = ["run = next(iter(runs.values()))", f"picture = {call}"]
    if saved:
        name = "picture.gif" if moving else "picture.png"
        return [*lines, f"show.save(picture, {name!r})"]
    return [*lines, "picture"]


def _call(story: Story) -> str:
    kind = story.picture
    theme = "" if story.theme == "light" else f", theme={story.theme!r}"
    over = "" if story.over is None else f", over={story.over!r}"
    if kind == "history":
        return f"show.history(run{theme})"
    if kind in ("fit", "residuals"):
        return f"show.fit(run{theme})"
    if kind == "learning":
        return f"show.learning(run{theme})"
    data = "" if story.data is None else ", data=DATA"
    if kind == "rates":
        values = [run["rate"] for run in story.runs if isinstance(run.get("rate"), int | float)]
        start = story.runs[0].get("start") if story.runs else None
        given = f", {values!r}" if values else ""
        where = "" if start is None else f", start={start!r}"
        return f"show.rates(g{given}{data}{where}{theme})"
    if kind == "compare" or (kind == "contour" and len(story.runs) > 1):
        return f"show.compare(g, runs{data}{over}{theme})"
    return f"show.{kind}(g, run{data}{over}{theme})"


def literal(value: Any) -> str:
    """A plain value as Python source, over several lines if it is long."""
    short = repr(value)
    if len(short) <= WIDTH or isinstance(value, str):
        return short
    return pprint.pformat(value, width=WIDTH, compact=True, sort_dicts=False)
