"""A cursor over tokens, and the errors of a token that stands in the wrong place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from symgd.errors import FormulaError, LimitProblem, SyntaxProblem
from symgd.formula.functions import FUNCTIONS
from symgd.formula.syntax import Syntax
from symgd.formula.tokens import Token

MAX_NESTING = 200

_REFUSED = {
    "//": "floor division has no derivative",
    "%": "modulo has no derivative",
    "!": "a factorial is not differentiable; gamma(n + 1) is",
    "'": "a transpose is .T; a derivative is d/dx (...)",
    ";": "one formula at a time",
    ":": "a colon stands only inside an index such as x[1:]",
    "..": "a range stands only in sum(..., i=1..N)",
    "||": "bars that touch can be read in two ways; write abs(...) or norm(...)",
}


class Cursor:
    """Where the parser stands: the tokens, the open brackets, and what is declared."""

    def __init__(self, tokens: list[Token], text: str, declared: frozenset[str]) -> None:
        self.tokens = tokens
        self.text = text
        self.declared = declared
        self.at = 0
        self.bars = 0
        """How many bars are open: inside them a bar closes instead of starting a product."""
        self.opened: list[Token] = []
        self.chains = 0
        """How many chained comparisons were read so far."""

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def peek(self, ahead: int = 1) -> Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def advance(self) -> Token:
        token = self.tokens[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def accept(self, text: str) -> bool:
        """Step over the operator ``text`` if it stands here."""
        token = self.tokens[self.at]
        if token.kind == "op" and token.text == text:
            self.at += 1
            return True
        return False

    def expect(self, text: str, why: str) -> Token:
        token = self.tokens[self.at]
        if self.accept(text):
            return token
        if token.kind == "end" and self.opened:
            start = self.opened[-1]
            raise SyntaxProblem(
                f"the bracket opened here is not closed, {text!r} is missing",
                self.text, start.position, self._unclosed_hint(),
            )  # fmt: skip
        raise self.error(f"expected {text!r} {why}, found {shown(token)}", token)

    def error(self, reason: str, at: Token | Syntax, hint: str | None = None) -> FormulaError:
        if isinstance(at, Syntax):
            return SyntaxProblem(reason, self.text, at.start, hint, at.end - at.start)
        return SyntaxProblem(reason, self.text, at.position, hint, max(1, len(at.text)))

    def end_of(self) -> int:
        """Where the last consumed token ends."""
        last = self.tokens[self.at - 1]
        return last.position + max(1, len(last.text))

    def enter(self, token: Token) -> None:
        """Note an opening bracket, or anything else that nests."""
        self.opened.append(token)
        if len(self.opened) > MAX_NESTING:
            raise LimitProblem(f"nested more than {MAX_NESTING} deep", self.text, token.position)

    def leave(self) -> None:
        self.opened.pop()

    def misplaced(self, token: Token) -> FormulaError:
        """The error of a token that cannot stand where it stands."""
        text = token.text
        consumed = token.kind == "end" or self.tokens[self.at - 1] is token
        allowed = "a number, a name or a bracket" if consumed else "an operator or the end"
        if token.kind == "end":
            return self.error("the formula ends where something was expected", token, allowed)
        if text in (")", "]", "}") and not self.opened:
            return self.error(f"{text!r} closes a bracket that was never opened", token)
        if text == "=":
            return self.error(
                "an equation is not a formula", token, "compare with ==, or leave out the left side"
            )
        if text in _REFUSED:
            return self.error(f"{text!r} cannot stand here: {_REFUSED[text]}", token)
        return self.error(f"{shown(token)} cannot stand here", token, allowed)

    def _unclosed_hint(self) -> str | None:
        glued = [
            t.text
            for t in self.tokens
            if t.kind == "name" and len(t.text) == 2 and t.text.isalpha() and t.text.islower()
            and t.text not in FUNCTIONS and t.text not in self.declared and t.text != "pi"
        ]  # fmt: skip
        if not glued:
            return None
        one = glued[0]
        return f'{one} is read as one name; a product is {one[0]}*{one[1]} or "{one[0]} {one[1]}"'


@contextmanager
def room_for_nesting() -> Iterator[None]:
    """Enough stack for :data:`MAX_NESTING` levels, whatever the caller has used already.

    One level takes up to ten calls, and Python allows a thousand in all.
    """
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + 12 * MAX_NESTING)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def shown(token: Token) -> str:
    """A token as an error quotes it."""
    return "the end" if token.kind == "end" else repr(token.text)
