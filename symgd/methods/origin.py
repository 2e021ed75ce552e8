"""What a run was asked to do, as plain values, and the parts of it made again from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from symgd.compile.objective import Objective
from symgd.descend import Origin, Update, search
from symgd.formula.text import to_text
from symgd.methods.rule import Rule, from_text
from symgd.methods.schedule import FormulaSchedule, schedule

_SCHEDULES = {
    kind.__name__: kind
    for kind in (search.Constant, search.InverseTime, search.Exponential, search.StepDecay,
                 search.Cosine)
}  # fmt: skip


def origin_of(
    objective: Objective, rate: Any, update: Update[Any] | None, **options: Any
) -> Origin:
    """The origin of a run of ``update`` at ``rate`` on ``objective``.

    ``options`` are those of :func:`symgd.descend` that decide about the iterates: precision,
    stop, batch, replace, seed. A part that cannot be written down (a Python function as the rate)
    is noted under "unsaved".
    """
    partials = objective.partials
    content: dict[str, Any] = {
        "wrt": list(partials.wrt),
        "names": list(objective.names),
        "shapes": {name: list(shape) for name, shape in objective.layout.shapes.items()},
        "scalars": {n: float(v) for n, v in objective.data.items() if np.ndim(v) == 0},
        "backend": _backend(objective.backend),
        "rate": _rate(rate),
        "method": _method(update),
        **options,
    }
    if content["rate"] is None:
        content["unsaved"] = "the rate is a Python function: only a formula in t can be saved"
    if content["method"] == "unsaved":
        content["unsaved"] = (
            "the update is made of Python code: only a rule of formulas can be saved"
        )
    columns = {n: v for n, v in objective.data.items() if np.ndim(v)}
    return Origin(to_text(partials.problem.root), columns, content)


def rate_again(saved: Any) -> Any:
    """The rate or schedule that was written down."""
    if isinstance(saved, str):
        return schedule(saved)
    if isinstance(saved, Mapping):
        fields = {k: v for k, v in saved.items() if k != "schedule"}
        return _SCHEDULES[saved["schedule"]](**fields)
    return saved


def method_again(saved: Mapping[str, Any] | None) -> Rule | None:
    """The update rule that was written down; ``None`` for gradient descent."""
    if saved is None:
        return None
    return from_text(
        saved["text"], state=saved["state"], constants=saved["constants"], name=saved["name"],
        reference=saved["reference"],
    )  # fmt: skip


def _backend(how: str) -> str:
    """The backend that computes the same bits again."""
    return "numpy" if how.startswith("numpy") else "native" if how.startswith("native") else "auto"


def _rate(rate: Any) -> Any:
    if isinstance(rate, FormulaSchedule):
        return rate.text
    if type(rate).__name__ in _SCHEDULES and isinstance(rate, search.Schedule):
        return {"schedule": type(rate).__name__, **asdict(rate)}
    return None if callable(rate) else float(rate)


def _method(update: Update[Any] | None) -> Any:
    if update is None:
        return None
    if not isinstance(update, Rule):
        return "unsaved"
    return {
        "text": update.text, "state": dict(update.state), "constants": dict(update.constants),
        "name": update.name, "reference": update.reference,
    }  # fmt: skip
