"""Data and model in one picture: the line through the points, its bands, the residuals below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from symgd.descend.objective import FloatArray
from symgd.errors import OptionError
from symgd.fit import Fit
from symgd.show.canvas import legend, message, new_figure, noted, styled, titled
from symgd.show.curves import ended_in_words
from symgd.show.sample import Sample, fitted_title, model_on, sample_of
from symgd.show.theme import Theme, theme_of
from symgd.show.words import beside, name_of, r_squared

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLACES = 301
NAMED = 4
BEYOND = 0.03


def fit(fitted: Fit, *, level: float = 0.95, theme: str = "light") -> Figure:
    """The data, the fitted line or curve with its bands, and the residuals below.

    The inner band holds the curve, the outer one a new observation, each with the given
    ``level`` of confidence (Student's t; Seber & Wild, "Nonlinear Regression", section 5.1;
    least squares only). A model of several columns is drawn as observed against predicted.
    Labels of a logistic fit are drawn with the probability, counts with their mean.

    >>> import symgd
    >>> data = {"x": [0, 1, 2, 3], "y": [1.1, 2.9, 5.2, 6.9]}
    >>> figure = fit(symgd.fit("y ~ m*x + b", data))
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['$y$', 'residual']
    """
    if not isinstance(fitted, Fit):
        raise OptionError(f"this picture is of a fit, not of {type(fitted).__name__}")
    if not 0 < level < 1:
        raise OptionError(f"level must be between 0 and 1, not {level!r}")
    look, seen = theme_of(theme), sample_of(fitted)
    figure = new_figure(8, 5.8, look)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3.1, 1])
    styled(upper, look)
    styled(lower, look)
    notes = seen.notes
    if seen.column is None:
        _draw_agreement(upper, seen, look)
    else:
        notes += _draw_model(upper, seen, level, look)
    _draw_residuals(lower, seen, look)
    across = "row" if seen.by_row else "predicted"
    lower.set_xlabel(across if seen.column is None else name_of(seen.column))
    upper.set_ylabel(seen.target_label)
    figure.align_ylabels()
    titled(figure, look, fitted_title(fitted), _summary(fitted))
    if not fitted.converged:
        notes.append(f"the run: {ended_in_words(fitted)}, not shown to be at the minimum")
    noted(figure, look, notes)
    return figure


def draw_points(axes: Axes, seen: Sample, theme: Theme) -> None:
    """The observations, fainter where there are many of them."""
    crowd = seen.drawn
    axes.plot(
        seen.across, seen.observed, "o", color=theme.series[0], gid="data", zorder=3,
        markersize=6.5 if crowd <= 80 else 4.5 if crowd <= 600 else 2.6, label="data",
        alpha=0.85 if crowd <= 200 else 0.5 if crowd <= 1500 else 0.3,
        markeredgecolor=theme.face, markeredgewidth=0.6 if crowd <= 600 else 0.0,
    )  # fmt: skip


def places_of(seen: Sample) -> FloatArray:
    """Places for the curve: over the data and a little beyond."""
    low, high = float(seen.across.min()), float(seen.across.max())
    room = BEYOND * (high - low) or 0.5 * max(1.0, abs(low))
    return np.linspace(low - room, high + room, PLACES)


def data_limits(seen: Sample) -> tuple[float, float]:
    """The range of the observations with some room."""
    known = seen.observed[np.isfinite(seen.observed)]
    low, high = float(known.min()), float(known.max())
    room = 0.12 * (high - low) or 0.5 * max(1.0, abs(low))
    return low - room, high + room


def _draw_model(axes: Axes, seen: Sample, level: float, theme: Theme) -> list[str]:
    """Points, curve and bands over the one column; what must be said."""
    places = places_of(seen)
    with np.errstate(all="ignore"):
        line = seen.at(seen.fit.theta, places)
    draw_points(axes, seen, theme)
    axes.plot(places, line, color=theme.path, linewidth=2.4, zorder=5, label="fit", gid="fit")
    notes = []
    widths = band_widths(seen, places, level)
    if widths is None:
        if seen.fit.source.squares:
            notes.append("no bands: the data do not determine every parameter")
    else:
        share = f"{100 * level:g} %"
        names = (f"{share} for a new observation", f"{share} for the curve")
        for width, name, alpha, gid in zip(
            widths[::-1], names, (0.13, 0.32), ("prediction", "confidence"), strict=True
        ):
            axes.fill_between(
                places, line - width, line + width, color=theme.path, alpha=alpha, linewidth=0,
                label=name, zorder=1.5, gid=gid,
            )  # fmt: skip
    axes.set_xlim(float(places[0]), float(places[-1]))
    low, high = data_limits(seen)
    known = line[np.isfinite(line)]
    if known.size:
        rise = high - low
        low, high = max(min(low, known.min()), low - rise), min(max(high, known.max()), high + rise)
    axes.set_ylim(low, high)
    legend(axes, theme, loc="best")
    return notes


def band_widths(
    seen: Sample, places: FloatArray, level: float
) -> tuple[FloatArray, FloatArray] | None:
    """Half widths (k,) of the confidence and the prediction band, None if there are none."""
    from scipy.stats import t

    fitted = seen.fit
    if not fitted.source.squares or fitted.degrees_of_freedom < 1:
        return None
    covariance = fitted.covariance
    if not np.all(np.isfinite(covariance)):
        return None
    with np.errstate(all="ignore"):
        slopes = model_on(fitted, seen.column, places).jacobian(fitted.theta)
        variance = np.einsum("ij,jk,ik->i", slopes, covariance, slopes)
    if not np.all(np.isfinite(variance)):
        return None
    factor = float(t.ppf(0.5 + level / 2, fitted.degrees_of_freedom))
    inner = factor * np.sqrt(np.maximum(variance, 0.0))
    return inner, factor * np.sqrt(np.maximum(variance, 0.0) + fitted.residual_sd**2)


def _draw_agreement(axes: Axes, seen: Sample, theme: Theme) -> None:
    """Observed against predicted, with the line of perfect agreement."""
    known = np.isfinite(seen.across) & np.isfinite(seen.observed)
    if not known.any():
        message(axes, theme, "The model is not a finite number on any row.")
        return
    draw_points(axes, seen, theme)
    if seen.by_row:
        axes.axhline(
            float(seen.predicted[0]), color=theme.path, linewidth=2.0, label="fit", gid="fit"
        )
        legend(axes, theme, loc="best")
        return
    both = np.concatenate([seen.across[known], seen.observed[known]])
    ends = [float(both.min()), float(both.max())]
    axes.plot(ends, ends, color=theme.path, linewidth=2.0, label="predicted = observed", gid="fit")
    legend(axes, theme, loc="best")


def _draw_residuals(axes: Any, seen: Sample, theme: Theme) -> None:
    residuals = seen.residuals
    known = residuals[np.isfinite(residuals)]
    axes.axhline(0.0, color=theme.path, linewidth=1.6, zorder=2)
    if seen.drawn <= 80:
        axes.vlines(seen.across, 0.0, residuals, color=theme.series[0], linewidth=1.0, alpha=0.6)
    axes.plot(
        seen.across, residuals, "o", color=theme.series[0], gid="residuals", zorder=3,
        markersize=4.5 if seen.drawn <= 600 else 2.4, markeredgewidth=0.0,
        alpha=0.85 if seen.drawn <= 200 else 0.3,
    )  # fmt: skip
    largest = float(np.abs(known).max()) if known.size else 0.0
    scale = largest or 1e-6 * max(1.0, float(np.abs(seen.observed).max()))
    axes.set_ylim(-1.2 * scale, 1.2 * scale)
    axes.set_ylabel("residual")


def _summary(fitted: Fit) -> str:
    """Parameters with standard errors, R squared and the number of rows in one line."""
    sd = np.sqrt(np.abs(np.diag(fitted.covariance)))
    rows = list(zip(fitted.layout.names, fitted.theta.tolist(), sd.tolist(), strict=True))
    words = [f"{name_of(name)} = {beside(value, error)}" for name, value, error in rows[:NAMED]]
    if len(rows) > NAMED:
        words.append(f"{len(rows) - NAMED} more")
    if np.isfinite(fitted.r_squared) and fitted.source.squares:
        words.append(f"$R^2$ = {r_squared(fitted.r_squared)}")
    return "    ".join([*words, f"{fitted.n_rows:,} rows"])
