"""The statistics of a fit against stored results of lmfit and statsmodels.

The references, the data they belong to and the versions that made them are in
``reference_statistics.json``. lmfit differentiates numerically: its standard errors and
correlations have about five digits. statsmodels has closed forms.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

import symgd
from symgd.errors import DataError

REFERENCES: dict[str, Any] = json.loads(
    Path(__file__).with_name("reference_statistics.json").read_text()
)
CURVES = ["decay", "mm", "gauss_rel", "gauss_abs", "logi", "plane"]


def reference(name: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    found = REFERENCES[name]
    return found, {k: np.array(v) for k, v in found["data"].items()}


@cache
def fitted(name: str) -> symgd.Fit:
    """The fit without start values."""
    known, data = reference(name)
    options: dict[str, Any] = {}
    if known["sigma"]:
        options = {"sigma": np.array(known["sigma"]), "absolute_sigma": known["absolute"]}
    return symgd.fit("y ~ " + known["model"], data, **options)


@pytest.mark.parametrize("name", CURVES)
def test_answers_errors_and_correlations_are_those_of_lmfit(name: str) -> None:
    known, fit = REFERENCES[name], fitted(name)
    assert fit.converged
    order = list(fit.params)
    for place, parameter in enumerate(order):
        assert fit.params[parameter] == pytest.approx(known["values"][parameter], rel=1e-6)
        assert fit.stderr[parameter] == pytest.approx(known["err"][parameter], rel=3e-5)
        for other, value in known["correl"][parameter].items():
            assert fit.correlation[place, order.index(other)] == pytest.approx(value, abs=3e-5)
    assert fit.rss == pytest.approx(known["chisqr"], rel=1e-9)
    assert fit.residual_sd**2 == pytest.approx(known["redchi"], rel=1e-9)


@pytest.mark.parametrize("name", [n for n in CURVES if "ci" in REFERENCES[n]])
def test_profile_intervals_are_those_of_lmfit(name: str) -> None:
    fit = fitted(name)
    for parameter, (low, high) in fit.confidence(0.95, "profile").items():
        wanted = REFERENCES[name]["ci"][parameter]
        assert (low, high) == pytest.approx(wanted, abs=1e-4 * fit.stderr[parameter])


@pytest.mark.parametrize("name", ["decay", "mm", "gauss_rel", "logi", "plane"])
def test_information_criteria_differ_from_lmfit_by_the_constants_it_leaves_out(name: str) -> None:
    known, fit = REFERENCES[name], fitted(name)
    rows = fit.n_rows
    constants = rows * (1 + np.log(2 * np.pi))
    if known["sigma"]:
        constants += 2 * np.log(known["sigma"]).sum()
    assert fit.aic == pytest.approx(known["aic"] + constants + 2, rel=1e-9)
    assert fit.bic == pytest.approx(known["bic"] + constants + np.log(rows), rel=1e-9)


def test_the_likelihood_of_known_errors_is_the_normal_one() -> None:
    known, data = reference("gauss_abs")
    fit = fitted("gauss_abs")
    wanted = norm.logpdf(data["y"], fit.predict(), known["sigma"]).sum()
    assert fit.log_likelihood == pytest.approx(wanted, rel=1e-12)
    assert fit.aic == pytest.approx(8 - 2 * wanted, rel=1e-12)


@pytest.mark.parametrize("how", ["sm", "wls"])
def test_a_plane_has_the_errors_and_bands_of_statsmodels(how: str) -> None:
    whole, data = reference("plane")
    known = whole[how]
    weights = {"weights": np.array(known["w"])} if how == "wls" else {}
    fit = symgd.fit("y ~ c + b*x + g*z", data, **weights)
    assert [fit.stderr[n] for n in "cbg"] == pytest.approx(known["bse"], rel=1e-12)
    assert fit.log_likelihood == pytest.approx(known["llf"], rel=1e-12)
    assert fit.r_squared == pytest.approx(known["r2"], rel=1e-12)
    rows = {name: column[:4] for name, column in data.items()}
    assert np.transpose(fit.band(rows)) == pytest.approx(np.array(known["ci_mean"]), rel=1e-9)
    if how == "sm":
        band = np.transpose(fit.band(rows, kind="prediction"))
        assert band == pytest.approx(np.array(known["ci_obs"]), rel=1e-9)


@pytest.mark.parametrize(("name", "loss"), [("logit", "logistic"), ("poisson", "poisson")])
@pytest.mark.parametrize("weighted", [False, True])
def test_likelihoods_are_those_of_statsmodels(name: str, loss: str, weighted: bool) -> None:
    whole, data = reference(name)
    known = whole["fw"] if weighted else whole
    weights = {"weights": np.array(known["w"])} if weighted else {}
    fit = symgd.fit("y ~ c + b*x + g*z", data, loss=loss, **weights)
    assert fit.converged
    assert [fit.params[n] for n in "cbg"] == pytest.approx(known["params"], rel=1e-9)
    assert [fit.stderr[n] for n in "cbg"] == pytest.approx(known["bse"], rel=1e-9)
    assert fit.log_likelihood == pytest.approx(known["llf"], rel=1e-12)
    assert fit.deviance == pytest.approx(known["dev"], rel=1e-12)
    assert fit.aic == pytest.approx(known["aic"], rel=1e-12)
    if not weighted:
        assert fit.bic == pytest.approx(known["bic"], rel=1e-12)
        assert fit.r_squared == pytest.approx(known["pr2"], rel=1e-9)
        spans = [fit.confidence(0.95)[n] for n in "cbg"]
        assert np.array(spans) == pytest.approx(np.array(known["ci"]), rel=1e-9)


@pytest.mark.parametrize("source", ["mapping", "frame"])
def test_dropped_rows_are_as_if_they_were_not_there(source: str) -> None:
    import pandas as pd

    known, data = reference("decay")
    holes = {"x": np.insert(data["x"], 3, np.nan), "y": np.insert(data["y"], 3, 7.0)}
    table: Any = pd.DataFrame(holes) if source == "frame" else holes
    with pytest.raises(DataError, match="row 4"):
        symgd.fit("y ~ " + known["model"], table)
    fit = symgd.fit("y ~ " + known["model"], table, missing="drop")
    assert fit.dropped == 1
    for parameter, value in known["values"].items():
        assert fit.params[parameter] == pytest.approx(value, rel=1e-6)
        assert fit.stderr[parameter] == pytest.approx(known["err"][parameter], rel=3e-5)
