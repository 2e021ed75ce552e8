"""Several learning rates side by side: slow, good, oscillating, diverging, and the limit.

On a quadratic loss with curvature L the error is multiplied by (1 - eta*L) in each step: it
shrinks for eta < 2/L, changes sides above 1/L, and grows beyond 2/L. The picture shows the
runs, and the rates on their axis with these two limits (Polyak 1964; Nocedal & Wright,
"Numerical Optimization", 2nd ed., section 3.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from symgd.descend import Outcome, Solution, descend
from symgd.descend.objective import FloatArray
from symgd.diagnose import curvature
from symgd.errors import OptionError
from symgd.show.canvas import SMALL, legend, log_scale, new_figure, noted, styled, titled
from symgd.show.courses import Course, plot_course, step_axis
from symgd.show.curves import Line, draw_steps
from symgd.show.scene import Scene, reference, scene
from symgd.show.theme import Theme, theme_of
from symgd.show.window import framed, way_of
from symgd.show.words import name_of, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHARES = (0.06, 0.4, 0.9, 1.06)
"""The rates that are shown if none are given, as shares of the stable limit 2/L."""


@dataclass(frozen=True, eq=False)
class Trial:
    """One rate and its run, in words."""

    rate: float
    run: Solution
    words: str


def rates(
    what: Any,
    values: Sequence[float] | None = None,
    *,
    data: Any = None,
    start: Any = None,
    steps: int = 30,
    theme: str = "light",
) -> Figure:
    """Gradient descent with several learning rates from one start.

    For a loss of one parameter, above, a curve with the steps of each rate; in the middle the
    loss above the minimum by step, all rates on one axis; below, the rates on their own axis
    with the limits 1/L and 2/L for the curvature L at the minimum. Without ``values`` the rates
    are chosen from the limit: one slow, one good, one that oscillates, one that diverges.

    >>> figure = rates("(x - 3.5)^2 - 4.5x + 10", [0.05, 0.4, 0.9, 1.05], start={"x": 0})
    >>> len(figure.axes)
    6
    """
    look, found = theme_of(theme), scene(what, data)
    lowest = reference(found)
    limit = _stable_limit(found, lowest)
    chosen = _checked(values, limit)
    theta = _start(found, start, lowest)
    trials = [_trial(found, rate, theta, steps, limit) for rate in chosen]
    panels = found.layout.size == 1 and len(trials) <= 5
    figure = new_figure(10 if panels else 8, 7.0 if panels else 5.4, look)
    heights = [1.25, 1.25, 0.32] if panels else [1.0, 0.22]
    rows = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    if panels:
        _curves(figure, rows[0], found, trials, lowest, look)
    loss = styled(figure.add_subplot(rows[-2]), look)
    _losses(loss, trials, lowest, look, 1.0 if panels else 1.5)
    strip = figure.add_subplot(rows[-1])
    _strip(strip, trials, limit, look)
    titled(figure, look, found.title, "gradient descent with several learning rates")
    noted(figure, look, found.notes)
    return figure


def _stable_limit(found: Scene, lowest: Solution | None) -> float:
    """2/L at the minimum; nan if it is not known."""
    if found.objective is None or lowest is None or not np.all(np.isfinite(lowest.theta)):
        return float("nan")
    with np.errstate(all="ignore"):
        try:
            limit = curvature(found.objective, lowest.theta).stable_rate
        except np.linalg.LinAlgError:
            return float("nan")
    return limit if np.isfinite(limit) else float("nan")


def _checked(values: Sequence[float] | None, limit: float) -> list[float]:
    if values is None:
        if not np.isfinite(limit):
            raise OptionError("the stable rate of this loss is not known: give the rates")
        return [_nice(share * limit) for share in SHARES]
    chosen = [float(value) for value in values]
    if not 1 <= len(chosen) <= 7 or not all(0 < value < np.inf for value in chosen):
        raise OptionError(f"rates takes 1 to 7 positive rates, not {values!r}")
    return chosen


def _nice(value: float) -> float:
    """``value`` to two digits."""
    return float(f"{value:.2g}")


def _start(found: Scene, start: Any, lowest: Solution | None) -> FloatArray:
    if start is not None:
        if isinstance(start, dict):
            return found.layout.pack(start)
        return np.full(found.layout.size, float(start))
    if lowest is not None:
        return np.array(lowest.history.theta[0])
    raise OptionError("give the start of the runs: start={name: value}")


def _trial(found: Scene, rate: float, theta: FloatArray, steps: int, limit: float) -> Trial:
    run = descend(
        found.function, theta, rate=rate, steps=steps, precision=None, layout=found.layout
    )
    return Trial(rate, run, _words(run, rate / limit))


def _words(run: Solution, share: float) -> str:
    """What a rate does, from its run and its share of the stable limit."""
    if run.outcome in (Outcome.DIVERGED, Outcome.UNBOUNDED, Outcome.LEFT_DOMAIN):
        return "diverges"
    losses = run.history.loss
    if np.isfinite(share):
        if share >= 1.0:
            return "diverges" if losses[-1] > losses[0] else "does not settle"
        return "slow" if share < 0.2 else "good" if share <= 0.65 else "oscillates"
    moves = np.diff(run.history.theta, axis=0)
    turns = np.einsum("ij,ij->i", moves[1:], moves[:-1]) < 0
    return "oscillates" if turns.size and turns.mean() > 0.5 else "descends"


def _curves(
    figure: Figure,
    row: Any,
    found: Scene,
    trials: list[Trial],
    lowest: Solution | None,
    theme: Theme,
) -> None:
    """The curve with the steps of each rate, all in the same window."""
    starts = trials[0].run.history.theta[:1, 0]
    middle = None if lowest is None else float(lowest.theta[0])
    centre = middle if middle is not None else float(starts[0])
    shown = np.concatenate([starts, [2.0 * centre - float(starts[0])]])
    span = framed(shown, middle, 1.0)
    line = Line(found, 0, trials[0].run.history.theta[0], span)
    boxes = row.subgridspec(1, len(trials)).subplots(sharey=True)
    for axes, trial, colour in zip(np.atleast_1d(boxes), trials, theme.series, strict=False):
        styled(axes, theme)
        line.draw(axes, theme, None, theme.muted)
        way = way_of(trial.run)
        draw_steps(axes, line, way, theme, tangents=8, colour=colour)
        axes.set_title(
            f"rate {number(trial.rate, 3)}: {trial.words}", loc="left", color=colour, fontsize=10.5,
            fontweight="bold",
        )  # fmt: skip
        axes.set_xlabel(name_of(found.layout.names[0]))
    np.atleast_1d(boxes)[0].set_ylabel(found.label)


def _losses(
    axes: Axes, trials: list[Trial], lowest: Solution | None, theme: Theme, width: float
) -> None:
    """The loss above the minimum, all rates on one logarithmic axis."""
    bottom = np.nan if lowest is None or not lowest.converged else lowest.loss
    known = bool(np.isfinite(bottom))
    first = float(trials[0].run.history.loss[0])
    for k, trial in enumerate(trials):
        record = trial.run.history
        losses = record.loss - bottom if known else record.loss
        losses = np.where(losses > 0, losses, np.nan) if known else losses
        plot_course(
            axes, Course(record.step.astype(float), losses), theme, theme.series[k], 2.2, "loss",
            style=k, scale=False,
        )  # fmt: skip
        axes.lines[-1].set_label(f"rate {number(trial.rate, 3)}: {trial.words}")
        axes.lines[-1].set_marker("o")
        axes.lines[-1].set_markersize(3.5)
    axes.set_ylabel("loss above the minimum" if known else "loss")
    if known and first > bottom:
        log_scale(axes)
        rise = first - bottom
        low = max(axes.get_ylim()[0], rise * 1e-9)
        axes.set_ylim(low, min(axes.get_ylim()[1], rise * 1e3))
    longest = max(trials, key=lambda trial: len(trial.run.history))
    step_axis(axes, longest.run.history.step)
    legend(axes, theme, loc="center left", bbox_to_anchor=(1.01, 0.5)).set_frame_on(False)


def _strip(axes: Axes, trials: list[Trial], limit: float, theme: Theme) -> None:
    """The axis of rates, with what happens in each part of it."""
    styled(axes, theme, grid=False)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.set_xscale("log")
    chosen = [trial.rate for trial in trials]
    marks = [*chosen, *([limit / 2, limit] if np.isfinite(limit) else [])]
    low, high = min(marks) / 1.8, max(marks) * 1.8
    axes.set_xlim(low, high)
    axes.set_ylim(0, 1)
    if np.isfinite(limit):
        _zones(axes, (low, high), limit, theme)
    for k, rate in enumerate(chosen):
        axes.plot(
            [rate], [0.32], "o", color=theme.series[k], markersize=11, zorder=5, gid="rate",
            markeredgecolor=theme.face, clip_on=False,
        )  # fmt: skip
    axes.set_xlabel("learning rate")
    axes.xaxis.set_major_formatter(lambda value, _: number(value, 3))
    axes.xaxis.set_minor_formatter(lambda value, _: "")


def _zones(axes: Axes, span: tuple[float, float], limit: float, theme: Theme) -> None:
    low, high = span
    for begin, end, words, colour in (
        (low, limit / 2, "comes from one side", theme.series[2]),
        (limit / 2, limit, "from side to side", theme.series[4]),
        (limit, high, "runs away", theme.series[1]),
    ):
        axes.axvspan(begin, end, color=colour, alpha=0.16, linewidth=0)
        if np.log(end / begin) > 0.0085 * len(words) * np.log(high / low):
            axes.text(
                float(np.sqrt(begin * end)), 0.74, words, ha="center", va="center",
                fontsize=SMALL, color=theme.ink,
            )  # fmt: skip
    for place, words in ((limit / 2, "1/L"), (limit, "2/L")):
        axes.axvline(place, color=theme.ink, linewidth=1.6 if place == limit else 1.0, gid=words)
        axes.annotate(
            f"{words} = {number(place, 3)}", (place, 1.0), (0, 3), textcoords="offset points",
            ha="right" if place < limit else "left", va="bottom", fontsize=SMALL, color=theme.ink,
        )  # fmt: skip
