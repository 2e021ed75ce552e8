r"""The noise of mini-batches: how close a constant rate can come, and the decay that goes on.

At the minimum the gradient over all rows is zero, but that over a batch is not: it jumps with a
covariance C/B, C the covariance of the gradients of single rows. With a constant rate eta the
iterates then never come to rest; near the minimum their covariance S solves
H S + S H - eta H S H = eta C/B, which in the eigenbasis of the Hessian H is
S_ij = eta C_ij / (B (lambda_i + lambda_j - eta lambda_i lambda_j)).
The loss stays tr(H S)/2 above its minimum. Batches drawn with replacement are meant; shuffled
ones are less noisy.

Source: Mandt, Hoffman & Blei, JMLR 18 (2017), equations 12 and 13 (with the term of order eta
kept); Robbins & Monro (1951) for the decay.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from symgd.compile.objective import Objective
from symgd.descend.objective import FloatArray
from symgd.diagnose.spectrum import Curvature
from symgd.errors import SymgdError

ROWS = 20_000
NUMBERS = 400_000
"""With more rows a sample stands for them: of so many rows, of fewer for many parameters."""


@dataclass(frozen=True, eq=False)
class Noise:
    """What mini-batches of ``batch`` rows do at the minimum.

    ``rms`` (p,) is the root mean square distance of each parameter from the minimum at the
    constant ``rate``, ``excess`` the mean loss above the minimum there (both inf above the
    stable rate); ``decay`` is a schedule t0/(t + t1) that removes the noise, as text;
    ``row_sd`` (p,) the standard deviation of the gradient of a single row.
    """

    batch: int
    rate: float
    rms: FloatArray
    excess: float
    decay: str
    row_sd: FloatArray


def noise_floor(
    objective: Objective, theta: FloatArray, curvature: Curvature, rate: float, batch: int
) -> Noise | None:
    """The noise floor at the minimum ``theta`` (p,); ``None`` if the loss has no rows to take."""
    gradients = row_gradients(objective, theta)
    if gradients is None or curvature.vectors is None or curvature.slowest != curvature.smallest:
        return None
    summed = _adds_up(objective, theta, gradients)
    share = batch / objective.n_rows if summed else 1.0
    covariance = np.atleast_2d(np.cov(gradients, rowvar=False, bias=True))
    if summed:
        covariance = covariance * objective.n_rows**2
    values, vectors = curvature.eigenvalues, curvature.vectors
    turned = vectors.T @ covariance @ vectors
    eta = rate * share
    below = values[:, None] + values[None, :] - eta * np.outer(values, values)
    rms, excess = np.full(theta.size, math.inf), math.inf
    if eta * curvature.largest < 2.0:
        spread = eta * turned / (batch * below)
        rms = np.sqrt(np.maximum(np.diag(vectors @ spread @ vectors.T), 0.0))
        excess = float(values @ np.diag(spread)) / 2.0
    t0 = 1.0 / (curvature.smallest * share)
    t1 = t0 * curvature.largest * share
    decay = f"{t0:.4g}/(t + {t1:.4g})"
    return Noise(batch, rate, rms, excess, decay, gradients.std(axis=0))


def row_gradients(objective: Objective, theta: FloatArray) -> FloatArray | None:
    """The gradients of single rows at ``theta``, (N, p); a sample of many rows."""
    try:
        count = objective.n_rows
        rows = np.arange(count)
        most = max(400, min(ROWS, NUMBERS // theta.size**2))
        if count > most:
            rows = np.sort(np.random.default_rng(0).choice(count, most, replace=False))
        parts = [objective.at_rows(rows[i : i + 1])(theta)[1] for i in range(rows.size)]
    except SymgdError:
        return None
    found = np.array(parts)
    return found if np.isfinite(found).all() else None


def _adds_up(objective: Objective, theta: FloatArray, gradients: FloatArray) -> bool:
    """Whether the loss is a sum over the rows (its gradients add up) and not a mean."""
    if len(gradients) < 2:
        return False
    pair = objective.at_rows(np.array([0, 1]))(theta)[1]
    if len(gradients) != objective.n_rows:
        gradients = np.array([objective.at_rows(np.array([i]))(theta)[1] for i in (0, 1)])
    total = gradients[0] + gradients[1]
    return bool(np.abs(pair - total).max() < np.abs(pair - total / 2).max())
