"""The numbers of the estimators against scikit-learn, SciPy and certified data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import curve_fit, minimize
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from sklearn.preprocessing import scale

from symgd import SymbolicClassifier, SymbolicRegressor


def test_the_default_is_the_linear_model() -> None:
    X, y = load_diabetes(return_X_y=True)
    found = SymbolicRegressor().fit(X, y)
    other = LinearRegression().fit(X, y)
    assert_allclose(found.coef_["w"], other.coef_, rtol=1e-9)
    assert found.coef_["b"] == pytest.approx(other.intercept_, rel=1e-12)
    assert_allclose(found.predict(X), other.predict(X), rtol=1e-11)


@pytest.mark.parametrize("alpha", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_penalty_of_a_sum_of_squares_is_ridge(alpha: float, weighted: bool) -> None:
    X, y = load_diabetes(return_X_y=True)
    weight = np.random.default_rng(1).uniform(0, 3, len(y)) if weighted else None
    found = SymbolicRegressor(loss="sse", alpha=alpha).fit(X, y, weight)
    other = Ridge(alpha, solver="svd").fit(X, y, weight)
    assert_allclose(found.coef_["w"], other.coef_, rtol=1e-8)
    assert found.coef_["b"] == pytest.approx(other.intercept_, rel=1e-9)


def test_the_mean_loss_weighs_its_penalty_by_rows() -> None:
    X, y = load_diabetes(return_X_y=True)
    found = SymbolicRegressor(alpha=0.02).fit(X, y)
    assert_allclose(found.coef_["w"], Ridge(0.02 * len(y), solver="svd").fit(X, y).coef_, rtol=1e-8)


def test_intercepts_are_free_unless_named() -> None:
    X, y = np.arange(6.0)[:, None], np.arange(6.0) * 2 + 100
    free = SymbolicRegressor("a*x + b", alpha=1e6).fit(X, y)
    assert free.coef_["b"] == pytest.approx(y.mean(), rel=1e-4)
    held = SymbolicRegressor("a*x + b", alpha=1e6, penalize=["a", "b"]).fit(X, y)
    assert abs(held.coef_["b"]) < 0.01


def test_a_nonlinear_model_and_its_errors() -> None:
    random = np.random.default_rng(5)
    x = np.linspace(0.1, 5, 60)
    y = 3 * x / (0.8 + x) + random.normal(0, 0.05, 60)
    sigma = random.uniform(0.5, 2, 60)
    found = SymbolicRegressor("v*x/(k + x)").fit(x[:, None], y, 1 / sigma**2)
    best, cov = curve_fit(lambda x, v, k: v * x / (k + x), x, y, [1, 1], sigma=sigma,
                          xtol=1e-12, ftol=1e-12)  # fmt: skip
    assert_allclose([found.coef_["v"], found.coef_["k"]], best, rtol=1e-6)
    assert_allclose([found.stderr_["v"], found.stderr_["k"]], np.sqrt(np.diag(cov)), rtol=1e-5)
    assert "95 % interval" in found.report_


@pytest.mark.parametrize("loss", ["mae", "huber", "mean((y - prediction)^4)"])
def test_other_losses_against_scipy(loss: str) -> None:
    functions: dict[str, Any] = {
        "mae": lambda r: np.abs(r).mean(),
        "huber": lambda r: np.where(abs(r) <= 1, r**2 / 2, abs(r) - 0.5).mean(),
        "mean((y - prediction)^4)": lambda r: (r**4).mean(),
    }
    random = np.random.default_rng(2)
    X = random.normal(size=(51, 2))
    y = X @ [1.5, -1.0] + 0.5 + random.standard_t(2, 51)
    found = SymbolicRegressor(loss=loss).fit(X, y)
    options = {"xatol": 1e-9, "fatol": 1e-14, "maxiter": 20000, "maxfev": 20000}
    other = minimize(lambda p: functions[loss](y - X @ p[:2] - p[2]), [1, -1, 0],
                     method="Nelder-Mead", options=options)  # fmt: skip
    assert found.loss_ <= other.fun * (1 + 1e-9)
    assert found.loss_ == pytest.approx(other.fun, rel=1e-5)


def test_counts() -> None:
    random = np.random.default_rng(4)
    X = random.normal(size=(200, 2))
    y = random.poisson(np.exp(X @ [0.5, -0.3] + 1))
    weight = random.uniform(0.5, 2, 200)
    found = SymbolicRegressor(loss="poisson").fit(X, y, weight)
    other = PoissonRegressor(alpha=0, tol=1e-12, max_iter=1000, solver="newton-cholesky")
    other.fit(X, y, weight)
    assert_allclose(found.coef_["w"], other.coef_, rtol=1e-7)
    assert_allclose(found.predict(X), other.predict(X), rtol=1e-7)
    with pytest.raises(ValueError, match="counts"):
        SymbolicRegressor(loss="poisson").fit(X, -y)


def test_weights_are_repetitions() -> None:
    X, y = load_diabetes(return_X_y=True)
    X, y = X[:80, :3], y[:80]
    times = np.random.default_rng(0).integers(0, 4, 80)
    for options in ({}, {"alpha": 0.01}, {"loss": "huber"}, {"loss": "sse", "alpha": 0.01}):
        by_weight = SymbolicRegressor(**options).fit(X, y, times)
        repeated = SymbolicRegressor(**options).fit(np.repeat(X, times, 0), np.repeat(y, times))
        assert_allclose(by_weight.predict(X), repeated.predict(X), rtol=1e-6)


# -- classes -------------------------------------------------------------------------------------


def _binary() -> tuple[Any, Any]:
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X[:, [0, 1, 4]]), y


def test_two_classes_by_maximum_likelihood() -> None:
    X, y = _binary()
    found = SymbolicClassifier(alpha=0).fit(X, y)
    other = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12).fit(X, y)
    assert_allclose(found.coef_["w"], other.coef_[0], rtol=1e-7)
    assert_allclose(found.predict_proba(X), other.predict_proba(X), rtol=1e-6, atol=1e-12)
    design = np.column_stack([X, np.ones(len(X))])
    p = other.predict_proba(X)[:, 1]
    covariance = np.linalg.inv(design.T * (p * (1 - p)) @ design)
    errors = np.append(found.stderr_["w"], found.stderr_["b"])
    assert_allclose(errors, np.sqrt(np.diag(covariance)), rtol=1e-6)


@pytest.mark.parametrize("cost", [0.1, 1.0, 100.0])
def test_two_classes_with_a_penalty(cost: float) -> None:
    X, y = _binary()
    found = SymbolicClassifier(alpha=1 / (2 * cost * len(y))).fit(X, y)
    other = LogisticRegression(C=cost, solver="newton-cholesky", tol=1e-12).fit(X, y)
    assert_allclose(found.coef_["w"], other.coef_[0], rtol=1e-6)
    assert_allclose(found.decision_function(X), other.decision_function(X), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("load", [load_iris, load_wine])
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_three_classes_against_multinomial_regression(load: Any, class_weight: Any) -> None:
    X, y = load(return_X_y=True)
    X = scale(X)
    names = np.array(["first", "second", "third"])[y]
    found = SymbolicClassifier(alpha=1 / (2 * len(y)), class_weight=class_weight).fit(X, names)
    other = LogisticRegression(tol=1e-10, max_iter=10000, class_weight=class_weight)
    other.fit(X, names)
    # scikit-learn's weights of the classes do not sum to the number of rows in general;
    # "balanced" ones do, so that alpha means the same
    assert_allclose(found.coef_["w"], other.coef_, rtol=1e-3, atol=1e-4)
    assert_allclose(found.predict_proba(X), other.predict_proba(X), atol=1e-4)
    assert found.coef_["w"].shape == (3, X.shape[1])
    assert abs(found.coef_["b"].sum()) < 1e-6
    assert set(found.predict(X)) <= set(names)


def test_several_classes_without_a_penalty_have_a_reference_class() -> None:
    random = np.random.default_rng(8)
    X = random.normal(size=(300, 2))
    score = np.column_stack([0 * X[:, 0], X[:, 0], 1 - X[:, 1]]) + random.gumbel(size=(300, 3))
    y = score.argmax(axis=1)
    found = SymbolicClassifier(alpha=0).fit(X, y)
    other = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12).fit(X, y)
    assert not found.coef_["w"][0].any()
    assert_allclose(found.coef_["w"], other.coef_ - other.coef_[0], rtol=1e-5, atol=1e-7)


def test_an_own_score_for_each_class() -> None:
    random = np.random.default_rng(9)
    x = random.uniform(-3, 3, (400, 1))
    y = np.where(np.abs(x[:, 0]) < 1, "mid", np.where(x[:, 0] > 0, "right", "left"))
    found = SymbolicClassifier("a*x^2 + c*x + d", alpha=1e-5).fit(x, y)
    assert found.score(x, y) > 0.98
    assert_allclose(found.predict_proba(x).sum(axis=1), 1.0, rtol=1e-12)


def test_a_formula_for_the_probability() -> None:
    # guessing in a third of the trials: c + (1 - c)/(1 + e^-(a x + b)) has no logit that is linear
    random = np.random.default_rng(11)
    x = random.uniform(-4, 4, (3000, 1))
    truth = 1 / 3 + (2 / 3) / (1 + np.exp(-2 * x[:, 0]))
    y = random.uniform(size=3000) < truth
    model = SymbolicClassifier("c + (1 - c)*sigmoid(a*x + b)", output="probability", alpha=0,
                               start={"c": 0.2, "a": 1, "b": 0})  # fmt: skip
    found = model.fit(x, y)

    def loss(p: Any) -> float:
        chance = p[0] + (1 - p[0]) / (1 + np.exp(-(p[1] * x[:, 0] + p[2])))
        return float(-np.where(y, np.log(chance), np.log1p(-chance)).mean())

    best = minimize(loss, [0.2, 1, 0], method="Nelder-Mead",
                    options={"xatol": 1e-9, "fatol": 1e-15, "maxiter": 5000}).x  # fmt: skip
    assert_allclose([found.coef_["c"], found.coef_["a"], found.coef_["b"]], best, atol=1e-5)
    assert abs(found.coef_["c"] - 1 / 3) < 4 * found.stderr_["c"]
    assert_allclose(found.predict_proba(x)[:, 1], truth, atol=0.06)
    assert found.classes_.tolist() == [False, True]


def test_a_separable_problem_stays_finite_and_says_so_without_a_penalty() -> None:
    from sklearn.exceptions import ConvergenceWarning

    x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), [0, 0, 1, 1]
    assert SymbolicClassifier().fit(x, y).score(x, y) == 1
    with pytest.warns(ConvergenceWarning, match="SymbolicClassifier"):
        found = SymbolicClassifier(alpha=0).fit(x, y)
    assert found.score(x, y) == 1
