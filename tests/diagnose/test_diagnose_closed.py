"""Closed forms: exact, in sums over the data, in matrices; each gives the numbers of a solver."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

import symgd
from symgd.algebra.closed import rational_text, zeros
from symgd.compile.objective import compile_objective
from symgd.derive.partials import derive
from symgd.diagnose import closed_form
from symgd.formula.problem import read

RANDOM = np.random.default_rng(2)
N = 30
DATA: dict[str, Any] = {
    "x": RANDOM.normal(size=N), "y": RANDOM.normal(size=N), "z": RANDOM.normal(size=N),
    "w": RANDOM.uniform(0.5, 2, N), "X": RANDOM.normal(size=(N, 3)), "x1": RANDOM.normal(size=N),
}  # fmt: skip


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("(x - 3.5)^2 - 4.5x + 10", "x = 23/4 = 5.75"),
        ("x^4 - x^2", "x = -sqrt(2)/2 = -0.707106781187  or  x = 0  or  "
                      "x = sqrt(2)/2 = 0.707106781187"),
        ("(x + y - 3)^2 + (x - y)^2", "x = 3/2 = 1.5, y = 3/2 = 1.5"),
        ("x^2 + y^2 + z^2 + x*y + y - z", "x = 1/3 = 0.333333333333, y = -2/3 = -0.666666666667, "
                                          "z = 1/2 = 0.5"),
        ("x^6 + x^5 - x", "x = 0.585441883051 (a root of 6*x^5 + 5*x^4 - 1)"),
        ("(a + b)^2", ""), ("exp(x) - 3x", ""),
    ],
)  # fmt: skip
def test_equations_without_data_are_solved_exactly(formula: str, text: str) -> None:
    assert closed_form(derive(read(formula))).text == text


def test_other_equations_are_solved_in_the_time_allowed() -> None:
    found = closed_form(derive(read("exp(x) - 3x")), seconds=20)
    assert found.points[0]["x"] == pytest.approx(np.log(3))
    assert "log(3)" in found.text
    found = closed_form(derive(read("x - log(x)")), seconds=20)
    assert found.text == "x = 1"


def test_when_the_time_is_up_that_is_said() -> None:
    began = time.perf_counter()
    hard = "(x^2 + y - 11)^2 + (x + y^2 - 7)^2"
    found = closed_form(derive(read(hard)), seconds=1.5)
    assert time.perf_counter() - began < 6
    assert not found
    assert "no closed form was found" in found.note


def test_losses_with_huge_powers_are_left_alone() -> None:
    began = time.perf_counter()
    for formula in ("(x + 1)^9999", "((x + 1)^200 - y)^2"):
        assert not closed_form(derive(read(formula)))
    assert time.perf_counter() - began < 2


SUMS = {
    "mean((y - (m*x + b))^2)": ("m = (N*Sxy - Sx*Sy)/(N*Sxx - Sx^2); b = (Sy - Sx*m)/N"),
    "sum((y - m*x)^2)": "m = Sxy/Sxx",
    "sum(w*(y - (m*x + b))^2)":
        "m = (Sw*Swxy - Swx*Swy)/(Sw*Swxx - Swx^2); b = (Swy - Swx*m)/Sw",
    "mean((y - m*x)^2) + 0.5*m^2": "m = 2*Sxy/(N + 2*Sxx)",
    "sum((y - a)^2)": "a = Sy/N",
    "mean((y - (p1*x1 + p0))^2)":
        "p1 = (N*S_x1_y - S_x1*Sy)/(N*S_x1_x1 - S_x1^2); p0 = (Sy - S_x1*p1)/N",
    "mean((y - (a + b*x + c*x^2))^2)": "N*a + Sx*b + Sxx*c = Sy; Sx*a + Sxx*b + Sxxx*c = Sxy; "
                                       "Sxx*a + Sxxx*b + Sxxxx*c = Sxxy",
    "mean((y - (a*sin(x) + b*exp(x)))^2)": "a = ",
}  # fmt: skip


def problem_of(formula: str) -> Any:
    words = "".join(c if c.isalnum() else " " for c in formula).split()
    columns = {n: ("N", 3) if n == "X" else ("N",) for n in DATA if n in words}
    shapes = {n: "3" for n in ("v", "u") if n in words}
    return read(formula, columns=columns, shapes=shapes)


def values_of(lines: str, sums: tuple[str, ...]) -> dict[str, float]:
    """The textbook lines as numbers, by the formulas of the house themselves."""
    known: dict[str, float] = {"N": float(N)}
    for definition in sums:
        name, _, formula = definition.partition(" = ")
        g = symgd.gradient(formula, columns=[n for n in DATA if n in _words(formula)], wrt=[])
        known[name] = g.value(DATA)
    for line in lines.split("; "):
        name, _, formula = line.partition(" = ")
        used = {n: v for n, v in known.items() if n in _words(formula)}
        known[name] = symgd.gradient(formula, wrt=list(used)).value(used)
    return known


def _words(formula: str) -> list[str]:
    return "".join(c if c.isalnum() or c == "_" else " " for c in formula).split()


@pytest.mark.parametrize("formula", SUMS)
def test_normal_equations_in_textbook_form(formula: str) -> None:
    partials = derive(problem_of(formula))
    objective = compile_objective(partials, DATA)
    found = closed_form(partials, objective)
    assert found.text.startswith(SUMS[formula])
    (point,) = found.points
    gradient = objective(objective.pack(point))[1]
    assert np.abs(gradient).max() < 1e-11
    if " = S" not in found.text.split(";")[-1] or "; b" in found.text:
        told = values_of(found.text, found.sums)
        for name in partials.wrt:
            assert told[name] == pytest.approx(point[name], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("formula", "text", "solve"),
    [
        ("mean((X @ v - y)^2)", "v = (X'X)^-1 X'y", lambda X, y, w: (X.T @ X, X.T @ y)),
        ("norm(y - X @ v)^2 + 3*norm(v)^2", "v = (X'X + 3*I)^-1 X'y",
         lambda X, y, w: (X.T @ X + 3 * np.eye(3), X.T @ y)),
        ("mean((X @ v - y)^2) + 2*sum(v^2)", "v = (X'X + 2*N*I)^-1 X'y",
         lambda X, y, w: (X.T @ X + 2 * N * np.eye(3), X.T @ y)),
        ("sum(w*(X @ v - y)^2)", "v = (X'diag(w) X)^-1 X'diag(w) y",
         lambda X, y, w: (X.T @ (w[:, None] * X), X.T @ (w * y))),
        ("(X @ v - y) @ (X @ v - y)/2", "v = (X'X)^-1 X'y", lambda X, y, w: (X.T @ X, X.T @ y)),
    ],
)  # fmt: skip
def test_normal_equations_in_matrices(formula: str, text: str, solve: Any) -> None:
    partials = derive(problem_of(formula))
    found = closed_form(partials, compile_objective(partials, DATA, {"v": (3,)}))
    assert found.text == text
    assert r"\mathbf{v} = \left(" in found.latex
    matrix, right = solve(DATA["X"], DATA["y"], DATA["w"])
    np.testing.assert_allclose(found.points[0]["v"], np.linalg.solve(matrix, right), rtol=1e-11)


def test_the_distance_to_the_descent_is_told() -> None:
    told = symgd.explain("mean((y - (m*x + b))^2)", DATA)
    assert told.distance is not None
    assert told.distance < 1e-12
    run = symgd.minimize("mean((y - (m*x + b))^2)", data=DATA, rate=0.1, precision=1e-3)
    told = symgd.explain(run)
    slope, intercept = np.polyfit(DATA["x"], DATA["y"], 1)
    away = max(abs(run.params["m"] - slope), abs(run.params["b"] - intercept))
    assert told.distance == pytest.approx(away, rel=1e-6)
    assert 1e-6 < told.distance < 1e-3


def test_models_without_a_closed_form_have_none() -> None:
    for formula in ("mean((y - a*exp(m*x))^2)", "mean(log(1 + exp(m*x)) - y*m*x)"):
        assert not closed_form(derive(problem_of(formula)))


def test_collinear_columns_have_no_single_point() -> None:
    data = {"x": [1.0, 2, 3], "y": [1.0, 2, 2]}
    partials = derive(read("mean((y - (a + b)*x)^2)"))
    found = closed_form(partials, compile_objective(partials, data))
    assert found.points == ()


def test_exact_numbers_as_text() -> None:
    (solution,) = zeros([read("3*x - 1").root], ["x"])
    assert rational_text(solution["x"]) == "1/3 = 0.333333333333"
    assert zeros([read("x^2 + 1").root], ["x"]) == []
