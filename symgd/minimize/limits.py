"""Bounds and constraints: what is allowed, read from text and compiled.

``bounds={"k": (0, None), "w": (-1, 1)}`` are limits of single parameters. ``subject_to`` holds
equations and inequalities in the parameters, ``"a + b = 1, a >= 0"``; each side is a formula.

>>> from symgd.compile.objective import compile_objective
>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> objective = compile_objective(derive(read("a^2 + b^2")), {})
>>> limits = limits_of(objective, {"a": (0, None)}, "a + b = 1")
>>> limits.values(np.array([0.25, 0.5])).tolist(), limits.equal.tolist()
([-0.25], [True])
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import numpy as np

from symgd.compile.least_squares import Residuals
from symgd.compile.objective import Objective
from symgd.compile.square_terms import Square
from symgd.compile.variant import rebound, variant
from symgd.descend.objective import FloatArray
from symgd.errors import FormulaError, NameProblem, OptionError
from symgd.formula.graph import Node, rebuild, topological
from symgd.formula.problem import read

Bounds = Mapping[str, Any]
_RELATION = re.compile(r"(<=|>=|==|=|<|>|≤|≥)")
_PRICE = "price_"


class Limits:
    """Bounds ``low``, ``high`` (p,) and constraints g = 0 or g >= 0 over a compiled loss."""

    def __init__(
        self, objective: Objective, low: FloatArray, high: FloatArray,
        rules: list[tuple[Node, bool, str]],
    ) -> None:  # fmt: skip
        self.objective, self.low, self.high = objective, low, high
        self.texts: list[str] = []
        self.rules = rules
        self._functions: Residuals | None = None
        self._priced: Objective | None = None
        equal: list[bool] = []
        if rules:
            one = objective.partials.loss.graph.number(1)
            self._functions = Residuals([Square(one, node) for node, _, _ in rules], objective)
            for (_, same, text), shape in zip(rules, self._functions.shapes, strict=True):
                size = int(np.prod(shape, dtype=int))
                equal += [same] * size
                self.texts += [text] * size
        self.equal = np.array(equal, dtype=bool)

    @property
    def listed(self) -> tuple[str, ...]:
        """The bounds and constraints as text, ``("0 <= k", "a + b = 1")``."""
        found = []
        for name, low, high in zip(self.objective.names, self.low, self.high, strict=True):
            left = f"{low:g} <= " if low > -math.inf else ""
            right = f" <= {high:g}" if high < math.inf else ""
            if left or right:
                found.append(f"{left}{name}{right}")
        return (*found, *dict.fromkeys(self.texts))

    @property
    def count(self) -> int:
        """How many constraints there are besides bounds."""
        return self.equal.size

    @property
    def words(self) -> str:
        """What is asked for, in half a sentence."""
        parts = []
        bounded = int((np.isfinite(self.low) | np.isfinite(self.high)).sum())
        if bounded:
            parts.append(f"{bounded} parameter{'s are' if bounded > 1 else ' is'} bounded")
        if self.count:
            parts.append(f"{self.count} constraint{'s hold' if self.count > 1 else ' holds'}")
        return " and ".join(parts)

    def values(self, theta: FloatArray) -> FloatArray:
        """g at theta, (k,)."""
        return np.asarray(self._functions.residual(theta)) if self._functions else np.zeros(0)

    def jacobian(self, theta: FloatArray) -> FloatArray:
        """dg/dtheta, (k, p)."""
        if self._functions is None:
            return np.zeros((0, theta.size))
        return np.asarray(self._functions.jacobian(theta))

    def clipped(self, theta: FloatArray) -> FloatArray:
        """The nearest point within the bounds."""
        return np.clip(theta, self.low, self.high)

    def satisfied(self, theta: FloatArray) -> bool:
        """Whether all limits hold at theta, to rounding."""
        size = 1e-9 * (np.abs(theta) + np.abs(theta).max(initial=0.0)) + 1e-300
        if not ((theta >= self.low - size) & (theta <= self.high + size)).all():
            return False
        values, rows = self.values(theta), self.jacobian(theta)
        level = 1e-9 * (np.abs(rows) @ np.maximum(np.abs(theta), 1e-3))
        broken = np.where(self.equal, np.abs(values), -values)
        return bool((broken <= level).all())

    def reached(self, theta: FloatArray, names: tuple[str, ...]) -> str:
        """Which limits hold with equality at theta, in words."""
        ends = (theta == self.low) | (theta == self.high)
        at = [name for name, end in zip(names, ends.tolist(), strict=True) if end]
        bounded = np.isfinite(self.low).any() or np.isfinite(self.high).any()
        words = f"at the bound: {', '.join(at)}" if at else "no bound is reached" if bounded else ""
        values, rows = self.values(theta), self.jacobian(theta)
        level = 1e-9 * (np.abs(rows) @ np.maximum(np.abs(theta), 1e-3))
        near = ~self.equal & (np.abs(values) <= level)
        active = sorted({text for text, one in zip(self.texts, near.tolist(), strict=True) if one})
        if active:
            words += f"{'; ' if words else ''}with equality: {', '.join(active)}"
        return words

    def priced(self, prices: FloatArray) -> Objective:
        """The Lagrange function: the loss minus sum_k prices_k * g_k."""
        if self._functions is None:
            return self.objective
        values: dict[str, Any] = {}
        place = 0
        for index, shape in enumerate(self._functions.shapes):
            size = int(np.prod(shape, dtype=int))
            part = prices[place : place + size].reshape(shape)
            values[f"{_PRICE}{index}"] = part if shape else np.float64(part)
            place += size
        if self._priced is None:
            loss = self.objective.partials.loss
            graph = loss.graph
            terms = []
            for index, (node, _, _) in enumerate(self.rules):
                term = graph.symbol(f"{_PRICE}{index}", node.shape) * node
                terms.append(-graph.make("sum", term, value=(None, False)) if node.shape else -term)
            self._priced = variant(self.objective, graph.plus(loss, *terms), values)
            self._priced._second_order()
        return rebound(self._priced, values)


def limits_of(
    objective: Objective, bounds: Bounds | None, subject_to: str | Iterable[str] | None
) -> Limits | None:
    """The limits of a run, or None if there are none.

    Raises an :class:`~symgd.errors.OptionError` for bounds that cross, names that are no
    parameters, and constraints that are not understood.
    """
    low = np.full(objective.layout.size, -math.inf)
    high = np.full(objective.layout.size, math.inf)
    _bound(objective, bounds or {}, low, high)
    rules = [] if subject_to is None else _rules(objective, subject_to)
    if not rules and not np.isfinite(low).any() and not np.isfinite(high).any():
        return None
    return Limits(objective, low, high, rules)


def _bound(objective: Objective, bounds: Bounds, low: FloatArray, high: FloatArray) -> None:
    if not isinstance(bounds, Mapping):
        raise OptionError(f"bounds maps names to (low, high), not {type(bounds).__name__}")
    shapes = objective.layout.shapes
    places, place = {}, 0
    for name, shape in shapes.items():
        size = int(np.prod(shape, dtype=int))
        places[name] = slice(place, place + size)
        place += size
    for name, pair in bounds.items():
        if name not in shapes:
            raise OptionError(f"bounds: {name!r} is not a parameter; there are {', '.join(shapes)}")
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise OptionError(f"bounds of {name} must be (low, high), with None for no bound")
        for side, array, none in ((pair[0], low, -math.inf), (pair[1], high, math.inf)):
            array[places[name]] = _side(side, none, shapes[name], name)
        if (low[places[name]] > high[places[name]]).any():
            raise OptionError(f"bounds of {name}: {pair[0]} is above {pair[1]}")


def _side(side: Any, none: float, shape: tuple[int, ...], name: str) -> Any:
    if side is None:
        return none
    try:
        array = np.broadcast_to(np.asarray(side, dtype=np.float64), shape).ravel()
    except (TypeError, ValueError):
        raise OptionError(f"bounds of {name} must be numbers or None, not {side!r}") from None
    if np.isnan(array).any():
        raise OptionError(f"bounds of {name} must not be nan")
    return array


def _rules(objective: Objective, subject_to: str | Iterable[str]) -> list[tuple[Node, bool, str]]:
    if not isinstance(subject_to, str | list | tuple):
        raise OptionError(
            f"subject_to is text such as 'a + b = 1', or a list of such texts, not {subject_to!r}"
        )
    texts = [subject_to] if isinstance(subject_to, str) else list(subject_to)
    rules = []
    for text in texts:
        if not isinstance(text, str):
            raise OptionError(f"subject_to is text such as 'a + b = 1', not {text!r}")
        for part in _split(text):
            rules += _relations(objective, part)
    return rules


def _split(text: str) -> Iterator[str]:
    """At commas, semicolons and line ends outside brackets."""
    depth, current = 0, ""
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        if char in ",;\n" and depth == 0:
            if current.strip():
                yield current.strip()
            current = ""
        else:
            current += char
    if current.strip():
        yield current.strip()


def _relations(objective: Objective, text: str) -> list[tuple[Node, bool, str]]:
    """``0 <= a <= b`` as a - 0 >= 0 and b - a >= 0."""
    pieces = _RELATION.split(text)
    if len(pieces) < 3 or any(not p.strip() for p in pieces):
        raise OptionError(f"subject_to: a constraint is 'left = right', '<=' or '>=', not {text!r}")
    sides = [_side_node(objective, side, text) for side in pieces[0::2]]
    found = []
    for left, relation, right in zip(sides, pieces[1::2], sides[1:], strict=False):
        if relation in ("=", "=="):
            found.append((left - right, True, text))
        elif relation in ("<=", "<", "≤"):
            found.append((right - left, False, text))
        else:
            found.append((left - right, False, text))
    return found


def _side_node(objective: Objective, text: str, whole: str) -> Node:
    partials = objective.partials
    shapes = {s.name: s.shape for s in partials.problem.symbols}
    data = {n: s for n, s in shapes.items() if n not in partials.wrt}
    wrt = {n: s for n, s in shapes.items() if n in partials.wrt}
    try:
        problem = read(
            text.strip(), columns=data or None, shapes=wrt,
            constants=cast(Mapping[str, float], partials.problem.declared.constants),
        )  # fmt: skip
    except FormulaError as error:
        text = f"subject_to: the constraint {whole!r} is not understood\n{error}"
        raise OptionError(text) from None
    for symbol in problem.symbols:
        if symbol.name not in shapes:
            raise NameProblem(
                f"subject_to: the constraint {whole!r} names {symbol.name}, which does not occur "
                "in the loss",
                hint=f"the parameters are {', '.join(partials.wrt)}",
            )
    return rebuild(topological(problem.root), {}, partials.loss.graph)[problem.root]
