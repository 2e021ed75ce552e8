"""The loss over one parameter: the curve with the steps on it, and families of slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from symgd.descend import Outcome, Solution
from symgd.descend.objective import FloatArray
from symgd.show.canvas import message, new_figure, noted, styled, titled
from symgd.show.plane import Over, framing_ways, names_over, spanned
from symgd.show.scene import Scene, scene
from symgd.show.theme import Theme, theme_of
from symgd.show.window import Pair, Way, ceiling, cut_note, distinct, drawn_part, grid, near, way_of
from symgd.show.words import counted, name_of, number, safe

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 501
TANGENTS = 6


def curve(
    what: Any,
    solution: Solution | None = None,
    *,
    data: Any = None,
    over: Over = None,
    span: Pair | None = None,
    theme: str = "light",
) -> Figure:
    """The loss over one parameter, with the steps of a run on it.

    Each step that is long enough to be seen is drawn as gradient descent makes it: along the
    tangent to the next place, from there straight to the curve.

    ``what`` is a formula, gradient, objective, fit or Python function (see
    :func:`symgd.show.scene`), ``over`` the parameter if there are several; the others are held
    at the solution. ``span=(low, high)`` sets the range.

    >>> import symgd
    >>> found = symgd.minimize("(x - 3.5)^2 - 4.5x + 10", start={"x": 0}, rate=0.1)
    >>> figure = curve("(x - 3.5)^2 - 4.5x + 10", found)
    >>> figure.axes[0].get_xlabel()
    '$x$'
    """
    solution = what if solution is None and isinstance(what, Solution) else solution
    look, found = theme_of(theme), scene(what, data, solution=solution)
    (name,) = names_over(found, over, 1)
    place = found.component(name)
    ways = [] if solution is None else [way_of(solution)]
    framing = ways or framing_ways(found, [name], None if span is None else {name: span})
    base = framing[0].end if framing else np.zeros(found.layout.size)
    limits = spanned(name, place, framing, None if span is None else {name: span})
    line = Line(found, place, base, limits)
    figure = new_figure(8, 5, look)
    axes = styled(figure.add_subplot(), look)
    top = line.draw(axes, look, ways[0] if ways else None)
    if ways:
        draw_steps(axes, line, ways[0], look)
        mark_ends(axes, line, ways[0], name, look)
        mark_start(axes, line, ways[0], look)
    elif framing and framing[0].reached:
        mark_ends(axes, line, framing[0], name, look)
    axes.set_xlabel(name_of(name))
    axes.set_ylabel(found.label)
    titled(figure, look, found.title, "" if solution is None else outcome_line(solution))
    held = _held(found, place, base)
    notes = [*found.notes, held, cut_note(top, "the top"), *(n for w in ways for n in w.notes)]
    noted(figure, look, notes)
    return figure


class Line:
    """The loss along one component, the others held at ``base`` (p,)."""

    def __init__(self, found: Scene, place: int, base: FloatArray, span: Pair) -> None:
        self.scene, self.place, self.base, self.span = found, place, base, span
        self.across = grid(span, POINTS)
        self.height = self.at(self.across)

    def at(self, places: FloatArray) -> FloatArray:
        """The loss (k,) at places (k,) of the component."""
        return self.scene.values(self._points(places))

    def slope(self, place: float) -> float:
        """The derivative by the component at one place."""
        with np.errstate(all="ignore"):
            _, gradient = self.scene.function(self._points(np.array([place]))[0])
        return float(gradient[self.place])

    def _points(self, places: FloatArray) -> FloatArray:
        points = np.tile(self.base, (len(places), 1))
        points[:, self.place] = places
        return points

    def draw(self, axes: Axes, theme: Theme, way: Way | None, colour: str = "") -> float | None:
        """Draw the curve and set the limits; the height of the cut, if there is one."""
        axes.set_xlim(*self.span)
        known = self.height[np.isfinite(self.height)]
        if not known.size:
            message(axes, theme, "The loss is not a finite number anywhere in this range.")
            return None
        start = np.nan if way is None else float(self.at(way.theta[:1, self.place])[0])
        top = None if way is not None and way.astray else ceiling(self.height, start, 10.0)
        low, high = float(known.min()), float(known.max()) if top is None else top
        room = (high - low) or max(1.0, abs(low))
        axes.set_ylim(low - 0.1 * room, high + 0.07 * room)
        axes.plot(
            self.across, self.height, color=colour or theme.series[0], linewidth=2.4, zorder=2,
            gid="loss",
        )  # fmt: skip
        if high == low:
            axes.text(
                0.5, 0.6, f"the loss is constant: {number(low)}", transform=axes.transAxes,
                ha="center", color=theme.muted,
            )  # fmt: skip
        self._mark_gaps(axes, theme)
        return top

    def _mark_gaps(self, axes: Axes, theme: Theme) -> None:
        """Shade where the loss is not defined."""
        missing = ~np.isfinite(self.height)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], missing.astype(int), [0]])))
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            low, high = self.across[first], self.across[min(last, POINTS) - 1]
            shade = axes.axvspan(low, high, facecolor=theme.void, hatch="//", zorder=0)
            shade.set_edgecolor(theme.muted)
            shade.set_linewidth(0.0)
            if high - low > 0.12 * (self.span[1] - self.span[0]):
                axes.text(
                    (low + high) / 2, 0.5, "not defined", rotation=90, ha="center", va="center",
                    color=theme.ink, transform=axes.get_xaxis_transform(),
                    bbox={"facecolor": theme.face, "edgecolor": "none"},
                )  # fmt: skip


def draw_steps(
    axes: Axes, line: Line, way: Way, theme: Theme, tangents: int = TANGENTS, colour: str = ""
) -> Any:
    """The iterates on the curve, joined by the tangent steps that can be seen."""
    colour = colour or theme.path
    places = way.theta[:, line.place]
    heights = line.at(places)
    kept, _ = drawn_part(places[:, None], [line.span])
    low, high = axes.get_ylim()
    heights = np.clip(np.nan_to_num(heights, nan=high), low - 1e3 * (high - low), None)
    marked = distinct(np.column_stack([places, heights]), [line.span, (low, high)], 0.012)
    (path,) = axes.plot(
        places[kept], heights[kept], color=colour, linewidth=0, zorder=4, gid="path"
    )
    axes.plot(
        places[marked], heights[marked], "o", color=colour, markersize=7, zorder=5,
        markeredgecolor=theme.face, markeredgewidth=1.0, gid="iterates",
    )  # fmt: skip
    width = line.span[1] - line.span[0]
    drawn = 0
    for k in range(len(places) - 1):
        step = float(places[k + 1] - places[k])
        if abs(step) < 0.02 * width or drawn >= tangents:
            continue
        drawn += 1
        _tangent_step(axes, line, (float(places[k]), float(heights[k])), step, colour)
    return path


def _tangent_step(
    axes: Axes, line: Line, begin: tuple[float, float], step: float, colour: str
) -> None:
    here, height = begin
    there = here + step
    foot = height + line.slope(here) * step
    landing = float(line.at(np.array([there]))[0])
    if not np.isfinite(foot) or not np.isfinite(landing):
        return
    axes.plot([here, there], [height, foot], color=colour, linewidth=1.5, zorder=3)
    axes.plot(
        [there, there], [foot, landing], color=colour, linewidth=1.1, zorder=3,
        linestyle=(0, (1.5, 1.5)),
    )  # fmt: skip


def mark_ends(axes: Axes, line: Line, way: Way, name: str, theme: Theme) -> None:
    """The mark and the number at the answer of a run."""
    last = float(way.end[line.place])
    height = float(line.at(np.array([last]))[0])
    if way.astray or not line.span[0] <= last <= line.span[1] or not np.isfinite(height):
        return
    axes.plot(
        [last], [height], "*" if way.reached else "o", markersize=17 if way.reached else 9,
        color=theme.good if way.reached else theme.path, markeredgecolor=theme.face, zorder=6,
        gid="solution",
    )  # fmt: skip
    axes.annotate(
        f"{name_of(name)} = {number(near(last, line.span))}", (last, height), (0, 26),
        textcoords="offset points", ha="center", color=theme.ink, zorder=7,
        bbox={"facecolor": theme.face, "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
    )  # fmt: skip


def mark_start(axes: Axes, line: Line, way: Way, theme: Theme) -> None:
    """The word at the start of a run that moved."""
    first = float(way.theta[0, line.place]) if len(way.theta) else np.nan
    (height,) = line.at(np.array([first]))
    moved = abs(first - float(way.end[line.place])) > 0.05 * (line.span[1] - line.span[0])
    if not np.isfinite(height) or not (moved or way.astray):
        return
    side = 1 if first < sum(line.span) / 2 else -1
    axes.annotate(
        "start", (first, min(float(height), axes.get_ylim()[1])), (9 * side, 7),
        textcoords="offset points", ha="left" if side > 0 else "right", va="bottom",
        color=theme.ink, zorder=7,
        bbox={"facecolor": theme.face, "edgecolor": "none", "alpha": 0.7, "pad": 1.0},
    )  # fmt: skip


def outcome_line(solution: Solution) -> str:
    """How a run ended, in a few words."""
    ended = ended_in_words(solution)
    return f"{ended} after {counted(solution.steps, 'step')} ({safe(solution.method)})"


def ended_in_words(solution: Solution) -> str:
    """The outcome as it stands in a sentence."""
    return ENDED.get(solution.outcome, solution.outcome.name.lower().replace("_", " "))


ENDED = {
    Outcome.PRECISION_LIMIT: "as close as rounding allows",
    Outcome.MAX_STEPS: "stopped",
    Outcome.TIME_LIMIT: "out of time",
    Outcome.LEFT_DOMAIN: "left the domain",
}


def _held(found: Scene, place: int, base: FloatArray) -> str:
    names = found.layout.names
    rest = [k for k in range(len(names)) if k != place]
    if not rest:
        return ""
    if len(rest) > 3:
        return f"the other {len(rest)} parameters held at the solution"
    return "held: " + ", ".join(f"{name_of(names[k])} = {number(float(base[k]), 3)}" for k in rest)
