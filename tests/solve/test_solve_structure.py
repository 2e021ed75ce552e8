"""What the graph of a loss shows, and the residual that is compiled from it."""

from __future__ import annotations

import re

import numpy as np
import pytest

from symgd.compile.columns import read_with_data
from symgd.compile.kinks import kinks_of
from symgd.compile.least_squares import residuals
from symgd.compile.objective import Objective, compile_objective
from symgd.compile.structure import linear_names, structure_of
from symgd.derive.partials import derive

RANDOM = np.random.default_rng(5)
DATA = {
    "x": RANDOM.uniform(0.5, 2, 9), "y": RANDOM.normal(size=9), "u": RANDOM.uniform(1, 2, 9),
    "X": RANDOM.normal(size=(9, 3)),
}  # fmt: skip


def objective_of(text: str) -> Objective:
    names = [n for n in DATA if re.search(rf"\b{n}\b", text)]
    found = read_with_data(text, DATA if names else None)
    return compile_objective(derive(found.problem), found.columns)


SQUARES = [
    "sum((y - (a*x + b))^2)", "mean((y - (a*x + b))^2)", "mean(u*(y - a*x)^2)",
    "norm(y - X @ w)^2", "mean((y - X @ w)^2) + 0.1*sum(w^2)", "(a - 1)^2 + 3*(b - a*c)^2",
    "mean((y - a*exp(-b*x))^2) + 0.5*(a^2 + b^2)", "sum((y - a*x)^2/u^2)",
    "(a - 2)^4 + a^2*b^2", "1/2*sum(abs(y - a*x)^2)", "mean((y - a*x)*(y - a*x))",
    "sum((y - X @ w)^2) + a^2 + 7", "dot(y - a*x, y - a*x)", "mean((y - a*x)^2 + 0.1*a^2)",
]  # fmt: skip


@pytest.mark.parametrize("text", SQUARES)
def test_sums_of_squares_are_seen_and_have_the_right_derivatives(text: str) -> None:
    objective = objective_of(text)
    structure = structure_of(objective.partials)
    assert structure.squares is not None
    squares = residuals(structure.squares, objective)
    assert squares is not None
    theta = RANDOM.normal(size=objective.layout.size)
    r, jacobian = squares.residual(theta), squares.jacobian(theta)
    loss, gradient = objective(theta)
    zero = objective(np.zeros(theta.size))[0] if structure.offset else 0.0
    if not structure.offset:
        assert r @ r == pytest.approx(loss, rel=1e-12)
    assert zero >= 0 or structure.offset
    np.testing.assert_allclose(2 * jacobian.T @ r, gradient, rtol=1e-10, atol=1e-11)
    full = 2 * (jacobian.T @ jacobian + squares.curvature(theta, r))
    np.testing.assert_allclose(full, objective.hessian(theta), rtol=1e-9, atol=1e-10)
    long = squares.residual(theta.astype(np.longdouble))
    assert long.dtype == np.longdouble
    np.testing.assert_allclose(long.astype(float), r, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "text",
    ["(a - 1)^2 - b^2", "mean((y - a*x)^3)", "mean(log(1 + exp(a*x)))", "a^2 + a",
     "sum(abs(y - a*x))", "-sum((y - a*x)^2)", "a^2 + sin(b)"],
)  # fmt: skip
def test_other_losses_are_no_sums_of_squares(text: str) -> None:
    assert structure_of(objective_of(text).partials).squares is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mean((y - (a*x + b))^2)", "linear in the parameters"),
        ("mean((y - a*exp(b*x))^2)", "sum of squares"),
        ("3*a^2 - a*b + b^2 + b", "quadratic"),
        ("mean(max(0, 1 - y*(a*x + b)))", "kink"),
        ("mean(max(0, 1 - y*(a*x + b))^2)", "sum of squares"),
        ("mean(log(1 + exp(a*x)))", "smooth"),
    ],
)
def test_the_structure_is_said_in_words(text: str, words: str) -> None:
    assert words in structure_of(objective_of(text).partials).words


@pytest.mark.parametrize(
    ("text", "linear"),
    [
        ("sum((y - (a*exp(-k*x) + c))^2)", ("a", "c")),
        ("sum((y - a*b*x)^2)", ("a",)),
        ("sum((y - exp(k*x))^2)", ()),
        ("sum((y - X @ w)^2) + 0.1*sum(w^2)", ("w",)),
    ],
)
def test_parameters_that_can_be_solved_for_are_named(text: str, linear: tuple[str, ...]) -> None:
    partials = objective_of(text).partials
    squares = structure_of(partials).squares
    assert squares is not None
    assert linear_names(partials, [s.residual for s in squares]) == linear


@pytest.mark.parametrize(
    "text",
    ["sum(abs(y - a*x))", "mean(max(0.9*(y - a*x), -0.1*(y - a*x)))", "abs(abs(a) - 1) + b^2",
     "max(min(a, b), 0.3*a) + a^2", "mean((y - a*x)^2)*abs(b - 1) + b^2"],
)  # fmt: skip
def test_a_held_kink_is_the_loss_on_its_side(text: str) -> None:
    objective = objective_of(text)
    kinks = kinks_of(objective)
    assert kinks is not None
    theta = RANDOM.normal(size=objective.layout.size)
    held = kinks.held(np.sign(kinks.atoms(theta)))
    np.testing.assert_allclose(held(theta)[0], objective(theta)[0], rtol=1e-12)
    np.testing.assert_allclose(held(theta)[1], objective(theta)[1], rtol=1e-10, atol=1e-12)
    assert kinks.smooth(1e-9)(theta)[0] == pytest.approx(objective(theta)[0], abs=1e-7)
