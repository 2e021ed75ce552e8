"""Small scalar programs as a plain Python function: nothing starts sooner.

The function is built as a syntax tree of the standard library (``ast``) with positional names
only, compiled, and wrapped as a function object: no text is involved at any point, and no
``exec``. It computes with Python floats and the ``math`` module (0.2 microseconds for a
gradient in two parameters). Where ``math`` raises instead of giving inf or nan, the caller
falls back to NumPy.

>>> from symgd.compile.program import linearize
>>> from symgd.formula.problem import read
>>> plain_function(linearize([read("x^2 + exp(x)").root]))(0.0)
(1.0,)
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from fractions import Fraction
from types import CodeType, FunctionType

from symgd.compile.interpret import exponents
from symgd.compile.program import Instruction, Program

Plain = Callable[..., tuple[float, ...]]


class NotPlain(Exception):
    """The program has an operation that is not written for single numbers here."""


def _sigmoid(u: float) -> float:
    e = math.exp(-abs(u))
    return (1.0 if u >= 0 else e) / (1.0 + e)


def _softplus(u: float) -> float:
    return max(u, 0.0) + math.log1p(math.exp(-abs(u)))


def _maximum(u: float, v: float) -> float:
    return u if u > v or u != u else v


def _minimum(u: float, v: float) -> float:
    return u if u < v or u != u else v


def _sign(u: float) -> float:
    return u if u != u or u == 0 else math.copysign(1.0, u)


def _heaviside(u: float) -> float:
    return u if u != u else 0.5 if u == 0 else float(u > 0)


def _add_all(*terms: float) -> float:
    total = terms[0]
    for term in terms[1:]:
        total += term
    return total


_CALLS: dict[str, Callable[..., float]] = {
    "exp": math.exp, "expm1": math.expm1, "log": math.log, "log1p": math.log1p,
    "log2": math.log2, "log10": math.log10, "sqrt": math.sqrt, "cbrt": math.cbrt,
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "asin": math.asin, "acos": math.acos,
    "atan": math.atan, "atan2": math.atan2, "sinh": math.sinh, "cosh": math.cosh,
    "tanh": math.tanh, "asinh": math.asinh, "acosh": math.acosh, "atanh": math.atanh,
    "abs": abs, "hypot": math.hypot, "pow": math.pow, "erf": math.erf, "erfc": math.erfc,
    "sigmoid": _sigmoid, "softplus": _softplus, "maximum": _maximum, "minimum": _minimum,
    "sign": _sign, "heaviside": _heaviside,
}  # fmt: skip
_BINARY = {"add": ast.Add, "mul": ast.Mult, "div": ast.Div}
_COMPARE = {"lt": ast.Lt, "le": ast.LtE, "gt": ast.Gt, "ge": ast.GtE, "eq": ast.Eq,
            "ne": ast.NotEq}  # fmt: skip
_LONG = 50


def plain_function(program: Program) -> Plain:
    """A function of (symbols..., sizes...) as floats that returns the outputs as floats.

    Raises :class:`NotPlain`.
    """
    numbers = {place: float(value) for place, value in program.numbers}
    exact = exponents(program)
    calls: dict[str, Callable[..., float]] = {}
    body: list[ast.stmt] = []
    for i in program.instructions:
        if i.shape != ():
            raise NotPlain("it has arrays")
        value = _expression(i, numbers, exact, calls)
        body.append(ast.Assign(targets=[_name(i.dest, ast.Store())], value=value))
    results = [_operand(place, numbers) for place in program.outputs]
    body.append(ast.Return(value=ast.Tuple(elts=results, ctx=ast.Load())))
    inputs = (*program.symbols.values(), *program.sizes.values())
    arguments = ast.arguments(
        posonlyargs=[], args=[ast.arg(arg=f"_{place}") for place in inputs], vararg=None,
        kwonlyargs=[], kw_defaults=[], kwarg=None, defaults=[],
    )  # fmt: skip
    definition = ast.FunctionDef(name="_run", args=arguments, body=body, decorator_list=[])
    tree = ast.fix_missing_locations(ast.Module(body=[definition], type_ignores=[]))
    whole = compile(tree, "<formula>", "exec")
    (code,) = [c for c in whole.co_consts if isinstance(c, CodeType)]
    return FunctionType(code, {"__builtins__": {}, **calls})


def _name(place: int, context: ast.expr_context) -> ast.expr:
    return ast.Name(id=f"_{place}", ctx=context)


def _operand(place: int, numbers: dict[int, float]) -> ast.expr:
    if place in numbers:
        return ast.Constant(value=numbers[place])
    return _name(place, ast.Load())


def _expression(
    i: Instruction,
    numbers: dict[int, float],
    exact: dict[int, Fraction],
    calls: dict[str, Callable[..., float]],
) -> ast.expr:
    args = [_operand(a, numbers) for a in i.args]
    if i.op == "pow":
        return _power(args, exact.get(i.args[1]), calls)
    if i.op in _BINARY and len(args) <= _LONG:
        return _chain(_BINARY[i.op](), args)
    if i.op == "add":
        return _call("_add_all", _add_all, args, calls)
    if i.op == "neg":
        return ast.UnaryOp(op=ast.USub(), operand=args[0])
    if i.op in _COMPARE:
        return ast.Compare(left=args[0], ops=[_COMPARE[i.op]()], comparators=[args[1]])
    if i.op in ("and", "or"):
        return ast.BoolOp(op=ast.And() if i.op == "and" else ast.Or(), values=args)
    if i.op == "not":
        return ast.UnaryOp(op=ast.Not(), operand=args[0])
    if i.op == "where":
        return ast.IfExp(test=args[0], body=args[1], orelse=args[2])
    if i.op not in _CALLS:
        raise NotPlain(f"{i.op} is not written for single numbers")
    return _call(f"_{i.op}", _CALLS[i.op], args, calls)


def _chain(operation: ast.operator, args: list[ast.expr]) -> ast.expr:
    total = args[0]
    for term in args[1:]:
        total = ast.BinOp(left=total, op=operation, right=term)
    return total


def _call(
    name: str,
    function: Callable[..., float],
    args: list[ast.expr],
    calls: dict[str, Callable[..., float]],
) -> ast.expr:
    calls[name] = function
    return ast.Call(func=ast.Name(id=name, ctx=ast.Load()), args=args, keywords=[])


def _power(
    args: list[ast.expr], exponent: Fraction | None, calls: dict[str, Callable[..., float]]
) -> ast.expr:
    """Small whole powers as products, so that they are the same as NumPy's."""
    base = args[0]
    if exponent in (2, 3):
        return _chain(ast.Mult(), [base] * int(exponent))
    if exponent == 4:
        square = ast.BinOp(left=base, op=ast.Mult(), right=base)
        return ast.BinOp(left=square, op=ast.Mult(), right=square)
    if exponent == -1:
        return ast.BinOp(left=ast.Constant(value=1.0), op=ast.Div(), right=base)
    if exponent == Fraction(1, 2):
        return _call("_sqrt", math.sqrt, [base], calls)
    return _call("_pow", math.pow, args, calls)
