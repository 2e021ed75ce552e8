"""The estimators keep scikit-learn's rules: its own checks, pipelines, searches, pickles."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import symgd
from symgd import SymbolicClassifier, SymbolicRegressor


@parametrize_with_checks(
    [
        SymbolicRegressor(),
        SymbolicRegressor(alpha=0.1),
        SymbolicClassifier(),
        SymbolicClassifier(class_weight="balanced"),
    ]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_the_rules_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.fixture
def decay() -> pd.DataFrame:
    random = np.random.default_rng(3)
    time = np.linspace(0, 6, 80)
    dose = random.uniform(1, 3, 80)
    level = dose * np.exp(-0.7 * time) + 0.25 + random.normal(0, 0.01, 80)
    return pd.DataFrame({"time": time, "dose": dose, "level": level})


def test_a_formula_names_the_columns_of_a_table(decay: pd.DataFrame) -> None:
    table, target = decay[["dose", "time"]], decay["level"]
    found = SymbolicRegressor("level ~ a*dose*exp(-k*time) + c").fit(table, target)
    assert list(found.coef_) == ["a", "k", "c"]
    assert found.coef_["k"] == pytest.approx(0.7, abs=0.02)
    assert list(found.feature_names_in_) == ["dose", "time"]
    assert found.n_features_in_ == 2
    assert "data: dose, time" in found.reading_
    assert found.score(table, target) > 0.999
    swapped = decay[["time", "dose"]]
    with pytest.raises(ValueError, match="feature names"):
        found.predict(swapped)


def test_tables_of_polars_have_names_too(decay: pd.DataFrame) -> None:
    table = pl.from_pandas(decay)
    model = SymbolicRegressor("a*dose*exp(-k*time) + c")
    found = model.fit(table.select("dose", "time"), table["level"].to_numpy())
    assert found.coef_["a"] == pytest.approx(1.0, abs=0.02)


def test_names_that_no_formula_can_spell_are_reached_by_place() -> None:
    iris = load_iris(as_frame=True)
    table = iris.data[["petal length (cm)"]]
    width = iris.data["petal width (cm)"]
    by_place = SymbolicRegressor("a*X[:, 0] + b").fit(table, width)
    named = SymbolicRegressor("a*length + b", features=["length"]).fit(table, width)
    slope, intercept = np.polyfit(table.to_numpy()[:, 0], width, 1)
    for found in (by_place, named):
        assert found.coef_["a"] == pytest.approx(slope, rel=1e-10)
        assert found.coef_["b"] == pytest.approx(intercept, rel=1e-10)
    with pytest.raises(ValueError, match=r"cannot be spelled.*X\[:, 0\].*features="):
        SymbolicRegressor("a*length + b").fit(table, width)


def test_a_pipeline_that_gives_tables(decay: pd.DataFrame) -> None:
    steps = make_pipeline(StandardScaler(), SymbolicRegressor("a*exp(-k*time) + b*dose + c"))
    steps.set_output(transform="pandas")
    assert steps.fit(decay[["dose", "time"]], decay["level"]).score(
        decay[["dose", "time"]], decay["level"]
    ) > 0.9  # fmt: skip


def test_a_search_over_loss_penalty_and_method() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(60, 3))
    y = X @ [1.0, -2.0, 0.5] + 1 + random.normal(0, 0.1, 60)
    y[::10] += 15
    grid = {"loss": ["mse", "mae"], "alpha": [0.0, 1e-3], "formula": ["X @ w + b", "X @ w"]}
    search = GridSearchCV(SymbolicRegressor(), grid, scoring="neg_median_absolute_error", cv=3)
    best = search.fit(X, y).best_params_
    assert best["loss"] == "mae"
    assert best["formula"] == "X @ w + b"
    methods = GridSearchCV(SymbolicRegressor(), {"method": ["lbfgs", "newton", None]}, cv=3)
    scores = methods.fit(X, y).cv_results_["mean_test_score"]
    assert np.ptp(scores) < 1e-6


def test_cross_validation_in_several_processes() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    X = X[:200, :3] / X[:200, :3].max(axis=0)
    scores = cross_val_score(SymbolicClassifier("a*x0 + c*x2 + d"), X, y[:200], cv=3, n_jobs=2)
    assert scores.min() > 0.7


def test_clones_are_unfitted_and_equal() -> None:
    model = SymbolicRegressor("a*x^2 + b", alpha=0.5, penalize=["a"], start={"a": 1.0, "b": 0.0})
    model.fit(np.arange(5.0)[:, None], np.arange(5.0))
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        twin.predict([[1.0]])


def test_a_pickle_is_text_and_numbers() -> None:
    X = np.random.default_rng(0).normal(size=(500, 4))
    y = X @ [1.0, 2.0, 3.0, 4.0]
    for model in (SymbolicRegressor(), SymbolicClassifier("a*x0 + c*x1 + d")):
        fitted = model.fit(X, y if isinstance(model, SymbolicRegressor) else y > 0)
        stored = pickle.dumps(fitted)
        assert len(stored) < 4000  # no training data, no compiled code
        again = pickle.loads(stored)
        assert np.array_equal(again.predict(X), fitted.predict(X))
        assert "x0" in again.report_ or "X @ w" in again.report_
        with pytest.raises(AttributeError, match="pickle"):
            _ = again.stderr_


def test_other_tools_of_scikit_learn() -> None:
    X, y = load_iris(return_X_y=True)
    several = OneVsRestClassifier(SymbolicClassifier("sigmoid(X @ w + b)", output="probability",
                                                     alpha=1e-3))  # fmt: skip
    assert several.fit(X, y).score(X, y) > 0.9
    x, logs = X[:, [2]], {"func": np.log, "inverse_func": np.exp}
    found = TransformedTargetRegressor(SymbolicRegressor("a + b*x0"), **logs).fit(x, X[:, 3])
    other = TransformedTargetRegressor(LinearRegression(), **logs).fit(x, X[:, 3])
    assert np.allclose(found.predict(x), other.predict(x), rtol=1e-10)
    chosen = SelectFromModel(
        SymbolicRegressor(), importance_getter=lambda model: model.coef_["w"], max_features=1
    )
    assert chosen.fit(X[:, :3], 3 * X[:, 1]).get_support().tolist() == [False, True, False]


def test_symgd_does_not_import_scikit_learn() -> None:
    code = "import sys, symgd; symgd.fit; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_scikit_learn_one_line_says_so() -> None:
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import symgd\n"
        "made = symgd.SymbolicRegressor\n"
        "try:\n    made('a*x0')\n"
        "except symgd.SymgdError as error:\n    print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.count("\n") == 1
    assert "pip install 'symgd[sklearn]'" in run.stdout
    assert issubclass(symgd.SymgdError, Exception)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SymbolicRegressor", "SymbolicClassifier"])
def test_the_check_that_needs_a_switch_of_scipy(name: str) -> None:
    code = (
        "import symgd\n"
        "from sklearn.utils.estimator_checks import check_estimator\n"
        f"results = check_estimator(symgd.{name}(), on_fail=None)\n"
        "print([r['check_name'] for r in results if r['status'] != 'passed'])"
    )
    switched = {**os.environ, "SCIPY_ARRAY_API": "1"}
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=switched
    )
    assert run.stdout.strip() == "[]"
