"""A compiled loss with another formula in its place: smoothed, signed, with multipliers.

>>> from symgd.compile.objective import compile_objective
>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> objective = compile_objective(derive(read("(x - 3)^2")), {})
>>> graph = objective.partials.loss.graph
>>> other = variant(objective, objective.partials.loss * graph.symbol("k"), {"k": np.float64(2)})
>>> other(np.array([1.0]))
(8.0, array([-8.]))
>>> rebound(other, {"k": np.float64(0.5)})(np.array([1.0]))
(2.0, array([-2.]))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from symgd.compile.objective import Compiled, Objective
from symgd.derive.sweep import sweep
from symgd.formula.graph import Node

__all__ = ["rebound", "substituted", "variant"]

_KEPT = ("_hessian",)


def variant(objective: Objective, loss: Node, extra: Mapping[str, Any]) -> Objective:
    """The objective of ``loss``, a formula of the same graph and parameters.

    ``extra`` are the values of the symbols that are new in it.
    """
    partials = objective.partials
    symbols = [partials.problem.symbol(name) for name in partials.wrt]
    raw = dict(zip(partials.wrt, sweep(loss, symbols), strict=True))
    changed = replace(partials, loss=loss, written=loss, raw=raw)
    data = {**objective.data, **extra}
    compiled = Compiled([loss, *raw.values()])
    return Objective(changed, objective.layout, data, objective.sizes, compiled)


def rebound(objective: Objective, values: Mapping[str, Any]) -> Objective:
    """The same compiled formula with other values of some symbols."""
    made = replace(objective, data={**objective.data, **values})
    for name in _KEPT:
        if name in objective.__dict__:
            object.__setattr__(made, name, objective.__dict__[name])
    return made


def substituted(order: list[Node], changes: Mapping[Node, Node]) -> dict[Node, Node]:
    """Every node of a topological ``order`` with some of them replaced by nodes of the graph.

    A replacement is taken as it is; what stands above it is built again.
    """
    new: dict[Node, Node] = {}
    for node in order:
        if node in changes:
            new[node] = changes[node]
            continue
        args = [new[a] for a in node.args]
        same = all(a is b for a, b in zip(args, node.args, strict=True))
        new[node] = node if same else node.graph.make(node.op, *args, value=node.value)
    return new


def scalar(value: float) -> Any:
    """A number as the compiled functions take it."""
    return np.float64(value)
