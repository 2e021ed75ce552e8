"""``SymbolicRegressor``: a formula with unknown parameters as a scikit-learn regressor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin

from symgd.descend.objective import FloatArray
from symgd.estimators.base import SymbolicEstimator
from symgd.estimators.loss_text import checked_loss
from symgd.estimators.refusals import EstimatorError
from symgd.formula.problem import ShapeLike
from symgd.minimize import Precision, Rate, Start
from symgd.minimize.limits import Bounds


def _mean(logits: FloatArray) -> FloatArray:
    from scipy.special import expit

    return np.asarray(expit(logits))


_LINKS: dict[str, Callable[[FloatArray], FloatArray]] = {"logistic": _mean, "poisson": np.exp}
"""Losses whose formula is on another scale than the target, and the way back."""


class SymbolicRegressor(RegressorMixin, SymbolicEstimator):  # type: ignore[misc]
    """A regressor whose model is a formula.

    Minimises ``loss(y, formula) + alpha * (sum of squares of the penalised parameters)``.

    ``formula`` is ``"target ~ right"`` or the right side alone. Its features are the columns of
    a DataFrame by their names, or ``x0``, ``x1``, ... for arrays (a single one also ``x``), or
    the names given as ``features``; ``X`` (N, p) is all of them. Every other name is a parameter.
    The default ``"X @ w + b"`` is the linear model for any number of features.

    ``loss`` is ``"mse"``, ``"sse"``, ``"mae"``, ``"huber"``, ``"poisson"`` (the formula is the log
    of the mean), ``"logistic"`` (targets in [0, 1]; the formula is the log-odds), or a formula in
    ``y`` and ``prediction``. ``penalize`` names the penalised parameters; by default all but
    intercepts, which are parameters that stand alone as a summand. The other options are those
    of :func:`symgd.fit`; ``random_state`` is its seed.

    Fitted attributes: ``coef_`` (name of the formula -> float or array), ``stderr_`` (the same for
    the standard errors), ``report_``, ``fit_`` (the whole :class:`symgd.Fit`; not pickled),
    ``loss_``, ``outcome_``, ``message_``, ``method_``, ``n_iter_``, ``reading_``,
    ``n_features_in_``, ``feature_names_in_``.

    Raises an ``EstimatorError`` (a ``SymgdError`` and a ``ValueError``) for options, a
    ``FormulaError`` for the formula, and scikit-learn's ``ValueError`` for the arrays. Warns with
    ``ConvergenceWarning`` where the minimum was not reached.

    >>> import numpy as np
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 1.0]])
    >>> y = np.array([1.0, 3.0, 7.0, 7.0])
    >>> model = SymbolicRegressor("a*x0 + c*x1 + d").fit(X, y)
    >>> {name: round(value, 6) for name, value in model.coef_.items()}
    {'a': 2.0, 'c': 1.0, 'd': 0.5}
    >>> np.round(model.predict([[1.0, 1.0]]), 6)
    array([3.5])
    """

    def __init__(
        self,
        formula: str = "X @ w + b",
        *,
        loss: str = "mse",
        alpha: float = 0.0,
        penalize: str | Iterable[str] | None = None,
        features: Sequence[str] | None = None,
        shapes: Mapping[str, ShapeLike] | None = None,
        constants: Mapping[str, float] | None = None,
        start: Start = None,
        bounds: Bounds | None = None,
        method: str | None = None,
        rate: Rate | None = None,
        batch: int | None = None,
        steps: int | None = None,
        epochs: int | None = None,
        precision: Precision = "auto",
        time_limit: float | None = None,
        starts: int | None = None,
        random_state: Any = None,
        backend: str = "auto",
    ) -> None:
        self.formula = formula
        self.loss = loss
        self.alpha = alpha
        self.penalize = penalize
        self.features = features
        self.shapes = shapes
        self.constants = constants
        self.start = start
        self.bounds = bounds
        self.method = method
        self.rate = rate
        self.batch = batch
        self.steps = steps
        self.epochs = epochs
        self.precision = precision
        self.time_limit = time_limit
        self.starts = starts
        self.random_state = random_state
        self.backend = backend

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SymbolicRegressor:
        """Fit to X (N, p) and y (N,); ``sample_weight`` (N,) multiplies the terms of the rows."""
        rows = self._rows(X, y, sample_weight, y_numeric=True)
        loss = checked_loss(self.loss)
        target = np.asarray(rows.target, dtype=np.float64)
        _check_range(loss, target)
        name, model = self._read(self.formula, rows.matrix.shape[1])
        found = self._solve(name, model, type(rows)(rows.matrix, target, rows.weight), loss)
        self.fit_ = found
        self._keep(model, found.params, found)
        return self

    def predict(self, X: Any) -> FloatArray:
        """The model's mean of the target on new rows, (N,)."""
        matrix = self._matrix(X)
        values = self._model.predict(self.coef_, matrix)
        link = _LINKS.get(self.loss)
        return values if link is None else link(values)

    @property
    def stderr_(self) -> dict[str, Any]:
        """The standard errors under the names of the formula."""
        return self._errors(self.loss)

    @property
    def report_(self) -> str:
        """The fit as a readable table."""
        return self._report(self.loss)


def _check_range(loss: str, target: FloatArray) -> None:
    if loss == "poisson" and (target < 0).any():
        raise EstimatorError("loss='poisson' is for counts: the target has values below 0")
    if loss == "logistic" and ((target < 0) | (target > 1)).any():
        raise EstimatorError("loss='logistic' is for shares: the target has values outside [0, 1]")


__all__ = ["SymbolicRegressor"]
