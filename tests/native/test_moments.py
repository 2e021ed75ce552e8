"""Sums that leave the loop: the digits of value and gradient against exact arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from symgd.compile.affine import NotAffine
from symgd.compile.moments import MomentRunner, moment_runner
from symgd.compile.native.engine import host
from symgd.compile.native.spread import NotNative
from symgd.compile.objective import Objective, compile_objective
from symgd.derive.partials import derive
from symgd.formula.problem import read

try:
    host()
except NotNative as missing:
    pytest.skip(str(missing), allow_module_level=True)

random = np.random.default_rng(0)


def direct_and_moments(
    formula: str, data: dict[str, Any], **options: Any
) -> tuple[Objective, MomentRunner]:
    columns = {n: ("N", *np.shape(v)[1:]) for n, v in data.items()}
    partials = derive(read(formula, columns=columns, **options))
    objective = compile_objective(partials, data, backend="native")
    runner: Any = objective.runner
    made, _ = moment_runner(runner, objective.layout, objective.data)
    made.compress()
    assert made._run is not made.direct
    return objective, made


def digits(value: float, exact: Fraction, size: float) -> float:
    """How many digits of ``size`` are right."""
    error = abs(Fraction(value) - exact)
    return 17.0 if error == 0 else min(17.0, -math.log10(error / Fraction(size)))


class Line:
    """mean((y - (m*x + b))^2) in exact arithmetic."""

    def __init__(self, x: Any, y: Any) -> None:
        one = 1 << 80
        xs = [int(Fraction(v) * one) for v in x.tolist()]
        ys = [int(Fraction(v) * one) for v in y.tolist()]
        unit = Fraction(1, one)
        self.n = len(xs)
        self.x, self.y = sum(xs) * unit, sum(ys) * unit
        self.xx = sum(a * a for a in xs) * unit**2
        self.xy = sum(a * b for a, b in zip(xs, ys, strict=True)) * unit**2
        self.yy = sum(b * b for b in ys) * unit**2

    def __call__(self, m0: float, b0: float) -> list[Fraction]:
        m, b, n = Fraction(m0), Fraction(b0), self.n
        loss = self.yy + m * m * self.xx + b * b * n
        loss += 2 * (m * b * self.x - m * self.xy - b * self.y)
        slope = -2 * (self.xy - m * self.xx - b * self.x)
        level = -2 * (self.y - m * self.x - b * n)
        return [loss / n, slope / n, level / n]

    def minimum(self) -> tuple[float, float]:
        m = (self.n * self.xy - self.x * self.y) / (self.n * self.xx - self.x * self.x)
        return float(m), float((self.y - m * self.x) / self.n)


@pytest.mark.parametrize("offset", [0.0, 10.0, 1e3, 1e6, 1e8])
@pytest.mark.parametrize("noise", [1.0, 1e-4])
def test_digits_at_an_offset(offset: float, noise: float) -> None:
    """At most one digit fewer than the direct form, or 12; many more at large offsets."""
    n = 5000
    x = random.standard_normal(n) + offset
    y = 2 * x + 1 + noise * random.standard_normal(n)
    objective, moments = direct_and_moments("mean((y - (m*x + b))^2)", {"x": x, "y": y})
    exact = Line(x, y)
    m, b = exact.minimum()
    scale = abs(offset) + 1
    for at in [(0, 0), (2, 1), (2 + 1e-7, 1.5), (m, b), (m + 1 / scale, b), (1.9, -3), (-5, 7)]:
        theta = np.array(at, dtype=float)
        wanted = exact(*theta.tolist())
        value, gradient = objective(theta)
        found = moments(theta)
        # a sum is known to the rounding of its terms: their size is noise, noise*x
        floor = [0.0, noise * scale, noise]
        sizes = [max(abs(float(w)), f) for w, f in zip(wanted, floor, strict=True)]
        for ours, theirs, right, size in zip(
            found.tolist(), [value, *gradient.tolist()], wanted, sizes, strict=True
        ):
            assert digits(ours, right, size) >= min(digits(theirs, right, size) - 1, 12.3)


QUADRATIC = [
    "mean((y - (m*x + b))^2)",
    "sum(x^2*(y - m*x - b)^2)/size(x) + 3*m^2",
    "1/2*mean((a*x^2 + b*x + c - y)^2) + abs(a)",
    "mean((y - a*b*x)^2)",
    "sqrt(mean((y - m*x)^2))",
    "mean((a*exp(x) - y)*(a*sin(x) - y)) - a",
    "sum((y - m*x)^2)/sum((y - b)^2)",
]


@pytest.mark.parametrize("formula", QUADRATIC)
def test_quadratic_losses_agree(formula: str) -> None:
    data = {"x": random.uniform(0, 2, 3000), "y": random.standard_normal(3000)}
    objective, moments = direct_and_moments(formula, data)
    for _ in range(5):
        theta = random.uniform(-1, 1, objective.layout.size)
        value, gradient = objective(theta)
        wanted = np.array([value, *gradient])
        np.testing.assert_allclose(
            moments(theta), wanted, rtol=1e-12, atol=1e-14 * np.max(np.abs(wanted))
        )


@pytest.mark.parametrize("p", [1, 4, 12, 30])
def test_a_matrix_of_columns_with_ridge_and_weights(p: int) -> None:
    n = 2000
    data = {"X": random.standard_normal((n, p)) + 5, "y": random.standard_normal(n),
            "w": random.uniform(0, 1, n)}  # fmt: skip
    formula = "mean(w*(X @ theta - y)^2) + 1/10*norm(theta)^2" if p < 12 else (
        "mean((X @ theta - y)^2) + 1/10*norm(theta)^2")  # fmt: skip
    if p >= 12:
        del data["w"]
    objective, moments = direct_and_moments(formula, data)
    theta = random.standard_normal(p)
    value, gradient = objective(theta)
    wanted = np.array([value, *gradient])
    np.testing.assert_allclose(
        moments(theta), wanted, rtol=1e-11, atol=1e-13 * np.max(np.abs(wanted))
    )


def test_columns_that_depend_on_each_other() -> None:
    x = random.standard_normal(1000)
    data = {"x": x, "z": 2 * x + 1, "y": 3 * x - 1}
    objective, moments = direct_and_moments("mean((y - a*x - b*z - c)^2)", data)
    for theta in (np.array([1.0, 1.0, -2.0]), np.array([0.5, 0.1, 0.2]), np.zeros(3)):
        value, gradient = objective(theta)
        np.testing.assert_allclose(moments(theta), [value, *gradient], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        ("mean(exp(a*x) - y*a*x)", "quadratic"),
        ("mean(log(1 + exp(-y*(m*x + b))))", "quadratic"),
        ("mean((y - m*x)^4)", "quadratic"),
        ("mean(abs(y - m*x))", "quadratic"),
        ("max(y - m*x)", "plain sums"),
    ],
)
def test_it_declines(formula: str, reason: str) -> None:
    data = {"x": random.uniform(0, 1, 300_000), "y": random.uniform(0, 1, 300_000)}
    objective = compile_objective(derive(read(formula)), data)
    assert "no moments" in objective.backend
    assert reason in objective.backend


def test_data_that_are_not_finite_are_left_to_the_direct_form() -> None:
    x = random.uniform(0, 1, 300_000)
    x[5] = math.inf
    objective = compile_objective(derive(read("mean((y - m*x)^2)")), {"x": x, "y": x})
    runner: Any = objective.runner
    assert runner.compress() is runner.direct


def test_it_is_said_and_can_be_turned_off() -> None:
    data = {"x": random.uniform(0, 1, 300_000), "y": random.uniform(0, 1, 300_000)}
    partials = derive(read("mean((y - (m*x + b))^2)"))
    objective = compile_objective(partials, data)
    assert objective.backend.startswith("moments: 3 sums over 300,000 rows")
    theta = np.array([0.1, 0.2])
    values = {objective(theta)[0] for _ in range(50)}
    assert max(values) - min(values) <= 4 * math.ulp(max(values))
    assert isinstance(objective.runner, MomentRunner)
    for backend in ("native", "numpy"):
        assert "moments" not in compile_objective(partials, data, backend=backend).backend


def test_what_is_not_affine_says_so() -> None:
    with pytest.raises(NotAffine):
        direct_and_moments("mean(exp(a*x))", {"x": random.uniform(0, 1, 100)})
