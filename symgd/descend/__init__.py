"""Descent: from a function with its gradient to the minimum, with an honest end.

One loop (:func:`descend`) serves every method. What varies are its parts, all plain values:
the *update* (gradient descent unless another is given), the *schedule* of the learning rate,
the *batches* of rows, the observers. This room knows only numbers; where the loss came from is
not its business.

The result is a :class:`Solution` whose :class:`Outcome` is to be trusted: CONVERGED means that
every parameter is within ``precision`` of the minimum, not that the last step was small.

>>> def parabola(x):
...     return (x - 3.5) ** 2 - 4.5 * x + 10, 2 * (x - 3.5) - 4.5
>>> solution = descend(parabola, 0.0, rate=0.1)
>>> solution.outcome.name, round(solution.params["theta"], 5)
('CONVERGED', 5.75)
>>> descend(parabola, 0.0, rate=50).outcome.name
'DIVERGED'
>>> descend(parabola, 0.0, rate=1e-9).outcome.name
'STALLED'
"""

from symgd.descend.batches import Batches
from symgd.descend.history import History
from symgd.descend.loop import descend
from symgd.descend.objective import (
    FloatArray,
    IntArray,
    Layout,
    Objective,
    RowObjective,
    SecondOrder,
)
from symgd.descend.progress import Observer, Progress
from symgd.descend.search import (
    Schedule,
    constant,
    cosine,
    exponential,
    inverse_time,
    step,
)
from symgd.descend.solution import Outcome, Solution
from symgd.descend.state import Origin, RunState
from symgd.descend.update import SteepestDescent, Update

__all__ = [
    "Batches",
    "FloatArray",
    "History",
    "IntArray",
    "Layout",
    "Objective",
    "Observer",
    "Origin",
    "Outcome",
    "Progress",
    "RowObjective",
    "RunState",
    "Schedule",
    "SecondOrder",
    "Solution",
    "SteepestDescent",
    "Update",
    "constant",
    "cosine",
    "descend",
    "exponential",
    "inverse_time",
    "step",
]
