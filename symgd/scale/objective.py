"""A loss over rows that are not in memory, as an objective like any other.

:class:`Streamed` answers with value, gradient, Hessian and Hessian times a vector by passes over
the rows. For a sum of squares, :class:`Compact` stands for its residuals: at each theta the N
rows of [J, r] are replaced by the few rows of R in [J, r] = Q R, which have the same inner
products. Levenberg-Marquardt, the exact solve, bounds and the estimates of the error only ever
use those, and so they work on R as they do on all rows. If the residuals are affine in the
parameters, one R serves every theta: one pass over the data in all.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgd.data.columns import FloatArray
from symgd.derive.partials import Partials
from symgd.descend.objective import Layout
from symgd.scale import exact
from symgd.scale.engine import Engine, evaluated
from symgd.scale.products import EXACT
from symgd.scale.rows import NotByRow, Rows, rows_of
from symgd.scale.spec import Spec, formula
from symgd.scale.totals import totals

Real = NDArray[Any]
_KEPT = 16
"""Points of which the results are remembered."""


class Remembered:
    """The last few results, by the bytes of theta."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, bytes], Any] = OrderedDict()

    def get(self, what: str, theta: FloatArray, make: Any) -> Any:
        """The result for ``theta``, made if it is not known."""
        key = what, theta.tobytes()
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        found = self._known[key] = make(theta)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return found


class Compact:
    """Residuals and Jacobian of a sum of squares, as the few rows with the same inner products."""

    def __init__(self, spec: Spec, engine: Engine, backend: str) -> None:
        self.spec, self.engine, self._backend = spec, engine, backend
        self.rows: Rows = rows_of(spec)
        made = formula(spec)
        self.layout, self.affine = made.layout, made.structure.affine
        self.names = self.layout.names
        self.proper = True
        self._inner: FloatArray | None = None
        self._memory = Remembered()

    @property
    def size(self) -> int:
        """The number of rows."""
        return self.layout.size + 1

    def triangle(self, theta: FloatArray) -> Real:
        """R for the columns [J, r, target, 1] at ``theta``, in extended precision."""
        theta = np.zeros(self.layout.size) if self.affine else np.asarray(theta, np.float64)
        found: Real = self._memory.get("triangle", theta, self._triangle)
        return found

    def _triangle(self, theta: FloatArray) -> Real:
        products = self.engine.inner(self.spec, theta, self._numbers(self.rows.counts))
        products = [exact.folded(p) if len(p) == 2 else p for p in products]
        numbers = self._numbers(True)
        scales = self.rows.scales(numbers)
        by_row = [s for s, t in zip(scales, self.rows.terms, strict=True) if t.by_row]
        others = [s for s, t in zip(scales, self.rows.terms, strict=True) if not t.by_row]
        k = products[0].shape[1]
        fixed = [_padded(c, k) for c in self.rows.fixed(theta, numbers)]
        if not all(np.isfinite(p).all() for p in [*products, *fixed]):
            return np.full((k, k), np.nan, dtype=np.longdouble)
        if len(products[0]) == 2:
            pairs = [_wide(p, k) for p in products] + [exact.gram(c) for c in fixed]
            return exact.triangle(exact.combined(pairs, [*by_row, *others]))
        stack = [np.sqrt(w) * _wide(p, k)[0] for w, p in zip(by_row, products, strict=True)]
        stack += [np.sqrt(w) * c.T for w, c in zip(others, fixed, strict=True)]
        upper = np.linalg.qr(np.vstack(stack), mode="r")
        return np.asarray(upper, dtype=np.longdouble)

    def _numbers(self, needed: bool) -> FloatArray:
        """The count of the rows, and the sums that the residuals hold; nan if not yet known."""
        if not needed:
            return np.array([np.nan if self.engine.n_rows is None else self.engine.n_rows])
        rows = float(self.engine.count(self.spec))
        if self.rows.inner and self._inner is None:
            zero = np.zeros(self.layout.size)
            self._inner = evaluated(self.engine, self.spec, "inner", [zero], self._backend)[0]
        return np.array([rows, *([] if self._inner is None else self._inner)])

    def residual(self, theta: Real) -> Real:
        """The residuals (p + 1,) in the precision of theta."""
        p, kind = self.layout.size, theta.dtype.type
        upper = self.triangle(theta)[: p + 1, : p + 1]
        if self.affine:
            long = upper[:, :p] @ theta.astype(np.longdouble) + upper[:, p]
            return long.astype(kind)
        return upper[:, p].astype(kind)

    def jacobian(self, theta: Real) -> Real:
        """The Jacobian (p + 1, p) in the precision of theta."""
        p = self.layout.size
        return self.triangle(theta)[: p + 1, :p].astype(theta.dtype.type)

    def curvature(self, theta: FloatArray, weights: FloatArray) -> FloatArray:
        """sum_i r_i Hessian(r_i) over all rows (p, p), where ``weights`` are the residuals."""
        p = self.layout.size
        if self.affine:
            return np.zeros((p, p))
        found: FloatArray = self._memory.get("curvature", theta, self._curvature)
        return found

    def _curvature(self, theta: FloatArray) -> FloatArray:
        given = [np.concatenate([theta, unit, theta]) for unit in np.eye(theta.size)]
        full = np.array(evaluated(self.engine, self.spec, "bent", given, self._backend))
        return np.asarray((full + full.T) / 2)


def _padded(columns: FloatArray, k: int) -> FloatArray:
    """Columns (j, n) with columns of zeros up to k."""
    return np.vstack([columns, np.zeros((k - len(columns), columns.shape[1]))])


def _wide(product: FloatArray, k: int) -> FloatArray:
    full = np.zeros((len(product), k, k))
    size = product.shape[1]
    full[:, :size, :size] = product
    return full


class Streamed:
    """The loss as a function of theta by passes over the rows; see the module.

    ``data`` and ``sizes`` are those of a sample in memory, for what only needs to know how
    large the columns are.
    """

    def __init__(
        self, spec: Spec, engine: Engine, sample: Mapping[str, FloatArray], backend: str = "auto"
    ) -> None:
        made = formula(spec)
        self.spec, self.engine = spec, engine
        self.partials: Partials = made.partials
        self.layout: Layout = made.layout
        self.structure = made.structure
        self.data: Mapping[str, FloatArray] = sample
        self.sizes = {"N": len(next(iter(sample.values())))}
        self._backend = backend
        self._memory = Remembered()
        self.squares: Compact | None = None
        if made.structure.squares is not None and not made.structure.offset:
            try:
                self.squares = Compact(spec, engine, backend)
            except NotByRow:
                self.squares = None
        if self.squares is None:
            totals(spec, "loss", backend)

    @property
    def names(self) -> tuple[str, ...]:
        """The p components of theta."""
        return self.layout.names

    @property
    def backend(self) -> str:
        """What computes, in words."""
        if self.squares is not None:
            kind = "exact" if self.layout.size + 3 <= EXACT else "QR"
            return f"inner products ({kind}), {self.engine.words}"
        return f"{totals(self.spec, 'loss', self._backend).words}, {self.engine.words}"

    def pack(self, values: Mapping[str, object]) -> FloatArray:
        """Named parameters as the vector theta."""
        return self.layout.pack(values)

    def unpack(self, theta: FloatArray) -> dict[str, float | FloatArray]:
        """The vector theta as named parameters."""
        return self.layout.unpack(theta)

    @property
    def n_rows(self) -> int:
        """How many rows the data have."""
        return self.engine.count(self.spec)

    def __call__(self, theta: FloatArray, /) -> tuple[float, FloatArray]:
        if self.squares is not None:
            long = theta.astype(np.longdouble)
            residual = self.squares.residual(long)
            slope = 2 * (self.squares.jacobian(long).T @ residual)
            return float(residual @ residual), slope.astype(np.float64)
        found = self._memory.get("loss", theta, lambda t: self._evaluated("loss", [t])[0])
        return float(found[0]), found[1:].copy()

    def hessian(self, theta: FloatArray, /) -> FloatArray:
        """The matrix of second derivatives (p, p)."""
        if self.squares is not None:
            slopes = self.squares.jacobian(theta.astype(np.longdouble))
            curved = self.squares.curvature(theta, np.zeros(0))
            return np.asarray(2 * ((slopes.T @ slopes).astype(np.float64) + curved))
        found: FloatArray = self._memory.get("hessian", theta, self._hessian)
        return found.copy()

    def _hessian(self, theta: FloatArray) -> FloatArray:
        given = [np.concatenate([theta, unit]) for unit in np.eye(theta.size)]
        full = np.array(self._evaluated("hessian", given))
        return np.asarray((full + full.T) / 2)

    def product(self, theta: FloatArray, vector: FloatArray, /) -> FloatArray:
        """The Hessian at ``theta`` times ``vector``."""
        if self.squares is not None and self.structure.affine:
            slopes = self.squares.jacobian(theta.astype(np.longdouble))
            return np.asarray(2 * (slopes.T @ (slopes @ vector)), dtype=np.float64)
        return self._evaluated("hessian", [np.concatenate([theta, vector])])[0]

    def _evaluated(self, kind: str, given: list[FloatArray]) -> list[FloatArray]:
        return evaluated(self.engine, self.spec, kind, given, self._backend)
