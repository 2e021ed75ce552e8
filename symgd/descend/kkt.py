r"""Newton's method on the conditions of a minimum under constraints, and how close it is.

For L(theta, lambda) with the active constraints c(theta) = 0, the point and the multipliers
solve grad L = 0, c = 0. One Newton step solves

    [ W  B ] [ dtheta  ]     [ grad L ]
    [ A  0 ] [ dlambda ] = - [   c    ]

with W the Hessian of L, A = dc/dtheta and B = d(grad L)/dlambda. It is a minimum if
W is positive on the directions that A leaves free.

Source: Nocedal & Wright, "Numerical Optimization", 2nd ed. (2006), sections 12.4 and 18.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from symgd.descend.curvature import EPS
from symgd.descend.objective import FloatArray


class Conditions(Protocol):
    """The conditions of a minimum for one set of active constraints."""

    def system(
        self, theta: FloatArray, multipliers: FloatArray, /
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        """grad L (p,), c (k,), W (p, p), A (k, p) and B (p, k)."""
        ...


@dataclass(frozen=True, eq=False)
class Fixed:
    """A solution of the conditions: the point, its multipliers and how sure it is.

    ``errors`` (p,) are those of theta, ``curvature`` is the least eigenvalue of W on the free
    directions relative to the largest (inf: there are none free), ``defect`` what is left of
    grad L, which is not nothing where the conditions contradict each other.
    """

    theta: FloatArray
    multipliers: FloatArray
    errors: FloatArray
    curvature: float
    defect: float


def solve_conditions(
    conditions: Conditions, theta: FloatArray, multipliers: FloatArray, most: int = 40
) -> Fixed | None:
    """Newton steps from a guess until they stop shrinking; None if they do not."""
    unit = np.maximum(np.abs(theta), 1e-8)
    last = np.inf
    grown = 0
    step = _step(conditions, theta, multipliers)
    for _ in range(most):
        if step is None:
            return None
        move, shift = step
        size = float((np.abs(move) / unit).max(initial=0.0))
        if size <= 2 * EPS:
            theta, multipliers = theta + move, multipliers + shift
            break
        grown = grown + 1 if size > 0.9 * last else 0
        if grown >= 3 or not np.isfinite(size):
            break
        theta, multipliers, last = theta + move, multipliers + shift, size
        step = _step(conditions, theta, multipliers)
    return _judged(conditions, theta, multipliers)


def _step(
    conditions: Conditions, theta: FloatArray, multipliers: FloatArray
) -> tuple[FloatArray, FloatArray] | None:
    gradient, values, hessian, rows, columns = conditions.system(theta, multipliers)
    p, k = theta.size, values.size
    matrix = np.zeros((p + k, p + k))
    matrix[:p, :p], matrix[:p, p:], matrix[p:, :p] = hessian, columns, rows
    right = -np.concatenate([gradient, values])
    if not (np.isfinite(matrix).all() and np.isfinite(right).all()):
        return None
    scale = _balance(matrix)
    try:
        solved = np.linalg.lstsq(matrix * scale[:, None] * scale, right * scale, rcond=1e-13)[0]
    except np.linalg.LinAlgError:
        return None
    solved = solved * scale
    return solved[:p], solved[p:]


def _balance(matrix: FloatArray) -> FloatArray:
    """Scales that bring the entries of a symmetric-like matrix near 1."""
    scale = np.ones(len(matrix))
    for _ in range(4):
        size = np.sqrt(np.abs(matrix * scale[:, None] * scale).max(axis=1, initial=0.0))
        scale = scale / np.where(size > 0, size, 1.0)
    return scale


def _judged(conditions: Conditions, theta: FloatArray, multipliers: FloatArray) -> Fixed | None:
    step = _step(conditions, theta, multipliers)
    if step is None:
        return None
    unit = np.spacing(np.abs(theta))
    signs = np.where(np.arange(theta.size) % 2, 1.0, -1.0)
    floor = unit / 2
    for shift in (3 * unit, -5 * signs * unit):
        moved = theta + shift
        near = _step(conditions, moved, multipliers)
        if near is None:
            return None
        floor = np.maximum(floor, np.abs(near[0] + (moved - theta) - step[0]))
    gradient, _, hessian, rows, _ = conditions.system(theta, multipliers)
    free = null_space(rows)
    curvature = np.inf
    if free.shape[1]:
        inner = free.T @ hessian @ free
        units = np.sqrt(np.maximum(np.abs(np.diagonal(inner)), 1e-300))
        spectrum = np.linalg.eigvalsh(inner / np.outer(units, units))
        top = np.abs(inner).max(initial=0.0)
        curvature = float(spectrum[0]) if top > 1e-12 * (np.abs(hessian).max() or 1.0) else 0.0
    defect = float(np.abs(gradient).max(initial=0.0))
    return Fixed(theta, multipliers, np.abs(step[0]) + floor, curvature, defect)


def null_space(rows: FloatArray) -> FloatArray:
    """An orthonormal basis (p, q) of the directions that ``rows`` (k, p) do not see.

    >>> abs(null_space(np.array([[1.0, 1.0]]))).round(4).ravel().tolist()
    [0.7071, 0.7071]
    """
    if not rows.shape[0]:
        return np.eye(rows.shape[1])
    norms = np.linalg.norm(rows, axis=1)
    scaled = rows / np.where(norms > 0, norms, 1.0)[:, None]
    _, values, right = np.linalg.svd(scaled)
    rank = int((values > 1e-12 * max(values[0], 1e-300)).sum())
    return np.asarray(right[rank:].T)


def independent(rows: FloatArray, order: FloatArray, most: int) -> list[int]:
    """Rows that are linearly independent, taken in increasing ``order``, at most ``most``."""
    chosen: list[int] = []
    basis = np.zeros((0, rows.shape[1]))
    for index in np.argsort(order, kind="stable").tolist():
        if len(chosen) == most:
            break
        norm = float(np.linalg.norm(rows[index]))
        if not norm > 0:
            continue
        row = rows[index] / norm
        rest = row - basis.T @ (basis @ row)
        rest = rest - basis.T @ (basis @ rest)
        if np.linalg.norm(rest) > 1e-8:
            chosen.append(index)
            basis = np.vstack([basis, rest / np.linalg.norm(rest)])
    return chosen
