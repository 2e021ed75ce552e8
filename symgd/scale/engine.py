"""Passes over all rows: on this machine, one block after the other with the next read ahead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import numpy as np

from symgd.data.columns import FloatArray
from symgd.errors import DataError
from symgd.scale import work
from symgd.scale.moments import summed
from symgd.scale.parts import Block
from symgd.scale.progress import watched, watchers
from symgd.scale.source import Source
from symgd.scale.spec import Spec
from symgd.scale.work import Gathered


class Engine(Protocol):
    """Whatever goes over all rows of a source; results do not depend on timing."""

    @property
    def words(self) -> str:
        """Where the rows are, in words."""
        ...

    @property
    def passes(self) -> int:
        """How often all rows were gone over."""
        ...

    @property
    def n_rows(self) -> int | None:
        """The number of rows, once it is known."""
        ...

    @property
    def dropped(self) -> int:
        """The rows left out for a missing value."""
        ...

    def count(self, spec: Spec) -> int:
        """The number of rows, counted if it is not known."""
        ...

    def inner(self, spec: Spec, theta: FloatArray, numbers: FloatArray) -> list[FloatArray]:
        """The inner products of all rows of every term at ``theta``."""
        ...

    def moments(self, spec: Spec) -> FloatArray:
        """Sums of functions of the target (:mod:`symgd.scale.moments`)."""
        ...

    def read(self, spec: Spec) -> Iterator[Block]:
        """The columns, block after block in order."""
        ...

    def sums(
        self, spec: Spec, kind: str, stage: int, states: FloatArray, backend: str
    ) -> list[FloatArray]:
        """The parts of one stage of a program in the order of the rows, for each state."""
        ...


class Local:
    """The rows of a source, gone over in this process."""

    def __init__(self, source: Source, observers: Iterable[Any] = ()) -> None:
        self.source = source
        self.words = f"block by block from {source.label}"
        self.passes = 0
        self.n_rows = source.n_rows
        self.dropped = 0
        self._callbacks = watchers(observers)

    def count(self, spec: Spec) -> int:
        """The number of rows, counted if it is not known."""
        if self.n_rows is None:
            self._kept(work.count(spec, self._blocks(spec)))
        assert self.n_rows is not None
        return self.n_rows

    def inner(self, spec: Spec, theta: FloatArray, numbers: FloatArray) -> list[FloatArray]:
        """The inner products of all rows of every term at ``theta``."""
        return self._kept(work.inner(spec, self._blocks(spec), theta, numbers))

    def moments(self, spec: Spec) -> FloatArray:
        """Sums of functions of the target."""
        return summed(self._kept(work.moments(spec, self._blocks(spec))))

    def sums(
        self, spec: Spec, kind: str, stage: int, states: FloatArray, backend: str
    ) -> list[FloatArray]:
        """The parts of one stage of a program in the order of the rows, for each state."""
        return self._kept(work.sums(spec, self._blocks(spec), kind, stage, states, backend))

    def read(self, spec: Spec) -> Iterator[Block]:
        """The columns, block after block in order."""
        for block, _ in self._blocks(spec):
            yield block

    def _blocks(self, spec: Spec) -> Iterator[tuple[Block, int]]:
        self.passes += 1
        blocks = self.source.blocks(spec.names)
        return watched(blocks, self.passes, self.n_rows, self._callbacks)

    def _kept(self, gathered: Gathered) -> list[FloatArray]:
        if gathered.rows == 0:
            raise DataError(f"{self.source.label} has no rows of data")
        if self.n_rows not in (None, gathered.rows):
            raise DataError(
                f"{self.source.label} had {self.n_rows} rows and now has {gathered.rows}: "
                "the files must not change during a fit"
            )
        self.n_rows, self.dropped = gathered.rows, gathered.dropped
        return gathered.found


def evaluated(
    engine: Engine, spec: Spec, kind: str, inputs: Iterable[FloatArray], backend: str
) -> list[FloatArray]:
    """The outputs of a program over all rows, for each of several inputs, in as few passes."""
    from symgd.scale.totals import totals

    program = totals(spec, kind, backend)
    rows = float(engine.count(spec))
    states = np.array([program.enter(given, rows) for given in inputs])
    for stage in range(program.stages):
        parts = engine.sums(spec, kind, stage, states, backend)
        states = np.array(
            [program.join(stage, state, own) for state, own in zip(states, parts, strict=True)]
        )
    return [program.outputs(state) for state in states]
