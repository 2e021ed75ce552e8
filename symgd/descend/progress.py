"""What observers of a run are shown: one iterate.

>>> import numpy as np
>>> now = Progress(3, 0, np.array([1.0]), 4.0, 2.0, 0.1)
>>> now.step, now.loss
(3, 4.0)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symgd.descend.objective import FloatArray
from symgd.descend.state import RunState


@dataclass(frozen=True, eq=False)
class Progress:
    """One iterate as observers see it; ``theta`` (p,) is read-only.

    ``step`` counts the updates so far, ``epoch`` the finished passes over the rows, ``rate`` is
    the learning rate that leads on. With mini-batches, ``loss`` and ``gradient_norm`` are those
    of the batch. ``state()`` is what the run needs to go on from here (``None`` for methods that
    make their own steps).
    """

    step: int
    epoch: int
    theta: FloatArray
    loss: float
    gradient_norm: float
    rate: float
    state: Callable[[], RunState] | None = None


Observer = Callable[[Progress], None]
