r"""Largest entries, bounds and constraints as kinks: the exact penalty.

With a price P that is high enough, these are losses of absolute values alone, and have the same
minimum:

* max_i v_i becomes t + P sum_i max(0, v_i - t) with one more parameter t, the level;
* a constraint g >= 0 adds P max(0, -g), an equation g = 0 adds P |g|.

A multiplier of such a kink within (-1, 1) proves that P was high enough.

Source: Nocedal & Wright, "Numerical Optimization", 2nd ed. (2006), section 17.2.

>>> from symgd.compile.objective import compile_objective
>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> loss = compile_objective(derive(read("max(abs(y - m*x))")), {"x": [1.0, 2], "y": [1.0, 4]})
>>> penalised = penalise(loss, None)
>>> penalised.names, penalised.at(10.0)(np.array([1.5, 1.0]))[0]
(('m', 'level_0'), 1.0)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symgd.compile.objective import Compiled, Objective
from symgd.compile.variant import rebound
from symgd.derive.sweep import sweep
from symgd.descend.objective import FloatArray, Layout
from symgd.formula.graph import Node, topological
from symgd.minimize.limits import Limits

_PRICE, _LEVEL, _LOW, _HIGH = "price_of_kinks", "level_", "low_", "high_"
_PRICES = 5


@dataclass(frozen=True, eq=False)
class Penalised:
    """A loss with penalties in place of largest entries and limits.

    Its parameters are those of ``plain``, followed by one level for each of ``largest``.
    """

    plain: Objective
    loss: Objective
    largest: tuple[Node, ...]
    priced: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its parameters."""
        return self.loss.names

    def at(self, price: float) -> Objective:
        """The loss at a price."""
        self.loss._second_order()
        return rebound(self.loss, {_PRICE: np.float64(price)})

    def prices(self, whole: FloatArray) -> list[float]:
        """Prices to try, from low to high; none if a largest entry pulls the wrong way."""
        free = self.at(0.0)
        slopes = free(whole)[1]
        pulls = slopes[len(slopes) - len(self.largest) :]
        for node, pull in zip(self.largest, pulls.tolist(), strict=True):
            if not (pull >= 0.0 if node.op == "amax" else pull <= 0.0):
                return []
        base = 10.0 * (float(np.abs(slopes).max(initial=0.0)) or 1.0)
        return [base * 100.0**k for k in range(_PRICES if self.priced else 1)]

    def start(self, theta: FloatArray) -> FloatArray:
        """``theta`` with the levels where the largest entries are now."""
        values = {**self.plain.data, **self.plain.unpack(theta)}
        levels = Compiled(list(self.largest)).run(values, self.plain.sizes) if self.largest else []
        return np.concatenate([theta, np.array([float(v) for v in levels])])


def penalise(objective: Objective, limits: Limits | None) -> Penalised | None:
    """The penalised loss; None if a largest entry is of a kind that is not known.

    Largest entries along an axis are not known, nor smallest ones that come in with a plus sign.
    """
    root = objective.partials.loss
    graph = root.graph
    price = graph.symbol(_PRICE)
    largest: list[Node] = []
    terms: list[Node] = []
    new: dict[Node, Node] = {}
    for node in topological(root):
        args = [new[a] for a in node.args]
        same = all(a is b for a, b in zip(args, node.args, strict=True))
        made = node if same else graph.make(node.op, *args, value=node.value)
        if node.op in ("amax", "amin"):
            if node.shape or not made.args[0].shape:
                return None
            made, penalty = _levelled(made, len(largest))
            largest.append(node)
            terms.append(price * penalty)
        new[node] = made
    values: dict[str, Any] = {_PRICE: np.float64(1.0)}
    if limits is not None:
        terms += [price * term for term in _limits(objective, limits, values)]
    whole = graph.plus(new[root], *terms)
    names = [f"{_LEVEL}{i}" for i in range(len(largest))]
    loss = _extended(objective, whole, names, values)
    return Penalised(objective, loss, tuple(largest), bool(terms))


def _levelled(node: Node, index: int) -> tuple[Node, Node]:
    """The level that takes the place of a largest entry, and the sum of what lies above it."""
    graph, inner = node.graph, node.args[0]
    level = graph.symbol(f"{_LEVEL}{index}")
    if node.op == "amin":
        return level, _sum(_above(level - inner))
    if inner.op == "abs":
        entry = inner.args[0]
        return level, _sum(_above(entry - level)) + _sum(_above(-entry - level))
    return level, _sum(_above(inner - level))


def _above(node: Node) -> Node:
    """max(0, u) as (u + |u|)/2."""
    return (node + node.graph.make("abs", node)) / 2


def _sum(node: Node) -> Node:
    return node.graph.make("sum", node, value=(None, False)) if node.shape else node


def _limits(objective: Objective, limits: Limits, values: dict[str, Any]) -> list[Node]:
    """The penalties of bounds and constraints; the bounds themselves go into ``values``."""
    graph = objective.partials.loss.graph
    terms: list[Node] = []
    for node, equal, _ in limits.rules:
        terms.append(_sum(graph.make("abs", node)) if equal else _sum(_above(-node)))
    lows, highs = objective.unpack(limits.low), objective.unpack(limits.high)
    for name in objective.partials.wrt:
        theta = objective.partials.problem.symbol(name)
        for prefix, sign, sides in ((_LOW, 1, lows), (_HIGH, -1, highs)):
            side = np.asarray(sides[name], dtype=np.float64)
            if not np.isfinite(side).any():
                continue
            bound = graph.symbol(f"{prefix}{name}", theta.shape)
            here = graph.symbol(f"{prefix}held_{name}", theta.shape)
            values[f"{prefix}{name}"] = np.where(np.isfinite(side), side, 0.0)[()]
            values[f"{prefix}held_{name}"] = np.isfinite(side).astype(np.float64)[()]
            gap = bound - theta if sign > 0 else theta - bound
            terms.append(_sum(here * _above(gap)))
    return terms


def _extended(
    objective: Objective, loss: Node, names: list[str], values: dict[str, Any]
) -> Objective:
    """The objective of ``loss`` with the parameters ``names`` besides its own."""
    partials = objective.partials
    graph = loss.graph
    wrt = (*partials.wrt, *names)
    symbols = [partials.problem.symbol(n) for n in partials.wrt] + [graph.symbol(n) for n in names]
    raw = dict(zip(wrt, sweep(loss, symbols), strict=True))
    known = partials.problem.symbols
    parameter = next(s for s in known if s.name == partials.wrt[0])
    more = tuple(replace(parameter, name=n, shape=()) for n in names)
    problem = replace(partials.problem, symbols=(*known, *more))
    changed = replace(partials, problem=problem, wrt=wrt, loss=loss, written=loss, raw=raw)
    layout = Layout((*objective.layout.entries, *((n, ()) for n in names)))
    compiled = Compiled([loss, *raw.values()])
    return Objective(changed, layout, {**objective.data, **values}, objective.sizes, compiled)
