"""The right side of ``target ~ formula``, read for a feature matrix and compiled to predict.

A :class:`Model` holds text, names and shapes and no training data, so an estimator can be
pickled as plain data and rebuild it.

>>> import numpy as np
>>> from symgd.estimators.features import name_features
>>> model = read_model("X @ w + b", name_features("X @ w + b", 2))
>>> model.shapes, model.linear, model.intercepts
({'w': (2,), 'b': ()}, True, ('b',))
>>> model.predict({"w": np.array([1.0, 2.0]), "b": 0.5}, np.array([[1.0, 1.0], [0.0, 3.0]]))
array([3.5, 6.5])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symgd.compile.objective import Compiled
from symgd.compile.sizes import resolve, split_size
from symgd.compile.structure import degrees
from symgd.data.names import closest, listed
from symgd.derive.expand import without_derivatives
from symgd.derive.rewrite import stable
from symgd.descend.objective import FloatArray
from symgd.errors import ShapeProblem
from symgd.estimators.features import Features
from symgd.estimators.refusals import EstimatorError
from symgd.formula.graph import Node, topological
from symgd.formula.parser import parse_syntax
from symgd.formula.problem import Problem, ShapeLike, declare, from_syntax
from symgd.formula.shapes import Shape
from symgd.formula.syntax import names_in

ROWS = "N"
_ACROSS = frozenset({"softmax", "prodrest", "det", "inv", "solve", "logdet"})
_TARGETS = ("y", "target", "response", "outcome_of_row")


@dataclass(frozen=True)
class Model:
    """A formula over the features: what it predicts, and what its parameters are."""

    text: str
    features: Features
    used: tuple[str, ...]
    problem: Problem

    @cached_property
    def root(self) -> Node:
        """The prediction in its accurate form."""
        return stable(without_derivatives(self.problem.root))

    @cached_property
    def _compiled(self) -> Compiled:
        return Compiled([self.root])

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names that are fitted, in the order in which they occur."""
        return self.problem.parameters

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the parameters; :class:`ShapeProblem` names a size that is open."""
        return {name: self._numbers(name) for name in self.parameters}

    def _numbers(self, name: str) -> tuple[int, ...]:
        shape = self.problem.shape(name)
        for size in shape:
            if isinstance(size, str):
                base = split_size(size)[0]
                rows = base == ROWS
                raise ShapeProblem(
                    f"the size {base} of {name} " + ("is the number of rows, so it cannot be "
                    "used on other rows" if rows else "is not known"),
                    hint="index a column by feature, not by row" if rows
                    else f"give shapes={{'{name}': ...}} in numbers",
                )  # fmt: skip
        return resolve(shape, {}, name)

    @property
    def linear(self) -> bool:
        """Whether the prediction is linear (affine) in its parameters."""
        symbols = [self.problem.symbol(name) for name in self.parameters]
        return degrees(topological(self.root), symbols)[self.root] <= 1

    @property
    def intercepts(self) -> tuple[str, ...]:
        """Parameters that stand alone as a summand of the whole and occur nowhere else."""
        counts: dict[Node, int] = {}
        for node in topological(self.problem.root):
            for arg in node.args:
                counts[arg] = counts.get(arg, 0) + 1
        alone = [term for term in _summands(self.problem.root) if term.op == "sym"]
        return tuple(
            str(term.value)
            for term in alone
            if term.value in self.parameters and not term.shape and counts.get(term, 0) == 1
        )

    def predict(self, params: Mapping[str, Any], matrix: FloatArray) -> FloatArray:
        """The values (N,) of the formula on the rows of ``matrix`` (N, p)."""
        values: dict[str, Any] = dict(self.features.columns(matrix, self.used))
        values |= {n: np.float64(v) if np.ndim(v) == 0 else v for n, v in params.items()}
        (result,) = self._compiled.run(values, {ROWS: len(matrix)})
        return np.array(np.broadcast_to(result, (len(matrix),)), dtype=np.float64)


def _summands(root: Node) -> list[Node]:
    """The terms of a sum, without their signs."""
    found: list[Node] = []
    stack = [root]
    while stack:
        node = stack.pop()
        if node.op in ("add", "neg", "broadcast"):
            stack.extend(reversed(node.args))
        else:
            found.append(node)
    return found


def read_model(
    text: str,
    features: Features,
    shapes: Mapping[str, ShapeLike] | None = None,
    constants: Mapping[str, float] | None = None,
) -> Model:
    """The model of a formula over ``features``.

    Raises a :class:`~symgd.errors.FormulaError` with a caret for the text, and an
    :class:`EstimatorError` if it has no feature, no parameter, or not one number per row.
    """
    declared = declare(None, None, shapes, constants)
    parsed = parse_syntax(text, declared.names | features.spelled)
    used = features.used(parsed)
    if not used:
        names = [str(piece.value) for piece in names_in(parsed.root)]
        raise EstimatorError(_no_feature(text, features, names))
    count = len(features.names)
    columns: dict[str, Shape] = {
        name: (ROWS, count) if name == features.matrix else (ROWS,) for name in used
    }
    known = {name: shape for name, shape in (shapes or {}).items() if name not in columns}
    problem = from_syntax(parsed, declare(None, columns, known, constants))
    _check_rows(text, problem.root)
    if problem.root.shape not in ((), (ROWS,)):
        raise EstimatorError(
            f"the formula must give one number for each row of X; {text!r} gives the shape "
            f"({', '.join(map(str, problem.root.shape))})"
        )
    if not problem.parameters:
        raise EstimatorError(
            f"there is nothing to fit: every name in {text!r} is a feature. Names that are no "
            "features are parameters"
        )
    return Model(text, features, used, problem)


def _check_rows(text: str, root: Node) -> None:
    """Refuse formulas whose value in one row depends on the other rows."""
    for node in topological(root):
        reduced = ROWS not in node.shape and any(ROWS in arg.shape for arg in node.args)
        across = node.op in _ACROSS and any(arg.shape[:1] == (ROWS,) for arg in node.args)
        taken = node.op == "getitem" and not _keeps_rows(node)
        counted = node.op == "dim" and node.value == ROWS
        if reduced or taken or counted or (across and not _along_features(node)):
            raise EstimatorError(
                f"the formula {text.strip()!r} takes the rows together ({node.op}), so a "
                "prediction would depend on which other rows are predicted with it; give a formula "
                "for one row"
            )


def _along_features(node: Node) -> bool:
    """Whether an operation on a matrix works within each row."""
    return node.op == "softmax" and node.value in (1, -1) and len(node.shape) == 2


def _keeps_rows(node: Node) -> bool:
    """Whether an index takes every row, in their order."""
    shape = node.args[0].shape
    if ROWS not in shape:
        return True
    items = [item for item in node.value if item[0] != "new"]
    axis = shape.index(ROWS)
    return axis >= len(items) or items[axis] == ("slice", None, None, None)


def _no_feature(text: str, features: Features, names: Iterable[str]) -> str:
    own = [name for name in features.names if name in features.spelled]
    unspelled = [name for name in features.names if name not in features.spelled]
    near = next((hint for name in names if (hint := closest(name, own))), "")
    more = ""
    if unspelled:
        more = (
            f". {unspelled[0]!r} cannot be spelled in a formula: write X[:, "
            f"{features.names.index(unspelled[0])}], or name the columns with features=[...]"
        )
    whole = f"; {features.matrix} is all of them" if features.matrix else ""
    return (
        f"no feature occurs in the formula {text.strip()!r}: the features are "
        f"{listed(own) or 'without names'}{whole}{near}{more}"
    )


def split_target(formula: str, features: Features) -> tuple[str, str]:
    """``"target ~ right"`` as its two sides; a formula without ``~`` gets a target's name.

    >>> split_target("a*x + b", Features(("x",)))
    ('y', 'a*x + b')
    """
    if not isinstance(formula, str):
        raise EstimatorError(f"formula must be text, such as 'X @ w + b', not {formula!r}")
    left, tilde, right = formula.rpartition("~")
    left, right = left.strip(), right.strip()
    if "~" in left or (tilde and not left) or not right:
        raise EstimatorError(f"a formula is 'X @ w + b' or 'y ~ X @ w + b', not {formula!r}")
    inside = {str(p.value) for p in names_in(parse_syntax(right, features.spelled).root)}
    if not tilde:
        taken = inside | set(features.names)
        return next(name for name in _TARGETS if name not in taken), right
    if not left.isidentifier():
        raise EstimatorError(
            f"the target {left!r} must be a name. To fit a function of it, wrap the estimator in "
            "sklearn.compose.TransformedTargetRegressor"
        )
    if left in inside or left in features.spelled:
        raise EstimatorError(f"the target {left!r} is also among the features or in the formula")
    return left, right


__all__ = ["Model", "read_model", "split_target"]
