"""Least squares over many rows as a few sums: what the steps and the last digits are made of.

With n rows and p parameters the residual has n entries and its Jacobian n*p; all that the steps
of Levenberg-Marquardt and of Newton need of them is r'r, J'r, J'J and the Hessian, which
compiled code sums up in passes over the rows without storing anything.

>>> import numpy as np
>>> from symgd.compile.objective import compile_objective
>>> from symgd.compile.structure import structure_of
>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> partials = derive(read("sum((y - exp(a*x))^2)"))
>>> objective = compile_objective(partials, {"x": [0.0, 1.0], "y": [1.0, 2.0]})
>>> sums = condensed(structure_of(partials).squares, objective)
>>> sums(np.array([0.0]))
(1.0, array([-1.]), array([[1.]]))
>>> sums.half_hessian(np.array([0.0]))
array([[0.]])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from symgd.compile.backends import input_shapes
from symgd.compile.native.derived import derived_program
from symgd.compile.native.kernel import Columns, Kernel
from symgd.compile.native.spread import NotNative
from symgd.compile.normal import MOST_PARAMETERS, NormalEquations, normal_equations
from symgd.compile.objective import Objective
from symgd.compile.square_terms import Square
from symgd.derive.arrays import filled
from symgd.derive.forward import tangents
from symgd.derive.sweep import sweep
from symgd.descend.objective import FloatArray
from symgd.errors import UnsupportedError
from symgd.formula.graph import Node

_FACTOR = "factor of "


@dataclass(frozen=True)
class Condensed:
    """The sums of one sum of squares; ``sums(theta)`` gives r'r, J'r (p,) and J'J (p, p)."""

    squares: Sequence[Square]
    objective: Objective
    equations: NormalEquations

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        return self.equations(theta)

    def half_hessian(self, theta: FloatArray) -> FloatArray:
        """J'J + sum_i r_i Hessian(r_i), (p, p): half the Hessian of the loss."""
        return self.objective.hessian(theta) / 2

    def spread(self, theta: FloatArray, factors: FloatArray) -> FloatArray:
        """sum_i (factors J_i)^2 (|J_i| . |theta|)^2, (p,), for the rows J_i of J.

        What errors of one unit, relative and independent, in the terms of each residual do to
        ``factors`` J'r, squared.
        """
        return self._response(np.concatenate([theta, np.abs(theta), factors.ravel()]))

    @cached_property
    def _response(self) -> Callable[[FloatArray], FloatArray]:
        found = _response_kernel(self.squares, self.objective)
        if found is None:
            size = self.objective.layout.size
            return lambda _: np.full(size, np.inf)
        return found


def condensed(squares: Sequence[Square] | None, objective: Objective) -> Condensed | None:
    """The sums, or None if there are none: no squares, arrays, many parameters, no compiler."""
    equations = normal_equations(squares, objective)
    if equations is None or squares is None:
        return None
    return Condensed(tuple(squares), objective, equations)


def second_derivatives(objective: Objective) -> Callable[[FloatArray], FloatArray] | None:
    """The Hessian (p, p) of a loss over rows in one compiled pass; None if it cannot be.

    For a few scalar parameters: p(p + 1)/2 sums beside each other.
    """
    layout, partials = objective.layout, objective.partials
    size = layout.size
    if size > MOST_PARAMETERS or any(layout.shapes.values()):
        return None
    symbols = [partials.problem.symbol(name) for name in layout.shapes]
    slopes = [partials.raw[name] for name in layout.shapes]

    def upper_triangle() -> list[Node]:
        rows = [sweep(slope, symbols) for slope in slopes]
        return [rows[i][j] for i in range(size) for j in range(i, size)]

    try:
        kernel = _kernel("Hessian", slopes, upper_triangle, objective, [])
    except (NotNative, UnsupportedError):
        return None
    upper = np.triu_indices(size)

    def hessian(theta: FloatArray) -> FloatArray:
        full = np.empty((size, size))
        full[upper] = full.T[upper] = kernel(theta)
        return full

    return hessian


def _response_kernel(squares: Sequence[Square], objective: Objective) -> Kernel | None:
    """The sums of :meth:`Condensed.spread` as a function of theta, |theta| and the factors."""
    names = list(objective.layout.shapes)
    extra = [f"size {_FACTOR}{name}" for name in names]
    extra += [f"{_FACTOR}{i} {j}" for i in names for j in names]
    basis = [node for square in squares for node in (square.weight, square.residual)]
    try:
        return _kernel("response", basis, lambda: _responses(squares, objective), objective, extra)
    except (NotNative, UnsupportedError):
        return None


def _responses(squares: Sequence[Square], objective: Objective) -> list[Node]:
    graph = squares[0].residual.graph
    names = list(objective.layout.shapes)
    symbols = [objective.partials.problem.symbol(name) for name in names]
    sizes = [graph.symbol(f"size {_FACTOR}{name}", ()) for name in names]
    factors = [[graph.symbol(f"{_FACTOR}{i} {j}", ()) for j in names] for i in names]
    terms: list[list[Node]] = [[] for _ in names]
    for square in squares:
        residual, shape = square.residual, (square.weight * square.residual).shape
        zero = graph.number(0)
        slopes = [tangents(residual, {s: graph.number(1)}).get(residual, zero) for s in symbols]
        image = graph.plus(*(graph.make("abs", u) * v for u, v in zip(slopes, sizes, strict=True)))
        for k, row in enumerate(factors):
            response = graph.plus(*(f * u for f, u in zip(row, slopes, strict=True)))
            product = square.weight * square.weight * _squared(response * image)
            terms[k].append(_summed(product, shape))
    return [graph.plus(*parts) for parts in terms]


def _squared(node: Node) -> Node:
    return node * node


def _summed(product: Node, shape: tuple[int | str, ...]) -> Node:
    if not shape:
        return product
    return product.graph.make("sum", filled(product, shape), value=(None, False))


def _kernel(
    what: str,
    basis: Sequence[Node],
    make: Callable[[], list[Node]],
    objective: Objective,
    extra: list[str],
) -> Kernel:
    """A compiled program of theta and ``extra`` numbers on the data of the objective."""
    problem, layout = objective.partials.problem, objective.layout
    shapes = input_shapes(problem, layout)
    first = list(layout.shapes)
    moving = {**{n: shapes[n] for n in first}, **dict.fromkeys(extra, ())}
    given = {**moving, **{n: s for n, s in shapes.items() if n not in moving}}
    native = derived_program(
        f"{what} for {first}", basis, make, given, objective.sizes, problem.rows
    )
    n = objective.sizes.get(problem.rows, 0) if problem.rows else 0
    return Kernel(native, Columns(native, objective.data), objective.data, n)


__all__ = ["Condensed", "condensed", "second_derivatives"]
