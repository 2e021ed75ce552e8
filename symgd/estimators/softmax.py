r"""Several classes: one copy of the formula for each, joined by the softmax.

The probability of class k is exp(z_k)/sum_j exp(z_j), where the scores z_k are the formula with
parameters of their own (multinomial logistic regression; Hastie, Tibshirani & Friedman, "The
Elements of Statistical Learning", 2nd ed., section 4.4). The mean of log sum_j exp(z_j) - z_c over
the rows of class c, plus alpha times the squares of the penalised parameters, is minimised. All
scores may be shifted together without a change: with a penalty, intercepts are made to sum to
zero by one more square, which is zero at the minimum; without one the first class has score 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from symgd.derive.partials import Partials, derive
from symgd.descend import Solution
from symgd.descend.objective import FloatArray, IntArray
from symgd.estimators.loss_text import WEIGHT
from symgd.estimators.model import ROWS, Model
from symgd.formula.graph import Node, rebuild, topological
from symgd.formula.problem import Symbol
from symgd.minimize import run

_FEW = 40
"""Up to so many parameters in all, Newton's method is the faster one."""


@dataclass(frozen=True)
class Softmax:
    """The softmax loss of a model over ``count`` classes as derived partials.

    ``alpha`` weighs the squares of ``penalised``; ``weighted`` says that rows have weights.
    """

    model: Model
    count: int
    alpha: float
    penalised: tuple[str, ...]
    weighted: bool

    @property
    def first(self) -> int:
        """The first class that has parameters."""
        return 0 if self.alpha and self.penalised else 1

    def own(self, name: str, label: int) -> str:
        """The name of a parameter's copy for one class."""
        return f"{name}(class {label})"

    def partials(self) -> Partials:
        """The loss and its partial derivatives by all copies of the parameters."""
        problem = self.model.problem
        scores = [self._score(k) for k in range(self.first, self.count)]
        marks = [f"is class {k}" for k in range(self.first, self.count)]
        columns = [*marks, *([WEIGHT] if self.weighted else [])]
        symbols = [s for s in problem.symbols if s.role == "data"]
        symbols += [Symbol(name, "data", (ROWS,)) for name in columns]
        symbols += [
            Symbol(self.own(s.name, k), "parameter", s.shape)
            for k in range(self.first, self.count)
            for s in problem.symbols
            if s.role == "parameter"
        ]
        root = self._loss(scores, marks)
        return derive(replace(problem, root=root, symbols=tuple(symbols), notes=()))

    def _score(self, label: int) -> Node:
        """The formula with the parameters of one class."""
        problem = self.model.problem
        graph = problem.root.graph
        changed = {
            problem.symbol(name): graph.symbol(self.own(name, label), problem.shape(name))
            for name in problem.parameters
        }
        return rebuild(topological(problem.root), changed, graph)[problem.root]

    def _loss(self, scores: list[Node], marks: list[str]) -> Node:
        graph = scores[0].graph
        total = scores[0] if self.first == 0 else graph.number(0)
        for score in scores if self.first else scores[1:]:
            total = graph.make("logaddexp", total, score)
        chosen = [graph.symbol(m, (ROWS,)) * z for m, z in zip(marks, scores, strict=True)]
        term = total - graph.plus(*chosen)
        if self.weighted:
            term = graph.symbol(WEIGHT, (ROWS,)) * term
        loss = graph.make("mean", term, value=(None, False))
        if self.first:
            return loss
        return graph.plus(loss, graph.number(Fraction(self.alpha)) * self._penalty())

    def _penalty(self) -> Node:
        """The squares of the penalised parameters, and of the sums of the intercepts."""
        problem = self.model.problem
        graph = problem.root.graph
        squares = []
        for name in problem.parameters:
            shape = problem.shape(name)
            copies = [graph.symbol(self.own(name, k), shape) for k in range(self.count)]
            if name in self.penalised:
                squares += [_square(copy) for copy in copies]
            elif name in self.model.intercepts:
                squares.append(_square(graph.plus(*copies)))
        return graph.plus(*squares)


def _square(node: Node) -> Node:
    square = node ** node.graph.number(2)
    return node.graph.make("sum", square, value=(None, False)) if node.shape else square


def fit_softmax(
    task: Softmax, matrix: FloatArray, codes: IntArray, weight: FloatArray | None,
    start: Any, bounds: Any, options: Mapping[str, Any],
) -> tuple[dict[str, Any], Solution]:  # fmt: skip
    """The parameters, each with one more axis for the classes in front, and the run.

    ``codes`` (N,) are the classes as 0, 1, ...; ``start`` and ``bounds`` are given once and hold
    for every class.
    """
    model = task.model
    data: dict[str, Any] = model.features.columns(matrix, model.used)
    data |= {f"is class {k}": (codes == k) * 1.0 for k in range(task.first, task.count)}
    if weight is not None:
        data[WEIGHT] = weight / weight.mean()
    classes = range(task.first, task.count)
    if start is None and model.linear:
        start = {name: np.zeros(shape)[()] for name, shape in model.shapes.items()}
    if isinstance(start, Mapping):
        start = _copied(task, start, classes)
    if isinstance(bounds, Mapping):
        bounds = _copied(task, bounds, classes)
    own = {**options, "method": _method(options, len(classes) * _size(model))}
    solution = run(task.partials(), data, start, bounds=bounds, **own)
    params = {}
    for name, shape in model.shapes.items():
        none = [np.zeros(shape)] * task.first
        parts = [solution.params[task.own(name, k)] for k in classes]
        params[name] = np.array([*none, *parts], dtype=np.float64)
    return params, solution


def _size(model: Model) -> int:
    """How many components the parameters of one class have."""
    return sum(math.prod(shape) for shape in model.shapes.values())


def _method(options: Mapping[str, Any], size: int) -> Any:
    """The method asked for; the Hessian of many classes costs more than the steps it saves."""
    asked = [options[name] for name in ("method", "rate", "batch", "epochs")]
    return "lbfgs" if size > _FEW and asked == [None] * len(asked) else options["method"]


def _copied(task: Softmax, given: Mapping[str, Any], classes: Iterable[int]) -> dict[str, Any]:
    return {task.own(name, k): value for k in classes for name, value in given.items()}


def scores(model: Model, params: Mapping[str, Any], matrix: FloatArray) -> FloatArray:
    """The score of every class on every row, (N, K)."""
    count = len(next(iter(params.values())))
    per_class = [{name: value[k] for name, value in params.items()} for k in range(count)]
    return np.column_stack([model.predict(own, matrix) for own in per_class])


__all__ = ["Softmax", "fit_softmax", "scores"]
