"""Bounds, constraints, kinks, several starts, starts that are searched."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog, nnls

import symgd

RANDOM = np.random.default_rng(7)
X = RANDOM.normal(size=(50, 4))
TARGET = X @ [1.0, -0.5, 0.0, 2.0] + 0.1 * RANDOM.normal(size=50)


@pytest.mark.parametrize(
    ("formula", "options", "answer", "loss"),
    [
        ("(x - 3)^2 + (y + 1)^2", {"bounds": {"y": (0, None)}}, {"x": 3, "y": 0}, 1),
        ("(x - 3)^2 + (y + 1)^2", {"subject_to": "x + y = 1"}, {"x": 2.5, "y": -1.5}, 0.5),
        ("(x - 3)^2 + (y + 1)^2", {"subject_to": "x + y = 1, y >= 0"}, {"x": 1, "y": 0}, 5),
        ("x", {"bounds": {"x": (0, 1)}}, {"x": 0}, 0),
        ("-x", {"bounds": {"x": (0, 1)}}, {"x": 1}, -1),
        # Hock & Schittkowski 24, 28 and 37 (1981); Nocedal & Wright, example 16.4
        ("((x1 - 3)^2 - 9)*x2^3/(27*sqrt(3))",
         {"start": {"x1": 1, "x2": 0.5},
          "subject_to": "x1/sqrt(3) - x2 >= 0, x1 + sqrt(3)*x2 >= 0, "
          "6 - x1 - sqrt(3)*x2 >= 0, x1 >= 0, x2 >= 0"}, {"x1": 3, "x2": np.sqrt(3)}, -1),
        ("(x1 + x2)^2 + (x2 + x3)^2",
         {"start": {"x1": -4, "x2": 1, "x3": 1}, "subject_to": "x1 + 2*x2 + 3*x3 = 1"},
         {"x1": 0.5, "x2": -0.5, "x3": 0.5}, 0),
        ("-x*y*z", {"start": {"x": 10, "y": 10, "z": 10}, "subject_to": "x + 2y + 2z <= 72",
                    "bounds": {"x": (0, 42), "y": (0, 42), "z": (0, 42)}},
         {"x": 24, "y": 12, "z": 12}, -3456),
        ("(x - 1)^2 + (y - 2.5)^2",
         {"start": {"x": 2, "y": 0}, "subject_to": ["x - 2y + 2 >= 0", "-x - 2y + 6 >= 0",
                                                    "-x + 2y + 2 >= 0", "x >= 0", "y >= 0"]},
         {"x": 1.4, "y": 1.7}, 0.8),
        ("x + y", {"start": {"x": -2, "y": -0.5}, "subject_to": "x^2 + y^2 = 2"},
         {"x": -1, "y": -1}, -2),
        ("100*(y - x^2)^2 + (1 - x)^2",
         {"start": {"x": -1.2, "y": 1}, "bounds": {"x": (-2, 0.5)}}, {"x": 0.5, "y": 0.25}, 0.25),
    ],
)  # fmt: skip
def test_textbook_problems_with_limits(
    formula: str, options: dict[str, Any], answer: dict[str, float], loss: float
) -> None:
    found = symgd.minimize(formula, **options)
    assert found.converged, found.message
    assert found.loss == pytest.approx(loss, abs=1e-9)
    for name, value in answer.items():
        assert found.params[name] == pytest.approx(value, abs=1e-8)


def test_nonnegative_least_squares_agrees_with_scipy() -> None:
    found = symgd.minimize(
        "mean((y - X @ w)^2)", data={"X": X, "y": TARGET}, bounds={"w": (0, None)}
    )
    assert found.converged
    np.testing.assert_allclose(found.params["w"], nnls(X, TARGET)[0], atol=1e-10)
    assert "bound: w[1]" in found.message


def test_limits_that_contradict_each_other_are_no_minimum() -> None:
    assert not symgd.minimize("x^2", subject_to="x^2 = -1").converged
    assert not symgd.minimize("x^2 + y^2", subject_to="x + y = 1, x + y = 2").converged


def test_a_fit_within_bounds() -> None:
    x = np.linspace(0, 6, 40)
    y = 3 * np.exp(-0.7 * x) - 0.2 + 0.02 * RANDOM.normal(size=40)
    fit = symgd.fit("y ~ a*exp(-k*x) + c", {"x": x, "y": y}, bounds={"c": (0, None), "k": (0, 5)})
    assert fit.converged
    assert fit.params["c"] == 0.0
    free = symgd.fit("y ~ a*exp(-k*x)", {"x": x, "y": y})
    assert fit.params["k"] == pytest.approx(free.params["k"], rel=1e-8)


# -- kinks


def quantile_line(x: Any, y: Any, tau: float) -> tuple[float, Any]:
    """The quantile line by linear programming."""
    n = len(x)
    design = np.hstack([np.column_stack([x, np.ones(n)]), np.eye(n), -np.eye(n)])
    cost = np.r_[0, 0, np.full(n, tau), np.full(n, 1 - tau)] / n
    bounds = [(None, None)] * 2 + [(0, None)] * (2 * n)
    result = linprog(cost, A_eq=design, b_eq=y, bounds=bounds, method="highs")
    return result.fun, result.x[:2]


@pytest.mark.parametrize("tau", [0.1, 0.5, 0.75, 0.9])
@pytest.mark.parametrize(
    "loss",
    ["mean(max({t}*(y - (m*x + b)), ({t} - 1)*(y - (m*x + b))))",
     "mean(where(y - (m*x + b) >= 0, {t}*(y - (m*x + b)), ({t} - 1)*(y - (m*x + b))))",
     "mean(abs(y - (m*x + b)) + (2*{t} - 1)*(y - (m*x + b)))/2"],
)  # fmt: skip
def test_quantile_lines_are_those_of_linear_programming(loss: str, tau: float) -> None:
    random = np.random.default_rng(11)
    x = random.uniform(0, 10, 41)
    y = 2 * x + 1 + random.standard_t(2, 41)
    found = symgd.minimize(loss.format(t=tau), data={"x": x, "y": y})
    value, line = quantile_line(x, y, tau)
    assert found.converged, found.message
    assert found.loss == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose([found.params["m"], found.params["b"]], line, rtol=1e-9)


def test_the_median_and_a_level_stretch() -> None:
    odd = symgd.minimize("mean(abs(y - c))", data={"y": [3.0, 1.0, 10.0]})
    assert odd.converged
    assert odd.params["c"] == 3.0
    even = symgd.minimize("mean(abs(y - c))", data={"y": [3.0, 1.0, 10.0, 2.0]})
    assert even.converged
    assert 2 <= even.params["c"] <= 3
    assert "not unique" in even.message


def test_the_lasso_sets_parameters_to_zero_and_satisfies_its_conditions() -> None:
    found = symgd.minimize("mean((y - X @ w)^2) + 0.2*norm1(w)", data={"X": X, "y": TARGET})
    assert found.converged, found.message
    w = found.params["w"]
    slope = 2 * X.T @ (X @ w - TARGET) / 50
    zero = np.abs(w) < 1e-12
    assert zero.any()
    np.testing.assert_allclose(slope[~zero], -0.2 * np.sign(w[~zero]), atol=1e-12)
    assert (np.abs(slope[zero]) <= 0.2 + 1e-12).all()


def test_a_support_vector_machine_is_solved_exactly() -> None:
    signs = np.sign(TARGET + 0.5)
    loss = "mean(max(0, 1 - s*(X @ w + b))) + 0.05*sum(w^2)"
    found = symgd.minimize(loss, data={"X": X, "s": signs})
    assert found.converged, found.message
    random = np.random.default_rng(0)
    objective = symgd.gradient(loss, columns="X, s", shapes={"X": "N,p", "w": "p"})
    for _ in range(200):
        moved = {"w": found.params["w"] + 1e-3 * random.normal(size=4),
                 "b": found.params["b"] + 1e-3 * random.normal()}  # fmt: skip
        assert objective.value({**moved, "X": X, "s": signs}) >= found.loss - 1e-12


def test_robust_and_curved_losses_with_kinks() -> None:
    random = np.random.default_rng(12)
    x = random.uniform(0, 3, 31)
    y = 2 * np.exp(0.5 * x) + random.standard_t(2, 31)
    huber = symgd.fit("y ~ a + b*x", {"x": x, "y": y}, loss="huber")
    assert huber.converged
    assert huber.gradient_norm < 1e-12
    curved = symgd.fit("y ~ a*exp(k*x)", {"x": x, "y": y}, loss="mae", start={"a": 1, "k": 1})
    assert curved.converged
    assert int((np.abs(curved.residuals) < 1e-12).sum()) == 2


def test_a_largest_deviation_is_never_falsely_converged() -> None:
    x = np.linspace(0, 1, 20)
    found = symgd.minimize("max(abs(y - (m*x + b)))", data={"x": x, "y": x**2})
    if found.converged:
        assert found.loss == pytest.approx(1 / 8, abs=2e-3)


# -- starts


def test_several_starts_list_the_distinct_minima() -> None:
    found = symgd.minimize("x^4 - 3*x^2 + x", 1, starts=12, seed=3)
    assert len(found.minima) == 2
    assert [round(m.params["x"], 5) for m in found.minima] == [-1.30084, 1.1309]
    assert sum(m.starts for m in found.minima) == 12
    assert found.params["x"] == found.minima[0].params["x"]
    assert found.to_dict()["minima"][1]["starts"] == found.minima[1].starts
    again = symgd.minimize("x^4 - 3*x^2 + x", 1, starts=12, seed=3)
    assert again.theta.tolist() == found.theta.tolist()


def test_starts_stay_within_bounds() -> None:
    found = symgd.minimize("sin(x)*x", bounds={"x": (0, 20)}, starts=15, seed=1)
    assert found.params["x"] == pytest.approx(17.336377924, abs=1e-6)


_x = np.linspace(0, 10, 60)
MODELS = [
    ("a*exp(-k*x) + c", _x, 50 * np.exp(-0.6 * _x) + 4),
    ("V*x/(K + x)", 30 * _x, 200 * 30 * _x / (40 + 30 * _x)),
    ("L/(1 + exp(-k*(x - x0)))", 100 * _x, 1000 / (1 + np.exp(-0.02 * (100 * _x - 430)))),
    ("A*exp(-(x - mu)^2/(2*s^2)) + c", 1000 + 100 * _x,
     30 * np.exp(-((100 * _x - 320) ** 2) / (2 * 45**2)) + 2),
    ("A*sin(w*x + p) + c", _x, 3 * np.sin(2.2 * _x + 0.7) + 10),
    ("A*exp(-g*x)*cos(w*x + p)", _x, 3 * np.exp(-0.2 * _x) * np.cos(3 * _x + 0.7)),
    ("a*x^b", _x + 1, 3 * (_x + 1) ** 1.7),
    ("a*exp(-k*x) + b*exp(-q*x)", _x, 5 * np.exp(-0.3 * _x) + 9 * np.exp(-2.5 * _x)),
    ("d + (u - d)*x^n/(K^n + x^n)", _x + 0.1,
     1 + 4 * (_x + 0.1) ** 2.5 / (3**2.5 + (_x + 0.1) ** 2.5)),
    ("a*log(x + b)", _x, 2 * np.log(_x + 3)),
    ("a*tanh(b*x + c) + d", _x, 2 * np.tanh(1.3 * _x - 5) + 1),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("model", "x", "clean"), MODELS, ids=[m[0] for m in MODELS])
def test_starts_are_found_for_usual_models(model: str, x: Any, clean: Any) -> None:
    noise = 0.005 * np.ptp(clean) * np.random.default_rng(4).normal(size=60)
    fit = symgd.fit(f"y ~ {model}", {"x": x, "y": clean + noise})
    assert fit.converged, fit.message
    assert "No start was given" in fit.message
    assert fit.rss <= 1.01 * float(noise @ noise)


def test_a_start_may_be_given_in_part() -> None:
    y = 3 * np.exp(-0.7 * _x) + 1
    fit = symgd.fit("y ~ a*exp(-k*x) + c", {"x": _x, "y": y}, start={"k": 1})
    assert fit.params["k"] == pytest.approx(0.7, rel=1e-9)


@pytest.mark.parametrize(
    ("model", "values"),
    [
        ("d + (u - d)*x^n/(K^n + x^n)", 1 + 4 * _x**2.5 / (3**2.5 + _x**2.5)),
        ("a*(1 - exp(-b*x))^c", 7 * (1 - np.exp(-0.5 * _x)) ** 1.5),
        ("a*x^b", 2 * _x**1.5),
    ],
)
def test_powers_of_zero_in_the_data_do_no_harm(model: str, values: Any) -> None:
    assert _x[0] == 0
    fit = symgd.fit(f"y ~ {model}", {"x": _x, "y": values + 0.01 * np.sin(9 * _x)})
    assert fit.converged, fit.message
    assert fit.residual_sd < 0.012
