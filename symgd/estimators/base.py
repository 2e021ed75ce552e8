"""What the two estimators share: reading the formula, the one call of ``fit``, its results."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from symgd.descend import Outcome, Solution
from symgd.descend.objective import FloatArray
from symgd.estimators.features import Features, name_features
from symgd.estimators.loss_text import (
    WEIGHT,
    checked_alpha,
    loss_text,
    penalised,
)
from symgd.estimators.model import Model, read_model, split_target
from symgd.estimators.refusals import EstimatorError, NotAvailable
from symgd.fit import LOSSES, Fit, fit
from symgd.fit.statistics import LIKELIHOODS

_REACHED = (Outcome.CONVERGED, Outcome.PRECISION_LIMIT)
_FEW = 100
_REBUILT = ("_model", "fit_")
Params = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """The rows that are fitted: X (n, p), the target (n,), weights (n,) or None if all are 1.

    The target is what was given: numbers, labels, or the places of labels.
    """

    matrix: FloatArray
    target: Any
    weight: FloatArray | None


class SymbolicEstimator(BaseEstimator):  # type: ignore[misc]
    """The shared half of :class:`SymbolicRegressor` and :class:`SymbolicClassifier`."""

    def _rows(self, X: Any, y: Any, sample_weight: Any, **checks: Any) -> Rows:
        """Data as scikit-learn checks them; rows of weight zero are left out."""
        matrix, target = validate_data(self, X, y, dtype=np.float64, order="C", **checks)
        if sample_weight is None:
            return Rows(matrix, target, None)
        weight = _check_sample_weight(
            sample_weight, matrix, dtype=np.float64, ensure_non_negative=True
        )
        kept = weight > 0
        if not kept.all():
            matrix, target, weight = matrix[kept], target[kept], weight[kept]
        return Rows(matrix, target, None if (weight == 1).all() else weight)

    def _read(self, formula: str, count: int) -> tuple[str, Model]:
        """The name of the target, and the model over the ``count`` columns of X."""
        seen = vars(self).get("feature_names_in_")
        whole = Features(tuple(map(str, seen)) if seen is not None else ())
        right = formula.rpartition("~")[2] if isinstance(formula, str) else ""
        features = name_features(right, count, self.features, seen) if right.strip() else whole
        target, right = split_target(formula, features)
        return target, read_model(right, features, self.shapes, self.constants)

    def _solve(self, target: str, model: Model, rows: Rows, loss: str) -> Fit:
        """The fit of a model with one number per row."""
        alpha = checked_alpha(self.alpha)
        shapes = model.shapes
        penalty = penalised(self.penalize, shapes, model.intercepts) if alpha else {}
        data: dict[str, Any] = model.features.columns(rows.matrix, model.used)
        data[target] = rows.target
        weight = rows.weight
        plain = loss in LOSSES and not penalty
        if not plain:
            text = loss_text(loss, alpha, penalty, weight is not None)
            if weight is not None:
                summed = LOSSES.get(loss, loss).lstrip().startswith("sum")
                data[WEIGHT] = weight if summed else weight / weight.mean()
        start = self.start
        if start is None and model.linear:
            start = {name: np.zeros(shape)[()] for name, shape in shapes.items()}
        return fit(
            f"{target} ~ {model.text}", data, loss=loss if plain else text,
            weights=weight if plain else None, start=start, shapes=self.shapes,
            bounds=self.bounds, **{**self._options(), "method": self._method(loss, shapes)},
        )  # fmt: skip

    def _method(self, loss: str, shapes: Mapping[str, tuple[int, ...]]) -> Any:
        """The method asked for; Huber's loss is smooth though it is written with ``abs``."""
        asked = (self.method, self.rate, self.batch, self.epochs)
        if loss != "huber" or any(option is not None for option in asked):
            return self.method
        return "newton" if sum(map(math.prod, shapes.values())) <= _FEW else "lbfgs"

    def _options(self) -> dict[str, Any]:
        """The options of the run, by the names of :func:`symgd.fit`."""
        names = (
            "method", "rate", "batch", "steps", "epochs", "precision", "time_limit", "starts",
            "constants", "backend",
        )  # fmt: skip
        return {**{name: getattr(self, name) for name in names}, "seed": self._seed()}

    def _seed(self) -> int | None:
        """``random_state`` as a seed of symgd."""
        state = self.random_state
        if isinstance(state, np.random.RandomState):
            return int(state.randint(2**31 - 1))
        return int(state) if isinstance(state, np.integer) else state

    def _keep(self, model: Model, params: Mapping[str, Any], solution: Solution) -> None:
        """The results as attributes; a warning if the minimum was not reached."""
        finite = all(np.isfinite(value).all() for value in params.values())
        if not finite or not math.isfinite(solution.loss):
            raise EstimatorError(f"the fit came to nothing finite: {solution.message}")
        self._model = model
        self._names = model.features
        self.formula_ = model.text
        self.reading_ = model.problem.reading
        self.coef_ = dict(params)
        self.loss_ = float(solution.loss)
        self.outcome_ = solution.outcome.name
        self.message_ = solution.message
        self.method_ = solution.method
        self.n_iter_ = solution.steps
        if solution.outcome not in _REACHED and self.precision is not None:
            warnings.warn(
                f"{type(self).__name__}: {solution.outcome.name.lower().replace('_', ' ')}. "
                f"{solution.message}",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _matrix(self, X: Any) -> FloatArray:
        """New rows (N, p) as scikit-learn checks them."""
        check_is_fitted(self)
        return np.asarray(validate_data(self, X, dtype=np.float64, order="C", reset=False))

    # -- errors and a report -------------------------------------------------------------------

    def _statistical(self, loss: str) -> str:
        """Why this fit has no standard errors; empty if it has them."""
        if "fit_" not in vars(self):
            return "the statistics of a fit are not kept in a pickle; fit again"
        if float(self.alpha) > 0:
            return "a penalty (alpha > 0) makes the estimates biased; fit with alpha=0"
        if loss not in LIKELIHOODS and loss != "probability":
            return f"the loss {loss!r} is not known to be a likelihood"
        return ""

    def _errors(self, loss: str) -> dict[str, Any]:
        reason = self._statistical(loss)
        if reason:
            raise NotAvailable(f"there are no standard errors: {reason}")
        return dict(self.fit_.stderr)

    def _report(self, loss: str) -> str:
        if not self._statistical(loss):
            return str(self.fit_.report())
        lines = [f"{type(self).__name__}  {self.formula_}", self.reading_, ""]
        width = max(map(len, self.coef_))
        for name, value in self.coef_.items():
            shown = np.array2string(np.asarray(value), precision=8, max_line_width=88)
            body = shown.replace("\n", "\n" + " " * (width + 4))
            lines.append(f"  {name:<{width}}  {body}")
        outcome = self.outcome_.lower().replace("_", " ")
        return "\n".join(
            [*lines, "", f"loss {self.loss_:.10g}", "", f"{outcome}: {self.message_}",
             f"by {self.method_}, {self.n_iter_} steps"]
        )  # fmt: skip

    # -- pickling ------------------------------------------------------------------------------

    def __getstate__(self) -> Any:
        """Plain data and text; the compiled formula is rebuilt from them."""
        state = dict(super().__getstate__())
        return {name: value for name, value in state.items() if name not in _REBUILT}

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        if "formula_" in state:
            self._model = read_model(self.formula_, self._names, self.shapes, self.constants)


__all__ = ["Params", "Rows", "SymbolicEstimator"]
