r"""``\begin{cases} ... \end{cases}``: branches with conditions that cover everything."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from symgd.formula.latex_pieces import CASES, environment_name
from symgd.formula.latex_tokens import LatexToken, argument_end
from symgd.formula.syntax import Syntax, post_order

if TYPE_CHECKING:
    from symgd.formula.latex_parser import LatexParser

Branch = tuple[Syntax, "Syntax | None"]


def cases(parser: LatexParser, token: LatexToken) -> Syntax:
    r"""Nested ``where`` of the rows; the last row holds otherwise."""
    tokens = cast("list[LatexToken]", parser.tokens)
    name, after = environment_name(tokens, parser.at - 1)
    if name not in CASES:
        raise parser.error(f"the environment {name!r} is not read here", token)
    parser.at = after
    if name == "array":
        parser.at = argument_end(tokens, parser.at)
    _equations_compare(parser)
    parser.enter(token)
    before, parser.bars = parser.bars, 0
    branches: list[Branch] = []
    while not (parser.token.kind == "command" and parser.token.text == "end"):
        if branches and branches[-1][1] is None:
            raise parser.error("a row behind the row for all other values", parser.token)
        branches.append(_row(parser))
        if not parser.accept_op("newline"):
            break
    if not (parser.token.kind == "command" and parser.token.text == "end"):
        raise parser.misplaced(parser.token)
    parser.at = environment_name(tokens, parser.at)[1]
    parser.bars = before
    parser.leave()
    return _nested(parser, token, branches)


def _equations_compare(parser: LatexParser) -> None:
    """Inside the conditions ``=`` compares."""
    depth = 1
    for i in range(parser.at, len(parser.tokens)):
        found = cast(LatexToken, parser.tokens[i])
        if found.kind == "command" and found.text in ("begin", "end"):
            depth += 1 if found.text == "begin" else -1
        if depth == 0:
            return
        if found.kind == "op" and found.text == "=":
            parser.tokens[i] = LatexToken(
                "op", "==", found.position, found.spaced, found.length, "="
            )


def _row(parser: LatexParser) -> Branch:
    value = parser.expression(0)
    parser.accept_op(",")
    if not parser.accept_op("align") and parser.token.kind != "word":
        raise parser.error("a row is 'value & condition'", parser.token)
    if _spoken(parser, "otherwise", "else", "elsewhere"):
        parser.accept_op(".", ",")
        return value, None
    _spoken(parser, "if", "for", "when")
    parser.accept_op("align")
    condition = _condition(parser)
    parser.accept_op(".", ",")
    return value, condition


def _spoken(parser: LatexParser, *words: str) -> bool:
    token = parser.token
    if token.kind == "word" and token.text.strip() in words:
        parser.advance()
        return True
    return False


def _condition(parser: LatexParser) -> Syntax:
    condition = parser.expression(0)
    while parser.token.kind == "word" and parser.token.text.strip() in ("and", "or"):
        word = parser.advance().text.strip()
        right = parser.expression(0)
        condition = Syntax(word, condition.start, right.end, (condition, right))
    if condition.kind not in ("compare", "and", "or", "not"):
        raise parser.error("a condition was expected", condition)
    return condition


def _nested(parser: LatexParser, token: LatexToken, branches: list[Branch]) -> Syntax:
    if not branches:
        raise parser.error("cases without a row", token)
    conditions = [c for _, c in branches if c is not None]
    value, last = branches[-1]
    if last is not None and not covers(conditions, parser.text):
        raise parser.error(
            "the cases do not cover every value", last, r"end them with & \text{otherwise}"
        )
    node = value
    for value, condition in reversed(branches[:-1]):
        assert condition is not None
        node = Syntax("where", token.position, parser.end_of(), (condition, value, node))
    if len(branches) == 1 and last is not None:
        raise parser.error("a single case", token)
    return node


# -- do the conditions cover everything? ----------------------------------------------------------


def covers(conditions: list[Syntax], text: str) -> bool:
    """Whether one of the conditions always holds: tried exactly on every cell.

    All comparisons must be of one quantity with numbers, or of one pair of quantities.
    """
    subjects: set[str] = set()
    bounds: set[Fraction] = set()
    pairs: set[frozenset[str]] = set()
    for piece in (p for c in conditions for p in post_order(c) if p.kind == "compare"):
        for left, right in pairwise(piece.args):
            pairs.add(frozenset((repr(left), repr(right))))
            for part in (left, right):
                value = _value(part)
                if value is None:
                    subjects.add(repr(part))
                else:
                    bounds.add(value)
    if len(subjects) == 1 and bounds:
        return all(any(_holds(c, at, "") for c in conditions) for at in _cells(sorted(bounds)))
    if len(pairs) == 1:
        first = sorted(next(iter(pairs)))[0]
        return all(any(_holds(c, Fraction(sign), first) for c in conditions) for sign in (-1, 0, 1))
    return False


def _value(piece: Syntax) -> Fraction | None:
    """The number that a piece is, if it is one."""
    if piece.kind == "number":
        return Fraction(piece.value)
    parts = [_value(part) for part in piece.args]
    if not parts or any(p is None for p in parts):
        return None
    known = cast("list[Fraction]", parts)
    if piece.kind == "neg":
        return -known[0]
    if piece.kind == "div" and known[1]:
        return known[0] / known[1]
    return None


def _cells(bounds: list[Fraction]) -> list[Fraction]:
    """Every bound, a point in every gap, and one on either side."""
    inner = [(a + b) / 2 for a, b in pairwise(bounds)]
    return [bounds[0] - 1, *bounds, *inner, bounds[-1] + 1]


def _holds(condition: Syntax, at: Fraction, first: str) -> bool:
    """The condition with its quantity at ``at``, or for a pair with their difference there."""
    if condition.kind == "compare":
        places = [_place(part, at, first) for part in condition.args]
        named = condition.value if isinstance(condition.value, tuple) else (condition.value,)
        signs = zip(named, pairwise(places), strict=True)
        return all(_COMPARE[sign](*pair) for sign, pair in signs)
    parts = [_holds(part, at, first) for part in condition.args]
    if condition.kind == "not":
        return not parts[0]
    return all(parts) if condition.kind == "and" else any(parts)


def _place(piece: Syntax, at: Fraction, first: str) -> Fraction:
    if first:
        return at if repr(piece) == first else Fraction(0)
    value = _value(piece)
    return at if value is None else value


_COMPARE: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
    "eq": operator.eq, "ne": operator.ne,
}  # fmt: skip
