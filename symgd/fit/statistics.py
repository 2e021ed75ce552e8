r"""Covariance, information criteria and the like, as functions of a fitted model.

Least squares: Cov = s^2 (J^T W J)^-1 with s^2 = RSS/(N - p), the weighted residual sum of
squares RSS = sum_i w_i r_i^2 (Seber & Wild, "Nonlinear Regression", 1989, section 2.1.2).
Likelihoods: Cov = H^-1 with the Hessian H of the negative log-likelihood.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from symgd.compile.predictor import Predictor, predictor_of
from symgd.descend.closeness import EXTENDED
from symgd.descend.curvature import EPS
from symgd.descend.objective import FloatArray
from symgd.fit.model import Fitted

LIKELIHOODS = ("mse", "sse", "logistic", "poisson")


@dataclass(frozen=True, eq=False)
class Covariance:
    """The covariance matrix (p, p) and the directions ``free`` (p, k) that data do not fix."""

    matrix: FloatArray
    free: FloatArray


def covariance(fitted: Fitted, theta: FloatArray, variance: float) -> Covariance:
    """The covariance of the estimates; nan in the rows of parameters that are not determined."""
    with np.errstate(all="ignore"):
        if fitted.squares:
            return _least_squares(fitted, theta, variance)
        if fitted.kind not in LIKELIHOODS:
            found = _sandwich(fitted, theta)
            if found is not None:
                return found
        return _likelihood(fitted, theta)


def _least_squares(fitted: Fitted, theta: FloatArray, variance: float) -> Covariance:
    jacobian = fitted.precise_jacobian(theta)
    if fitted.weight is not None:
        jacobian = jacobian * np.sqrt(fitted.weight)[:, None]
    if not np.isfinite(jacobian).all():
        return Covariance(np.full((theta.size, theta.size), np.nan), np.zeros((theta.size, 0)))
    return _marked(*inverse_normal(jacobian), variance)


def inverse_normal(jacobian: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(J^T J)^+ and the null directions of J (p, k), with columns scaled and refined.

    >>> inverse_normal(np.array([[2.0, 0.0], [0.0, 1.0]]))[0].tolist()
    [[0.25, 0.0], [0.0, 1.0]]
    """
    kind = np.longdouble if jacobian.size <= EXTENDED else np.float64
    long = jacobian.astype(kind)
    scale = np.sqrt((long**2).sum(axis=0))
    scale = np.where(scale > 0, scale, 1)
    scaled = long / scale
    p = jacobian.shape[1]
    short = scaled.astype(np.float64)
    if short.shape[0] < p:
        short = np.vstack([short, np.zeros((p - short.shape[0], p))])
        scaled = np.vstack([scaled, np.zeros((p - scaled.shape[0], p), dtype=kind)])
    basis, upper = np.linalg.qr(short)
    left, values, right = np.linalg.svd(upper)
    rank = int((values > 16 * EPS * p * values[0]).sum())
    frame = right[:rank].T / values[:rank]
    half = basis @ left[:, :rank]
    inverse = (frame @ frame.T).astype(kind)
    identity = right[:rank].T @ right[:rank]
    image = scaled @ inverse
    for _ in range(4):
        defect = scaled @ inverse - image
        force = identity - scaled.T @ image
        more = frame @ (frame.T @ force.astype(float) - half.T @ defect.astype(float))
        inverse = inverse + more
        image = image + defect + scaled @ more
    matrix = np.asarray((inverse + inverse.T) / 2 / np.outer(scale, scale), dtype=np.float64)
    free = np.asarray(right[rank:].T / scale.astype(np.float64)[:, None])
    return matrix, free


def _sandwich(fitted: Fitted, theta: FloatArray) -> Covariance | None:
    r"""H^-1 (sum_i g_i g_i^T) H^-1 N/(N - p) for a loss that is no likelihood, such as Huber's.

    g_i is the part of row i in the gradient, H the Hessian of the loss (Huber 1967; White 1982).
    None if the loss holds parameters beside the prediction.
    """
    slopes = fitted.slopes(theta)
    hessian = fitted.objective.hessian(theta)
    count, p = fitted.target.shape[0], theta.size
    if slopes is None or count <= p or not np.isfinite(hessian).all():
        return None
    bread, free = _inverse(hessian)
    scores = slopes[:, None] * fitted.jacobian(theta)
    meat = scores.T @ scores * (count / (count - p))
    return _marked(bread @ meat @ bread, free, 1.0)


def _inverse(hessian: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The inverse on the directions that have curvature, and the other directions."""
    units = np.sqrt(np.abs(np.diagonal(hessian)))
    units = np.where(units > 0, units, 1.0)
    values, vectors = np.linalg.eigh(hessian / np.outer(units, units))
    kept = values > 1e-13 * max(float(values[-1]), 1e-300)
    part = vectors[:, kept] / units[:, None]
    return (part / values[kept]) @ part.T, vectors[:, ~kept] / units[:, None]


def _likelihood(fitted: Fitted, theta: FloatArray) -> Covariance:
    count = 1 if fitted.objective.partials.loss.op == "sum" else fitted.target.shape[0]
    predictor = predictor_of(fitted.objective)
    if predictor is not None and predictor.condition > 1e4:
        return _through(predictor, theta, count)
    hessian = fitted.objective.hessian(theta) * count
    if not np.isfinite(hessian).all():
        return Covariance(np.full(hessian.shape, np.nan), np.zeros((theta.size, 0)))
    return _marked(*_inverse(hessian), 1.0)


def _through(predictor: Predictor, theta: FloatArray, count: int) -> Covariance:
    """The covariance by way of the orthogonal coordinates of the linear predictor."""
    hessian = predictor.hessian(predictor.phi(theta)) * count
    values, vectors = np.linalg.eigh(hessian)
    if not values[0] > 1e-13 * values[-1]:
        return _marked(np.full(hessian.shape, np.nan), np.zeros((theta.size, 0)), 1.0)
    root = predictor.back() @ (vectors / np.sqrt(values))
    return Covariance(root @ root.T, np.zeros((theta.size, 0)))


def _marked(matrix: FloatArray, free: FloatArray, variance: float) -> Covariance:
    """The matrix with nan for parameters that take part in a free direction."""
    matrix = matrix * variance
    if free.shape[1]:
        touched = np.abs(free / np.abs(free).max(axis=0)).max(axis=1) > 1e-6
        matrix[touched] = np.nan
        matrix[:, touched] = np.nan
    return Covariance(matrix, free)


def log_likelihood(fitted: Fitted, theta: FloatArray, rss: float) -> float | None:
    """The maximised log-likelihood, where the loss is one.

    Normal errors for least squares, of unknown variance RSS/N or of the sigma that is given as
    absolute; binomial and Poisson for ``logistic`` and ``poisson``.
    """
    n = int(fitted.target.shape[0])
    if fitted.squares and fitted.absolute and fitted.weight is not None:
        constant = float(np.log(2 * math.pi / fitted.weight).sum())
        return -0.5 * (rss + constant)
    if fitted.squares:
        if not rss > 0:
            return None
        weights = 0.0
        if fitted.weight is not None:
            weights = 0.5 * float(np.log(fitted.weight[fitted.weight > 0]).sum())
        return -0.5 * n * (math.log(2 * math.pi * rss / n) + 1.0) + weights
    if fitted.kind == "logistic":
        return -n * fitted.objective(theta)[0]
    if fitted.kind == "poisson":
        from scipy.special import gammaln

        weight = 1.0 if fitted.weight is None else fitted.weight
        constant = float(np.sum(weight * gammaln(fitted.target + 1.0)))
        return -n * fitted.objective(theta)[0] - constant
    return None


def null_log_likelihood(fitted: Fitted) -> float | None:
    """The log-likelihood of the best constant model, for ``logistic`` and ``poisson``."""
    y = fitted.target
    w = np.ones(y.size) if fitted.weight is None else fitted.weight
    mean = float(np.average(y, weights=w))
    if fitted.kind == "logistic" and 0 < mean < 1:
        return float(np.sum(w * (y * math.log(mean) + (1 - y) * math.log1p(-mean))))
    if fitted.kind == "poisson" and mean > 0:
        from scipy.special import gammaln

        return float(np.sum(w * (y * math.log(mean) - mean - gammaln(y + 1.0))))
    return None


def deviance(fitted: Fitted, theta: FloatArray, rss: float) -> float | None:
    """Twice what the saturated model gains: RSS for least squares."""
    if fitted.squares:
        return rss
    reached = log_likelihood(fitted, theta, rss)
    y = fitted.target
    w = np.ones(y.size) if fitted.weight is None else fitted.weight
    if reached is None:
        return None
    if fitted.kind == "logistic":
        from scipy.special import xlogy

        saturated = float(np.sum(w * (xlogy(y, y) + xlogy(1 - y, 1 - y))))
    else:
        from scipy.special import gammaln, xlogy

        saturated = float(np.sum(w * (xlogy(y, y) - y - gammaln(y + 1.0))))
    return 2.0 * (saturated - reached)


def has_intercept(fitted: Fitted, theta: FloatArray) -> bool:
    """Whether adding a constant to the prediction is within reach of the parameters."""
    jacobian = fitted.jacobian(theta)
    if not np.isfinite(jacobian).all():
        return True
    norms = np.linalg.norm(jacobian, axis=0)
    basis, _ = np.linalg.qr(jacobian / np.where(norms > 0, norms, 1.0))
    ones = np.ones(jacobian.shape[0])
    rest = ones - basis @ (basis.T @ ones)
    return bool(np.linalg.norm(rest) < 1e-6 * math.sqrt(ones.size))
