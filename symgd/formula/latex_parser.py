r"""The Pratt parser with the operands of LaTeX: names, groups, commands.

Precedence is that of :class:`~symgd.formula.parser.Parser`; only what starts an
operand, what may follow a name, and what ``^`` can mean are different here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from symgd.errors import FormulaError, NameProblem, SyntaxProblem
from symgd.formula import latex_forms as forms
from symgd.formula.functions import BARE_ALLOWED, FUNCTIONS, RESERVED, nearest, words
from symgd.formula.latex_tokens import ACCENTS, COMMAND_FUNCTIONS, STYLES, LatexToken
from symgd.formula.parser import Parser
from symgd.formula.syntax import Call, Syntax
from symgd.formula.tokens import Token, is_name

_PRODUCT, _POWER = 40, 60
_CLOSING = {"(": ")", "[": "]", r"\{": r"\}"}
_SPOKEN = frozenset(words("if for when otherwise else and or where with"))
_REFUSED = {
    "!": "a factorial is not differentiable; \\Gamma(n+1) is",
    "'": "a derivative is \\frac{d}{dx}",
    "_": "only a name takes a subscript",
    "align": "an alignment mark stands only in an environment",
    "nothing": "\\left. and \\right. are not read here",
    "=": "an equation is not a formula",
    ":": "a colon is not read",
}
# Letters that stand for functions when a bracket follows and nothing else says more.
_FUNCTION_LETTERS = frozenset(words("f g h F G H phi varphi Phi psi Psi"))


class LatexParser(Parser):
    """A cursor over LaTeX tokens; ``inside`` are indices bound from outside."""

    def __init__(
        self, tokens: Sequence[Token], text: str, declared: frozenset[str],
        inside: Sequence[str] = (), functions: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        super().__init__(list(tokens), text, declared, functions)
        self.bound: list[str] = list(inside)
        self.loose = 0
        """Inside a sum or mean that names no index."""
        self.every_index: list[str] = []
        self.style = ""
        self.styles: dict[str, str] = {}
        self.notes: dict[str, None] = {}
        self.applied: dict[str, Token] = {}
        """Greek letters that were read as functions, and where."""
        self.plain: dict[str, Token] = {}
        self.outside: list[tuple[Token, str]] = []

    # -- cursor ---------------------------------------------------------------------------

    @property
    def token(self) -> LatexToken:
        return cast(LatexToken, self.tokens[self.at])

    def end_of(self) -> int:
        """Where the last consumed token ends."""
        last = cast(LatexToken, self.tokens[self.at - 1])
        return last.position + last.length

    def error(self, reason: str, token: Token | Syntax, hint: str | None = None) -> FormulaError:
        if isinstance(token, LatexToken):
            return SyntaxProblem(reason, self.text, token.position, hint, max(1, token.length))
        return super().error(reason, token, hint)

    def misplaced(self, token: Token, allowed: str = "an operator or the end") -> FormulaError:
        text = token.text
        shown = cast(LatexToken, token).source or text
        if token.kind == "op" and text in _REFUSED:
            return self.error(f"{shown} cannot stand here: {_REFUSED[text]}", token)
        if text in (")", "]", "}", r"\}", "rvert", "rVert"):
            return self.error(f"{shown} closes a bracket that was never opened", token)
        if token.kind == "end":
            return self.error("the formula ends where something was expected", token)
        return self.error(f"{shown} cannot stand here", token, allowed)

    def whole(self) -> Syntax:
        """The formula up to the end of the tokens, every index inside its sum."""
        root = super().whole()
        for token, name in self.outside:
            index = [letter for letter in name if letter in self.every_index]
            if index:
                raise self.error(
                    f"the index {index[0]} stands outside its sum", token,
                    "put brackets around all that is summed",
                )  # fmt: skip
        for name, token in self.applied.items():
            if name in self.plain:
                raise NameProblem(
                    f"\\{name} is used as a name and as a function", self.text, token.position,
                    f"a product is \\{name} \\cdot (...); rename one of them", len(name) + 1,
                )  # fmt: skip
        return root

    def accept_op(self, *texts: str) -> bool:
        """Step over the next token if it is one of these."""
        if self.token.kind == "op" and self.token.text in texts:
            self.at += 1
            return True
        return False

    # -- operators ------------------------------------------------------------------------

    def implicit(self) -> bool:
        token = self.token
        if token.kind in ("number", "name"):
            return token.text != "or"
        if token.kind == "word":
            return token.text.strip() not in _SPOKEN
        if token.kind == "command":
            return token.text not in ("end", "nabla")
        if token.kind == "op":
            if token.text in ("(", "[", "{", r"\{", "lvert", "lVert", "langle"):
                return True
            return token.text in ("|", "||") and not self.bars
        return False

    def implicit_product(self, left: Syntax, last: str) -> Syntax:
        token = self.token
        before = self.text[left.start : left.end][-20:]
        if token.kind == "number":
            raise self.error(
                f"a number directly after {before!r}", token,
                f"a product is {before} \\cdot {token.text}; a longer exponent or index "
                "stands in braces",
            )  # fmt: skip
        big = token.kind == "command" and token.text in ("sum", "prod")
        if last == "/" and not big:
            raise self.error(
                f"{before} {token.source} can be read in two ways", token,
                "write \\frac{...}{...} or put the denominator in brackets",
            )  # fmt: skip
        right = self.expression(_PRODUCT + 1)
        return Syntax("mul", left.start, right.end, (left, right), "implicit")

    def factor(self, left: Syntax, symbol: str, last: str) -> Syntax:
        source = self.token.source
        made = super().factor(left, symbol, last)
        if symbol == "*":
            made.value = source
        return made

    def power(self, base: Syntax) -> Syntax:
        mark = self.advance()
        special = forms.special_exponent(self, base)
        if special is None:
            self.enter(mark)
            exponent = self.argument("an exponent")
            self.leave()
            special = Syntax("pow", base.start, self.end_of(), (base, exponent))
        if self.token.kind == "op" and self.token.text in ("^", "_", "'"):
            again = "two exponents" if self.token.text == "^" else "what stands"
            raise self.error(
                f"{again} behind each other", self.token, "put braces around the first"
            )
        return special

    # -- operands -------------------------------------------------------------------------

    def operand(self, least: int) -> Syntax:
        token = self.token
        if token.kind == "command":
            return self.postfix(self.command(cast(LatexToken, self.advance())))
        if token.kind == "word":
            return self.postfix(forms.word(self, cast(LatexToken, self.advance())))
        if token.kind == "name":
            return self.postfix(self.latin(cast(LatexToken, self.advance())))
        if token.kind == "op" and token.text == "{":
            return self.postfix(self.group())
        if token.kind == "op" and token.text in _CLOSING:
            return self.postfix(self.bracket(self.advance()))
        if token.kind == "op" and token.text in ("lvert", "lVert", "|", "||"):
            return self.postfix(forms.bars(self, self.advance()))
        if token.kind == "op" and token.text == "langle":
            return forms.inner_product(self, self.advance())
        if token.kind == "op" and token.text == "not":
            self.enter(self.advance())
            inner = self.expression(14)
            self.leave()
            return Syntax("not", token.position, inner.end, (inner,))
        if token.kind == "op" and token.text in ("~", "√", "∂"):
            raise self.misplaced(token)
        left = super().operand(least)
        if token.kind == "number":
            self.after_number(token)
        return left

    def after_number(self, token: LatexToken) -> None:
        """``1.5e3`` is neither 1500 nor 1.5*e*3."""
        e, digit = self.token, self.peek()
        if e.text == "e" and e.kind == "name" and not e.spaced and digit.kind == "number":
            raise self.error(
                f"{token.text}e{digit.text} can be read in two ways", token,
                f"write {token.text} \\cdot 10^{{{digit.text}}}",
            )  # fmt: skip

    def postfix(self, left: Syntax) -> Syntax:
        if self.token.kind == "op" and self.token.text in ("_", "'"):
            raise self.misplaced(self.token)
        return left

    def argument(self, what: str) -> Syntax:
        r"""What ``\frac``, ``\sqrt`` and ``^`` take: a group or the one next token."""
        token = self.token
        if token.kind == "op" and token.text == "{":
            return self.group()
        if token.kind == "number":
            return self.digit()
        if token.kind == "name":
            self.advance()
            return forms.plain_name(self, token, token.text)
        if token.kind == "command" and token.text not in ("begin", "end", "partial", "nabla"):
            return self.command(cast(LatexToken, self.advance()))
        if token.kind == "word":
            return forms.word(self, cast(LatexToken, self.advance()))
        if token.kind == "end":
            raise self.error(f"{what} is missing", token)
        raise self.error(f"{what} of more than one sign stands in braces", token)

    def digit(self) -> Syntax:
        r"""The next digit alone, as TeX takes it: ``\frac12`` is 1/2, ``x^23`` is x^2 3."""
        token = self.token
        if not token.text.isdigit():
            raise self.error(
                f"{token.text} stands in braces here", token, f"write {{{token.text}}}"
            )
        first = replace(token, text=token.text[0], length=1)
        rest = token.text[1:]
        self.tokens[self.at] = first
        if rest:
            behind = replace(
                token, text=rest, position=token.position + 1, length=len(rest), spaced=False
            )
            self.tokens.insert(self.at + 1, behind)
        return super().operand(0)

    def group(self) -> Syntax:
        """``{...}``, which groups without being seen."""
        opening = self.advance()
        self.enter(opening)
        bars, self.bars = self.bars, 0
        if self.token.kind == "op" and self.token.text == "}":
            raise self.error("an empty group", opening)
        inner = self.expression(0)
        self.expect("}", "to close the group")
        self.bars = bars
        self.leave()
        return Syntax(inner.kind, opening.position, self.end_of(), inner.args, inner.value)

    def bracket(self, token: Token) -> Syntax:
        opening = cast(LatexToken, token)
        close = _CLOSING[token.text]
        if token.text == r"\{" and self.token.text == "begin" and opening.sized:
            inner = forms.cases(self, cast(LatexToken, self.advance()))
            self.expect("nothing", "behind the cases")
            return inner
        self.enter(token)
        bars, self.bars = self.bars, 0
        if self.token.kind == "op" and self.token.text == close:
            raise self.error("empty brackets", token)
        inner = self.expression(0)
        if self.token.kind == "op" and self.token.text == ",":
            raise self.error("a comma stands only between the arguments of a function", self.token)
        closing = cast(LatexToken, self.expect(close, "to close the bracket"))
        self.check_pair(opening, closing)
        self.bars = bars
        self.leave()
        return Syntax(inner.kind, token.position, self.end_of(), inner.args, inner.value)

    def check_pair(self, opening: LatexToken, closing: LatexToken) -> None:
        r"""``\left`` needs its ``\right``."""
        if (opening.sized == "left") != (closing.sized == "right"):
            raise self.error(r"\left and \right do not belong together", opening)

    # -- names ----------------------------------------------------------------------------

    def latin(self, token: LatexToken) -> Syntax:
        """A letter with its subscripts, or a Greek letter that is a function."""
        name = token.text
        following = self.token
        called = following.kind == "op" and following.text == "("
        if name in ("sigma", "Gamma") and name not in {*self.declared, *self.functions}:
            if called:
                self.applied[name] = token
                function = "sigmoid" if name == "sigma" else "gamma"
                return forms.call(self, token, function)
            if not (following.kind == "op" and following.text in ("_", "'")):
                self.plain[name] = token
        return self.application(token, forms.named(self, token, name))

    def application(self, token: Token, made: Syntax) -> Syntax:
        """``h(x_i)`` of a function that the formula defines; else the name, a factor."""
        following = self.token
        if made.value not in self.functions or (following.kind, following.text) != ("op", "("):
            self.check_application(token, made)
            return made
        opening = self.advance()
        self.enter(opening)
        args = [self.expression(0)]
        while self.accept_op(","):
            args.append(self.expression(0))
        closing = self.expect(")", "to close the bracket")
        self.check_pair(cast(LatexToken, opening), cast(LatexToken, closing))
        self.leave()
        return Syntax("apply", token.position, self.end_of(), tuple(args), made.value)

    def check_application(self, token: Token, made: Syntax) -> None:
        """``f(x)`` is not a product; ``a(b + c)`` is one, and is said to be."""
        following = self.token
        if following.kind != "op" or following.text not in ("(", "["):
            return
        name = str(made.value)
        if following.text == "[":
            if name in ("E", "P"):
                raise self.error(
                    f"{name}[...] is not defined", token, "a mean over the data is \\mathbb{E}[...]"
                )
            return
        if name in self.declared:
            return
        single = self.holds_one_name()
        letter = token.text in _FUNCTION_LETTERS and not self.stands_alone(token)
        if single or letter:
            raise self.error(
                f"{name}(...) is not a known function", token,
                f"write its formula; a product is {name} \\cdot (...)",
            )  # fmt: skip
        if "_" not in name:
            self.notes[f"{name}(...) is a product"] = None

    def holds_one_name(self) -> bool:
        """Whether the bracket that follows holds a name or a list of names only."""
        at = self.at + 1
        names = 0
        while at < len(self.tokens) - 1:
            token = self.tokens[at]
            if token.kind == "op" and token.text == ")":
                return names == 1
            if token.kind == "op" and token.text == ",":
                return True
            if token.kind == "op" and token.text in ("_", "^"):
                from symgd.formula.latex_tokens import argument_end

                at = argument_end(cast("list[LatexToken]", self.tokens), at + 1)
                continue
            if token.kind not in ("name", "word", "command") and token.text not in ("{", "}"):
                return False
            if token.kind == "command" and token.text not in {*STYLES, *ACCENTS}:
                return False
            names += token.kind in ("name", "word")
            at += 1
        return False

    def stands_alone(self, token: Token) -> bool:
        """Whether the same letter stands elsewhere without a bracket behind it."""
        pairs = zip(self.tokens, self.tokens[1:], strict=False)
        return any(
            t.kind == "name" and t.text == token.text and after.text not in ("(", "_")
            for t, after in pairs
        )

    def note_style(self, name: str, style: str, token: Token) -> None:
        r"""One name is written in one way: ``\mathbf{x}`` and ``x`` may be two things."""
        base = name
        known = self.styles.setdefault(base, style)
        if known != style:
            shown = " and ".join(f"\\{s}" if s else "plain" for s in (known, style))
            raise self.error(
                f"{name} is written in two ways, {shown}", token,
                "write one name in one way, and two names differently",
            )  # fmt: skip

    def defined_name(self) -> tuple[str, tuple[str, ...]]:
        r"""``\sigma_i =`` or ``h_\theta(x) =``: the name, and what it is a function of."""
        start = self.token
        made = forms.single_name(self)
        parameters: list[str] = []
        if made is not None and self.accept_op("("):
            while True:
                parameter = forms.single_name(self)
                parameters.append("" if parameter is None else str(parameter.value))
                if not self.accept_op(","):
                    break
            self.expect(")", "behind what the function is of")
        if made is None or "" in parameters or not self.accept_op("="):
            raise self.error(
                "a second formula, or a definition that is not 'name = formula'", start,
                "one formula, then definitions such as z_i = w x_i + b",
            )  # fmt: skip
        return str(made.value), tuple(parameters)

    # -- commands -------------------------------------------------------------------------

    def command(self, token: LatexToken) -> Syntax:
        name = token.text
        if name in ("frac", "dfrac", "tfrac", "cfrac"):
            return forms.fraction(self, token)
        if name == "sqrt":
            return forms.root(self, token)
        if name in ("sum", "prod"):
            return forms.big(self, token, name)
        if name == "begin":
            return forms.cases(self, token)
        if name == "partial":
            return forms.partial(self, token)
        if name == "ell":
            return forms.named(self, token, "ell")
        if name in STYLES or name in ACCENTS:
            self.at -= 1
            made = forms.single_name(self)
            if made is None:
                return forms.styled_group(self)
            return self.application(token, made)
        if name in COMMAND_FUNCTIONS:
            return forms.function(self, token, name)
        raise self.misplaced(token)

    def known_function(self, token: LatexToken, name: str) -> str | None:
        """The spelling under which ``name`` is a function, if it is one here."""
        if name in self.declared:
            return None
        for spelling in (name, name.lower()):
            if spelling in FUNCTIONS:
                return spelling
        following = self.token
        if following.kind == "op" and following.text in ("(", "["):
            close = nearest(name)
            raise NameProblem(
                f"{name} is not a known function", self.text, token.position,
                f"did you mean \\operatorname{{{close}}}?" if close else None, token.length,
            )  # fmt: skip
        return None

    def checked_word(self, token: LatexToken, name: str) -> str:
        """A word as a name."""
        if not is_name(name) or (name in RESERVED):
            raise NameProblem(
                f"{name!r} is not a name", self.text, token.position,
                "a name is letters and digits, starting with a letter", token.length,
            )  # fmt: skip
        if name in FUNCTIONS and name not in BARE_ALLOWED and name not in self.declared:
            raise NameProblem(
                f"{name} is a function and needs its argument", self.text, token.position,
                f"write \\operatorname{{{name}}}(...)", token.length,
            )  # fmt: skip
        return name


__all__ = ["Call", "LatexParser"]
