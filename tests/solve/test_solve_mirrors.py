"""Of answers with exactly the same loss the one with positive sizes and small angles is given."""

from __future__ import annotations

import math

import numpy as np
import pytest

import symgd
from symgd.compile.objective import Objective, compile_objective
from symgd.derive.partials import derive
from symgd.formula.problem import read
from symgd.minimize.mirrors import canonical

X = np.linspace(0.0, 5.0, 23)
DATA = {"x": X, "y": np.sin(2 * X) + 0.1 * X}


def objective_of(model: str) -> Objective:
    formula = f"mean((y - ({model}))^2)"
    problem = read(formula, columns={"x": ("N",), "y": ("N",)})
    return compile_objective(derive(problem), DATA)


@pytest.mark.parametrize(
    ("model", "given", "wanted"),
    [
        ("a*sin(w*x + p)", {"a": -2, "w": 3, "p": 9}, {"a": 2, "w": 3, "p": 9 - 3 * math.pi}),
        ("a*sin(w*x + p)", {"a": 2, "w": -3, "p": 0.5}, {"a": 2, "w": 3, "p": math.pi - 0.5}),
        ("a*cos(w*x - p)", {"a": 2, "w": -3, "p": 0.5}, {"a": 2, "w": 3, "p": -0.5}),
        ("a*cos(2*pi*(f*x + s))", {"a": 1, "f": 2, "s": 7.25}, {"a": 1, "f": 2, "s": 0.25}),
        ("a*sin(2*pi*x/T + p)", {"a": 1, "T": -3, "p": 1}, {"a": 1, "T": 3, "p": math.pi - 1}),
        ("a*exp(-(x - m)^2/(2*s^2))", {"a": -2, "m": -1, "s": -3}, {"a": -2, "m": -1, "s": 3}),
        ("a/(1 + ((x - m)/g)^2)", {"a": 2, "m": 1, "g": -3}, {"a": 2, "m": 1, "g": 3}),
        ("sqrt(a^2 + b*x)", {"a": -1, "b": 2}, {"a": 1, "b": 2}),
        ("a*cos(w*x + p) + b*p", {"a": -2, "w": 3, "b": -1, "p": 9}, {}),
        ("a*tanh(b*x)", {"a": -2, "b": -1}, {}),
        ("a*b*x", {"a": -2, "b": -1}, {}),
        ("a*x^3 + b*exp(c*x)", {"a": -2, "b": -1, "c": -0.1}, {}),
    ],
)
def test_the_canonical_values(
    model: str, given: dict[str, float], wanted: dict[str, float]
) -> None:
    objective = objective_of(model)
    theta = np.array([given[name] for name in objective.names], dtype=float)
    found = canonical(objective, theta)
    expected = {**given, **wanted}
    np.testing.assert_allclose(found, [expected[n] for n in objective.names], atol=1e-12)
    assert objective(found)[0] == pytest.approx(objective(theta)[0], rel=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_random_points_keep_their_loss(seed: int) -> None:
    random = np.random.default_rng(seed)
    for model in ("a*exp(-k*x)*sin(w*x + p) + c", "a*cos(w*x + p) + b*sin(2*w*x + 2*p)"):
        objective = objective_of(model)
        theta = random.normal(size=objective.layout.size) * 5
        found = canonical(objective, theta)
        assert objective(found)[0] == pytest.approx(objective(theta)[0], rel=1e-9)
        place = objective.names.index("p")
        assert -math.pi - 1e-12 < found[place] <= math.pi + 1e-12


def test_a_sine_is_fitted_with_a_small_phase() -> None:
    noise = 0.05 * np.random.default_rng(4).normal(size=X.size)
    data = {"x": X, "y": 2 * np.sin(3 * X - 1) + noise}
    fit = symgd.fit("y ~ a*sin(w*x + p)", data)
    assert fit.converged
    assert (fit.params["a"], fit.params["w"], fit.params["p"]) == pytest.approx(
        (2, 3, -1), abs=0.1
    )


def test_a_start_that_is_given_is_respected() -> None:
    data = {"x": X, "y": 2 * np.sin(3 * X + 1)}
    fit = symgd.fit("y ~ a*sin(w*x + p)", data, start={"a": 2, "w": 3, "p": 1 + 4 * math.pi})
    assert fit.params["p"] == pytest.approx(1 + 4 * math.pi)
