"""The course of a run, step by step: loss, gradient norm, learning rate, parameters.

Axes are logarithmic where the numbers span decades. Long runs are thinned so that every
extreme stays: of each stretch of steps the lowest and the highest value are drawn.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symgd.descend import Solution
from symgd.descend.history import History
from symgd.descend.objective import FloatArray
from symgd.show.canvas import SMALL, decade, log_scale, message, new_figure, noted, styled, titled
from symgd.show.curves import outcome_line
from symgd.show.scene import objective_of, scene
from symgd.show.theme import DASHES, Theme, theme_of
from symgd.show.words import name_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BUCKETS = 700
SHOWN = 7
DECADES = 30.0
GAP = 0.12
"""The least distance of two names beside their lines, as a share of the axes."""


@dataclass(frozen=True, eq=False)
class Course:
    """One quantity over the steps: ``step`` (k,) and ``value`` (k,)."""

    step: NDArray[np.float64]
    value: FloatArray

    @property
    def finite(self) -> FloatArray:
        """The values that are numbers."""
        return self.value[np.isfinite(self.value)]


def history(solution: Solution, *, theme: str = "light") -> Figure:
    """The loss, the gradient norm, the rate (if it changes) and the parameters by step.

    With mini-batches the thin line is the loss of each batch and the bold one the loss over all
    rows at the end of each epoch. Of many parameters those that moved most are drawn.

    >>> import symgd
    >>> found = symgd.minimize("(x - 3)^2 + y^2", {"x": 0, "y": 1}, rate=0.1)
    >>> [axes.get_ylabel() for axes in history(found).axes]
    ['loss', 'gradient norm', 'parameters']
    """
    look, record = theme_of(theme), solution.history
    panels = [_loss, _gradient]
    if np.ptp(_finite(record.rate)) > 0:
        panels.append(_rate)
    panels.append(_parameters)
    figure = new_figure(8, 1.2 + 1.75 * len(panels), look)
    ratios = [1.25 if panel in (_loss, _parameters) else 1.0 for panel in panels]
    boxes = figure.subplots(len(panels), 1, sharex=True, height_ratios=ratios)
    notes: list[str] = []
    for axes, panel in zip(boxes, panels, strict=True):
        styled(axes, look)
        notes += panel(axes, solution, look)
        axes.yaxis.set_label_coords(-0.09, 0.5)
    step_axis(boxes[-1], record.step)
    if record.stride > 1:
        notes.append(f"every {record.stride}th step was recorded")
    titled(figure, look, _title(solution), outcome_line(solution))
    noted(figure, look, notes)
    return figure


def _title(solution: Solution) -> str:
    known = objective_of(solution)
    if known is None:
        return "The course of the descent"
    return scene(known, solution=solution).title


def step_axis(axes: Axes, steps: NDArray[Any]) -> None:
    """The axis of steps: whole numbers, with some room for a single one."""
    from matplotlib.ticker import MaxNLocator

    first, last = float(steps[0]), float(steps[-1])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=9))
    room = 0.02 * (last - first) or 1.0
    axes.set_xlim(first - room, last + room)
    axes.set_xlabel("step")


def _loss(axes: Axes, solution: Solution, theme: Theme) -> list[str]:
    record = solution.history
    course = Course(record.step.astype(np.float64), record.loss)
    axes.set_ylabel("loss")
    if not len(record.epoch_loss):
        return plot_course(axes, course, theme, theme.series[0], 2.2, "loss")
    notes = plot_course(axes, course, theme, theme.series[0], 0.7, "batch loss", 0.45)
    notes += _without_dips(axes, course.finite)
    per_epoch = solution.steps / max(1, solution.epochs)
    at = (1.0 + np.arange(len(record.epoch_loss))) * _epoch_stride(solution) * per_epoch
    epochs = Course(np.minimum(at, float(record.step[-1])), record.epoch_loss)
    notes += plot_course(axes, epochs, theme, theme.path, 2.2, "epoch loss", scale=False)
    axes.text(
        0.99, 0.95, "thin: each batch   bold: all rows, after each epoch", ha="right", va="top",
        transform=axes.transAxes, color=theme.muted, fontsize=SMALL,
    )  # fmt: skip
    return notes


def _epoch_stride(solution: Solution) -> int:
    """Neighbouring epochs of the record are so many epochs apart."""
    recorded = max(1, len(solution.history.epoch_loss))
    return max(1, round(solution.epochs / recorded))


def _gradient(axes: Axes, solution: Solution, theme: Theme) -> list[str]:
    record = solution.history
    axes.set_ylabel("gradient norm")
    course = Course(record.step.astype(np.float64), record.gradient_norm)
    if not len(record.epoch_loss):
        return plot_course(axes, course, theme, theme.series[2], 2.0, "gradient norm")
    notes = plot_course(axes, course, theme, theme.series[2], 0.7, "gradient norm", 0.8)
    return notes + _without_dips(axes, course.finite)


def _without_dips(axes: Axes, values: FloatArray) -> list[str]:
    """Rows that fit by chance have losses near 0: on a logarithmic axis the deepest are cut."""
    positive = values[values > 0]
    if axes.get_yscale() != "log" or len(positive) < 100:
        return []
    bottom = float(np.quantile(positive, 0.05))
    if bottom <= 3.0 * float(positive.min()):
        return []
    axes.set_ylim(bottom=bottom)
    return ["batches: the lowest 5 % are below the axes"]


def _rate(axes: Axes, solution: Solution, theme: Theme) -> list[str]:
    record = solution.history
    axes.set_ylabel("rate")
    course = Course(record.step.astype(np.float64), record.rate)
    return plot_course(axes, course, theme, theme.series[4], 2.0, "rate")


def _parameters(axes: Axes, solution: Solution, theme: Theme) -> list[str]:
    record = solution.history
    axes.set_ylabel("parameters")
    chosen = most_moved(record, SHOWN)
    steps, notes = record.step.astype(np.float64), []
    shown = record.theta[:, chosen]
    symmetric = _spans_decades(shown)
    if symmetric:
        _symmetric(axes, _threshold(shown))
    for k, place in enumerate(chosen):
        notes += plot_course(
            axes, Course(steps, record.theta[:, place]), theme, theme.series[k], 2.0,
            record.layout.names[place], style=k, scale=False,
        )  # fmt: skip
    _name_lines(axes, record, chosen, theme)
    size = record.layout.size
    if len(chosen) < size:
        notes.append(f"the {len(chosen)} of {size:,} parameters that moved most")
    return notes


def most_moved(record: History, count: int) -> list[int]:
    """The places of the components that moved most, in their own order."""
    size = record.layout.size
    if size <= count:
        return list(range(size))
    with np.errstate(all="ignore"):
        course = np.clip(np.nan_to_num(record.theta, nan=0.0), -1e100, 1e100)
        moved = np.ptp(course, axis=0)
    return sorted(int(k) for k in np.argsort(-moved, kind="stable")[:count])


def _name_lines(axes: Axes, record: History, chosen: list[int], theme: Theme) -> None:
    """Each name at the right end of its line, moved apart where they would overlap."""
    axes.autoscale_view()
    to_share = axes.transScale + axes.transLimits
    ends = []
    for place in chosen:
        course = record.theta[:, place]
        known = course[np.isfinite(course)]
        end = float(to_share.transform((0.0, known[-1]))[1]) if known.size else 0.0
        ends.append(min(max(end, 0.0), 1.0))
    order = sorted(range(len(chosen)), key=lambda k: ends[k])
    for here, after in itertools.pairwise(order):
        ends[after] = max(ends[after], ends[here] + GAP)
    ceiling = 1.0
    for k in reversed(order):
        ends[k] = min(ends[k], ceiling)
        ceiling = ends[k] - GAP
        axes.text(
            1.012, ends[k], name_of(record.layout.names[chosen[k]]), color=theme.series[k],
            transform=axes.transAxes, va="center", fontsize=10.5,
        )  # fmt: skip


# -- one line -----------------------------------------------------------------------------------


def plot_course(
    axes: Axes,
    course: Course,
    theme: Theme,
    colour: str,
    width: float,
    gid: str,
    alpha: float = 1.0,
    style: int = 0,
    scale: bool = True,
) -> list[str]:
    """One quantity by step, thinned if it is long; what must be said about it."""
    if not course.finite.size:
        message(axes, theme, "not a finite number at any step")
        return []
    if scale:
        _scale(axes, course.finite)
    clipped = np.clip(course.value, -1e150, 1e150)
    step, value, note = envelope(course.step, clipped)
    lone = len(course.finite) == 1 or len(step) == 1
    axes.plot(
        step, value, color=colour, linewidth=width, alpha=alpha, gid=gid,
        linestyle=DASHES[style % len(DASHES)], marker="o" if lone or len(step) <= 30 else None,
        markersize=7 if lone else 4,
    )  # fmt: skip
    return [note]


def envelope(
    step: NDArray[np.float64], value: FloatArray, buckets: int = BUCKETS
) -> tuple[NDArray[np.float64], FloatArray, str]:
    """The same line with at most 4 points for each bucket of steps: ends, lowest and highest.

    >>> step, value, note = envelope(np.arange(10000.0), np.arange(10000.0), 10)
    >>> len(step) <= 40, float(value[-1]), note
    (True, 9999.0, 'lines thinned, all extremes kept')
    """
    if len(step) <= 4 * buckets:
        return step, value, ""
    kept = set()
    edges = np.linspace(0, len(step), buckets + 1).astype(int)
    filled = np.nan_to_num(value, nan=np.inf)
    for first, last in itertools.pairwise(edges):
        part = filled[first:last]
        finite = np.where(np.isfinite(part), part, -np.inf)
        kept |= {first, last - 1, first + int(np.argmin(part)), first + int(np.argmax(finite))}
    chosen = np.array(sorted(kept))
    return step[chosen], value[chosen], "lines thinned, all extremes kept"


def _scale(axes: Axes, values: FloatArray) -> None:
    """A logarithmic axis if the values are positive and span decades."""
    positive = values[values > 0]
    if len(positive) == len(values) and float(values.max()) > DECADES * float(values.min()):
        log_scale(axes)
    elif len(positive) > 0.5 * len(values) and not np.any(values < 0):
        if float(values.max()) > DECADES * float(np.median(positive)):
            _symmetric(axes, float(positive.min()))
    elif _spans_decades(values):
        _symmetric(axes, _threshold(values))
    elif float(np.ptp(values)) <= 1e-12 * max(1.0, float(np.abs(values).max())):
        middle = float(values[0])
        axes.set_ylim(middle - max(1.0, abs(middle)) / 2, middle + max(1.0, abs(middle)) / 2)


def _symmetric(axes: Axes, threshold: float) -> None:
    """A logarithmic axis in both directions, linear below the threshold, with few ticks."""
    from matplotlib.ticker import SymmetricalLogLocator

    threshold = 10.0 ** np.ceil(np.log10(threshold))
    axes.set_yscale("symlog", linthresh=threshold)
    locator = SymmetricalLogLocator(base=10, linthresh=threshold)
    locator.set_params(numticks=5)
    axes.yaxis.set_major_locator(locator)
    axes.yaxis.set_major_formatter(lambda value, _: decade(value))
    axes.yaxis.minorticks_off()


def _spans_decades(values: NDArray[np.float64]) -> bool:
    """Whether a runaway would flatten everything else."""
    known = np.abs(_finite(values))
    return bool(known.max() > 300.0 * max(1e-300, float(np.median(known))) and known.max() > 1e3)


def _threshold(values: NDArray[np.float64]) -> float:
    """Where a symmetric logarithmic axis becomes linear."""
    known = np.abs(_finite(values))
    return float(max(np.median(known), 1e-12 * known.max(), 1e-300))


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The finite values, or one zero if there is none."""
    known = np.asarray(values)[np.isfinite(values)]
    return np.clip(known, -1e150, 1e150) if known.size else np.zeros(1)
