r"""Losses of linear predictors: l(eta) with eta = A theta + c, in coordinates of their own.

A logistic or Poisson loss depends on its parameters through eta = w*x + b alone. Where the
columns of A are nearly parallel (x around 1e9 beside a constant), the Hessian in theta has lost
the answer before it is formed. With A = Q R and phi = R theta the loss is l(c + Q phi), whose
Hessian Q^T l'' Q is as well-conditioned as the data allow. At the end A theta = Q phi is solved
for theta with refinement.

>>> from symgd.compile.objective import compile_objective
>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> p = derive(read("mean(log(1 + exp(w*x + b)) - y*(w*x + b))", columns="x, y"))
>>> x = 1e9 + np.arange(4.0)
>>> made = predictor_of(compile_objective(p, {"x": x, "y": np.array([0.0, 1.0, 0.0, 1.0])}))
>>> made.condition > 1e8, bool(np.linalg.cond(made.hessian(np.zeros(2))) < 2)
(True, True)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symgd.compile.least_squares import Precise, Residuals
from symgd.compile.objective import Objective
from symgd.compile.square_terms import Square
from symgd.compile.structure import degrees
from symgd.compile.variant import substituted
from symgd.derive.sweep import sweep
from symgd.descend.objective import FloatArray
from symgd.errors import UnsupportedError
from symgd.formula.graph import Node, depends_on, topological

_ETA, _WAY = "predictor_", "change_"
_MOST = 4


class Predictor:
    """The loss as a function of phi (p,), with its Hessian; and the way back to theta."""

    def __init__(self, objective: Objective, nodes: list[Node]) -> None:
        self.objective = objective
        graph = objective.partials.loss.graph
        one = graph.number(1)
        self._affine = Residuals([Square(one, node) for node in nodes], objective)
        size = objective.layout.size
        zero = np.zeros(size, dtype=np.longdouble)
        self.matrix = self._affine.jacobian(zero)
        self.base = np.asarray(self._affine.residual(zero), dtype=np.float64)
        self.scale = np.sqrt((self.matrix**2).sum(axis=0)).astype(np.float64)
        self.scale = np.where(self.scale > 0, self.scale, 1.0)
        self.frame, self._upper = _orthogonal(self.matrix / self.scale)
        symbols = [graph.symbol(f"{_ETA}{i}", n.shape) for i, n in enumerate(nodes)]
        order = topological(objective.partials.loss)
        changes = dict(zip(nodes, symbols, strict=True))
        loss = substituted(order, changes)[objective.partials.loss]
        slopes = sweep(loss, symbols)
        ways = [graph.symbol(f"{_WAY}{i}", n.shape) for i, n in enumerate(nodes)]
        terms = [_summed(g * v) for g, v in zip(slopes, ways, strict=True)]
        self._first = Precise([loss, *slopes])
        self._second = Precise(sweep(graph.plus(*terms), symbols))

    @property
    def condition(self) -> float:
        """The condition number of A with columns of length 1."""
        values = np.linalg.svd(self._upper, compute_uv=False)
        return float(values[0] / values[-1]) if values[-1] > 0 else np.inf

    def __call__(self, phi: FloatArray) -> tuple[float, FloatArray]:
        loss, *slopes = self._first(self._values(phi), self.objective.sizes)
        return float(loss), self.frame.T @ self._flat(slopes)

    def hessian(self, phi: FloatArray) -> FloatArray:
        """Q^T l'' Q, (p, p)."""
        values = self._values(phi)
        columns = []
        for column in self.frame.T:
            values |= self._named(_WAY, column)
            columns.append(self.frame.T @ self._flat(self._second(values, self.objective.sizes)))
        full = np.array(columns)
        return np.asarray((full + full.T) / 2)

    def phi(self, theta: FloatArray) -> FloatArray:
        """The coordinates of theta."""
        image = self.matrix @ theta.astype(np.longdouble)
        return np.asarray(self.frame.T @ image.astype(np.float64))

    def theta(self, phi: FloatArray) -> FloatArray:
        """theta with A theta = Q phi, refined in extended precision."""
        wanted = self.frame.astype(np.longdouble) @ phi.astype(np.longdouble)
        theta = np.zeros(phi.size, dtype=np.longdouble)
        for _ in range(_MOST):
            rest = (wanted - self.matrix @ theta).astype(np.float64)
            theta = theta + np.linalg.solve(self._upper, self.frame.T @ rest) / self.scale
        return np.asarray(theta, dtype=np.float64)

    def back(self) -> FloatArray:
        """The matrix T (p, p) of theta = T phi."""
        return np.asarray(np.linalg.inv(self._upper) / self.scale[:, None])

    def errors(self, errors: FloatArray, theta: FloatArray) -> FloatArray:
        """Bounds of the errors of theta for those of phi."""
        found: FloatArray = np.abs(self.back()) @ errors + np.spacing(np.abs(theta))
        return found

    def _values(self, phi: FloatArray) -> dict[str, Any]:
        return {**self.objective.data, **self._named(_ETA, self.base + self.frame @ phi)}

    def _named(self, prefix: str, values: FloatArray) -> dict[str, Any]:
        named, place = {}, 0
        for index, shape in enumerate(self._affine.shapes):
            size = int(np.prod(shape, dtype=int))
            part = values[place : place + size].reshape(shape)
            named[f"{prefix}{index}"] = part if shape else np.float64(part)
            place += size
        return named

    def _flat(self, parts: Any) -> FloatArray:
        shapes = self._affine.shapes
        return np.concatenate(
            [np.broadcast_to(p, s).ravel() for p, s in zip(parts, shapes, strict=True)]
        )


def _summed(node: Node) -> Node:
    return node.graph.make("sum", node, value=(None, False)) if node.shape else node


def _orthogonal(matrix: Any) -> tuple[FloatArray, FloatArray]:
    """Q and R of a matrix in extended precision: Gram-Schmidt twice, without loss of digits."""
    columns: list[Any] = []
    upper = np.zeros((matrix.shape[1], matrix.shape[1]), dtype=np.longdouble)
    for k in range(matrix.shape[1]):
        rest = matrix[:, k].copy()
        for _ in range(2):
            for j, column in enumerate(columns):
                part = column @ rest
                upper[j, k] += part
                rest = rest - part * column
        upper[k, k] = np.sqrt(rest @ rest)
        columns.append(rest / upper[k, k] if upper[k, k] > 0 else rest)
    return np.array(columns, dtype=np.float64).T, upper.astype(np.float64)


def predictor_of(objective: Objective) -> Predictor | None:
    """The loss in terms of its linear predictors, or None if it is not made of some."""
    root = objective.partials.loss
    symbols = [objective.partials.problem.symbol(n) for n in objective.partials.wrt]
    order = topological(root)
    active = depends_on(order, symbols)
    degree = degrees(order, symbols)
    frontier: dict[Node, None] = {}
    for node in order:
        if node in active and degree[node] > 1:
            frontier.update((a, None) for a in node.args if a in active and degree[a] <= 1)
    nodes = list(frontier)
    if not nodes or len(nodes) > _MOST or any(not n.shape or n.op == "sym" for n in nodes):
        return None
    try:
        made = Predictor(objective, nodes)
    except UnsupportedError:
        return None
    rows, columns = made.matrix.shape
    return made if rows >= columns and np.isfinite(made.condition) else None
