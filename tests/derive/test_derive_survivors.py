"""Extremes along an axis, new axes, ones: what the mutation runner found untested."""

from __future__ import annotations

import numpy as np
import pytest

import symgd
from symgd.derive.sweep import sweep
from symgd.errors import ShapeProblem
from symgd.formula.problem import read

A = np.array([[1.0, 5.0, 5.0], [7.0, 2.0, 0.0]])


@pytest.mark.parametrize("keep", ["", ", keepdims=True"])
@pytest.mark.parametrize(
    ("extreme", "axis", "right"),
    [
        ("max", 1, [[0, 0.5, 0.5], [1, 0, 0]]), ("max", 0, [[0, 1, 1], [1, 0, 0]]),
        ("min", 1, [[1, 0, 0], [0, 0, 1]]), ("min", 0, [[1, 0, 0], [0, 1, 1]]),
    ],
)  # fmt: skip
def test_the_largest_of_each_line_share_the_derivative(
    extreme: str, axis: int, right: list[list[float]], keep: str
) -> None:
    loss = symgd.gradient(f"sum({extreme}(A, axis={axis}{keep}))", shapes={"A": "n,p"})
    np.testing.assert_array_equal(loss({"A": A})["A"], right)


def test_the_largest_of_all_share_the_derivative() -> None:
    loss = symgd.gradient("3*max(v)", shapes={"v": "p"})
    assert loss({"v": [2.0, 4.0, 4.0, 1.0]})["v"].tolist() == [0.0, 1.5, 1.5, 0.0]


@pytest.mark.parametrize("axis", [0, 1])
def test_logsumexp_along_an_axis_is_softmax(axis: int) -> None:
    loss = symgd.gradient(f"sum(logsumexp(A, axis={axis}))", shapes={"A": "n,p"})
    weights = np.exp(A) / np.exp(A).sum(axis=axis, keepdims=True)
    np.testing.assert_allclose(loss({"A": A})["A"], weights, rtol=1e-14)


def test_logsumexp_of_a_matrix_is_softmax_over_all_entries() -> None:
    loss = symgd.gradient("logsumexp(A)", shapes={"A": "n,p"})
    np.testing.assert_allclose(loss({"A": A})["A"], np.exp(A) / np.exp(A).sum(), rtol=1e-14)


@pytest.mark.parametrize("axis", [0, 1])
def test_products_along_an_axis(axis: int) -> None:
    loss = symgd.gradient(f"sum(prod(A, axis={axis}))", shapes={"A": "n,p"})
    others = np.array(
        [[np.prod(np.delete(A[:, j] if axis == 0 else A[i], i if axis == 0 else j))
          for j in range(3)] for i in range(2)]
    )  # fmt: skip
    np.testing.assert_allclose(loss({"A": A})["A"], others, rtol=1e-14)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        # d/dv sum_ij (v_i + w_j)^2 = 2 sum_j (v_i + w_j)
        ("sum((v[:, None] + w[None, :])^2)", [2 * (3 * 1 + 12), 2 * (3 * 2 + 12)]),
        ("sum(v[:, None]^2*w[None, :])", [2 * 1 * 12, 2 * 2 * 12]),
        ("sum(v[None, :] @ M @ v[:, None])", [2 * 1 + 5 * 2, 5 * 1 + 2 * 4 * 2]),
        ("sum(v[:, None] @ w[None, :])", [12, 12]),
        ("w[0]*norm(v[:, None] + 0*w[None, :])^2", [3 * 3 * 2 * 1, 3 * 3 * 2 * 2]),
        ("sum(v*ones(2))", [1, 1]), ("sum((a*ones(2) + v)^2)", [2 * (1 + 7), 2 * (2 + 7)]),
    ],
)  # fmt: skip
def test_vectors_with_new_axes(text: str, right: list[float]) -> None:
    given = {"v": [1.0, 2.0], "w": [3.0, 4.0, 5.0], "M": [[1.0, 2.0], [3.0, 4.0]], "a": 7.0}
    shapes = {"v": 2, "w": 3, "M": "2,2"}
    used = {name: value for name, value in given.items() if name in text}
    found = symgd.gradient(text, wrt="v", shapes=shapes)(used)["v"]
    np.testing.assert_allclose(found, right, rtol=1e-14)


def test_a_number_spread_over_ones_is_summed_back() -> None:
    loss = symgd.gradient("sum((a*ones(3) - w)^2)", wrt="a", shapes={"w": 3})
    assert loss({"a": 7.0, "w": [1.0, 2.0, 3.0]})["a"] == pytest.approx(2 * (6 + 5 + 4))
    plain = symgd.gradient("sum(a*ones(2, 3))", wrt="a")
    assert plain({"a": 1.0})["a"] == pytest.approx(6)


@pytest.mark.parametrize("condition", ["x > 0 and y > 0", "x > 0 or y > 0", "not x > 0"])
def test_each_branch_of_a_joined_condition_is_differentiated(condition: str) -> None:
    loss = symgd.gradient(f"where({condition}, x^2*y, x*y^3)")
    for x in (-1.5, 2.0):
        for y in (-0.5, 3.0):
            first = {"x > 0 and y > 0": x > 0 and y > 0, "x > 0 or y > 0": x > 0 or y > 0,
                     "not x > 0": not x > 0}[condition]  # fmt: skip
            right = {"x": 2 * x * y, "y": x * x} if first else {"x": y**3, "y": 3 * x * y * y}
            assert loss({"x": x, "y": y}) == pytest.approx(right)


@pytest.mark.parametrize("size", [2, 3, "n"])
def test_only_a_number_has_a_gradient(size: int | str) -> None:
    problem = read("2*v", shapes={"v": (size,)})
    with pytest.raises(ShapeProblem, match="not a number"):
        sweep(problem.root, [problem.symbol("v")])


def test_an_array_of_one_entry_is_a_number() -> None:
    problem = read("3*v", shapes={"v": (1,)})
    assert str(sweep(problem.root, [problem.symbol("v")])) != "[]"
    assert symgd.gradient("3*v", shapes={"v": 1})({"v": [2.0]})["v"].tolist() == [3.0]


def test_a_new_axis_is_summed_back() -> None:
    """Second derivatives contain spread ones: sum_ij (v_i w_j)^2 by v twice is 2 sum_j w_j^2."""
    loss = symgd.gradient("sum((v[:, None]*w[None, :])^2)", shapes={"v": 2, "w": 3})
    values = {"v": np.array([1.0, 2.0]), "w": np.array([1.0, 2.0, 3.0])}
    found = loss.hessian()(values)
    np.testing.assert_allclose(np.asarray(found)[:2, :2], 28.0 * np.eye(2), rtol=1e-14)


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("sum((A @ (3*x) - y)^2)", {"A": "n,p", "x": "p", "y": "n"}),
        ("sum((2*(5*x @ A) - 7*z)^2)", {"A": "n,p", "x": "n", "z": "p"}),
        ("sum((3*outer(2*x, 5*y) - A)^2)", {"A": "n,p", "x": "n", "y": "p"}),
        ("(4*x @ (2*y))^2", {"x": "n", "y": "n"}), ("sum(softmax(x)^2)", {"x": "n"}),
        ("sum(softmax(A)^2)", {"A": "n,p"}), ("norm(A @ x)*3", {"A": "n,p", "x": "p"}),
        ("sum(norm(A, axis=1)^3)", {"A": "n,p"}), ("sum(max(A, axis=1)^3)", {"A": "n,p"}),
        ("norm(x, 1)^2", {"x": "n"}), ("trace(B)*sum(B^2)", {"B": "n,n"}),
        ("log(det(B @ B.T + eye(n)))", {"B": "n,n"}), ("det(B)^2", {"B": "n,n"}),
        ("sum(inv(B + 9*eye(n))^2)", {"B": "n,n"}), ("sum(solve(B, x)^3)", {"B": "n,n", "x": "n"}),
        ("sum(diag(B)^3)", {"B": "n,n"}), ("sum(x[1:]*x[:-1]^2)", {"x": "n"}),
        ("prod(x)^2 + mean(x^3)", {"x": "n"}), ("sum(hypot(x, 2*y)*y)", {"x": "n", "y": "n"}),
        ("sum(max(x, y)^3 - min(x, 2*y)^2)", {"x": "n", "y": "n"}),
        ("sum(logaddexp(x, 3*y)*y)", {"x": "n", "y": "n"}),
        ("sum(cbrt(x)*y)", {"x": "n", "y": "n"}),
    ],
)  # fmt: skip
def test_gradients_are_those_of_finite_differences(text: str, shapes: dict[str, str]) -> None:
    random = np.random.default_rng(5)
    sizes = {"n": 3, "p": 2}
    at = {n: random.uniform(0.5, 2.0, [sizes[s] for s in shape.split(",")])
          for n, shape in shapes.items()}  # fmt: skip
    loss = symgd.gradient(text, list(shapes), shapes=shapes)
    found = loss(at)
    for name, value in at.items():
        for place in np.ndindex(value.shape):
            step = np.zeros_like(value)
            step[place] = 1e-5
            rise = loss.value({**at, name: value + step}) - loss.value({**at, name: value - step})
            assert found[name][place] == pytest.approx(rise / 2e-5, rel=2e-7, abs=1e-9)
