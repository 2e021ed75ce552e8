"""Operators that are more than a sign between two operands: comparisons, logic, products.

Each function takes the parser at the place where the operator begins and leaves it
behind its last operand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from symgd.errors import NameProblem
from symgd.formula.forms import starts_big
from symgd.formula.syntax import Syntax
from symgd.formula.tokens import Token

if TYPE_CHECKING:
    from symgd.formula.parser import Parser

COMPARE = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}
CONDITION, OR, AND, NOT, COMPARISON = 5, 10, 12, 14, 20


def comparison(parser: Parser, left: Syntax) -> Syntax:
    """``a < b``, and ``a < b < c`` as ``a < b and b < c``."""
    parts: list[Syntax] = []
    inner = parser.chains
    while parser.token.kind == "op" and parser.token.text in COMPARE:
        if parts and parser.chains > inner:
            # The middle stands in both comparisons: nested chains would double with each level.
            raise parser.error("a chained comparison inside another; write it with and", left)
        inner = parser.chains
        operation = COMPARE[parser.advance().text]
        right = parser.expression(COMPARISON + 1)
        parts.append(Syntax("compare", left.start, right.end, (left, right), operation))
        left = right
    joined = parts[0]
    for part in parts[1:]:
        parser.chains += 1
        joined = _both("and", joined, part)
    return joined


def logic(parser: Parser, left: Syntax, least: int) -> Syntax | None:
    """``and``, ``or``, ``&`` and the conditional ``a if c else b``; ``None`` if none follows."""
    token = parser.token
    word = token.text if token.kind == "name" or token.text == "&" else ""
    if word in ("and", "&") and least <= AND:
        parser.advance()
        return _both("and", left, parser.expression(AND + 1))
    if word == "or" and least <= OR:
        parser.advance()
        return _both("or", left, parser.expression(OR + 1))
    if word == "if" and least <= CONDITION:
        parser.advance()
        condition = parser.expression(CONDITION + 1)
        if parser.token.text != "else":
            raise parser.error("a condition 'a if c else b' needs its else", token)
        parser.enter(parser.advance())
        other = parser.expression(CONDITION)
        parser.leave()
        return Syntax("where", left.start, other.end, (condition, left, other))
    return None


def _both(word: str, left: Syntax, right: Syntax) -> Syntax:
    return Syntax(word, left.start, right.end, (left, right))


def refuse_unclear(parser: Parser, left: Syntax, last: str) -> None:
    """Refuse ``x 2``, ``1/2x`` and ``e^2x``, where a product has no one meaning."""
    token = parser.token
    shown = parser.text[left.start : left.end][-30:]
    if token.kind == "number":
        raise parser.error(
            f"a number directly after {shown!r}", token, f"a product is {shown}*{token.text}"
        )
    if token.text == "[" and left.kind in ("name", "index", "transpose"):
        raise parser.error(
            f"{shown} [... can be read in two ways", token,
            f"an index is {shown}[...] without a space, a product is {shown}*(...)",
        )  # fmt: skip
    if last == "/" and not starts_big(token):
        remedy = f"write {shown}*{token.text} or put the denominator in brackets"
        if re.fullmatch(r"d\s*/\s*d\w+", shown):
            remedy += "; as d is a name here, a derivative is Derivative(..., x)"
        raise parser.error(f"{shown} {token.text}... can be read in two ways", token, remedy)
    if (
        left.kind == "pow" and left.args[0].kind == "name" and left.args[0].value == "e"
        and not token.spaced and parser.text[left.end - 1 : left.end].isdigit()
    ):  # fmt: skip
        raise parser.error(
            f"e^... directly before {token.text!r} can be read in two ways",
            left, "put the exponent in brackets",
        )  # fmt: skip


def is_transpose_mark(parser: Parser, base: Syntax, token: Token) -> bool:
    """Whether ``T`` behind ``^`` is a transpose: not of a literal number, nor if T is declared."""
    if base.kind == "number" or token.kind != "name" or token.text != "T" or "T" in parser.declared:
        return False
    if any(_is_name_t(parser.tokens, at) for at in range(len(parser.tokens))):
        raise NameProblem(
            "^T is a transpose, but T is also used as a name", parser.text, token.position,
            "write .T for the transpose, or rename T",
        )  # fmt: skip
    return True


def _is_name_t(tokens: list[Token], at: int) -> bool:
    """Whether the token is a ``T`` that can only be a name: not behind ``^``, or in ``2^T``."""
    if tokens[at].kind != "name" or tokens[at].text != "T":
        return False
    return at == 0 or tokens[at - 1].text != "^" or (at > 1 and tokens[at - 2].kind == "number")
