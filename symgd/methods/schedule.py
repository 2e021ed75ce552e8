"""Learning-rate schedules as formulas in ``t``, the number of updates so far.

>>> rate = schedule("5/(t + 1000)")
>>> rate(0), rate(1000), rate.text
(0.005, 0.0025, '5/(t + 1000)')
>>> schedule("0.1*decay^t", {"decay": 0.5})(2)
0.025
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symgd.compile.objective import Compiled
from symgd.descend.objective import FloatArray
from symgd.errors import FormulaError, OptionError
from symgd.formula.graph import Node
from symgd.formula.latex import to_latex
from symgd.formula.problem import read


@dataclass(frozen=True, eq=False)
class FormulaSchedule:
    """A schedule t -> eta_t that is a formula; ``text`` is what was written."""

    text: str
    node: Node = field(repr=False)
    _compiled: Compiled = field(repr=False)

    def __call__(self, t: int) -> float:
        """The learning rate of update ``t`` = 0, 1, 2, ..."""
        return float(self._at(np.float64(t)))

    def values(self, times: Any) -> FloatArray:
        """The learning rates at several times, shape (k,)."""
        times = np.asarray(times, dtype=np.float64)
        return np.array(np.broadcast_to(self._at(times), times.shape), dtype=np.float64)

    def latex(self) -> str:
        r"""The formula in LaTeX, as \eta_t."""
        return rf"\eta_t = {to_latex(self.node)}"

    def _at(self, t: Any) -> Any:
        return self._compiled.run({"t": t}, {})[0]


def schedule(text: str, constants: Mapping[str, float] | None = None) -> FormulaSchedule:
    """The schedule that a formula in ``t`` says; ``constants`` are numbers it may name.

    Raises an :class:`~symgd.errors.OptionError` that quotes what is not understood.
    """
    if not isinstance(text, str):
        raise OptionError(f"a schedule is a formula in t, not {type(text).__name__}")
    try:
        problem = read(text, shapes={"t": ()}, constants=constants)
    except FormulaError as error:
        raise OptionError(f"the rate or schedule {text!r} is not understood\n{error}") from None
    others = [s.name for s in problem.symbols if s.name != "t"]
    if others:
        raise OptionError(
            f"a schedule is a formula in t, and this one has {', '.join(others)}: {text}"
        )
    if problem.root.shape:
        raise OptionError(f"a schedule gives one number, and this one an array: {text}")
    return FormulaSchedule(text, problem.root, Compiled([problem.root]))


schedule_function = schedule
"""The same under the name that the doors use."""
