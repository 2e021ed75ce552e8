r"""Losses with kinks: every kink as an absolute value, smoothed or held.

``abs(u)``, ``max(u, v) = (u + v + |u - v|)/2``, ``min`` and sums of them are functions of some
|u_k(theta)|. Two formulas are made of such a loss:

* smooth: |u| becomes sqrt(u^2 + mu^2), which is within mu of it;
* held: |u_k| becomes s_k u_k + t_k. With s_k = sign(u_k) and t = 0 that is the loss on one side
  of all kinks. At a minimum in a kink, u_k = 0 and s_k is a multiplier in [-1, 1]: the point is
  a solution of the smooth equations grad(held) = 0, u_k = 0 (Karush, Kuhn & Tucker).

A ``where`` whose branches meet at its condition is read as such an absolute value too.

>>> from symgd.compile.objective import compile_objective
>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> kinks = kinks_of(compile_objective(derive(read("abs(x - 1) + x^2")), {}))
>>> kinks.atoms(np.array([3.0])).tolist(), kinks.held(np.array([1.0]))(np.array([3.0]))[0]
([2.0], 11.0)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symgd.compile.least_squares import Precise, Residuals, named_parts
from symgd.compile.objective import Compiled, Objective
from symgd.compile.sizes import resolve
from symgd.compile.square_terms import Square
from symgd.compile.variant import rebound, substituted, variant
from symgd.descend.objective import FloatArray
from symgd.errors import UnsupportedError
from symgd.formula.graph import COMPARISONS, Node, depends_on, topological

_SIGN, _SHIFT, _MU = "sign_", "shift_", "smoothing_"


class Kinks:
    """The absolute values |u_k| in a loss, and the loss with them smoothed or held."""

    def __init__(self, objective: Objective, rules: dict[Node, tuple[Node, Node]]) -> None:
        self.objective = objective
        self._nodes = dict(rules)
        inner = {node: pair[0] for node, pair in rules.items()}
        self.inner = list(dict.fromkeys(inner.values()))
        self.shapes = [resolve(u.shape, objective.sizes, "a kink") for u in self.inner]
        one = objective.partials.loss.graph.number(1)
        self._residuals = Residuals([Square(one, u) for u in self.inner], objective)
        self._held: Objective | None = None
        self._smooth: Objective | None = None
        self._slopes: Precise | None = None

    def atoms(self, theta: FloatArray) -> FloatArray:
        """All u_k at theta, (k,)."""
        return np.asarray(self._residuals.residual(theta))

    def jacobian(self, theta: FloatArray) -> FloatArray:
        """du/dtheta, (k, p)."""
        return np.asarray(self._residuals.jacobian(theta))

    def bend(self, theta: FloatArray, weights: FloatArray) -> FloatArray:
        """sum_k weights_k * Hessian of u_k, (p, p)."""
        return self._residuals.curvature(theta, weights)

    def smooth(self, mu: float) -> Objective:
        """The loss with sqrt(u^2 + mu^2) for |u|."""
        graph = self.objective.partials.loss.graph
        value = {_MU: np.float64(mu)}
        if self._smooth is None:
            width = graph.symbol(_MU)
            new = {u: graph.make("sqrt", u**2 + width**2) for u in self.inner}
            self._smooth = variant(self.objective, self._rewritten(new), value)
        self._smooth._second_order()
        return rebound(self._smooth, value)

    def held(self, signs: FloatArray) -> Objective:
        """The loss with s*u for |u|, for signs (k,)."""
        values = self._named(_SIGN, signs) | self._named(_SHIFT, np.zeros(signs.size))
        if self._held is None:
            self._held = variant(self.objective, self._signed(), values)
            self._held._second_order()
        return rebound(self._held, values)

    def slopes(self, theta: FloatArray, signs: FloatArray) -> FloatArray:
        """dL/d|u_k| at theta, (k,): how much each kink weighs."""
        from symgd.derive.sweep import sweep

        if self._slopes is None:
            graph = self.objective.partials.loss.graph
            shifts = [graph.symbol(f"{_SHIFT}{i}", u.shape) for i, u in enumerate(self.inner)]
            self._slopes = Precise(sweep(self._signed(), shifts))
        values = {
            **self.objective.data, **dict(named_parts(self.objective.layout, theta)),
            **self._named(_SIGN, signs), **self._named(_SHIFT, np.zeros(signs.size)),
        }  # fmt: skip
        parts = self._slopes(values, self.objective.sizes)
        return np.concatenate(
            [np.broadcast_to(p, s).ravel() for p, s in zip(parts, self.shapes, strict=True)]
        )

    def _signed(self) -> Node:
        graph = self.objective.partials.loss.graph
        return self._rewritten({
            u: graph.symbol(f"{_SIGN}{i}", u.shape) * u + graph.symbol(f"{_SHIFT}{i}", u.shape)
            for i, u in enumerate(self.inner)
        })  # fmt: skip

    def _rewritten(self, absolute: dict[Node, Node]) -> Node:
        """The loss with ``absolute[u]`` for every |u|, inner kinks first."""
        root = self.objective.partials.loss
        graph = root.graph
        new: dict[Node, Node] = {}
        for node in topological(root):
            args = [new[a] for a in node.args]
            if node in self._nodes:
                u, rest = self._nodes[node]
                made = substituted(topological(absolute[u], rest), dict(_changed(new)))
                new[node] = graph.plus(made[rest], made[absolute[u]] * _share(node))
                continue
            same = all(a is b for a, b in zip(args, node.args, strict=True))
            new[node] = node if same else graph.make(node.op, *args, value=node.value)
        return new[root]

    def _named(self, prefix: str, values: FloatArray) -> dict[str, Any]:
        named, place = {}, 0
        for index, shape in enumerate(self.shapes):
            size = int(np.prod(shape, dtype=int))
            part = values[place : place + size].reshape(shape)
            named[f"{prefix}{index}"] = part if shape else np.float64(part)
            place += size
        return named


def _changed(new: dict[Node, Node]) -> dict[Node, Node]:
    return {old: made for old, made in new.items() if old is not made}


def _share(node: Node) -> Node:
    """The factor of |u| in a kink: 1, 1/2 or -1/2."""
    graph = node.graph
    if node.op == "abs":
        return graph.number(1)
    half = graph.number(1) / 2
    return -half if node.op == "minimum" else half


def kinks_of(objective: Objective) -> Kinks | None:
    """The kinks of a loss; None if there are none of the kinds that are known."""
    root = objective.partials.loss
    symbols = [objective.partials.problem.symbol(n) for n in objective.partials.wrt]
    order = topological(root)
    active = depends_on(order, symbols)
    above: set[Node] = set()
    for node in order:
        if node.op in COMPARISONS:
            above.update(node.args)
    rules: dict[Node, tuple[Node, Node]] = {}
    for node in order:
        if node not in active:
            continue
        graph = node.graph
        if node.op == "abs":
            rules[node] = (node.args[0], graph.number(0))
        elif node.op in ("maximum", "minimum"):
            u, v = node.args
            rules[node] = (u - v, (u + v) / 2)
        elif node.op in ("amax", "amin"):
            return None
    if not rules:
        return None
    try:
        return Kinks(objective, rules)
    except UnsupportedError:
        return None


def without_norms(objective: Objective) -> Objective:
    """The loss with ``norm1(u)`` as ``sum(abs(u))`` and kinked ``where`` as absolute values."""
    order = topological(objective.partials.loss)
    changes: dict[Node, Node] = {}
    for node in order:
        if node.op == "norm1":
            graph = node.graph
            changes[node] = graph.make("sum", graph.make("abs", node.args[0]), value=node.value)
    changes |= _kinked_branches(objective, order)
    if not changes:
        return objective
    return variant(objective, substituted(order, changes)[order[-1]], {})


def _kinked_branches(objective: Objective, order: list[Node]) -> dict[Node, Node]:
    """``where(u < v, a, b)`` that is max(a, b) or min(a, b), on both sides of its condition.

    Looked at for random parameters and random data of several sizes: the user's own data may
    lie on one side only, where Huber's loss looks like the smaller of its branches.
    """
    symbols = [objective.partials.problem.symbol(n) for n in objective.partials.wrt]
    active = depends_on(order, symbols)
    found: dict[Node, Node] = {}
    for node in order:
        if node.op != "where" or node.args[0] not in active or node.args[0].op not in COMPARISONS:
            continue
        _, then, otherwise = node.args
        gap = node - node.graph.make("maximum", then, otherwise)
        dip = node - node.graph.make("minimum", then, otherwise)
        side = node.graph.make("where", node.args[0], node.graph.number(1), node.graph.number(0))
        compiled = Compiled([gap, dip, then - otherwise, side])
        ups, downs = True, True
        random = np.random.default_rng(0)
        sides: set[float] = set()
        for look, scale in enumerate((0.1, 1.0, 10.0) * 4):
            theta = scale * random.standard_normal(objective.layout.size)
            data = {}
            for name, value in objective.data.items():
                drawn = scale * random.standard_normal(np.shape(value))
                data[name] = np.abs(drawn) if look % 2 else drawn
            values = {**data, **dict(named_parts(objective.layout, theta))}
            high, low, apart, branch = compiled.run(values, objective.sizes)
            if not np.isfinite(apart).all():
                continue
            sides.update(np.unique(branch).tolist())
            size = 1e-9 * np.max(np.abs(apart), initial=0.0)
            ups = ups and bool((np.abs(high) <= size).all())
            downs = downs and bool((np.abs(low) <= size).all())
        if ups != downs and len(sides) == 2:
            found[node] = node.graph.make("maximum" if ups else "minimum", then, otherwise)
    return found
