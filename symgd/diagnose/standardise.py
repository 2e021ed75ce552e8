r"""What would standardising the columns do to the condition number?

For a model that is linear in its parameters the Hessian is 2 J'J/N with the columns of J given by
the data; its condition number sets the pace of gradient descent. Centred and scaled columns,
(x - mean)/sd, bring it down. Without an intercept in the model the columns are only scaled: then
centring would change the model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from symgd.compile.objective import Objective
from symgd.compile.structure import Structure
from symgd.derive.forward import tangents
from symgd.descend.objective import FloatArray
from symgd.diagnose.spectrum import Curvature, curvature
from symgd.formula.graph import Node, symbols_of, topological

MOST = 100
"""With more parameters than this nothing is said."""


@dataclass(frozen=True, eq=False)
class Standardised:
    """The curvature with the named columns standardised, and how that was done."""

    columns: tuple[str, ...]
    centred: bool
    curvature: Curvature

    @property
    def words(self) -> str:
        """``with x standardised``, for a sentence."""
        names = ", ".join(self.columns)
        return f"with {names} {'standardised' if self.centred else 'scaled to unit size'}"


def standardised(
    objective: Objective, structure: Structure, theta: FloatArray
) -> Standardised | None:
    """The curvature at ``theta`` with standardised columns, for linear models; else ``None``."""
    if not structure.affine or structure.squares is None or theta.size > MOST:
        return None
    names = _slope_columns(objective, [s.residual for s in structure.squares])
    if not names:
        return None
    scaled = _scaled(objective, names, centred=False)
    if scaled is None:
        return None
    centred = _scaled(objective, names, centred=True)
    if centred is not None and _has_intercept(objective, names):
        return Standardised(names, True, curvature(centred, theta, exact=True))
    return Standardised(names, False, curvature(scaled, theta, exact=True))


def _slope_columns(objective: Objective, residuals: list[Node]) -> tuple[str, ...]:
    """The columns that multiply parameters in the residuals."""
    problem = objective.partials.problem
    symbols = [problem.symbol(name) for name in objective.partials.wrt]
    found: dict[str, None] = {}
    for residual in residuals:
        graph = residual.graph
        order = topological(residual)
        changes = {s: graph.symbol("change of " + s.value, s.shape) for s in symbols if s in order}
        change = tangents(residual, changes).get(residual)
        for leaf in symbols_of(change) if change is not None else []:
            if leaf.value in objective.row_columns:
                found[leaf.value] = None
    return tuple(found)


def _scaled(objective: Objective, names: tuple[str, ...], centred: bool) -> Objective | None:
    data = dict(objective.data)
    for name in names:
        column = data[name]
        middle = column.mean(axis=0) if centred else np.zeros(column.shape[1:])
        spread = np.sqrt(((column - middle) ** 2).mean(axis=0))
        constant = spread <= 1e-12 * np.abs(column).max(axis=0)
        if not column.shape[1:] and constant:
            return None if centred else objective
        middle = np.where(constant, 0.0, middle)
        data[name] = (column - middle) / np.where(constant, 1.0, spread)
    return _on(objective, data)


def _on(objective: Objective, data: dict[str, FloatArray]) -> Objective:
    """The same loss on other columns of the same shapes."""
    return replace(objective, data=data, backend="numpy", runner=None)


def _has_intercept(objective: Objective, names: tuple[str, ...]) -> bool:
    """Whether shifting a column can be undone by the parameters.

    Seen from the smallest loss, which a shift must not change.
    """
    base = _least(objective)
    size = abs(objective(np.zeros(objective.layout.size))[0])
    if base is None or not np.isfinite(size):
        return False
    for name in names:
        column = objective.data[name]
        spread = column.std(axis=0)
        moved = _on(objective, {**objective.data, name: column + spread})
        least = _least(moved)
        if least is None or abs(least - base) > 1e-9 * size:
            return False
    return True


def _least(objective: Objective) -> float | None:
    """The smallest value of a quadratic loss."""
    theta = np.zeros(objective.layout.size)
    hessian = objective.hessian(theta)
    size = np.sqrt(np.maximum(np.diag(hessian), 1e-300))
    for _ in range(2):
        gradient = objective(theta)[1]
        step, *_ = np.linalg.lstsq(hessian / np.outer(size, size), gradient / size, rcond=1e-13)
        theta = theta - step / size
    value = objective(theta)[0]
    return value if np.isfinite(value) else None
