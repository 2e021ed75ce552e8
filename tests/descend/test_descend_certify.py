"""The examination of single points: kinds of neighbourhoods, and the noise of a gradient."""

from __future__ import annotations

import numpy as np
import pytest

from symgd.descend.certify import Certifier
from symgd.descend.curvature import EPS, gradient_noise
from symgd.descend.estimate import Kind
from symgd.descend.evaluate import Evaluator, largest


def examine(loss, point, precision=1e-3, far=False):
    point = np.array(point, dtype=float)
    names = tuple("abcdef"[: point.size])
    certifier = Certifier(Evaluator(loss, point.size, False), point + 1.0, precision, names)
    return certifier.examine(point, loss(point)[1], far)


def test_a_proper_minimum_is_placed():
    def loss(t):
        return float(np.cosh(t[0]) + 3 * t[1] ** 2), np.array([np.sinh(t[0]), 6 * t[1]])

    found = examine(loss, [2e-4, -5e-4])
    assert found.kind is Kind.MINIMUM
    assert found.error == pytest.approx(5e-4, rel=1e-4)
    assert found.steepest == pytest.approx(6.0, rel=1e-6)


@pytest.mark.parametrize("place", [1e-5, 3e-4, 5e-4])
def test_an_inflection_is_no_minimum(place):
    found = examine(lambda t: (float(t[0] ** 3), 3 * t**2), [place])
    assert not found.settled


def test_a_saddle_names_the_direction_that_falls():
    found = examine(lambda t: (float(t[0] ** 2 - t[1] ** 2), t * [2, -2]), [1e-9, 0.0])
    assert found.kind is Kind.SADDLE
    assert found.stuck
    assert "direction of b:" in found.reason


def test_quartic_directions_beside_quadratic_ones_are_followed():
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]

    def loss(t):
        u = turn @ t
        return float(u[0] ** 2 + u[1] ** 2 + 3 * u[2] ** 4), turn.T @ (
            np.array([2 * u[0], 2 * u[1], 12 * u[2] ** 3])
        )

    point = turn.T @ [0.09, 0.01, -0.09]
    found = examine(loss, point, 0.01, far=True)
    assert found.settled
    assert largest(point) * 0.99 <= found.error <= largest(point) * 1.2


def test_noise_is_seen_where_terms_cancel():
    def cancelling(t):
        return float(t[0]), (t + 1e6) - 1e6

    seen = gradient_noise(cancelling, np.array([0.3]), cancelling(np.array([0.3]))[1], np.eye(1))
    assert seen[0] > 1e-12


def test_some_noise_is_assumed_where_none_is_seen():
    point = np.array([3.0, -4.0])
    seen = gradient_noise(lambda t: (0.0, t), point, point, np.eye(2))
    assert (seen >= EPS / 32 * np.abs(point)).all()
