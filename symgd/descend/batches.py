"""Which rows each update looks at: all of them, or seeded mini-batches.

>>> plan = Batches(n_rows=5, size=2, seed=1)
>>> stream = plan.stream()
>>> [len(next(stream)) for _ in range(plan.per_epoch)]
[2, 2, 1]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from symgd.descend.objective import IntArray


@dataclass(frozen=True)
class Batches:
    """Mini-batches of ``size`` out of ``n_rows`` rows, the same for the same ``seed``.

    Without replacement, each epoch is a fresh shuffle cut into batches; a short last batch is
    used, not dropped, so that an epoch sees every row once. With replacement, an epoch is as
    many draws of ``size`` independent rows. ``size=1`` is stochastic gradient descent.
    """

    n_rows: int
    size: int
    replace: bool = False
    seed: int | None = None

    @property
    def per_epoch(self) -> int:
        """Number of updates in an epoch: n_rows / size, rounded up."""
        return -(-self.n_rows // self.size)

    def stream(self) -> Iterator[IntArray]:
        """The rows (size,) of one update after the other, epoch after epoch, without end."""
        generator = np.random.default_rng(self.seed)
        while True:
            if self.replace:
                yield generator.integers(self.n_rows, size=self.size, dtype=np.intp)
                continue
            order = generator.permutation(self.n_rows)
            for start in range(0, self.n_rows, self.size):
                yield order[start : start + self.size]
