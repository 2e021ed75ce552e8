"""Every row of the table of derivatives, examined: sweep = forward walk = difference quotient."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

from symgd.compile.exact import evaluate, numbers
from symgd.derive.forward import tangents
from symgd.derive.rules import ELEMENTWISE_ADJOINTS, RULES
from symgd.derive.sweep import sweep
from symgd.errors import UnsupportedError
from symgd.formula.functions import ELEMENTWISE_1, ELEMENTWISE_2
from symgd.formula.graph import COMPARISONS, Node
from symgd.formula.problem import Problem, read

DIGITS = 60
SIZES = {"n": 3, "p": 2}
FLAT = {"sign", "heaviside", "not", "and", "or", *COMPARISONS}

# Where the argument of a function may lie; elsewhere it is (-1.7, 2.3).
INTERVALS = {
    "log": (0.1, 5), "log2": (0.1, 5), "log10": (0.1, 5), "sqrt": (0.1, 5), "log1p": (-0.9, 4),
    "asin": (-0.9, 0.9), "acos": (-0.9, 0.9), "atanh": (-0.9, 0.9), "acosh": (1.1, 5),
    "gamma": (0.2, 5), "loggamma": (0.2, 5), "digamma": (0.2, 5), "trigamma": (0.2, 5),
    "cot": (0.2, 2.9), "csc": (0.2, 2.9), "coth": (0.2, 3), "csch": (0.2, 3), "pow": (0.1, 4),
}  # fmt: skip
# trigamma's derivative is polygamma(2), which the formula language does not hold.
WITHOUT_DERIVATIVE = {"trigamma", "prodrest"}

ARRAYS = {
    "sum": ["sum(A*x)", "sum(sum(A*x, axis=0)^2)", "sum(sum(A, axis=-1, keepdims=True)*A)"],
    "mean": ["mean(A*x)", "sum(mean(A*x, axis=1)^3)", "mean(x) * sum(A)"],
    "prod": ["prod(x)", "sum(prod(A, axis=0)*x)", "prod(A)",
    "sum(prod(A, axis=1, keepdims=True)*A)"],
    "amax": ["max(x)^2", "sum(max(A, axis=0)*x)", "sum(max(A, axis=1, keepdims=True)*A)"],
    "amin": ["min(x)^2", "sum(min(A, axis=0)*x)", "min(A)*x[0]"],
    "logsumexp": ["logsumexp(x)", "sum(logsumexp(A*x, axis=1)^2)", "logsumexp(A)",
    "logsumexp(A @ x)"],
    "softmax": ["sum(softmax(x)*x)", "sum(softmax(A, axis=0)*A^2)", "sum(softmax(A*x)*A)"],
    "norm": ["norm(x)", "sum(norm(A*x, axis=1))", "norm(A)", "norm(A @ x - y)^3"],
    "norm1": ["norm1(x)", "norm(A, 1)", "sum(norm1(A, axis=0)*x)"],
    "matmul": ["y @ A @ x", "sum((A @ x)^2)", "sum(A.T @ A)", "x @ x", "sum(A @ S @ B)"],
    "outer": ["sum(outer(y, x)*A)", "sum(mean(outer(y, x)*x, axis=1)^2)", "sum(sin(outer(x, x)))"],
    "transpose": ["sum(A.T*B)", "sum((A.T @ A).T*S)"],
    "trace": ["trace(S)", "trace(S @ S @ S)", "trace(A.T @ A)*x[0]"],
    "det": ["det(S)", "det(S @ S + S)", "det(S.T)^2"],
    "logdet": ["logdet(S.T @ S + diag(ones(2)))", "logdet(S @ S.T)^2"],
    "inv": ["sum(inv(S))", "x @ inv(S) @ x", "trace(inv(S) @ inv(S))"],
    "solve": ["sum(solve(S, x))", "sum(solve(S, B)^2)", "x @ solve(S.T @ S, x)"],
    "diag": ["sum(diag(x) @ S)", "sum(diag(S)*x)", "sum(diag(diag(S)) @ diag(x^2))"],
    "getitem": ["sum(x[1:]*y[2:])", "A[0, 1]*A[-1, 0]", "sum(A[1:, 0]^2)",
    "sum(x[None, :]*y[:, None])",
                "sum(A[::2]*A[:2])", "sum(S[:, None, 1])"],
    "scatter": ["sum(scatter(x, ones(3)[1:])*y)", "sum(scatter(x, ones(3, 2)[0])*A)"],
    "broadcast": ["sum((x*ones(3, 2))*A)", "sum(ones_like(A)*x)", "sum(full_like(y, x[0])*y)"],
    "where": ["sum(where(A > x, A*x, x^2))", "sum(where(x > 0.7, x, x[0]))"],
    "maximum": ["sum(max(A, x))", "sum(max(x, 0.7)^2)", "sum(max(0.7, A)*x)"],
    "minimum": ["sum(min(A, x)^2)", "sum(min(x, 0.7))", "sum(min(0.7, A)*x)"],
    "add": ["sum(mean((A[:, :1] + A)*x, axis=1)^3)", "sum((A + x + 2)^2)", "sum(A + x[0])",
    "sum((x[:1] + A[:, 1:])^2)"],
    "neg": ["sum((-A)*x)", "-sum(x)"],
    "mul": ["sum(A*x*x)", "sum(2*A*x[0])", "sum(x[None, :]*A[:, :1])"],
    "div": ["sum(A/x)", "sum(x/A)", "sum(A/x[0])", "sum(1/A)"],
    "pow": ["sum(A^x)", "sum(x^3)", "sum(2^A*x)", "sum(e^x)", "sum(A^x[0])"],
}  # fmt: skip
SHAPES = {"A": "3,2", "B": "2,3", "S": "2,2", "x": "2", "y": "3"}
NAMED = {"A": "n,p", "B": "p,n", "S": "p,p", "x": "p", "y": "n"}


def unary() -> list[str]:
    return [op for op in ELEMENTWISE_1 if op not in FLAT | WITHOUT_DERIVATIVE]


def test_no_rule_escapes_its_exam() -> None:
    examined = {*unary(), *ELEMENTWISE_2, *ARRAYS, *FLAT, *WITHOUT_DERIVATIVE}
    assert examined == set(RULES)
    assert {op for op in RULES if RULES[op].sentence == ""} == set()


def grid(low: float, high: float, count: int) -> list[Fraction]:
    """Points inside an interval, not evenly spaced and never whole numbers."""
    steps = [
        Fraction(2 * k * k + 3 * k + 2, 2 * count * count + 3 * count + 5) for k in range(count)
    ]
    start, width = Fraction(low).limit_denominator(100), Fraction(high - low).limit_denominator(100)
    return [start + width * s + Fraction(1, 997) for s in steps]


def quotient(formula: Node, name: str, values: dict[str, Any], direction: Any) -> Any:
    """The central difference of a number or an array at 100 digits."""
    with mpmath.mp.workdps(100):
        step = mpmath.mpf(10) ** -30
        base = numbers(values[name])
        ends = [
            evaluate(
                [formula], {**values, name: base + sign * step * numbers(direction)}, SIZES, 100
            )
            for sign in (1, -1)
        ]
        return (ends[0][0] - ends[1][0]) / (2 * step)


def agree(found: Any, expected: Any) -> None:
    for mine, theirs in zip(np.ravel(found), np.ravel(expected), strict=True):
        assert abs(mine - theirs) <= mpmath.mpf(10) ** -45 * max(1, abs(theirs))


def examine(problem: Problem, name: str, values: dict[str, Any], direction: Any) -> None:
    """dL/dname along a direction: by the sweep, by the forward walk, by differences."""
    root, symbol = problem.root, problem.symbol(name)
    (swept,) = sweep(root, [symbol])
    assert swept.shape == symbol.shape
    move = root.graph.symbol(f"move_{name}", symbol.shape) if symbol.shape else root.graph.number(1)
    walked = tangents(root, {symbol: move}).get(root, root.graph.number(0))
    values = {**values, f"move_{name}": direction}
    with mpmath.mp.workdps(DIGITS):
        gradient, along = evaluate([swept, walked], values, SIZES, DIGITS)
        expected = quotient(root, name, values, direction)
        agree(np.sum(np.asarray(gradient) * numbers(direction)), expected)
        agree(along, expected)


CONSTANTS = [
    (Fraction(1), Fraction(0), Fraction(1)),
    (Fraction(-3, 7), Fraction(1, 5), Fraction(5, 3)),
]


@pytest.mark.parametrize("op", unary())
@pytest.mark.parametrize("constants", CONSTANTS, ids=["plain", "inside"])
def test_function_of_a_number(op: str, constants: tuple[Fraction, Fraction, Fraction]) -> None:
    scale, shift, factor = constants
    given = {"c": scale, "d": shift, "k": factor}
    problem = read(f"k*{op}(c*x + d)^2 + k*x")
    for inside in grid(*INTERVALS.get(op, (-1.7, 2.3)), 6):
        examine(problem, "x", {"x": (inside - shift) / scale, **given}, 1)
        examine(problem, "c", {"x": (inside - shift) / scale, **given}, 1)


@pytest.mark.parametrize("op", [*ELEMENTWISE_2, "pow", "div", "mul"])
def test_function_of_two_numbers(op: str) -> None:
    written = {"pow": "(a*x)^(y + c)", "div": "a*x/(y + c)", "mul": "(a*x)*(y + c)"}
    problem = read("k*" + written.get(op, f"{op}(a*x, y + c)") + " + x*y")
    low = 0.1 if op == "pow" else -2.2
    for u, v in zip(grid(low, 3, 6), reversed(grid(-2, 2.4, 6)), strict=True):
        for a, c, k in ((1, 0, 1), (Fraction(5, 3), Fraction(-1, 7), -2)):
            for name in ("x", "y", "a"):
                examine(problem, name, {"x": u, "y": v, "a": a, "c": c, "k": k}, 1)


@pytest.mark.parametrize("op", [op for op in unary() if op not in ("gamma", "digamma")])
def test_function_of_an_array_with_broadcasting(op: str) -> None:
    problem = read(f"sum(A^2*{op}(x + c))", shapes={**SHAPES, "c": ()})
    low, high = INTERVALS.get(op, (-1.7, 2.3))
    x, c = grid(low, high, 4)[:2], Fraction(1, 90)
    a = np.array(grid(0.3, 2, 6), dtype=object).reshape(3, 2).tolist()
    for name, direction in (("x", [2, -3]), ("c", 1), ("A", [[1, -2], [3, 5], [-1, 4]])):
        examine(problem, name, {"A": a, "x": x, "c": c}, direction)


@pytest.mark.parametrize(
    ("op", "text"), [(op, text) for op, texts in ARRAYS.items() for text in texts]
)
def test_operation_on_arrays(op: str, text: str) -> None:
    problem = read(text, shapes=SHAPES if "[" in text or "ones(" in text else NAMED)
    values = {
        "A": [[Fraction(4, 5), Fraction(1, 3)], [Fraction(7, 4), 2], [Fraction(3, 2),
        Fraction(9, 8)]],
        "B": [[Fraction(1, 2), -1, Fraction(5, 3)], [2, Fraction(1, 7), Fraction(-3, 2)]],
        "S": [[Fraction(9, 4), Fraction(1, 2)], [Fraction(-1, 3), Fraction(5, 3)]],
        "x": [Fraction(2, 3), Fraction(5, 4)], "y": [Fraction(-1, 2), 3, Fraction(7, 5)],
    }  # fmt: skip
    directions = {
        "A": [[1, -2], [3, 5], [-1, 4]], "B": [[2, 1, -1], [3, -2, 5]], "S": [[1, 4], [-2, 3]],
        "x": [2, -3], "y": [1, 5, -4],
    }  # fmt: skip
    kept = {s.name: values[s.name] for s in problem.symbols}
    for name in kept:
        examine(problem, name, kept, directions[name])


@pytest.mark.parametrize("op", sorted(FLAT - {"not", "and", "or"}))
def test_steps_have_slope_zero(op: str) -> None:
    sign = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}.get(op)
    text = f"where(x {sign} 1, 2, 3) + 2*x" if sign else f"{op}(x) + 2*x"
    problem = read(text)
    assert sweep(problem.root, [problem.symbol("x")])[0].is_number(2)


def test_every_elementwise_row_sums_back_what_was_broadcast() -> None:
    assert {*ELEMENTWISE_1, *ELEMENTWISE_2, "add", "mul", "div", "pow", "where"} <= (
        ELEMENTWISE_ADJOINTS
    )


@pytest.mark.parametrize("text", ["trigamma(x)", "sum(prodrest(v)*v)"])
def test_what_has_no_derivative_here_is_refused_by_name(text: str) -> None:
    problem = read(text, shapes={"v": 3})
    with pytest.raises(UnsupportedError):
        sweep(problem.root, [problem.symbol(problem.symbols[0].name)])


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("abs(x)", 0, 0), ("max(x, 0)", 0, 0), ("max(0, x)", 0, 0), ("min(x, 0)", 0, 0),
        ("max(x, 2*x)", 0, 1), ("relu(x)", -1, 0), ("where(x >= 0, x, 0)", 0, 1),
        ("sign(x)", 0, 0), ("max(x, y)", 1, 1), ("norm1(v)", 0, 0),
    ],
)  # fmt: skip
def test_subgradients_at_kinks(text: str, at: int, expected: int) -> None:
    problem = read(text, shapes={"v": 1} if "v" in text else None)
    name = problem.symbols[0].name
    (slope,) = sweep(problem.root, [problem.symbol(name)])
    values = {"x": at, "y": 1, "v": [at]}
    assert np.ravel(evaluate([slope], values, {})[0])[0] == expected
