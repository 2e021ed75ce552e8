"""A fit as the page draws it: report, parameters, points, curve with bands, residuals, frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgd.descend import Solution
from symgd.descend.objective import FloatArray
from symgd.errors import SymgdError
from symgd.fit import Fit
from symgd.show.fits import band_widths, places_of
from symgd.show.learning import chosen_steps
from symgd.show.sample import Sample, sample_of
from symgd.show.window import way_of
from symgd.web.jsonable import evenly, plain, rounded

POINTS = 2000
FRAMES = 60
PLACES = 160
LEVEL = 0.95


def fit_view(solution: Solution) -> dict[str, Any] | None:
    """What a fit says beside the run that led to it; None for a run without a model."""
    if not isinstance(solution, Fit):
        return None
    source = solution.source
    content: dict[str, Any] = {
        "report": solution.report(),
        "params": _params(solution),
        "target": source.target_text,
        "model": solution.model,
        "loss_text": solution.loss_text,
        "n_rows": solution.n_rows,
        "dropped": solution.dropped,
        "degrees_of_freedom": solution.degrees_of_freedom,
        **plain(
            {
                "r_squared": solution.r_squared, "residual_sd": solution.residual_sd,
                "rss": solution.rss, "aic": solution.aic, "bic": solution.bic,
                "deviance": solution.deviance,
            }
        ),
        "correlation": plain(solution.correlation) if solution.layout.size <= 20 else None,
        "column": None, "points": None, "curve": None, "frames": None, "notes": [],
    }  # fmt: skip
    try:
        seen = sample_of(solution)
    except SymgdError as problem:
        return {**content, "notes": [str(problem)]}
    return {**content, **_drawn(solution, seen)}


def _params(fit: Fit) -> list[dict[str, Any]]:
    """Every component with its error and its interval."""
    errors = np.asarray(fit.layout.pack(fit.stderr))
    bounds = fit.confidence(LEVEL)
    low = np.asarray(fit.layout.pack({name: pair[0] for name, pair in bounds.items()}))
    high = np.asarray(fit.layout.pack({name: pair[1] for name, pair in bounds.items()}))
    rows = zip(fit.layout.names, fit.theta, errors, low, high, strict=True)
    return [
        plain({"name": name, "value": value, "stderr": error, "low": below, "high": above})
        for name, value, error, below, above in rows
    ]


def _drawn(fit: Fit, seen: Sample) -> dict[str, Any]:
    """Points and, over a single column, the curve with its bands and its frames."""
    places = evenly(len(seen.across), POINTS)
    content: dict[str, Any] = {
        "column": seen.column,
        "by_row": seen.by_row,
        "points": {
            "x": plain(seen.across[places]),
            "y": plain(seen.observed[places]),
            "predicted": plain(seen.predicted[places]),
            "residual": plain(seen.residuals[places]),
        },
        "notes": list(seen.notes),
    }
    if seen.column is None:
        return content
    across = np.linspace(places_of(seen)[0], places_of(seen)[-1], PLACES)
    with np.errstate(all="ignore"):
        line = seen.at(fit.theta, across)
        content["curve"] = _curve(seen, across, line)
        content["frames"] = _frames(fit, seen, across)
    return content


def _curve(seen: Sample, across: FloatArray, line: FloatArray) -> dict[str, Any]:
    widths = band_widths(seen, across, LEVEL)
    curve: dict[str, Any] = {
        "x": rounded(across), "y": rounded(line), "low": None, "high": None,
        "predicted_low": None, "predicted_high": None, "level": LEVEL,
    }  # fmt: skip
    if widths is not None:
        inner, outer = widths
        curve.update(
            low=rounded(line - inner), high=rounded(line + inner),
            predicted_low=rounded(line - outer), predicted_high=rounded(line + outer),
        )  # fmt: skip
    return curve


def _frames(fit: Fit, seen: Sample, across: FloatArray) -> list[dict[str, Any]]:
    """The curve at chosen steps of the run."""
    way = way_of(fit)
    if not len(way.theta):
        return []
    frames = []
    for place in chosen_steps(way.theta, FRAMES):
        line = seen.at(way.theta[place], across)
        loss = plain(float(fit.history.loss[place]))
        frames.append({"step": int(way.step[place]), "loss": loss, "y": rounded(line, 6)})
    return frames
