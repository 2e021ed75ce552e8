"""Where does a nan come from? The innermost part of the loss that is not finite, and its row.

>>> from symgd.compile.objective import compile_objective
>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> partials = derive(read("mean((y - log(m*x))^2)"))
>>> objective = compile_objective(partials, {"x": [1.0, -2.0, 3.0], "y": [1.0, 3, 2]})
>>> print(cause(objective, np.array([2.0])))
log(m*x) is not a number in row 2: m*x = -4 there
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symgd.compile.objective import Compiled, Objective
from symgd.descend.objective import FloatArray
from symgd.formula.graph import LOGIC, Node, topological
from symgd.formula.text import to_text

MOST = 2_000
"""Formulas of more parts than this are not searched."""


def cause(objective: Objective, theta: FloatArray) -> str:
    """Which part of the loss, or else of its gradient, is not finite at ``theta`` (p,).

    One sentence with the part, the row (counted from 1) and what it was given there; empty if
    all is finite.
    """
    partials = objective.partials
    for roots in ([partials.written], [partials.loss], list(partials.raw.values())):
        found = _innermost(objective, theta, roots)
        if found:
            what = "" if roots[0] in (partials.written, partials.loss) else "the gradient: "
            return what + found
    return ""


def _innermost(objective: Objective, theta: FloatArray, roots: list[Node]) -> str:
    order = [n for n in topological(*roots) if n.op not in LOGIC]
    if len(order) > MOST:
        return ""
    values: dict[str, Any] = {**objective.data, **objective.unpack(theta)}
    outputs = Compiled(order).run(values, objective.sizes)
    found = dict(zip(order, map(np.asarray, outputs), strict=True))
    masked = _under_conditions(order)
    for node in order:
        value = found[node]
        if node.args and node not in masked and not np.isfinite(value).all():
            inputs = [a for a in node.args if a in found]
            if all(np.isfinite(found[a]).all() for a in inputs):
                return _sentence(node, found)
    return ""


def _under_conditions(order: list[Node]) -> set[Node]:
    """The parts of a ``where``, whose values do not count where the condition fails."""
    below: set[Node] = set()
    for node in reversed(order):
        if node.op == "where" or node in below:
            below.update(node.args)
    return below


def _sentence(node: Node, found: dict[Node, Any]) -> str:
    value = found[node]
    bad = ~np.isfinite(value)
    place = tuple(int(i) for i in np.argwhere(bad)[0]) if value.ndim else ()
    worst = float(value[place])
    kind = "not a number" if np.isnan(worst) else "infinite"
    text = f"{_short(node)} is {kind}"
    if place:
        text += f" in row {place[0] + 1}"
        others = int(np.count_nonzero(bad.reshape(len(bad), -1).any(axis=1))) - 1
        text += f" and {others} more" if others else ""
    given = [f"{_short(a)} = {_at(found[a], place):.6g}" for a in node.args
             if a in found and a.op not in ("num", "const")]  # fmt: skip
    return f"{text}: {', '.join(given)} there" if given else text


def _at(value: Any, place: tuple[int, ...]) -> float:
    """The entry of a value, or of a smaller array that was broadcast, at a place."""
    where = place[len(place) - value.ndim :] if value.ndim <= len(place) else (0,) * value.ndim
    where = tuple(min(i, n - 1) for i, n in zip(where, value.shape, strict=True))
    return float(value[where])


def _short(node: Node) -> str:
    text = to_text(node)
    return text if len(text) <= 60 else text[:57] + "..."
