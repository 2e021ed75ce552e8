"""The steps of a derivation against the reverse sweep."""

from __future__ import annotations

from itertools import islice
from typing import Any

import mpmath
import numpy as np

from symgd.check.points import points
from symgd.compile.exact import evaluate
from symgd.derive.partials import Partials
from symgd.derive.steps import Derivation
from symgd.errors import ProofError, UnsupportedError
from symgd.formula.graph import Node, rebuild, topological

DIGITS = 40
AGREE = 25
MAX_NODES = 2_000
_TRIES = 30
_POINTS = 3


def proof_of_steps(partials: Partials, derivation: Derivation) -> tuple[str, ...]:
    """What was proved, in words; :class:`~symgd.errors.ProofError` if the steps are wrong.

    For an array parameter the steps give the change of the loss along a direction, the
    sweep the gradient: their product with the direction, summed, is compared.
    """
    name = derivation.name
    symbol = partials.problem.symbol(name)
    graph = partials.loss.graph
    told, swept, shown = derivation.result, partials.raw[name], derivation.answer
    if len(topological(told, swept, shown)) > MAX_NODES:
        return ("not compared with the reverse sweep: the formula is too large",)
    if symbol.shape:
        direction = graph.symbol("d_" + name, symbol.shape)
        told = _directed(told, direction)
        swept, shown = (
            graph.make("sum", node * direction, value=(None, False)) for node in (swept, shown)
        )
    compared = 0
    for values, sizes in islice(points(partials.problem), _TRIES):
        found = _values([told, swept, shown], _with_direction(values, name, symbol), sizes)
        if found is None:
            continue
        _compare(name, found)
        compared += 1
        if compared == _POINTS:
            return (f"proved: steps = reverse sweep, to {AGREE} digits at {compared} points",)
    if not compared:
        return ("not compared with the reverse sweep: no point of the domain was found",)
    return (f"proved: steps = reverse sweep, to {AGREE} digits at {compared} points",)


def _directed(node: Node, direction: Node) -> Node:
    """The differential of the symbol as the symbol of the direction."""
    order = topological(node)
    marks = {n: direction for n in order if n.op == "differential"}
    return rebuild(order, marks, node.graph)[node] if marks else node


def _with_direction(values: dict[str, Any], name: str, symbol: Node) -> dict[str, Any]:
    if not symbol.shape:
        return values
    flat = np.array(values[name], dtype=object)
    steps = np.array([(7 * i) % 5 - 2 or 3 for i in range(flat.size)], dtype=object)
    return {**values, "d_" + name: steps.reshape(flat.shape).tolist()}


def _values(nodes: list[Node], values: dict[str, Any], sizes: dict[str, int]) -> list[Any] | None:
    try:
        found = evaluate(nodes, values, sizes, DIGITS)
    except (ValueError, ZeroDivisionError, OverflowError, UnsupportedError):
        return None
    return [v.reshape(-1)[0] if isinstance(v, np.ndarray) else v for v in found]


def _compare(name: str, found: list[Any]) -> None:
    told, swept, shown = found
    scale = max(1, *(abs(v) for v in found))
    for what, value in (("the steps give", told), ("the textbook form gives", shown)):
        if abs(value - swept) > scale * mpmath.mpf(10) ** -AGREE:
            raise ProofError(
                f"d/d{name}: {what} {mpmath.nstr(value, 12)}, the reverse sweep "
                f"{mpmath.nstr(swept, 12)}; this is a bug in symgd, please report the formula"
            )
