"""``fit`` of files by the block: the digits of a fit in memory, and of other programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import polars
import pytest
from scipy.optimize import curve_fit, minimize

import symgd
from symgd.errors import DataError, OptionError, UnsupportedError
from symgd.fit.streamed_result import StreamedFit
from tests.scale.data_sets import curves, write_csv, write_parquet

CUTS = [1, 700, 1801]


def fitted(model: str, data: object, **options: object) -> StreamedFit:
    found = symgd.fit(model, data, **options)  # type: ignore[arg-type]
    assert isinstance(found, StreamedFit)
    assert found.outcome is symgd.Outcome.CONVERGED
    return found


def statistics(fit: symgd.Fit) -> list[float]:
    known = [fit.loss, fit.rss, fit.residual_sd, fit.r_squared, fit.n_rows]
    known += [v for v in (fit.log_likelihood, fit.deviance, fit.aic, fit.bic) if v is not None]
    return [float(v) for v in [*known, *fit.covariance.ravel()]]


def test_every_form_of_the_data_gives_the_same_digits(tmp_path: Path) -> None:
    columns = curves(3000)
    (tmp_path / "csv").mkdir()
    model = "y ~ a*x + b*z + c"
    whole = symgd.fit(model, columns)
    one = tmp_path / "all.csv"
    pandas.DataFrame(columns).to_csv(one, index=False, float_format="%.17g")
    in_memory = [pandas.DataFrame(columns), polars.DataFrame(columns), str(one)]
    for data in in_memory:
        assert symgd.fit(model, data).params == whole.params
    patterns = [write_parquet(tmp_path, columns, CUTS), write_csv(tmp_path / "csv", columns, CUTS)]
    for data in patterns:
        found = fitted(model, data)
        assert found.params == pytest.approx(whole.params, rel=4e-16)
        assert statistics(found) == pytest.approx(statistics(whole), rel=1e-13)
        assert found.streamed.engine.passes == 1
    assert fitted(model, str(one), memory=1000).params == pytest.approx(whole.params, rel=4e-16)


def test_an_offset_of_a_million_keeps_its_digits(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    x = 1e6 + random.random(2000)
    columns = {"x": x, "y": 3.0 * x - 7.0 + 1e-3 * random.standard_normal(2000)}
    found = fitted("y ~ m*x + b", write_parquet(tmp_path, columns, [13, 999]))
    import mpmath

    with mpmath.workdps(50):
        rows = mpmath.matrix([[mpmath.mpf(float(v)), 1] for v in columns["x"]])
        right = mpmath.matrix([mpmath.mpf(float(v)) for v in columns["y"]])
        exact = mpmath.lu_solve(rows.T * rows, rows.T * right)
    assert found.params["m"] == pytest.approx(float(exact[0]), rel=1e-14)
    assert found.params["b"] == pytest.approx(float(exact[1]), rel=1e-14)


def test_weights_errors_and_a_model_without_constant(tmp_path: Path) -> None:
    columns = curves(3000)
    pattern = write_parquet(tmp_path, columns, CUTS)
    for options in ({"weights": "w"}, {"sigma": "w", "absolute_sigma": True}, {"loss": "sse"}):
        found = fitted("y ~ a*x + c", pattern, **options)
        whole = symgd.fit("y ~ a*x + c", columns, **options)  # type: ignore[arg-type]
        assert found.params == pytest.approx(whole.params, rel=1e-14)
        assert statistics(found) == pytest.approx(statistics(whole), rel=1e-11)
    found = fitted("y ~ a*x", pattern)
    assert not found.centred
    slope = columns["x"] @ columns["y"] / (columns["x"] @ columns["x"])
    rest = columns["y"] - slope * columns["x"]
    assert found.r_squared == pytest.approx(1 - rest @ rest / (columns["y"] @ columns["y"]))


def test_a_curve_against_scipy(tmp_path: Path) -> None:
    columns = curves(3000)
    pattern = write_parquet(tmp_path, columns, CUTS)
    found = fitted("y ~ a*exp(-k*x) + c*z", pattern, start={"a": 1, "k": 0.5, "c": 0})
    best, matrix = curve_fit(
        lambda t, a, k, c: a * np.exp(-k * t[0]) + c * t[1],
        (columns["x"], columns["z"]), columns["y"], p0=[1, 0.5, 0],
        xtol=1e-15, ftol=1e-15, gtol=1e-15,
    )  # fmt: skip
    np.testing.assert_allclose(found.theta, best, rtol=1e-8)
    np.testing.assert_allclose(found.covariance, matrix, rtol=1e-5)


@pytest.mark.parametrize(("loss", "target"), [("logistic", "label"), ("poisson", "n")])
def test_likelihoods(tmp_path: Path, loss: str, target: str) -> None:
    columns = curves(3000)
    pattern = write_parquet(tmp_path, columns, CUTS)
    found = fitted(f"{target} ~ a*x + b*z + c", pattern, loss=loss)
    whole = symgd.fit(f"{target} ~ a*x + b*z + c", columns, loss=loss)
    assert found.params == pytest.approx(whole.params, rel=1e-12)
    assert statistics(found) == pytest.approx(statistics(whole), rel=1e-9)
    design = np.column_stack([columns["x"], columns["z"], np.ones(3000)])
    y = columns[target]

    def negative(theta: np.ndarray) -> float:
        eta = design @ theta
        link = np.logaddexp(0, eta) if loss == "logistic" else np.exp(eta)
        return float(np.mean(link - y * eta))

    other = minimize(negative, np.zeros(3), tol=1e-12)
    assert found.loss == pytest.approx(other.fun, rel=1e-9)
    assert found.loss <= other.fun + 1e-15


def test_other_methods_see_the_same_loss(tmp_path: Path) -> None:
    columns = curves(2000)
    pattern = write_parquet(tmp_path, columns, CUTS)
    options: list[dict[str, object]] = [
        {"bounds": {"a": (0, None)}},
        {"subject_to": "a + c = 1"},
        {"rate": 0.05, "steps": 200, "precision": None},
        {"loss": "huber"},
        {"loss": "mean((y - prediction)^2) + 0.1*a^2"},
    ]
    for given in options:
        found = symgd.fit("y ~ a*x + c", pattern, **given)  # type: ignore[arg-type]
        whole = symgd.fit("y ~ a*x + c", columns, **given)  # type: ignore[arg-type]
        assert found.outcome is whole.outcome
        assert found.params == pytest.approx(whole.params, rel=1e-9)


def test_missing_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    columns = curves(3000)
    columns["y"][[5, 800, 2999]] = np.nan
    pattern = write_parquet(tmp_path, columns, CUTS)
    with pytest.raises(DataError, match="misses a value in row"):
        symgd.fit("y ~ a*x + c", pattern)
    found = fitted("y ~ a*x + c", pattern, missing="drop")
    kept = np.isfinite(columns["y"])
    whole = symgd.fit("y ~ a*x + c", {name: v[kept] for name, v in columns.items()})
    assert (found.n_rows, found.dropped) == (2997, 3)
    assert found.params == pytest.approx(whole.params, rel=1e-14)
    assert found.loss == pytest.approx(whole.loss, rel=1e-14)
    labelled = fitted("label ~ a*x + c", pattern, missing="drop", loss="logistic")
    assert labelled.n_rows == 3000


def test_predictions_and_residuals(tmp_path: Path) -> None:
    columns = curves(2500)
    found = fitted("y ~ a*x + c", write_parquet(tmp_path, columns, CUTS))
    line = found.params["a"] * columns["x"] + found.params["c"]
    np.testing.assert_allclose(found.predict(), line, rtol=1e-13)
    np.testing.assert_allclose(found.residuals, columns["y"] - line, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(found.predict({"x": [1.0, 2.0]})[1], found.predict({"x": [2.0]})[0])
    assert sum(len(prediction) for _, prediction in found.blocks()) == 2500
    assert "2500 rows" in found.report()
    low, high = found.band({"x": [1.5]})
    assert low < found.predict({"x": [1.5]}) < high


def test_what_data_do_not_determine_is_said(tmp_path: Path) -> None:
    columns = curves(1000)
    columns["double"] = 2 * columns["x"]
    found = symgd.fit("y ~ a*x + b*double", write_parquet(tmp_path, columns, CUTS))
    assert "can be changed together by (1, -0.5)" in found.message
    assert np.isnan(found.stderr["a"])


def test_observers_see_the_rows(tmp_path: Path) -> None:
    from symgd.scale.progress import Reading

    class Watcher:
        def __init__(self) -> None:
            self.seen: list[Reading] = []

        def __call__(self, progress: object) -> None:
            pass

        def reading(self, reading: Reading) -> None:
            self.seen.append(reading)

    watcher = Watcher()
    fitted("y ~ a*x", write_parquet(tmp_path, curves(2500), CUTS), observers=[watcher])
    assert (watcher.seen[-1].rows, watcher.seen[-1].total) == (2500, 2500)
    assert watcher.seen[-1].rows_per_second > 0


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"loss": "mae"}, UnsupportedError, "kink.*block by block"),
        ({"weights": [1.0, 2.0]}, OptionError, "name of a column"),
        ({"weights": "v"}, OptionError, "no column of the data"),
        ({"weights": "z"}, DataError, "weights must not be negative"),
        ({"sigma": "z"}, DataError, "sigma must be above zero"),
        ({"engine": "spark"}, OptionError, "'local' and 'dask'"),
        ({"memory": "lots"}, OptionError, "memory must be"),
        ({"start": {"q": 1}}, OptionError, "'q' is not a parameter"),
        ({"rate": -1}, OptionError, "rate"),
    ],
)
def test_refusals(
    tmp_path: Path, options: dict[str, object], kind: type[Exception], words: str
) -> None:
    pattern = write_parquet(tmp_path, curves(300), [100])
    with pytest.raises(kind, match=words):
        symgd.fit("y ~ a*x + c", pattern, **options)  # type: ignore[arg-type]


def test_a_pattern_without_files_and_a_column_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data file fits"):
        symgd.fit("y ~ a*x", str(tmp_path / "*.parquet"))
    pattern = write_parquet(tmp_path, curves(300), [100])
    with pytest.raises(DataError, match="the target q is not a column"):
        symgd.fit("q ~ a*x", pattern)


def test_minimize_takes_files_too(tmp_path: Path) -> None:
    columns = curves(2000)
    pattern = write_parquet(tmp_path, columns, CUTS)
    formula = "mean((y - a*x - c)^2) + 0.01*c^2"
    found = symgd.minimize(formula, data=pattern)
    whole = symgd.minimize(formula, data=columns)
    assert found.params == pytest.approx(whole.params, rel=1e-13)
    assert "one pass over 2,000 rows" in found.method


def test_a_picture_shows_a_sample(tmp_path: Path) -> None:
    from symgd.show.sample import sample_of

    columns = curves(9000)
    found = fitted("y ~ a*x + c", write_parquet(tmp_path, columns, CUTS))
    drawn = sample_of(found)
    assert drawn.total == 9000
    assert drawn.drawn == len(drawn.observed) == len(drawn.across) < 9000
    assert set(drawn.across) <= set(columns["x"])
