"""Pictures into files: the suffix says which kind.

>>> from pathlib import Path
>>> from tempfile import mkdtemp
>>> from symgd.show.curves import curve
>>> path = Path(mkdtemp()) / "curve.svg"
>>> save(curve("(x - 3)^2"), path)
>>> path.read_text()[:13]
'<?xml version'
"""

from __future__ import annotations

import io
import os
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symgd.descend import Solution
from symgd.errors import DataError, OptionError
from symgd.fit import Fit
from symgd.gradient import Gradient
from symgd.show.learning import learning, walk
from symgd.show.movie import Movie
from symgd.show.page import Page, available, interactive
from symgd.show.pick import known_loss, plot_fit, plot_gradient, plot_solution
from symgd.show.sample import column_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STILL = (".png", ".svg", ".pdf", ".jpg", ".jpeg")
MOVING = (".gif", ".mp4")
PAGES = (".html", ".htm")
SAVE_DPI = 150


def save(picture: Figure | Movie | Page, path: str | os.PathLike[str], dpi: int = SAVE_DPI) -> None:
    """Write a picture: ``.png .svg .pdf .jpg``, a movie: ``.gif .mp4 .html``, a page: ``.html``.

    A figure as ``.html`` is a page that holds it as SVG. Raises :class:`OptionError` for a
    suffix that does not fit and :class:`DataError` for a file that cannot be written.
    """
    target = checked_path(path)
    suffix = target.suffix.lower()
    try:
        if isinstance(picture, Movie):
            picture.write(target)
        elif isinstance(picture, Page):
            if suffix not in PAGES:
                raise OptionError(f"an interactive picture is written as .html, not as {suffix!r}")
            target.write_text(picture.html(), encoding="utf-8")
        elif suffix in MOVING:
            raise OptionError(
                f"{suffix} is for what moves, and this is a still picture: use .png, .svg or .pdf, "
                "or learning(...) and walk(...)"
            )
        elif suffix in PAGES:
            target.write_text(_page(picture), encoding="utf-8")
        else:
            picture.savefig(target, dpi=dpi, metadata=_METADATA.get(suffix))
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error.strerror or error}") from None


def write(
    result: Solution | Gradient,
    path: str | os.PathLike[str],
    what: Any = None,
    *,
    data: Any = None,
    theme: str = "light",
) -> None:
    """The picture of a result that fits the suffix of ``path``.

    Still pictures are those of ``.plot()``; ``.gif`` and ``.mp4`` are the line while it learns or
    the walk down the loss; ``.html`` is the interactive surface if there is one to show and
    plotly is there, else a player or a page with the still picture. ``what`` is the formula of
    a solution that does not know its loss, ``data`` its columns.
    """
    target = checked_path(path)
    suffix = target.suffix.lower()
    if suffix in MOVING:
        save(_moving(result, what, data, theme), target)
        return
    run = result if isinstance(result, Solution) else None
    loss = known_loss(run, what) if run is not None else None
    if suffix in PAGES and run is not None and loss is not None:
        if run.layout.size >= 2 and available():
            save(interactive(loss, run, data=data, theme=theme), target)
        else:
            save(_moving(run, what, data, theme), target)
        return
    if isinstance(result, Gradient):
        save(plot_gradient(result, theme=theme), target)
    elif isinstance(result, Fit) and what is None:
        save(plot_fit(result, theme=theme), target)
    else:
        save(plot_solution(result, what, data=data, theme=theme), target)


def _moving(result: Any, what: Any, data: Any, theme: str) -> Movie:
    """The movie of a run."""
    if not isinstance(result, Solution):
        raise OptionError("a gradient does not move: write it as .png, .svg, .pdf or .html")
    if isinstance(result, Fit) and what is None and column_of(result) is not None:
        return learning(result, theme=theme)
    loss = known_loss(result, what)
    if loss is None:
        raise OptionError("a movie of this solution needs its formula: it knows only its numbers")
    return walk(loss, result, data=data, theme=theme)


def checked_path(path: str | os.PathLike[str]) -> Path:
    """The path if its suffix is one that is written and its folder is there."""
    target = Path(path)
    known = (*STILL, *MOVING, *PAGES)
    suffix = target.suffix.lower()
    if suffix not in known:
        near = get_close_matches(suffix, known, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        listed = ", ".join(s for s in known if s not in (".jpeg", ".htm"))
        said = f"the suffix {suffix!r} is not one that is written" if suffix else "no suffix"
        raise OptionError(f"{target.name}: {said}; there are {listed}{hint}")
    if not target.parent.is_dir():
        raise DataError(f"the folder {target.parent} does not exist")
    return target


def _page(figure: Figure) -> str:
    """A page that holds a figure as SVG."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata=_METADATA[".svg"])
    drawn = buffer.getvalue()
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>symgd</title>'
        "<style>svg { max-width: 100%; height: auto; }</style></head>\n<body>\n"
        f"{drawn[drawn.index('<svg') :]}</body></html>\n"
    )


_METADATA: dict[str, Any] = {
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
    ".png": {"Software": "symgd"},
}
