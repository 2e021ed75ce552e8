"""What each row of a sum of squares adds to its inner products: residuals and their slopes.

For a loss sum_k w_k r_k(theta)^2 the rows [sqrt(w) J, sqrt(w) r] say all that Gauss-Newton
methods ask for, and only their inner products (k, k) leave a block: exact ones for few columns
(:mod:`symgd.scale.exact`), the triangle R of a QR factorisation for many. Two more columns,
the target and 1, give what R^2 needs in the same pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from symgd.compile.interpret import interpreted, runs
from symgd.compile.least_squares import named_parts
from symgd.compile.program import linearize
from symgd.data.columns import FloatArray
from symgd.derive.forward import tangents
from symgd.errors import UnsupportedError
from symgd.formula.graph import Node, depends_on, rebuild, topological
from symgd.formula.parser import parse_syntax
from symgd.formula.problem import declare, from_syntax
from symgd.scale import exact
from symgd.scale.parts import Block, length_of
from symgd.scale.spec import BUILDING, DIRECTION, ROWS, Formula, Spec, formula

MOST = 512
"""Parameters up to which inner products are formed."""
COUNT = "count of rows"
INNER = "sum number "
_CHUNK = 1 << 14


class NotByRow(Exception):
    """The residuals cannot be computed row by row; the text says why."""


@dataclass(frozen=True)
class Term:
    """One term ``sum(scale * weight * residual^2)``: ``scale`` is one number, ``weight`` one a row.

    ``by_row`` says that the residual has one entry for each row of data.
    """

    scale: Node
    weight: Node | None
    residual: Node
    by_row: bool


class Rows:
    """The rows of all terms of a sum of squares, computed on blocks."""

    def __init__(self, made: Formula) -> None:
        squares = made.structure.squares
        if not squares:
            raise NotByRow("the loss is no sum of squares")
        self.layout, self.spec = made.layout, made.spec
        self.size = self.layout.size
        if self.size > MOST:
            raise NotByRow(f"there are more than {MOST} parameters")
        graph = made.partials.loss.graph
        one = graph.number(1)
        terms = []
        for square in squares:
            scale, weight = _split(square.weight, one)
            by_row = _rowed(square.residual) or _rowed(square.weight)
            terms.append(Term(scale, weight, square.residual, by_row))
        self.terms = tuple(terms)
        self.statistics = [_extra(made, text) for text in (made.spec.target,) if text]
        self._make(made)

    def _make(self, made: Formula) -> None:
        nodes = [t.residual for t in self.terms]
        if not any(t.by_row for t in self.terms):
            raise NotByRow("no term has the rows of the data")
        symbols = made.symbols
        self.scalar = not any(self.layout.shapes.values()) and self.size <= 40
        graph = nodes[0].graph
        zero, one = graph.number(0), graph.number(1)
        if self.scalar:
            changes = [{symbol: one} for symbol in symbols]
        else:
            changes = [{s: graph.symbol(DIRECTION + s.value, s.shape) for s in symbols}]
        try:
            slopes = [tangents(node, c).get(node, zero) for c in changes for node in nodes]
        except UnsupportedError as reason:
            raise NotByRow(str(reason)) from None
        weights = [t.weight for t in self.terms if t.weight is not None]
        outputs = [*nodes, *slopes, *weights, *self.statistics]
        scales = [t.scale for t in self.terms]
        self.inner = _inner_sums([*outputs, *scales], symbols)
        counted = any(n.op == "dim" and n.value == ROWS for n in topological(*outputs))
        self.counts = counted or bool(self.inner)
        self._slopes = len(slopes)
        self._function = _Named(outputs, self.inner)
        self._scales = _Named(scales, self.inner)

    def scales(self, numbers: FloatArray) -> list[float]:
        """The weight of every term that all its rows share."""
        return [float(v) for v in self._scales({}, 1, numbers)]

    def blocks(
        self, theta: FloatArray, block: Block, numbers: FloatArray
    ) -> Iterator[list[FloatArray]]:
        """For chunks of a block: the columns [J, r, (target, 1)]' (k, n) of every row term.

        ``numbers`` are the count of all rows and then the sums in ``inner``.
        """
        n = length_of(block)
        for begin in range(0, n, _CHUNK):
            chunk = {name: column[begin : begin + _CHUNK] for name, column in block.items()}
            yield self._chunk(theta, chunk, numbers)

    def fixed(self, theta: FloatArray, numbers: FloatArray) -> list[FloatArray]:
        """The columns [J, r]' (k, m) of the terms that have no rows."""
        own = [t for t in self.terms if not t.by_row]
        if not own:
            return []
        empty = {name: np.zeros((1, *shape)) for name, shape in self.spec.columns}
        return self._chunk(theta, empty, numbers, by_row=False)

    def _chunk(
        self, theta: FloatArray, chunk: Block, numbers: FloatArray, by_row: bool = True
    ) -> list[FloatArray]:
        n = length_of(chunk)
        values = {**chunk, **dict(named_parts(self.layout, theta))}
        count = len(self.terms)
        with np.errstate(all="ignore"):
            if self.scalar:
                found = self._function(values, n, numbers)
                slopes = [found[(k + 1) * count : (k + 2) * count] for k in range(self.size)]
            else:
                slopes = []
                for unit in np.eye(self.size):
                    values |= {DIRECTION + k: v for k, v in named_parts(self.layout, unit)}
                    found = self._function(values, n, numbers)
                    slopes.append(found[count : 2 * count])
            rest = iter(found[count + self._slopes :])
            weights = [None if t.weight is None else next(rest) for t in self.terms]
            extra = [*rest, 1.0] if self.statistics else []
            made: list[FloatArray] = []
            for index, term in enumerate(self.terms):
                if term.by_row != by_row:
                    continue
                columns = [s[index] for s in slopes] + [found[index]]
                columns += extra if not made else []
                made.append(_stacked(columns, weights[index], n, term, index))
        return made


def _stacked(columns: list[Any], weight: Any, n: int, term: Term, name: int) -> FloatArray:
    """Columns (k, rows) with the root of the weight; a matrix of residuals is laid out flat.

    The array is overwritten by the next chunk.
    """
    shapes = [np.shape(c) for c in columns] + ([] if weight is None else [np.shape(weight)])
    shape = np.broadcast_shapes(*shapes)
    if term.by_row and not shape:
        shape = (n,)
    full = exact.buffer(f"rows {name}", (len(columns), int(np.prod(shape, dtype=int))))
    root = None if weight is None else np.sqrt(weight)
    for own, column in zip(full, columns, strict=True):
        place = own.reshape(shape)
        if root is None:
            np.copyto(place, column)
        else:
            np.multiply(column, root, out=place)
    return full


class _Named:
    """A program as a function of named values, the rows here, the count of all, and inner sums."""

    def __init__(self, nodes: list[Node], inner: list[Node]) -> None:
        graph = nodes[0].graph
        order = topological(*nodes)
        count = graph.symbol(COUNT, ())
        known = {n: count for n in order if n.op == "dim" and n.value == ROWS}
        known |= {n: graph.symbol(f"{INNER}{k}", ()) for k, n in enumerate(inner)}
        new = rebuild(order, known, graph)
        made = [new[node] for node in nodes]
        _check(made)
        program = linearize(made)
        if not runs(program):
            raise NotByRow("an operation has no NumPy function")
        if any(size != ROWS for size in program.sizes):
            raise NotByRow("rows are shifted against each other")
        self._function = interpreted(program)
        self._symbols = tuple(program.symbols)
        self._sizes = len(program.sizes)

    def __call__(self, values: dict[str, Any], here: int, numbers: FloatArray) -> tuple[Any, ...]:
        given = {**values, COUNT: np.float64(numbers[0])}
        given |= {f"{INNER}{k}": np.float64(v) for k, v in enumerate(numbers[1:])}
        return self._function(
            *[given[name] for name in self._symbols], *[np.float64(here)] * self._sizes
        )


def _inner_sums(outputs: list[Node], symbols: list[Node]) -> list[Node]:
    """Sums over the rows that no parameter changes, such as the mean of a column."""
    order = topological(*outputs)
    active = depends_on(order, symbols)
    found = []
    for node in order:
        if not node.args or _rowed(node) or not any(_rowed(a) for a in node.args):
            continue
        if node in active or node.shape:
            raise NotByRow("a residual depends on a sum over the rows")
        found.append(node)
    return found


def _rowed(node: Node) -> bool:
    return any(isinstance(size, str) and size.startswith(ROWS) for size in node.shape)


def _split(weight: Node, one: Node) -> tuple[Node, Node | None]:
    """A weight as one number times a weight for each row."""
    if not _rowed(weight):
        if weight.shape:
            return one, weight
        return weight, None
    if weight.op == "mul":
        for number, other in (weight.args, weight.args[::-1]):
            if not number.shape:
                scale, rest = _split(other, one)
                return number * scale, rest
    if weight.op == "div" and not weight.args[1].shape:
        scale, rest = _split(weight.args[0], one)
        return scale / weight.args[1], rest
    return one, weight


def _extra(made: Formula, text: str) -> Node:
    """A formula of the columns in the graph of the loss."""
    columns: dict[str, Any] = {n: (ROWS, *s) for n, s in made.spec.columns}
    parsed = parse_syntax(text, frozenset(columns))
    part = from_syntax(parsed, declare(None, columns, {}, {}))
    graph = made.partials.loss.graph
    return rebuild(topological(part.root), {}, graph)[part.root]


def _check(outputs: list[Node]) -> None:
    """Refuse rows that depend on each other."""
    for node in topological(*outputs):
        inputs = [a for a in node.args if _rowed(a)]
        if any(size not in (ROWS,) and str(size).startswith(ROWS) for size in node.shape):
            raise NotByRow("rows are shifted against each other")
        if list(node.shape).count(ROWS) > 1:
            raise NotByRow("rows are paired with rows")
        if node.op in ("softmax", "prodrest") and inputs:
            raise NotByRow(f"{node.op} goes over the rows")


def rows_of(spec: Spec) -> Rows:
    """The rows of ``spec``, made once in a process. Raises :class:`NotByRow`."""
    with BUILDING:
        return _rows(spec)


@lru_cache(maxsize=64)
def _rows(spec: Spec) -> Rows:
    return Rows(formula(spec))
