"""What moves: the line while it learns, and the point that walks down the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symgd.descend import Solution
from symgd.descend.objective import FloatArray, IntArray
from symgd.errors import OptionError
from symgd.fit import Fit
from symgd.show.canvas import cased, new_figure, noted, styled, titled
from symgd.show.curves import Line
from symgd.show.fits import data_limits, draw_points, places_of
from symgd.show.movie import Movie
from symgd.show.plane import Over, Plane, Spans, names_over, plane, spanned
from symgd.show.planes import draw_contours
from symgd.show.relief import Relief
from symgd.show.sample import Sample, sample_of
from symgd.show.scene import scene
from symgd.show.theme import Theme, theme_of
from symgd.show.window import Way, way_of
from symgd.show.words import name_of, number, safe

STAGES = ("curve", "contour", "surface")
TRACES = 10
"""So many earlier lines are left as traces."""


def learning(fitted: Fit, *, frames: int = 60, seconds: float = 4.0, theme: str = "light") -> Movie:
    """The line (or curve) while it learns: one frame for each of ``frames`` recorded steps.

    Steps are chosen so that the line moves evenly; a run with fewer steps has fewer frames.

    >>> import symgd
    >>> data = {"x": [0, 1, 2, 3], "y": [1, 3, 5, 7.5]}
    >>> movie = learning(symgd.fit("y ~ m*x + b", data, rate=0.1, start={"m": 0, "b": 0}))
    >>> len(movie)
    60
    """
    from matplotlib.collections import LineCollection

    if not isinstance(fitted, Fit):
        raise OptionError(f"learning shows a fit, not {type(fitted).__name__}")
    look, seen, way = theme_of(theme), sample_of(fitted), way_of(fitted)
    if seen.column is None:
        raise OptionError("the model has no single data column, so there is no line to be drawn")
    chosen = chosen_steps(_course(way), _checked(frames))
    figure = new_figure(5.4, 3.6, look)
    axes = styled(figure.add_subplot(), look)
    places = places_of(seen)
    lines = _lines(seen, way, chosen, places)
    draw_points(axes, seen, look)
    axes.set_xlim(float(places[0]), float(places[-1]))
    axes.set_ylim(*_line_limits(seen, lines))
    axes.set_xlabel(name_of(str(seen.column)))
    axes.set_ylabel(seen.target_label)
    model = safe(f"{fitted.source.target_text} ~ {fitted.model}", 60)
    titled(figure, look, model, safe(fitted.method))
    noted(figure, look, seen.notes)
    traces = LineCollection([], colors=[look.path], linewidths=1.0, alpha=0.3, gid="traces")
    axes.add_collection(traces)
    (line,) = axes.plot([], [], color=look.path, linewidth=2.6, gid="fit")
    every = [np.column_stack([seen.across, seen.observed])]
    every += [np.column_stack([places, line])[::10] for line in lines]
    words = _words(axes, look, np.concatenate(every))
    losses = fitted.history.loss

    def show(k: int) -> None:
        left = lines[: k : 1 + len(chosen) // TRACES]
        traces.set_segments([np.column_stack([places, earlier]) for earlier in left])
        line.set_data(places, lines[k])
        words.set_text(_said(fitted, way, chosen[k], losses))

    return Movie(figure, (traces, line, words), show, len(chosen), seconds)


def _lines(seen: Sample, way: Way, chosen: IntArray, places: FloatArray) -> FloatArray:
    """The curve (f, k) at each of the chosen steps."""
    with np.errstate(all="ignore"):
        return np.array([seen.at(way.theta[step], places) for step in chosen])


def _line_limits(seen: Sample, lines: FloatArray) -> tuple[float, float]:
    """The data, and the first line as far as it is not too far away."""
    low, high = data_limits(seen)
    rise = high - low
    first = lines[0][np.isfinite(lines[0])]
    if first.size:
        low = max(min(low, float(first.min()) - 0.04 * rise), low - 0.5 * rise)
        high = min(max(high, float(first.max()) + 0.04 * rise), high + 0.5 * rise)
    return low, high


def walk(
    what: Any,
    solution: Solution | None = None,
    *,
    on: str | None = None,
    data: Any = None,
    over: Over = None,
    span: Spans = None,
    frames: int = 60,
    seconds: float = 4.0,
    theme: str = "light",
) -> Movie:
    """The point that walks down the loss, ``on="curve"``, ``"contour"`` or ``"surface"``.

    By default the curve for one parameter, the contours for more. The other arguments are
    those of :func:`curve` and :func:`contour`.

    >>> import symgd
    >>> found = symgd.minimize("(x - 3)^2", {"x": 0}, rate=0.1, steps=20)
    >>> len(walk("(x - 3)^2", found))
    21
    """
    run = what if solution is None and isinstance(what, Solution) else solution
    if run is None:
        raise OptionError("walk shows a run: give its solution")
    look, found = theme_of(theme), scene(what, data, solution=run)
    stage = on or ("curve" if found.layout.size == 1 else "contour")
    if stage not in STAGES:
        raise OptionError(f"on={stage!r} is not known; there are {', '.join(STAGES)}")
    _checked(frames)
    way = way_of(run)
    if stage == "curve":
        show_on: _Stage = _OnCurve(found, way, over, span, look)
    else:
        seen = plane(found, [run], over=over, span=span, count=81 if stage == "contour" else 64)
        show_on = (_OnContour if stage == "contour" else _OnSurface)(seen, look)
    titled(show_on.figure, look, found.title, safe(run.method))
    noted(show_on.figure, look, [*found.notes, *way.notes])
    chosen = chosen_steps(show_on.course, frames)
    words = _words(show_on.axes, look, show_on.busy)
    losses = run.history.loss

    def show(k: int) -> None:
        show_on.place(int(chosen[k]))
        words.set_text(_said(run, way, chosen[k], losses))

    return Movie(show_on.figure, (*show_on.moving, words), show, len(chosen), seconds)


class _Stage:
    """A still picture with a point and its trail on it."""

    figure: Any
    axes: Any
    moving: tuple[Any, ...]
    course: FloatArray
    busy: FloatArray
    place: Callable[[int], None]


class _OnCurve(_Stage):
    def __init__(self, found: Any, way: Way, over: Over, span: Spans, theme: Theme) -> None:
        (name,) = names_over(found, over, 1)
        place = found.component(name)
        limits = spanned(name, place, [way], span)
        line = Line(found, place, way.end, limits)
        self.figure = new_figure(5.6, 3.7, theme)
        self.axes = styled(self.figure.add_subplot(), theme)
        line.draw(self.axes, theme, way)
        self.axes.set_xlabel(name_of(name))
        self.axes.set_ylabel(found.label)
        across = way.theta[:, place]
        heights = line.at(across)
        self.course = np.column_stack([across, heights])
        self.busy = np.column_stack([line.across, line.height])[::5]
        style = {"color": theme.path, "markeredgecolor": theme.face}
        (trail,) = self.axes.plot([], [], "o", markersize=6, alpha=0.55, **style)
        (chord,) = self.axes.plot([], [], color=theme.path, linewidth=1.2)
        (point,) = self.axes.plot([], [], "o", markersize=13, gid="point", **style)
        self.moving = (chord, trail, point)

        def put(step: int) -> None:
            trail.set_data(across[: step + 1], heights[: step + 1])
            chord.set_data(across[: step + 1], heights[: step + 1])
            point.set_data(across[step : step + 1], heights[step : step + 1])

        self.place = put


class _OnContour(_Stage):
    def __init__(self, seen: Plane, theme: Theme) -> None:
        self.figure = new_figure(5.8, 4.4, theme)
        self.axes = styled(self.figure.add_subplot(), theme, grid=False)
        draw_contours(self.figure, self.axes, seen, theme)
        points = self.course = self.busy = seen.points(seen.ways[0])
        (trail,) = self.axes.plot(
            [], [], color=theme.path, linewidth=2.2, path_effects=cased(theme, 4.0), marker="o",
            markersize=4, markeredgecolor=theme.face,
        )  # fmt: skip
        (point,) = self.axes.plot(
            [], [], "o", color=theme.path, markersize=12, markeredgecolor=theme.face,
            markeredgewidth=1.5, gid="point",
        )  # fmt: skip
        self.moving = (trail, point)

        def put(step: int) -> None:
            trail.set_data(*points[: step + 1].T)
            point.set_data(*points[step : step + 1].T)

        self.place = put


class _OnSurface(_Stage):
    def __init__(self, seen: Plane, theme: Theme) -> None:
        self.figure = new_figure(5.8, 4.9, theme)
        relief = Relief(self.figure, seen, theme, None)
        relief.draw(slices=False)
        self.axes = relief.axes
        points = self.course = self.busy = seen.points(seen.ways[0])
        heights = relief.lifted(points)
        heights = np.where(relief.inside(points), heights, np.nan)
        (trail,) = self.axes.plot(
            [], [], [], color=theme.path, linewidth=2.4, zorder=7, path_effects=cased(theme, 4.0)
        )
        (shadow,) = self.axes.plot([], [], [], color=theme.path, linewidth=1.0, zorder=1.5)
        (point,) = self.axes.plot(
            [], [], [], "o", color=theme.path, markersize=12, markeredgecolor=theme.face,
            markeredgewidth=1.5, zorder=8, gid="point",
        )  # fmt: skip
        floor = np.full(len(points), relief.floor)
        self.moving = (shadow, trail, point)

        def put(step: int) -> None:
            part = slice(0, step + 1)
            trail.set_data_3d(*points[part].T, heights[part])
            shadow.set_data_3d(*points[part].T, floor[part])
            point.set_data_3d(*points[step : step + 1].T, heights[step : step + 1])

        self.place = put


def chosen_steps(course: FloatArray, frames: int) -> IntArray:
    """At most ``frames`` places of a course (k, d) along which it moves evenly.

    The first and the last are among them. Half of the way is measured by what is seen to move,
    half by the logarithm of the step, so that slow ends are not skipped.
    """
    count = len(course)
    if count <= frames:
        return np.arange(count)
    known = np.nan_to_num(course, nan=0.0, posinf=0.0, neginf=0.0)
    scale = np.ptp(known, axis=0)
    moves = np.abs(np.diff(known / np.where(scale > 0, scale, 1.0), axis=0)).max(axis=1)
    way = np.concatenate([[0.0], np.cumsum(moves)])
    way = way / (way[-1] or 1.0)
    late = np.log1p(np.arange(count)) / np.log(count)
    places = np.searchsorted((way + late) / 2, np.linspace(0.0, 1.0, frames))
    places = np.clip(places, 0, count - 1)
    for k in range(1, frames):  # no frame twice
        places[k] = max(places[k], places[k - 1] + 1)
    for k in range(frames - 1, -1, -1):
        places[k] = min(places[k], count - frames + k)
    places[-1] = count - 1
    return np.asarray(places, dtype=np.intp)


def _course(way: Way) -> FloatArray:
    if not len(way.theta):
        raise OptionError("the run has no point that can be drawn")
    return way.theta


def _checked(frames: int) -> int:
    if isinstance(frames, bool) or not isinstance(frames, int) or not 2 <= frames <= 2000:
        raise OptionError(f"frames must be a whole number from 2 to 2000, not {frames!r}")
    return frames


def _words(axes: Any, theme: Theme, busy: FloatArray) -> Any:
    """A line of text in the corner of the axes with the fewest of the ``busy`` points (k, 2).

    It is small and near to what moves because it changes in every frame of a GIF.
    """
    if axes.name == "3d":
        return axes.figure.text(
            0.97, 0.04, "", ha="right", va="bottom", color=theme.ink, fontsize=10.5, gid="words"
        )
    shares = axes.transAxes.inverted().transform(axes.transData.transform(busy))
    inside = shares[np.isfinite(shares).all(axis=1)]
    crowd = {}
    for side, left in (("right", 0.6), ("left", 0.0)):
        for level, low in (("bottom", 0.0), ("top", 0.86)):
            a, b = inside[:, 0] - left, inside[:, 1] - low
            crowd[side, level] = int(np.sum((a > 0) & (a < 0.4) & (b > 0) & (b < 0.14)))
    side, level = min(crowd, key=lambda corner: crowd[corner])
    return axes.text(
        0.985 if side == "right" else 0.015, 0.03 if level == "bottom" else 0.97, "", ha=side,
        va=level, transform=axes.transAxes, color=theme.ink, fontsize=10.5, gid="words", zorder=9,
        bbox={"facecolor": theme.face, "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
    )  # fmt: skip


def _said(run: Solution, way: Way, place: Any, losses: FloatArray) -> str:
    step, loss = int(way.step[int(place)]), float(losses[int(place)])
    return f"step {step:,}   loss {number(loss, 3)}"
