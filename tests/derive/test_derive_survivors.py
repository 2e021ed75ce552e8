"""Extremes along an axis, new axes, ones: what the mutation runner found untested."""

from __future__ import annotations

import numpy as np
import pytest

import symgd

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
