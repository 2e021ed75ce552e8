"""``SymbolicClassifier``: a formula for a logit or a probability as a scikit-learn classifier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import expit, logit
from scipy.special import softmax as softmax_of
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from symgd.descend.objective import FloatArray, IntArray
from symgd.estimators.base import Rows, SymbolicEstimator
from symgd.estimators.loss_text import PROBABILITY, checked_alpha, penalised
from symgd.estimators.model import Model
from symgd.estimators.refusals import EstimatorError, NotAvailable
from symgd.estimators.softmax import Softmax, fit_softmax, scores
from symgd.formula.problem import ShapeLike
from symgd.minimize import Precision, Rate, Start
from symgd.minimize.limits import Bounds

OUTPUTS = ("logit", "probability")


class SymbolicClassifier(ClassifierMixin, SymbolicEstimator):  # type: ignore[misc]
    """A classifier whose model is a formula for a logit or a probability.

    ``output="logit"``: the formula gives the log-odds of the second class (in sorted order); of
    three or more classes each gets the formula with parameters of its own as its score, and the
    softmax of the scores gives the probabilities. ``output="probability"``: the formula itself is
    the probability of the second of two classes, such as ``"c + (1 - c)*sigmoid(a*x0 + b)"``.

    Minimises ``mean negative log-likelihood + alpha*(sum of squares of the penalised
    parameters)``. The small default ``alpha`` keeps the parameters finite where the classes can be
    separated; ``alpha=0`` is maximum likelihood, with standard errors (two classes). scikit-learn's
    ``LogisticRegression(C)`` is ``alpha = 1/(2*C*N)``. ``class_weight`` is scikit-learn's.

    Features, parameters and the other options are those of :class:`SymbolicRegressor`. Fitted
    attributes are ``classes_``, ``coef_`` (name -> float or array; with three or more classes one
    more axis in front, one entry per class), and those named there.

    >>> import numpy as np
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]])
    >>> y = ["no", "no", "yes", "no", "yes", "yes"]
    >>> model = SymbolicClassifier("a*(x - middle)", alpha=0, start={"a": 1, "middle": 2})
    >>> {name: round(value, 4) for name, value in model.fit(X, y).coef_.items()}
    {'a': 1.214, 'middle': 2.5}
    >>> str(model.predict([[9.0]])[0])
    'yes'
    """

    def __init__(
        self,
        formula: str = "X @ w + b",
        *,
        output: str = "logit",
        alpha: float = 1e-4,
        penalize: str | Iterable[str] | None = None,
        class_weight: Any = None,
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
        self.output = output
        self.alpha = alpha
        self.penalize = penalize
        self.class_weight = class_weight
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SymbolicClassifier:
        """Fit to X (N, p) and labels y (N,); ``sample_weight`` (N,) multiplies the rows' terms."""
        if self.output not in OUTPUTS:
            raise EstimatorError(f"output must be 'logit' or 'probability', not {self.output!r}")
        rows = self._rows(X, y, sample_weight)
        check_classification_targets(rows.target)
        self.classes_, codes = np.unique(rows.target, return_inverse=True)
        if len(self.classes_) < 2:
            raise EstimatorError(
                f"a classifier needs two classes or more; y has one class, {self.classes_[0]!r}"
            )
        rows = replace(rows, target=codes, weight=self._weight(rows, codes))
        name, model = self._read(self.formula, rows.matrix.shape[1])
        self._check_output(model)
        if len(self.classes_) > 2:
            return self._fit_several(model, rows)
        loss = "logistic" if self.output == "logit" else PROBABILITY
        labels = replace(rows, target=codes.astype(np.float64))
        self.fit_ = self._solve(name, model, labels, loss)
        self._keep(model, self.fit_.params, self.fit_)
        return self

    def _fit_several(self, model: Model, rows: Rows) -> SymbolicClassifier:
        alpha = checked_alpha(self.alpha)
        penalty = penalised(self.penalize, model.shapes, model.intercepts) if alpha else {}
        weighted = rows.weight is not None
        task = Softmax(model, len(self.classes_), alpha, tuple(penalty), weighted)
        options = {k: v for k, v in self._options().items() if k != "constants"}
        options = {"schedule": None, **options}
        params, solution = fit_softmax(
            task, rows.matrix, rows.target, rows.weight, self.start, self.bounds, options
        )
        self.__dict__.pop("fit_", None)
        self._keep(model, params, solution)
        return self

    def _weight(self, rows: Rows, codes: IntArray) -> FloatArray | None:
        """The weights of the rows times those of their classes."""
        if self.class_weight is None:
            return rows.weight
        by_class = compute_class_weight(
            self.class_weight, classes=self.classes_, y=rows.target, sample_weight=rows.weight
        )
        found = np.asarray(by_class[codes])
        return found if rows.weight is None else found * rows.weight

    def _check_output(self, model: Model) -> None:
        """Refuse formulas that are plainly on the other scale."""
        if self.output == "probability" and len(self.classes_) > 2:
            raise EstimatorError(
                f"output='probability' is for two classes, and y has {len(self.classes_)}: give "
                "the formula of a score with output='logit', or wrap the estimator in "
                "sklearn.multiclass.OneVsRestClassifier"
            )
        if self.output == "logit" and model.root.op == "sigmoid":
            raise EstimatorError(
                "the formula is a sigmoid, so it gives a probability: say output='probability', "
                "or leave the sigmoid out"
            )

    # -- predictions ---------------------------------------------------------------------------

    def decision_function(self, X: Any) -> FloatArray:
        """The log-odds of the second class (N,), or the scores of all classes (N, K)."""
        if self.output == "probability":
            return np.asarray(logit(self._probability(X)))
        return self._scores(X)

    def predict_proba(self, X: Any) -> FloatArray:
        """The probability of every class, (N, K), in the order of ``classes_``."""
        if self.output == "probability":
            second = self._probability(X)
            return np.column_stack([1.0 - second, second])
        found = self._scores(X)
        if found.ndim == 1:
            return np.column_stack([expit(-found), expit(found)])
        return np.asarray(softmax_of(found, axis=1))

    def predict_log_proba(self, X: Any) -> FloatArray:
        """The logarithm of :meth:`predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    def predict(self, X: Any) -> Any:
        """The most probable class of each row, (N,)."""
        found = self.decision_function(X)
        codes = (found > 0).astype(np.intp) if found.ndim == 1 else np.argmax(found, axis=1)
        return self.classes_[codes]

    def _scores(self, X: Any) -> FloatArray:
        matrix = self._matrix(X)
        if len(self.classes_) > 2:
            return scores(self._model, self.coef_, matrix)
        return self._model.predict(self.coef_, matrix)

    def _probability(self, X: Any) -> FloatArray:
        matrix = self._matrix(X)
        values = self._model.predict(self.coef_, matrix)
        wrong = ~((values >= 0) & (values <= 1))
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise EstimatorError(
                f"the formula gives {values[row]:.6g} as a probability in row {row + 1}; write it "
                "so that it stays between 0 and 1, or set bounds= for its parameters"
            )
        return values

    # -- errors and a report -------------------------------------------------------------------

    @property
    def stderr_(self) -> dict[str, Any]:
        """The standard errors under the names of the formula (two classes, ``alpha=0``)."""
        if len(self.classes_) > 2:
            raise NotAvailable("there are no standard errors for three or more classes")
        return self._errors(self._kind)

    @property
    def report_(self) -> str:
        """The fit as a readable table."""
        return self._report(self._kind)

    @property
    def _kind(self) -> str:
        return "logistic" if self.output == "logit" else "probability"


__all__ = ["SymbolicClassifier"]
