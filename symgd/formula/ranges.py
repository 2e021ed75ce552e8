"""Numbers and slices inside brackets: ``[1:, None]``, ``axis=0``, ``i=1..N``, ``ones(N-1)``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symgd.formula.functions import BARE_ALLOWED, FUNCTIONS, RESERVED
from symgd.formula.syntax import Big, Slice

if TYPE_CHECKING:
    from symgd.formula.parser import Parser


def index_items(parser: Parser) -> tuple[Slice, ...]:
    """``[1:, None]`` and ``[i]``."""
    opening = parser.advance()
    items: list[Slice] = []
    while True:
        items.append(_index_item(parser))
        if not parser.accept(","):
            break
    if not parser.accept("]"):
        raise parser.error(
            "an index is a number, a slice such as 1:, None, or the name of a sum's index",
            parser.token if parser.token.kind != "end" else opening,
        )
    return tuple(items)


def _index_item(parser: Parser) -> Slice:
    token = parser.token
    if token.kind == "name" and token.text in ("None", "newaxis"):
        parser.advance()
        return Slice("new")
    if token.kind == "name":
        parser.advance()
        return Slice("name", name=token.text)
    bounds: list[int | None] = []
    current: int | None = None
    colons = 0
    while True:
        if parser.accept(":"):
            bounds.append(current)
            current, colons = None, colons + 1
        elif current is None and (parser.token.kind == "number" or parser.token.text == "-"):
            current = signed_integer(parser)
        else:
            break
    if not colons:
        if current is None:
            raise parser.error("an index is missing", parser.token)
        return Slice("at", (current,))
    bounds.append(current)
    if colons > 2 or (len(bounds) == 3 and bounds[2] is not None and bounds[2] <= 0):
        raise parser.error("a slice is start:stop or start:stop:step with a positive step", token)
    return Slice("slice", (*bounds, None, None)[:3])


def signed_integer(parser: Parser) -> int:
    negative = parser.accept("-")
    token = parser.advance()
    if token.kind != "number" or not token.text.isdigit() or len(token.text) > 9:
        raise parser.error("a whole number was expected", token)
    return -int(token.text) if negative else int(token.text)


def size(parser: Parser) -> int | str:
    """A size or a limit: a whole number, or a name such as ``N``, ``N-1``, ``N + 1``."""
    token = parser.token
    if token.kind != "name":
        return signed_integer(parser)
    if token.text in RESERVED or token.text in set(FUNCTIONS) - BARE_ALLOWED:
        raise parser.error(f"{token.text} is not a size", token, "a size is a name such as N")
    parser.advance()
    if parser.token.text not in ("+", "-"):
        return token.text
    sign = 1 if parser.advance().text == "+" else -1
    by = sign * signed_integer(parser)
    return f"{token.text}{by:+d}" if by else token.text


def over(operation: str, index: str, lower: int, upper: int | str) -> Big:
    """A big operator; from 0 to N-1 are the same N rows as from 1 to N."""
    if lower == 0 and isinstance(upper, str) and upper.endswith("-1"):
        return Big(operation, index, 1, upper.removesuffix("-1"))
    return Big(operation, index, lower, upper)
