"""Programs run instruction by instruction on NumPy arrays: nothing to compile, no SymPy.

The same functions as the reference compiler calls, bound once; a call walks the list. That
costs some 60 ns for an instruction more than compiled source, and starts at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from symgd.compile.kernels import POWERS, bound, is_known
from symgd.compile.program import Instruction, Program

Kernel = Callable[..., Any]
Step = tuple[int, Kernel, tuple[int, ...]]


def _add(first: Any, *rest: Any) -> Any:
    total = first
    for term in rest:
        total = total + term
    return total


PLAIN: dict[str, Kernel] = {
    "add": _add, "neg": np.negative, "mul": np.multiply, "div": np.divide, "exp": np.exp,
    "log": np.log, "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin,
    "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "sqrt": np.sqrt,
}  # fmt: skip
"""The operations whose NumPy function takes the arguments as they are."""
_POWERS: dict[Any, Kernel] = {
    **POWERS,
    Fraction(2): lambda u: u * u,
    Fraction(3): lambda u: u * u * u,
}


def exponents(program: Program) -> dict[int, Fraction]:
    """The places that hold an exact number."""
    return {place: node.value for place, node in program.exact if node.op == "num"}


def step(i: Instruction, exact: dict[int, Fraction]) -> Step:
    """One instruction as (destination, function, places of its arguments)."""
    if i.op == "pow":
        power = _POWERS.get(exact.get(i.args[1]))
        if power is not None:
            return i.dest, power, i.args[:1]
    plain = PLAIN.get(i.op)
    return i.dest, plain if plain is not None else bound(i.op, i.value), i.args


def runs(program: Program) -> bool:
    """Whether every instruction has a function here."""
    return all(i.op in PLAIN or is_known(i.op) for i in program.instructions)


def interpreted(
    program: Program, powers: dict[int, Fraction] | None = None
) -> Callable[..., tuple[Any, ...]]:
    """A function of (symbols..., sizes...) in the program's order that returns the outputs.

    ``powers`` are the places that hold an exact exponent, where the program does not say so.

    >>> from symgd.compile.program import linearize
    >>> from symgd.formula.problem import read
    >>> interpreted(linearize([read("x^2 + 1").root]))(np.float64(3.0))
    (np.float64(10.0),)
    """
    exact = exponents(program) if powers is None else powers
    steps = [step(i, exact) for i in program.instructions]
    inputs = (*program.symbols.values(), *program.sizes.values())
    start: list[Any] = [None] * (1 + max([*inputs, *_all_places(program)], default=0))
    for place, value in program.numbers:
        start[place] = np.float64(value)

    def function(*arguments: Any) -> tuple[Any, ...]:
        place = start.copy()
        for at, value in zip(inputs, arguments, strict=True):
            place[at] = value
        with np.errstate(all="ignore"):
            for dest, kernel, args in steps:
                place[dest] = kernel(*[place[a] for a in args])
        return tuple([place[at] for at in program.outputs])

    return function


def _all_places(program: Program) -> Sequence[int]:
    return [*(place for place, _ in program.exact), *(i.dest for i in program.instructions)]
