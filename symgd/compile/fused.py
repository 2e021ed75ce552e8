"""Compiled descent: many steps of plain gradient descent in one call.

:func:`steps_of` gives, for an objective that is (or can be) machine code, a :class:`Stepper`
(for a small formula without data a :class:`~symgd.compile.plain_steps.PlainStepper`):
``stepper(theta, rates)`` makes one step for each rate and returns the whole way, so that
history, observers, Ctrl-C and the stopping rule go on between the calls as if every step had
been made in Python. Mini-batches are given as row numbers; :func:`epochs` gives those of
:class:`symgd.descend.batches.Batches`, in the same order.

>>> import numpy as np
>>> from symgd.compile.objective import compile_objective
>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> objective = compile_objective(derive(read("(x - 3)^2")), {})
>>> stepper = steps_of(objective)
>>> way = stepper(np.array([0.0]), np.full(3, 0.25))
>>> way.thetas.ravel().tolist(), way.losses.tolist()
([0.0, 1.5, 2.25, 2.625], [9.0, 2.25, 0.5625])
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from symgd.compile.moments import MomentRunner
from symgd.compile.native.kernel import Kernel, Space
from symgd.compile.native.spread import NotNative
from symgd.compile.objective import Objective
from symgd.compile.plain_steps import PlainStepper
from symgd.compile.scalars import PlainRunner
from symgd.descend.batches import Batches
from symgd.descend.objective import FloatArray, IntArray
from symgd.descend.stepping import Limits, Way

_SIGNATURE = [ctypes.c_void_p] * 3 + [ctypes.c_int64] + [ctypes.c_void_p] * 2
_SIGNATURE += [ctypes.c_int64] + [ctypes.c_void_p] * 5


class Stepper:
    """Plain gradient descent as machine code, on one objective."""

    def __init__(
        self,
        whole: Callable[[], Kernel] | None,
        batches: Kernel | None,
        size: int,
    ) -> None:
        self._whole, self._batches, self._size = whole, batches, size
        self._spaces: dict[str, list[tuple[Space, int]]] = {}
        self._functions: dict[str, Callable[..., int]] = {}

    @property
    def whole(self) -> bool:
        """Whether it can take all rows at once."""
        return self._whole is not None

    @property
    def by_row(self) -> bool:
        """Whether it can take batches of rows."""
        return self._batches is not None

    def __call__(
        self,
        theta: FloatArray,
        rates: FloatArray,
        limits: Limits | None = None,
        rows: IntArray | None = None,
        cuts: IntArray | None = None,
    ) -> Way:
        """One step for each of ``rates`` (k,), or fewer if a limit is met.

        With ``rows``, step t looks at the rows ``rows[cuts[t]:cuts[t + 1]]``; without ``cuts``
        at the single row ``rows[t]``.
        """
        kernel = self._kernel(rows is None)
        kind = "all" if rows is None else "one" if cuts is None else "cut"
        index = None if rows is None else np.ascontiguousarray(rows, np.int64)
        places = None if cuts is None else np.ascontiguousarray(cuts, np.int64)
        book = _Book(theta, rates, limits or Limits())
        widest = 0 if index is None or places is None else len(index)
        space, room = self._space(kernel, kind, widest)
        space.inputs[: self._size] = theta
        values, columns, _, n, parts = space.frame.tolist()
        done = self._function(kernel, kind)(
            values, columns, None if index is None else index.ctypes.data, n, parts,
            None if places is None else places.ctypes.data, len(rates), *book.addresses,
        )  # fmt: skip
        self._spaces[kind].append((space, room))
        return book.way(done)

    def _kernel(self, whole: bool) -> Kernel:
        """What computes one step."""
        if whole and self._whole is not None:
            return self._whole()
        if whole or self._batches is None:
            what = "all rows are not taken in compiled steps" if whole else "there are no rows"
            raise NotNative(f"{what} for this objective")
        return self._batches

    def _space(self, kernel: Kernel, kind: str, rows: int) -> tuple[Space, int]:
        """A workspace of one's own that has room for passes over so many rows."""
        spares = self._spaces.setdefault(kind, [])
        try:
            space, room = spares.pop()
        except IndexError:
            return kernel.space(rows), rows
        return (space, room) if rows <= room else (kernel.space(rows), rows)

    def _function(self, kernel: Kernel, kind: str) -> Callable[..., int]:
        """The compiled loop."""
        known = self._functions.get(kind)
        if known is None:
            name = "descend_one" if kind == "one" else "descend"
            address = kernel.native.stepping(kind, self._size).addresses[name]
            known = ctypes.CFUNCTYPE(ctypes.c_int64, *_SIGNATURE)(address)
            self._functions[kind] = known
        return known


class _Book:
    """What goes into the compiled loop and what comes out, in one piece of memory."""

    def __init__(self, theta: FloatArray, rates: FloatArray, limits: Limits) -> None:
        count, size = len(rates), len(theta)
        starts = [0, 4, 4 + count, 4 + 2 * count, 4 + 2 * count + size * (count + 1)]
        whole = np.empty(starts[-1] + size * count)
        whole[:4] = limits.ceiling, limits.equal, limits.screen, limits.flat
        whole[4 : 4 + count] = rates
        self._losses = whole[starts[2] : starts[3]]
        self._thetas = whole[starts[3] : starts[4]].reshape(count + 1, size)
        self._gradients = whole[starts[4] :].reshape(count, size)
        self._thetas[0] = theta
        base = whole.ctypes.data
        edges, steps, losses, thetas, gradients = (base + 8 * start for start in starts)
        self.addresses = steps, thetas, losses, gradients, edges

    def way(self, done: int) -> Way:
        """What was gone through in ``done`` steps."""
        return Way(self._thetas[: done + 1], self._losses[:done], self._gradients[:done])


def steps_of(objective: Any) -> Stepper | PlainStepper | None:
    """The compiled descent of an objective; None if there is none (any other callable).

    It takes batches only where a pass over all rows is so long that it is split over threads.
    """
    if not isinstance(objective, Objective):
        return None
    size = objective.layout.size
    runner = objective.runner
    if isinstance(runner, PlainRunner) and runner.direct is not None:
        return PlainStepper(runner.direct)
    if isinstance(runner, MomentRunner):
        return Stepper(runner.compress, runner.direct, size)
    if isinstance(runner, Kernel) and runner.rows is None:
        by_row = objective.partials.problem.rows is not None
        whole = None if runner.threaded else partial(_itself, runner)
        return Stepper(whole, runner if by_row else None, size)
    return None


def _itself(kernel: Kernel) -> Kernel:
    return kernel


def epochs(plan: Batches) -> Iterator[tuple[IntArray, IntArray | None]]:
    """The rows of one epoch after the other, and where the batches are cut (None: single rows).

    The same rows in the same order as ``plan.stream()``.

    >>> plan = Batches(n_rows=5, size=2, seed=1)
    >>> rows, cuts = next(epochs(plan))
    >>> cuts.tolist(), rows[:2].tolist() == next(plan.stream()).tolist()
    ([0, 2, 4, 5], True)
    """
    generator = np.random.default_rng(plan.seed)
    n, size, count = plan.n_rows, plan.size, plan.per_epoch
    if plan.replace:
        cuts = np.arange(0, size * count + 1, size)
    else:
        cuts = np.minimum(np.arange(0, size * count + 1, size), n)
    while True:
        if plan.replace:
            rows = generator.integers(n, size=(count, size), dtype=np.intp).ravel()
        else:
            rows = generator.permutation(n)
        yield rows, None if size == 1 else cuts
