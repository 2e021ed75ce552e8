"""What a run needs to go on later as if it had never stopped.

>>> def bowl(x):
...     return (x - 3.0) ** 2, 2.0 * (x - 3.0)
>>> from symgd.descend import descend
>>> whole = descend(bowl, 0.0, rate=0.1, steps=5, precision=None)
>>> part = descend(bowl, 0.0, rate=0.1, steps=2, precision=None)
>>> rest = descend(bowl, 0.0, rate=0.1, steps=3, precision=None, resume=part.state)
>>> rest.params == whole.params, rest.steps
(True, 5)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from symgd.descend.objective import FloatArray


@dataclass(frozen=True, eq=False)
class Origin:
    """What a run was asked to do, as plain values: enough to ask it again.

    ``formula`` is the loss as text, ``columns`` the data that it was run on by name, ``options``
    the options by name, numbers and text only.
    """

    formula: str
    columns: Mapping[str, Any]
    options: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class RunState:
    """A run between two updates.

    ``theta`` (p,) is the current iterate (not the best one), ``memory`` the state of the update
    rule, ``step`` how many updates were made, ``random`` the state of the generator at the start
    of the current epoch (``None`` without mini-batches), from which the batches of the epoch are
    drawn again. ``origin`` is what the run was asked to do, where a door knows it;
    ``evaluations`` counts the calls of the objective so far.
    """

    theta: FloatArray
    memory: Any
    step: int
    random: Mapping[str, Any] | None = None
    origin: Origin | None = None
    evaluations: int = 0
