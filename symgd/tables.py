"""Which columns a formula needs, taken from whatever holds the data."""

from __future__ import annotations

from typing import Any

from symgd.data import load
from symgd.derive.partials import Partials
from symgd.errors import OptionError


def columns_of(
    source: Any, partials: Partials, missing: str = "refuse"
) -> tuple[dict[str, Any], int]:
    """The columns that the formula uses, and how many rows were dropped."""
    problem = partials.problem
    needed = [s for s in problem.symbols if s.name not in partials.wrt]
    if not needed:
        return {}, 0
    if source is None:
        names = ", ".join(s.name for s in needed)
        raise OptionError(f"the formula needs data for {names}")
    matrices = [s.name for s in needed if len(s.shape) == 2]
    table = load(source, [s.name for s in needed], missing=missing, matrices=matrices)
    return dict(table.columns), table.dropped
