"""Which rows each update looks at: all of them, or seeded mini-batches.

>>> plan = Batches(n_rows=5, size=2, seed=1)
>>> stream = plan.stream()
>>> [len(next(stream)) for _ in range(plan.per_epoch)]
[2, 2, 1]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

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

    def stream(self, since: Mapping[str, Any] | None = None, step: int = 0) -> Stream:
        """The rows (size,) of one update after the other, epoch after epoch, without end.

        ``since`` and ``step`` go on with an earlier stream: its generator at the start of the
        epoch in which the update ``step`` falls.
        """
        return Stream(self, since, step)


class Stream:
    """The batches of one run, and what it takes to draw them again from some update on."""

    def __init__(self, plan: Batches, since: Mapping[str, Any] | None, step: int) -> None:
        self._plan = plan
        self._generator = np.random.default_rng(plan.seed)
        if since is not None:
            self._generator.bit_generator.state = since
        epoch, done = divmod(step, plan.per_epoch)
        self._mark: tuple[int, Any] = (-1, None)
        self._rows = self._drawn(epoch)
        for _ in range(done):
            next(self._rows)

    def __iter__(self) -> Iterator[IntArray]:
        return self

    def __next__(self) -> IntArray:
        return next(self._rows)

    def since(self, step: int) -> Mapping[str, Any]:
        """The generator at the start of the epoch in which the next update, ``step``, falls."""
        epoch, state = self._mark
        here: Mapping[str, Any] = self._generator.bit_generator.state
        return state if epoch == step // self._plan.per_epoch else here

    def _drawn(self, epoch: int) -> Iterator[IntArray]:
        plan, generator = self._plan, self._generator
        while True:
            self._mark = (epoch, generator.bit_generator.state)
            epoch += 1
            if plan.replace:
                for _ in range(plan.per_epoch):
                    yield generator.integers(plan.n_rows, size=plan.size, dtype=np.intp)
                continue
            order = generator.permutation(plan.n_rows)
            for start in range(0, plan.n_rows, plan.size):
                yield order[start : start + plan.size]
