"""The residual of a sum of squares, its Jacobian and its curvature, compiled from the graph.

For a loss sum_k w_k u_k(theta)^2 + const the residual vector is r = sqrt(w)*u, all terms one
after the other, so that the loss is |r|^2 + const (no factor 1/2). Its Jacobian comes from the
forward walk along one symbolic direction, or for all scalar parameters at once. The same
programs run in extended precision (``long double``) where the machine has it: a residual is a
small difference of large numbers, and three more digits there are three more in the answer.

>>> from symgd.compile.objective import compile_objective
>>> from symgd.compile.structure import structure_of
>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> partials = derive(read("(x - 3)^2 + 4*(x*y - 2)^2"))
>>> r = residuals(structure_of(partials).squares, compile_objective(partials, {}))
>>> theta = np.array([1.0, 2.0])
>>> r.residual(theta).tolist(), r.jacobian(theta).tolist()
([-2.0, 0.0], [[1.0, 0.0], [4.0, 2.0]])
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symgd.compile.interpret import exponents, interpreted, runs
from symgd.compile.objective import Compiled, Objective
from symgd.compile.program import Program, linearize
from symgd.compile.sizes import resolve
from symgd.compile.square_terms import Square
from symgd.derive.forward import tangents
from symgd.derive.sweep import sweep
from symgd.descend.objective import FloatArray, Layout
from symgd.errors import UnsupportedError
from symgd.formula.graph import Node

if TYPE_CHECKING:
    from symgd.compile.condensed import Condensed

Real = NDArray[Any]
_ALONG = "change of "
_WEIGHT = "weight_"
LARGE = 100_000
"""Jacobians of more entries are summed up instead of stored, if a compiler can."""
_MANY = 4000
"""Jacobians of more entries (terms times parameters) are run direction by direction."""


def named_parts(layout: Layout, theta: Real) -> Iterator[tuple[str, Any]]:
    """The parts of theta by name, scalars as NumPy scalars, in theta's own precision."""
    place = 0
    for name, shape in layout.entries:
        size = int(np.prod(shape, dtype=int))
        part = theta[place : place + size]
        yield name, part.reshape(shape) if shape else part[0]
        place += size


class Precise:
    """Formulas as one function of named arrays that also runs in extended precision.

    Constants are inputs of the program, given as exact as the arrays are.
    """

    def __init__(self, outputs: Sequence[Node]) -> None:
        program: Program = linearize(outputs)
        inputs = {**program.symbols, **{f"{place}": place for place, _ in program.exact}}
        self._function = _function_of(replace(program, symbols=inputs, exact=()), program)
        self._symbols = tuple(program.symbols)
        self._sizes = tuple(program.sizes)
        self._constants = {
            kind: tuple(_constant(node, kind) for _, node in program.exact)
            for kind in (np.float64, np.longdouble)
        }

    def __call__(
        self, values: Mapping[str, Any], sizes: Mapping[str, int], kind: Any = np.float64
    ) -> tuple[Any, ...]:
        """The outputs for values that are of the given floating-point ``kind``."""
        given = [values[name] for name in self._symbols]
        counts = [kind(resolve((s,), sizes, "the formula")[0]) for s in self._sizes]
        return self._function(*given, *self._constants[kind], *counts)


def _function_of(program: Program, original: Program) -> Callable[..., tuple[Any, ...]]:
    """The program on arrays; powers with small whole exponents are products."""
    if runs(program):
        return interpreted(program, exponents(original))
    from symgd.compile.numpy import compile_numpy

    return compile_numpy(program)


def _constant(node: Node, kind: Any) -> Any:
    if node.op == "const":
        text = {"pi": "3.14159265358979323846264338", "e": "2.71828182845904523536028747"}
        return kind(text[node.value])
    value = node.value
    if abs(value.numerator) < 2**53 and value.denominator < 2**53:
        return kind(value.numerator) / kind(value.denominator)
    return kind(float(value))


class Residuals:
    """r(theta) (m,), J(theta) (m, p) and sum_i w_i Hessian(r_i) (p, p) of a sum of squares."""

    def __init__(self, squares: Sequence[Square], objective: Objective) -> None:
        self.layout = objective.layout
        self.names = objective.names
        self._problem = objective.partials.problem
        self._wrt = objective.partials.wrt
        self._sizes = objective.sizes
        self._squares, self._objective = squares, objective
        self._nodes = [square.residual for square in squares]
        self._data = {np.float64: dict(objective.data)}
        self._residual = Precise(self._nodes)
        self._jacobian: Precise | None = None
        self._second: Precise | None = None
        raw = Compiled([square.weight for square in squares]).run(objective.data, self._sizes)
        self.shapes = [
            np.broadcast_shapes(np.shape(w), resolve(n.shape, self._sizes, "the residual"))
            for w, n in zip(raw, self._nodes, strict=True)
        ]
        with np.errstate(invalid="ignore"):
            self._roots = [np.sqrt(w) for w in raw]
        self.proper = all(np.isfinite(root).all() for root in self._roots)

    @cached_property
    def sums(self) -> Condensed | None:
        """r'r, J'r and J'J in one compiled pass, where J is large; None where it is not."""
        backend = self._objective.backend
        if self.size * self.layout.size < LARGE or "native" not in backend:
            return None
        from symgd.compile.condensed import condensed

        return condensed(self._squares, self._objective)

    @property
    def size(self) -> int:
        """The number of residuals m."""
        return sum(int(np.prod(shape, dtype=int)) for shape in self.shapes)

    def residual(self, theta: Real) -> Real:
        """r(theta) in the precision of theta."""
        kind = theta.dtype.type
        outputs = self._residual(self._values(theta), self._sizes, kind)
        return self._stacked(outputs, kind)

    def jacobian(self, theta: Real) -> Real:
        """J(theta) in the precision of theta."""
        kind = theta.dtype.type
        full = np.zeros((self.size, theta.size), dtype=kind)
        if self._columns:
            outputs = self._first()(self._values(theta), self._sizes, kind)
            count = len(self._nodes)
            for k in range(theta.size):
                full[:, k] = self._stacked(outputs[k * count : (k + 1) * count], kind)
            return full
        values = self._values(theta)
        for k in range(theta.size):
            along = np.zeros(theta.size, dtype=kind)
            along[k] = 1
            values |= {_ALONG + n: v for n, v in named_parts(self.layout, along)}
            full[:, k] = self._stacked(self._first()(values, self._sizes, kind), kind)
        return full

    def jacobian_program(self) -> None:
        """Derive the Jacobian. Raises :class:`UnsupportedError` if an operation has no tangent."""
        self._first()

    def curvature(self, theta: FloatArray, weights: FloatArray) -> FloatArray:
        """sum_i weights_i * Hessian of r_i at theta, (p, p)."""
        program = self._bent()
        values = self._values(theta)
        place = 0
        for index, (shape, root) in enumerate(zip(self.shapes, self._roots, strict=True)):
            size = int(np.prod(shape, dtype=int))
            part = (weights[place : place + size].reshape(shape)) * root
            values[f"{_WEIGHT}{index}"] = part if shape else np.float64(part)
            place += size
        full = np.empty((theta.size, theta.size))
        shapes = list(self.layout.shapes.values())
        for k, unit in enumerate(np.eye(theta.size)):
            values |= {_ALONG + n: v for n, v in named_parts(self.layout, unit)}
            parts = program(values, self._sizes)
            full[k] = np.concatenate(
                [np.broadcast_to(p, s).ravel() for p, s in zip(parts, shapes, strict=True)]
            )
        result: FloatArray = (full + full.T) / 2
        return result

    # -- programs, made when first needed ------------------------------------------------------

    @property
    def _columns(self) -> bool:
        """Whether all columns of the Jacobian are outputs of one program."""
        scalar = not any(self.layout.shapes.values())
        return scalar and len(self._nodes) * self.layout.size <= min(_MANY, 40 * len(self._nodes))

    def _first(self) -> Precise:
        if self._jacobian is None:
            symbols = [self._problem.symbol(name) for name in self._wrt]
            graph = self._nodes[0].graph
            zero, one = graph.number(0), graph.number(1)
            if self._columns:
                outputs = [
                    tangents(node, {symbol: one}).get(node, zero)
                    for symbol in symbols
                    for node in self._nodes
                ]
            else:
                changes = {s: graph.symbol(_ALONG + s.value, s.shape) for s in symbols}
                outputs = [tangents(node, changes).get(node, zero) for node in self._nodes]
            self._jacobian = Precise(outputs)
        return self._jacobian

    def _bent(self) -> Precise:
        """The gradient along a direction of the weighted sum of the residuals."""
        if self._second is None:
            symbols = [self._problem.symbol(name) for name in self._wrt]
            graph = self._nodes[0].graph
            terms = []
            for index, node in enumerate(self._nodes):
                if node.shape != self._symbolic(index):
                    node = graph.make("broadcast", node, value=self._symbolic(index))
                term = graph.symbol(f"{_WEIGHT}{index}", node.shape) * node
                terms.append(_summed(term))
            first = sweep(graph.plus(*terms), symbols)
            changes = [graph.symbol(_ALONG + s.value, s.shape) for s in symbols]
            slope = [_summed(g * v) for g, v in zip(first, changes, strict=True)]
            self._second = Precise(sweep(graph.plus(*slope), symbols))
        return self._second

    def _symbolic(self, index: int) -> tuple[Any, ...]:
        """The shape of a term: that of its node, or in numbers where the weight is larger."""
        node, shape = self._nodes[index], self.shapes[index]
        own = resolve(node.shape, self._sizes, "the residual")
        return node.shape if own == shape else shape

    # -- values --------------------------------------------------------------------------------

    def _values(self, theta: Real) -> dict[str, Any]:
        kind = theta.dtype.type
        if kind not in self._data:
            data = self._data[np.float64]
            self._data[kind] = {n: np.asarray(v, dtype=kind)[()] for n, v in data.items()}
        return {**self._data[kind], **dict(named_parts(self.layout, theta))}

    def _stacked(self, outputs: Sequence[Any], kind: Any) -> Real:
        parts = [
            np.broadcast_to(np.asarray(out, dtype=kind) * root.astype(kind), shape).ravel()
            for out, root, shape in zip(outputs, self._roots, self.shapes, strict=True)
        ]
        return np.concatenate(parts)


def _summed(node: Node) -> Node:
    return node.graph.make("sum", node, value=(None, False)) if node.shape else node


def residuals(squares: Sequence[Square], objective: Objective) -> Residuals | None:
    """The compiled residual, or None if a weight is negative or an operation has no tangent."""
    try:
        made = Residuals(squares, objective)
        made.jacobian_program()
    except UnsupportedError:
        return None
    return made if made.proper else None


Curvature = Callable[[FloatArray, FloatArray], FloatArray]
