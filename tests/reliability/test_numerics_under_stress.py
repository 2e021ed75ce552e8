"""Named functions near their bad points, odd columns, few and many rows, in both backends.

The references are mpmath at 700 digits (derivatives by a difference quotient there), least
squares by NumPy, and arithmetic by hand.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import symgd
from symgd.compile.objective import compile_objective
from symgd.derive.partials import derive
from symgd.errors import SymgdError
from symgd.formula.problem import read

BACKENDS = ("numpy", "native")
SCALES = (1e-300, 1e-160, 1e-9, 1e-4, 1.0, 30.0, 300.0, 700.0)
SOFTPLUS: Callable[[Any], Any] = lambda x: mp.log(1 + mp.exp(x))  # noqa: E731
SIGMOID: Callable[[Any], Any] = lambda x: 1 / (1 + mp.exp(-x))  # noqa: E731
SMOOTH: dict[str, Callable[[Any], Any]] = {
    "log(1 + exp(x))": SOFTPLUS, "softplus(x)": SOFTPLUS, "logaddexp(x, 0)": SOFTPLUS,
    "-log(sigmoid(-x))": SOFTPLUS, "1/(1 + exp(-x))": SIGMOID, "sigmoid(x)": SIGMOID,
    "exp(x)/(1 + exp(x))": SIGMOID, "tanh(x)": mp.tanh, "atan(x)": mp.atan, "erf(x)": mp.erf,
    "asinh(x)": mp.asinh, "log(cosh(x))": lambda x: mp.log(mp.cosh(x)),
    "x/(1 + abs(x))": lambda x: x / (1 + abs(x)), "hypot(x, 1)": lambda x: mp.sqrt(x * x + 1),
    "log(exp(x) + exp(-x))": lambda x: mp.log(mp.exp(x) + mp.exp(-x)),
}  # fmt: skip
"""Functions whose value and slope are of ordinary size everywhere."""
CANCELLING: dict[str, Callable[[Any], Any]] = {
    "1 - cos(x)": lambda x: 1 - mp.cos(x), "(exp(x) - 1)/x": lambda x: mp.expm1(x) / x,
    "sin(x)/x": lambda x: mp.sin(x) / x, "log(1 + x)": mp.log1p, "exp(x) - 1": mp.expm1,
    "log(1 + x)/x": lambda x: mp.log1p(x) / x, "(1 - cos(x))/x": lambda x: (1 - mp.cos(x)) / x,
}  # fmt: skip
"""Functions that lose their digits near 0 if they are computed as they are written."""


def at_point(text: str, x: float, backend: str) -> tuple[float, float]:
    value, gradient = compile_objective(derive(read(text)), {}, backend=backend)(np.array([x]))
    return value, float(gradient[0])


def exact(function: Callable[[Any], Any], x: float) -> tuple[float, float]:
    """Value and slope with 700 digits."""
    with mp.workdps(700):
        at = mp.mpf(x)
        step = max(abs(at), mp.mpf(10) ** -20) * mp.mpf(10) ** -100
        return float(function(at)), float((function(at + step) - function(at - step)) / (2 * step))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("text", SMOOTH)
def test_functions_at_every_scale(text: str, backend: str) -> None:
    for scale in SCALES:
        for x in (scale, -scale):
            value, slope = at_point(text, x, backend)
            right, steep = exact(SMOOTH[text], x)
            assert value == pytest.approx(right, rel=1e-14, abs=3e-16), (text, x)
            assert slope == pytest.approx(steep, rel=1e-14, abs=3e-16), (text, x)


TAILS: dict[str, Callable[[Any], Any]] = {
    "sigmoid(x)": SIGMOID, "1/(1 + exp(-x))": SIGMOID, "tanh(x)": mp.tanh,
    "1 - sigmoid(x)": lambda x: 1 - SIGMOID(x), "sigmoid(x) - 1": lambda x: SIGMOID(x) - 1,
    "1 - tanh(x)": lambda x: 1 - mp.tanh(x), "tanh(x) - 1": lambda x: mp.tanh(x) - 1,
    "1 + tanh(x)": lambda x: 1 + mp.tanh(x), "tanh(x) + 1": lambda x: 1 + mp.tanh(x),
    "1 - tanh(x)^2": lambda x: 1 - mp.tanh(x) ** 2, "x*sigmoid(x)": lambda x: x * SIGMOID(x),
    "tanh(x)^2 - 1": lambda x: mp.tanh(x) ** 2 - 1, "-sigmoid(x) + 1": lambda x: 1 - SIGMOID(x),
}  # fmt: skip
"""Functions that come close to a constant; what is left of their slope is like exp(-|x|)."""


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("text", TAILS)
def test_slopes_in_the_tails_are_small_and_not_zero(text: str, backend: str) -> None:
    for size in (1e-9, 0.3, 3.0, 20.0, 40.0, 350.0):
        for x in (size, -size):
            value, slope = at_point(text, x, backend)
            right, steep = exact(TAILS[text], x)
            assert value == pytest.approx(right, rel=1e-15, abs=0.0), (text, x)
            assert slope == pytest.approx(steep, rel=1e-15, abs=0.0), (text, x)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("text", ["sigmoid(x)", "tanh(x)"])
def test_a_saturated_slope_ends_at_zero_without_overflow(text: str, backend: str) -> None:
    for x in (800.0, -800.0, 1e308, -1e308):
        assert at_point(text, x, backend)[1] == 0.0


def test_the_text_of_the_slopes_is_that_of_the_textbook() -> None:
    assert "tanh" in str(symgd.gradient("tanh(x)")["x"])
    assert str(symgd.gradient("sigmoid(x)")["x"]) == "sigmoid(x)*(1 - sigmoid(x))"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("text", CANCELLING)
def test_values_keep_their_digits_near_zero(text: str, backend: str) -> None:
    for x in (1e-150, -1e-100, 1e-9, -1e-9, 1e-4, -0.01, 0.5):
        value, _ = at_point(text, x, backend)
        assert value == pytest.approx(exact(CANCELLING[text], x)[0], rel=4e-16), (text, x)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("text", ["1 - cos(x)", "log(1 + x)", "exp(x) - 1"])
def test_slopes_keep_their_digits_near_zero(text: str, backend: str) -> None:
    for x in (1e-150, 1e-9, -1e-9, 1e-4, 0.5):
        _, slope = at_point(text, x, backend)
        assert slope == pytest.approx(exact(CANCELLING[text], x)[1], rel=4e-16), (text, x)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("text", [text for text in CANCELLING if text.endswith("/x")])
def test_slopes_of_quotients_lose_the_digits_of_1_over_x_and_no_more(
    text: str, backend: str
) -> None:
    """A known limit: f'/x - f/x^2 cancels near 0, where only a series would keep the digits."""
    for x in (1e-9, -1e-9, 1e-6, 1e-4, -1e-3, 0.01, 0.5):
        _, slope = at_point(text, x, backend)
        error = abs(slope - exact(CANCELLING[text], x)[1])
        assert error <= 4 * np.finfo(float).eps / abs(x), (text, x)


@pytest.mark.parametrize("backend", BACKENDS)
def test_softmax_and_logsumexp_of_huge_and_equal_entries(backend: str) -> None:
    for w in ([1e4, -1e4, 0.0], [1e300, 1e300, -1e300], [-1e5, -1e5, -1e5], [0.0, 1e-300, 0.0]):
        shapes: dict[str, Any] = {"w": 3}
        theta = np.array(w)
        weights = np.exp(theta - theta.max())
        weights /= weights.sum()
        total = compile_objective(derive(read("logsumexp(w)", shapes=shapes)), {}, backend=backend)
        value, gradient = total(theta)
        assert value == pytest.approx(theta.max() + math.log(np.exp(theta - theta.max()).sum()))
        np.testing.assert_allclose(gradient, weights, rtol=1e-14)
        chosen = compile_objective(
            derive(read("softmax(w)[0]", shapes=shapes)), {}, backend=backend
        )
        assert chosen(theta)[0] == pytest.approx(weights[0], rel=1e-14)
        assert np.isfinite(chosen(theta)[1]).all()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_norms_at_every_scale(backend: str, scale: float) -> None:
    objective = compile_objective(derive(read("norm(v)", shapes={"v": 2})), {}, backend=backend)
    value, gradient = objective(np.array([3.0, -4.0]) * scale)
    assert value == pytest.approx(5 * scale, rel=1e-14)
    np.testing.assert_allclose(gradient, [0.6, -0.8], rtol=1e-14)


LINE = "mean((y - (m*x + b))^2)"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "kind", ["int8", "uint8", "int32", "int64", "uint64", "float16", "float32", "float64"]
)
def test_columns_of_every_kind_are_computed_as_float64(kind: str, backend: str) -> None:
    x = np.array([1, 3, 100 if kind == "int8" else 200, 7]).astype(kind)
    y = np.array([1, 0, 1, 0]).astype(kind)
    objective = compile_objective(derive(read(LINE)), {"x": x, "y": y}, backend=backend)
    value, gradient = objective(np.array([2.0, -1.0]))
    u, v = x.astype(float), y.astype(float)
    residual = v - (2 * u - 1)
    assert value == pytest.approx(np.mean(residual**2), rel=1e-14)
    np.testing.assert_allclose(
        gradient, [-2 * np.mean(residual * u), -2 * np.mean(residual)], rtol=1e-14
    )


def test_no_rows_are_refused_and_one_row_is_not_determined() -> None:
    for empty in ([], np.zeros(0)):
        with pytest.raises(SymgdError, match=r"row|empty"):
            symgd.fit("y ~ m*x + b", {"x": empty, "y": empty})
    one = symgd.fit("y ~ m*x + b", {"x": [2.0], "y": [5.0]})
    assert one.loss == pytest.approx(0, abs=1e-20)
    assert not one.converged or "determine" in str(one.report())


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_cells_that_are_no_numbers_are_named_by_row_and_column(bad: float) -> None:
    data = {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.0, 2.0, bad, 4.0]}
    with pytest.raises(SymgdError, match=r"y.*row 3|row 3.*y"):
        symgd.fit("y ~ m*x + b", data)


@pytest.mark.parametrize(
    ("x2", "free"), [([5.0, 5.0, 5.0, 5.0], {"b", "c"}), ([2.0, 4.0, 6.0, 8.0], {"a", "b"})]
)
def test_constant_and_collinear_columns_are_named(x2: list[float], free: set[str]) -> None:
    data = {"x1": [1.0, 2.0, 3.0, 4.0], "x2": x2, "y": [1.0, 3.0, 2.0, 5.0]}
    found = symgd.fit("y ~ a*x1 + b*x2 + c", data)
    assert any(name in found.message for name in free), found.message
    design = np.column_stack([data["x1"], data["x2"], np.ones(4)])
    best = np.linalg.lstsq(design, np.array(data["y"]), rcond=None)[0]
    at_best = np.mean((np.array(data["y"]) - design @ best) ** 2)
    assert found.loss == pytest.approx(at_best, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-150, 1e-9, 1.0, 1e9, 1e150])
def test_columns_of_every_scale_are_fitted_in_the_units_of_the_user(scale: float) -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0, 5.0]) * scale
    noise = np.array([0.1, -0.2, 0.1, 0.1, -0.1])
    found = symgd.fit("y ~ m*x + b", {"x": x, "y": 3 * x / scale + 7 + noise})
    slope, intercept = np.polyfit(x / scale, 3 * x / scale + 7 + noise, 1)
    assert found.params["m"] * scale == pytest.approx(slope, rel=1e-9)
    assert found.params["b"] == pytest.approx(intercept, rel=1e-9)


@pytest.mark.slow
def test_ten_million_rows() -> None:
    rows = 10_000_000
    x = np.random.default_rng(1).standard_normal(rows)
    y = 3 * x - 2 + np.random.default_rng(2).standard_normal(rows)
    found = symgd.fit("y ~ m*x + b", {"x": x, "y": y})
    dx = x - x.mean()
    slope = (dx @ (y - y.mean())) / (dx @ dx)
    assert found.converged
    assert found.params["m"] == pytest.approx(slope, rel=1e-10)
    assert found.params["b"] == pytest.approx(y.mean() - slope * x.mean(), rel=1e-10)
