"""A run that left the domain of its loss: which part of the formula failed, and in which row.

>>> from symgd.minimize import minimize
>>> found = minimize("mean((y - log(m*x))^2)", {"m": 2}, data={"x": [1, -2], "y": [1, 2]})
>>> print(found.cause)
log(m*x) is not a number in row 2: m*x = -4 there
>>> found.cause in found.message
True
"""

from __future__ import annotations

from dataclasses import replace

from symgd.descend import Outcome, Solution
from symgd.diagnose.cause import cause


def blamed(found: Solution) -> Solution:
    """The solution with the part that was not finite named in ``cause`` and in the message."""
    if found.outcome is not Outcome.LEFT_DOMAIN or found.failed_at is None:
        return found
    text = cause(found.objective, found.failed_at)
    if not text:
        return found
    advice = Outcome.LEFT_DOMAIN.value
    before, _, after = found.message.partition(advice)
    message = f"{before}The cause: {text}. {advice}{after}"
    return replace(found, cause=text, message=message)
