"""symgd.fit: models and data, judged by certified values and other libraries."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import symgd
from symgd.errors import DataError, OptionError

DATA = Path(__file__).resolve().parents[2] / "examples" / "data"


def test_norris_agrees_with_the_certified_values() -> None:
    fit = symgd.fit("y ~ B0 + B1*x", DATA / "norris.csv")
    assert fit.converged
    assert fit.params["B0"] == pytest.approx(-0.262323073774029, rel=1e-10)
    assert fit.params["B1"] == pytest.approx(1.00211681802045, rel=1e-12)
    assert fit.stderr["B0"] == pytest.approx(0.232818234301152, rel=1e-10)
    assert fit.stderr["B1"] == pytest.approx(0.000429796848199937, rel=1e-10)
    assert fit.residual_sd == pytest.approx(0.884796396144373, rel=1e-11)
    assert fit.r_squared == pytest.approx(0.999993745883712, rel=1e-12)


def test_misra1a_agrees_with_the_certified_values() -> None:
    fit = symgd.fit("y ~ b1*(1 - exp(-b2*x))", DATA / "misra1a.csv", start={"b1": 250, "b2": 5e-4})
    assert fit.params["b1"] == pytest.approx(238.94212918, rel=1e-8)
    assert fit.params["b2"] == pytest.approx(0.00055015643181, rel=1e-8)
    assert fit.stderr["b1"] == pytest.approx(2.7070075241, rel=1e-6)


@pytest.mark.parametrize("kind", ["mapping", "lists", "pandas", "polars", "csv"])
def test_the_same_fit_from_every_kind_of_table(kind: str, tmp_path: Path) -> None:
    random = np.random.default_rng(8)
    x = random.normal(size=25)
    columns = {"x": x, "y": 0.5 * x - 2 + random.normal(size=25), "name": ["a"] * 25}
    numeric = {k: v for k, v in columns.items() if k != "name"}
    source: object = {
        "mapping": numeric,
        "lists": {k: list(v) for k, v in numeric.items()},
        "pandas": pd.DataFrame(columns, index=range(100, 125)),
        "polars": pl.DataFrame(columns),
        "csv": tmp_path / "data.csv",
    }[kind]
    if kind == "csv":
        pd.DataFrame(columns).to_csv(tmp_path / "data.csv", index=False)
    fit = symgd.fit("y ~ m*x + b", source)
    slope, intercept = np.polyfit(x, columns["y"], 1)
    assert fit.params["m"] == pytest.approx(slope, rel=1e-9)
    assert fit.params["b"] == pytest.approx(intercept, rel=1e-9)


def test_predict_residuals_and_confidence() -> None:
    random = np.random.default_rng(4)
    x = random.normal(size=40)
    y = 2 * x + 1 + random.normal(size=40)
    fit = symgd.fit("y ~ m*x + b", {"x": x, "y": y})
    coefficients, covariance = np.polyfit(x, y, 1, cov=True)
    np.testing.assert_allclose(fit.predict({"x": [0.0, 2.0]}), np.polyval(coefficients, [0, 2]))
    np.testing.assert_allclose(fit.residuals, y - np.polyval(coefficients, x), atol=1e-9)
    np.testing.assert_allclose(fit.covariance, covariance, rtol=1e-8)
    low, high = fit.confidence(0.95)["m"]
    assert (high - low) / fit.stderr["m"] == pytest.approx(2 * 2.0243941639, rel=1e-8)  # t, 38
    assert fit.correlation[0, 0] == pytest.approx(1)


@pytest.mark.parametrize(
    ("loss", "written"),
    [("mse", "mean"), ("sse", "sum"), ("mean((y - prediction)^4)", "^4"), ("huber", "where")],
)
def test_losses_by_name_and_by_formula(loss: str, written: str) -> None:
    x = np.linspace(-1, 1, 21)
    fit = symgd.fit("y ~ m*x + b", {"x": x, "y": 3 * x - 1 + 0.01 * np.sin(9 * x)}, loss=loss)
    assert written in fit.loss_text
    assert fit.params["m"] == pytest.approx(3, abs=0.02)
    assert fit.params["b"] == pytest.approx(-1, abs=0.02)


def test_logistic_regression_has_a_zero_gradient_at_the_answer() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=200)
    y = (random.random(200) < 1 / (1 + np.exp(-(1.5 * x - 0.5)))).astype(float)
    fit = symgd.fit("y ~ w*x + b", {"x": x, "y": y}, loss="logistic")
    assert fit.converged
    p = 1 / (1 + np.exp(-fit.predict()))
    assert abs(np.mean((p - y) * x)) < 1e-9
    assert abs(np.mean(p - y)) < 1e-9
    information = (np.column_stack([x, np.ones(200)]).T * (p * (1 - p))) @ np.column_stack(
        [x, np.ones(200)]
    )
    np.testing.assert_allclose(fit.covariance, np.linalg.inv(information), rtol=1e-6)


def test_poisson_regression_matches_the_likelihood_equations() -> None:
    random = np.random.default_rng(2)
    x = random.random(150)
    y = random.poisson(np.exp(0.3 + 1.2 * x)).astype(float)
    fit = symgd.fit("y ~ a + k*x", {"x": x, "y": y}, loss="poisson")
    mean = np.exp(fit.predict())
    assert abs(np.sum(mean - y)) < 1e-6
    assert abs(np.sum((mean - y) * x)) < 1e-6


def test_a_transformed_target_and_a_matrix_column() -> None:
    random = np.random.default_rng(3)
    matrix = random.normal(size=(50, 2))
    y = np.exp(matrix @ [0.3, -0.7] + 0.1)
    fit = symgd.fit("log(y) ~ X @ w + b", {"X": matrix, "y": y})
    np.testing.assert_allclose(fit.params["w"], [0.3, -0.7], atol=1e-8)
    assert fit.params["b"] == pytest.approx(0.1, abs=1e-8)


def test_mini_batches_are_reproducible_by_seed() -> None:
    x = np.linspace(0, 1, 100)
    data = {"x": x, "y": 2 * x + 1}
    options = {"rate": 0.1, "batch": 16, "epochs": 20, "precision": None}
    runs = [symgd.fit("y ~ m*x + b", data, seed=s, **options).params["m"] for s in (0, 0, 1)]  # type: ignore[arg-type]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize(
    ("model", "data", "words"),
    [
        ("m*x + b", {"x": [1.0], "y": [1.0]}, "target ~ formula"),
        ("y ~ m*x", {"x": [1.0, 2.0]}, "y"),
        ("y ~ m*x", {"x": [1.0, float("nan")], "y": [1.0, 2.0]}, "x"),
        ("y ~ m*x", {"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0]}, "rows"),
        ("y ~ m*x", {"x": [[1.0], [2.0]], "y": [1.0, 2.0]}, "x"),
        ("y ~ log(x)*m", {"x": [1.0, 2.0], "log": [1.0, 2.0], "y": [1.0, 2.0]}, "log"),
    ],
)
def test_wrong_models_and_data_are_refused_in_words(
    model: str, data: dict[str, object], words: str
) -> None:
    with pytest.raises((OptionError, DataError, symgd.SymgdError), match=words):
        symgd.fit(model, data)


def test_missing_rows_are_dropped_only_when_asked() -> None:
    data = {"x": [0.0, 1.0, 2.0, float("nan")], "y": [1.0, 3.0, 5.0, 9.0]}
    fit = symgd.fit("y ~ m*x + b", data, missing="drop")
    assert fit.dropped == 1
    assert fit.n_rows == 3
    assert "1 dropped" in fit.report()


def test_the_result_is_json() -> None:
    fit = symgd.fit("y ~ m*x", {"x": [1.0, 2.0], "y": [2.0, 4.1]})
    content = json.loads(json.dumps(fit.to_dict(), allow_nan=False))
    assert content["converged"] is True
    assert content["params"]["m"] == fit.params["m"]
