"""A fit in words: a table that a person can read and a paper can quote."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from symgd.fit.result import Fit

_SHOWN = 0.1
_MOST = 10


def report(fit: Fit) -> str:
    """Model, data, parameters with errors and intervals, quality, correlations, outcome."""
    lines = [f"{fit.source.target_text} ~ {fit.model}", f"loss  {fit.loss_text}"]
    dropped = f", {fit.dropped} dropped" if fit.dropped else ""
    lines.append(f"{fit.n_rows} rows{dropped}, {fit.layout.size} parameters")
    lines += ["", *_parameters(fit), "", *_quality(fit)]
    lines += _correlations(fit)
    outcome = fit.outcome.name.lower().replace("_", " ")
    steps = f"{fit.steps} step{'' if fit.steps == 1 else 's'}"
    lines += ["", f"{outcome}: {fit.message}", f"by {fit.method}, {steps}"]
    return "\n".join(lines)


def _parameters(fit: Fit) -> list[str]:
    """One line for each component: value, standard error, its share, 95 % interval."""
    with np.errstate(invalid="ignore", divide="ignore"):
        errors = np.sqrt(np.diag(fit.covariance))
        shares = 100 * errors / np.abs(fit.theta)
    factor = fit._factor(0.95)
    header = ("", "value", "+/-", "", "95 % interval")
    rows = [header]
    for name, value, error, share in zip(
        fit.layout.names, fit.theta.tolist(), errors.tolist(), shares.tolist(), strict=True
    ):
        if not math.isfinite(error):
            rows.append((name, f"{value:.12g}", "?", "", "not determined by the data"
                         if fit._spread.free.shape[1] else ""))  # fmt: skip
            continue
        part = f"({share:.2g} %)" if math.isfinite(share) and share < 1e4 else ""
        low, high = value - factor * error, value + factor * error
        span = f"{low:.6g} to {high:.6g}" if math.isfinite(factor) else ""
        rows.append((name, f"{value:.12g}", f"{error:.6g}", part, span))
    widths = [max(len(row[k]) for row in rows) for k in range(5)]
    return [
        (f"  {row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  "
         f"{row[3]:<{widths[3]}}  {row[4]}").rstrip()
        for row in rows
    ]  # fmt: skip


def _quality(fit: Fit) -> list[str]:
    parts = [f"loss {fit.loss:.10g}"]
    if fit.source.squares:
        parts.append(f"residual sd {fit.residual_sd:.8g}")
        parts.append(f"({fit.degrees_of_freedom} degrees of freedom)")
    lines = ["   ".join(parts[:2]) + (f" {parts[2]}" if len(parts) > 2 else "")]
    more = []
    if math.isfinite(fit.r_squared):
        about = "" if fit.source.squares else " (McFadden)"
        if fit.source.squares and not fit.centred:
            about = " (about zero: there is no constant)"
        more.append(f"R^2 {fit.r_squared:.8g}{about}")
    if not fit.source.squares and fit.deviance is not None:
        more.append(f"deviance {fit.deviance:.8g}")
    if fit.aic is not None and fit.bic is not None:
        more.append(f"AIC {fit.aic:.6g}   BIC {fit.bic:.6g}")
    return lines + (["   ".join(more)] if more else [])


def _correlations(fit: Fit) -> list[str]:
    """The largest correlations, as lmfit shows them."""
    names, matrix = fit.layout.names, fit.correlation
    pairs = [
        (abs(matrix[i, j]), names[i], names[j], matrix[i, j])
        for i in range(len(names))
        for j in range(i)
        if np.isfinite(matrix[i, j]) and abs(matrix[i, j]) >= _SHOWN
    ]
    pairs.sort(key=lambda pair: -pair[0])
    if not pairs:
        return []
    shown = [f"{b}, {a}: {value:+.4f}" for _, a, b, value in pairs[:_MOST]]
    rest = f" (and {len(pairs) - _MOST} more)" if len(pairs) > _MOST else ""
    return ["", f"correlations above {_SHOWN}{rest}", *(f"  {line}" for line in shown)]
