"""Layouts: names, packing and what is refused; what an objective may answer."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from symgd.descend import Layout, RowObjective, SecondOrder, descend
from symgd.errors import OptionError

LAYOUT = Layout.of({"theta": (3,), "W": (2, 2), "b": ()})


def test_names_follow_the_order_of_the_flat_vector():
    assert LAYOUT.size == 8
    assert LAYOUT.names == (
        "theta[0]", "theta[1]", "theta[2]", "W[0,0]", "W[0,1]", "W[1,0]", "W[1,1]", "b"
    )  # fmt: skip


def test_pack_and_unpack_are_inverse():
    values = {"b": -1.5, "W": [[1, 2], [3, 4]], "theta": (7.0, 8.0, 9.0)}
    flat = LAYOUT.pack(values)
    assert flat.tolist() == [7, 8, 9, 1, 2, 3, 4, -1.5]
    back = LAYOUT.unpack(flat)
    assert list(back) == ["theta", "W", "b"]
    assert type(back["b"]) is float
    assert np.array_equal(back["W"], [[1, 2], [3, 4]])
    assert np.array_equal(LAYOUT.pack(back), flat)


def test_unpacked_arrays_are_copies():
    flat = np.arange(8.0)
    LAYOUT.unpack(flat)["theta"][:] = 99.0
    assert flat.tolist() == list(range(8))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"b": None}, "'b'"),
        ({"b": True}, "booleans"),
        ({"b": 1j}, "complex"),
        ({"b": "1"}, "text"),
        ({"b": math.nan}, "finite"),
        ({"b": math.inf}, "finite"),
        ({"b": [1.0]}, "shape"),
        ({"theta": [1.0, 2.0]}, r"\(3,\)"),
        ({"theta": [[1.0], [2.0, 3.0]]}, "'theta'"),
        ({"w": 1.0}, "'w'"),
    ],
)
def test_pack_refuses_by_name(change, words):
    values = {"theta": [1, 2, 3], "W": np.eye(2), "b": 0.0}
    with pytest.raises(OptionError, match=words):
        LAYOUT.pack(values | change)


def test_pack_names_what_is_missing_and_what_was_meant():
    with pytest.raises(OptionError, match="'W'"):
        LAYOUT.pack({"theta": [1, 2, 3], "b": 0.0})
    with pytest.raises(OptionError, match="did you mean 'theta'"):
        LAYOUT.pack({"thetta": [1, 2, 3]})


def test_a_layout_holds_numbers():
    with pytest.raises(OptionError, match="no parameters"):
        Layout.of({})
    with pytest.raises(OptionError, match="no numbers"):
        Layout.of({"a": (0,)})
    with pytest.raises(OptionError, match="shape"):
        LAYOUT.unpack(np.zeros(3))


def test_abilities_are_found_by_protocol():
    class Rows:
        n_rows = 3

        def __call__(self, theta):
            return 0.0, theta

        def at_rows(self, rows):
            return self

    class Curved:
        def hessian(self, theta):
            return np.eye(len(theta))

    assert isinstance(Rows(), RowObjective)
    assert not isinstance(Rows(), SecondOrder)
    assert isinstance(Curved(), SecondOrder)
    assert not isinstance(lambda theta: (0.0, theta), RowObjective)


@pytest.mark.parametrize(
    "objective",
    [
        lambda x: ((x - 3) ** 2, 2 * (x - 3)),
        lambda x: (math.pow(x - 3, 2), 2.0 * (x - 3)),
        lambda x: [(x[0] - 3) ** 2, [2 * (x[0] - 3)]],
        lambda x: (np.sum((x - 3) ** 2), np.atleast_1d(2 * (x - 3))),
        lambda x: (np.float32((x - 3) ** 2), np.float64(2 * (x - 3))),
    ],
)
def test_a_number_may_be_descended_by_any_plain_function(objective):
    solution = descend(objective, 0.0, rate=0.25, precision=1e-4)
    assert solution.converged
    assert isinstance(solution.params["theta"], float)
    assert solution.params["theta"] == pytest.approx(3.0, abs=1e-4)


def test_integers_and_lists_are_coerced():
    solution = descend(lambda t: (int(t @ t), [2 * v for v in t]), [4, 2], rate=0.5)
    assert solution.theta.tolist() == [0.0, 0.0]
    assert solution.theta.dtype == np.float64


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (1.0, r"\(loss, gradient\)"),
        ((1.0,), r"\(loss, gradient\)"),
        ((1.0, 2.0, 3.0), r"\(loss, gradient\)"),
        ((np.ones(2), np.ones(2)), "one number"),
        ((1.0, np.ones(3)), r"shape \(2,\)"),
        ((1.0, np.ones((2, 1))), r"\(2, 1\)"),
        ((1.0, 5.0), "gradient"),
        ((1j, np.ones(2)), "real"),
        ((1.0, np.array([1j, 0])), "real"),
        ((True, np.ones(2)), "real"),
        (("1", np.ones(2)), "real"),
        ((1.0, [Fraction(1, 2), 0]), "real"),
        ((None, None), "real"),
    ],
)
def test_an_answer_that_is_no_loss_with_gradient_is_refused(answer, words):
    with pytest.raises(OptionError, match=words):
        descend(lambda theta: answer, [1.0, 2.0])


def test_an_objective_cannot_change_theta():
    def meddler(theta):
        theta[0] = 0.0
        return 0.0, theta

    with pytest.raises(ValueError, match="read-only"):
        descend(meddler, [1.0])


def test_an_objective_may_reuse_its_gradient_buffer():
    buffer = np.empty(2)
    target = np.array([1.0, -2.0])

    def reusing(theta):
        np.multiply(theta - target, [2.0, 6.0], out=buffer)
        return float((theta - target) @ buffer / 2), buffer

    def fresh(theta):
        loss, gradient = reusing(theta)
        return loss, gradient.copy()

    one, other = (descend(f, [5.0, 5.0], rate=0.1) for f in (reusing, fresh))
    assert np.array_equal(one.history.theta, other.history.theta)
    assert one.outcome is other.outcome
