"""Partials and data to an Objective: ``value, gradient = objective(theta)``.

The loss and all its partial derivatives are one program, compiled once; an
objective is that function with the columns bound. Taking rows (a batch) binds
other columns to the same function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symgd.compile.backends import BACKENDS, Runner, choose
from symgd.compile.program import Program, linearize
from symgd.compile.runtimes.choice import is_runtime
from symgd.compile.sizes import Sizes, bind, resolve
from symgd.derive.partials import Partials
from symgd.derive.sweep import sweep
from symgd.descend.objective import FloatArray, IntArray, Layout
from symgd.errors import OptionError, ShapeProblem
from symgd.formula.graph import Graph, Node
from symgd.formula.uncollected import uncollected

if TYPE_CHECKING:
    from symgd.descend.stepping import Stepper

Function = Callable[..., tuple[Any, ...]]


class Compiled:
    """A program as a callable of named arrays.

    ``run({"x": ..., "m": ...}, {"N": 100})`` returns the outputs in order. The
    function is made when it is first needed.
    """

    def __init__(self, outputs: Sequence[Node]) -> None:
        self.program: Program = linearize(outputs)
        self.symbols = tuple(self.program.symbols)
        self.sizes = tuple(self.program.sizes)

    @cached_property
    def function(self) -> Function:
        """The program as a NumPy function of (symbols..., sizes...)."""
        from symgd.compile.numpy import compile_numpy

        return compile_numpy(self.program)

    @cached_property
    def _light(self) -> Function:
        """The same without a compiler, if every operation has a NumPy function."""
        from symgd.compile.interpret import interpreted, runs

        return interpreted(self.program) if runs(self.program) else self.function

    def run(self, values: Mapping[str, Any], sizes: Mapping[str, int]) -> tuple[Any, ...]:
        """The outputs for the given values."""
        arguments = [values[name] for name in self.symbols]
        arguments += [np.float64(resolve((s,), sizes, "the formula")[0]) for s in self.sizes]
        return self._light(*arguments)


class TakenRows(Mapping[str, Any]):
    """Columns of which some rows are taken, each when it is first looked at."""

    def __init__(self, data: Mapping[str, Any], by_row: Sequence[str], rows: IntArray) -> None:
        self._data, self._by_row, self._rows = data, by_row, rows
        self._taken: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._by_row:
            return self._data[name]
        if name not in self._taken:
            self._taken[name] = np.ascontiguousarray(self._data[name][self._rows])
        return self._taken[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)


@dataclass(frozen=True)
class Objective:
    """The loss as a function of the parameter vector, with its gradient.

    ``objective(theta)`` with ``theta`` of shape (p,) gives ``(value, gradient)``,
    a float and an array (p,). ``names`` are the p components
    (``"theta[0]"``), :meth:`pack` and :meth:`unpack` go between the vector and
    the named parameters, :meth:`at_rows` is the same loss on some rows of the data.
    ``backend`` says what computes, and why nothing faster does.

    >>> from symgd.formula.problem import read
    >>> from symgd.derive.partials import derive
    >>> objective = compile_objective(derive(read("(x - 3)^2")), {})
    >>> objective(np.array([1.0]))
    (4.0, array([-4.]))
    """

    partials: Partials
    layout: Layout
    data: Mapping[str, FloatArray]
    sizes: Mapping[str, int]
    compiled: Compiled
    backend: str = "numpy"
    runner: Runner | None = None
    """What computes instead of the NumPy function, if anything does."""

    def __post_init__(self) -> None:
        symbols, layout = self.compiled.symbols, self.layout
        slots: list[tuple[str, int, int, tuple[int, ...]]] = []
        place = 0
        for name, shape in layout.shapes.items():
            size = int(np.prod(shape, dtype=int))
            slots.append((name, place, place + size, shape))
            place += size
        where = {name: i for i, name in enumerate(symbols)}
        moving = [(where[n], a, b, shape) for n, a, b, shape in slots if n in where]
        object.__setattr__(self, "_moving", moving)
        object.__setattr__(self, "_slots", slots)

    @property
    def names(self) -> tuple[str, ...]:
        """The p components of theta."""
        return self.layout.names

    def pack(self, values: Mapping[str, object]) -> FloatArray:
        """Named parameters as the vector theta."""
        return self.layout.pack(values)

    def unpack(self, theta: FloatArray) -> dict[str, float | FloatArray]:
        """The vector theta as named parameters."""
        return self.layout.unpack(theta)

    def __call__(self, theta: FloatArray, /) -> tuple[float, FloatArray]:
        if self.runner is not None:
            found = self.runner(theta)
            return float(found[0]), found[1:]
        outputs = self._evaluate(self.compiled.function, theta)
        gradient = np.empty(theta.shape[0])
        for (_, begin, end, shape), part in zip(self._slots, outputs[1:], strict=True):  # type: ignore[attr-defined]
            if shape:
                gradient[begin:end] = np.reshape(part, -1)
            else:
                gradient[begin] = part
        return float(outputs[0]), gradient

    @cached_property
    def _fixed(self) -> list[Any]:
        """The arguments of the NumPy function that do not change from call to call."""
        symbols, sizes = self.compiled.symbols, self.compiled.sizes
        counts = [np.float64(resolve((s,), self.sizes, "the formula")[0]) for s in sizes]
        return [*(self.data.get(name) for name in symbols), *counts]

    def _evaluate(self, function: Function, theta: FloatArray) -> tuple[Any, ...]:
        arguments = list(self._fixed)
        for place, begin, end, shape in self._moving:  # type: ignore[attr-defined]
            arguments[place] = theta[begin:end].reshape(shape) if shape else theta[begin]
        return function(*arguments)

    @property
    def n_rows(self) -> int:
        """How many rows the data have."""
        rows = self.partials.problem.rows
        if rows is None or rows not in self.sizes:
            raise OptionError("the loss has no rows of data, so it cannot be taken in batches")
        return self.sizes[rows]

    @cached_property
    def row_columns(self) -> tuple[str, ...]:
        """The columns that have one entry for each row."""
        rows = self.partials.problem.rows
        shapes = {s.name: s.shape for s in self.partials.problem.symbols}
        return tuple(n for n in self.data if shapes[n] and shapes[n][0] == rows)

    def at_rows(self, rows: IntArray, /) -> Objective:
        """The same loss on the given rows only (0-based)."""
        own = self.partials.problem.rows
        self._check_batches(own)
        taken = TakenRows(self.data, self.row_columns, rows)
        sizes = {**self.sizes, str(own): len(rows)}
        runner = None if self.runner is None else self.runner.at_rows(rows)
        batch = object.__new__(Objective)
        kept = {k: v for k, v in self.__dict__.items() if k not in ("_fixed", "_dense")}
        batch.__dict__.update(kept, data=taken, sizes=sizes, runner=runner)
        return batch

    def stepper(self) -> Stepper | None:
        """Many steps of gradient descent in one call, compiled; None if that cannot be."""
        from symgd.compile.fused import steps_of

        return steps_of(self)

    def _check_batches(self, rows: str | None) -> None:
        for symbol in self.partials.problem.symbols:
            inner = symbol.shape if symbol.role == "parameter" else symbol.shape[1:]
            if rows is None or rows in inner:
                raise OptionError(
                    f"{symbol.name} has the rows of the data in its shape, "
                    "so the loss cannot be taken in batches"
                )

    def hessian(self, theta: FloatArray, /) -> FloatArray:
        """The matrix of second derivatives (p, p), by differentiating the gradient."""
        if self._dense is not None:
            return self._dense(theta)
        compiled = self._second_order()
        columns = []
        for direction in np.eye(theta.shape[0]):
            values: dict[str, Any] = dict(self.data)
            for name, begin, end, shape in self._slots:  # type: ignore[attr-defined]
                for key, vector in ((name, theta), (_DIRECTION + name, direction)):
                    part = vector[begin:end].reshape(shape)
                    values[key] = part if shape else np.float64(vector[begin])
            outputs = compiled.run(values, self.sizes)
            columns.append(np.concatenate([_flat(part, s) for part, s in zip(
                outputs, [slot[3] for slot in self._slots], strict=True  # type: ignore[attr-defined]
            )]))  # fmt: skip
        full = np.array(columns).reshape(theta.shape[0], theta.shape[0])
        return np.asarray((full + full.T) / 2)

    @cached_property
    def _dense(self) -> Callable[[FloatArray], FloatArray] | None:
        """The Hessian in one compiled pass, where there are many rows."""
        rows = self.partials.problem.rows
        if self.runner is None or self.sizes.get(str(rows), 0) < _MANY_ROWS:
            return None
        from symgd.compile.condensed import second_derivatives

        return second_derivatives(self)

    def product(self, theta: FloatArray, vector: FloatArray, /) -> FloatArray:
        """The Hessian at ``theta`` times ``vector``, both (p,), without forming the matrix."""
        values: dict[str, Any] = dict(self.data)
        for name, begin, end, shape in self._slots:  # type: ignore[attr-defined]
            for key, whole in ((name, theta), (_DIRECTION + name, vector)):
                values[key] = whole[begin:end].reshape(shape) if shape else whole[begin]
        outputs = self._second_order().run(values, self.sizes)
        shapes = self.layout.shapes.values()
        return np.concatenate([_flat(part, s) for part, s in zip(outputs, shapes, strict=True)])

    def _second_order(self) -> Compiled:
        made: Compiled | None = self.__dict__.get("_hessian")
        if made is None:
            made = Compiled(hessian_times_direction(self.partials))
            object.__setattr__(self, "_hessian", made)
        return made


_DIRECTION = "change of "
_MANY_ROWS = 20_000
"""From so many rows on, passes in NumPy cost more than compiling the second derivatives."""


def _flat(part: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.reshape(np.broadcast_to(part, shape), -1)


def hessian_times_direction(partials: Partials) -> list[Node]:
    """H v for a symbolic direction v: the gradient of sum(gradient * v).

    The directions are symbols named ``direction_`` plus the name of the parameter.
    """
    problem = partials.problem
    graph: Graph = partials.loss.graph
    terms: list[Node] = []
    for name in partials.wrt:
        symbol = problem.symbol(name)
        direction = graph.symbol(_DIRECTION + name, symbol.shape)
        product = partials.raw[name] * direction
        if product.shape:
            product = graph.make("sum", product, value=(None, False))
        terms.append(product)
    return sweep(graph.plus(*terms), [problem.symbol(n) for n in partials.wrt])


def compile_objective(
    partials: Partials,
    data: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    backend: str = "auto",
) -> Objective:
    """The objective of ``partials`` on ``data`` (column name -> array).

    ``shapes`` gives the shapes of parameters that neither the formula nor the
    data determine (from a start value). ``backend`` is ``"numpy"`` (the reference),
    ``"native"`` (compiled by LLVM; NumPy where that cannot be), ``"jax"`` or ``"torch"`` (where
    installed, with a device and type such as ``"torch:cuda:float32"``; see
    :mod:`symgd.compile.runtimes`) or ``"auto"`` (whatever is fastest for this formula and these
    data).
    """
    if backend not in BACKENDS and not is_runtime(backend):
        known = ", ".join(map(repr, BACKENDS))
        raise OptionError(f"backend={backend!r} is not known; there are {known}")
    columns, sizes = bind_data(partials, data)
    problem = partials.problem
    for name, shape in (shapes or {}).items():
        if name in partials.wrt:
            bind(name, problem.shape(name), tuple(shape), sizes)
    layout = Layout.of({name: resolve(problem.shape(name), sizes, name) for name in partials.wrt})
    with uncollected(len(partials.loss.graph)):
        compiled = Compiled([partials.loss, *partials.raw.values()])
        runner, how = choose(compiled.program, partials.problem, layout, columns, sizes, backend)
    return Objective(partials, layout, columns, sizes, compiled, how, runner)


def bind_data(partials: Partials, data: Mapping[str, Any]) -> tuple[dict[str, FloatArray], Sizes]:
    """The arrays of all names that are not differentiated by, and the sizes they fix."""
    problem = partials.problem
    needed = [s for s in problem.symbols if s.name not in partials.wrt]
    columns: dict[str, FloatArray] = {}
    sizes = Sizes()
    for symbol in needed:
        if symbol.name not in data:
            what = "column" if symbol.role == "data" else "value"
            raise OptionError(f"the {what} {symbol.name} is missing from the data")
        array = as_floats(data[symbol.name], symbol.name)
        bind(symbol.name, symbol.shape, array.shape, sizes)
        columns[symbol.name] = array if symbol.shape else np.float64(array)  # type: ignore[assignment]
    if problem.rows in sizes and sizes[str(problem.rows)] == 0:
        raise ShapeProblem("the data have no rows")
    return columns, sizes


def as_floats(value: Any, name: str) -> FloatArray:
    """A float64 array; bool, complex, text and ragged values are refused by name."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise OptionError(f"{name} is not a rectangular array of numbers") from None
    if array.dtype.kind not in "iuf":
        raise OptionError(f"{name} must be real numbers, not {array.dtype}")
    return np.asarray(array, dtype=np.float64)
