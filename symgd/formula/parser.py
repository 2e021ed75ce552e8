"""Tokens to syntax: one Pratt parser, whatever tokeniser fed it.

Binding, from loose to tight: ``a if c else b``; ``or``; ``and``; ``not``;
comparisons; ``+ -``; ``* / @`` and implicit products; unary minus; ``^`` (to the
right); ``.T``, ``[...]``, calls. What could be read in two ways is refused with
both readings named.

>>> parse_syntax("2x + 1").root
(add (mul implicit (number 2 ), (name x )), (number 1 ))
"""

from __future__ import annotations

from dataclasses import dataclass, field

from symgd.errors import FormulaError, LimitProblem, NameProblem, SyntaxProblem, UndefinedProblem
from symgd.formula import calls, forms, operators
from symgd.formula.applied import Defined, expanded
from symgd.formula.cursor import MAX_NESTING, Cursor, room_for_nesting
from symgd.formula.equations import split_equations
from symgd.formula.functions import BARE_ALLOWED, FUNCTIONS, RESERVED, nearest, words
from symgd.formula.ranges import index_items
from symgd.formula.syntax import Call, Syntax
from symgd.formula.tokens import Token, exact_number, tokenize

MAX_FACTORS = 500

_COMPARE = frozenset(operators.COMPARE)
_OPERATORS = {"*": "mul", "/": "div", "@": "matmul"}
_SIGNS = frozenset({"+", "-"})
_STARTS = frozenset({"(", "√", "["})
CONDITION, COMPARISON, SUM, PRODUCT, SIGN, POWER = 5, 20, 30, 40, 35, 60
"""How tight operators bind: an operand of one is an expression above its level."""


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
    body, label, definitions = split_equations(tokens, text)
    functions = frozenset(name for name, found in definitions.items() if found.parameters)
    root = _tree(body, text, declared, functions)
    if not definitions:
        return Parsed(root, text, label)
    trees = {n: _tree(d.tokens, text, declared, functions) for n, d in definitions.items()}
    applied = {n: Defined(definitions[n].parameters, trees.pop(n)) for n in functions}
    defined = {name: expanded(tree, applied, text) for name, tree in trees.items()}
    return Parsed(expanded(root, applied, text), text, label, defined)


def _tree(
    tokens: list[Token], text: str, declared: frozenset[str], functions: frozenset[str]
) -> Syntax:
    try:
        return Parser(tokens, text, declared, functions).whole()
    except RecursionError:
        with room_for_nesting():
            return Parser(tokens, text, declared, functions).whole()


class Parser(Cursor):
    """Reads operands and the operators between them; :meth:`expression` is the whole algorithm."""

    def __init__(
        self,
        tokens: list[Token],
        text: str,
        declared: frozenset[str],
        functions: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(tokens, text, declared)
        self.functions = functions
        """Names that the formula itself defines as functions."""
        self.ordinary: set[str] = set()
        """Names already seen to be no function, constant or form."""

    def whole(self) -> Syntax:
        """The formula up to the end of the tokens."""
        if self.token.kind == "end":
            raise SyntaxProblem("the formula is empty", self.text or " ", 0)
        root = self.expression(0)
        if self.token.kind != "end":
            raise self.misplaced(self.token)
        return root

    # -- operators ------------------------------------------------------------------------

    def expression(self, least: int) -> Syntax:
        """An operand and all operators behind it that bind at least as tight as ``least``."""
        left = self.operand(least)
        factors, last = 1, ""
        while True:
            token = self.tokens[self.at]
            symbol = token.text if token.kind == "op" else ""
            if symbol in _SIGNS:
                if least > SUM:
                    return left
                left, last = self.terms(left), ""
            elif symbol in _OPERATORS or self.implicit():
                if least > PRODUCT:
                    return left
                left = self.factor(left, symbol, last)
                last = symbol
                factors += 1
                if factors > MAX_FACTORS:
                    raise LimitProblem(
                        f"a product of more than {MAX_FACTORS} factors", self.text, token.position
                    )
            elif symbol == "^":
                if least > POWER:
                    return left
                left = self.power(left)
            elif symbol in _COMPARE:
                if least > COMPARISON:
                    return left
                left = operators.comparison(self, left)
            else:
                step = self.logic(left, least)
                if step is None:
                    return left
                left = step

    def terms(self, first: Syntax) -> Syntax:
        """``first + b - c ...`` as one flat sum, in the user's order."""
        parts = [first]
        while True:
            sign = self.tokens[self.at]
            if sign.kind != "op" or sign.text not in _SIGNS:
                return Syntax("add", first.start, parts[-1].end, tuple(parts))
            self.at += 1
            part = self.expression(SUM + 1)
            if sign.text == "-":
                part = Syntax("neg", sign.position, part.end, (part,))
            parts.append(part)

    def factor(self, left: Syntax, symbol: str, last: str) -> Syntax:
        """``left`` times, over or @ the next factor; ``last`` is the operator before ``left``."""
        if symbol in _OPERATORS:
            self.at += 1
            right = self.expression(PRODUCT + 1)
            return Syntax(_OPERATORS[symbol], left.start, right.end, (left, right))
        return self.implicit_product(left, last)

    def implicit_product(self, left: Syntax, last: str) -> Syntax:
        operators.refuse_unclear(self, left, last)
        right = self.expression(PRODUCT + 1)
        return Syntax("mul", left.start, right.end, (left, right), "implicit")

    def logic(self, left: Syntax, least: int) -> Syntax | None:
        return operators.logic(self, left, least)

    def implicit(self) -> bool:
        """Whether the next token starts an operand, so that a product is meant."""
        token = self.tokens[self.at]
        kind, text = token.kind, token.text
        if kind == "op":
            return text in _STARTS or (text in ("|", "||") and not self.bars)
        return kind == "number" or (kind == "name" and text not in RESERVED)

    def power(self, base: Syntax) -> Syntax:
        mark = self.advance()
        if operators.is_transpose_mark(self, base, self.token):
            self.advance()
            return Syntax("transpose", base.start, self.end_of(), (base,))
        self.enter(mark)
        exponent = self.expression(POWER - 1)
        self.leave()
        return Syntax("pow", base.start, exponent.end, (base, exponent))

    # -- operands -------------------------------------------------------------------------

    def operand(self, least: int) -> Syntax:
        """A number, name, bracket, call, or one of these behind a sign."""
        token = self.advance()
        kind, text, position = token.kind, token.text, token.position
        if kind == "number":
            value = exact_number(text, self.text, position)
            return Syntax("number", position, position + len(text), (), value)
        if kind == "name":
            return self.postfix(self.word(token))
        if kind == "end":
            raise self.misplaced(token)
        if text in ("-", "+", "~"):
            return self.signed(token, least)
        if text in ("(", "["):
            return self.postfix(self.bracket(token))
        if text in ("|", "||"):
            return self.postfix(self.bars_of(token))
        if text == "√":
            self.enter(token)
            inner = self.expression(POWER + 1)
            self.leave()
            return Syntax("call", position, inner.end, (inner,), Call("sqrt", {}))
        if text == "∂":
            found = forms.derivative(self, token, "∂")
            if found is not None:
                return found
        raise self.misplaced(token)

    def signed(self, token: Token, least: int) -> Syntax:
        """``-u``, ``+u`` and ``~c``."""
        self.enter(token)
        inner = self.expression(operators.NOT if token.text == "~" else max(SIGN, least))
        self.leave()
        if token.text == "+":
            return inner
        return Syntax("neg" if token.text == "-" else "not", token.position, inner.end, (inner,))

    def bracket(self, token: Token) -> Syntax:
        close = ")" if token.text == "(" else "]"
        self.enter(token)
        bars, self.bars = self.bars, 0
        if self.token.text == close and self.token.kind == "op":
            raise self.error("empty brackets", token)
        inner = self.expression(0)
        if self.token.text == "," and self.token.kind == "op":
            raise self.error("a comma stands only between the arguments of a function", self.token)
        self.expect(close, "to close the bracket")
        self.bars = bars
        self.leave()
        return Syntax(inner.kind, token.position, self.end_of(), inner.args, inner.value)

    def bars_of(self, token: Token) -> Syntax:
        """``|x|`` is the absolute value, ``||x||`` the Euclidean norm, ``||x||_1`` the 1-norm."""
        self.enter(token)
        self.bars += 1
        inner = self.expression(0)
        self.bars -= 1
        name = "abs"
        if token.text == "||":
            name = "norm1" if self.token.text == "||_1" else "norm"
            if not (self.accept("||_1") or self.accept("||_2")):
                self.expect("||", "to close the bars")
        else:
            self.split_bars()
            self.expect("|", "to close the bars")
        self.leave()
        return Syntax("call", token.position, self.end_of(), (inner,), Call(name, {}))

    def split_bars(self) -> None:
        """At the end of ``|x - |y||`` two bars close one after the other."""
        token = self.token
        if token.text == "||" and self.bars:
            pair = [Token("op", "|", token.position), Token("op", "|", token.position + 1)]
            self.tokens = [*self.tokens[: self.at], *pair, *self.tokens[self.at + 1 :]]

    def postfix(self, left: Syntax) -> Syntax:
        """``.T`` and ``[...]`` directly behind an operand."""
        while True:
            token = self.tokens[self.at]
            if token.kind != "op":
                return left
            if token.text == ".T":
                self.at += 1
                left = Syntax("transpose", left.start, self.end_of(), (left,))
            elif token.text == "[" and not token.spaced:
                items = index_items(self)
                left = Syntax("index", left.start, self.end_of(), (left,), items)
            else:
                return left

    # -- names ----------------------------------------------------------------------------

    def word(self, token: Token) -> Syntax:
        """A name: a parameter, a constant, a call, a big operator or a derivative."""
        name = token.text
        following = self.tokens[self.at]
        called = following.kind == "op" and following.text == "("
        if called or name not in self.ordinary:
            found = self.unusual(token, called)
            if found is not None:
                return found
            if not called:
                self.ordinary.add(name)
        return Syntax("name", token.position, self.end_of(), (), name)

    def unusual(self, token: Token, called: bool) -> Syntax | None:
        """What a name stands for when it is not simply a name; ``None`` if it is."""
        name = token.text
        if called and name in self.functions:
            return self.applied_function(token)
        if name in RESERVED:
            if name == "not":
                return self.negation(token)
            raise self.reserved(token)
        if name not in self.declared:
            special = forms.special(self, token, called)
            if special is not None:
                return special
            if called and name in FUNCTIONS:
                return calls.call(self, token)
            if name in FUNCTIONS and name not in BARE_ALLOWED:
                return calls.bare_call(self, token)
        elif called and name in FUNCTIONS and not self.token.spaced:
            raise NameProblem(
                f"{name} is declared as a name, and {name}(...) is a function",
                self.text, token.position,
                f"a product is {name}*(...); rename the column or parameter", len(name),
            )  # fmt: skip
        if called and not self.may_multiply(token):
            close = nearest(name)
            hint = f"did you mean {close}?" if close else f"a product is {name}*(...)"
            raise NameProblem(
                f"{name} is not a known function", self.text, token.position, hint, len(name)
            )
        calls.refuse_glued(self, token)
        return None

    def applied_function(self, token: Token) -> Syntax:
        """``h(x_i)`` of a function that the formula defines."""
        self.enter(self.advance())
        args = [self.expression(0)]
        while self.accept(","):
            args.append(self.expression(0))
        self.expect(")", f"after the arguments of {token.text}")
        self.leave()
        return Syntax("apply", token.position, self.end_of(), tuple(args), token.text)

    def negation(self, token: Token) -> Syntax:
        self.enter(token)
        inner = self.expression(operators.NOT)
        self.leave()
        return Syntax("not", token.position, inner.end, (inner,))

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


__all__ = ["MAX_FACTORS", "MAX_NESTING", "Parsed", "Parser", "parse_syntax", "parse_tokens"]

_LETTERS = frozenset(
    words(
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau "
        "phi chi psi omega pi"
    )
)


def _is_short(name: str) -> bool:
    """One letter, perhaps with digits or a subscript: what people put before a bracket."""
    head = name.split("_")[0]
    return len(head.rstrip("0123456789")) == 1 or head in _LETTERS
