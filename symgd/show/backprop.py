"""The backpropagation graph of a small formula: values run forward, derivatives back."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from symgd.compile.columns import columns_of, read_with_data
from symgd.compile.objective import Compiled, as_floats
from symgd.compile.sizes import Sizes, bind
from symgd.derive.partials import Partials, derive
from symgd.derive.sweep import adjoints
from symgd.errors import OptionError, UnsupportedError
from symgd.formula.graph import Node
from symgd.gradient import Gradient
from symgd.show.canvas import SMALL, TITLE, extent, fitted_text, new_figure
from symgd.show.layering import Layered, layered
from symgd.show.operations import Box, boxes_of
from symgd.show.scene import titled_formula
from symgd.show.theme import Theme, theme_of
from symgd.show.words import formula, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BOXES = 40
"""A graph of more boxes than this cannot be read as one picture."""

ROW, MARGIN, HEAD = 1.0, 0.25, 1.0


def graph(
    what: str | Gradient,
    at: Mapping[str, Any] | None = None,
    *,
    data: Any = None,
    theme: str = "light",
) -> Figure:
    """The operations of a formula as boxes, with values and derivatives.

    ``at`` gives values to the parameters (and to data without ``data``): in each box the upper
    number is the value, computed from left to right, the lower one the derivative of the result
    by this value, computed from right to left (reverse mode: Griewank & Walther, "Evaluating
    Derivatives", section 3.2). Without ``at`` the derivatives are written as formulas.

    Raises :class:`UnsupportedError` for a formula of more than 40 operations.

    >>> figure = graph("(w*x + b - y)^2", {"w": 2, "x": 3, "b": 1, "y": 5})
    >>> [text.get_text() for text in figure.axes[0].texts if text.get_gid() == "value"][-1]
    '4'
    """
    look = theme_of(theme)
    partials, columns = _read(what, data)
    boxes = boxes_of(partials.written)
    if len(boxes) > BOXES:
        raise UnsupportedError(
            f"the formula has {len(boxes)} operations; a graph of more than {BOXES} cannot be read"
        )
    edges = [(feed, k) for k, box in enumerate(boxes) for feed in box.feeds]
    words = _values(partials, boxes, {**columns, **(at or {})}) if at is not None else None
    texts = words if words is not None else _formulas(partials, boxes)
    return _drawn(partials, boxes, layered(len(boxes), edges), texts, words is not None, look)


def _read(what: Any, data: Any) -> tuple[Partials, Mapping[str, Any]]:
    if isinstance(what, Gradient):
        return what.partials, columns_of(data, what.partials) if data is not None else {}
    if not isinstance(what, str):
        raise OptionError(f"a graph is of a formula or a gradient, not {type(what).__name__}")
    if data is None:
        from symgd.formula.problem import read

        return derive(read(what)), {}
    found = read_with_data(what, data)
    return derive(found.problem), found.columns


def _adjoints(partials: Partials, names: list[str]) -> dict[Node, Node]:
    root = partials.written
    symbols = [partials.problem.symbol(name) for name in names]
    return adjoints(root, symbols, root.graph.number(1))


def _values(
    partials: Partials, boxes: list[Box], given: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """The value of each box and the derivative of the result by it, as words."""
    names = [box.node.value for box in boxes if box.kind == "name"]
    missing = [name for name in names if name not in given]
    if missing:
        raise OptionError(f"no value is given for {', '.join(missing)}: the graph needs all names")
    sizes, arrays = Sizes(), {}
    for name in names:
        array = as_floats(given[name], name)
        bind(name, partials.problem.shape(name), array.shape, sizes)
        arrays[name] = array if array.shape else np.float64(array)
    back = _adjoints(partials, [n for n in names if n in partials.wrt])
    nodes = [box.node for box in boxes]
    shares = [back[node] for node in nodes if node in back]
    with np.errstate(all="ignore"):
        found = Compiled([*nodes, *shares]).run(arrays, sizes)
    backward = dict(zip([n for n in nodes if n in back], found[len(nodes) :], strict=True))
    words = []
    for node, value in zip(nodes, found, strict=False):
        share = backward.get(node)
        if share is not None:  # one number for all rows is the same number in each row
            share = np.broadcast_to(share, np.shape(value))
        words.append((_short(value), "" if share is None else _short(share)))
    return words


def _short(value: Any) -> str:
    """A number, or the first entries of an array."""
    array = np.asarray(value, dtype=np.float64)
    if not array.shape:
        return number(float(array))
    if array.size <= 3 and array.ndim == 1:
        return "(" + ", ".join(number(float(v), 3) for v in array) + ")"
    shown = ", ".join(number(float(v), 2) for v in array.reshape(-1)[:2])
    return f"({shown}, …)"


def _formulas(partials: Partials, boxes: list[Box]) -> list[tuple[str, str]]:
    """Without numbers: the derivative of the result by each parameter and step, if short."""
    from symgd.derive.tidy import tidy

    back = _adjoints(partials, list(partials.wrt))
    root = partials.written
    words = []
    for box in boxes:
        found = back.get(box.node)
        shown = "" if found is None else formula(tidy(found, (root,)), index=False)
        short = shown if len(shown.replace("\\", "")) <= 80 else "…"
        words.append(("", short))
    return words


# -- drawing --------------------------------------------------------------------------------------


def _drawn(
    partials: Partials,
    boxes: list[Box],
    places: Layered,
    words: list[tuple[str, str]],
    numeric: bool,
    theme: Theme,
) -> Figure:
    own = _widths(boxes, words, theme)
    widths = [0.0] * (max(places.layer) + 1)
    for width, layer in zip(own, places.layer, strict=True):
        widths[layer] = max(widths[layer], width)
    lefts = np.concatenate([[0.0], np.cumsum([w + 0.62 for w in widths])])
    row = ROW if numeric else 0.92
    heights = np.array(places.height) * row * 1.12
    tall = float(np.ptp(heights)) + row
    every = [*heights, *(b * row * 1.12 for bend in places.bends.values() for b in bend)]
    middle = (max(every) + min(every)) / 2
    tall = max(tall, max(every) - min(every) + 0.7 * row)
    wide = float(lefts[-1]) - 0.62
    width, height = max(6.4, wide + 2 * MARGIN), tall + 2 * MARGIN + HEAD
    figure = new_figure(width, height, theme)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(-(width - wide) / 2, wide + (width - wide) / 2)
    axes.set_ylim(middle - tall / 2 - MARGIN, middle + tall / 2 + MARGIN + HEAD)
    centres = [
        (float(lefts[layer] + widths[layer] / 2), float(h))
        for layer, h in zip(places.layer, heights, strict=True)
    ]
    _edges(axes, boxes, places, centres, own, widths, lefts, row * 1.12, theme)
    for box, centre, said, width in zip(boxes, centres, words, own, strict=True):
        _box(axes, box, centre, said, width, theme, partials)
    _head(figure, titled_formula(partials), numeric, theme)
    return figure


def _widths(boxes: list[Box], words: list[tuple[str, str]], theme: Theme) -> list[float]:
    """The width of each box in inches, from the widest text in it."""
    figure = new_figure(4, 4, theme)
    widths = [0.8] * len(boxes)
    for k, (box, said) in enumerate(zip(boxes, words, strict=True)):
        for text, size in ((box.label, 13.0), (said[0], 10.5), (said[1], 10.5)):
            if text:
                drawn = figure.text(0, 0, text, fontsize=size, math_fontfamily="cm")
                wide = extent(figure, drawn)[0] / figure.dpi
                widths[k] = max(widths[k], wide + 0.28)
    return widths


def _box(
    axes: Axes,
    box: Box,
    centre: tuple[float, float],
    said: tuple[str, str],
    width: float,
    theme: Theme,
    partials: Partials,
) -> None:
    from matplotlib.patches import FancyBboxPatch

    rows = 1 + bool(said[0]) + bool(said[1])
    tall = (0.36, 0.58, 0.82)[rows - 1] + (0.14 if r"\frac" in said[1] else 0.0)
    parameter = box.kind == "name" and box.node.value in partials.wrt
    edge = theme.series[0] if parameter else theme.good if box.kind == "loss" else theme.muted
    strong = parameter or box.kind == "loss"
    axes.add_patch(
        FancyBboxPatch(
            (centre[0] - width / 2, centre[1] - tall / 2), width, tall,
            boxstyle="round,pad=0,rounding_size=0.09", linewidth=2.0 if strong else 1.0,
            edgecolor=edge, facecolor=theme.face, zorder=3, gid=box.kind,
        )
    )  # fmt: skip
    lines = [(box.label, theme.ink, 13.0, "operation")]
    if said[0]:
        lines.append((said[0], theme.series[0], 10.5, "value"))
    if said[1]:
        lines.append((said[1], theme.path, 10.5, "adjoint"))
    for k, (text, colour, size, gid) in enumerate(lines):
        axes.text(
            centre[0], centre[1] + tall / 2 - tall * (k + 0.5) / rows, text, color=colour,
            fontsize=size, ha="center", va="center_baseline", zorder=4, gid=gid,
            math_fontfamily="cm",
        )  # fmt: skip


def _edges(
    axes: Axes,
    boxes: list[Box],
    places: Layered,
    centres: list[tuple[float, float]],
    own: list[float],
    widths: list[float],
    lefts: Any,
    row: float,
    theme: Theme,
) -> None:
    for k, box in enumerate(boxes):
        for feed, tag in zip(box.feeds, box.tags, strict=True):
            begin = (centres[feed][0] + own[feed] / 2, centres[feed][1])
            end = (centres[k][0] - own[k] / 2, centres[k][1])
            points = [begin]
            for between, bend in enumerate(places.bends[feed, k], places.layer[feed] + 1):
                points.append((float(lefts[between]), bend * row))
                points.append((float(lefts[between] + widths[between]), bend * row))
            _edge(axes, [*points, end], theme)
            if tag:
                axes.text(
                    end[0] - 0.2, end[1] + (0.12 if begin[1] >= end[1] else -0.12), tag,
                    color=theme.ink, fontsize=14, ha="center", va="center", zorder=4,
                )  # fmt: skip


def _edge(axes: Axes, points: list[tuple[float, float]], theme: Theme) -> None:
    """A smooth line through the points, with a head at its end."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    vertices, codes = [points[0]], [int(Path.MOVETO)]
    for (a, b), (c, d) in itertools.pairwise(points):
        bow = 0.5 * (c - a)
        vertices += [(a + bow, b), (c - bow, d), (c, d)]
        codes += [int(Path.CURVE4)] * 3
    axes.add_patch(
        FancyArrowPatch(
            path=Path(vertices, codes), arrowstyle="-|>", mutation_scale=11, color=theme.muted,
            linewidth=1.2, zorder=2, shrinkA=0, shrinkB=0, gid="edge",
        )
    )  # fmt: skip


def _head(figure: Figure, title: str, numeric: bool, theme: Theme) -> None:
    """The formula, and what the two colours mean."""
    inch, wide = 1.0 / figure.get_figheight(), 1.0 / figure.get_figwidth()
    head = fitted_text(figure, 0.2 * wide, 1.0 - 0.1 * inch, title, theme.ink, TITLE)
    below = 1.0 - (0.2 + extent(figure, head)[1] / figure.dpi) * inch
    place = 0.2 * wide
    forward = "→ value, computed forward" if numeric else "a parameter has a blue frame"
    for words, colour in (
        (forward, theme.series[0]),
        ("← derivative of the result, computed back", theme.path),
    ):
        text = figure.text(place, below, words, color=colour, fontsize=SMALL + 0.5, va="top")
        place += (extent(figure, text)[0] / figure.dpi + 0.3) * wide
