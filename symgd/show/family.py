"""The family of curves loss(w) for many b: slices through the surface."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from symgd.descend import Solution
from symgd.descend.objective import FloatArray
from symgd.errors import OptionError
from symgd.show.canvas import cased, message, new_figure, noted, styled, titled
from symgd.show.curves import Line
from symgd.show.plane import Over, framing_ways, names_over, spanned
from symgd.show.scene import scene
from symgd.show.theme import Theme, sequence, theme_of
from symgd.show.window import Pair, ceiling, cut_note, grid, way_of
from symgd.show.words import name_of, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def slices(
    what: Any,
    solution: Solution | None = None,
    *,
    data: Any = None,
    over: Over = None,
    values: Sequence[float] | int = 7,
    span: Iterable[float] | None = None,
    theme: str = "light",
) -> Figure:
    """The family of curves loss(w) for many b: slices through the surface.

    ``over="w,b"``: along ``w``, one curve for each of the ``values`` of ``b`` (a list, or how
    many). A dot marks the lowest point of each slice.

    >>> data = {"x": [0, 1, 2], "y": [1, 3, 5]}
    >>> figure = slices("mean((w*x + b - y)^2)", data=data, values=[-1, 0, 1])
    >>> len([line for line in figure.axes[0].lines if line.get_gid() == "slice"])
    3
    """
    solution = what if solution is None and isinstance(what, Solution) else solution
    look, found = theme_of(theme), scene(what, data, solution=solution)
    along, across = names_over(found, over, 2)
    place, other = found.component(along), found.component(across)
    given = None if span is None else {along: _pair(span)}
    framing = [way_of(solution)] if solution is not None else framing_ways(found, [along], None)
    base = framing[0].end
    limits = spanned(along, place, framing, given)
    levels = _levels(values, spanned(across, other, framing, None))
    figure = new_figure(8, 5, look)
    axes = styled(figure.add_subplot(), look)
    lines = []
    for level in levels:
        at = base.copy()
        at[other] = level
        lines.append(Line(found, place, at, limits))
    top = _draw_family(axes, lines, levels, across, look)
    axes.set_xlim(*limits)
    axes.set_xlabel(name_of(along))
    axes.set_ylabel(found.label)
    subtitle = f"slices along {name_of(along)}, one for each {name_of(across)}"
    titled(figure, look, found.title, subtitle)
    noted(figure, look, [*found.notes, cut_note(top, "the top")])
    return figure


def _pair(span: Iterable[float]) -> Pair:
    low, high = span
    return low, high


def _levels(values: Sequence[float] | int, span: Pair) -> FloatArray:
    if isinstance(values, int):
        if not 1 <= values <= 60:
            raise OptionError(f"values must be 1 to 60 slices, not {values}")
        return _round_values(span, values)
    levels = np.asarray(values, dtype=np.float64)
    if levels.ndim != 1 or not levels.size or not np.all(np.isfinite(levels)):
        raise OptionError("values must be finite numbers, one for each slice")
    return levels


def _round_values(span: Pair, count: int) -> FloatArray:
    """About ``count`` round numbers in the span."""
    from matplotlib.ticker import MaxNLocator

    marks = np.asarray(MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(*span))
    inside = marks[(span[0] <= marks) & (marks <= span[1])]
    return inside if len(inside) else grid(span, count)


def _draw_family(
    axes: Axes, lines: list[Line], levels: FloatArray, across: str, theme: Theme
) -> float | None:
    heights = np.array([line.height for line in lines])
    known = heights[np.isfinite(heights)]
    if not known.size:
        message(axes, theme, "The loss is not a finite number anywhere in this range.")
        return None
    top = ceiling(heights, np.nan, 8.0)
    low, high = float(known.min()), float(known.max()) if top is None else top
    room = (high - low) or 1.0
    axes.set_ylim(low - 0.06 * room, high + 0.05 * room)
    feet = []
    for line, level, colour in zip(lines, levels, sequence(len(lines), theme), strict=True):
        label = f"{name_of(across)} = {number(float(level), 3)}"
        axes.plot(
            line.across, line.height, color=colour, linewidth=2.0, label=label, gid="slice",
            path_effects=cased(theme, 3.0),
        )  # fmt: skip
        if np.isfinite(line.height).any():
            lowest = int(np.nanargmin(line.height))
            feet.append((line.across[lowest], line.height[lowest]))
    axes.plot(
        *np.array(feet).T, "o--", color=theme.path, linewidth=1.0, markersize=5.5, zorder=4,
        markeredgecolor=theme.face, label="lowest of each", gid="lowest",
    )  # fmt: skip
    axes.legend(
        loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=9.5, frameon=False,
        labelcolor=theme.ink, ncols=1 if len(lines) <= 18 else 2,
    )  # fmt: skip
    return top
