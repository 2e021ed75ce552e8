"""What the data leave open: free directions, columns worth standardising, noise, nan."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symgd
from symgd.compile.objective import Objective, compile_objective
from symgd.compile.structure import structure_of
from symgd.derive.partials import derive
from symgd.diagnose import cause, curvature, free_directions, noise_floor, standardised
from symgd.formula.problem import read

RANDOM = np.random.default_rng(7)
N = 40
X = RANDOM.normal(size=N)
DATA: dict[str, Any] = {
    "x": X, "y": RANDOM.normal(size=N), "z": RANDOM.normal(size=N), "one": np.ones(N),
    "line": 3 * X + 2, "year": np.linspace(1950, 2020, N), "X": RANDOM.normal(size=(N, 3)),
}  # fmt: skip


def objective_of(formula: str, **data: Any) -> Objective:
    words = "".join(c if c.isalnum() else " " for c in formula).split()
    known = {**DATA, **data}
    columns = {n: ("N", 3) if n == "X" else ("N",) for n in known if n in words}
    shapes = {"v": "3"} if "v" in words else None
    problem = read(formula, columns=columns or None, shapes=shapes)
    return compile_objective(derive(problem), {n: known[n] for n in columns})


def free(formula: str) -> list[str]:
    objective = objective_of(formula)
    return [str(f) for f in free_directions(objective, np.full(objective.layout.size, 0.3))]


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("mean((y - (a + b)*x)^2)", ["only a + b matters: the direction (a, b) = (1, -1) is free"]),
        ("mean((y - (a - b)*x)^2)", ["only a - b matters"]),
        ("mean((y - (2*a + 3*b)*x)^2)", ["only 2/3*a + b matters"]),
        ("mean((y - a*b*x)^2)", ["only a*b matters: the direction (a, b) = (a, -b) is free"]),
        ("mean((y - a/b*x)^2)", ["only a/b matters"]),
        ("mean((y - a^2*b*x)^2)", ["only a^2*b matters"]),
        ("mean((y - (m*x + b + one*q))^2)", ["only b + q matters"]),
        ("mean((y - (m*x + b + line*q))^2)", ["(m, b, q) = (1, 2/3, -1/3) is free"]),
        ("mean((y - (a + b + c)*x)^2)", ["only a + c matters", "only b + c matters"]),
        ("mean((y - (m*x + 0*q))^2)", ["q does not matter"]),
        ("mean((y - (a*exp(-k*(x - s)) + d))^2)", ["(a, s) ="]),
        ("mean(exp(m*x + b + q) - y*(m*x + b + q))", ["only b + q matters"]),
        ("mean((y - exp(a)*b*x)^2)", ["only exp(a)*b matters: the direction (a, b) = (-1, b)"]),
        ("mean((y - b*exp(2 - 3*a)*x)^2)", ["only exp(-3*a)*b matters"]),
        ("mean((y - exp(a + c)*b*x)^2)", ["only a + c matters", "only exp(c)*b matters"]),
        ("mean((y - (a + b)*(c + d)*x)^2)",
         ["only a + b matters", "only c + d matters", "(a, b, c, d) = (a, b, -c, -d)"]),
        ("(a + b - 3)^2 + c^2", ["only a + b matters"]),
        ("(a - b)^2 + (b - c)^4", ["(a, b, c) = (1, 1, 1) is free"]),
    ],
)
def test_free_directions_are_named(formula: str, said: list[str]) -> None:
    found = free(formula)
    assert len(found) == len(said)
    for line, part in zip(found, said, strict=True):
        assert part in line


@pytest.mark.parametrize(
    "formula",
    ["mean((y - (m*x + b))^2)", "mean((y - (m*year + b))^2)", "mean((y - X @ v)^2)",
     "mean((y - (c0 + c1*year + c2*year^2 + c3*year^3))^2)", "(a + b)^2 + (a - b)^2",
     "mean((y - a*exp(-k*x))^2)", "mean((y - (a + b)*x)^2) + 0.01*(a^2 + b^2)",
     "mean((y - a*sin(w*x + f))^2)", "x1^2 + 1e-6*x2^2"],
)  # fmt: skip
def test_what_is_determined_is_not_called_free(formula: str) -> None:
    assert free(formula) == []


def test_a_free_direction_leaves_the_loss_as_it_is() -> None:
    objective = objective_of("mean((y - (m*x + b + line*q))^2)")
    (found,) = free_directions(objective, np.zeros(3))
    for size in (0.1, 1, 30):
        theta = np.array([0.3, -1.0, 2.0])
        moved = theta + size * found.direction
        assert objective(moved)[0] == pytest.approx(objective(theta)[0], rel=1e-11)


# -- standardising --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("mean((y - (m*x + b))^2)", "x standardised"),
        ("mean((y - m*x)^2)", "x scaled"),
        ("mean((y - (a + b*x + c*year))^2)", "x, year standardised"),
        ("mean((y - (a*x + c*year))^2)", "x, year scaled"),
        ("sum(w*(y - (m*year + b))^2)", "year standardised"),
        ("mean((y - X @ v)^2)", "X scaled"),
    ],
)
def test_standardising_gives_the_condition_that_is_told(formula: str, words: str) -> None:
    weights = np.random.default_rng(1).uniform(0.5, 1.5, N)
    objective = objective_of(formula, w=weights)
    theta = np.zeros(objective.layout.size)
    found = standardised(objective, structure_of(objective.partials), theta)
    assert found is not None
    assert words in found.words
    data = dict(objective.data)
    for name in found.columns:
        column = np.asarray(data[name])
        middle = column.mean(axis=0) if found.centred else 0.0
        data[name] = (column - middle) / np.sqrt(((column - middle) ** 2).mean(axis=0))
    again = compile_objective(objective.partials, data, {"v": (3,)} if "v" in formula else None)
    values = np.linalg.eigvalsh(again.hessian(theta))
    assert found.curvature.condition == pytest.approx(values[-1] / values[0], rel=1e-9)


def test_a_line_through_ten_points_becomes_round() -> None:
    x = np.linspace(0, 10, 50)
    told = symgd.explain("mean((y - (m*x + b))^2)", {"x": x, "y": 2 * x + 1})
    assert told.condition == pytest.approx(136.6, rel=1e-3)
    assert told.standardised is not None
    assert told.standardised.curvature.condition == pytest.approx(1.0)
    assert symgd.explain("mean((y - a*exp(-k*x))^2)", {"x": x, "y": x}).standardised is None


# -- noise ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("formula", ["mean((y - (m*x + b))^2)", "sum((y - (m*x + b))^2)"])
def test_the_noise_floor_is_what_a_long_run_shows(formula: str) -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=200) + 1
    y = 2 * x + 1 + 0.5 * random.normal(size=200)
    objective = objective_of(formula, x=x, y=y)
    rate = 0.05 if formula.startswith("mean") else 0.05 / 8
    theta = symgd.minimize(formula, data={"x": x, "y": y}).theta
    floor = noise_floor(objective, theta, curvature(objective, theta), rate, 8)
    assert floor is not None
    run = symgd.descend(
        objective, theta + 0.5, rate=rate, batch=8, replace=True, seed=3, steps=12_000,
        precision=None,
    )  # fmt: skip
    spread = run.history.theta[2000:] - theta
    np.testing.assert_allclose(np.sqrt((spread**2).mean(axis=0)), floor.rms, rtol=0.15)
    losses = [objective(p)[0] for p in run.history.theta[2000::50]]
    assert np.mean(losses) - objective(theta)[0] == pytest.approx(floor.excess, rel=0.3)
    decayed = symgd.minimize(
        formula, data={"x": x, "y": y}, start=objective.unpack(theta + 0.5), schedule=floor.decay,
        batch=8, seed=3, steps=15_000, precision=None,
    )  # fmt: skip
    assert np.abs(decayed.theta - theta).max() < floor.rms.min() / 4


def test_a_rate_that_batches_cannot_stand_has_no_floor() -> None:
    told = symgd.explain("mean((y - (m*x + b))^2)", DATA, rate=5.0, batch=4)
    assert told.noise is not None
    assert told.noise.excess == np.inf
    assert "not stable" in str(told)


# -- nan ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "theta", "said"),
    [
        ("mean((y - log(m*x))^2)", [1.0], "log(m*x) is not a number in row"),
        ("(p - 1)^2 + 1/q", [1.0, 0.0], "1/q is infinite: q = 0 there"),
        ("mean((y - m*sqrt(x - c))^2)", [1.0, 9.0], "sqrt(x - c) is not a number in row 1 and"),
        ("exp(p)^2", [800.0], "exp(p) is infinite: p = 800 there"),
        ("sqrt(p) + p", [0.0], "the gradient: "),
        ("where(p > 0, log(p), p)", [-1.0], ""),
        ("p^2", [3.0], ""),
    ],
)
def test_the_part_that_makes_a_nan_is_named(formula: str, theta: list[float], said: str) -> None:
    found = cause(objective_of(formula), np.array(theta))
    assert found.startswith(said) if said else found == ""


def test_the_row_is_the_row() -> None:
    x = np.ones(9)
    x[4] = -2.0
    found = cause(objective_of("mean((y - log(m*x))^2)", x=x, y=np.ones(9)), np.array([2.0]))
    assert found == "log(m*x) is not a number in row 5: m*x = -4 there"
