r"""Which parameters do the data not determine? Directions along which the loss never changes.

A loss does not change along v anywhere if v . gradient is zero at every point: v is in the null
space of a matrix of gradients at random points. For a model with a product a*b the direction
turns from point to point, v = (a, -b); it is found as v = diag(s) theta with a constant s, in the
null space of (row gradients) diag(theta), and says that only a*b matters. For exp(a)*b a shift goes
with a scaling, v = (1, -b), which is in the null space of both matrices side by side.

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
from symgd.diagnose.nullspace import LARGEST, null_space, vanishes

MOST = 200
"""With more parameters than this nothing is looked for."""
_POINTS = 4
_ROWS = 60

Samples = list[tuple[FloatArray, FloatArray]]
"""Points (p,) with matrices (k, p)."""


@dataclass(frozen=True, eq=False)
class Free:
    """A direction (p,) along which the loss does not change.

    ``kind`` is "fixed" if it is the same everywhere, "scaling" if it is v = s * theta with this s
    (the products stay the same), "mixed" if it is v = direction + scales * theta, "local" if it is
    free at one point and turns from there on; ``names`` are the components of theta.
    """

    direction: FloatArray
    names: tuple[str, ...]
    kind: str = "fixed"
    scales: FloatArray | None = None

    @property
    def involved(self) -> tuple[str, ...]:
        """The components that the direction moves."""
        scales = np.zeros(len(self.names)) if self.scales is None else self.scales
        moved = (self.direction != 0) | (scales != 0)
        return tuple(n for n, m in zip(self.names, moved, strict=True) if m)

    def at(self, theta: FloatArray) -> FloatArray:
        """The direction (p,) at a point."""
        if self.kind == "scaling":
            return self.direction * theta
        return self.direction if self.scales is None else self.direction + self.scales * theta

    @property
    def matters(self) -> str:
        """What the loss depends on instead of two parameters, ``"a + b"``, else empty."""
        if self.scales is not None:
            return _exponential(self)
        moved = [(n, Fraction(float(d)).limit_denominator(LARGEST))
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
        if len(names) == 1 and self.scales is None:
            return f"{names[0]} does not matter: the loss does not change with it"
        matters = self.matters
        head = f"only {matters} matters" if matters else "not determined"
        parts, where = self._parts()
        return f"{head}: the direction ({', '.join(names)}) = ({', '.join(parts)}) is free{where}"

    def _parts(self) -> tuple[list[str], str]:
        """The components that move, and where that is so."""
        if self.scales is not None:
            return [_moved(self, n) for n in self.involved], " at every point"
        numbers = [d for d in self.direction if d]
        if self.kind == "scaling":
            parts = [_times(n, d) for n, d in zip(self.involved, numbers, strict=True)]
            return parts, " at every point"
        here = " here, another one elsewhere" if self.kind == "local" else ""
        return [_number(d) for d in numbers], here


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
    plain = [v for v in null_space(stacked) if vanishes(stacked, v)]
    found = [Free(v, names) for v in plain]
    if rows is not None:
        point = samples[0][0]
        for more in (*_scalings(samples, names), *_mixed(samples, names)):
            if _independent([*found, more], point):
                found.append(more)
        found += _local([*samples, *_here(rows, centre)], len(found), names)
    return tuple(found)


def _here(rows: Callable[[FloatArray], FloatArray], centre: FloatArray) -> Samples:
    """The sample at the centre itself, if it is finite."""
    with np.errstate(all="ignore"):
        matrix = rows(centre)
    return [(centre, matrix)] if np.isfinite(matrix).all() and matrix.any() else []


def _local(samples: Samples, known: int, names: tuple[str, ...]) -> list[Free]:
    """Directions free at a point beyond the ``known`` ones, if every sampled point has them."""
    spaces = [null_space(matrix) for _, matrix in samples]
    if min(map(len, spaces)) <= known:
        return []
    return [Free(v, names, "local") for v in spaces[-1]][known : min(map(len, spaces))]


def _scalings(samples: Samples, names: tuple[str, ...]) -> list[Free]:
    """Directions diag(s) theta that no row notices."""
    stacked = np.vstack([matrix * theta for theta, matrix in samples])
    null = [v for v in null_space(stacked) if vanishes(stacked, v)]
    return [Free(v, names, "scaling") for v in null]


def _independent(found: list[Free], theta: FloatArray) -> bool:
    """Whether the directions are linearly independent at ``theta``."""
    rows = np.array([free.at(theta) for free in found])
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return int(np.linalg.matrix_rank(rows, 1e-9)) == len(found)


def _mixed(samples: Samples, names: tuple[str, ...]) -> list[Free]:
    """Directions that shift some parameters and scale others at the same time."""
    size = len(names)
    stacked = np.vstack([np.hstack([matrix * theta, matrix]) for theta, matrix in samples])
    found = []
    for vector in null_space(stacked):
        scales, shifts = vector[:size], vector[size:]
        if scales.any() and shifts.any() and vanishes(stacked, vector):
            found.append(Free(shifts, names, "mixed", scales))
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


def _exponential(free: Free) -> str:
    """What stays the same if one parameter is shifted while another one is scaled."""
    assert free.scales is not None
    shifted, scaled = np.flatnonzero(free.direction), np.flatnonzero(free.scales)
    if shifted.size != 1 or scaled.size != 1 or shifted[0] == scaled[0]:
        return ""
    factor = -free.scales[scaled[0]] / free.direction[shifted[0]]
    return f"exp({_times(free.names[shifted[0]], factor)})*{free.names[scaled[0]]}"


def _moved(free: Free, name: str) -> str:
    """The component of a mixed direction for one parameter."""
    assert free.scales is not None
    place = free.names.index(name)
    shift, scale = free.direction[place], free.scales[place]
    if not scale:
        return _number(shift)
    return _times(name, scale) + (f" + {_number(shift)}" if shift else "")


def _number(value: float) -> str:
    near = Fraction(float(value)).limit_denominator(LARGEST)
    neat = abs(float(near) - value) <= 1e-12 * abs(value) and abs(near) <= LARGEST**2
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
