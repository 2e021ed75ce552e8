"""Piecewise linear losses: the vertex of the minimum by linear programming.

L(theta) = c + g.theta + sum_k w_k |u_k(theta)| with affine u_k and weights w_k >= 0 (mean absolute
errors, quantiles, Chebyshev's largest error with a penalty) is least where g.theta + w.e is, over
e_k >= u_k and e_k >= -u_k. The dual values are the multipliers of the kinks, in [-1, 1].

Source: Barrodale & Roberts, "An improved algorithm for discrete L1 linear approximation",
SIAM J. Numer. Anal. 10 (1973) 839-848.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from symgd.compile.kinks import Kinks
from symgd.descend.objective import FloatArray

_MOST = 100_000
_ENTRIES = 5_000_000


@dataclass(frozen=True, eq=False)
class Vertex:
    """A minimum of a piecewise linear loss: ``theta`` (p,), and the multipliers (k,)."""

    theta: FloatArray
    multipliers: FloatArray


@dataclass(frozen=True, eq=False)
class Linear:
    """The parts of a piecewise linear loss: g (p,), w (k,), J (k, p) and u = J theta + shift."""

    slope: FloatArray
    weights: FloatArray
    rows: FloatArray
    shift: FloatArray


def vertex_of(kinks: Kinks, theta: FloatArray) -> Vertex | None:
    """The minimum; None if the loss is not piecewise linear and convex, or has none."""
    parts = linear_parts(kinks, theta)
    return None if parts is None else _solved(parts, theta)


def linear_parts(kinks: Kinks, theta: FloatArray) -> Linear | None:
    """The loss taken apart, if it is piecewise linear around ``theta`` and convex."""
    count = kinks.atoms(theta).size
    if count > _MOST or count * theta.size > _ENTRIES:
        return None
    none = np.zeros(count)
    rows, slope = kinks.jacobian(theta), kinks.held(none)(theta)[1]
    weights = kinks.slopes(theta, none)
    shift = kinks.atoms(theta) - rows @ theta
    if not all(np.isfinite(part).all() for part in (rows, slope, weights, shift)):
        return None
    random = np.random.default_rng(0)
    size = np.maximum(np.abs(theta), 1.0)
    for scale in (1.0, 30.0):
        other = theta + scale * size * random.standard_normal(theta.size)
        signs = random.choice([-1.0, 1.0], count)
        seen, wanted = kinks.held(signs)(other)[1], slope + (weights * signs) @ rows
        level = np.abs(slope) + np.abs(weights) @ np.abs(rows)
        bend = kinks.atoms(other) - (rows @ other + shift)
        reach = np.abs(rows) @ np.abs(other) + np.abs(shift)
        if not (np.abs(seen - wanted) <= 1e-9 * level).all():
            return None
        if not (np.abs(bend) <= 1e-9 * reach + 1e-300).all():
            return None
    if (weights < -1e-12 * np.abs(weights).max(initial=0.0)).any():
        return None
    return Linear(slope, np.maximum(weights, 0.0), rows, shift)


def _solved(parts: Linear, theta: FloatArray) -> Vertex | None:
    from scipy.optimize import linprog
    from scipy.sparse import csr_matrix, eye_array, hstack, vstack

    weighty = np.flatnonzero(parts.weights > 1e-14 * parts.weights.max(initial=0.0))
    rows, weights = parts.rows[weighty], parts.weights[weighty]
    unit = np.abs(rows).max(axis=0, initial=0.0)
    unit = 1.0 / np.where(unit > 0, unit, 1.0)
    moved = rows @ theta + parts.shift[weighty]
    size = float(np.abs(moved).max(initial=0.0)) or 1.0
    block, one = csr_matrix(rows * unit), eye_array(weighty.size)
    matrix = vstack([hstack([block, -one]), hstack([-block, -one])])
    cost = np.concatenate([parts.slope * unit, weights])
    limits = np.concatenate([-moved, moved]) / size
    bounds = [(None, None)] * theta.size + [(0.0, None)] * weighty.size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = linprog(
            cost / np.abs(cost).max(), matrix.tocsr(), limits, bounds=bounds, method="highs"
        )
    if found.status != 0:
        return None
    prices = -np.asarray(found.ineqlin.marginals) * np.abs(cost).max()
    above, below = prices[: weighty.size], prices[weighty.size :]
    multipliers = np.zeros(parts.weights.size)
    multipliers[weighty] = np.clip((above - below) / weights, -1.0, 1.0)
    return Vertex(theta + size * unit * np.asarray(found.x[: theta.size]), multipliers)
