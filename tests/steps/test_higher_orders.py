"""Hessians, Jacobians, derivatives of any order, directional and total derivatives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symgd.errors import NameProblem, OptionError, ShapeProblem, UnsupportedError
from symgd.gradient import gradient
from symgd.higher import derivative, jacobian

SHARED = Path(__file__).parents[3] / "shared" / "cases"


def rows(name: str) -> list[dict[str, Any]]:
    path = SHARED / name
    return json.loads(path.read_text()) if path.is_file() else []


@pytest.mark.parametrize(
    ("formula", "by", "order", "text"),
    [
        ("x^5", "x", 3, "60*x^2"), ("sin(x)", "x", 4, "sin(x)"), ("exp(2*x)", "x", 3, "8*exp(2*x)"),
        ("log(x)", "x", 2, "-1/x^2"), ("x^2*y", "y", 2, "0"), ("x^3", None, 1, "3*x^2"),
        (r"\frac{1}{x}", "x", 2, "2/x^3"),
    ],
)  # fmt: skip
def test_orders(formula: str, by: str | None, order: int, text: str) -> None:
    assert derivative(formula, by, order).text() == text


@pytest.mark.parametrize("case", [c for c in rows("derivatives.json") if c["hess"] or c["third"]],
                         ids=lambda c: c["id"])  # fmt: skip
def test_the_shared_second_and_third_derivatives(case: dict[str, Any]) -> None:
    if "besselj" in case["formula"]:
        return
    if case["hess"]:
        hessian = gradient(case["formula"], wrt=case["wrt"]).hessian()
        for point, expected in zip(case["points"], case["hess"], strict=True):
            for i, a in enumerate(case["wrt"]):
                for j, b in enumerate(case["wrt"]):
                    found = hessian[a, b](point)
                    assert found == pytest.approx(expected[i][j], rel=1e-8, abs=1e-10)
    if case["third"]:
        third = derivative(case["formula"], case["wrt"][0], 3)
        for point, expected in zip(case["points"], case["third"], strict=True):
            wanted = np.reshape(expected, -1)[0]
            assert third(point) == pytest.approx(wanted, rel=1e-8, abs=1e-10)


def test_a_total_derivative() -> None:
    total = derivative("x^2*y", "x", along="y")
    assert total({"x": 3, "y": 5, "dy_dx": 7}) == 2 * 3 * 5 + 9 * 7
    with pytest.raises(OptionError, match="order 1"):
        derivative("x*y", "x", 2, along="y")


def test_a_directional_derivative() -> None:
    g = gradient("x^2*y")
    assert g.along({"x": 1, "y": 3})({"x": 2, "y": 5}) == 2 * 2 * 5 + 3 * 4
    loss = gradient("mean((X @ w - y)^2)")
    matrix, w, y, d = np.eye(3)[:, :2] + 1, np.array([1.0, 2.0]), np.ones(3), np.array([0.5, -1])
    values = {"X": matrix, "w": w, "y": y}
    found = loss.along()({**values, "d_w": d})
    assert found == pytest.approx(loss(values)["w"] @ d)


def test_hessians_of_arrays() -> None:
    hessian = gradient("mean((X @ w - y)^2)").hessian()
    assert hessian["w", "w"].text() == "2/N*(X.T @ X)"
    logistic = gradient("sum(log(1 + exp(-y*(X @ w))))").hessian()
    values = {"X": np.array([[1.0, 2], [3, -1], [0.5, 1]]), "y": [1, -1, 1], "w": [0.2, -0.4]}
    np.testing.assert_allclose(logistic["w", "w"](values), logistic(values), rtol=1e-12)
    assert "<table>" in gradient("x^2*y").hessian()._repr_html_()
    assert "pmatrix" in gradient("x^2*y").hessian().latex()


@pytest.mark.parametrize(
    ("formula", "options", "name", "text"),
    [
        ("X @ w", {"shapes": {"X": "n,p", "w": "p"}}, "w", "X"),
        ("y - m*x", {"columns": ["x", "y"]}, "m", "-x"),
        ("y - tanh(X @ w)", {"shapes": {"X": "n,p", "w": "p", "y": "n"}}, "w", None),
        ("w*x", {"shapes": {"w": "p", "x": "p"}}, "w", "diag(x)"),
        ("A @ (B @ w)", {"shapes": {"A": "m,n", "B": "n,p", "w": "p"}}, "w", "A @ B"),
        ("w[1:] - w[:-1]", {"shapes": {"w": "p"}}, "w", None),
        ("softmax(w)", {"shapes": {"w": "p"}}, "w", None),
        ("w/sum(w)", {"shapes": {"w": "p"}}, "w", None),
    ],
)  # fmt: skip
def test_jacobians(formula: str, options: dict[str, Any], name: str, text: str | None) -> None:
    j = jacobian(formula, name, **options)
    if text is not None:
        assert j[name].text() == text
    random = np.random.default_rng(1)
    sizes = {"n": 4, "p": 3, "m": 2, "N": 5}
    values = {
        s.name: random.normal(size=tuple(sizes[str(d)] for d in s.shape)) + 2
        for s in j.problem.symbols
    }
    found = j(values)
    base = np.asarray(values[name], dtype=float)
    for column, place in enumerate(np.ndindex(base.shape)):
        sides = []
        for sign in (1, -1):
            moved = base.copy()
            moved[place] += sign * 1e-6
            point = {**values, name: moved, "d_" + name: np.zeros_like(base)}
            sides.append(gradient_free(formula, options, point))
        np.testing.assert_allclose(found[:, column], (sides[0] - sides[1]) / 2e-6, atol=1e-6)
    try:
        closed = np.reshape(j[name](values), found.shape)
    except UnsupportedError:
        assert str(j).startswith("df = ")
        return
    np.testing.assert_allclose(closed, found, atol=1e-12)


def gradient_free(formula: str, options: dict[str, Any], values: dict[str, Any]) -> Any:
    from symgd.expression import values_of
    from symgd.formula.problem import read

    problem = read(formula, **options)
    return values_of([problem.root], problem, values)[0]


def test_what_is_refused() -> None:
    with pytest.raises(ShapeProblem, match="vector"):
        jacobian("A @ B", "A", shapes={"A": "n,p", "B": "p,q"})
    with pytest.raises(NameProblem, match="'z'"):
        jacobian("X @ w", "w", shapes={"X": "n,p", "w": "p"})["z"]
    with pytest.raises(OptionError, match="order"):
        derivative("x", "x", 0)
    with pytest.raises(NameProblem, match="name what"):
        derivative("x*y")
