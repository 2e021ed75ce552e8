"""The result of a fit of rows that are not in memory: its statistics are sums over all rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symgd.descend.objective import FloatArray
from symgd.errors import OptionError
from symgd.fit import statistics
from symgd.fit.result import Fit
from symgd.scale.moments import MOMENTS
from symgd.scale.objective import Streamed
from symgd.scale.source import memory_limit


@dataclass(frozen=True, kw_only=True, eq=False)
class StreamedFit(Fit):
    """A :class:`~symgd.fit.Fit` whose rows were taken block by block.

    Everything that is a sum over the rows (RSS, R^2, standard errors, likelihoods) is that of
    all rows. ``source`` holds a sample of the rows, which pictures show. ``predict()`` and
    ``residuals`` without data go over all rows and need the memory for one column;
    :meth:`blocks` gives them block by block.
    """

    streamed: Streamed

    def blocks(self) -> Iterator[tuple[dict[str, FloatArray], FloatArray]]:
        """For each block of rows in order: its columns, and the prediction for them."""
        streamed = self.streamed
        for block in streamed.engine.read(streamed.spec):
            yield dict(block), self.source.predict(self.theta, dict(block))

    def predict(self, data: Any = None) -> FloatArray:
        """The model's values on new data (default: all rows of the fit), shape (N,)."""
        if data is not None:
            return self.source.predict(self.theta, data)
        self._fits_memory("the predictions")
        return np.concatenate([values for _, values in self.blocks()])

    @cached_property
    def _residuals(self) -> Any:
        from symgd.scale.moments import evaluate

        self._fits_memory("the residuals")
        spec = self.streamed.spec
        return np.concatenate(
            [evaluate(spec.target, spec.columns, block) - p for block, p in self.blocks()]
        )

    def _fits_memory(self, what: str) -> None:
        if 8.0 * self.n_rows > memory_limit(None):
            raise OptionError(
                f"{what} of {self.n_rows:,} rows do not fit into memory; take them block by block: "
                "for columns, prediction in fit.blocks(): ..."
            )

    @property
    def n_rows(self) -> int:
        """How many rows were fitted."""
        return self.streamed.n_rows

    @property
    def _summed(self) -> bool:
        """Whether the loss is a sum over the rows (else a mean)."""
        return self.source.partials.loss.op == "sum" or self.source.kind == "sse"

    @cached_property
    def rss(self) -> float:
        """The residual sum of squares, weighted if there are weights."""
        if self.source.squares:
            return self.loss * (1.0 if self._summed else self.n_rows)
        return math.fsum(float(r @ r) for r in self._residual_blocks())

    def _residual_blocks(self) -> Iterator[FloatArray]:
        from symgd.scale.moments import evaluate

        spec = self.streamed.spec
        for block, predicted in self.blocks():
            weight = evaluate(spec.factor, spec.columns, block) if spec.factor else 1.0
            yield (evaluate(spec.target, spec.columns, block) - predicted) * np.sqrt(weight)

    @cached_property
    def _upper(self) -> Any:
        """R for the columns [J, r, target, 1] over all rows, with the scale of the loss."""
        assert self.streamed.squares is not None
        return self.streamed.squares.triangle(self.theta)

    @cached_property
    def _total(self) -> float:
        upper, p = self._upper, self.layout.size
        target, ones = upper[:, p + 1], upper[:, p + 2]
        if self.centred:
            target = target - (target @ ones) / (ones @ ones) * ones
        return float(target @ target) * (1.0 if self._summed else self.n_rows)

    @cached_property
    def centred(self) -> bool:
        """Whether R^2 compares with the mean (else with zero)."""
        if not self.streamed.structure.affine:
            return True
        upper, p = self._upper.astype(np.float64), self.layout.size
        norms = np.linalg.norm(upper[:, :p], axis=0)
        basis, _ = np.linalg.qr(upper[:, :p] / np.where(norms > 0, norms, 1.0))
        ones = upper[:, p + 2]
        rest = ones - basis @ (basis.T @ ones)
        return bool(np.linalg.norm(rest) < 1e-6 * np.linalg.norm(ones))

    @cached_property
    def r_squared(self) -> float:
        """The share of the variation that the model explains; see :class:`~symgd.fit.Fit`."""
        if self.source.squares:
            if self.streamed.squares is None:
                return math.nan
            return 1.0 - self.rss / self._total if self._total > 0 else math.nan
        reached, null = self.log_likelihood, self._null
        return math.nan if reached is None or not null else 1.0 - reached / null

    # -- likelihoods ---------------------------------------------------------------------------

    @cached_property
    def _moments(self) -> dict[str, float]:
        found = self.streamed.engine.moments(self.streamed.spec)
        return dict(zip(MOMENTS, found.tolist(), strict=True))

    @cached_property
    def log_likelihood(self) -> float | None:
        """The maximised log-likelihood, None where the loss is no likelihood."""
        n, kind = self.n_rows, self.source.kind
        if self.source.squares:
            if not self.rss > 0:
                return None
            weights = 0.5 * self._moments["log_weight"] if self.streamed.spec.factor else 0.0
            if self.source.absolute:
                return -0.5 * (self.rss + n * math.log(2 * math.pi)) + weights
            return -0.5 * n * (math.log(2 * math.pi * self.rss / n) + 1.0) + weights
        if kind == "logistic":
            return -n * self.loss
        if kind == "poisson":
            return -n * self.loss - self._moments["log_factorial"]
        return None

    @property
    def _null(self) -> float | None:
        """The log-likelihood of the best constant, for ``logistic`` and ``poisson``."""
        known = self._moments
        weight, total = known["weight"], known["mean"]
        mean = total / weight
        if self.source.kind == "logistic" and 0 < mean < 1:
            return total * math.log(mean) + (weight - total) * math.log1p(-mean)
        if self.source.kind == "poisson" and mean > 0:
            return total * math.log(mean) - weight * mean - known["log_factorial"]
        return None

    @property
    def deviance(self) -> float | None:
        """RSS for least squares, twice the gap to the saturated model for likelihoods."""
        if self.source.squares:
            return self.rss
        reached, known = self.log_likelihood, self._moments
        if reached is None:
            return None
        if self.source.kind == "logistic":
            return 2.0 * (known["entropy"] + known["other_entropy"] - reached)
        saturated = known["entropy"] - known["mean"] - known["log_factorial"]
        return 2.0 * (saturated - reached)

    # -- errors --------------------------------------------------------------------------------

    @cached_property
    def _spread(self) -> statistics.Covariance:
        p, count = self.layout.size, 1 if self._summed else self.n_rows
        variance = 1.0
        with np.errstate(all="ignore"):
            if self.source.squares and self.streamed.squares is not None:
                jacobian = self._upper[:, :p]
                if not np.isfinite(jacobian).all():
                    return statistics.Covariance(np.full((p, p), np.nan), np.zeros((p, 0)))
                variance = 1.0 if self.source.absolute else self.residual_sd**2
                matrix, free = statistics.inverse_normal(jacobian)
                return statistics._marked(matrix / count, free, variance)
            if not self.source.squares and self.source.kind not in statistics.LIKELIHOODS:
                unknown = np.full((p, p), np.nan)  # the sandwich would take another pass
                return statistics.Covariance(unknown, np.zeros((p, 0)))
            hessian = self.streamed.hessian(self.theta) * count
            if self.source.squares:
                variance = 2.0 * (1.0 if self.source.absolute else self.residual_sd**2)
            return _inverse(hessian, variance)

    def confidence(self, level: float = 0.95, method: str = "wald") -> dict[str, Any]:
        """Name -> (low, high); ``method="wald"`` only, see :meth:`symgd.fit.Fit.confidence`."""
        if method == "profile":
            raise OptionError(
                "profile intervals fit again and again over all rows; take method='wald', or fit "
                "data that are in memory"
            )
        return super().confidence(level, method)

    def band(
        self, data: Any = None, level: float = 0.95, kind: str = "confidence"
    ) -> tuple[FloatArray, FloatArray]:
        """The limits (low, high), each (N,), around the prediction on ``data``, which is needed."""
        if data is None:
            raise OptionError("give the data for which the band is wanted: band(data)")
        return super().band(data, level, kind)


def _inverse(hessian: FloatArray, variance: float) -> statistics.Covariance:
    """variance * H^-1, nan where a direction is not determined."""
    p = len(hessian)
    if not np.isfinite(hessian).all():
        return statistics.Covariance(np.full((p, p), np.nan), np.zeros((p, 0)))
    units = np.sqrt(np.abs(np.diagonal(hessian)))
    units = np.where(units > 0, units, 1.0)
    values, vectors = np.linalg.eigh(hessian / np.outer(units, units))
    kept = values > 1e-13 * max(float(values[-1]), 1e-300)
    part = vectors[:, kept] / units[:, None]
    matrix = (part / values[kept]) @ part.T
    return statistics._marked(matrix, vectors[:, ~kept] / units[:, None], variance)
