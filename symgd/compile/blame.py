"""Which part of a formula is not a number, and in which row of the data.

>>> from symgd.compile.objective import compile_objective
>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> objective = compile_objective(derive(read("log(x - 2) + x")), {})
>>> blame(objective, np.array([1.0]))
'log(x - 2) is nan'
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symgd.compile.least_squares import named_parts
from symgd.compile.objective import Compiled, Objective
from symgd.descend.objective import FloatArray
from symgd.formula.graph import LOGIC, topological
from symgd.formula.text import to_text


def blame(objective: Objective, theta: FloatArray) -> str:
    """The innermost part of the loss that is not finite at ``theta`` though its arguments are.

    An empty text if the loss itself is finite there (then it is the gradient that is not).
    """
    for root in (objective.partials.written, *objective.partials.raw.values()):
        nodes = [n for n in topological(root) if n.args and n.op not in LOGIC]
        values: dict[str, Any] = {**objective.data, **dict(named_parts(objective.layout, theta))}
        found = Compiled(nodes).run(values, objective.sizes)
        for node, value in zip(nodes, found, strict=True):
            bad = ~np.isfinite(np.asarray(value, dtype=np.float64))
            if bad.any():
                return f"{to_text(node)} is {_where(np.asarray(value), bad)}"
    return ""


def _where(value: Any, bad: Any) -> str:
    """``nan``, or ``nan in row 3 (and 5 more rows)``, rows counted from 1."""
    if not value.shape:
        return str(value)
    first = tuple(np.argwhere(bad)[0])
    rows = int(bad.reshape(bad.shape[0], -1).any(axis=1).sum())
    more = f" (and {rows - 1} more)" if rows > 1 else ""
    return f"{value[first]} in row {first[0] + 1}{more}"
