"""Compiled NumPy against many-digit evaluation: every operation, the extremes, the shapes."""

from __future__ import annotations

import json
import linecache
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings

from symgd.compile.exact import evaluate
from symgd.compile.objective import Compiled, Objective, as_floats, bind_data, compile_objective
from symgd.derive.partials import derive
from symgd.errors import FormulaError, NameProblem, OptionError, ShapeProblem
from symgd.formula.functions import ELEMENTWISE_1, ELEMENTWISE_2
from symgd.formula.problem import read
from tests.strategies import ARRAYS, SCALARS, SIZES, array_formulas, scalar_formulas

DOMAINS = {
    "log": (1e-3, 50), "log2": (1e-3, 50), "log10": (1e-3, 50), "sqrt": (0, 90),
    "log1p": (-0.99, 40),
    "asin": (-1, 1), "acos": (-1, 1), "atanh": (-0.99, 0.99), "acosh": (1.01, 40),
    "gamma": (0.1, 20), "loggamma": (0.1, 90), "digamma": (2, 20), "trigamma": (0.2, 20),
    "coth": (0.1, 9), "csch": (0.1, 9), "cot": (0.2, 2.9), "csc": (0.2, 2.9),
}  # fmt: skip
# Libraries differ by more than a few units in the last place only where named here.
ULPS = {"gamma": 64, "loggamma": 64, "digamma": 64, "trigamma": 64, "erfc": 64}


def exactly(value: float) -> Fraction:
    """The number that a float is."""
    return Fraction(float(value))


def ulps(found: float, expected: Any) -> float:
    """How many units in the last place lie between a float and the true value."""
    target = float(expected)
    if target == found:
        return 0.0
    unit = float(np.spacing(abs(target))) or 5e-324
    with mpmath.mp.workdps(40):
        return abs(float((mpmath.mpf(float(found)) - expected) / unit))


def at_points(text: str, points: list[dict[str, float]], limit: float) -> None:
    problem = read(text, shapes=dict.fromkeys(points[0], ()))
    run = Compiled([problem.root]).run
    for point in points:
        (expected,) = evaluate([problem.root], {n: exactly(v) for n, v in point.items()}, {}, 40)
        (found,) = run({n: np.float64(v) for n, v in point.items()}, {})
        assert ulps(float(found), expected) <= limit, (text, point, found, expected)


@pytest.mark.parametrize("op", ELEMENTWISE_1)
def test_functions_of_one_number(op: str) -> None:
    draw = np.random.default_rng(7)
    low, high = DOMAINS.get(op, (-8, 8))
    points = [{"x": float(v)} for v in draw.uniform(low, high, 25)]
    at_points(f"{op}(x)", points, ULPS.get(op, 4))


@pytest.mark.parametrize("op", ELEMENTWISE_2)
def test_functions_of_two_numbers(op: str) -> None:
    draw = np.random.default_rng(8)
    points = [{"x": float(u), "y": float(v)} for u, v in draw.uniform(-9, 9, (25, 2))]
    at_points(f"{op}(x, y)", points, 4)


@pytest.mark.parametrize(
    "text",
    ["x + y", "x - y", "x*y", "x/y", "-x", "x^2", "x^3", "x^4", "x^-1", "x^-2", "x^5", "x^-3",
     "|x|^y", "|x|^0.5", "2^x", "|x|^(1/3)", "where(x < y, x, y)", "where(x >= y and x > 0, x, y)",
     "where(not (x == y) or x != y, x*y, 0)", "x*(x <= y)", "e^x", "pi*x", "x/3 + 0.1"],
)  # fmt: skip
def test_arithmetic(text: str) -> None:
    draw = np.random.default_rng(9)
    points = [{"x": float(u), "y": float(v)} for u, v in draw.uniform(-6, 6, (25, 2))]
    at_points(text, points if "y" in text else [{"x": p["x"]} for p in points], 4)


REDUCTIONS = ["sum", "mean", "prod", "max", "min", "logsumexp", "norm", "norm1", "var", "std"]
OF_MATRICES = [
    "A @ x", "y @ A", "A @ A.T", "outer(x, y)", "A.T", "diag(x)", "diag(S)", "softmax(A)",
    "softmax(A, axis=0)", "A[1:, 0]", "A[:, None, 1]", "A[::2]", "scatter(x, ones(3, 2)[1])",
    "x*ones(3, 2)", "inv(S)", "solve(S, x)", "prodrest(x)", "prodrest(A, axis=1)",
    "A*x + y[:, None]",
    "where(A > x, A, 0)", "sum(A, axis=0, keepdims=True)", "max(A, x)", "A^x", "x^3/2", "trace(S)",
    "det(S)", "logdet(S)", "full_like(A, 2)*A",
]  # fmt: skip
AXES = ["", ", axis=0", ", axis=1", ", axis=-1, keepdims=True"]
REDUCED = [f"{op}(A{axes})" for op in REDUCTIONS for axes in AXES]


@pytest.mark.parametrize("text", OF_MATRICES + REDUCED)
def test_operations_on_arrays(text: str) -> None:
    draw = np.random.default_rng(10)
    values = {
        "A": draw.uniform(0.2, 3, (3, 2)), "x": draw.uniform(0.2, 3, 2),
        "y": draw.uniform(-3, 3, 3),
        "S": draw.uniform(0, 1, (2, 2)) + 2 * np.eye(2),
    }  # fmt: skip
    problem = read(text, shapes={name: array.shape for name, array in values.items()})
    (expected,) = evaluate([problem.root], {n: v.tolist() for n, v in values.items()}, {}, 40)
    (found,) = Compiled([problem.root]).run(values, {})
    expected = np.asarray(expected, dtype=float)
    assert np.shape(found) == expected.shape == problem.root.shape
    np.testing.assert_allclose(np.asarray(found), expected, rtol=2e-14, atol=1e-15)


@settings(derandomize=True, max_examples=120, deadline=None)
@given(scalar_formulas())
def test_random_formulas_of_numbers(text: str) -> None:
    try:
        problem = read(text, shapes=dict.fromkeys(SCALARS, ()))
        values = {"a": Fraction(3, 4), "b": Fraction(5, 4), "theta0": Fraction(13, 8)}
        (expected,) = evaluate([problem.root], values, {}, 40)
    except (FormulaError, ValueError, ZeroDivisionError, OverflowError):
        assume(False)
    assume(abs(expected) < 1e250)
    (found,) = Compiled([problem.root]).run({n: np.float64(v) for n, v in values.items()}, {})
    scale = max(1.0, abs(float(expected)))
    assert abs(float(found) - float(expected)) <= 1e-10 * scale or scale > 1e15


@settings(derandomize=True, max_examples=60, deadline=None)
@given(array_formulas())
def test_random_formulas_of_arrays(text: str) -> None:
    draw = np.random.default_rng(11)
    shapes: dict[str, Any] = {**ARRAYS, **dict.fromkeys(SCALARS, ())}
    partials = derive(read(text, shapes=shapes))
    values: dict[str, Any] = {"a": np.float64(0.75), "b": np.float64(0.5), "theta0": np.float64(2)}
    for name, shape in ARRAYS.items():
        values[name] = draw.uniform(0.3, 1.2, [SIZES[s] for s in shape.split(",")])
    nodes = [partials.loss, *partials.raw.values()]
    listed = {n: np.asarray(v).tolist() for n, v in values.items()}
    expected = evaluate(nodes, listed, SIZES, 40)
    for mine, theirs in zip(Compiled(nodes).run(values, SIZES), expected, strict=True):
        theirs = np.asarray(theirs, dtype=float)
        scale = max(1.0, float(np.max(np.abs(theirs), initial=0)))
        np.testing.assert_allclose(np.asarray(mine, float), theirs, rtol=1e-9, atol=1e-11 * scale)


# -- extremes --------------------------------------------------------------------------------------

EXTREMES = [
    ("log(1 + exp(x))", 1000, 1000, 1), ("log(1 + exp(x))", -1000, 0, 0),
    ("log(1 + exp(-x))", -1000, 1000, -1), ("1/(1 + exp(-x))", -1000, 0, 0),
    ("1/(1 + exp(-x))", 1000, 1, 0), ("sigmoid(x)", -800, 0, 0), ("log(sigmoid(x))", -1e4, -1e4, 1),
    ("log(1 - sigmoid(x))", 1e4, -1e4, -1), ("exp(x)/(1 + exp(x))", 1e5, 1, 0),
    ("log(exp(x) + exp(2*x))", 600, 1200, 2), ("logaddexp(x, 3)", 1e5, 1e5, 1),
    ("hypot(x, 3)", 1e200, 1e200, 1), ("tanh(x)", 1e5, 1, 0), ("max(x, 0)", 1e300, 1e300, 1),
    ("|x|", -1e308, 1e308, -1), ("sqrt(x)", 1e300, 1e150, 0.5e-150), ("softplus(x)", -745, 0, 0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "at", "value", "slope"), EXTREMES)
def test_extremes_are_finite(text: str, at: float, value: float, slope: float) -> None:
    objective = compile_objective(derive(read(text)), {})
    found, gradient = objective(np.array([float(at)]))
    assert found == pytest.approx(value, rel=1e-12, abs=1e-300)
    assert gradient[0] == pytest.approx(slope, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("log(sum(exp(w)))", [1, 0, 0]),
        ("logsumexp(w)", [1, 0, 0]),
        ("-log(softmax(w))[1]", [1, -1, 0]),
        ("sum(softmax(w)*c)", [0, 0, 0]),
        ("norm(1e195*w)/1e195", [1, -1, 0]),
    ],
)
def test_extremes_of_vectors_are_finite(text: str, slope: list[float]) -> None:
    data = {"c": np.array([1.0, 2.0, 3.0])} if "c" in text else {}
    problem = read(text, shapes={"w": 3, "c": 3}, wrt="w")
    value, gradient = compile_objective(derive(problem), data)(np.array([1e4, -1e4, 0]))
    assert np.isfinite(value)
    if "norm" in text:
        slope = [s / np.sqrt(2) for s in slope]
    np.testing.assert_allclose(gradient, slope, atol=1e-12)


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("exp(x) - 1", 1e-12, 1.0000000000005e-12), ("1 - cos(x)", 1e-9, 5e-19),
        ("log(1 + x)", 1e-15, 1e-15), ("(exp(x) - 1)/x", 1e-9, 1.0000000005),
        ("1 - exp(-x)", 1e-13, 1e-13), ("cos(x) - 1", 1e-8, -5e-17),
    ],
)  # fmt: skip
def test_cancellation_is_taken_out(text: str, at: float, expected: float) -> None:
    (found,) = Compiled([read(text).root]).run({"x": np.float64(at)}, {})
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "text", ["1/x", "log(x)", "x^-2", "exp(1000 + x)*x", "sqrt(x - 1)", "x^0.5/x", "atan2(x, x)",
             "0^x/x", "gamma(x)", "exp(exp(x + 10))"]
)  # fmt: skip
def test_scalars_outside_their_domain_are_inf_or_nan(text: str) -> None:
    objective = compile_objective(derive(read(text)), {})
    value, gradient = objective(np.array([0.0]))
    assert isinstance(value, float)
    assert gradient.dtype == np.float64


# -- what goes in and comes out --------------------------------------------------------------------


def test_constant_gradients_are_broadcast() -> None:
    partials = derive(read("sum(y - a) + sum(w)", shapes={"w": 3}, wrt="a,w"))
    value, gradient = compile_objective(partials, {"y": np.arange(5)})(np.array([1.0, 2, 3, 4]))
    assert value == 10 - 5 + 9
    np.testing.assert_array_equal(gradient, [-5, 1, 1, 1])


@pytest.mark.parametrize("kind", ["int8", "uint8", "int64", "float32"])
def test_numbers_of_every_kind_become_float64(kind: str) -> None:
    objective = compile_objective(derive(read("mean((y - a*x)^2)")), {
        "x": np.array([1, 100, 3], dtype=kind), "y": np.array([2, 0, 200], dtype="uint8"),
    })  # fmt: skip
    value, _ = objective(np.array([2.0]))
    assert value == pytest.approx((0 + 200.0**2 + 194.0**2) / 3)


@pytest.mark.parametrize(
    "column", [np.array([True, False]), np.array([1j, 2]), np.array(["a", "b"]), [[1], [2, 3]],
               np.array([None, 1]), np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[D]")]
)  # fmt: skip
def test_what_is_not_a_real_number_is_refused_by_name(column: Any) -> None:
    with pytest.raises(OptionError, match="height"):
        as_floats(column, "height")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"X": np.ones((4, 2)), "y": np.ones(3)}, ["(3,)", "N = 4"]),
        ({"X": np.ones(4), "y": np.ones(4)}, ["(4,)", "(N, p)"]),
        ({"X": np.ones((4, 2)), "y": np.ones((4, 1))}, ["(4, 1)", "(N,)"]),
    ],
)
def test_a_shape_mismatch_names_both_shapes(data: dict[str, Any], said: list[str]) -> None:
    with pytest.raises(ShapeProblem) as caught:
        bind_data(derive(read("mean((X @ w - y)^2)")), data)
    assert all(shape in str(caught.value) for shape in said)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(OptionError, match="column y"):
        bind_data(derive(read("mean((y - a*x)^2)")), {"x": [1.0]})


def test_the_loss_on_some_rows_is_the_loss_of_those_rows() -> None:
    draw = np.random.default_rng(3)
    data = {"X": draw.normal(size=(20, 2)), "y": draw.normal(size=20), "s": 3.0}
    problem = read("s*mean((X @ w - y)^2) + 1/N*sum(|y|)", shapes={"s": ()}, wrt="w")
    whole = compile_objective(derive(problem), data)
    rows, theta = np.array([3, 3, 17, 0]), np.array([0.5, -1])
    part = whole.at_rows(rows)
    again = compile_objective(derive(problem), {"X": data["X"][rows], "y": data["y"][rows], "s": 3})
    assert part(theta)[0] == again(theta)[0]
    np.testing.assert_array_equal(part(theta)[1], again(theta)[1])
    assert (part.n_rows, whole.n_rows) == (4, 20)


def test_rows_that_a_parameter_has_cannot_be_taken() -> None:
    objective = compile_objective(derive(read("sum((y - x)^2)", wrt="x")), {"y": np.ones(4)})
    with pytest.raises(OptionError):
        objective.at_rows(np.array([0]))


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("a^2*b^3 + exp(a*b) - sin(b)/a", {}),
        ("sum(log(1 + exp(A @ w))) + w @ w*c", {"A": (4, 2), "w": 2, "c": ()}),
        ("norm(W @ v)^2 + sum(tanh(W))", {"W": (2, 3), "v": 3}),
        ("logdet(W.T @ W) + trace(W)", {"W": (2, 2)}),
    ],
)
def test_the_hessian_is_the_jacobian_of_the_gradient(text: str, shapes: dict[str, Any]) -> None:
    data = {"A": np.linspace(-1, 2, 8).reshape(4, 2)} if "A" in shapes else {}
    problem = read(text, shapes=shapes, columns=list(data) or None)
    objective: Objective = compile_objective(derive(problem), data)
    theta = np.linspace(0.4, 1.3, len(objective.names)) ** 2
    hessian = objective.hessian(theta)
    for j in range(theta.size):
        step = np.zeros_like(theta)
        step[j] = 1e-5
        slope = (objective(theta + step)[1] - objective(theta - step)[1]) / 2e-5
        np.testing.assert_allclose(hessian[j], slope, rtol=2e-7, atol=1e-8)
    np.testing.assert_array_equal(hessian, hessian.T)


# -- no text of the user becomes code --------------------------------------------------------------


def test_no_user_text_reaches_the_generated_source() -> None:
    problem = read(
        "sum(import_me*unusual_column) + secret_name^2 + learning_rate",
        columns=["import_me", "unusual_column"],
    )
    partials = derive(problem)
    compiled = Compiled([partials.loss, *partials.raw.values()])
    before = set(linecache.cache)
    values: dict[str, Any] = dict.fromkeys(compiled.symbols, np.float64(1))
    values |= {"import_me": np.ones(2), "unusual_column": np.ones(2)}
    compiled.function(*[values[name] for name in compiled.symbols])
    made = set(linecache.cache) - before
    source = "".join("".join(linecache.getlines(name)) for name in made)
    assert "_v0" in source
    for word in ("import_me", "unusual_column", "secret_name", "learning_rate"):
        assert word not in source


@pytest.mark.parametrize(
    "name", ["__import__('os').system('echo PWNED')", "x;y", "x y", "a.b", "os.system", "x__y",
             "_x", "1x", "", "x'", "λ()", "class x"]
)  # fmt: skip
def test_hostile_names_cannot_be_declared(name: str) -> None:
    for options in ({"wrt": [name]}, {"columns": [name]}, {"shapes": {name: 1}},
                    {"constants": {name: 1}}):  # fmt: skip
        with pytest.raises(NameProblem):
            read("x^2", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["exp", "sin", "array", "select", "numpy", "sqrt", "lambda", "If"])
def test_names_of_functions_are_harmless_as_columns(name: str) -> None:
    problem = read(f"mean({name}^2*a)", columns=[name])
    objective = compile_objective(derive(problem), {name: np.array([1.0, 3.0])})
    assert objective(np.array([2.0])) == (10.0, pytest.approx([5.0]))


def test_what_comes_out_is_plain_data() -> None:
    value, gradient = compile_objective(derive(read("x^2*y")), {})(np.array([3.0, 2.0]))
    assert json.dumps([value, gradient.tolist()]) == "[18.0, [12.0, 9.0]]"
