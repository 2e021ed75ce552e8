"""A loss as text and numbers: what another process needs to compute it.

>>> spec = Spec("mean((y - m*x)^2)", ("m",), (("x", ()), ("y", ())), (("m", ()),))
>>> Spec.again(spec.plain()) == spec
True
>>> sorted(formula(spec).partials.raw)
['m']
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from symgd.compile.objective import hessian_times_direction
from symgd.compile.program import Program, linearize
from symgd.compile.square_terms import Square
from symgd.compile.structure import Structure, structure_of
from symgd.derive.partials import Partials, derive
from symgd.derive.sweep import sweep
from symgd.descend.objective import Layout
from symgd.errors import DataError
from symgd.formula.graph import Node, rebuild, topological
from symgd.formula.problem import read
from symgd.formula.shapes import Shape

ROWS = "N"
DIRECTION = "change of "
FROZEN = "value of "
Shapes = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Spec:
    """A loss over rows: its ``text``, its parameters and columns with their shapes.

    ``columns`` are (name, shape of one row), ``shapes`` (parameter, shape); ``target`` and
    ``factor`` (the weight of a row) are formulas of the columns, for statistics (empty: none);
    ``positive`` is (column, "weights" or
    "sigma") where its values must not be negative, or must be above zero.
    """

    text: str
    wrt: tuple[str, ...]
    columns: Shapes
    shapes: Shapes
    target: str = ""
    factor: str = ""
    positive: tuple[str, ...] = ()

    def plain(self) -> str:
        """The spec as JSON."""
        fields = [self.text, self.wrt, self.columns, self.shapes, self.target, self.factor]
        return json.dumps([*fields, self.positive])

    @classmethod
    def again(cls, plain: str) -> Spec:
        """The spec that :meth:`plain` wrote."""
        text, wrt, columns, shapes, target, factor, positive = json.loads(plain)
        known = _shapes(columns), _shapes(shapes)
        return cls(text, tuple(wrt), *known, target, factor, tuple(positive))

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [name for name, _ in self.columns]


def _shapes(items: list[tuple[str, list[int]]]) -> Shapes:
    return tuple((name, tuple(shape)) for name, shape in items)


class Formula:
    """The derivatives of a spec and the programs made of them."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        columns: dict[str, Shape | None] = {n: (ROWS, *s) for n, s in spec.columns}
        shapes = {name: list(shape) for name, shape in spec.shapes}
        problem = read(spec.text, wrt=spec.wrt, columns=columns, shapes=shapes)
        self.partials: Partials = derive(problem, spec.wrt)
        self.layout = Layout.of(dict(spec.shapes))
        if problem.rows != ROWS:
            raise DataError("the formula does not add up over the rows of the data")

    @cached_property
    def structure(self) -> Structure:
        """What the graph of the loss shows."""
        return structure_of(self.partials)

    @cached_property
    def column_shapes(self) -> dict[str, Shape]:
        """The symbolic shapes of the columns that the loss itself names."""
        problem = self.partials.problem
        return {s.name: s.shape for s in problem.symbols if s.name not in self.partials.wrt}

    @cached_property
    def symbols(self) -> list[Node]:
        """The parameters as nodes, in the order of theta."""
        return [self.partials.problem.symbol(name) for name in self.partials.wrt]

    def inputs(self, kind: str) -> dict[str, Shape]:
        """The inputs of a program other than columns: name -> shape, in their order."""
        shapes = {s.value: s.shape for s in self.symbols}
        found = dict(shapes)
        if kind in ("hessian", "bent"):
            found |= {DIRECTION + name: shape for name, shape in shapes.items()}
        if kind == "bent":
            found |= {FROZEN + name: shape for name, shape in shapes.items()}
        return found

    def program(self, kind: str) -> Program:
        """The program of ``kind``.

        ``"loss"``: the loss and its gradient. ``"hessian"``: the Hessian times a direction.
        ``"bent"``: sum_k w_k r_k Hessian(r_k) times a direction, for a sum of squares.
        ``"inner"``: the sums over the rows that its residuals hold.
        """
        if kind == "loss":
            return linearize([self.partials.loss, *self.partials.raw.values()])
        if kind == "hessian":
            return linearize(hessian_times_direction(self.partials))
        if kind == "inner":
            from symgd.scale.rows import rows_of

            return linearize(rows_of(self.spec).inner)
        return linearize(self._bent())

    def _bent(self) -> list[Node]:
        """The derivative along a direction of the gradient of sum(w*frozen(r)*r)."""
        squares = self.structure.squares or ()
        graph = self.partials.loss.graph
        frozen = {s: graph.symbol(FROZEN + s.value, s.shape) for s in self.symbols}
        terms = [summed(_bent_term(square, frozen)) for square in squares]
        first = sweep(graph.plus(*terms), self.symbols)
        changes = [graph.symbol(DIRECTION + s.value, s.shape) for s in self.symbols]
        slope = [summed(g * v) for g, v in zip(first, changes, strict=True)]
        return sweep(graph.plus(*slope), self.symbols)


def _bent_term(square: Square, frozen: Mapping[Node, Node]) -> Node:
    order = topological(square.residual)
    still = rebuild(order, dict(frozen), square.residual.graph)[square.residual]
    return square.weight * (still * square.residual)


def summed(node: Node) -> Node:
    """The sum over all entries."""
    return node.graph.make("sum", node, value=(None, False)) if node.shape else node


BUILDING = threading.RLock()
"""Held while a formula is read and compiled: a worker may have several threads."""


def formula(spec: Spec) -> Formula:
    """The derivatives of ``spec``, made once in a process."""
    with BUILDING:
        return _formula(spec)


@lru_cache(maxsize=64)
def _formula(spec: Spec) -> Formula:
    return Formula(spec)
