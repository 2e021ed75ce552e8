"""Solutions and fits in a notebook, as HTML tables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from symgd.descend import Outcome
from symgd.show.notebook import badge, block, code, folded, note, table, text

if TYPE_CHECKING:
    from symgd.descend import Solution
    from symgd.fit import Fit

MOST = 40
"""So many parameters are listed."""

_KINDS = {
    Outcome.CONVERGED: "good",
    Outcome.PRECISION_LIMIT: "good",
    Outcome.MAX_STEPS: "fair",
    Outcome.TIME_LIMIT: "fair",
    Outcome.INTERRUPTED: "fair",
}


def solution_html(solution: Solution) -> str:
    """How the run ended, the parameters, the loss, and what was said."""
    values = solution.theta.tolist()
    names = solution.layout.names
    rows = [(code(n), _number(v)) for n, v in zip(names[:MOST], values[:MOST], strict=True)]
    facts = [("loss", f"{solution.loss:.10g}"), ("gradient norm", f"{solution.gradient_norm:.3g}")]
    if solution.error_estimate is not None:
        facts.append(("estimated error", f"{solution.error_estimate:.2g}"))
    parts = [
        _headline(solution), table(("parameter", "value"), rows, numbers=(1,)), _rest(names),
        table(("", ""), [(text(a), text(b)) for a, b in facts], numbers=(1,)),
    ]  # fmt: skip
    return block(*parts, note(solution.message), note(solution.cause) if solution.cause else "")


def fit_html(fit: Fit) -> str:
    """The report of a fit: parameters with errors and intervals, quality, correlations."""
    names = fit.layout.names
    with np.errstate(invalid="ignore", divide="ignore"):
        errors = np.sqrt(np.diag(fit.covariance))
        shares = 100 * errors / np.abs(fit.theta)
    low, high = _interval(fit)
    rows = []
    for k in range(min(len(names), MOST)):
        known = math.isfinite(errors[k])
        share = f"{shares[k]:.2g} %" if known and shares[k] < 1e4 else ""
        span = f"{low[k]:.6g} to {high[k]:.6g}" if math.isfinite(low[k]) else ""
        rows.append((
            code(names[k]), _number(float(fit.theta[k])),
            text(f"{errors[k]:.4g}" if known else "not determined"), text(share), text(span),
        ))  # fmt: skip
    head = ("parameter", "value", "std. error", "share", "95 % interval")
    dropped = f", {fit.dropped} dropped" if fit.dropped else ""
    model = f"<p>{code(fit.source.target_text + ' ~ ' + fit.model)}</p>"
    size = note(f"{fit.n_rows} rows{dropped}, {fit.layout.size} parameters")
    loss = folded("the loss that was minimised", f"<pre>{text(fit.loss_text)}</pre>")
    parts = [
        _headline(fit), model, size, table(head, rows, numbers=(1, 2, 3)), _rest(names),
        table(("", ""), _quality(fit), numbers=(1,)), _correlations(fit), loss,
    ]  # fmt: skip
    return block(*parts, note(fit.message))


def _headline(solution: Solution) -> str:
    kind = _KINDS.get(solution.outcome, "bad")
    word = solution.outcome.name.lower().replace("_", " ")
    steps = f"{solution.steps:,} step{'s' if solution.steps != 1 else ''}"
    return f"<p>{badge(word, kind)}{text(f'after {steps}, by {solution.method}')}</p>"


def _number(value: float) -> str:
    return text(f"{value:.10g}")


def _rest(names: tuple[str, ...]) -> str:
    return note(f"and {len(names) - MOST:,} more") if len(names) > MOST else ""


def _interval(fit: Fit) -> tuple[Any, Any]:
    """The ends (p,) of the 95 % intervals of all components."""
    with np.errstate(invalid="ignore"):
        found = fit.confidence(0.95)
    ends = [[np.ravel(found[name][side]) for name in fit.layout.shapes] for side in (0, 1)]
    return np.concatenate(ends[0]), np.concatenate(ends[1])


def _quality(fit: Fit) -> list[tuple[str, str]]:
    facts: list[tuple[str, float | None]] = [("loss", fit.loss)]
    if fit.source.squares:
        facts.append((f"residual sd, {fit.degrees_of_freedom} degrees of freedom", fit.residual_sd))
    facts += [("R²", fit.r_squared), ("AIC", fit.aic), ("BIC", fit.bic)]
    return [
        (text(name), text(f"{value:.8g}"))
        for name, value in facts
        if value is not None and math.isfinite(value)
    ]


def _correlations(fit: Fit) -> str:
    """The correlations of up to eight parameters, folded."""
    names = fit.layout.names
    if not 1 < len(names) <= 8:
        return ""
    matrix = fit.correlation
    rows = [
        (code(name), *[text(f"{matrix[i, j]:+.3f}") if j <= i else "" for j in range(len(names))])
        for i, name in enumerate(names)
    ]
    return folded("correlations", table(("", *names), rows, numbers=range(1, len(names) + 1)))


__all__ = ["fit_html", "solution_html"]
