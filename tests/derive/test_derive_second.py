"""Second derivatives and Jacobians of vectors: their forms against differences of gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symgd
from symgd.errors import SymgdError

SIZES = {"n": 3, "p": 2}


def a_point(shapes: dict[str, str], seed: int = 3) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {
        name: random.uniform(0.5, 2.0, [SIZES[s] for s in shape.split(",") if s])
        for name, shape in shapes.items()
    }


def differences(function: Any, at: dict[str, Any], name: str) -> Any:
    """d function/d name, the entries of name in the last axes."""
    value = np.asarray(at[name], dtype=float)
    columns = []
    for place in np.ndindex(value.shape):
        step = np.zeros_like(value)
        step[place] = 1e-5
        rise = np.asarray(function({**at, name: value + step})) - function(
            {**at, name: value - step}
        )
        columns.append(rise / 2e-5)
    return np.stack(columns, axis=-1).reshape(columns[0].shape + value.shape)


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("sum((A @ x - b)^2)", {"x": "p", "A": "n,p", "b": "n"}),
        ("sum(x^3*b)", {"x": "n", "b": "n"}),
        ("sum(x^2)^2", {"x": "n"}), ("x @ B @ x", {"x": "n", "B": "n,n"}),
        ("sum(exp(A @ x))", {"x": "p", "A": "n,p"}),
        ("a^2*sum(x) + a*sum(x^2)", {"a": "", "x": "n"}),
        ("sum(log(1 + exp(-b*(A @ x))))", {"x": "p", "A": "n,p", "b": "n"}),
        ("sum(x*b)^3/sum(x)", {"x": "n", "b": "n"}), ("sin(a)*c^3", {"a": "", "c": ""}),
        ("mean((b - a*exp(-c*x))^2)", {"a": "", "c": "", "x": "n", "b": "n"}),
    ],
)  # fmt: skip
def test_a_hessian_is_the_difference_of_gradients(text: str, shapes: dict[str, str]) -> None:
    wrt = [name for name in shapes if name in "acx" and not ("c" in shapes and name == "x")]
    g = symgd.gradient(text, wrt, shapes={k: s for k, s in shapes.items() if s})
    at = a_point(shapes)
    second = g.hessian()
    whole = second(at)
    begin = {}
    total = 0
    for name in wrt:
        begin[name], total = total, total + np.size(at[name])
    assert np.shape(whole) == (total, total)
    np.testing.assert_allclose(whole, np.transpose(whole), rtol=1e-12, atol=1e-12)
    for name in wrt:
        for other in wrt:
            right = differences(lambda point, name=name: np.ravel(g(point)[name]), at, other)
            right = right.reshape(np.size(at[name]), np.size(at[other]))
            rows = slice(begin[name], begin[name] + right.shape[0])
            columns = slice(begin[other], begin[other] + right.shape[1])
            np.testing.assert_allclose(whole[rows, columns], right, rtol=2e-7, atol=1e-7)
            try:
                shown = second[name, other]
            except SymgdError as refused:
                assert "no closed form" in str(refused)  # noqa: PT017
                continue
            value = np.asarray(shown(at)).reshape(-1)
            if value.size == right.size:
                np.testing.assert_allclose(value, right.reshape(-1), rtol=2e-7, atol=1e-7)


def test_the_forms_of_a_hessian() -> None:
    second = symgd.gradient("x^2*y + y^3").hessian()
    assert str(second).splitlines() == ["d2L/dxdx = 2*y", "d2L/dxdy = 2*x", "d2L/dydy = 6*y"]
    assert second.latex() == r"\begin{pmatrix} 2 y & 2 x \\ 2 x & 6 y \end{pmatrix}"
    assert second._repr_latex_() == f"$${second.latex()}$$"
    page = second._repr_html_()
    assert page.count("<tr>") == 3
    assert "$6 y$" in page
    with pytest.raises(SymgdError, match="no derivative by 'z'"):
        second["x", "z"]


def test_a_hessian_by_matrices_is_told_as_a_product_with_a_direction() -> None:
    g = symgd.gradient("sum((A @ W - Y)^2)", "W", shapes={"A": "n,p", "W": "p,p", "Y": "n,p"})
    second = g.hessian()
    assert str(second).startswith("(H d)_W = ")
    assert "d_W" in str(second)
    assert second._repr_latex_() is None
    assert second._repr_html_().startswith("<pre>")
    at = a_point({"A": "n,p", "W": "p,p", "Y": "n,p"})
    way = np.array([[1.0, -2.0], [0.5, 3.0]])
    product = second.along()["W"]({**at, "d_W": way})
    np.testing.assert_allclose(product, 2 * at["A"].T @ at["A"] @ way, rtol=1e-13)


def test_the_product_with_a_direction_of_a_loss_that_spreads_a_number() -> None:
    """The gradient of sum(A x)^2 is 2 sum(A x) A^T 1: one number for all rows."""
    shapes = {"A": "n,p", "x": "p"}
    at = a_point(shapes)
    way = np.array([1.0, -3.0])
    second = symgd.gradient("sum(A @ x)^2", "x", shapes=shapes).hessian()
    ones = at["A"].sum(axis=0)
    np.testing.assert_allclose(
        second.along()["x"]({**at, "d_x": way}), 2 * ones * (ones @ way), rtol=1e-13
    )


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("A @ x", {"x": "p", "A": "n,p"}), ("3*A @ x - 2*b", {"x": "p", "A": "n,p", "b": "n"}),
        ("x*b", {"x": "n", "b": "n"}), ("x/b", {"x": "n", "b": "n"}), ("b/x", {"x": "n", "b": "n"}),
        ("exp(x)", {"x": "n"}), ("-x", {"x": "n"}),
        ("sin(A @ x)*b", {"x": "p", "A": "n,p", "b": "n"}),
        ("(A @ x)/b + b", {"x": "p", "A": "n,p", "b": "n"}), ("x @ A", {"x": "n", "A": "n,p"}),
        ("x*sum(x)", {"x": "n"}), ("x[1:]*2", {"x": "n"}), ("softmax(x)", {"x": "n"}),
        ("a*b^2", {"a": "", "b": "n"}), ("tanh(B @ (A @ x))", {"x": "p", "A": "n,p", "B": "n,n"}),
        ("x - mean(x)", {"x": "n"}), ("x/norm(x)", {"x": "n"}), ("sum(x*b)", {"x": "n", "b": "n"}),
        ("(x^2)[0] + x", {"x": "n"}), ("sum(A @ x)*b", {"x": "p", "A": "n,p", "b": "n"}),
    ],
)  # fmt: skip
def test_a_jacobian_is_that_of_differences(text: str, shapes: dict[str, str]) -> None:
    name = next(iter(shapes))
    found = symgd.jacobian(text, name, shapes={k: s for k, s in shapes.items() if s})
    at = a_point(shapes)
    right = differences(lambda point: value_of(text, shapes, point), at, name)
    value = np.asarray(found(at)[name] if isinstance(found(at), dict) else found(at))
    np.testing.assert_allclose(value.reshape(right.shape), right, rtol=2e-7, atol=1e-8)


def value_of(text: str, shapes: dict[str, str], at: dict[str, Any]) -> Any:
    """The value of a formula, by Python itself."""
    functions = {
        "exp(x)": lambda x: np.exp(x), "A @ x": lambda A, x: A @ x,
        "3*A @ x - 2*b": lambda A, x, b: 3 * A @ x - 2 * b, "x*b": lambda x, b: x * b,
        "x/b": lambda x, b: x / b, "b/x": lambda x, b: b / x, "-x": lambda x: -x,
        "sin(A @ x)*b": lambda A, x, b: np.sin(A @ x) * b,
        "(A @ x)/b + b": lambda A, x, b: A @ x / b + b, "x @ A": lambda A, x: x @ A,
        "x*sum(x)": lambda x: x * x.sum(), "x[1:]*2": lambda x: x[1:] * 2,
        "softmax(x)": lambda x: np.exp(x) / np.exp(x).sum(), "a*b^2": lambda a, b: a * b**2,
        "tanh(B @ (A @ x))": lambda A, B, x: np.tanh(B @ (A @ x)),
        "x - mean(x)": lambda x: x - x.mean(), "x/norm(x)": lambda x: x / np.sqrt(x @ x),
        "sum(x*b)": lambda x, b: x @ b, "(x^2)[0] + x": lambda x: x[0] ** 2 + x,
        "sum(A @ x)*b": lambda A, x, b: (A @ x).sum() * b,
    }  # fmt: skip
    return functions[text](**at)
