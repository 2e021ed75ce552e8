"""Programs to NumPy functions through SymPy's ``lambdify``: the reference compiler.

The straight line is handed to ``lambdify`` as its common subexpressions, one
assignment for each instruction, with positional names only (``_v7``): no text of
the user reaches the generated source. Operations that NumPy's printer does not
know are called by position too (``_f7``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from symgd.compile.kernels import POWERS, bound
from symgd.compile.program import Instruction, Program

Function = Callable[..., tuple[Any, ...]]

_FUNCTIONS = {
    "exp": sp.exp, "log": sp.log, "sin": sp.sin, "cos": sp.cos, "tan": sp.tan,
    "asin": sp.asin, "acos": sp.acos, "atan": sp.atan, "sinh": sp.sinh, "cosh": sp.cosh,
    "tanh": sp.tanh, "asinh": sp.asinh, "acosh": sp.acosh, "atanh": sp.atanh, "sqrt": sp.sqrt,
}  # fmt: skip
"""Printed by SymPy's NumPy printer under their own names."""


def compile_numpy(program: Program) -> Function:
    """A function of (symbols..., sizes...) in the program's order that returns the outputs.

    Scalars are ``np.float64``; floating-point warnings are silenced inside.
    """
    names = {place: sp.Symbol(f"_v{place}", real=True) for place in _places(program)}
    inputs = [names[p] for p in (*program.symbols.values(), *program.sizes.values())]
    constants = [names[p] for p, _ in program.numbers]
    kernels: dict[str, Any] = {}
    exact = {place: node.value for place, node in program.exact if node.op == "num"}
    lines = [
        (names[i.dest], expression)
        for i in program.instructions
        for expression in [_expression(i, names, kernels, exact)]
    ]
    outputs = [names[p] for p in program.outputs]
    function = sp.lambdify(
        [*inputs, *constants],
        outputs,
        modules=[kernels, "numpy"],
        cse=lambda expressions: (lines, expressions),
    )
    fixed = tuple(np.float64(value) for _, value in program.numbers)

    def compiled(*arguments: Any) -> tuple[Any, ...]:
        with np.errstate(all="ignore"):
            return tuple(function(*arguments, *fixed))

    return compiled


def _places(program: Program) -> Sequence[int]:
    return [
        *program.symbols.values(),
        *program.sizes.values(),
        *(place for place, _ in program.numbers),
        *(i.dest for i in program.instructions),
    ]


def _expression(
    i: Instruction, names: dict[int, Any], kernels: dict[str, Any], exact: dict[int, Fraction]
) -> Any:
    """The right side of one assignment, left as it is by ``evaluate=False``."""
    args = [names[a] for a in i.args]
    if i.op == "pow" and exact.get(i.args[1]) in (2, 3):
        return sp.Mul(*[args[0]] * int(exact[i.args[1]]), evaluate=False)
    if i.op == "pow" and exact.get(i.args[1]) in POWERS:
        kernels[f"_f{i.dest}"] = POWERS[exact[i.args[1]]]
        return sp.Function(f"_f{i.dest}")(args[0])
    if i.op == "neg":
        return sp.Mul(-1, args[0], evaluate=False)
    if i.op == "mul":
        return sp.Mul(*args, evaluate=False)
    if i.op == "div":
        return sp.Mul(args[0], sp.Pow(args[1], -1, evaluate=False), evaluate=False)
    if i.op == "add" and len(args) <= _LONG_SUM:
        return sp.Add(*args, evaluate=False)
    if i.op == "add":
        kernels[f"_f{i.dest}"] = _add_all
        return sp.Function(f"_f{i.dest}")(*args)
    function = _FUNCTIONS.get(i.op)
    if function is not None:
        return function(args[0])
    kernels[f"_f{i.dest}"] = bound(i.op, i.value)
    return sp.Function(f"_f{i.dest}")(*args)


_LONG_SUM = 50
"""Longer sums are added in a loop: nested source would be too deep for the Python compiler."""


def _add_all(first: Any, *rest: Any) -> Any:
    total = first
    for term in rest:
        total = total + term
    return total
