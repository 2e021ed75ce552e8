"""Examinations at their limits, of few and many parameters: what the mutation runner found."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symgd.descend.certify import Certifier
from symgd.descend.estimate import Estimate, Kind
from symgd.descend.evaluate import Evaluator

Loss = Callable[[Any], tuple[float, Any]]


def certifier(loss: Loss, start: list[float] | Any, precision: float | None) -> Certifier:
    point = np.array(start, dtype=float)
    names = tuple(f"p{i}" for i in range(point.size))
    return Certifier(Evaluator(loss, point.size, bare=False), point, precision, names)


def quadratic(curvatures: list[float] | Any) -> Loss:
    """1/2 sum c_i theta_i^2 with its minimum at 0."""
    c = np.array(curvatures, dtype=float)
    return lambda theta: (0.5 * float(theta @ (c * theta)), c * theta)


CUBE = float(np.finfo(float).eps) ** (1 / 3)


@pytest.mark.parametrize(
    ("theta", "start", "precision", "right"),
    [
        ([4.0, 0.0], [4.0, 0.0], 1e-3, [4 * CUBE, 1e-5]),
        ([1e-4], [1e-4], 1.0, [1e-2]), ([0.02], [0.02], 1.0, [2e-4]),
        ([0.0], [1e6], None, [0.1]), ([1e6, 0.0], [1e6, 0.0], None, [1e6 * CUBE, 0.01]),
        ([0.0, 0.0], [0.0, 0.0], None, [1e-8, 1e-8]), ([1e-3], [1e-3], None, [1e-8]),
        ([0.0], [0.005], 1.0, [1e-2]), ([-4.0], [-4.0], 1e-9, [4 * CUBE]),
    ],
)  # fmt: skip
def test_finite_differences_have_the_size_of_their_parameter(
    theta: list[float], start: list[float], precision: float | None, right: list[float]
) -> None:
    found = certifier(quadratic(np.ones(len(start))), start, precision).steps(np.array(theta))
    np.testing.assert_allclose(found, right, rtol=1e-12)


@pytest.mark.parametrize("size", [2, 50, 51, 80])
def test_the_largest_curvature(size: int) -> None:
    curvatures = np.linspace(0.5, 3.0, size)
    curvatures[size // 2] = 7.0
    point = np.linspace(1.0, 2.0, size)
    looked = certifier(quadratic(curvatures), point, 1e-3)
    assert looked.large is (size > 50)
    found = looked.largest_curvature(point, curvatures * point)
    assert found == pytest.approx(7.0, rel=1e-3)


def look(loss: Loss, point: Any, precision: float = 1e-3, far: bool = False) -> Estimate:
    point = np.array(point, dtype=float)
    return certifier(loss, point + 1.0, precision).examine(point, loss(point)[1], far)


@pytest.mark.parametrize("size", [3, 80])
def test_a_minimum_far_away_is_followed_only_if_asked_for(size: int) -> None:
    curvatures = np.linspace(1.0, 4.0, size)
    point = np.full(size, 0.5)
    near = look(quadratic(curvatures), point)
    assert near.kind is Kind.OPEN
    assert near.error == pytest.approx(0.5, rel=1e-3)
    far = look(quadratic(curvatures), point, far=True)
    assert far.kind is Kind.MINIMUM
    assert far.error == pytest.approx(0.5, rel=1e-3)
    assert far.steepest == pytest.approx(4.0, rel=1e-3)


@pytest.mark.parametrize("size", [3, 80])
@pytest.mark.parametrize(("distance", "kind"), [(1.9e-3, Kind.MINIMUM), (2.1e-3, Kind.OPEN)])
def test_near_is_within_twice_the_precision(size: int, distance: float, kind: Kind) -> None:
    found = look(quadratic(np.linspace(1.0, 4.0, size)), np.full(size, distance))
    assert found.kind is kind
    assert found.error == pytest.approx(distance, rel=1e-2)


@pytest.mark.parametrize("size", [2, 80])
def test_the_pace_is_the_curvature_along_the_error(size: int) -> None:
    curvatures = np.linspace(1.0, 9.0, size)
    for place in (0, size - 1):
        point = np.zeros(size)
        point[place] = 5e-4
        found = look(quadratic(curvatures), point)
        assert found.pace == pytest.approx(curvatures[place], rel=1e-2)


@pytest.mark.parametrize("size", [3, 80])
def test_a_saddle_is_seen(size: int) -> None:
    curvatures = np.linspace(1.0, 4.0, size)
    curvatures[1] = -2.0
    found = look(quadratic(curvatures), np.full(size, 1e-4))
    assert found.kind is Kind.SADDLE
    assert not found.settled
    assert "negative" in found.reason


@pytest.mark.parametrize(
    ("point", "stuck"),
    [([1e-9, 0.0], True), ([1e-9, 1e-9], False), ([1e-4, 0.0], False), ([0.0, 0.0], True),
     ([0.9e-5, 0.0], True), ([1.1e-5, 0.0], False)],
)  # fmt: skip
def test_only_a_point_in_the_saddle_is_stuck(point: list[float], stuck: bool) -> None:
    found = look(quadratic([2.0, -2.0]), point)
    assert found.kind is Kind.SADDLE
    assert found.stuck is stuck
    assert "direction of p1:" in found.reason


def test_a_curvature_that_is_not_finite_leaves_the_question_open() -> None:
    def loss(theta: Any) -> tuple[float, Any]:
        return float(theta[0] ** 2), np.where(theta == 0.25, 0.5, math.nan)

    found = look(loss, [0.25])
    assert found.kind is Kind.OPEN
    assert "not finite" in found.reason


@pytest.mark.parametrize("size", [3, 80])
def test_without_time_the_question_stays_open(size: int) -> None:
    loss = quadratic(np.linspace(1.0, 4.0, size))
    point = np.full(size, 1e-4)
    evaluate = Evaluator(loss, size, bare=False)
    evaluate.deadline = 0.0
    names = tuple(f"p{i}" for i in range(size))
    found = Certifier(evaluate, point + 1.0, 1e-3, names).examine(point, loss(point)[1], True)
    assert found.kind is Kind.OPEN
    assert not found.settled


def test_a_curvature_that_changes_too_fast_is_not_trusted_for_many_parameters() -> None:
    """sum theta^4 has its Newton step a third of the way to the minimum."""
    found = look(lambda t: (float(np.sum(t**4)), 4 * t**3), np.full(80, 1e-3), 1.0, far=True)
    assert found.kind is Kind.OPEN
    assert "too fast" in found.reason
    bent = look(lambda t: (float(np.sum(np.cosh(t))), np.sinh(t)), np.full(80, 0.05), 1.0)
    assert bent.kind is Kind.MINIMUM
    assert bent.error == pytest.approx(0.05, rel=0.02)
    assert bent.error >= 0.05 * (1 - 1e-6)


def test_many_parameters_are_looked_at_without_their_hessian() -> None:
    """Conjugate gradients need a step for each different curvature, not one for each parameter."""
    curvatures = np.where(np.arange(400) % 2, 4.0, 0.04)
    point = np.full(400, 1e-4)
    evaluate = Evaluator(quadratic(curvatures), 400, bare=False)
    names = tuple(f"p{i}" for i in range(400))
    looked = Certifier(evaluate, point + 1.0, 1e-3, names)
    assert looked.examine(point, curvatures * point).kind is Kind.MINIMUM
    assert evaluate.calls < 200


def test_rounding_of_many_parameters_grows_with_the_condition() -> None:
    curvatures = np.where(np.arange(80) % 2, 4.0, 0.04)

    def loss(theta: Any) -> tuple[float, Any]:
        return 0.5 * float((theta - 1) @ (curvatures * (theta - 1))), curvatures * (theta - 1)

    found = look(loss, np.full(80, 1.0 + 1e-4))
    wanted = 4 * np.finfo(float).eps * 100
    assert 0.9 * wanted < found.floor < 1.1 * wanted


def test_a_flat_direction_among_many_is_no_saddle() -> None:
    curvatures = np.where(np.arange(80) % 2, 4.0, 2e-6)
    found = look(quadratic(curvatures), np.full(80, 1e-4))
    assert found.kind is not Kind.SADDLE
    assert found.error == pytest.approx(1e-4, rel=0.2)
