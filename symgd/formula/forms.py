"""The forms of the language that are more than an operator: calls, big operators, derivatives.

Each function takes the parser at the place where the form begins and leaves it
behind the form.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from symgd.errors import LimitProblem
from symgd.formula.calls import checked_call, log_base
from symgd.formula.ranges import over, signed_integer, size
from symgd.formula.syntax import Big, Call, Syntax, number, post_order
from symgd.formula.tokens import Token

if TYPE_CHECKING:
    from symgd.formula.parser import Parser

MAX_ORDER = 8
"""How often a formula may be differentiated inside itself: it grows several times by each."""
_BIG = re.compile(r"(sum|prod|mean)_([A-Za-z]|[i-n]{2,3})")
_LOG_BASE = re.compile(r"log_(\d+)")
_POWER, _PRODUCT = 60, 40
COMPARISONS = {"Eq": "eq", "Ne": "ne", "Lt": "lt", "Le": "le", "Gt": "gt", "Ge": "ge"}
"""Comparisons as SymPy prints and writes them: ``Eq(x, 1)``."""


def starts_big(token: Token) -> bool:
    """Whether a big operator such as ``sum_i`` starts here."""
    return token.kind == "name" and (
        bool(_BIG.fullmatch(token.text)) or token.text in ("Sum", "Product", "sum", "mean")
    )


def special(parser: Parser, token: Token, called: bool) -> Syntax | None:
    """A big operator, a derivative, ``Piecewise`` or ``log_2`` if one starts at ``token``."""
    name = token.text
    big = _BIG.fullmatch(name)
    if big:
        return big_operator(parser, token, big[1], big[2])
    if called and name in ("Sum", "Product"):
        return sympy_sum(parser, token)
    if called and name == "Piecewise":
        return piecewise(parser, token)
    if called and name in ("And", "Or", "Not"):
        return logic_call(parser, token)
    if called and name in COMPARISONS:
        return comparison_call(parser, token)
    if called and name == "Derivative":
        return sympy_derivative(parser, token)
    if called and name == "ones":
        return ones(parser, token)
    if called and name == "eye":
        return eye(parser, token)
    if called and name == "scatter":
        return scatter(parser, token)
    if name == "d" and not called:
        return derivative(parser, token, "d")
    log = _LOG_BASE.fullmatch(name)
    if log and called:
        parser.expect("(", "after log")
        inner = parser.expression(0)
        parser.expect(")", "after the argument of log")
        return log_base(inner, number(int(log[1]), inner), token.position, parser.end_of())
    return None


def big_operator(parser: Parser, token: Token, operation: str, letters: str) -> Syntax:
    """``sum_i body``; ``sum_ij body`` is a sum over both indices."""
    parser.enter(token)
    body = parser.expression(_PRODUCT)
    parser.leave()
    for letter in reversed(letters):
        body = Syntax("big", token.position, parser.end_of(), (body,), Big(operation, letter))
    return body


def sympy_sum(parser: Parser, token: Token) -> Syntax:
    """``Sum(body, (i, 1, N))`` as SymPy prints it; several ranges nest."""
    operation = "sum" if token.text == "Sum" else "prod"
    parser.enter(parser.advance())
    body = parser.expression(0)
    ranges: list[Big] = []
    while parser.accept(","):
        parser.expect("(", "before the range of the sum")
        index = parser.advance()
        if index.kind != "name":
            raise parser.error("the index of the sum is a name", index)
        parser.expect(",", "after the index")
        lower = signed_integer(parser)
        parser.expect(",", "after the lower limit")
        ranges.append(over(operation, index.text, lower, size(parser)))
        parser.expect(")", "after the range of the sum")
    parser.expect(")", f"after {token.text}")
    parser.leave()
    if not ranges:
        raise parser.error(f"{token.text} needs a range such as (i, 1, N)", token)
    for big in ranges:
        body = Syntax("big", token.position, parser.end_of(), (body,), big)
    return body


def piecewise(parser: Parser, token: Token) -> Syntax:
    """``Piecewise((a, x < 0), (b, True))`` as SymPy prints it."""
    parser.enter(parser.advance())
    branches: list[tuple[Syntax, Syntax | None]] = []
    while parser.accept("("):
        value = parser.expression(0)
        parser.expect(",", "between value and condition")
        if parser.token.text == "True":
            parser.advance()
            branches.append((value, None))
        else:
            branches.append((value, parser.expression(0)))
        parser.expect(")", "after the branch")
        if not parser.accept(","):
            break
    parser.expect(")", "after Piecewise")
    parser.leave()
    if not branches or branches[-1][1] is not None:
        raise parser.error("Piecewise needs a last branch (value, True)", token)
    node = branches[-1][0]
    for value, condition in reversed(branches[:-1]):
        if condition is None:
            raise parser.error("only the last branch may be (value, True)", token)
        node = Syntax("where", token.position, parser.end_of(), (condition, value, node))
    return node


def logic_call(parser: Parser, token: Token) -> Syntax:
    """SymPy's ``And(a, b)``, ``Or(a, b)`` and ``Not(a)``."""
    parser.enter(parser.advance())
    parts = [parser.expression(0)]
    while parser.accept(","):
        parts.append(parser.expression(0))
    parser.expect(")", f"after {token.text}")
    parser.leave()
    if token.text == "Not":
        return Syntax("not", token.position, parser.end_of(), (parts[0],))
    node = parts[0]
    for part in parts[1:]:
        node = Syntax(token.text.lower(), token.position, parser.end_of(), (node, part))
    return node


def comparison_call(parser: Parser, token: Token) -> Syntax:
    """SymPy's ``Eq(a, b)`` and ``Ne(a, b)``, and the other comparisons by their short names."""
    parser.enter(parser.advance())
    left = parser.expression(0)
    parser.expect(",", f"between the two sides of {token.text}")
    right = parser.expression(0)
    parser.expect(")", f"after {token.text}")
    parser.leave()
    operation = COMPARISONS[token.text]
    return Syntax("compare", token.position, parser.end_of(), (left, right), operation)


def ones(parser: Parser, token: Token) -> Syntax:
    """``ones(N, p)``: sizes are numbers or names of sizes such as ``N`` and ``N-1``."""
    parser.advance()
    sizes: list[int | str] = []
    while True:
        sizes.append(size(parser))
        if not parser.accept(","):
            break
    parser.expect(")", "after the sizes of ones")
    return Syntax("ones", token.position, parser.end_of(), (), tuple(sizes))


def eye(parser: Parser, token: Token) -> Syntax:
    """``eye(p)``, the identity matrix, as ``diag(ones(p))``."""
    diagonal = ones(parser, token)
    if len(diagonal.value) != 1:
        raise parser.error("eye has one size, as in eye(p)", diagonal)
    return Syntax("call", diagonal.start, diagonal.end, (diagonal,), Call("diag", {}))


def scatter(parser: Parser, token: Token) -> Syntax:
    """``scatter(u, ones(n)[1:])``: zeros of size n with u at the places 1: (a slice's adjoint)."""
    parser.enter(parser.advance())
    inner = parser.expression(0)
    parser.expect(",", "after the first argument of scatter")
    target = parser.expression(0)
    parser.expect(")", "after the arguments of scatter")
    parser.leave()
    if target.kind != "index" or target.args[0].kind != "ones":
        raise parser.error("scatter needs a place such as ones(n)[1:]", target)
    place = (target.args[0].value, target.value)
    return Syntax("scatter", token.position, parser.end_of(), (inner,), place)


# -- derivatives --------------------------------------------------------------------------------


def derivative(parser: Parser, token: Token, mark: str) -> Syntax | None:
    """``d/dx (...)``, ``d^2/dx^2 ...``, ``∂/∂x ...``; ``None`` if it is a plain quotient."""
    start = parser.at
    order = _optional_order(parser)
    if not parser.accept("/"):
        parser.at = start
        return None
    names: list[str] = []
    while True:
        word = parser.token
        if mark == "∂" and parser.accept("∂") and parser.token.kind == "name":
            name = parser.advance().text
        elif mark == "d" and word.kind == "name" and word.text[:1] == "d" and len(word.text) > 1:
            name = parser.advance().text[1:]
        else:
            break
        several = re.findall(r"[^\W\d_]\d*", name.replace("d", " ")) if mark == "d" else []
        if len(several) == order > 1 and len(name) > 1:
            names += several
        else:
            names += [name] * _optional_order(parser)
    following = parser.token
    operand = following.kind in ("number", "name") or following.text in ("(", "[", "√", "|")
    if not names or len(names) != order or not operand:
        if mark == "∂":
            raise parser.error("a derivative is ∂/∂x (...)", token)
        parser.at = start
        return None
    bracketed = following.text in ("(", "[")
    parser.enter(token)
    body = parser.expression(_POWER if bracketed else _PRODUCT)
    parser.leave()
    return _derivative(parser, token, body, names)


def _derivative(parser: Parser, token: Token, body: Syntax, names: list[str]) -> Syntax:
    """The derivative, unless the orders add up to more than the limit."""
    order = len(names) + sum(len(p.value) for p in post_order(body) if p.kind == "derivative")
    if order > MAX_ORDER:
        raise LimitProblem(
            f"a derivative of order {order}; the limit is {MAX_ORDER}", parser.text, token.position
        )
    return Syntax("derivative", token.position, parser.end_of(), (body,), tuple(names))


def _optional_order(parser: Parser) -> int:
    if parser.token.text == "^" and parser.peek().kind == "number":
        parser.advance()
        return _order(parser)
    return 1


def _order(parser: Parser) -> int:
    """The order of a derivative: a whole number, small enough to be carried out."""
    token = parser.token
    order = signed_integer(parser)
    if not 1 <= order <= MAX_ORDER:
        raise LimitProblem(
            f"a derivative of order {order}; orders go from 1 to {MAX_ORDER}",
            parser.text, token.position,
        )  # fmt: skip
    return order


def sympy_derivative(parser: Parser, token: Token) -> Syntax:
    """``Derivative(body, x)`` and ``Derivative(body, (x, 2))`` as SymPy prints them."""
    parser.enter(parser.advance())
    body = parser.expression(0)
    names: list[str] = []
    while parser.accept(","):
        if parser.accept("("):
            name = parser.advance().text
            parser.expect(",", "before the order")
            names += [name] * _order(parser)
            parser.expect(")", "after the order")
        else:
            names.append(parser.advance().text)
    parser.expect(")", "after Derivative")
    parser.leave()
    return _derivative(parser, token, body, names)


__all__ = ["big_operator", "checked_call", "derivative", "special", "starts_big"]
