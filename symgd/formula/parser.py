"""Tokens to syntax: one Pratt parser, whatever tokeniser fed it.

Binding, from loose to tight: ``a if c else b``; ``or``; ``and``; ``not``;
comparisons; ``+ -``; ``* / @`` and implicit products; unary minus; ``^`` (to the
right); ``.T``, ``[...]``, calls. What could be read in two ways is refused with
both readings named.

>>> parse_syntax("2x + 1").root
(add (mul (number 2 ), (name x )), (number 1 ))
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from symgd.errors import (
    FormulaError,
    LimitProblem,
    NameProblem,
    SyntaxProblem,
    UndefinedProblem,
)
from symgd.formula import forms
from symgd.formula.functions import BARE_ALLOWED, FUNCTIONS, RESERVED, nearest
from symgd.formula.syntax import Call, Slice, Syntax
from symgd.formula.tokens import Token, exact_number, tokenize

MAX_NESTING = 200
MAX_FACTORS = 500

_COMPARE = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}
_OPERATORS = {"*": "mul", "/": "div", "@": "matmul"}
_REFUSED = {
    "//": "floor division has no derivative",
    "%": "modulo has no derivative",
    "!": "a factorial is not differentiable; gamma(n + 1) is",
    "'": "a transpose is .T; a derivative is d/dx (...)",
    ";": "one formula at a time",
    ":": "a colon stands only inside an index such as x[1:]",
    "..": "a range stands only in sum(..., i=1..N)",
}
_CONDITION, _COMPARISON, _SUM, _PRODUCT, _POWER = 5, 20, 30, 40, 60


@dataclass(frozen=True)
class Parsed:
    """The syntax of a formula, the left side it was given, and its ``where`` definitions."""

    root: Syntax
    text: str
    label: str | None = None
    definitions: dict[str, Syntax] = field(default_factory=dict)


def parse_syntax(text: str, declared: frozenset[str] = frozenset()) -> Parsed:
    """The syntax tree of ``text``; ``declared`` names are never functions or constants."""
    return parse_tokens(tokenize(text), text, declared)


def parse_tokens(tokens: list[Token], text: str, declared: frozenset[str]) -> Parsed:
    """The syntax tree of a token list, with its left side and definitions split off."""
    body, label, definitions = forms.split_equations(tokens, text)
    try:
        root = Parser(body, text, declared).whole()
        defined = {
            name: Parser(piece, text, declared).whole() for name, piece in definitions.items()
        }
    except RecursionError:
        raise LimitProblem(f"nested more than {MAX_NESTING} deep", text) from None
    return Parsed(root, text, label, defined)


class Parser:
    """A cursor over tokens; :meth:`expression` is the whole algorithm."""

    def __init__(self, tokens: list[Token], text: str, declared: frozenset[str]) -> None:
        self.tokens = tokens
        self.text = text
        self.declared = declared
        self.at = 0
        self.depth = 0
        self.bars = 0
        self.opened: list[Token] = []

    # -- cursor ---------------------------------------------------------------------------

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def peek(self, ahead: int = 1) -> Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def advance(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def accept(self, text: str) -> bool:
        token = self.tokens[self.at]
        if token.kind == "op" and token.text == text:
            self.at += 1
            return True
        return False

    def expect(self, text: str, why: str) -> Token:
        token = self.tokens[self.at]
        if token.kind == "op" and token.text == text:
            self.at += 1
            return token
        if token.kind == "end" and self.opened:
            start = self.opened[-1]
            raise SyntaxProblem(
                f"the bracket opened here is not closed, {text!r} is missing",
                self.text, start.position,
                self._unclosed_hint(),
            )  # fmt: skip
        raise self.error(f"expected {text!r} {why}, found {_shown(token)}", token)

    def error(
        self, reason: str, token: Token | Syntax, hint: str | None = None
    ) -> FormulaError:
        if isinstance(token, Syntax):
            return SyntaxProblem(reason, self.text, token.start, hint, token.end - token.start)
        return SyntaxProblem(reason, self.text, token.position, hint, max(1, len(token.text)))

    def end_of(self) -> int:
        """Where the last consumed token ends."""
        last = self.tokens[self.at - 1]
        return last.position + max(1, len(last.text))

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

    def enter(self, token: Token) -> None:
        self.depth += 1
        self.opened.append(token)
        if self.depth > MAX_NESTING:
            raise LimitProblem(
                f"nested more than {MAX_NESTING} deep", self.text, token.position
            )

    def leave(self) -> None:
        self.depth -= 1
        self.opened.pop()

    # -- the algorithm --------------------------------------------------------------------

    def whole(self) -> Syntax:
        """The formula up to the end of the tokens."""
        if self.token.kind == "end":
            raise SyntaxProblem("the formula is empty", self.text or " ", 0)
        root = self.expression(0)
        if self.token.kind != "end":
            raise self.misplaced(self.token)
        return root

    def misplaced(self, token: Token) -> FormulaError:
        text = token.text
        if text in (")", "]", "}"):
            return self.error(f"{text!r} closes a bracket that was never opened", token)
        if text == "=":
            return self.error(
                "an equation is not a formula", token, "compare with ==, or leave out the left side"
            )
        if text in _REFUSED:
            return self.error(f"{text!r} cannot stand here: {_REFUSED[text]}", token)
        return self.error(f"{_shown(token)} cannot stand here", token, "an operator or the end")

    def expression(self, least: int) -> Syntax:
        """An operand and all operators behind it that bind at least as tight as ``least``."""
        left = self.operand(least)
        factors, last = 1, ""
        while True:
            token = self.token
            symbol = token.text if token.kind == "op" else ""
            if symbol in ("+", "-"):
                if least > _SUM:
                    return left
                left = self.terms(left)
                last = ""
            elif symbol in _OPERATORS or self.implicit():
                if least > _PRODUCT:
                    return left
                symbol = symbol if symbol in _OPERATORS else ""
                left = self.factor(left, symbol, last)
                last = symbol
                factors += 1
                if factors > MAX_FACTORS:
                    raise LimitProblem(
                        f"a product of more than {MAX_FACTORS} factors", self.text, token.position
                    )
            elif symbol == "^":
                if least > _POWER:
                    return left
                left = self.power(left)
            elif symbol in _COMPARE:
                if least > _COMPARISON:
                    return left
                left = self.comparison(left)
            else:
                step = self.logic(left, least)
                if step is None:
                    return left
                left = step

    def terms(self, first: Syntax) -> Syntax:
        """``first + b - c ...`` as one flat sum, in the user's order."""
        parts = [first]
        while self.token.kind == "op" and self.token.text in ("+", "-"):
            sign = self.advance()
            part = self.expression(_SUM + 1)
            if sign.text == "-":
                part = Syntax("neg", sign.position, part.end, (part,))
            parts.append(part)
        return Syntax("add", first.start, parts[-1].end, tuple(parts))

    def factor(self, left: Syntax, symbol: str, last: str) -> Syntax:
        if not symbol:
            return self.implicit_product(left, last)
        self.advance()
        right = self.expression(_PRODUCT + 1)
        return Syntax(_OPERATORS[symbol], left.start, right.end, (left, right))

    def implicit(self) -> bool:
        """Whether the next token starts an operand, so that a product is meant."""
        token = self.token
        if token.kind == "number":
            return True
        if token.kind == "name":
            return token.text not in RESERVED
        if token.kind == "op":
            if token.text in ("(", "√", "["):
                return True
            return token.text in ("|", "||") and not self.bars
        return False

    def implicit_product(self, left: Syntax, last: str) -> Syntax:
        token = self.token
        if token.kind == "number":
            before = self.text[left.start : left.end]
            raise self.error(
                f"a number directly after {before[-20:]!r}", token,
                f"a product is {before[-20:]}*{token.text}",
            )  # fmt: skip
        if last == "/" and not forms.starts_big(token):
            shown = self.text[left.start : left.end]
            raise self.error(
                f"{shown[-30:]} {token.text}... can be read in two ways", token,
                f"write {shown[-30:]}*{token.text} or put the denominator in brackets",
            )  # fmt: skip
        if (
            left.kind == "pow" and left.args[0].kind == "name" and left.args[0].value == "e"
            and not token.spaced and self.text[left.end - 1 : left.end].isdigit()
        ):  # fmt: skip
            raise self.error(
                f"e^... directly before {token.text!r} can be read in two ways",
                left, "put the exponent in brackets",
            )  # fmt: skip
        right = self.expression(_PRODUCT + 1)
        return Syntax("mul", left.start, right.end, (left, right), "implicit")

    def power(self, base: Syntax) -> Syntax:
        mark = self.advance()
        token = self.token
        if self.is_transpose_mark(token):
            self.advance()
            return Syntax("transpose", base.start, self.end_of(), (base,))
        self.enter(mark)
        exponent = self.expression(_POWER - 1)
        self.leave()
        return Syntax("pow", base.start, exponent.end, (base, exponent))

    def is_transpose_mark(self, token: Token) -> bool:
        if token.kind != "name" or token.text not in ("T", "⊤") or "T" in self.declared:
            return False
        others = [t for t in self.tokens if t.kind == "name" and t.text == "T"]
        marks = [
            t
            for before, t in zip(self.tokens, self.tokens[1:], strict=False)
            if t.kind == "name" and t.text == "T" and before.text == "^"
        ]
        if len(others) != len(marks):
            raise NameProblem(
                "^T is a transpose, but T is also used as a name", self.text, token.position,
                "write .T for the transpose, or rename T",
            )  # fmt: skip
        return True

    def comparison(self, left: Syntax) -> Syntax:
        parts = []
        while self.token.kind == "op" and self.token.text in _COMPARE:
            operation = _COMPARE[self.advance().text]
            right = self.expression(_COMPARISON + 1)
            parts.append(Syntax("compare", left.start, right.end, (left, right), operation))
            left = right
        return _joined("and", parts)

    def logic(self, left: Syntax, least: int) -> Syntax | None:
        """``and``, ``or``, ``&`` and the conditional ``a if c else b``; ``None`` if none follows."""
        token = self.token
        word = token.text
        if token.kind == "op" and word == "&" and least <= 12:
            self.advance()
            return _joined("and", [left, self.expression(13)])
        if token.kind != "name":
            return None
        if word == "and" and least <= 12:
            self.advance()
            return _joined("and", [left, self.expression(13)])
        if word == "or" and least <= 10:
            self.advance()
            return _joined("or", [left, self.expression(11)])
        if word == "if" and least <= _CONDITION:
            self.advance()
            condition = self.expression(_CONDITION + 1)
            if self.token.text != "else":
                raise self.error("a condition 'a if c else b' needs its else", token)
            self.enter(self.advance())
            other = self.expression(_CONDITION)
            self.leave()
            return Syntax("where", left.start, other.end, (condition, left, other))
        return None

    # -- operands -------------------------------------------------------------------------

    def operand(self, least: int) -> Syntax:
        """A number, name, bracket, call, or one of these behind a sign."""
        token = self.advance()
        if token.kind == "number":
            value: Fraction = exact_number(token.text, self.text, token.position)
            return Syntax("number", token.position, self.end_of(), (), value)
        if token.kind == "name":
            return self.postfix(self.word(token))
        if token.kind == "end":
            raise self.error("the formula ends where something was expected", token)
        text = token.text
        if text in ("-", "+", "~"):
            self.enter(token)
            inner = self.expression(max(_PRODUCT - 5, least) if text != "~" else 14)
            self.leave()
            if text == "+":
                return inner
            return Syntax("neg" if text == "-" else "not", token.position, inner.end, (inner,))
        if text in ("(", "["):
            return self.postfix(self.bracket(token))
        if text in ("|", "||"):
            return self.postfix(self.bars_of(token))
        if text == "√":
            self.enter(token)
            inner = self.expression(_POWER + 1)
            self.leave()
            return Syntax("call", token.position, inner.end, (inner,), Call("sqrt", {}))
        if text == "∂":
            found = forms.derivative(self, token, "∂")
            if found is not None:
                return found
        raise self.misplaced(token)

    def bracket(self, token: Token) -> Syntax:
        close = ")" if token.text == "(" else "]"
        self.enter(token)
        bars, self.bars = self.bars, 0
        if self.token.text == close and self.token.kind == "op":
            raise self.error("empty brackets", token)
        inner = self.expression(0)
        if self.token.text == "," and self.token.kind == "op":
            raise self.error(
                "a comma stands only between the arguments of a function", self.token
            )
        self.expect(close, "to close the bracket")
        self.bars = bars
        self.leave()
        grouped = Syntax(inner.kind, token.position, self.end_of(), inner.args, inner.value)
        return grouped

    def bars_of(self, token: Token) -> Syntax:
        """``|x|`` is the absolute value, ``||x||`` the Euclidean norm."""
        self.enter(token)
        self.bars += 1
        inner = self.expression(0)
        self.bars -= 1
        self.expect(token.text, "to close the bars")
        self.leave()
        name = "abs" if token.text == "|" else "norm"
        return Syntax("call", token.position, self.end_of(), (inner,), Call(name, {}))

    def postfix(self, left: Syntax) -> Syntax:
        while self.token.kind == "op" and not (self.token.spaced and self.token.text == "["):
            if self.accept(".T"):
                left = Syntax("transpose", left.start, self.end_of(), (left,))
            elif self.token.text == "[" and left.kind in ("name", "index", "transpose", "ones"):
                items = forms.index_items(self)
                left = Syntax("index", left.start, self.end_of(), (left,), items)
            else:
                break
        return left

    def word(self, token: Token) -> Syntax:
        """A name: a parameter, a constant, a call, a big operator or a derivative."""
        name = token.text
        called = self.token.kind == "op" and self.token.text == "("
        if name in RESERVED:
            if name == "not":
                self.enter(token)
                inner = self.expression(14)
                self.leave()
                return Syntax("not", token.position, inner.end, (inner,))
            raise self.reserved(token)
        if name not in self.declared:
            special = forms.special(self, token, called)
            if special is not None:
                return special
            if called and name in FUNCTIONS:
                return self.call(token)
            if name in FUNCTIONS and name not in BARE_ALLOWED:
                return forms.bare_call(self, token)
        if called and not self.may_multiply(token):
            close = nearest(name)
            hint = f"did you mean {close}?" if close else f"a product is {name}*(...)"
            raise NameProblem(
                f"{name} is not a known function", self.text, token.position, hint, len(name)
            )
        forms.refuse_glued(self, token)
        return Syntax("name", token.position, self.end_of(), (), name)

    def may_multiply(self, token: Token) -> bool:
        """Whether a name before a bracket is a factor: ``x(x+1)`` yes, ``preview(x)`` no."""
        name = token.text
        if name in self.declared or self.token.spaced or _is_short(name):
            return True
        return any(
            t.kind == "name" and t.text == name and after.text != "("
            for t, after in zip(self.tokens, self.tokens[1:], strict=False)
        )

    def reserved(self, token: Token) -> FormulaError:
        if token.text.lower() in ("inf", "infinity", "nan", "oo", "zoo"):
            return UndefinedProblem(
                f"{token.text} is not a finite real number", self.text, token.position,
                None, len(token.text),
            )  # fmt: skip
        return NameProblem(
            f"{token.text!r} is a reserved word, not a name", self.text, token.position,
            "rename it", len(token.text),
        )  # fmt: skip

    def call(self, token: Token) -> Syntax:
        """``f(a, b, axis=0)``, its number of arguments checked."""
        name = token.text
        forms.refuse_double_use(self, token)
        opening = self.advance()
        self.enter(opening)
        bars, self.bars = self.bars, 0
        args: list[Syntax] = []
        keywords: dict[str, object] = {}
        while not (self.token.kind == "op" and self.token.text == ")"):
            if self.token.kind == "name" and self.peek().text == "=":
                forms.keyword(self, name, keywords)
            else:
                args.append(self.expression(0))
            if not self.accept(","):
                break
        self.expect(")", f"after the arguments of {name}")
        self.bars = bars
        self.leave()
        node = Syntax("call", token.position, self.end_of(), tuple(args), Call(name, keywords))
        return forms.checked_call(self, node)


def _is_short(name: str) -> bool:
    """One letter, perhaps with digits or a subscript: what people put before a bracket."""
    head = name.split("_")[0]
    return len(head.rstrip("0123456789")) == 1 or head in (
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau "
        "phi chi psi omega pi"
    ).split()


def _shown(token: Token) -> str:
    return "the end" if token.kind == "end" else repr(token.text)


def _joined(operation: str, parts: list[Syntax]) -> Syntax:
    joined = parts[0]
    for part in parts[1:]:
        joined = Syntax(operation, joined.start, part.end, (joined, part))
    return joined


__all__ = ["MAX_FACTORS", "MAX_NESTING", "Parsed", "Parser", "Slice", "parse_syntax", "parse_tokens"]
