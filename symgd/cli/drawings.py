"""What is drawn on a terminal, by name: each takes a result and the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symgd.cli import fit_table, tables, words_drawn

DRAWINGS: dict[str, Callable[[Any, Any], Any]] = {
    "derivation": tables.derivation,
    "derivatives": tables.derivatives,
    "diagnosis": words_drawn.diagnosis,
    "fit": fit_table.report,
    "judged": words_drawn.judged,
    "lines": words_drawn.lines,
    "solution": tables.solution,
    "verdict": words_drawn.verdict,
}
"""The drawings."""
