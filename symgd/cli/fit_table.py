"""The report of a fit as a table for a terminal: the numbers of ``Fit.report()``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from rich.console import Group
from rich.text import Text

from symgd.cli.tables import NAME, QUIET, columns, head, listing, text
from symgd.cli.terminal import Terminal

PAIRS = 10
NOTED = 0.1
CLOSE = 0.98
NARROW = 72


def report(fit: Any, terminal: Terminal) -> Group:
    """Model, parameters with errors and intervals, quality, correlations, outcome."""
    dropped = f", {fit.dropped} dropped" if fit.dropped else ""
    parts = [
        text(f"{fit.source.target_text} ~ {fit.model}", "bold"),
        text(f"{fit.n_rows:,} rows{dropped}, {fit.layout.size} parameters, loss {fit.loss_text}",
             QUIET),
        _parameters(fit, terminal),
        listing(_quality(fit, terminal)),
        *_correlations(fit),
        Text(""),
        head(fit),
        text(fit.message),
    ]  # fmt: skip
    return Group(*parts)


def _parameters(fit: Any, terminal: Terminal) -> Any:
    with np.errstate(invalid="ignore", divide="ignore"):
        errors = np.sqrt(np.diag(fit.covariance))
    intervals = _ends(fit)
    wide = terminal.width >= NARROW
    digits = 12 if wide else 7
    rows = []
    named = zip(fit.layout.names, fit.theta.tolist(), errors.tolist(), intervals, strict=True)
    for name, value, error, (low, high) in named:
        if math.isfinite(error):
            cells = [f"{error:.6g}" if wide else f"{error:.3g}", _share(error, value)]
            span = f"{low:.6g} to {high:.6g}" if math.isfinite(low) else ""
        else:
            cells, span = ["?", ""], "not determined by the data"
        row = [text(name, NAME), text(f"{value:.{digits}g}"), *map(text, cells)]
        rows.append([*row, text(span)] if wide else row)
    headers = ["", "value", "±" if terminal.unicode else "+/-", "", "95 % interval"]
    right = [False, True, True, True, False]
    return columns(headers[: 4 + wide], rows, right[: 4 + wide])


def _ends(fit: Any) -> list[tuple[float, float]]:
    """The 95 % interval of every component, as ``Fit.confidence`` gives it."""
    flat: list[tuple[float, float]] = []
    for low, high in fit.confidence(0.95).values():
        lows, highs = np.ravel(low).tolist(), np.ravel(high).tolist()
        flat += list(zip(lows, highs, strict=True))
    return flat


def _share(error: float, value: float) -> str:
    share = 100 * error / abs(value) if value else math.inf
    if share >= 1e4:
        return ""
    return f"{share:.0f} %" if share >= 100 else f"{share:.2g} %"


def _quality(fit: Any, terminal: Terminal) -> list[tuple[Text, Text]]:
    rows = [("loss", f"{fit.loss:.10g}")]
    if fit.source.squares:
        free = f"({fit.degrees_of_freedom:,} degrees of freedom)"
        rows.append(("residual sd", f"{fit.residual_sd:.8g} {free}"))
    if math.isfinite(fit.r_squared):
        about = "" if fit.source.squares else " (McFadden)"
        if fit.source.squares and not fit.centred:
            about = " (about zero: there is no constant)"
        rows.append(("R²" if terminal.unicode else "R^2", f"{fit.r_squared:.8g}{about}"))
    if not fit.source.squares and fit.deviance is not None:
        rows.append(("deviance", f"{fit.deviance:.8g}"))
    if fit.aic is not None and fit.bic is not None:
        rows.append(("AIC, BIC", f"{fit.aic:.6g}, {fit.bic:.6g}"))
    return [(text(name, QUIET), text(value)) for name, value in rows]


def _correlations(fit: Any) -> list[Any]:
    """The largest correlations; those that say two parameters cannot be told apart stand out."""
    names, matrix = fit.layout.names, fit.correlation
    pairs = [
        (float(matrix[i, j]), names[j], names[i])
        for i in range(len(names))
        for j in range(i)
        if np.isfinite(matrix[i, j]) and abs(matrix[i, j]) >= NOTED
    ]
    pairs.sort(key=lambda pair: -abs(pair[0]))
    if not pairs:
        return []
    rest = f" (and {len(pairs) - PAIRS} more)" if len(pairs) > PAIRS else ""
    rows = [
        (text(f"{a}, {b}"), text(f"{value:+.4f}", "yellow" if abs(value) > CLOSE else ""))
        for value, a, b in pairs[:PAIRS]
    ]
    return [Text(""), text(f"correlations above {NOTED}{rest}", QUIET), listing(rows)]
