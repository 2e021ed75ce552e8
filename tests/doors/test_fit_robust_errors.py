"""Standard errors of losses of the user's own: least squares recognised, else the sandwich."""

from __future__ import annotations

import numpy as np
import pytest

import symgd

X = np.linspace(0.0, 1.0, 120)
Y = 2 * X + 1 + 0.8 * np.random.default_rng(3).standard_t(3, size=X.size)
DATA = {"x": X, "y": Y}


@pytest.mark.parametrize(
    "loss",
    ["mean((y - prediction)^2)", "sum((prediction - y)^2)/2", "sum((y - prediction)^2)/(2*N)"],
)
def test_squares_in_the_users_own_words_have_the_errors_of_least_squares(loss: str) -> None:
    own = symgd.fit("y ~ m*x + b", DATA, loss=loss)
    named = symgd.fit("y ~ m*x + b", DATA)
    assert own.stderr == pytest.approx(named.stderr, rel=1e-10)
    assert own.r_squared == pytest.approx(named.r_squared, rel=1e-10)


def test_hubers_errors_are_those_of_the_sandwich() -> None:
    fit = symgd.fit("y ~ m*x + b", DATA, loss="huber")
    design = np.column_stack([X, np.ones_like(X)])
    residual = Y - design @ [fit.params["m"], fit.params["b"]]
    inside = np.abs(residual) <= 1
    slope = np.where(inside, residual, np.sign(residual))
    bread = np.linalg.inv(design.T @ (design * inside[:, None]))
    meat = design.T @ (design * (slope**2)[:, None]) * X.size / (X.size - 2)
    errors = np.sqrt(np.diag(bread @ meat @ bread))
    assert [fit.stderr["m"], fit.stderr["b"]] == pytest.approx(errors, rel=1e-8)


@pytest.mark.slow
def test_the_errors_are_the_scatter_over_many_samples() -> None:
    found, said = [], []
    for seed in range(60):
        noise = np.random.default_rng(seed).standard_t(3, size=X.size)
        fit = symgd.fit("y ~ m*x + b", {"x": X, "y": 2 * X + 1 + 0.8 * noise}, loss="huber")
        found.append([fit.params["m"], fit.params["b"]])
        said.append([fit.stderr["m"], fit.stderr["b"]])
    scatter = np.std(found, axis=0, ddof=1)
    assert np.mean(said, axis=0) == pytest.approx(scatter, rel=4 / np.sqrt(2 * 59))
