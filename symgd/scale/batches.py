r"""Mini-batches of rows that are not in memory.

What the shuffle guarantees: in every epoch each row is in exactly one batch. The parts of the
source (files, row groups of about a million rows) are read in a random order, and the rows of
every window of :data:`WINDOW` rows in that order are permuted uniformly; batches are cut from the
windows one after the other, and what is left of a window goes into the next. So two rows can meet
in a batch if their parts may come next to each other and lie within a window; rows of one part
that are further apart never do. Data that are sorted by something that matters should be written
in random order once. All of it is the same for the same ``seed``.

>>> import numpy as np
>>> from symgd.scale.source import in_memory
>>> found = list(shuffled(in_memory({"x": np.arange(5.0)}), ["x"], 2, np.random.default_rng(0)))
>>> rows = [float(value) for batch in found for value in batch["x"]]
>>> [len(batch["x"]) for batch in found], sorted(rows)
([2, 2, 1], [0.0, 1.0, 2.0, 3.0, 4.0])
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from symgd.data.columns import FloatArray
from symgd.descend.objective import IntArray
from symgd.errors import OptionError
from symgd.scale.ahead import ahead
from symgd.scale.engine import Local
from symgd.scale.objective import Streamed
from symgd.scale.parts import Block, length_of
from symgd.scale.source import Source, in_pieces
from symgd.scale.totals import Totals, totals

WINDOW = 1 << 20
"""Rows that are shuffled together."""


def shuffled(
    source: Source, columns: list[str], size: int, random: np.random.Generator
) -> Iterator[Block]:
    """The batches of one epoch: every row once, ``size`` rows each, the last one shorter."""
    order = [source.parts[k] for k in random.permutation(len(source.parts))]
    blocks = (block for part in order for block, _ in part.blocks(columns, source.missing))
    held: list[Block] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += length_of(block)
        if count >= max(WINDOW, size):
            whole = _permuted(held, columns, random)
            cut = count - count % size
            yield from _cut(whole, cut, size)
            held, count = [{name: whole[name][cut:] for name in columns}], count - cut
    if count:
        yield from _cut(_permuted(held, columns, random), count, size)


def _permuted(
    blocks: list[Block], columns: list[str], random: np.random.Generator
) -> dict[str, FloatArray]:
    rows: IntArray = random.permutation(sum(map(length_of, blocks)))
    return {name: np.concatenate([block[name] for block in blocks])[rows] for name in columns}


def _cut(whole: Block, end: int, size: int) -> Iterator[Block]:
    for begin in range(0, end, size):
        stop = min(begin + size, end)
        yield {name: column[begin:stop] for name, column in whole.items()}


class Batched:
    """A streamed loss whose "rows" are the batches of an epoch, for the loop of the descent.

    ``at_rows`` gives the loss on the next batch, whichever it is asked for: their order is that
    of :func:`shuffled`.
    """

    def __init__(self, objective: Streamed, size: int, seed: int | None) -> None:
        engine = objective.engine
        if not isinstance(engine, Local):
            raise OptionError(
                "mini-batches need the rows on this machine; on a cluster take all rows (leave out "
                "batch=)"
            )
        rows = objective.n_rows
        if size > rows:
            raise OptionError(
                f"batch must be between 1 and the {rows} rows of the data, not {size}"
            )
        self.objective, self.size, self.rows = objective, size, rows
        self.layout = objective.layout
        self.n_rows = -(-rows // size)
        self._source = in_pieces(engine.source)
        self._random = np.random.default_rng(seed)
        self._program = totals(objective.spec, "loss")
        self._stream = self._batches()

    def __call__(self, theta: FloatArray, /) -> tuple[float, FloatArray]:
        return self.objective(theta)

    def hessian(self, theta: FloatArray, /) -> FloatArray:
        """The matrix of second derivatives over all rows (p, p)."""
        return self.objective.hessian(theta)

    def at_rows(self, rows: IntArray, /) -> OnBlock:
        """The loss on the next batch."""
        return OnBlock(self._program, next(self._stream))

    def close(self) -> None:
        """Stop reading."""
        self._stream.close()  # type: ignore[attr-defined]

    def _batches(self) -> Iterator[Block]:
        while True:
            names = self.objective.spec.names
            yield from ahead(shuffled(self._source, names, self.size, self._random), depth=64)


class OnBlock:
    """The loss and its gradient on one block of rows."""

    def __init__(self, program: Totals, block: Block) -> None:
        self.program, self.block = program, block

    def __call__(self, theta: FloatArray, /) -> tuple[float, FloatArray]:
        program, block = self.program, self.block
        state = program.enter(theta, float(length_of(block)))
        for stage in range(program.stages):
            state = program.join(stage, state, program.partial(stage, state, block))
        found: Any = program.outputs(state)
        return float(found[0]), found[1:]
