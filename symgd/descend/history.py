"""The record of a run: every iterate with its loss, rate and gradient norm.

The record has a memory cap. When it is full, every second row goes and from then on only
every second step is recorded (``stride`` doubles); the first and the last iterate always stay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symgd.descend.objective import FloatArray, IntArray, Layout
from symgd.errors import OptionError

ROWS = 1 << 17
NUMBERS = 1 << 23  # 64 MB
_AT_ONCE = 1 << 20


@dataclass(frozen=True, eq=False)
class History:
    """What happened, step by step; the k rows are read-only arrays.

    ``step`` (k,) counts the updates made before the row; ``theta`` (k, p) is the iterate,
    ``loss`` (k,) the loss there, ``gradient_norm`` (k,) the max-norm of the gradient and
    ``rate`` (k,) the learning rate that leads on from there (the last row repeats the one
    before it). With mini-batches, ``loss`` and ``gradient_norm`` belong to the batch that was
    used, those of the last row to all rows, and ``epoch_theta`` (e, p) with ``epoch_loss``
    (e,) hold the end of each epoch with the loss over all rows; without, they are empty.
    ``stride`` is the distance in steps between neighbouring rows.

    >>> import numpy as np
    >>> from symgd.descend import descend
    >>> def parabola(x):
    ...     return (x - 3.0) ** 2, 2.0 * (x - 3.0)
    >>> history = descend(parabola, 7.0, rate=0.25, steps=2, precision=None).history
    >>> history.theta[:, 0].tolist(), history.loss.tolist()
    ([7.0, 5.0, 4.0], [16.0, 4.0, 1.0])
    """

    layout: Layout
    step: IntArray
    theta: FloatArray
    loss: FloatArray
    rate: FloatArray
    gradient_norm: FloatArray
    epoch_theta: FloatArray
    epoch_loss: FloatArray
    stride: int = 1

    def __len__(self) -> int:
        return len(self.step)

    def component(self, name: str) -> FloatArray:
        """The course (k,) of one component, by name: ``"b"``, ``"theta[0]"``.

        Raises :class:`OptionError` if there is no such component.
        """
        names = self.layout.names
        if name not in names:
            raise OptionError(f"no component {name!r}: there are {', '.join(names)}")
        return self.theta[:, names.index(name)]


class Track:
    """Rows of (step, theta, loss, rate, gradient norm) that thin themselves when full."""

    __slots__ = ("_columns", "_count", "_last", "_limit", "_step", "_theta", "stride")

    def __init__(self, size: int, limit: int, expected: int = 64) -> None:
        self.stride = 1
        self._limit = limit
        self._count = 0
        self._theta = np.empty((min(expected, limit), size))
        self._step = np.empty(len(self._theta), dtype=np.intp)
        self._columns = np.empty((3, len(self._theta)))  # losses, rates, norms
        self._last: tuple[int, FloatArray, float, float, float] | None = None

    def __len__(self) -> int:
        return self._count

    def add(self, step: int, theta: FloatArray, loss: float, rate: float, norm: float) -> None:
        """Record the iterate after ``step`` updates."""
        if self._count == len(self._theta):
            self._make_room()
        if step % self.stride:
            self._last = (step, theta, loss, rate, norm)
            return
        row = self._count
        self._theta[row] = theta
        self._step[row] = step
        columns = self._columns
        columns[0, row], columns[1, row], columns[2, row] = loss, rate, norm
        self._count = row + 1

    def extend(
        self,
        step: int,
        thetas: FloatArray,
        losses: FloatArray,
        rates: FloatArray,
        norms: FloatArray,
    ) -> None:
        """Record the iterates after ``step``, ``step + 1``, ... updates, as one by one."""
        count, place = len(losses), 0
        after = self._count + count
        if self.stride == 1 and after <= len(self._theta):
            self._theta[self._count : after] = thetas[:count]
            self._step[self._count : after] = np.arange(step, step + count)
            columns = self._columns[:, self._count : after]
            columns[0], columns[1], columns[2] = losses, rates, norms
            self._count = after
            return
        while place < count:
            if self._count == len(self._theta):
                self._make_room()
            first = place + -(step + place) % self.stride
            chosen = np.arange(first, count, self.stride)[: len(self._theta) - self._count]
            rows = slice(self._count, self._count + len(chosen))
            self._theta[rows] = thetas[chosen]
            self._step[rows] = step + chosen
            self._columns[:, rows] = losses[chosen], rates[chosen], norms[chosen]
            self._count = rows.stop
            full = rows.stop == len(self._theta) and len(chosen) > 0
            place = int(chosen[-1]) + 1 if full else count
        end = count - 1
        if count and (step + end) % self.stride:
            last = float(losses[end]), float(rates[end]), float(norms[end])
            self._last = (step + end, thetas[end].copy(), *last)

    def rows(self) -> tuple[IntArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        """Steps, thetas, losses, rates and norms, read-only, with the last row in any case.

        They stay as they are when more is recorded.
        """
        count = self._count
        steps, theta = self._step[:count], self._theta[:count]
        columns = self._columns[:, :count]
        if self._last is not None and self._last[0] > steps[-1]:
            step, last, *numbers = self._last
            theta = np.vstack([theta, last])
            steps = np.append(steps, step)
            columns = np.column_stack([columns, numbers])
        losses, rates, norms = columns
        for array in (steps, theta, losses, rates, norms):
            array.setflags(write=False)
        return steps, theta, losses, rates, norms

    def _make_room(self) -> None:
        """Grow up to the limit, then drop every second row."""
        size = len(self._theta)
        if size < self._limit:
            room = min(16 * size, self._limit)
            theta, step, columns = self._theta, self._step, self._columns
            self._theta = np.empty((room, theta.shape[1]))
            self._step, self._columns = np.empty(room, dtype=np.intp), np.empty((3, room))
            self._theta[:size], self._step[:size], self._columns[:, :size] = theta, step, columns
            return
        theta, step, columns = self._theta, self._step, self._columns
        self._count = count = -(-size // 2)
        self._theta, self._step = np.empty_like(theta), np.empty_like(step)
        self._columns = np.empty_like(columns)
        self._theta[:count], self._step[:count] = theta[::2], step[::2]
        self._columns[:, :count] = columns[:, ::2]
        self.stride *= 2


class Recorder:
    """Builds a :class:`History` while the run goes on: one track of steps, one of epochs.

    ``steps`` and ``epochs`` are how many are expected at most.
    """

    def __init__(
        self, layout: Layout, limit: int | None = None, steps: int = 0, epochs: int = 0
    ) -> None:
        size = layout.size
        rows = limit or max(16, min(ROWS, NUMBERS // size))
        self.layout = layout
        most = _AT_ONCE // (size + 4)  # not touched, a page of memory costs nothing
        self.steps = Track(size, rows, max(64, min(steps + 1, most)))
        self.epochs = Track(size, rows, max(64, min(epochs, most)))

    def history(self) -> History:
        """All that was recorded."""
        step, theta, loss, rate, norm = self.steps.rows()
        _, epoch_theta, epoch_loss, _, _ = self.epochs.rows()
        return History(
            self.layout, step, theta, loss, rate, norm, epoch_theta, epoch_loss, self.steps.stride
        )
