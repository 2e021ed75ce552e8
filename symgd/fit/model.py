"""The model behind a fit: prediction, target and Jacobian as compiled formulas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from symgd.compile.least_squares import Precise, Residuals
from symgd.compile.objective import Compiled, Objective, compile_objective
from symgd.compile.sizes import resolve
from symgd.compile.square_terms import Square
from symgd.data import load
from symgd.derive.partials import Partials
from symgd.derive.sweep import sweep
from symgd.descend.objective import FloatArray, Layout
from symgd.errors import OptionError
from symgd.formula.graph import Node, topological


def _beside(root: Node, stop: Node) -> list[Node]:
    """The nodes of ``root`` that are reached without passing through ``stop``."""
    seen: dict[Node, None] = {}
    stack = [root]
    while stack:
        node = stack.pop()
        if node is not stop and node not in seen:
            seen[node] = None
            stack.extend(node.args)
    return list(seen)


@dataclass(frozen=True)
class Fitted:
    """The model behind a fit: its prediction and Jacobian as compiled formulas.

    ``kind`` is the name of the loss ("mse", ...; "" for one of the user's own), ``squares`` says
    that it is least squares, ``weight`` (N,) are the weights of the rows, None if all are 1;
    ``absolute`` says that they are known errors, which need no scaling.
    """

    partials: Partials
    prediction: Node
    target: FloatArray
    target_text: str
    columns: Mapping[str, FloatArray]
    sizes: Mapping[str, int]
    shapes: Mapping[str, tuple[int, ...]]
    squares: bool
    kind: str = ""
    weight: FloatArray | None = None
    absolute: bool = False
    target_node: Node | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {f.name: self.__dict__[f.name] for f in fields(self)}

    @cached_property
    def _model(self) -> Compiled:
        return Compiled([self.prediction])

    @cached_property
    def objective(self) -> Objective:
        """The loss that was minimised."""
        return compile_objective(self.partials, self.columns, self.shapes)

    def values(self, theta: FloatArray) -> dict[str, Any]:
        """theta as named arrays."""
        return dict(Layout.of(self.shapes).unpack(theta)) if self.shapes else {}

    def predict(self, theta: FloatArray, data: Any) -> FloatArray:
        """The prediction on ``data`` or on the fitted columns."""
        columns, sizes = self.at(data)
        values = {n: np.float64(v) if np.ndim(v) == 0 else v for n, v in self.values(theta).items()}
        (result,) = self._model.run({**columns, **values}, sizes)
        return np.array(np.broadcast_to(result, resolve(("N",), sizes, "the data")))

    def at(self, data: Any) -> tuple[Mapping[str, Any], dict[str, int]]:
        """The columns of the model in new ``data`` (None: the fitted ones), and the sizes."""
        columns, sizes = self.columns, dict(self.sizes)
        if data is None:
            return columns, sizes
        needed = [n for n in self._model.symbols if n in self.columns]
        fixed = {n: self.columns[n] for n in needed if np.ndim(self.columns[n]) == 0}
        needed = [n for n in needed if n not in fixed]
        matrices = [n for n in needed if self.columns[n].ndim == 2]
        table = load(data, needed, matrices=matrices) if needed else None
        found = {**(dict(table.columns) if table else {}), **fixed}
        sizes["N"] = table.n_rows if table else sizes.get("N", 1)
        return found, sizes

    def jacobian(self, theta: FloatArray, data: Any = None) -> FloatArray:
        """d prediction/d theta, (N, p)."""
        return np.asarray(self._rows(data).jacobian(theta), dtype=np.float64)

    def precise_jacobian(self, theta: FloatArray) -> Any:
        """The same in extended precision."""
        return self._rows(None).jacobian(theta.astype(np.longdouble))

    def residual(self, theta: FloatArray) -> Any:
        """Target minus prediction (N,), in extended precision where the machine has it."""
        if self.target_node is None:
            return (self.target - self.predict(theta, None)).astype(np.longdouble)
        difference = self.target_node - self.prediction
        long = theta.astype(np.longdouble)
        from symgd.compile.least_squares import named_parts

        values = {n: np.asarray(v, np.longdouble)[()] for n, v in self.columns.items()}
        values |= dict(named_parts(Layout.of(self.shapes), long))
        (result,) = Precise([difference])(values, self.sizes, np.longdouble)
        return np.array(np.broadcast_to(result, (self.target.shape[0],)))

    def slopes(self, theta: FloatArray) -> FloatArray | None:
        """dL/d prediction (N,); None if theta stands in the loss beside the prediction too."""
        loss = self.partials.written
        order = topological(loss)
        if self.prediction not in order or self.prediction.shape != ("N",):
            return None
        outside = _beside(loss, self.prediction)
        if any(node.op == "sym" and node.value in self.shapes for node in outside):
            return None
        values = {**self.columns, **self.values(theta)}
        (found,) = Compiled(sweep(loss, [self.prediction])).run(values, dict(self.sizes))
        return np.array(np.broadcast_to(found, (self.target.shape[0],)))

    def _rows(self, data: Any) -> Residuals:
        """The prediction as a residual, which knows its derivatives."""
        columns, sizes = self.at(data)
        graph = self.prediction.graph
        node = self.prediction
        if node.shape != ("N",):
            node = graph.make("broadcast", node, value=("N",))
        objective = self.objective
        place = Objective(objective.partials, objective.layout, columns, sizes, objective.compiled)
        return Residuals([Square(graph.number(1), node)], place)

    def check_names(self, names: Any) -> None:
        """Refuse names that are no parameters."""
        unknown = [n for n in names if n not in self.shapes]
        if unknown:
            raise OptionError(
                f"{unknown[0]!r} is not a parameter: there are {', '.join(self.shapes)}"
            )
