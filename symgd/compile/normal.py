"""Least squares in one pass over the rows: r'r, J'r and J'J together.

What Gauss-Newton and Levenberg-Marquardt need of a sum of squares sum_k w_k r_k^2 is the loss,
J'r (half the gradient) and J'J (half the Gauss-Newton Hessian). For p scalar parameters these
are 1 + p + p(p+1)/2 sums over the rows; one compiled pass computes the residual and its
derivatives once for all of them, and no array with a row for each datum is ever stored.

>>> from symgd.compile.objective import compile_objective
>>> from symgd.compile.structure import structure_of
>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> partials = derive(read("sum((y - a*x)^2)"))
>>> objective = compile_objective(partials, {"x": [1.0, 2.0], "y": [3.0, 4.0]})
>>> equations = normal_equations(structure_of(partials).squares, objective)
>>> equations(np.array([1.0]))
(8.0, array([-6.]), array([[5.]]))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symgd.compile.backends import input_shapes
from symgd.compile.native.derived import derived_program
from symgd.compile.native.kernel import Columns, Kernel
from symgd.compile.native.spread import NotNative
from symgd.compile.objective import Objective
from symgd.compile.square_terms import Square
from symgd.derive.arrays import filled
from symgd.derive.forward import tangents
from symgd.descend.objective import FloatArray
from symgd.errors import UnsupportedError
from symgd.formula.graph import Graph, Node

MOST_PARAMETERS = 12


@dataclass(frozen=True)
class NormalEquations:
    """``equations(theta)`` gives r'r, J'r (p,) and J'J (p, p)."""

    kernel: Kernel
    size: int

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        found = self.kernel(theta)
        size = self.size
        upper = np.triu_indices(size)
        square = np.zeros((size, size))
        square[upper] = found[1 + size :]
        square.T[upper] = found[1 + size :]
        return float(found[0]), found[1 : 1 + size], square


def normal_equations(
    squares: Sequence[Square] | None, objective: Objective
) -> NormalEquations | None:
    """The compiled sums, or None if there are none: no sum of squares, arrays, many parameters."""
    layout, problem = objective.layout, objective.partials.problem
    if not squares or layout.size > MOST_PARAMETERS or any(layout.shapes.values()):
        return None
    symbols = [problem.symbol(name) for name in layout.shapes]
    try:
        basis = [node for square in squares for node in (square.weight, square.residual)]
        native = derived_program(
            f"normal equations for {list(layout.shapes)}", basis, lambda: _sums(squares, symbols),
            input_shapes(problem, layout), objective.sizes, problem.rows,
        )  # fmt: skip
    except (NotNative, UnsupportedError):
        return None
    n = objective.sizes.get(problem.rows, 0) if problem.rows else 0
    kernel = Kernel(native, Columns(native, objective.data), objective.data, n)
    return NormalEquations(kernel, layout.size)


def _sums(squares: Sequence[Square], symbols: Sequence[Node]) -> list[Node]:
    """r'r, then J'r, then the upper triangle of J'J, row by row."""
    graph = squares[0].residual.graph
    parts: list[list[Node]] = []
    for square in squares:
        residual = square.residual
        slopes = [_slope(residual, symbol) for symbol in symbols]
        pairs = [(residual, residual), *((slope, residual) for slope in slopes)]
        pairs += [(slopes[i], slopes[j]) for i in range(len(slopes)) for j in range(i, len(slopes))]
        parts.append([_summed(graph, square, u, v) for u, v in pairs])
    return [graph.plus(*terms) for terms in zip(*parts, strict=True)]


def _slope(residual: Node, symbol: Node) -> Node:
    graph = residual.graph
    return tangents(residual, {symbol: graph.number(1)}).get(residual, graph.number(0))


def _summed(graph: Graph, square: Square, u: Node, v: Node) -> Node:
    """sum(weight * u * v) over the entries of the term."""
    shape = (square.weight * square.residual).shape
    product = square.weight * (u * v)
    if not shape:
        return product
    return graph.make("sum", filled(product, shape), value=(None, False))
