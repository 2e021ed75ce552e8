"""Is a claim right? Proofs of our own gradients, and verdicts on other people's.

:func:`check` judges one claimed derivative, :func:`check_derivation` a derivation line by
line, :func:`check_gradient` somebody's own code; :func:`exercise` plants a typical mistake.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symgd.check.exercises import Exercise, exercise
    from symgd.check.judge import check
    from symgd.check.lines import Report, check_derivation
    from symgd.check.numeric import GradientCheck, check_gradient
    from symgd.check.verdict import Verdict, Witness

_HOME = {
    "Exercise": "exercises",
    "GradientCheck": "numeric",
    "Report": "lines",
    "Verdict": "verdict",
    "Witness": "verdict",
    "check": "judge",
    "check_derivation": "lines",
    "check_gradient": "numeric",
    "exercise": "exercises",
}

__all__ = [
    "Exercise",
    "GradientCheck",
    "Report",
    "Verdict",
    "Witness",
    "check",
    "check_derivation",
    "check_gradient",
    "exercise",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'symgd.check' has no attribute {name!r}")
    return getattr(import_module(f"symgd.check.{_HOME[name]}"), name)
