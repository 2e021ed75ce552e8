"""The result of a fit: a solution that knows its model, data and statistics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symgd.descend import Solution
from symgd.descend.objective import FloatArray
from symgd.errors import OptionError
from symgd.fit import statistics
from symgd.fit.model import Fitted


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit(Solution):
    """A :class:`Solution` that knows its model and data.

    ``model`` is the right side of ``y ~ ...`` as text, ``loss_text`` the loss that
    was minimised. Standard errors are those of least squares, s^2 (J'J)^-1 with
    s^2 = RSS/(N - p) (Seber & Wild, "Nonlinear Regression", section 2.1.2), or of the
    inverse Hessian of N times the loss for likelihoods.
    """

    model: str
    loss_text: str
    source: Fitted
    dropped: int = 0

    def predict(self, data: Any = None) -> FloatArray:
        """The model's values on new data (default: the data of the fit), shape (N,)."""
        return self.source.predict(self.theta, data)

    @property
    def loss_name(self) -> str:
        """The name of the loss ("mse", ...), or its formula if it is one of the user's own."""
        return self.source.kind or self.loss_text

    @property
    def residuals(self) -> FloatArray:
        """Target minus prediction, shape (N,)."""
        return np.asarray(self._residuals, dtype=np.float64)

    @cached_property
    def _residuals(self) -> Any:
        return self.source.residual(self.theta)

    @property
    def n_rows(self) -> int:
        """How many rows were fitted."""
        return int(self.source.target.shape[0])

    @property
    def degrees_of_freedom(self) -> int:
        """Rows minus parameters."""
        return self.n_rows - self.layout.size

    @cached_property
    def rss(self) -> float:
        """The residual sum of squares, weighted if there are weights."""
        weight = 1.0 if self.source.weight is None else self.source.weight
        return float(np.sum(weight * self._residuals**2))

    @property
    def residual_sd(self) -> float:
        """sqrt(RSS/(N - p)); nan without degrees of freedom."""
        free = self.degrees_of_freedom
        return math.sqrt(self.rss / free) if free > 0 else math.nan

    @cached_property
    def r_squared(self) -> float:
        """The share of the variation that the model explains.

        Least squares: 1 - RSS/TSS, TSS about the mean, or about zero for a linear model without
        a constant (as in NIST's NoInt sets). Logistic and Poisson: McFadden's
        1 - log L/log L_0 against the best constant. nan for other losses.
        """
        source = self.source
        if source.squares:
            return 1.0 - self.rss / self._total if self._total > 0 else math.nan
        reached, null = self.log_likelihood, statistics.null_log_likelihood(source)
        return math.nan if reached is None or not null else 1.0 - reached / null

    @cached_property
    def _total(self) -> float:
        """The total sum of squares."""
        source = self.source
        weight = np.ones(self.n_rows) if source.weight is None else source.weight
        about = float(np.average(source.target, weights=weight)) if self.centred else 0.0
        return float(np.sum(weight * (source.target - about) ** 2))

    @cached_property
    def centred(self) -> bool:
        """Whether R^2 compares with the mean (else with zero)."""
        from symgd.compile.structure import structure_of

        affine = structure_of(self.source.partials).affine
        return not affine or statistics.has_intercept(self.source, self.theta)

    @cached_property
    def log_likelihood(self) -> float | None:
        """The maximised log-likelihood, None where the loss is no likelihood."""
        return statistics.log_likelihood(self.source, self.theta, self.rss)

    @property
    def deviance(self) -> float | None:
        """RSS for least squares, twice the gap to the saturated model for likelihoods."""
        return statistics.deviance(self.source, self.theta, self.rss)

    @property
    def aic(self) -> float | None:
        """-2 log L + 2 k; k counts the parameters, and the variance if it is estimated.

        So does R. Programs that leave the variance out of k, or constants out of log L (lmfit,
        statsmodels), differ by a constant that is the same for all models of the data.
        """
        reached = self.log_likelihood
        return None if reached is None else -2 * reached + 2 * self._estimated

    @property
    def bic(self) -> float | None:
        """-2 log L + k log N."""
        reached = self.log_likelihood
        return None if reached is None else -2 * reached + self._estimated * math.log(self.n_rows)

    @property
    def _estimated(self) -> int:
        source = self.source
        return self.layout.size + (1 if source.squares and not source.absolute else 0)

    @cached_property
    def _spread(self) -> statistics.Covariance:
        source = self.source
        variance = 1.0 if source.absolute else self.residual_sd**2
        return statistics.covariance(source, self.theta, variance)

    @property
    def covariance(self) -> FloatArray:
        """The covariance matrix of the parameters, (p, p); nan where they are not determined."""
        return self._spread.matrix

    @property
    def stderr(self) -> dict[str, float | FloatArray]:
        """The standard error of every parameter; nan if it is not determined."""
        with np.errstate(invalid="ignore"):
            return self.layout.unpack(np.sqrt(np.diag(self.covariance)))

    @property
    def correlation(self) -> FloatArray:
        """The correlation matrix of the parameters, (p, p)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            sd = np.sqrt(np.diag(self.covariance))
            return np.asarray(self.covariance / np.outer(sd, sd))

    def confidence(self, level: float = 0.95, method: str = "wald") -> dict[str, Any]:
        """Name -> (low, high) for a level between 0 and 1.

        ``"wald"``: the estimate plus and minus a quantile times the standard error (Student's t
        for least squares, normal for likelihoods). ``"profile"``: by profile likelihood
        (:mod:`symgd.fit.profile`), which need not be symmetric; it fits again and again.
        """
        factor = self._factor(level)
        if method == "profile":
            return self._profiled(factor)
        if method != "wald":
            raise OptionError(f"method must be 'wald' or 'profile', not {method!r}")
        error = self.stderr
        return {
            name: (value - factor * error[name], value + factor * error[name])
            for name, value in self.params.items()
        }

    def _factor(self, level: float) -> float:
        """The quantile that goes with a level: Student's t, or normal without a variance."""
        if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 1:
            raise OptionError(f"level must be between 0 and 1, not {level!r}")
        from scipy.stats import norm, t

        if not self.source.squares or self.source.absolute:
            return float(norm.ppf(0.5 + level / 2))
        free = self.degrees_of_freedom
        return float(t.ppf(0.5 + level / 2, free)) if free > 0 else math.nan

    def _profiled(self, factor: float) -> dict[str, Any]:
        from symgd.fit.profile import Profile, interval

        source = self.source
        if not (source.squares or source.kind in statistics.LIKELIHOODS):
            raise OptionError("a profile likelihood needs least squares or a likelihood")
        summed = source.kind == "sse"
        scale = 1.0 if summed else 1.0 / self.n_rows
        variance = 1.0 if source.absolute else self.residual_sd**2
        unit = scale * (variance if source.squares else 0.5)
        profile = Profile(source.objective, self.theta)
        errors = np.sqrt(np.diag(self.covariance))
        ends = np.full((2, self.theta.size), np.nan)
        for index, (best, error) in enumerate(zip(self.theta, errors, strict=True)):
            if math.isfinite(error) and error > 0 and math.isfinite(factor):
                least = profile.least(index)
                ends[:, index] = interval(
                    least, float(best), self.loss, factor * float(error), factor, unit
                )
        low, high = self.layout.unpack(ends[0]), self.layout.unpack(ends[1])
        return {name: (low[name], high[name]) for name in self.params}

    def band(
        self, data: Any = None, level: float = 0.95, kind: str = "confidence"
    ) -> tuple[FloatArray, FloatArray]:
        """The limits (low, high), each (N,), around the prediction on ``data``.

        ``"confidence"`` is for the model's value there, quantile times sqrt(j' Cov j) with the
        gradient j of the prediction; ``"prediction"`` is for a new observation and adds the
        residual variance (least squares only). To first order in the parameters.
        """
        factor = self._factor(level)
        if kind not in ("confidence", "prediction"):
            raise OptionError(f"kind must be 'confidence' or 'prediction', not {kind!r}")
        if kind == "prediction" and (not self.source.squares or self.source.weight is not None):
            raise OptionError("prediction bands are for least squares with equal weights")
        value = self.predict(data)
        rows = self.source.jacobian(self.theta, data)
        variance = np.einsum("ij,jk,ik->i", rows, self.covariance, rows)
        if kind == "prediction":
            variance = variance + self.residual_sd**2
        width = factor * np.sqrt(np.maximum(variance, 0.0))
        return value - width, value + width

    def report(self) -> str:
        """The fit as a readable table."""
        from symgd.fit.report import report

        return report(self)

    def __str__(self) -> str:
        return self.report()

    def _repr_html_(self) -> str:
        from symgd.show.notebook_runs import fit_html

        return fit_html(self)

    def to_dict(self) -> dict[str, Any]:
        """All but the history as JSON can hold it."""
        base = super().to_dict()
        error = {n: np.asarray(v).tolist() for n, v in self.stderr.items()}
        numbers = {
            "residual_sd": self.residual_sd, "r_squared": self.r_squared, "rss": self.rss,
            "log_likelihood": self.log_likelihood, "deviance": self.deviance, "aic": self.aic,
            "bic": self.bic,
        }  # fmt: skip
        return {
            **base, **_finite(numbers), "stderr": _finite(error), "model": self.model,
            "loss_text": self.loss_text, "loss_name": self.loss_name, "n_rows": self.n_rows,
            "dropped": self.dropped, "degrees_of_freedom": self.degrees_of_freedom,
            "correlation": _finite(self.correlation.tolist()),
        }  # fmt: skip


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return value if value is not None and np.isfinite(value) else None
