r"""The last digits of a least-squares answer, and how many of them are right.

Near the minimum of |r|^2 the exact Newton step solves (J^T J + C) d = -J^T r with the curvature
C = sum_i r_i Hessian(r_i). Formed naively this loses twice the digits that the problem asks for.
Here J D = Q R with unit columns gives (I + M) (R z) = -Q^T r, d = D z, M = R^-T D C D R^-1: the
matrix I + M is near the identity, its eigenvalues tell minimum from saddle however
ill-conditioned J is (Bates & Watts, "Nonlinear Regression Analysis", 1988, chapter 7). The step
is refined with r and J in extended precision (Bjorck, "Iterative refinement of linear least
squares solutions", BIT 7 (1967) 257), and what rounding leaves of it is seen at points a few
units in the last place away.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from symgd.descend.curvature import EPS
from symgd.descend.estimate import Estimate, Kind
from symgd.descend.objective import FloatArray
from symgd.descend.squares import Real, Squares, column_norms
from symgd.descend.sums import Gram, IllConditioned, Sums, sums_of

Inverse = Callable[[FloatArray, FloatArray], FloatArray]

EXTENDED = 400_000
"""Jacobians of more entries are not evaluated in extended precision."""

_MOST = 60
_ENOUGH = 1e-9


@dataclass(frozen=True, eq=False)
class Normal:
    """The exact Newton step at one point: ``step`` (p,), its ``values`` 1 + mu (p,), the rank.

    ``doubt`` is how far those may be off, ``free`` (p, k) spans the directions that the residual
    does not determine to first order; the step answers to a change of r by -``back`` half^T.
    Where only sums over the rows are known, ``factors`` (p, p) is D V S^-1, and half is J times it.
    """

    step: FloatArray
    values: FloatArray
    doubt: float
    free: FloatArray
    factors: Factors | FloatArray
    back: FloatArray

    @property
    def rank(self) -> int:
        """How many directions are determined."""
        return int(self.step.size) - int(self.free.shape[1])


class Closeness:
    """Newton steps for a sum of squares at the limit of precision."""

    def __init__(self, squares: Squares, affine: bool) -> None:
        self.squares = squares
        self.affine = affine
        self.kind = np.longdouble
        self._constant: Factors | None = None
        self._sums = sums_of(squares)
        self._seen: dict[bytes, Normal | None] = {}

    def normal(self, theta: FloatArray) -> Normal | None:
        """The Newton step at ``theta``; None where something is not finite."""
        if self._sums is not None:
            key = theta.tobytes()
            try:
                if key not in self._seen:
                    self._seen[key] = self._summed(self._sums, theta)
                return self._seen[key]
            except (IllConditioned, np.linalg.LinAlgError):
                self._sums = None
        residual = self.squares.residual(theta.astype(self.kind))
        if residual.size * theta.size > EXTENDED:
            self.kind = np.float64  # type: ignore[assignment]
            residual = residual.astype(np.float64)
        if not np.isfinite(residual).all():
            return None
        bent = np.zeros((theta.size, theta.size))
        if not self.affine:
            bent = self._bent(theta, residual.astype(np.float64))
        try:
            factors = self._factors(theta)
            if factors is None or not np.isfinite(bent).all():
                return None
            return _solve(factors, residual, bent, refine=self.kind is np.longdouble)
        except np.linalg.LinAlgError:
            return None

    def _summed(self, sums: Sums, theta: FloatArray) -> Normal | None:
        """The Newton step from the sums over the rows. Raises :class:`IllConditioned`."""
        gram = Gram.at(sums, theta)
        if gram is None:
            return None
        bent = np.zeros_like(gram.square)
        if not self.affine:
            bent = sums.half_hessian(theta) - gram.square
        if not np.isfinite(bent).all():
            raise IllConditioned
        scale = gram.scale
        frame = gram.turn / np.sqrt(gram.spectrum)
        bent = bent / np.outer(scale, scale)
        curved = frame.T @ bent @ frame
        spectrum, turn = np.linalg.eigh(np.eye(len(scale)) + (curved + curved.T) / 2)
        inner = turn / np.where(np.abs(spectrum) > 1e-14, spectrum, 1e-14)
        step = -(frame @ (inner @ (turn.T @ (frame.T @ (gram.slope / scale))))) / scale
        spread = np.abs(frame).T @ (np.abs(bent) + np.eye(len(scale))) @ np.abs(frame)
        doubt = len(scale) * (1e-13 + 8 * EPS * float(spread.max()))
        back = (frame @ inner @ turn.T) / scale[:, None]
        return Normal(
            step, spectrum, doubt, np.zeros((len(scale), 0)), frame / scale[:, None], back
        )

    def _bent(self, theta: FloatArray, residual: FloatArray) -> FloatArray:
        """C, or its central differences where a second derivative is infinite (0^c at c < 2)."""
        bent = self.squares.curvature(theta, residual)
        if np.isfinite(bent).all():
            return bent
        rows = []
        for index, value in enumerate(theta):
            step = EPS ** (1 / 3) * max(abs(value), 1e-3)
            ahead, behind = theta.copy(), theta.copy()
            ahead[index], behind[index] = value + step, value - step
            change = self.squares.jacobian(ahead) - self.squares.jacobian(behind)
            rows.append(residual @ change / (ahead[index] - behind[index]))
        full = np.array(rows)
        return np.asarray((full + full.T) / 2)

    def _factors(self, theta: FloatArray) -> Factors | None:
        """The factors of J at theta; an affine residual has one J everywhere."""
        if self._constant is not None:
            return self._constant
        jacobian = self.squares.jacobian(theta.astype(self.kind))
        if not np.isfinite(jacobian).all():
            return None
        factors = factors_of(jacobian)
        self._constant = factors if self.affine else None
        return factors

    def polish(self, theta: FloatArray, start: FloatArray) -> tuple[FloatArray, Normal] | None:
        """Newton steps until they stop shrinking; None if this is no place for them.

        Where they shrink only by a constant ratio (a root of higher order), it is enough when
        they are small against ``theta`` or ``start``: further on J loses its rank.
        """
        here = self.normal(theta)
        if here is None:
            return None
        unit = np.maximum(np.abs(theta), np.abs(here.step))
        unit = np.where(unit > 0, unit, 1.0)
        enough = _ENOUGH * np.maximum(np.abs(start), np.maximum(np.abs(theta), 1e-3))
        slow = 0
        for _ in range(_MOST):
            size = float((np.abs(here.step) / unit).max())
            moved = theta + here.step
            if not size > 0 or (moved == theta).all():
                break
            fresh = self.normal(moved)
            if fresh is None or here.rank > fresh.rank:
                break
            ratio = float((np.abs(fresh.step) / unit).max()) / size
            slow = slow + 1 if ratio > 0.3 else 0
            if not ratio < 0.9 or (slow >= 3 and (np.abs(here.step) <= enough).all()):
                break
            theta, here = moved, fresh
        return theta, here

    def estimate(self, theta: FloatArray, here: Normal, names: tuple[str, ...]) -> Judged:
        """What kind of point ``theta`` is and how far off each parameter is at most."""
        worst = float(here.values.min(initial=1.0))
        if worst < -here.doubt:
            return Judged(Estimate(Kind.SADDLE, reason="the curvature is negative there"), None)
        if worst <= here.doubt:
            return Judged(Estimate(Kind.OPEN), None)
        after = self.normal(theta + here.step)
        if after is None:
            return Judged(Estimate(Kind.OPEN), None)
        floor = self._floor(theta, here)
        first, second = np.abs(here.step), np.abs(after.step)
        slow = second > np.maximum(0.1 * _spread(first, here), 8 * floor)
        if slow.any():
            return self._geometric(theta, here, after, floor)
        errors = np.abs(here.step + after.step) + 0.12 * second + floor
        kind, reason = Kind.MINIMUM, ""
        if here.free.shape[1] and not self.affine:
            return Judged(Estimate(Kind.OPEN, reason=undetermined(here.free, names)), None)
        if here.free.shape[1]:
            kind, reason = Kind.VALLEY, undetermined(here.free, names)
        found = Estimate(kind, float(errors.max()), float(floor.max()), reason=reason)
        with np.errstate(divide="ignore", invalid="ignore"):
            noise = float(np.nanmax(np.where(floor > 0, first / floor, 0.0), initial=0.0))
        return Judged(replace(found, noise=noise), errors)

    def _geometric(
        self, theta: FloatArray, here: Normal, after: Normal, floor: FloatArray
    ) -> Judged:
        """The estimate where steps shrink by a constant ratio towards a root of higher order.

        The loss is bounded below by zero; where it falls to nothing along with the steps, their
        sum leads to a minimum.
        """
        third = self.normal(theta + here.step + after.step)
        if third is None or here.free.shape[1]:
            return Judged(Estimate(Kind.OPEN), None)
        unit = np.maximum(np.abs(theta), np.abs(here.step))
        unit = np.where(unit > 0, unit, 1.0)
        sizes = [float((np.abs(n.step) / unit).max()) for n in (here, after, third)]
        ratio = sizes[2] / sizes[1]
        steady = abs(sizes[1] / sizes[0] - ratio) < 0.1 and 0.05 < ratio < 0.9
        rests = [self.squares.residual(t) for t in (theta, theta + here.step + after.step)]
        falls = float(rests[1] @ rests[1]) < ratio**3 * float(rests[0] @ rests[0])
        if not (steady and falls):
            return Judged(Estimate(Kind.OPEN), None)
        errors = 1.5 * np.maximum(np.abs(here.step), np.abs(after.step)) / (1 - ratio) + floor
        found = Estimate(Kind.MINIMUM, float(errors.max()), float(floor.max()), math.inf)
        return Judged(found, errors)

    def _floor(self, theta: FloatArray, here: Normal) -> FloatArray:
        """What rounding does to the step, seen a few units in the last place away (p,)."""
        unit = np.spacing(np.abs(theta))
        signs = np.where(np.arange(theta.size) % 2, 1.0, -1.0)
        floor = unit / 2
        for shift in (3 * unit, -5 * signs * unit):
            moved = theta + shift
            near = self.normal(moved)
            if near is None:
                return np.full(theta.size, math.inf)
            seen = near.step + (moved - theta) - here.step
            if here.free.shape[1]:
                seen = seen - here.free @ (np.linalg.pinv(here.free) @ seen)
            floor = np.maximum(floor, np.abs(seen))
        return floor + self._rounding(theta, here)

    def _rounding(self, theta: FloatArray, here: Normal) -> FloatArray:
        """What rounding inside the residual, the same at all points near, does to the step (p,)."""
        factors = here.factors
        if isinstance(factors, np.ndarray):
            assert self._sums is not None
            summed: FloatArray = np.sqrt(self._sums.spread(theta, here.back @ factors.T))
            return 4 * EPS * summed
        image = np.abs(factors.scaled).astype(np.float64) @ (factors.scale * np.abs(theta))
        response = here.back @ factors.half.T
        eps = 4 * float(np.finfo(self.kind).eps)
        spread: FloatArray = eps * np.sqrt((response**2) @ image**2)
        return spread


@dataclass(frozen=True, eq=False)
class Judged:
    """An estimate with the error of each parameter (p,), where they are known."""

    estimate: Estimate
    errors: FloatArray | None


def _spread(first: FloatArray, here: Normal) -> FloatArray:
    """The first step; parameters that happen not to move count with the others."""
    spread: FloatArray = np.maximum(first, 1e-3 * float(first.max(initial=0.0)) * (first > 0))
    return spread


@dataclass(frozen=True, eq=False)
class Factors:
    """J D = Q R with columns of length 1, and the directions that it determines.

    ``frame`` (p, r) is V S^-1 and ``half`` (m, r) is Q U for the singular values S of R that are
    above rounding; ``loose`` (p, p - r) spans the others.
    """

    scaled: Real
    scale: FloatArray
    frame: FloatArray
    half: FloatArray
    loose: FloatArray


def factors_of(jacobian: Real) -> Factors:
    """The factors of J, padded with rows of zeros if it has fewer rows than columns."""
    scale = column_norms(jacobian.astype(np.float64))
    scale = np.where(scale > 0, scale, 1.0)
    rows, columns = jacobian.shape
    scaled = jacobian / scale.astype(jacobian.dtype)
    if rows < columns:
        scaled = np.vstack([scaled, np.zeros((columns - rows, columns), dtype=scaled.dtype)])
    basis, upper = np.linalg.qr(scaled.astype(np.float64))
    left, values, right = np.linalg.svd(upper)
    rank = int((values > 16 * EPS * columns * values[0]).sum())
    frame = right[:rank].T / values[:rank]
    return Factors(scaled, scale, frame, basis @ left[:, :rank], right[rank:].T)


def _solve(factors: Factors, residual: Real, bent: FloatArray, refine: bool) -> Normal:
    """The Newton step from J, r and C, refined where J and r carry more digits."""
    frame, half, scale = factors.frame, factors.half, factors.scale
    rows, columns = factors.scaled.shape
    if residual.size < rows:
        residual = np.concatenate([residual, np.zeros(rows - residual.size)])
    # With z = V S^-1 y over the determined directions: (I + M) y = -U'Q'r.
    bent = bent / np.outer(scale, scale)
    curved = frame.T @ bent @ frame
    spectrum, turn = np.linalg.eigh(np.eye(frame.shape[1]) + (curved + curved.T) / 2)
    inner = turn / np.where(np.abs(spectrum) > 1e-14, spectrum, 1e-14)

    def inverse(defect: FloatArray, force: FloatArray) -> FloatArray:
        """z of (R'R + C) z = force - R'Q'defect."""
        return np.asarray(frame @ (inner @ (turn.T @ (frame.T @ force - half.T @ defect))))

    z: Real = inverse(residual.astype(np.float64), np.zeros(columns))
    if refine:
        z = _refined(factors.scaled, residual, bent, z, inverse)
    spread = np.abs(frame).T @ np.abs(bent) @ np.abs(frame)
    doubt = columns * (1e-13 + 8 * EPS * float(spread.max(initial=0.0)))
    back = (frame @ inner @ turn.T) / scale[:, None]
    step = np.asarray(z / scale, dtype=np.float64)
    return Normal(step, spectrum, doubt, factors.loose / scale[:, None], factors, back)


def _refined(scaled: Real, residual: Real, bent: FloatArray, z: Real, inverse: Inverse) -> Real:
    """z and s = r + J z improved together until they stay: f and h are what is left over."""
    z = z.astype(scaled.dtype)
    s = residual + scaled @ z
    last = math.inf
    for _ in range(8):
        f = residual + scaled @ z - s
        h = -(scaled.T @ s + bent @ z)
        more = inverse(f.astype(np.float64), h.astype(np.float64))
        size = float(np.abs(more).max(initial=0.0))
        if not size < 0.5 * last:
            break
        z, s, last = z + more, s + f + scaled @ more, size
    return z


def undetermined(free: FloatArray, names: tuple[str, ...]) -> str:
    """Which parameters the data do not determine, from the free directions (p, k).

    >>> undetermined(np.array([[1.0], [-1.0], [0.0]]), ("a", "b", "c"))
    'the data do not determine a and b: they can be changed together by (1, -1) without changing \
the loss'
    """
    if free.shape[1] == 1:
        direction = free[:, 0] / np.abs(free[:, 0]).max()
        places = np.flatnonzero(np.abs(direction) > 1e-6)
        who = _listed([names[i] for i in places])
        if places.size == 1:
            return f"the data do not determine {who}: the loss does not depend on it here"
        steps = ", ".join(f"{direction[i] / direction[places[0]]:.4g}" for i in places)
        return (
            f"the data do not determine {who}: they can be changed together by ({steps}) "
            "without changing the loss"
        )
    size = np.abs(free).max(axis=1)
    places = np.flatnonzero(size > 1e-6 * size.max())
    who = _listed([names[i] for i in places])
    return f"the data do not determine {who}: {free.shape[1]} combinations of them are free"


def _listed(names: list[str]) -> str:
    if len(names) > 8:
        names = [*names[:7], f"{len(names) - 7} more"]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
