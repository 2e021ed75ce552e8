"""Fits without start values against SciPy started at the truth: the answer and its errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.optimize import curve_fit

import symgd


@dataclass(frozen=True)
class Model:
    """A model as text and as a function, its true parameters, where it is seen, and the noise."""

    text: str
    function: Callable[..., Any]
    truth: dict[str, float]
    x: Any
    noise: float


def peak(x: Any, h: float, m: float, s: float) -> Any:
    return h * np.exp(-((x - m) ** 2) / (2 * s**2))


MODELS = {
    "two exponentials": Model(
        "a*exp(-k*x) + b*exp(-l*x)",
        lambda x, a, k, b, m: a * np.exp(-k * x) + b * np.exp(-m * x),
        {"a": 5, "k": 2, "b": 3, "l": 0.3}, np.linspace(0, 10, 60), 0.02,
    ),
    "Michaelis-Menten": Model(
        "v*x/(k + x)", lambda x, v, k: v * x / (k + x), {"v": 2.1e-6, "k": 5400},
        np.linspace(100, 40000, 25), 3e-8,
    ),
    "Gompertz": Model(
        "a*exp(-b*exp(-c*x))", lambda x, a, b, c: a * np.exp(-b * np.exp(-c * x)),
        {"a": 100, "b": 8, "c": 0.35}, np.linspace(0, 20, 40), 1.0,
    ),
    "a far peak": Model(
        "h*exp(-(x - m)^2/(2*s^2)) + c", lambda x, h, m, s, c: peak(x, h, m, s) + c,
        {"h": 10, "m": 512, "s": 4, "c": 3}, np.linspace(480, 550, 120), 0.2,
    ),
    "a sine": Model(
        "a*sin(w*x + p)", lambda x, a, w, p: a * np.sin(w * x + p), {"a": 2, "w": 50, "p": 0.8},
        np.linspace(0, 5, 400), 0.1,
    ),
    "Weibull": Model(
        "a*(1 - exp(-(x/l)^k))", lambda x, a, m, k: a * (1 - np.exp(-((x / m) ** k))),
        {"a": 7, "l": 150, "k": 2.2}, np.linspace(5, 400, 40), 0.1,
    ),
    "rational": Model(
        "(a + b*x)/(1 + c*x + d*x^2)", lambda x, a, b, c, d: (a + b * x) / (1 + c * x + d * x**2),
        {"a": 1, "b": 2, "c": 0.1, "d": 0.5}, np.linspace(0, 10, 60), 0.02,
    ),
    "logistic growth": Model(
        "a/(1 + exp(-k*(x - m)))", lambda x, a, k, m: a / (1 + np.exp(-k * (x - m))),
        {"a": 1500, "k": 0.08, "m": 1950}, np.linspace(1850, 2020, 30), 15.0,
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_fit_finds_its_own_start(name: str) -> None:
    model = MODELS[name]
    random = np.random.default_rng(11)
    y = model.function(model.x, *model.truth.values())
    y = y + model.noise * random.standard_normal(model.x.size)
    best, spread = curve_fit(
        model.function, model.x, y, list(model.truth.values()), maxfev=20_000, xtol=1e-14,
        ftol=1e-14,
    )  # fmt: skip
    fit = symgd.fit(f"y ~ {model.text}", {"x": model.x, "y": y})
    least = float(((y - model.function(model.x, *best)) ** 2).sum())
    assert fit.converged, fit.message
    assert fit.rss == pytest.approx(least, rel=1e-8)
    errors = np.sort(np.sqrt(np.diag(spread)))
    found = np.sort([fit.stderr[n] for n in model.truth])
    np.testing.assert_allclose(found, errors, rtol=1e-4)
