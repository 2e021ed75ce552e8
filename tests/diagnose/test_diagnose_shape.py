"""Convex or not: proofs hold at random points, refutations are true, the rest is unknown."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from symgd.compile.objective import Objective, compile_objective
from symgd.compile.structure import structure_of
from symgd.derive.partials import derive
from symgd.diagnose import Shape, curvature, shape_of
from symgd.diagnose.convexity import bend_of
from symgd.errors import SymgdError
from symgd.formula.problem import read

RANDOM = np.random.default_rng(3)
N = 25
DATA: dict[str, Any] = {
    "x": RANDOM.normal(size=N), "y": RANDOM.normal(size=N), "w": RANDOM.uniform(0.1, 2, N),
    "s": np.sign(RANDOM.normal(size=N)), "X": RANDOM.normal(size=(N, 3)), "k": np.arange(N) % 4.0,
}  # fmt: skip
VECTOR = {"v": "3", "u": "3"}

CONVEX = [
    "mean((y - (m*x + b))^2)", "sum(w*(y - m*x)^2)", "mean(log(1 + exp(-s*(m*x + b))))",
    "mean(exp(m*x + b) - k*(m*x + b))", "mean(abs(y - (m*x + b)))", "norm(y - X @ v)",
    "sum((X @ v - y)^2) + 3*sum(abs(v))", "logsumexp(X @ v)", "mean(max(0, 1 - s*(m*x + b)))",
    "mean(max(0, 1 - s*(m*x + b))^2)", "p - log(p)", "p*log(p)", "-log(p) - log(1 - p)",
    "sqrt(1 + (p - 3)^2)", "log(cosh(p - 1))", "log(exp(p) + exp(2*q) + 1)", "p^4 + p^2",
    "max(p, -q, 3)", "e^p + 2^(-p)", "(p^2 + q^2 + 1)^2", "abs(p)^1.5", "abs(p)/3 + 1",
    "max(p, 0)^3", "p^2 + q^2 + p*q", "(p - q)^2 + (p + q - 1)^2", "3*p - q", "cosh(p) + p",
    "mean(sqrt((y - m*x)^2 + 0.1))", "sum(v^2) + v[0]*v[1]", "-sqrt(p)", "exp(p^2)",
    "-min(p, q)", "sum(v*log(v))", "norm(v - u)^2", "p^2/2 + abs(p - 1)",
]  # fmt: skip
NOT_CONVEX = [
    "(1 - p)^2 + 100*(q - p^2)^2", "p*q", "p^3", "sin(p)", "p^4 - p^2", "mean((y - p*q*x)^2)",
    "mean((y - p*exp(q*x))^2)", "1/(1 + exp(-p))", "p^2 - q^2", "min(p^2, (p - 2)^2)",
    "mean(log(1 + (y - m*x)^2))", "-exp(p)*p^2", "tanh(p)^2",
]  # fmt: skip
CONCAVE = ["-p^2", "log(p)", "sqrt(p)", "min(p, 2 - p)", "-p^2 - q^2 + p*q"]


def objective_of(formula: str) -> Objective:
    names = [n for n in DATA if n in formula.replace("exp", "").replace("max", "").split("log")[0]
             or n in "".join(c if c.isalnum() else " " for c in formula).split()]  # fmt: skip
    words = "".join(c if c.isalnum() else " " for c in formula).split()
    columns = {n: ("N", 3) if n == "X" else ("N",) for n in names if n in words}
    shapes = {n: s for n, s in VECTOR.items() if n in words}
    problem = read(formula, columns=columns or None, shapes=shapes)
    return compile_objective(derive(problem), {n: DATA[n] for n in columns})


def shape(objective: Objective) -> Shape:
    theta = np.full(objective.layout.size, 0.4)
    structure = structure_of(objective.partials)
    return shape_of(objective, structure, theta, curvature(objective, theta, structure.quadratic))


@pytest.mark.parametrize("formula", CONVEX)
def test_convex_losses_are_proved_convex_and_are(formula: str) -> None:
    objective = objective_of(formula)
    assert shape(objective).convexity == "convex"
    points = np.random.default_rng(0)
    for turn in range(300):
        size = (0.3, 1, 3)[turn % 3]
        a, b = (size * points.uniform(-1, 1, objective.layout.size) for _ in range(2))
        low, middle, high = (objective(p)[0] for p in (a, (a + b) / 2, b))
        if np.isfinite([low, middle, high]).all():
            assert middle <= (low + high) / 2 + 1e-9 * (abs(low) + abs(high))


@pytest.mark.parametrize("formula", NOT_CONVEX)
def test_losses_that_are_not_convex_are_refuted_by_points(formula: str) -> None:
    found = shape(objective_of(formula))
    assert found.convexity == "not convex"
    assert "straight line" in found.reason or "quadratic" in found.reason


@pytest.mark.parametrize("formula", CONCAVE)
def test_concave_losses(formula: str) -> None:
    assert shape(objective_of(formula)).convexity == "concave"


def test_what_no_rule_proves_and_no_point_refutes_is_unknown() -> None:
    huber = objective_of("where(abs(p) <= 1, p^2/2, abs(p) - 1/2)")
    found = shape(huber)
    assert found.convexity == "unknown"
    assert "do not refute" in found.reason


@pytest.mark.parametrize(
    ("formula", "groups", "proved"),
    [
        ("p^2 + q^4 - q", (("p",), ("q",)), True),
        ("p^2 + q^4 - q*p", (("p", "q"),), False),
        ("(p + q)^2 - 2*p*q", (("p",), ("q",)), False),
        ("p*q + r^2 + 3", (("p", "q"), ("r",)), True),
        ("sum(v^4)", (("v[0]",), ("v[1]",), ("v[2]",)), False),
        ("sum(v)^2", (("v[0]", "v[1]", "v[2]"),), False),
    ],
)
def test_separable_losses(formula: str, groups: tuple[tuple[str, ...], ...], proved: bool) -> None:
    found = shape(objective_of(formula))
    assert found.groups == groups
    assert found.separable == (len(groups) > 1)
    assert found.proved == proved


class Trees:
    """Random formulas in a and b."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def formula(self, depth: int) -> str:
        pick = self.random.choice
        if depth == 0 or self.random.random() < 0.15:
            return pick(["a", "b", "(a - b)", "(2*a + b - 1)", "3", "0.5", "(-2)", "(a + 1)"])
        u, v = self.formula(depth - 1), self.formula(depth - 1)
        power = pick(["2", "3", "4", "0.5", "1.5", "(-1)", "(-2)", "(-0.5)"])
        name = pick(["exp", "log", "sqrt", "abs", "sinh", "cosh", "tanh", "sigmoid", "atan"])
        return pick([
            f"({u} + {v})", f"({u} - {v})", f"({u} * {v})", f"({u} / {v})", f"({u})^{power}",
            f"max({u}, {v})", f"min({u}, {v})", f"{name}({u})", f"log(exp({u}) + exp({v}))",
            f"sqrt(({u})^2 + ({v})^2)", f"2^({u})", f"(-{u})", f"({u})*log({u})",
        ])  # fmt: skip


def test_what_is_proved_of_random_formulas_is_true() -> None:
    trees, points, proved = Trees(1), np.random.default_rng(0), 0
    for turn in range(500):
        try:
            partials = derive(read(trees.formula(1 + turn % 3)))
            bend = bend_of(partials)
        except SymgdError:
            continue
        if bend.curvature == "unknown" or not partials.wrt:
            continue
        objective = compile_objective(partials, {}, backend="numpy")
        proved += 1
        for size in (0.3, 1.0, 3.0) * 8:
            centre, way = size * points.uniform(-1, 1, (2, objective.layout.size))
            ends = [objective(p)[0] for p in (centre - way, centre, centre + way)]
            if not np.isfinite(ends).all():
                continue
            low, middle, high = ends
            above, slack = middle - (low + high) / 2, 1e-9 * sum(map(abs, ends))
            assert not bend.is_convex or above <= slack, partials.problem.text
            assert not bend.is_concave or above >= -slack, partials.problem.text
            assert bend.sign * middle >= -slack, partials.problem.text
    assert proved > 150
