"""The sweep as a whole: constants keep their rows, depth is no error, certificates, Hessians."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from symgd.check.certificate import certify
from symgd.compile.objective import Compiled
from symgd.derive.expand import without_derivatives
from symgd.derive.forward import tangents
from symgd.derive.partials import derive
from symgd.derive.rewrite import stable
from symgd.derive.sweep import adjoints, sweep
from symgd.errors import ShapeProblem, UnsupportedError
from symgd.formula.graph import Graph, topological
from symgd.formula.problem import read
from symgd.formula.text import to_text


def textbook(text: str, name: str, **options: Any) -> str:
    return to_text(derive(read(text, **options)).textbook(name))


TEXTBOOK = [
    ("sum(y - a)", "a", "-N"), ("mean(y - a)", "a", "-1"), ("sum(a)*sum(y)", "a", None),
    ("sum(y*0 + a)", "a", "N"), ("sum_i a", "a", None),
    ("mean((y - (m*x + b))^2)", "m", "-2/N*sum(x*(y - (m*x + b)))"),
    ("mean((y - (m*x + b))^2)", "b", "-2/N*sum(y - (m*x + b))"),
    ("mean((X @ theta - y)^2)", "theta", "2/N*(X.T @ (X @ theta - y))"),
    ("1/N sum_i log(1 + exp(-s_i x_i^T w))", "w", "-1/N*(x.T @ (s*sigmoid(-s*(x @ w))))"),
    ("trace(X^T X)", "X", "2*X"), ("trace(A @ B)", "A", "B.T"), ("logdet(A)", "A", "inv(A).T"),
    ("log(1 + exp(x))", "x", "sigmoid(x)"), ("norm(x - c)^2", "c", None),
    ("hypot(a, b)", "a", "a/hypot(a, b)"), ("prod(w_i, i=1..N)", "w", None),
    ("mean((x[1:] - w*x[:-1])^2)", "w", "-2/(N - 1)*sum(x[:-1]*(x[1:] - w*x[:-1]))"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "name", "expected"), [t for t in TEXTBOOK if t[2]])
def test_textbook_gradients(text: str, name: str, expected: str) -> None:
    wrt = name if name in ("X",) else None
    assert textbook(text, name, wrt=wrt) == expected


def test_a_constant_summand_keeps_its_rows() -> None:
    partials = derive(read("sum(y - a) + mean(y*0 + b)"))
    run = Compiled(list(partials.raw.values())).run
    for rows in (1, 5, 17):
        found = run({"y": np.arange(rows, dtype=float), "a": 1.0, "b": 2.0}, {"N": rows})
        assert [float(v) for v in found] == [-rows, 1]


@pytest.mark.parametrize(
    ("text", "shapes", "expected"),
    [
        ("sum(w)", {"w": 3}, np.ones(3)),
        ("sum(A)", {"A": (2, 3)}, np.ones((2, 3))),
        ("mean(A)", {"A": (2, 3)}, np.full((2, 3), 1 / 6)),
        ("5*A[0, 1]", {"A": (2, 2)}, np.array([[0, 5], [0, 0]])),
        ("0*sum(w)", {"w": 3}, np.zeros(3)),
        ("sum(w - w)", {"w": 3}, np.zeros(3)),
        ("sum(sign(w)) + 2", {"w": 3}, np.zeros(3)),
        ("trace(A)", {"A": (2, 2)}, np.eye(2)),
    ],
)
def test_constant_gradients_have_the_shape_of_the_parameter(
    text: str, shapes: dict[str, Any], expected: Any
) -> None:
    problem = read(text, shapes=shapes)
    (name,) = (s.name for s in problem.symbols)
    (node,) = sweep(problem.root, [problem.symbol(name)])
    assert node.shape == expected.shape
    (found,) = Compiled([node]).run({name: np.ones(expected.shape)}, {})
    np.testing.assert_array_equal(np.broadcast_to(found, expected.shape), expected)
    assert np.shape(found) == expected.shape


def test_depth_two_thousand_is_no_error() -> None:
    graph = Graph()
    x = graph.symbol("x")
    node = x
    for _ in range(2000):
        node = graph.make("sin", node)
    (slope,) = sweep(stable(node), [x])
    walked = tangents(node, {x: graph.number(1)})[node]
    value, found, other = Compiled([node, slope, walked]).run({"x": np.float64(0.5)}, {})
    assert found == pytest.approx(other, rel=1e-12)
    expected, u = 1.0, 0.5
    for _ in range(2000):
        expected, u = expected * np.cos(u), np.sin(u)
    assert value == pytest.approx(u, rel=1e-12)
    assert found == pytest.approx(expected, rel=1e-10)


def test_ten_thousand_terms_are_no_error() -> None:
    problem = read(" + ".join(f"(x{k} - {k})^2" for k in range(10_000)))
    symbols = [problem.symbol(name) for name in problem.parameters]
    gradient = sweep(problem.root, symbols)
    assert to_text(gradient[17]) == "2*(x17 - 17)"
    nested = read("x" + "*(1 + x" * 195 + ")" * 195)
    assert len(sweep(nested.root, [nested.symbol("x")])) == 1


def test_the_gradient_costs_a_small_multiple_of_the_formula() -> None:
    terms = (f"100*(x{k + 1} - x{k}^2)^2 + (1 - x{k})^2" for k in range(200))
    problem = read(" + ".join(terms))
    before = len(topological(problem.root))
    gradient = sweep(problem.root, [problem.symbol(n) for n in problem.parameters])
    assert len(topological(problem.root, *gradient)) <= 3 * before


def test_an_array_has_no_gradient() -> None:
    problem = read("x + y", shapes={"x": 3})
    with pytest.raises(ShapeProblem, match="take its mean or sum"):
        sweep(problem.root, [problem.symbol("y")])


def test_adjoints_of_what_does_not_occur_are_empty() -> None:
    graph = Graph()
    x, y = graph.symbol("x"), graph.symbol("y")
    assert adjoints(x * 2, [y], graph.number(1)) == {}
    assert sweep(x * 2, [y])[0].is_number(0)


CERTIFIED = [
    "sin(a*x)^2*exp(-b*x)", "a^x + x^a", "log(1 + exp(a*x)) + |x - a|", "max(x, a)*min(x, 2)",
    "mean((y - (m*x + b))^2)", "mean(log(1 + exp(-y*(X @ w))))", "1/(1 + exp(-a*x))",
    "norm(X @ w - y)^2 + 0.1*norm1(w)", "logsumexp(w)*sum(w^2)", "where(x > a, x^2, a*x)",
    "trace(A.T @ A) + log(abs(det(A)))", "w @ inv(A) @ w", "sum(max(0, 1 - y*(X @ w)))",
    "sum(softmax(w)*c)", "prod_i (1 + a*x_i)", "sqrt(x^2 + a^2)/tanh(x*a)",
    "erf(x/a)*gamma(1 + x^2)",
    "sum((x[1:] - a*x[:-1])^2)", "atan2(x, a) + hypot(x, a)", "std(a*x + x^2)",
    "-sum(Y*log(softmax(X @ W)))", "max(a*x)", "digamma(1 + x^2)*cbrt(a)", "2^a - a^-2",
]  # fmt: skip


@pytest.mark.parametrize("text", CERTIFIED)
def test_certificates(text: str) -> None:
    shapes: dict[str, Any] = {"A": (2, 2)} if "A" in text else {}
    columns = "X,Y" if "Y" in text else None
    certificate = certify(derive(read(text, shapes=shapes, columns=columns)), tries=2)
    assert all(proof.forward and proof.numeric == 2 for proof in certificate.proofs)


@pytest.mark.parametrize("text", ["x^4*y - sin(x*y)", "exp(x/y)*log(y)", "sqrt(x^2 + y^2)^3"])
def test_second_derivatives_agree_with_differences_of_the_first(text: str) -> None:
    problem = read(text)
    symbols = [problem.symbol(name) for name in ("x", "y")]
    first = sweep(problem.root, symbols)
    second = [sweep(g, symbols) for g in first]
    at = {"x": np.float64(0.7), "y": np.float64(1.3)}
    run = Compiled([*first, *second[0], *second[1]]).run
    hessian = np.array(run(at, {})[2:]).reshape(2, 2)
    step = 1e-6
    for j, name in enumerate(("x", "y")):
        ends = [np.array(run({**at, name: at[name] + s * step}, {})[:2]) for s in (1, -1)]
        np.testing.assert_allclose((ends[0] - ends[1]) / (2 * step), hessian[:, j], rtol=1e-7)
    np.testing.assert_array_almost_equal_nulp(hessian[0, 1], hessian[1, 0], 8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("log(1 + exp(x))", "softplus(x)"), ("log(exp(x) + 1)", "softplus(x)"),
     ("log1p(exp(x))", "softplus(x)"), ("1/(1 + exp(-x))", "sigmoid(x)"),
     ("exp(x)/(1 + exp(x))", "sigmoid(x)"), ("(1 + e^-x)^-1", "sigmoid(x)"),
     ("log(sigmoid(x))", "-softplus(-x)"), ("log(1 - sigmoid(x))", "-softplus(x)"),
     ("log(exp(x) + exp(y))", "logaddexp(x, y)"), ("log(sum(exp(v)))", "logsumexp(v)"),
     ("exp(v)/sum(exp(v))", "softmax(v)"), ("log(softmax(v))", "v - logsumexp(v)"),
     ("exp(A)/sum(exp(A), axis=0, keepdims=True)", "softmax(A, axis=-2)"),
     ("norm(v)^2", "sum(v^2)"), ("|x|^2", "x^2"), ("log(2 + exp(x))", "log(2 + exp(x))"),
     ("exp(v)/sum(exp(A))", "exp(v)/sum(exp(A))")],
)  # fmt: skip
def test_accurate_forms(text: str, expected: str) -> None:
    root = read(text, shapes={"v": "n", "A": "n,n"}).root
    assert to_text(stable(root)) == expected


def test_derivative_operators_are_carried_out() -> None:
    assert to_text(without_derivatives(read("d/da (a*x)^2", columns="x").root)) == "2*a*x^2"
    assert textbook("(d/dx x^3)*y", "x") == "6*x*y" or textbook("(d/dx x^3)*y", "x") == "6*y*x"
    graph = Graph()
    v = graph.symbol("v", (3,))
    total = graph.make("sum", v, value=(None, False))
    with pytest.raises(UnsupportedError):
        without_derivatives(graph.make("derivative", total, v))


def test_exact_numbers_stay_exact() -> None:
    problem = read("0.1*x^3 + 0.2*x^3")
    (slope,) = sweep(problem.root, [problem.symbol("x")])
    (value,) = Compiled([slope]).run({"x": np.float64(1)}, {})
    assert value == float(Fraction(9, 10))
