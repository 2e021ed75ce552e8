r"""Which parameters do the data not determine? Directions along which the loss never changes.

A loss does not change along v anywhere if v . gradient is zero at every point: v is in the null
space of a matrix of gradients at random points. For a model with a product a*b the direction
turns from point to point, v = (a, -b); it is found as v = diag(s) theta with a constant s, in the
null space of (row gradients) diag(theta), and says that only a*b matters.

>>> from symgd.compile.objective import compile_objective
>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> partials = derive(read("mean((y - (a + b)*x)^2)"))
>>> objective = compile_objective(partials, {"x": [1.0, 2, 3], "y": [1.0, 3, 2]})
>>> print(free_directions(objective, np.zeros(2))[0])
only a + b matters: the direction (a, b) = (1, -1) is free
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from symgd.compile.objective import Objective
from symgd.descend.objective import FloatArray

MOST = 200
"""With more parameters than this nothing is looked for."""
_NULL = 1e-12
_SURE = 1e-11  # with small whole numbers
_VAGUE = 1e-13  # with any others: an ill-conditioned direction is not a free one
_POINTS = 4
_ROWS = 60
_LARGEST = 64

Samples = list[tuple[FloatArray, FloatArray]]
"""Points (p,) with matrices (k, p)."""


@dataclass(frozen=True, eq=False)
class Free:
    """A direction (p,) along which the loss does not change.

    ``kind`` is "fixed" if it is the same everywhere, "scaling" if it is v = s * theta with this s
    (the products stay the same), "local" if it is free at one point and turns from there on;
    ``names`` are the components of theta.
    """

    direction: FloatArray
    names: tuple[str, ...]
    kind: str = "fixed"

    @property
    def involved(self) -> tuple[str, ...]:
        """The components that the direction moves."""
        return tuple(n for n, d in zip(self.names, self.direction, strict=True) if d)

    @property
    def matters(self) -> str:
        """What the loss depends on instead of two parameters, ``"a + b"``, else empty."""
        moved = [(n, Fraction(float(d)).limit_denominator(_LARGEST))
                 for n, d in zip(self.names, self.direction, strict=True) if d]  # fmt: skip
        if len(moved) != 2 or self.kind == "local":
            return ""
        (a, i), (b, j) = moved
        first, second = abs(j), abs(i) if (i > 0) != (j > 0) else -abs(i)
        if self.kind == "scaling":
            return _product(a, first, b, second)
        return _sum(a, first, b, second)

    def __str__(self) -> str:
        names = self.involved
        if len(names) == 1:
            return f"{names[0]} does not matter: the loss does not change with it"
        numbers = [d for d in self.direction if d]
        if self.kind == "scaling":
            parts = ", ".join(_times(n, d) for n, d in zip(names, numbers, strict=True))
            where = f"the direction ({', '.join(names)}) = ({parts}) is free at every point"
        else:
            parts = ", ".join(_number(d) for d in numbers)
            here = " here, another one elsewhere" if self.kind == "local" else ""
            where = f"the direction ({', '.join(names)}) = ({parts}) is free{here}"
        matters = self.matters
        return f"only {matters} matters: {where}" if matters else f"not determined: {where}"


def free_directions(objective: Objective, centre: FloatArray) -> tuple[Free, ...]:
    """The free directions found at random points around ``centre`` (p,), simplest first."""
    size = centre.size
    if size > MOST:
        return ()
    random = np.random.default_rng(0)
    names = objective.names
    rows = _row_gradients(objective)
    samples = [] if rows is None else _sampled(rows, centre, random, _POINTS)
    if len(samples) < _POINTS:
        samples = _sampled(lambda p: objective(p)[1][None, :], centre, random, size + 12)
        if len(samples) < size + 4:
            return ()
        rows = None
    stacked = np.vstack([matrix for _, matrix in samples])
    plain = [v for v in _null_space(stacked) if _vanishes(stacked, v)]
    found = [Free(v, names) for v in plain]
    if rows is not None:
        found += _scalings(samples, plain, names)
        found += _local([*samples, *_here(rows, centre)], len(found), names)
    return tuple(found)


def _here(rows: Callable[[FloatArray], FloatArray], centre: FloatArray) -> Samples:
    """The sample at the centre itself, if it is finite."""
    with np.errstate(all="ignore"):
        matrix = rows(centre)
    return [(centre, matrix)] if np.isfinite(matrix).all() and matrix.any() else []


def _local(samples: Samples, known: int, names: tuple[str, ...]) -> list[Free]:
    """Directions free at a point beyond the ``known`` ones, if every sampled point has them."""
    spaces = [_null_space(matrix) for _, matrix in samples]
    if min(map(len, spaces)) <= known:
        return []
    return [Free(v, names, "local") for v in spaces[-1]][known : min(map(len, spaces))]


def _scalings(samples: Samples, plain: list[FloatArray], names: tuple[str, ...]) -> list[Free]:
    """Directions diag(s) theta that no row notices, beyond those that are free everywhere."""
    stacked = np.vstack([matrix * theta for theta, matrix in samples])
    known = [i for v in plain for i in np.flatnonzero(v)]
    found = []
    for vector in _null_space(stacked):
        moved = np.flatnonzero(vector)
        if not set(moved) <= set(known) and _vanishes(stacked, vector):
            found.append(Free(vector, names, "scaling"))
    return found


def _sampled(
    function: Callable[[FloatArray], FloatArray],
    centre: FloatArray,
    random: np.random.Generator,
    count: int,
) -> Samples:
    """Values of a function at random points of several scales where they are finite."""
    scale = np.maximum(np.abs(centre), 0.1)
    found: Samples = []
    for attempt in range(4 * count):
        spread = (1.0, 0.3, 0.1, 0.03)[attempt % 4]
        theta = centre + spread * scale * random.uniform(-1.0, 1.0, centre.size)
        with np.errstate(all="ignore"):
            value = function(theta)
        if np.isfinite(value).all() and np.abs(value).max(initial=0.0) > 0:
            found.append((theta, value))
        if len(found) == count:
            break
    return found


def _row_gradients(objective: Objective) -> Callable[[FloatArray], FloatArray] | None:
    """theta -> the gradients (k, p) of the loss on single rows; None if it has no rows."""
    if objective.partials.problem.rows is None or not objective.row_columns:
        return None
    count = objective.n_rows
    chosen = np.unique(
        np.linspace(0, count - 1, min(count, max(_ROWS, 3 * objective.layout.size))).astype(np.intp)
    )
    try:
        parts = [objective.at_rows(chosen[i : i + 1]) for i in range(chosen.size)]
    except Exception:  # the rows stand in the shape of a parameter
        return None
    return lambda theta: np.vstack([part(theta)[1] for part in parts])


def _null_space(matrix: FloatArray) -> list[FloatArray]:
    """A basis of the null space with many zeros and small whole numbers, where there is one."""
    size = np.abs(matrix).max(axis=1, keepdims=True)
    matrix = matrix / np.where(size > 0, size, 1.0)
    columns = np.abs(matrix).max(axis=0)
    idle = columns == 0
    unit = [np.asarray(np.eye(columns.size)[i]) for i in np.flatnonzero(idle)]
    kept = np.flatnonzero(~idle)
    if not kept.size:
        return unit
    scaled = matrix[:, kept] / columns[kept]
    _, values, vectors = np.linalg.svd(scaled, full_matrices=True)
    rank = int(np.count_nonzero(values > _NULL * values[0]))
    basis = vectors[rank:] / columns[kept]
    for vector in _reduced(basis):
        full = np.zeros(columns.size)
        full[kept] = vector
        unit.append(full)
    return unit


def _reduced(basis: FloatArray) -> list[FloatArray]:
    """The reduced row echelon form of ``basis`` (k, p), rounded where that is close."""
    rows = basis.copy()
    for step in range(len(rows)):
        left = rows[step:]
        sizes = np.abs(left).max(axis=0)
        open_columns = [c for c in range(rows.shape[1]) if sizes[c] > 1e-6 * np.abs(left).max()]
        column = open_columns[0]
        best = step + int(np.argmax(np.abs(left[:, column])))
        rows[[step, best]] = rows[[best, step]]
        rows[step] /= rows[step, column]
        for other in range(len(rows)):
            if other != step:
                rows[other] -= rows[other, column] * rows[step]
    return [_rounded(row) for row in rows]


def _rounded(row: FloatArray) -> FloatArray:
    """Entries next to small fractions become them; entries next to zero vanish."""
    row = np.where(np.abs(row) < 1e-8 * np.abs(row).max(), 0.0, row)
    near = [Fraction(float(v)).limit_denominator(_LARGEST) for v in row]
    close = all(
        abs(float(f) - v) <= 1e-8 * max(1.0, abs(v)) for f, v in zip(near, row, strict=True)
    )
    small = all(abs(f) <= _LARGEST**2 for f in near)
    return np.array([float(f) for f in near]) if close and small else row


def _vanishes(matrix: FloatArray, vector: FloatArray) -> bool:
    """Whether every row is orthogonal to ``vector`` to rounding."""
    neat = np.array_equal(vector * 27720, np.round(vector * 27720))
    terms = matrix * vector
    size = np.abs(terms).max(axis=1)
    return bool(
        (np.abs(terms.sum(axis=1)) <= (_SURE if neat else _VAGUE) * np.maximum(size, 1e-300)).all()
    )


def _number(value: float) -> str:
    near = Fraction(float(value)).limit_denominator(_LARGEST)
    neat = abs(float(near) - value) <= 1e-12 * abs(value) and abs(near) <= _LARGEST**2
    return str(near) if neat else f"{value:.6g}"


def _times(name: str, factor: float) -> str:
    text = _number(factor)
    return {"1": name, "-1": f"-{name}"}.get(text, f"{text}*{name}")


def _sum(a: str, i: Fraction, b: str, j: Fraction) -> str:
    first, second = _times(a, float(i)), _times(b, float(abs(j)))
    return f"{first} {'+' if j > 0 else '-'} {second}"


def _product(a: str, i: Fraction, b: str, j: Fraction) -> str:
    first, second = _power(a, i), _power(b, abs(j))
    return f"{first}{'*' if j > 0 else '/'}{second}"


def _power(name: str, exponent: Fraction) -> str:
    text = str(exponent)
    return name if exponent == 1 else f"{name}^{text if '/' not in text else f'({text})'}"
