r"""The loss around a point as a quadratic, with what is known and what is noise.

The Hessian H (exact, or central differences of the gradient) is scaled to a unit diagonal,
D H D with D = diag(H_jj^(-1/2)), and diagonalised there. With the scaled eigenvectors
w_i = D v_i as basis, g = -sum_i lambda_i c_i w_i^(dual) and the Newton step is sum_i c_i w_i,
c_i = -(w_i . g)/lambda_i. Scaling makes the result independent of the units of the parameters.
Each eigenvalue comes with its ``doubt``: what the rounding of the gradient does to it. An
eigenvalue within its doubt is called *flat*: the data at this point cannot tell its sign.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symgd.descend.objective import FloatArray

Mask = NDArray[np.bool_]
Probe = Callable[[FloatArray], tuple[float, FloatArray]]

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class LocalModel:
    """The quadratic model at one point: H, the noise of the gradient, and the spectrum.

    ``basis`` (p, p) holds the directions w_i as columns, ``values`` (p,) the scaled
    eigenvalues, ``doubts`` (p,) how far each may be off, ``noise`` (p,) the rounding error of
    each component of the gradient.
    """

    hessian: FloatArray
    noise: FloatArray
    values: FloatArray
    doubts: FloatArray
    basis: FloatArray

    @property
    def steepest(self) -> float:
        """The largest eigenvalue L of H itself."""
        return float(np.linalg.eigvalsh(self.hessian)[-1])

    @property
    def curved(self) -> Mask:
        """Where the curvature is positive beyond doubt, as a mask (p,)."""
        mask: Mask = self.values > self.doubts
        return mask

    @property
    def falling(self) -> Mask:
        """Where the curvature is clearly negative, as a mask (p,)."""
        bound = np.maximum(self.doubts, 0.01 * self.values.max())
        mask: Mask = self.values < -bound
        return mask

    def newton(self, gradient: FloatArray) -> FloatArray:
        """The coordinates c (p,) of the Newton step in the basis; 0 where not curved."""
        safe = np.where(self.curved, self.values, 1.0)
        steps: FloatArray = np.where(self.curved, -(self.basis.T @ gradient) / safe, 0.0)
        return steps

    @property
    def rounding(self) -> FloatArray:
        """How far rounding of the gradient moves each coordinate of the Newton step (p,)."""
        safe = np.where(self.curved, self.values, 1.0)
        moves: FloatArray = np.where(self.curved, (np.abs(self.basis.T) @ self.noise) / safe, 0.0)
        return moves

    def floor(self, theta: FloatArray) -> FloatArray:
        """The error (p,) that rounding of the gradient and of ``theta`` itself leaves."""
        floor: FloatArray = np.abs(self.basis) @ self.rounding + np.spacing(np.abs(theta)) / 2
        return floor

    def inverse(self) -> FloatArray:
        """The pseudo-inverse of H over the curved directions (p, p)."""
        curved = self.basis[:, self.curved]
        inverse: FloatArray = (curved / self.values[self.curved]) @ curved.T
        return inverse


def local_model(
    probe: Probe,
    exact: Callable[[FloatArray], FloatArray] | None,
    theta: FloatArray,
    gradient: FloatArray,
    steps: FloatArray,
) -> LocalModel | None:
    """The quadratic model at ``theta``, or None where the curvature is not finite."""
    hessian = exact(theta) if exact is not None else differences(probe, theta, steps)
    if hessian is None or not np.isfinite(hessian).all():
        return None
    skew = np.abs(hessian - hessian.T) / 2
    hessian = (hessian + hessian.T) / 2
    noise = gradient_noise(probe, theta, gradient, hessian)
    if exact is None:
        spread = noise[:, None] / steps[None, :]
        doubt = skew + (spread + spread.T) / 2
    else:
        doubt = skew + 8 * EPS * np.abs(hessian)
    return _diagonalised(hessian, noise, doubt)


def differences(probe: Probe, theta: FloatArray, steps: FloatArray) -> FloatArray | None:
    """The Hessian (p, p) by central differences of the gradient; None if it is not finite.

    Where a step of the given length leaves the domain, shorter ones are tried.
    """
    columns = []
    for index, step in enumerate(steps):
        for length in (step, step / 256, step / 65536):
            column = _column(probe, theta, index, length)
            if np.isfinite(column).all():
                break
        else:
            return None
        columns.append(column)
    return np.array(columns)


def _column(probe: Probe, theta: FloatArray, index: int, step: float) -> FloatArray:
    ahead, behind = theta.copy(), theta.copy()
    ahead[index] += step
    behind[index] -= step
    width = ahead[index] - behind[index]
    if not width > 0.0:
        return np.full(theta.shape, np.nan)
    difference: FloatArray = (probe(ahead)[1] - probe(behind)[1]) / width
    return difference


def gradient_noise(
    probe: Probe, theta: FloatArray, gradient: FloatArray, hessian: FloatArray
) -> FloatArray:
    """The rounding error of each component of the gradient (p,).

    Seen at points some units of the last place away, where the gradient should be that of the
    quadratic model; the far ones see the noise of terms much larger than theta. Should they
    happen to agree, a part of what the terms H theta lose at worst is assumed.
    """
    noise: FloatArray = EPS / 32 * (np.abs(hessian) @ np.abs(theta) + np.abs(gradient))
    unit = np.spacing(np.abs(theta))
    signs = np.where(np.arange(theta.size) % 2, 1.0, -1.0)
    for shift in (3 * unit, -50 * signs * unit, 3e3 * signs * unit, -2e5 * unit):
        moved = theta + shift
        seen = probe(moved)[1] - gradient - hessian @ (moved - theta)
        if np.isfinite(seen).all():
            noise = np.maximum(noise, 2.0 * np.abs(seen))
    return noise


def _diagonalised(hessian: FloatArray, noise: FloatArray, doubt: FloatArray) -> LocalModel | None:
    diagonal = np.abs(np.diagonal(hessian))
    top = diagonal.max()
    least = np.maximum(10 * np.diagonal(doubt), EPS * EPS * top)
    size = np.maximum(diagonal, least)
    scale = 1.0 / np.sqrt(np.where(size > 0.0, size, 1.0))
    scaled = hessian * scale[:, None] * scale[None, :]
    if not np.isfinite(scaled).all():
        return None
    values, vectors = np.linalg.eigh(scaled)
    unsure = doubt * scale[:, None] * scale[None, :]
    doubts = ((np.abs(vectors).T @ unsure) * np.abs(vectors).T).sum(axis=1)
    doubts = 2 * doubts + 4 * EPS * values.size * np.abs(values).max()
    basis: FloatArray = vectors * scale[:, None]
    return LocalModel(hessian, noise, values, doubts, basis)
