"""Which machine runs a program: the NumPy reference, compiled rows, or plain Python.

:func:`choose` looks at the program and its data and gives a *runner* (None: the NumPy
function) with a sentence that says what runs and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from symgd.compile.program import Program
from symgd.descend.objective import FloatArray, IntArray, Layout
from symgd.formula.problem import Problem
from symgd.formula.shapes import Shape

BACKENDS = ("auto", "native", "numpy")


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
    if backend == "numpy":
        return None, "numpy"
    from symgd.compile.native.lower import NotNative

    try:
        return native_runner(program, problem, layout, data, sizes)
    except NotNative as reason:
        return None, f"numpy (not native: {reason})"


def native_runner(
    program: Program,
    problem: Problem,
    layout: Layout,
    data: Mapping[str, Any],
    sizes: Mapping[str, int],
) -> tuple[Runner, str]:
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
