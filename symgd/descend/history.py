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

    __slots__ = ("_last", "_limit", "_losses", "_norms", "_rates", "_steps", "_theta", "stride")

    def __init__(self, size: int, limit: int) -> None:
        self.stride = 1
        self._limit = limit
        self._theta = np.empty((min(64, limit), size))
        self._steps: list[int] = []
        self._losses: list[float] = []
        self._rates: list[float] = []
        self._norms: list[float] = []
        self._last: tuple[int, FloatArray, float, float, float] | None = None

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, step: int, theta: FloatArray, loss: float, rate: float, norm: float) -> None:
        """Record the iterate after ``step`` updates."""
        row = len(self._steps)
        if row == len(self._theta):
            self._make_room()
            row = len(self._steps)
        if step % self.stride:
            self._last = (step, theta, loss, rate, norm)
            return
        self._theta[row] = theta
        self._steps.append(step)
        self._losses.append(loss)
        self._rates.append(rate)
        self._norms.append(norm)

    def rows(self) -> tuple[IntArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        """Steps, thetas, losses, rates and norms, read-only, with the last row in any case."""
        steps, losses, rates, norms = self._steps, self._losses, self._rates, self._norms
        theta = self._theta[: len(steps)].copy()
        if self._last is not None and self._last[0] > steps[-1]:
            step, last, loss, rate, norm = self._last
            theta = np.vstack([theta, last])
            steps, losses = [*steps, step], [*losses, loss]
            rates, norms = [*rates, rate], [*norms, norm]
        floats = (theta, np.array(losses), np.array(rates), np.array(norms))
        counts = np.array(steps, dtype=np.intp)
        for array in (counts, *floats):
            array.setflags(write=False)
        return counts, *floats

    def _make_room(self) -> None:
        """Grow up to the limit, then drop every second row."""
        if len(self._theta) < self._limit:
            larger = np.empty((min(2 * len(self._theta), self._limit), self._theta.shape[1]))
            larger[: len(self._theta)] = self._theta
            self._theta = larger
            return
        kept = self._theta[::2].copy()
        self._theta[: len(kept)] = kept
        for column in (self._steps, self._losses, self._rates, self._norms):
            del column[1::2]
        self.stride *= 2


class Recorder:
    """Builds a :class:`History` while the run goes on: one track of steps, one of epochs."""

    def __init__(self, layout: Layout, limit: int | None = None) -> None:
        size = layout.size
        rows = limit or max(16, min(ROWS, NUMBERS // size))
        self.layout = layout
        self.steps = Track(size, rows)
        self.epochs = Track(size, rows)

    def history(self) -> History:
        """All that was recorded."""
        step, theta, loss, rate, norm = self.steps.rows()
        _, epoch_theta, epoch_loss, _, _ = self.epochs.rows()
        return History(
            self.layout, step, theta, loss, rate, norm, epoch_theta, epoch_loss, self.steps.stride
        )
