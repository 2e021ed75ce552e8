"""What leaves the page: the runs as a script, a notebook, a table or a picture.

:func:`export` gives the name, the type and the content of one file. Script and notebook hold the
formula, the data and the options as Python literals, so that they reproduce what is on screen;
table and picture are made of runs that are made again.
"""

from __future__ import annotations

import csv
import io
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from symgd.descend import Solution
from symgd.errors import OptionError
from symgd.web.data_file import data_of
from symgd.web.problem import (
    Asked,
    FieldError,
    formula_text,
    names_of,
    problem_of,
    start_of,
    text_of,
)
from symgd.web.runs import Order, order_of
from symgd.web.script import Story, notebook, script

TYPES = {
    "script": ("text/x-python; charset=utf-8", "descent.py"),
    "notebook": ("application/x-ipynb+json", "descent.ipynb"),
    "csv": ("text/csv; charset=utf-8", "path.csv"),
    "png": ("image/png", "picture.png"),
    "svg": ("image/svg+xml", "picture.svg"),
    "gif": ("image/gif", "picture.gif"),
}
"""What can be exported: its type and its file name."""

STILL = ("curve", "contour", "surface", "history", "fit", "rates", "compare", "residuals")
MOVING = ("learning", "walk")
THEMES = ("light", "dark")
SECONDS = 60.0
MAX_ROWS = 200_000
"""So many rows of a path are written at most."""


@dataclass(frozen=True)
class Wish:
    """What is to be exported, of which problem and which runs."""

    what: str
    asked: Asked
    order: Order
    picture: str | None
    over: tuple[str, ...] | None
    theme: str


def export(content: Mapping[str, Any]) -> dict[str, Any]:
    """One file: ``filename``, ``type`` and its ``content`` in base64."""
    what = text_of(content, "what")
    if what not in TYPES:
        raise FieldError("what", f"what is {', '.join(TYPES)}, not {what!r}")
    theme = text_of(content, "theme", "light")
    if theme not in THEMES:
        raise FieldError("theme", f"theme is {' or '.join(THEMES)}, not {theme!r}")
    wish = Wish(
        what, problem_of(content), order_of(content, start_of(content)),
        checked_picture(content, what), names_of(content, "over"), theme,
    )  # fmt: skip
    with data_of(wish.asked) as data:
        if what in ("script", "notebook"):
            story = story_of(wish, data)
            written = (script(story) if what == "script" else notebook(story)).encode()
        elif what == "csv":
            written = table(wish, data).encode()
        else:
            written = drawn(wish, data)
    kind, name = TYPES[what]
    return {"filename": name, "type": kind, "content": b64encode(written).decode()}


def checked_picture(content: Mapping[str, Any], what: str) -> str | None:
    """The kind of picture, if it is one that goes with the kind of file."""
    picture: str | None = text_of(content, "picture", None)
    known = MOVING if what == "gif" else STILL + MOVING if what in ("script", "notebook") else STILL
    if picture is not None and picture not in known:
        raise FieldError("picture", f"picture is {', '.join(known)} for {what}, not {picture!r}")
    return picture


def story_of(wish: Wish, data: str | None) -> Story:
    """Everything that the script needs, as plain values."""
    from symgd.web.solve_job import declared

    asked = wish.asked
    options = declared(asked)
    options.pop("missing", None)
    if asked.wrt is not None and not asked.model:
        options["wrt"] = list(asked.wrt)
    return Story(
        text=asked.text.strip() if asked.model else formula_text(asked),
        loss=asked.loss if asked.model else None,
        data=used_data(asked, data),
        declared=options,
        runs=[{**wish.order.options(run)} for run in wish.order.runs],
        labels=[run.label for run in wish.order.runs],
        picture=wish.picture or usual_picture(wish),
        over=None if wish.over is None else ", ".join(wish.over),
        theme=wish.theme,
    )


def used_data(asked: Asked, data: str | None) -> dict[str, list[float]] | None:
    """The columns that the formula uses, as plain numbers."""
    from dataclasses import replace

    from symgd.data import column_names, load
    from symgd.web.problem import gradient_of

    if data is None:
        return None
    names = column_names(data)
    known = gradient_of(replace(asked, columns=tuple(names))).problem.data
    used = [name for name in names if name in known]
    found = load(data, used, missing=asked.missing)
    return {name: values.tolist() for name, values in found.columns.items()}


def usual_picture(wish: Wish) -> str:
    """The picture of a fit, else the history: they are there for any number of parameters."""
    if wish.what == "gif":
        return "learning" if wish.asked.model else "walk"
    return "fit" if wish.asked.model else "history"


# -- made again -----------------------------------------------------------------------------------


def solutions(wish: Wish, data: str | None) -> list[Solution]:
    """The runs, made again within the time that an export has."""
    from symgd.web.solve_job import make

    text = wish.asked.text if wish.asked.model else formula_text(wish.asked)
    began = perf_counter()
    found = []
    for run in wish.order.runs:
        left = max(0.2, SECONDS - (perf_counter() - began))
        found.append(make(wish.asked, text, data, wish.order, run, left))
    return found


def table(wish: Wish, data: str | None) -> str:
    """The paths of the runs, a line for each recorded step; or the residuals of a fit."""
    from symgd.fit import Fit

    found = solutions(wish, data)
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    if wish.picture == "residuals":
        fitted = found[0]
        if not isinstance(fitted, Fit):
            raise OptionError("residuals belong to a model y ~ ..., and this is a loss")
        lines.writerow(["row", "observed", "predicted", "residual"])
        rows = zip(fitted.source.target, fitted.predict(), fitted.residuals, strict=True)
        lines.writerows([k, *map(float, row)] for k, row in enumerate(rows, 1))
        return written.getvalue()
    lines.writerow(["run", "step", *found[0].layout.names, "loss", "gradient_norm", "rate"])
    for number, solution in enumerate(found, 1):
        lines.writerows(_path_rows(number, solution))
    return written.getvalue()


def _path_rows(number: int, solution: Solution) -> list[list[Any]]:
    from symgd.web.jsonable import kept

    history = solution.history
    return [
        [
            number, int(history.step[k]), *history.theta[k].tolist(), float(history.loss[k]),
            float(history.gradient_norm[k]), float(history.rate[k]),
        ]
        for k in kept(len(history), MAX_ROWS // max(1, solution.layout.size))
    ]  # fmt: skip


def drawn(wish: Wish, data: str | None) -> bytes:
    """The picture as the bytes of its file."""
    from symgd import show

    found = solutions(wish, data)
    picture = picture_of(wish, found, data)
    with TemporaryDirectory(prefix="symgd-") as folder:
        path = Path(folder) / TYPES[wish.what][1]
        show.save(picture, path)
        return path.read_bytes()


def picture_of(wish: Wish, found: Sequence[Solution], data: str | None) -> Any:
    """The picture that is asked for, of the first run or of all of them."""
    from symgd import show
    from symgd.fit import Fit
    from symgd.web.scene_view import scene_of

    kind, first = wish.picture or usual_picture(wish), found[0]
    themed: dict[str, Any] = {"theme": wish.theme}
    if kind == "history":
        return show.history(first, **themed)
    if kind in ("fit", "residuals", "learning"):
        if not isinstance(first, Fit):
            raise OptionError("this picture belongs to a model y ~ ..., and this is a loss")
        return (show.learning if kind == "learning" else show.fit)(first, **themed)
    loss = scene_of(wish.asked, data, wish.order.start)
    if kind == "rates":
        rates = [run.rate for run in wish.order.runs if isinstance(run.rate, int | float)]
        return show.rates(loss, rates or None, start=wish.order.start, **themed)
    over: dict[str, Any] = {} if wish.over is None else {"over": list(wish.over)}
    if kind == "compare" or (kind == "contour" and len(found) > 1):
        return show.compare(loss, _named(wish, found), **over, **themed)
    return getattr(show, kind)(loss, first, **over, **themed)


def _named(wish: Wish, found: Sequence[Solution]) -> dict[str, Solution]:
    """The runs by what tells them apart."""
    names = [
        run.label or solution.method.partition(", because")[0]
        for run, solution in zip(wish.order.runs, found, strict=True)
    ]
    return {
        name if names.count(name) == 1 else f"{k}: {name}": solution
        for k, (name, solution) in enumerate(zip(names, found, strict=True), 1)
    }
