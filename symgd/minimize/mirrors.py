r"""Which values of a parameter give exactly the same loss? Signs and turns, from the formula.

A width that stands squared may be negative as well, an amplitude may be negative if the phase
makes up for it, and an angle is determined only up to a full turn. Under such a change every
node of the graph keeps its value, or changes its sign, or becomes something else; that is
followed from the leaves to the loss. Of all equal answers the canonical one has positive
widths, frequencies and amplitudes, and angles within half a turn of zero.

>>> from symgd.compile.objective import compile_objective
>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> objective = compile_objective(derive(read("(a*sin(p) - 1/2)^2 + s^4")), {})
>>> objective.names
('a', 'p', 's')
>>> canonical(objective, np.array([-2.0, 7.0, -3.0])).round(4).tolist()
[2.0, -2.4248, 3.0]
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from symgd.compile.objective import Objective
from symgd.compile.square_terms import whole_power
from symgd.descend.objective import FloatArray
from symgd.formula.graph import Node, symbols_of, topological

_MOST = 12
_SAME = 1e-9
_TURNING = frozenset({"sin", "cos", "tan"})
_EVEN = frozenset({"abs", "cos", "cosh", "sec", "sech"})
_ODD = frozenset(
    {"sin", "tan", "cot", "csc", "sinh", "tanh", "coth", "csch", "asin", "atan", "asinh", "atanh",
     "cbrt", "erf", "sign", "neg", "sum", "mean", "broadcast", "getitem", "transpose"}
)  # fmt: skip
_PRODUCTS = frozenset({"mul", "div", "matmul", "outer"})
KEPT, FLIPPED, OTHER, MOVED = 1, -1, 0, 2


def canonical(objective: Objective, theta: FloatArray) -> FloatArray:
    """The point (p,) with the same loss as ``theta`` whose signs and angles are canonical."""
    if not np.isfinite(theta).all() or theta.size > _MOST:
        return theta
    problem = objective.partials.problem
    order = topological(objective.partials.loss)
    places = {
        problem.symbol(name): objective.names.index(name)
        for name in objective.partials.wrt
        if not problem.shape(name)
    }
    found = theta.copy()
    for symbol, place in places.items():
        if found[place] < 0 and _same(order, [symbol]):
            found[place] *= -1
    for angle in places:
        turn = _turn(order, angle)
        if turn is not None:
            _turned(order, places, angle, turn, found)
    before, after = objective(theta)[0], objective(found)[0]
    return found if abs(after - before) <= _SAME * abs(before) + 1e-300 else theta


def _turned(
    order: list[Node], places: dict[Node, int], angle: Node, turn: float, found: FloatArray
) -> None:
    """Make the frequencies and amplitudes that go with an angle positive, then the angle small."""
    inside = _beside(order, angle)
    others = [s for s in places if s is not angle and s not in inside]
    for rate in [s for s in places if s in inside and found[places[s]] < 0]:
        for more in [[], *([s] for s in others)]:
            if _same(order, [rate, angle, *more]):
                for symbol in (rate, angle, *more):
                    found[places[symbol]] *= -1
                break
    for size in [s for s in others if found[places[s]] < 0]:
        if _same(order, [size], angle):
            found[places[size]] *= -1
            found[places[angle]] += turn / 2
    value = found[places[angle]]
    found[places[angle]] = value - turn * math.ceil(value / turn - 0.5)


def _beside(order: list[Node], angle: Node) -> set[Node]:
    """The symbols that stand with an angle in the same sine or cosine."""
    turning = [node for node in order if node.op in _TURNING]
    arguments = [symbols_of(node.args[0]) for node in turning]
    return {s for symbols in arguments if angle in symbols for s in symbols if s is not angle}


def _same(order: list[Node], flipped: Iterable[Node], angle: Node | None = None) -> bool:
    """Whether the loss stays if parameters change sign while an angle makes half a turn."""
    turn = None if angle is None else _turn(order, angle)
    states: dict[Node, int] = dict.fromkeys(flipped, FLIPPED)
    slopes = {} if angle is None else _slopes(order, angle)
    if angle is not None:
        states[angle] = MOVED
    for node in order:
        if node not in states:
            states[node] = _state(node, [states[a] for a in node.args], slopes, turn)
    return states[order[-1]] == KEPT


def _state(
    node: Node, states: list[int], slopes: dict[Node, float | None], turn: float | None
) -> int:
    """What becomes of a node whose arguments are kept, flipped, moved or something else."""
    if all(s == KEPT for s in states):
        return KEPT
    if OTHER in states:
        return OTHER
    if MOVED in states:
        return _after_half_a_turn(node, states, slopes, turn)
    if node.op == "add":
        return states[0] if len(set(states)) == 1 else OTHER
    if node.op in _PRODUCTS:
        return math.prod(states)
    if node.op in _EVEN:
        return KEPT
    if node.op in _ODD:
        return states[0]
    power = whole_power(node) if node.op == "pow" and states[1] == KEPT else None
    return OTHER if power is None else KEPT if power % 2 == 0 else FLIPPED


def _after_half_a_turn(
    node: Node, states: list[int], slopes: dict[Node, float | None], turn: float | None
) -> int:
    if node.op in _TURNING and turn is not None:
        slope = slopes[node.args[0]]
        if slope is None:
            return OTHER
        halves = round(abs(slope) * turn / (2 * math.pi))
        return KEPT if node.op == "tan" or halves % 2 == 0 else FLIPPED
    return MOVED if FLIPPED not in states else OTHER


def _turn(order: list[Node], angle: Node) -> float | None:
    """The full turn of a parameter that stands in sines and cosines only, else None."""
    slopes = _slopes(order, angle)
    bare: dict[Node, bool] = {}
    found = []
    for node in order:
        inside = any(bare[a] for a in node.args) or node is angle
        if inside and node.op in _TURNING:
            slope = slopes[node.args[0]]
            if not slope:
                return None
            found.append(abs(slope))
            inside = False
        bare[node] = inside
    if not found or bare[order[-1]]:
        return None
    least = min(found)
    whole = all(abs(s / least - round(s / least)) < 1e-12 for s in found)
    return 2 * math.pi / least if whole else None


def _slopes(order: list[Node], angle: Node) -> dict[Node, float | None]:
    """d node/d angle for nodes in which that is a number; None elsewhere."""
    found: dict[Node, float | None] = {angle: 1.0}
    for node in order:
        if node not in found:
            found[node] = _slope(node, [found[a] for a in node.args])
    return found


def _slope(node: Node, slopes: list[Any]) -> float | None:
    if not any(s is None or s for s in slopes):
        return 0.0
    if None in slopes:
        return None
    if node.op == "add":
        return float(sum(slopes))
    if node.op == "neg":
        return -float(slopes[0])
    if node.op == "broadcast":
        return float(slopes[0])
    numbers = [_number(a) for a in node.args]
    if node.op == "mul" and slopes[0] == 0 and numbers[0] is not None:
        return numbers[0] * float(slopes[1])
    if node.op == "mul" and slopes[1] == 0 and numbers[1] is not None:
        return numbers[1] * float(slopes[0])
    if node.op == "div" and slopes[1] == 0 and numbers[1]:
        return float(slopes[0]) / numbers[1]
    return None


def _number(node: Node) -> float | None:
    """The value of a node without symbols that is written as a number, pi or their product."""
    if node.op == "num":
        return float(node.value)
    if node.op == "const":
        return {"pi": math.pi, "e": math.e}.get(node.value)
    if node.op == "mul":
        parts = [_number(a) for a in node.args[:2]]
        return None if parts[0] is None or parts[1] is None else parts[0] * parts[1]
    return None
