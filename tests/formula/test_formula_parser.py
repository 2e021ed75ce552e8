"""How formulas are read: products, powers, names, forms, and the order of operations."""

# ruff: noqa: RUF001
from __future__ import annotations

import pytest

from symgd.derive.expand import without_derivatives
from symgd.formula.functions import words
from symgd.formula.problem import Problem, read
from symgd.formula.text import to_text


def shown(text: str, **options: object) -> str:
    """The formula as it was read, with its derivative operators carried out."""
    return to_text(without_derivatives(read(text, **options).root))  # type: ignore[arg-type]


READINGS = {
    # implicit products
    "2x": "2*x", "4.5x": "4.5*x", "3 x y": "3*x*y", "2(x+1)": "2*(x + 1)", "x(x+1)": "x*(x + 1)",
    "(a)(b)": "a*b", "2(x+1)(x-1)": "2*(x + 1)*(x - 1)", "x(y)": "x*y", "f(x)": "f*x",
    "x^2y": "x^2*y", "1e-3x": "0.001*x", "3x3": "3*x3", "2|x|": "2*abs(x)", "√2x": "sqrt(2)*x",
    "theta0 x": "theta0*x", "learning_rate*x": "learning_rate*x", "x y^2 z": "x*y^2*z",
    "2^3x": "2^3*x", "x(y+1)^2": "x*(y + 1)^2", "1/2*x": "1/2*x", "lambda x": "lambda*x",
    # order of operations
    "2^3^2": "2^(3^2)", "-x^2": "-x^2", "-2^2": "-2^2", "2^-x": "2^(-x)", "2^-x^2": "2^(-x^2)",
    "a/b/c": "a/b/c", "a/b*c": "a/b*c", "a - b - c": "a - b - c", "a - (b - c)": "a - (b - c)",
    "a*-b": "a*(-b)", "a--b": "a - (-b)", "--x": "-(-x)", "+x": "x", "a^b^c": "a^(b^c)",
    "(a^b)^c": "(a^b)^c", "-x/y": "-x/y", "(-x)^2": "(-x)^2", "2**3": "2^3",
    "-a if b > 0 else c": "where(b > 0, -a, c)", "(x)": "x", "[x + 1] y": "(x + 1)*y",
    # Unicode
    "θ − λ": "θ - λ", "x²y": "x^2*y", "x⁻¹": "x^(-1)", "x₁": "x_1", "a·b×c": "a*b*c", "2²": "2^2",
    "√x + 1": "sqrt(x) + 1", "√(x+1)y": "sqrt(x + 1)*y", "π": "pi", "where(x ≤ 1, 1, 0)":
    "where(x <= 1, 1, 0)", "∑ᵢ xᵢ²": "sum(x^2)", "∑_i x_i": "sum(x)", "∏_i x_i": "prod(x)",
    "x÷y": "x/y", "µ": "μ",
    # bars and norms
    "|x|^2": "abs(x)^2", "|x| |y|": "abs(x)*abs(y)", "|x - |y||": "abs(x - abs(y))",
    "||x - y||^2": "norm(x - y)^2", "||x||_1": "norm1(x)", "‖x‖_2^2": "norm(x)^2",
    # functions with and without brackets
    "ln x": "log(x)", "sin^2 x": "sin(x)^2", "sin^2(x) cos x": "sin(x)^2*cos(x)",
    "sin 2x cos 3y": "sin(2*x)*cos(3*y)", "sin x^2": "sin(x^2)", "sqrt 2": "sqrt(2)",
    "arcsin(x)": "asin(x)", "log10(x)": "log10(x)", "log_2(x)": "log2(x)",
    "log(x, 3)": "log(x)/log(3)", "log(8, 2)": "log2(8)", "exp2(x)": "2^x",
    "expit(x)": "sigmoid(x)",
    "lgamma(x)": "loggamma(x)", "pow(x, 3)": "x^3", "square(x)": "x^2", "reciprocal(x)": "1/x",
    "relu(x)": "max(0, x)", "clip(x, 0, 1)": "min(max(x, 0), 1)", "max(x, 0)": "max(x, 0)",
    "max(x, 0, y)": "max(max(x, 0), y)", "maximum(a, b)": "max(a, b)", "max(x)": "max(x)",
    "norm(x, 1)": "norm1(x)", "norm(x, 2)": "norm(x)", "polygamma(1, x)": "trigamma(x)",
    # conditions
    "where(x>0, where(x>1, 1, x), 0)": "where(x > 0, where(x > 1, 1, x), 0)",
    "x if x>0 else -x": "where(x > 0, x, -x)",
    "where(a < b < c, 1, x)": "where(a < b and b < c, 1, x)",
    "where(a<b & ~(c>d), 1, x)": "where(a < b and not c > d, 1, x)",
    "where(a<b and not c>d or a>f, 1, x)": "where(a < b and not c > d or a > f, 1, x)",
    "(x > 0)*x": "where(x > 0, 1, 0)*x", "y + (x > 0)": "y + where(x > 0, 1, 0)",
    "sum(x > 0)/N": "sum(where(x > 0, 1, 0))/N",
    # derivatives
    "d/dx x^2": "2*x", "d/dx d/dx x^3": "6*x", "d^2/dx^2 x^3": "6*x", "3 d/dx x^2": "3*(2*x)",
    "d/dx (x*d/dx x^3)": "9*x^2", "d/dx (x^2) (y+1)": "2*x*(y + 1)", "d/dx x^2 * y": "2*x*y",
    "∂/∂x (x^2 + y)": "2*x", "d^2/dxdy (x^2 y^2)": "4*x*y", "d/dm mean((y - m*x)^2)":
    "-2/N*sum(x*(y - m*x))", "d/dx": "d/dx", "d/e": "d/e", "d*x": "d*x",
    # big operators and indices
    "sum_i x_i y_i": "sum(x*y)", "1/N sum_i (y_i - (m x_i + b))^2": "1/N*sum((y - (m*x + b))^2)",
    "sum(x_i*y_i, i=1..N)": "sum(x*y)", "sum(x[i], i=1..N)": "sum(x)", "prod_i (1 + x_i)":
    "prod(1 + x)", "sum_i sum_j A_ij x_i y_j": "sum(sum(A*x[:, None]*y[None, :], axis=1))",
    "sum_ij A_ij": "sum(sum(A, axis=1))", "sum_i x_i^T w": "sum(x @ w)",
    "sum_i x_i^T A x_i": "sum(sum(x @ A*x, axis=-1))", "sum_i x_i + c": "sum(x) + c",
    "1/N sum_i log(1 + exp(-s_i x_i^T w))": "1/N*sum(log(1 + exp(-s*(x @ w))))",
    "mean((y_i - m*x_i)^2)": "mean((y - m*x)^2)", "k*sum_k x_k": "k*sum(x)",
    "i*sum_i x_i": "i*sum(x)", "sum(i*x, i=1..3)": "1*x + 2*x + 3*x",
    "sum(a_i, i=1..3)": "a_1 + a_2 + a_3", "prod(i, i=2..4)": "2*3*4", "mean(i*x, i=1..2)":
    "(1*x + 2*x)/2",
    "sum_i sum_j (x_i - y_j)^2": "sum(sum((x[:, None] - y[None, :])^2, axis=1))",
    "sum_i (x_i - 1/N sum_j x_j)^2": "sum((x - 1/N*sum(x))^2)",
    # matrices
    "x.T @ A @ x": "x @ A @ x", "x^T A x": "x @ A @ x", "2x^T w": "2*(x @ w)",
    "1/2*x^T A x - b^T x": "1/2*(x @ A) @ x - b @ x", "X^T X": "X.T @ X", "xᵀ y": "x @ y",
    "matrix_power(A, 3)": "A @ A @ A", "matrix_power(A, -1)": "inv(A)", "tr(A @ B)": "trace(A @ B)",
    "A.T.T @ x": "A.T.T @ x", "dot(A, x)": "A @ x",
    "-(x + y)[1:] @ x[:-1]": "-(x + y)[1:] @ x[:-1]",
    # definitions and left sides
    "u^2 where u = x + 1": "(x + 1)^2", "u*v where u = x+1, v = u^2": "(x + 1)*(x + 1)^2",
    "L = x^2": "x^2", "f(x) = x^2": "x^2", "dL/dm = 2*m": "2*m",
    "where(u, 1, 2), where u = a < b": "where(a < b, 1, 2)",
    # constants only
    "3": "3", "0.1+0.2": "0.1 + 0.2", "pi": "pi", "e^2": "e^2", "1/3": "1/3",
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), READINGS.items(), ids=list(READINGS))
def test_reading(text: str, expected: str) -> None:
    assert shown(text) == expected


SYMPY = {
    "Sum((y[i] - w*x[i])**2, (i, 1, N))": "sum((y - w*x)^2)",
    "Sum(x[i], (i, 0, N - 1))": "sum(x)",
    "Sum(A[i, j]*x[j], (i, 1, N), (j, 1, p))": "sum(sum(A*x[None, :], axis=0))",
    "Product(x[i], (i, 1, N))": "prod(x)",
    "Piecewise((a, x < 0), (b, True))": "where(x < 0, a, b)",
    "Piecewise((a, (x < 0) & (b > 1)), (x, Or(a > 0, Not(b > 0))), (b, True))":
    "where(x < 0 and b > 1, a, where(a > 0 or not b > 0, x, b))",
    "Abs(x) + Max(x, y, z) - Min(x, 2) + Heaviside(x)":
    "abs(x) + max(max(x, y), z) - min(x, 2) + heaviside(x)",
    "Derivative(x**2*y, x)": "2*x*y", "Derivative(x**4, (x, 2))": "12*x^2",
    "exp(-x**2/2)*sqrt(2)/(2*sqrt(pi))": "exp(-x^2/2)*sqrt(2)/(2*sqrt(pi))",
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SYMPY.items(), ids=list(SYMPY))
def test_what_sympy_prints_is_read(text: str, expected: str) -> None:
    assert shown(text) == expected


NAMES = words(
    "lambda beta gamma zeta N S Q O E I i j rf re test D ff theta0 w1 x_new \u0394x \u03c32"
)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_a_symbol(name: str) -> None:
    problem = read(f"{name}*x + {name}")
    assert problem.parameters == (name, "x")


def test_a_declared_name_is_never_a_function_or_constant() -> None:
    assert read("e*x", wrt="e").parameters == ("e", "x")
    assert shown("sin*2", shapes={"sin": ()}) == "sin*2"
    assert read("sum(sum_x*w)", columns=["sum_x"]).data == ("sum_x",)
    assert shown("pi*x", constants={"pi": 3}) == "3*x"
    assert shown("x^2*a", constants={"a": 0.1}) == "x^2*0.1"


@pytest.mark.parametrize(
    ("text", "options", "data", "parameters", "rows"),
    [
        ("(x - 3.5)^2 - 4.5x + 10", {}, (), ("x",), None),
        ("mean((y - (m*x + b))^2)", {}, ("x", "y"), ("m", "b"), "N"),
        ("mean((y - (m*x + b))^2)", {"wrt": "m"}, ("x", "y"), ("m", "b"), "N"),
        ("mean((h - k*v)^2)", {"columns": "h,v"}, ("h", "v"), ("k",), "N"),
        ("sum(x^2)", {"wrt": "x"}, (), ("x",), None),
        ("sum(x)/N", {}, ("x",), (), "N"),
        ("1/(2*N)*sum((y - x*w)^2)", {}, ("x", "y"), ("w",), "N"),
        ("N*sum(x)/N", {}, ("x",), (), "N"),
        ("sum((y - w*x)^2/N)", {}, ("x", "y"), ("w",), "N"),
        ("sum(x^n)/n", {}, ("x",), ("n",), "N"),
        ("mean(x^n)^(1/n)", {}, ("x",), ("n",), "N"),
        ("sum(a_i*b_i, i=1..M)", {}, ("a", "b"), (), "M"),
        ("mean((X @ theta - y)^2)", {}, ("X", "y"), ("theta",), "N"),
        ("mean((y - a*exp(-t/T))^2)", {}, ("t", "y"), ("a", "T"), "N"),
        ("sum(X @ w)", {"shapes": {"X": "n,p", "w": "p"}}, ("X",), ("w",), "n"),
        ("n*sum(x)/n", {"shapes": {"x": "n"}, "wrt": "n"}, ("x",), ("n",), "n"),
    ],
)
def test_roles(
    text: str, options: dict[str, object], data: tuple[str, ...], parameters: tuple[str, ...],
    rows: str | None,
) -> None:  # fmt: skip
    problem: Problem = read(text, **options)  # type: ignore[arg-type]
    assert (problem.data, problem.parameters, problem.rows) == (data, parameters, rows)


def test_the_reading_is_shown() -> None:
    assert read("L = mean((y - e*m*x)^2)").reading == (
        "data: x, y (N rows)   parameters: m   e is Euler's number   L is the name of the formula"
    )


@pytest.mark.parametrize(
    ("text", "shapes", "expected"),
    [
        ("A @ x", {"A": "n,p", "x": "p"}, ("n",)),
        ("A @ B.T", {"A": (2, 3), "B": "q,3"}, (2, "q")),
        ("x[None, :] + y[:, None]", {"x": 3, "y": "n"}, ("n", 3)),
        ("sum(A, axis=0)", {"A": "n,p"}, ("p",)),
        ("sum(A, axis=-1, keepdims=True)", {"A": "n,p"}, ("n", 1)),
        ("x[1:]", {"x": "n"}, ("n-1",)),
        ("x + y[1:]", {"x": "n-1", "y": "n"}, ("n-1",)),
        ("x[1:-1]", {"x": "n"}, ("n-2",)),
        ("x[-2:]", {"x": "n"}, (2,)),
        ("x[::2]", {"x": 5}, (3,)),
        ("A[0]", {"A": "3,4"}, (4,)),
        ("A[:, None, 1]", {"A": "n,4"}, ("n", 1)),
        ("diag(x)", {"x": "n"}, ("n", "n")),
        ("diag(A)", {"A": "n,n"}, ("n",)),
        ("outer(x, y)", {"x": "n", "y": "p"}, ("n", "p")),
        ("solve(A, B)", {"A": "n,n", "B": "n,k"}, ("n", "k")),
        ("softmax(A, axis=0)", {"A": "n,p"}, ("n", "p")),
        ("ones(3, N)", {}, (3, "N")),
        ("scatter(x, ones(n)[1:])", {"x": ()}, ("n",)),
        ("where(A > 0, x, 0)", {"A": "n,p", "x": "p"}, ("n", "p")),
    ],
)
def test_shapes(text: str, shapes: dict[str, object], expected: tuple[object, ...]) -> None:
    assert read(text, shapes=shapes).root.shape == expected  # type: ignore[arg-type]


def test_shapes_are_found_by_use() -> None:
    problem = read("sum((W2 @ tanh(W1 @ x) - y)^2)")
    shapes = {s.name: s.shape for s in problem.symbols}
    (rows, hidden), columns = shapes["W2"], shapes["W1"][1]
    assert shapes["W1"][0] == hidden
    assert shapes["x"] == (columns,)
    assert shapes["y"] == (rows,)


def test_declarations_of_other_names_change_nothing() -> None:
    plain = read("x^2")
    spare = read("x^2", shapes={"z": 3}, constants={"q": 2}, columns=["other"])
    assert to_text(plain.root) == to_text(spare.root)


def test_long_flat_sums_and_many_names_are_read() -> None:
    terms = [f"a{k}*x{k}" for k in range(10_000)]
    problem = read(" + ".join(terms))
    assert len(problem.parameters) == 20_000
    assert len(problem.root.args) == 10_000
