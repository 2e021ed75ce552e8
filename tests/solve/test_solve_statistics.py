"""The statistics of a fit, against SciPy, closed forms and the textbook."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.optimize import brentq, curve_fit
from scipy.stats import t as student

import symgd
from symgd.errors import DataError, OptionError

RANDOM = np.random.default_rng(21)
X = np.linspace(0, 8, 40)
Y = 5 * np.exp(-0.6 * X) + 1 + 0.1 * RANDOM.normal(size=40)
SIGMA = 0.05 + 0.02 * X


def decay(x: np.ndarray, a: float, k: float, c: float) -> np.ndarray:
    return a * np.exp(-k * x) + c


MODEL = "y ~ a*exp(-k*x) + c"


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("how", ["sigma column", "sigma array", "weights"])
def test_weighted_errors_agree_with_scipy(how: str, absolute: bool) -> None:
    data = {"x": X, "y": Y, "s": SIGMA}
    options: dict[str, object] = {
        "sigma column": {"sigma": "s"}, "sigma array": {"sigma": SIGMA},
        "weights": {"weights": 1 / SIGMA**2},
    }[how]  # fmt: skip
    if absolute and how == "weights":
        with pytest.raises(OptionError, match="sigma"):
            symgd.fit(MODEL, data, absolute_sigma=True, **options)  # type: ignore[arg-type]
        return
    fit = symgd.fit(MODEL, data, absolute_sigma=absolute, **options)  # type: ignore[arg-type]
    value, covariance = curve_fit(
        decay, X, Y, p0=[4, 0.5, 1], sigma=SIGMA, absolute_sigma=absolute, xtol=1e-14, ftol=1e-14
    )
    np.testing.assert_allclose([fit.params[n] for n in "akc"], value, rtol=1e-7)
    np.testing.assert_allclose(fit.covariance, covariance, rtol=1e-4)


def test_information_criteria_of_a_line() -> None:
    fit = symgd.fit("y ~ m*x + b", {"x": X, "y": Y})
    n, rss = 40, fit.rss
    reached = -0.5 * n * (np.log(2 * np.pi * rss / n) + 1)
    assert fit.log_likelihood == pytest.approx(reached, rel=1e-12)
    assert fit.aic == pytest.approx(-2 * reached + 2 * 3, rel=1e-12)
    assert fit.bic == pytest.approx(-2 * reached + np.log(n) * 3, rel=1e-12)
    assert fit.deviance == fit.rss


def test_r_squared_is_about_zero_without_a_constant() -> None:
    through = symgd.fit("y ~ m*x", {"x": X + 1, "y": Y})
    assert through.r_squared == pytest.approx(1 - through.rss / float(Y @ Y), rel=1e-12)
    assert "about zero" in through.report()
    line = symgd.fit("y ~ m*x + b", {"x": X, "y": Y})
    total = float(((Y - Y.mean()) ** 2).sum())
    assert line.r_squared == pytest.approx(1 - line.rss / total, rel=1e-12)


def test_profile_intervals_of_a_linear_model_are_the_symmetric_ones() -> None:
    fit = symgd.fit("y ~ m*x + b", {"x": X, "y": Y})
    wald, profile = fit.confidence(0.9), fit.confidence(0.9, method="profile")
    for name in ("m", "b"):
        np.testing.assert_allclose(profile[name], wald[name], rtol=1e-7)


def test_profile_intervals_reach_the_threshold_of_the_likelihood() -> None:
    fit = symgd.fit(MODEL, {"x": X, "y": Y})
    low, high = fit.confidence(0.95, method="profile")["k"]
    assert low < fit.params["k"] < high
    factor = student.ppf(0.975, 37)

    def excess(k: float) -> float:
        design = np.column_stack([np.exp(-k * X), np.ones(40)])
        rest = Y - design @ np.linalg.lstsq(design, Y)[0]
        return float(np.sqrt((rest @ rest - fit.rss) / (fit.rss / 37)) - factor)

    assert high == pytest.approx(brentq(excess, fit.params["k"] + 1e-3, 2), rel=1e-7)
    assert low == pytest.approx(brentq(excess, 0.3, fit.params["k"] - 1e-3), rel=1e-7)


def test_bands_of_a_line_are_those_of_the_textbook() -> None:
    fit = symgd.fit("y ~ m*x + b", {"x": X, "y": Y})
    at = np.array([0.0, 3.0, 12.0])
    low, high = fit.band({"x": at}, 0.95)
    spread = ((X - X.mean()) ** 2).sum()
    half = (
        student.ppf(0.975, 38) * fit.residual_sd * np.sqrt(1 / 40 + (at - X.mean()) ** 2 / spread)
    )
    np.testing.assert_allclose((high - low) / 2, half, rtol=1e-9)
    low, high = fit.band({"x": at}, 0.95, kind="prediction")
    new = (
        student.ppf(0.975, 38)
        * fit.residual_sd
        * np.sqrt(1 + 1 / 40 + (at - X.mean()) ** 2 / spread)
    )
    np.testing.assert_allclose((high - low) / 2, new, rtol=1e-9)
    np.testing.assert_allclose((high + low) / 2, fit.predict({"x": at}), rtol=1e-12)


def test_deviance_and_pseudo_r_squared_of_likelihoods() -> None:
    labels = (RANDOM.random(40) < 1 / (1 + np.exp(-(X - 4)))).astype(float)
    fit = symgd.fit("y ~ w*x + b", {"x": X, "y": labels}, loss="logistic")
    p = 1 / (1 + np.exp(-fit.predict()))
    reached = float(np.sum(labels * np.log(p) + (1 - labels) * np.log(1 - p)))
    mean = labels.mean()
    null = float(40 * (mean * np.log(mean) + (1 - mean) * np.log(1 - mean)))
    assert fit.log_likelihood == pytest.approx(reached, rel=1e-10)
    assert fit.deviance == pytest.approx(-2 * reached, rel=1e-10)
    assert fit.r_squared == pytest.approx(1 - reached / null, rel=1e-10)
    assert fit.aic == pytest.approx(-2 * reached + 4, rel=1e-10)
    counts = RANDOM.poisson(np.exp(0.2 * X)).astype(float)
    fit = symgd.fit("y ~ a + k*x", {"x": X, "y": counts}, loss="poisson")
    mu = np.exp(fit.predict())
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(counts > 0, counts * np.log(counts / mu), 0) - (counts - mu)
    assert fit.deviance == pytest.approx(2 * terms.sum(), rel=1e-9)


def test_other_losses_have_no_likelihood() -> None:
    fit = symgd.fit("y ~ m*x + b", {"x": X, "y": Y}, loss="mae")
    assert np.isnan(fit.r_squared)
    assert fit.aic is None
    assert fit.deviance is None
    with pytest.raises(OptionError, match="likelihood"):
        fit.confidence(method="profile")
    json.dumps(fit.to_dict(), allow_nan=False)


def test_the_report_can_be_read() -> None:
    report = symgd.fit(MODEL, {"x": X, "y": Y}, start={"a": 4, "k": 1, "c": 0}).report()
    for words in ("95 % interval", "+/-", "degrees of freedom", "AIC", "correlations", "R^2",
                  "converged", "Levenberg-Marquardt"):  # fmt: skip
        assert words in report
    assert max(len(line) for line in report.splitlines()) < 200


def test_confidence_and_bands_refuse_by_name() -> None:
    fit = symgd.fit("y ~ m*x + b", {"x": X, "y": Y})
    for level in (0, 1, 95, "0.9", True):
        with pytest.raises(OptionError, match="level"):
            fit.confidence(level)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="wald"):
        fit.confidence(method="boot")
    with pytest.raises(OptionError, match="kind"):
        fit.band(kind="both")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weights": "q"}, "q"), ({"weights": "x", "sigma": "x"}, "not both"),
        ({"weights": [1.0, -1.0, 1.0]}, "negative"), ({"sigma": [1.0, 0.0, 1.0]}, "zero"),
        ({"weights": [0.0, 0.0, 0.0]}, "weights are all zero"),
        ({"weights": [1.0, np.nan, 1.0]}, "weights has 1 missing value, in data row 2"),
        ({"sigma": [1.0, np.inf, 1.0]}, "sigma has 1 infinite value, in data row 2"),
        ({"weights": [1.0, 2.0]}, "weights has 2"), ({"weights": ["a", "b", "c"]}, "weights"),
        ({"weights": "x", "loss": "mean((y - prediction)^4)"}, "named losses"),
    ],
)  # fmt: skip
def test_weights_are_refused_in_words(options: dict[str, object], words: str) -> None:
    data = {"x": [0.0, 1.0, 2.0], "y": [1.0, 2.0, 4.0]}
    with pytest.raises((OptionError, DataError, symgd.SymgdError), match=words):
        symgd.fit("y ~ m*x + b", data, **options)  # type: ignore[arg-type]


def test_missing_rows_take_their_weights_with_them() -> None:
    data = {"x": [0.0, 1.0, np.nan, 3.0], "y": [1.0, 3.0, 9.0, 8.0]}
    weights = [1.0, 2.0, 100.0, 1.0]
    fit = symgd.fit("y ~ m*x + b", data, weights=weights, missing="drop")
    kept = symgd.fit("y ~ m*x + b", {"x": [0.0, 1.0, 3.0], "y": [1.0, 3.0, 8.0]},
                     weights=[1.0, 2.0, 1.0])  # fmt: skip
    assert fit.dropped == 1
    np.testing.assert_allclose(fit.theta, kept.theta, rtol=1e-13)
