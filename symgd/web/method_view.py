"""Methods and schedules as formulas: the table, and what a user typed.

>>> seen = method({"method": "momentum", "momentum": 0.5, "schedule": "0.1/(1 + t)"})
>>> seen["numbers"], seen["schedule"]["values"][:2]
({'beta': 0.5}, [0.1, 0.05])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from symgd.web.problem import text_of
from symgd.web.runs import run_of

if TYPE_CHECKING:
    from symgd.methods import Rule

TIMES = 51


def method(content: Mapping[str, Any]) -> dict[str, Any]:
    """One method (of the table, or updates as formulas), or all of the table; and a schedule."""
    from symgd.minimize.choose import ENGINES

    rule = run_of({name: content.get(name) for name in ("method", "momentum")}).rule
    schedule = text_of(content, "schedule", None, 2000)
    told: dict[str, Any] = {"schedule": None if not schedule else _schedule(schedule)}
    if rule is None:
        from symgd.methods import METHODS, named

        table = [{"key": key, **_rule(named(key))} for key in METHODS]
        engines = [{"key": key, "title": words} for key, words in ENGINES.items()]
        return {**told, "methods": table, "engines": engines}
    if rule in ENGINES:
        return {**told, "title": ENGINES[rule], "latex": None, "formulas": None, "numbers": {},
                "state": {}, "reference": "", "rate": None}  # fmt: skip
    from symgd.methods import named

    return {**told, **_rule(named(rule))}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "title": rule.name, "latex": rule.latex(), "formulas": rule.formulas(),
        "numbers": dict(rule.constants), "state": dict(rule.state), "reference": rule.reference,
        "rate": rule.rate,
    }  # fmt: skip


def _schedule(text: str) -> dict[str, Any]:
    import numpy as np

    from symgd.methods import schedule
    from symgd.web.jsonable import plain

    found = schedule(text)
    with np.errstate(all="ignore"):
        values = found.values(np.arange(TIMES))
    return {"latex": found.latex(), "values": plain(values)}
