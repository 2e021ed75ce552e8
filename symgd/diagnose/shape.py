"""The shape of a loss: convex or not, quadratic, separable, smooth; each with how it is known.

What the rules prove holds everywhere. What they cannot prove is looked at in points: two points
and their middle can refute convexity, but never prove it, so the rest is "unknown".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from symgd.compile.objective import Compiled, Objective
from symgd.compile.structure import Structure, structure_of
from symgd.derive.partials import Partials
from symgd.descend.objective import FloatArray
from symgd.diagnose.convexity import CONCAVE, CONVEX, bend_of
from symgd.diagnose.spectrum import Curvature
from symgd.errors import SymgdError
from symgd.formula.graph import Node, depends_on, symbols_of, topological

_PAIRS = 60
_MARGIN = 1e-9


@dataclass(frozen=True)
class Shape:
    """What is known of the shape of a loss.

    ``convexity`` is "convex", "concave", "not convex" or "unknown", ``reason`` how that is known,
    ``groups`` the parameters that can be minimised apart from each other (one group: not
    separable), ``proved`` whether the formula shows the groups or only random points do.
    """

    convexity: str
    reason: str
    structure: Structure
    groups: tuple[tuple[str, ...], ...]
    proved: bool

    @property
    def separable(self) -> bool:
        """Whether the loss is a sum of losses of different parameters."""
        return len(self.groups) > 1

    @property
    def words(self) -> str:
        """The shape in a sentence."""
        parts = [
            self.structure.words.removeprefix("the loss is "),
            f"{self.convexity} ({self.reason})",
        ]
        if self.separable:
            shown = " | ".join(", ".join(g) for g in self.groups[:6])
            more = " | ..." if len(self.groups) > 6 else ""
            known = "" if self.proved else ", as random points show"
            parts.append(f"separable: {shown}{more}{known}")
        return "; ".join(parts)


def shape_of(
    objective: Objective, structure: Structure, theta: FloatArray, curvature: Curvature | None
) -> Shape:
    """The shape of the loss; ``theta`` (p,) is a point of interest with its curvature."""
    convexity, reason = _convexity(objective, structure, theta, curvature)
    groups, proved = _groups(objective, theta)
    return Shape(convexity, reason, structure, groups, proved)


# -- convexity ------------------------------------------------------------------------------------


def _convexity(
    objective: Objective, structure: Structure, theta: FloatArray, curvature: Curvature | None
) -> tuple[str, str]:
    bend = bend_of(objective.partials, known_signs(objective)).curvature
    if bend in (CONVEX, CONCAVE):
        return bend, "proved by the rules of composition"
    if bend != "unknown":
        return CONVEX, "the loss is linear in the parameters"
    if structure.quadratic and curvature is not None and np.isfinite(curvature.largest):
        low = curvature.smallest
        if low >= -curvature.noise:
            return CONVEX, f"a quadratic with curvatures from {max(low, 0.0):.4g} up"
        high = curvature.largest
        if high <= curvature.noise:
            return CONCAVE, f"a quadratic with curvatures up to {min(high, 0.0):.4g}"
        return "not convex", f"a quadratic with the curvature {low:.4g} in some direction"
    found = _witness(objective, theta, curvature)
    if found is not None:
        return "not convex", found
    return "unknown", f"no rule proves it, and {_PAIRS} pairs of points do not refute it"


def known_signs(objective: Objective) -> dict[Node, int]:
    """The signs that the data give to the parts of the loss without parameters."""
    partials = objective.partials
    order = topological(partials.loss)
    active = depends_on(order, [partials.problem.symbol(n) for n in partials.wrt])
    edge = {a for n in order if n in active for a in n.args if a not in active}
    nodes = [n for n in edge if symbols_of(n) and n.op not in ("num", "const", "dim")]
    if not nodes:
        return {}
    signs = {}
    values = Compiled(nodes).run({**objective.data}, objective.sizes)
    for node, value in zip(nodes, values, strict=True):
        low, high = float(np.min(value)), float(np.max(value))
        signs[node] = 1 if low >= 0 else -1 if high <= 0 else 0
    return signs


def _witness(objective: Objective, theta: FloatArray, curvature: Curvature | None) -> str | None:
    """Two points at whose middle the loss is above the mean of its values, in words."""
    for first, second in _pairs(theta, curvature):
        with np.errstate(all="ignore"):
            values = [objective(p)[0] for p in (first, (first + second) / 2, second)]
        if not np.isfinite(values).all():
            continue
        above = values[1] - (values[0] + values[2]) / 2
        if above > _MARGIN * (abs(values[0]) + abs(values[1]) + abs(values[2])):
            ends = f"{_point(objective, first)} and {_point(objective, second)}"
            return f"between {ends} it lies above the straight line"
    return None


def _pairs(
    theta: FloatArray, curvature: Curvature | None
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Pairs of points near and far, the first along the lowest curvature."""
    scale = np.maximum(np.abs(theta), 1.0)
    if curvature is not None and curvature.vectors is not None:
        way = curvature.vectors[:, 0] * scale
        for size in (0.01, 0.1, 1.0):
            yield theta - size * way, theta + size * way
    random = np.random.default_rng(0)
    for turn in range(_PAIRS):
        reach = (0.3, 1.0, 3.0, 10.0)[turn % 4] * scale
        middle = theta + (turn % 3) * reach * random.uniform(-1, 1, theta.size)
        way = reach * random.uniform(-1, 1, theta.size)
        if turn % 2:
            way = way * (np.arange(theta.size) == turn % theta.size)
        yield middle - way, middle + way


def _point(objective: Objective, theta: FloatArray) -> str:
    shown = [f"{n} = {v:.4g}" for n, v in zip(objective.names, theta, strict=True)][:3]
    return "(" + ", ".join([*shown, *(["..."] if theta.size > 3 else [])]) + ")"


# -- separability ---------------------------------------------------------------------------------


def _groups(objective: Objective, theta: FloatArray) -> tuple[tuple[tuple[str, ...], ...], bool]:
    """Groups of components that do not meet, and whether the formula shows it."""
    partials = objective.partials
    names = objective.names
    if all(not partials.problem.shape(n) for n in partials.wrt):
        groups = _joined(names, _linked_in_formula(partials))
        if len(groups) > 1:
            return groups, True
    if len(names) > 60 or structure_of(partials).kinks:
        return (names,), False  # the Hessian does not see what a kink joins
    try:
        pattern = _pattern(objective, theta)
    except (SymgdError, np.linalg.LinAlgError):
        return (names,), False
    if pattern is None:
        return (names,), False
    return _joined(
        names, [(i, j) for i, j in combinations(range(len(names)), 2) if pattern[i, j]]
    ), False


def _linked_in_formula(partials: Partials) -> list[tuple[int, int]]:
    """Pairs of parameters of which one stands in the partial derivative by the other."""
    links = []
    for i, name in enumerate(partials.wrt):
        inside = {s.value for s in symbols_of(partials.raw[name])}
        links += [(i, j) for j, other in enumerate(partials.wrt) if j != i and other in inside]
    return links


def _pattern(objective: Objective, theta: FloatArray) -> FloatArray | None:
    """Where the Hessian is not zero at any of three random points, (p, p)."""
    random = np.random.default_rng(0)
    total = np.zeros((theta.size, theta.size))
    seen = 0
    for size in (1.0, 0.1, 3.0, 0.01, 0.3):
        point = theta + size * np.maximum(np.abs(theta), 0.5) * random.uniform(-1, 1, theta.size)
        hessian = objective.hessian(point)
        if np.isfinite(hessian).all() and seen < 3:
            root = np.sqrt(np.abs(np.diag(hessian)))
            size_of = np.outer(root, root)
            total += np.abs(hessian) > 1e-13 * np.maximum(size_of, 1e-300)
            seen += 1
    return total if seen == 3 else None


def _joined(names: tuple[str, ...], links: list[tuple[int, int]]) -> tuple[tuple[str, ...], ...]:
    """The connected groups of names."""
    group = list(range(len(names)))
    for i, j in links:
        low, high = sorted((group[i], group[j]))
        group = [low if g == high else g for g in group]
    return tuple(
        tuple(n for n, g in zip(names, group, strict=True) if g == key)
        for key in sorted(set(group))
    )
