"""The loss over two parameters: contours, the surface, and methods compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from symgd.descend import Solution
from symgd.descend.objective import FloatArray
from symgd.errors import OptionError
from symgd.show.canvas import cased, legend, message, new_figure, noted, styled, titled
from symgd.show.curves import ended_in_words, outcome_line
from symgd.show.plane import Over, Plane, Spans, plane
from symgd.show.relief import Relief
from symgd.show.scene import scene
from symgd.show.theme import DASHES, MARKS, Theme, shades, theme_of
from symgd.show.window import Way, cut_note, distinct, drawn_part, levels, near
from symgd.show.words import counted, name_of, number, safe

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def contour(
    what: Any,
    solution: Solution | None = None,
    *,
    data: Any = None,
    over: Over = None,
    others: str = "held",
    span: Spans = None,
    theme: str = "light",
) -> Figure:
    """The loss over two parameters as contours, with the way of a run on them.

    ``over="w,b"`` names the two (default: the first two); the others are held at the solution,
    or with ``others="profiled"`` at their best in each point. ``span={"w": (-1, 4)}`` sets
    ranges. The contours are spaced so that each band has about the same area: valleys stay
    visible however steep the walls are. Where the loss is not defined the picture is hatched.

    >>> import symgd
    >>> data = {"x": [0, 1, 2], "y": [1, 3, 5]}
    >>> fit = symgd.fit("y ~ m*x + b", data, rate=0.2, start={"m": 0, "b": 0})
    >>> figure = contour(fit)
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
    ('$m$', '$b$')
    """
    solution = what if solution is None and isinstance(what, Solution) else solution
    look, found = theme_of(theme), scene(what, data, solution=solution)
    runs = [] if solution is None else [solution]
    seen = plane(found, runs, over=over, others=others, span=span)
    figure = new_figure(8, 5.6, look)
    axes = styled(figure.add_subplot(), look, grid=False)
    draw_contours(figure, axes, seen, look)
    notes = list(seen.notes)
    for way, run in zip(seen.ways, runs, strict=True):
        notes += draw_way(axes, seen, way, look, look.path, run.converged)
        mark_ends(axes, seen, way, look)
    if seen.lowest is not None and np.ptp(seen.height[np.isfinite(seen.height)]) > 0:
        axes.plot(*seen.lowest[:, None], "*", markersize=18, color=look.good, gid="solution")
        words_at_answer(axes, seen, seen.lowest, look, np.ones(2))
    titled(figure, look, found.title, "" if solution is None else outcome_line(solution))
    noted(figure, look, notes)
    return figure


def draw_contours(figure: Figure, axes: Axes, seen: Plane, theme: Theme) -> None:
    """Filled contours with thin lines, a colour bar, and hatching where nothing is defined."""
    axes.set_xlim(*seen.spans[0])
    axes.set_ylim(*seen.spans[1])
    axes.set_xlabel(name_of(seen.names[0]))
    axes.set_ylabel(name_of(seen.names[1]))
    height, marks = seen.height, levels(seen.height)
    known = np.isfinite(height)
    if not known.all():
        axes.set_facecolor(theme.void)
        axes.patch.set(hatch="//", edgecolor=theme.muted)
    if not known.any():
        message(axes, theme, "The loss is not a finite number anywhere in this window.")
        return
    if not marks.size:
        axes.set_facecolor(shades(theme, 3)[1])
        message(axes, theme, f"The loss is constant here: {number(float(height[known][0]))}")
        return
    bands = shades(theme, len(marks))
    filled = axes.contourf(
        seen.across, seen.up, np.ma.masked_invalid(height), levels=marks, colors=bands,
        extend="max",
    )  # fmt: skip
    lined = axes.contour(
        seen.across, seen.up, np.ma.masked_invalid(height), levels=marks[1:],
        colors=[theme.ink], linewidths=0.6, alpha=0.35,
    )  # fmt: skip
    lined.set_gid("contours")
    bar = figure.colorbar(filled, ax=axes, pad=0.02, shrink=0.95, aspect=30)
    bar.set_label(seen.scene.label, color=theme.ink)
    bar.outline.set_visible(False)
    bar.set_ticks(list(marks), labels=[number(float(mark), 2) for mark in marks])
    bar.ax.tick_params(colors=theme.muted, labelcolor=theme.ink, labelsize=9, length=0)


def draw_way(
    axes: Any,
    seen: Plane,
    way: Way,
    theme: Theme,
    colour: str,
    good: bool,
    label: str | None = None,
    style: int = 0,
) -> list[str]:
    """The way of a run in the plane: a cased line, a mark for each step that can be seen."""
    points = seen.points(way)
    if not len(points):
        return ["the run has no point that can be drawn"]
    kept, thinned = drawn_part(points, seen.spans)
    crowd = len(kept) > 1500
    axes.plot(
        *points[kept].T, color=colour, linewidth=0.9 if crowd else 2.2, zorder=4, gid="path",
        label=label, linestyle=DASHES[style % len(DASHES)], alpha=0.75 if crowd else 1.0,
        path_effects=None if crowd else cased(theme, 4.0 if label is None else 3.0),
        marker=None if crowd else MARKS[style],
        markersize=5.5, markeredgecolor=theme.face, markeredgewidth=0.7,
        markevery=None if crowd else _marked(points[kept], seen, 0.03 if label is None else 0.045),
    )  # fmt: skip
    if not way.astray:
        axes.plot(
            *seen.end(way)[:, None], "*" if good else "o", markersize=18 if good else 9,
            color=theme.good if good else colour, markeredgecolor=theme.face, zorder=6,
            gid="solution",
        )  # fmt: skip
    return [*way.notes, thinned]


def _marked(points: FloatArray, seen: Plane, gap: float) -> list[int]:
    return [int(k) for k in distinct(points, seen.spans, gap)]


def mark_ends(axes: Axes, seen: Plane, way: Way, theme: Theme) -> None:
    """The word at the start and the numbers at the end of a run."""
    points = seen.points(way)
    if len(points) < 2:
        return
    spans = np.array([high - low for low, high in seen.spans])
    onward = (points[1] - points[0]) / spans
    _words_at(axes, seen, points[0], "start", -onward, theme)
    if not way.astray:
        words_at_answer(axes, seen, seen.end(way), theme, (seen.end(way) - points[0]) / spans)


def words_at_answer(
    axes: Axes, seen: Plane, end: FloatArray, theme: Theme, away: FloatArray
) -> None:
    """The two parameters at the answer."""
    said = ", ".join(
        f"{name_of(name)} = {number(near(float(value), span))}"
        for name, value, span in zip(seen.names, end, seen.spans, strict=True)
    )
    _words_at(axes, seen, end, said, away, theme)


def _words_at(
    axes: Axes, seen: Plane, place: FloatArray, words: str, away: FloatArray, theme: Theme
) -> None:
    """Words beside a place, on the side that ``away`` points to, inside the window."""
    (left, right), (low, high) = seen.spans
    if not (left <= place[0] <= right and low <= place[1] <= high):
        return
    across, up = (place[0] - left) / (right - left), (place[1] - low) / (high - low)
    room = 0.02 * len(words)
    rightward = bool(away[0] >= 0)
    if across > 1.0 - room:
        rightward = False
    elif across < room:
        rightward = True
    upward = bool(away[1] >= 0) if 0.1 < up < 0.9 else up < 0.5
    axes.annotate(
        words, (float(place[0]), float(place[1])), (12 if rightward else -12, 9 if upward else -9),
        textcoords="offset points", ha="left" if rightward else "right",
        va="bottom" if upward else "top", color=theme.ink, zorder=7,
        bbox={"facecolor": theme.face, "edgecolor": "none", "alpha": 0.8, "pad": 2},
    )  # fmt: skip


def compare(
    what: Any,
    solutions: Mapping[str, Solution],
    *,
    data: Any = None,
    over: Over = None,
    others: str = "held",
    span: Spans = None,
    theme: str = "light",
) -> Figure:
    """Several runs on the contours of one loss: ``{"gradient descent": ..., "Newton": ...}``.

    >>> import symgd
    >>> bowl = "x^2 + 4*y^2 + x*y"
    >>> runs = {rate: symgd.minimize(bowl, {"x": 3, "y": 2}, rate=float(rate))
    ...         for rate in ("0.05", "0.2")}
    >>> figure = compare(bowl, runs)
    >>> len([line for line in figure.axes[0].lines if line.get_gid() == "path"])
    2
    """
    if not solutions or len(solutions) > len(MARKS):
        raise OptionError(f"compare takes 1 to {len(MARKS)} runs by name, not {len(solutions)}")
    runs = list(solutions.values())
    look, found = theme_of(theme), scene(what, data, solution=runs[0])
    seen = plane(found, runs, over=over, others=others, span=span)
    figure = new_figure(8.6, 6, look)
    axes = styled(figure.add_subplot(), look, grid=False)
    draw_contours(figure, axes, seen, look)
    notes = list(seen.notes)
    colours: tuple[str, ...] = (
        "#D55E00",
        "#E6AB02",
        "#A3548A",
        "#009E73",
        "#7a5230",
        "#e0559b",
        "#222222",
    )
    if look.name == "dark":
        colours = look.series
    for k, (name, run) in enumerate(solutions.items()):
        ended = "" if run.converged else f", {ended_in_words(run)}"
        label = f"{safe(str(name), 40)}: {counted(run.steps, 'step')}{ended}"
        notes += draw_way(axes, seen, seen.ways[k], look, colours[k], run.converged, label, k)
    legend(axes, look, loc="best", handlelength=3.2)
    titled(figure, look, found.title)
    noted(figure, look, list(dict.fromkeys(notes)))
    return figure


def surface(
    what: Any,
    solution: Solution | None = None,
    *,
    data: Any = None,
    over: Over = None,
    others: str = "held",
    span: Spans = None,
    slices: bool = True,
    view: tuple[float, float] | None = None,
    theme: str = "light",
) -> Figure:
    """The loss over two parameters as a surface, with the way of a run on it.

    A wall is cut where it would flatten the valley, and the height of the cut is said. The
    contours lie on the floor; ``slices=True`` draws the two slices through the solution.
    ``view`` is (elevation, azimuth) in degrees; by default one looks over the start.

    >>> figure = surface("x^2 + y^2", span={"x": (-2, 2), "y": (-2, 2)})
    >>> figure.axes[0].get_zlabel()
    '$f(x, y)$'
    """
    solution = what if solution is None and isinstance(what, Solution) else solution
    look, found = theme_of(theme), scene(what, data, solution=solution)
    runs = [] if solution is None else [solution]
    seen = plane(found, runs, over=over, others=others, span=span, count=92)
    figure = new_figure(8, 6.2, look)
    relief = Relief(figure, seen, look, view)
    relief.draw(slices)
    notes = [*seen.notes, cut_note(relief.top, found.label)]
    for way, run in zip(seen.ways, runs, strict=True):
        notes += relief.draw_way(way, run.converged)
    titled(figure, look, found.title, "" if solution is None else outcome_line(solution))
    noted(figure, look, notes)
    return figure
