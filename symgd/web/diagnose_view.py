"""What is known of a descent before its first step: the stable rate, the closed form, in words.

>>> seen = diagnose({"problem": {"text": "(x - 3.5)^2 - 4.5x + 10"}, "start": {"x": 9}})
>>> seen["stable_rate"], seen["closed_form"]
(1.0, 'x = 23/4 = 5.75')
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from symgd.web.data_file import data_of
from symgd.web.problem import formula_text, model_loss, problem_of, start_of, whole_of
from symgd.web.runs import rate_of

SECONDS = 3.0
LOW, HIGH = 1e-4, 4.0
"""The ends of the rate slider, as shares of the stable rate."""
USUAL = (1e-4, 1.0)
"""The ends of the slider where no stable rate is known."""


def diagnose(content: Mapping[str, Any]) -> dict[str, Any]:
    """The diagnosis under the names of :class:`symgd.diagnose.Diagnosis`, with its sections."""
    from dataclasses import replace

    from symgd.data import column_names
    from symgd.explain import explain

    asked = problem_of(content)
    with data_of(asked) as data:
        if asked.model and data is not None:
            asked = replace(asked, columns=tuple(column_names(data)))
        text = model_loss(asked) if asked.model else formula_text(asked)
        found = explain(
            text, data, start=start_of(content), rate=rate_of(content),
            batch=whole_of(content, "batch", 1, 10**9), wrt=asked.wrt,
            shapes=asked.shapes or None, constants=asked.constants or None,
            missing=asked.missing, seconds=SECONDS,
        )  # fmt: skip
    sections = [[topic, lines] for topic, lines in found.sections()]
    return {
        **found.to_dict(), "sections": sections, "closed_latex": found.closed.latex,
        "settled": bool(found.settled), "suggested": suggested(found.stable_rate, found.best_rate),
    }  # fmt: skip


def suggested(stable: float, best: float) -> dict[str, float]:
    """A first rate, and the ends of a slider around the stable limit."""
    if not (math.isfinite(stable) and stable > 0):
        return {"rate": 0.01, "low": USUAL[0], "high": USUAL[1]}
    rate = best if math.isfinite(best) and 0 < best < stable else stable / 2
    return {
        "rate": float(f"{0.4 * rate:.2g}"),
        "low": float(f"{LOW * stable:.3g}"),
        "high": float(f"{HIGH * stable:.3g}"),
    }
