"""Which rows each update looks at: all of them, or seeded mini-batches.

>>> plan = Batches(n_rows=5, size=2, seed=1)
>>> stream = plan.stream()
>>> [len(next(stream)) for _ in range(plan.per_epoch)]
[2, 2, 1]
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
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
        self.plan = plan
        self._generator = np.random.default_rng(plan.seed)
        if since is not None:
            self._generator.bit_generator.state = since
        first, done = divmod(step, plan.per_epoch)
        self._epoch, self._state = first - 1, None
        self._rows = np.empty(0, dtype=np.intp)
        self._count = self._place = plan.per_epoch
        self._ahead: deque[tuple[Any, IntArray]] = deque()
        total = plan.size * plan.per_epoch
        cuts = np.arange(0, total + 1, plan.size, dtype=np.intp)
        self._cuts = cuts if plan.replace else np.minimum(cuts, plan.n_rows)
        self._ends: list[int] = self._cuts.tolist()
        if done:
            self._begin()
            self._place = done

    def __iter__(self) -> Iterator[IntArray]:
        return self

    def __next__(self) -> IntArray:
        if self._place == self._count:
            self._begin()
        k = self._place
        self._place = k + 1
        return self._rows[self._ends[k] : self._ends[k + 1]]

    def rest(self) -> tuple[IntArray, IntArray | None]:
        """The rows of all batches that are left of the epoch, and where they are cut.

        Without cuts each batch is a single row. To be followed by :meth:`skip`.

        >>> stream = Batches(n_rows=5, size=2, seed=1).stream()
        >>> rows, cuts = stream.rest()
        >>> cuts.tolist(), rows[:2].tolist() == next(stream).tolist()
        ([0, 2, 4, 5], True)
        """
        if self._place == self._count:
            self._begin()
        begin = self._ends[self._place]
        rows = self._rows[begin:]
        return rows, None if self.plan.size == 1 else self._cuts[self._place :] - begin

    def coming(self, epochs: int) -> tuple[IntArray, IntArray | None]:
        """The rows of the next ``epochs`` epochs and their cuts, after the end of an epoch."""
        while len(self._ahead) < epochs:
            self._ahead.append(self._drawn())
        rows = np.concatenate([rows for _, rows in islice(self._ahead, epochs)])
        if self.plan.size == 1:
            return rows, None
        begins = self._ends[-1] * np.arange(epochs, dtype=np.intp)
        cuts = (begins[:, None] + self._cuts[:-1]).ravel()
        return rows, np.append(cuts, len(rows))

    def skip(self, count: int) -> None:
        """Go on behind the next ``count`` batches."""
        while count:
            if self._place == self._count:
                self._begin()
            here = min(count, self._count - self._place)
            self._place += here
            count -= here

    def since(self, step: int) -> Mapping[str, Any]:
        """The generator at the start of the epoch in which the next update, ``step``, falls."""
        if self._state is not None and self._epoch == step // self.plan.per_epoch:
            return self._state
        here = self._ahead[0][0] if self._ahead else self._generator.bit_generator.state
        known: Mapping[str, Any] = here
        return known

    def _begin(self) -> None:
        """Go on to the next epoch."""
        self._state, self._rows = self._ahead.popleft() if self._ahead else self._drawn()
        self._epoch, self._place = self._epoch + 1, 0

    def _drawn(self) -> tuple[Any, IntArray]:
        """The rows of one more epoch, and the generator before they were drawn."""
        plan, generator = self.plan, self._generator
        state = generator.bit_generator.state
        if plan.replace:
            shape = (plan.per_epoch, plan.size)
            return state, generator.integers(plan.n_rows, size=shape, dtype=np.intp).ravel()
        return state, generator.permutation(plan.n_rows)
