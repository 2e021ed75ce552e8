"""Compiled descent: many steps of plain gradient descent in one call.

:func:`steps_of` gives, for an objective that is (or can be) machine code, a :class:`Stepper`:
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
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgd.compile.backends import input_shapes
from symgd.compile.moments import MomentRunner
from symgd.compile.native.kernel import Columns, Kernel, native_program
from symgd.compile.native.spread import NotNative
from symgd.compile.objective import Objective
from symgd.descend.batches import Batches
from symgd.descend.objective import FloatArray, IntArray
from symgd.descend.search import InverseTime, rate_at

_SIGNATURE = [ctypes.c_void_p] * 3 + [ctypes.c_int64] + [ctypes.c_void_p] * 2
_SIGNATURE += [ctypes.c_int64] + [ctypes.c_void_p] * 5


@dataclass(frozen=True)
class Limits:
    """Where a run of steps ends early, for the stopping rule to look closer.

    Before a step: where the loss is above ``ceiling`` or equal to ``equal``, where the gradient
    is zero, and where anything is not finite. After a step: where no parameter moved by more
    than ``screen``.
    """

    ceiling: float = math.inf
    equal: float = math.nan
    screen: float = -1.0


@dataclass(frozen=True)
class Way:
    """What ``done`` steps went through.

    ``thetas`` (done + 1, p) begins with the start; ``losses`` (done,) and ``gradients``
    (done, p) are those at ``thetas[:-1]``, of the batch if there are batches.
    """

    thetas: FloatArray
    losses: FloatArray
    gradients: FloatArray

    @property
    def done(self) -> int:
        """How many steps were made."""
        return len(self.losses)

    @property
    def norms(self) -> FloatArray:
        """The max-norms of the gradients (done,)."""
        return np.asarray(np.max(np.abs(self.gradients), axis=1))


class Stepper:
    """Plain gradient descent as machine code, on one objective."""

    def __init__(self, kernel: Kernel, batches: Kernel | None, size: int) -> None:
        self._kernel, self._batches, self._size = kernel, batches, size

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
        count, size = len(rates), self._size
        thetas, gradients = np.empty((count + 1, size)), np.empty((count, size))
        losses = np.empty(count)
        thetas[0] = theta
        kernel = self._kernel if rows is None else self._batches
        if kernel is None:
            raise NotNative("the rows of this objective cannot be taken one by one")
        kind = "all" if rows is None else "one" if cuts is None else "cut"
        loaded = kernel.native.stepping(kind, size)
        name = "descend_one" if kind == "one" else "descend"
        function = ctypes.CFUNCTYPE(ctypes.c_int64, *_SIGNATURE)(loaded.addresses[name])
        bounds = limits or Limits()
        edges = np.array([bounds.ceiling, bounds.equal, bounds.screen])
        index = np.zeros(1, np.int64) if rows is None else np.ascontiguousarray(rows, np.int64)
        places = None if cuts is None else np.ascontiguousarray(cuts, np.int64)
        steps = np.ascontiguousarray(rates, dtype=np.float64)
        space = kernel.space(len(index))
        space.inputs[:size] = theta
        values, columns, _, n, parts = space.frame.tolist()
        done = function(
            values, columns, index.ctypes.data, n, parts,
            None if places is None else places.ctypes.data, count, steps.ctypes.data,
            thetas.ctypes.data, losses.ctypes.data, gradients.ctypes.data, edges.ctypes.data,
        )  # fmt: skip
        return Way(thetas[: done + 1], losses[:done], gradients[:done])


def steps_of(objective: Any) -> Stepper | None:
    """The compiled descent of an objective; None if there is none (any other callable)."""
    if not isinstance(objective, Objective):
        return None
    size = objective.layout.size
    runner = objective.runner
    if isinstance(runner, MomentRunner):
        return Stepper(runner.compress(), runner.direct, size)
    if isinstance(runner, Kernel):
        by_row = objective.partials.problem.rows is not None
        return Stepper(runner, runner if by_row else None, size) if runner.rows is None else None
    if runner is None or objective.partials.problem.rows is not None:
        return None
    try:
        native = native_program(
            objective.compiled.program,
            input_shapes(objective.partials.problem, objective.layout),
            objective.sizes,
            None,
        )
    except NotNative:
        return None
    return Stepper(Kernel(native, Columns(native, {}), objective.data, 0), None, size)


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


def rates_of(
    schedule: float | Callable[[int], float], first: int, count: int, text: str
) -> FloatArray:
    """The rates of the steps first, first + 1, ...: the same numbers as one by one."""
    if not callable(schedule):
        return np.full(count, float(schedule))
    if isinstance(schedule, InverseTime):
        return schedule.t0 / (np.arange(first, first + count, dtype=np.float64) + schedule.t1)
    return np.array([rate_at(schedule, t, text) for t in range(first, first + count)])
