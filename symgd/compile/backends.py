"""Which machine runs a program: the NumPy reference, compiled rows, or plain Python.

:func:`choose` looks at the program and its data and gives a *runner* (None: the NumPy
function) with a sentence that says what runs and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from symgd.compile.program import Program
from symgd.compile.runtimes.choice import RUNTIMES, is_runtime
from symgd.descend.objective import FloatArray, IntArray, Layout
from symgd.formula.problem import Problem
from symgd.formula.shapes import Shape

if TYPE_CHECKING:
    from symgd.compile.native.kernel import Kernel

BACKENDS = ("auto", "native", "numpy", *RUNTIMES)
LONG = 65_536
"""From this many rows on, NumPy takes them block by block."""
WORTH_MOMENTS = 200_000
"""Rows times cost from which one evaluation takes more than some 10 microseconds."""


class Runner(Protocol):
    """A loss and its gradient as one flat vector."""

    def __call__(self, theta: FloatArray, /) -> FloatArray:
        """The value and then the gradient (1 + p,) at ``theta`` (p,), a fresh array."""
        ...

    def at_rows(self, rows: IntArray, /) -> Runner | None:
        """The same over the given rows only; None if only the NumPy function can."""
        ...


def choose(
    program: Program,
    problem: Problem,
    layout: Layout,
    data: Mapping[str, Any],
    sizes: Mapping[str, int],
    backend: str,
) -> tuple[Runner | None, str]:
    """The runner for ``backend``, and what it is in words."""
    if is_runtime(backend):
        from symgd.compile.runtimes import runtime_runner

        return runtime_runner(program, problem, layout, data, sizes, backend)
    if backend == "numpy":
        return _reference(program, problem, layout, data, sizes)
    if backend == "auto" and problem.rows is None:
        found = _without_rows(program, layout, data, sizes)
        if found is not None:
            return found
    from symgd.compile.native.spread import NotNative

    try:
        runner, how = native_runner(program, problem, layout, data, sizes)
        return (runner, how) if backend == "native" else _with_moments(runner, how, layout, data)
    except NotNative as reason:
        other, how = _reference(program, problem, layout, data, sizes)
        return other, f"{how} (not native: {reason})"


def _with_moments(
    direct: Kernel, how: str, layout: Layout, data: Mapping[str, Any]
) -> tuple[Runner, str]:
    """The compiled program, with its sums out of the loop if that is possible and pays."""
    if direct.n * direct.native.cost < WORTH_MOMENTS:
        return direct, how
    from symgd.compile.affine import NotAffine
    from symgd.compile.moments import moment_runner

    try:
        runner, what = moment_runner(direct, layout, data)
    except NotAffine as reason:
        return direct, f"{how} (no moments: {reason})"
    return runner, f"{what}; before them and for batches {how}"


def _reference(
    program: Program,
    problem: Problem,
    layout: Layout,
    data: Mapping[str, Any],
    sizes: Mapping[str, int],
) -> tuple[Runner | None, str]:
    """NumPy: the whole columns at once, or block by block if they are long."""
    if problem.rows is None or sizes.get(problem.rows, 0) <= LONG:
        return None, "numpy"
    from symgd.compile.blocks import BLOCK, BlockRunner, NotInBlocks

    try:
        runner = BlockRunner(program, problem, layout, data, sizes)
    except NotInBlocks as reason:
        return None, f"numpy (whole columns: {reason})"
    return runner, f"numpy, in blocks of {BLOCK} rows"


def _without_rows(
    program: Program, layout: Layout, data: Mapping[str, Any], sizes: Mapping[str, int]
) -> tuple[Runner, str] | None:
    from symgd.compile.scalars import scalar_runner

    found = scalar_runner(program, layout, data, sizes)
    return None if found is None else (found[0], found[1])


def native_runner(
    program: Program,
    problem: Problem,
    layout: Layout,
    data: Mapping[str, Any],
    sizes: Mapping[str, int],
) -> tuple[Kernel, str]:
    """The program compiled by LLVM and bound to its data."""
    from symgd.compile.native.kernel import Columns, Kernel, native_program

    native = native_program(program, input_shapes(problem, layout), sizes, problem.rows)
    n = sizes.get(problem.rows, 0) if problem.rows else 0
    kernel = Kernel(native, Columns(native, data), data, n)
    return kernel, f"native: {native.describe()}"


def input_shapes(problem: Problem, layout: Layout) -> dict[str, Shape]:
    """The shapes of all inputs, those of the parameters first, in the order of theta."""
    shapes = {s.name: s.shape for s in problem.symbols}
    first = list(layout.shapes)
    return {name: shapes[name] for name in [*first, *(n for n in shapes if n not in first)]}
