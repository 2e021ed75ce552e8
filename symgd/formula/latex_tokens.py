r"""LaTeX to tokens for the one parser: a closed list of commands, every token with its place.

Nothing is expanded and nothing is dropped but space: a command that is not listed
is refused by name, so that ``\def``, ``\input`` or ``\href`` never mean anything.

>>> [t.text for t in tokenize_latex(r"\theta_{1} \cdot x^2")]
['theta', '_', '{', '1', '}', '*', 'x', '^', '2', '']
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from symgd.errors import FormulaError, LimitProblem, SyntaxProblem
from symgd.formula.functions import FUNCTIONS, words
from symgd.formula.tokens import Token

MAX_LATEX = 20_000
"""Longer LaTeX is refused; the text syntax takes a million characters."""

GREEK_COMMANDS = frozenset(
    words(
        "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu "
        "nu xi omicron pi varpi rho varrho sigma varsigma tau upsilon phi varphi chi psi omega "
        "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
    )
)
_GREEK_LETTERS = dict(
    zip(
        "αβγδεζηθικλμνξοπρστυφχψωϑϕϵϱϖςΓΔΘΛΞΠΣΥΦΨΩ",
        words(
            "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi "
            "rho sigma tau upsilon phi chi psi omega vartheta varphi varepsilon varrho varpi "
            "varsigma Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
        ),
        strict=True,
    )
)
_OPERATORS = {
    "cdot": "*", "times": "*", "ast": "*", "odot": "*", "circ": "*", "bullet": "*", "div": "/",
    "le": "<=", "leq": "<=", "leqslant": "<=", "ge": ">=", "geq": ">=", "geqslant": ">=",
    "lt": "<", "gt": ">", "ne": "!=", "neq": "!=", "land": "&", "wedge": "&", "lbrack": "[",
    "lbrace": r"\{", "rbrace": r"\}", "{": r"\{", "}": r"\}",
    "rbrack": "]", "lparen": "(", "rparen": ")", "vert": "|", "Vert": "||", "|": "||",
    "lvert": "lvert", "rvert": "rvert", "lVert": "lVert", "rVert": "rVert",
    "langle": "langle", "rangle": "rangle", "\\": "newline", "coloneqq": "=", "lnot": "not",
    "neg": "not", "colon": ":", "slash": "/",
}  # fmt: skip
_CHARACTERS = {
    "−": "-", "–": "-", "·": "*", "⋅": "*", "×": "*", "∗": "*", "÷": "/",  # noqa: RUF001
    "≤": "<=", "≥": ">=", "≠": "!=", "‖": "||", "∥": "||",
}  # fmt: skip
SPACES = frozenset(",;:!>/ \n\t") | frozenset(
    words(
        "quad qquad enspace thinspace medspace thickspace negthinspace space limits nolimits "
        "displaystyle textstyle scriptstyle scriptscriptstyle nonumber notag"
    )
)
STYLES = frozenset(
    words(
        "mathbf boldsymbol bm pmb symbf mathrm mathsf mathit mathtt mathnormal mathcal mathscr "
        "mathfrak mathbb text textbf textrm textit textsf textnormal mbox operatorname rm bf"
    )
) - {"rm", "bf"}
TEXT_STYLES = frozenset(words("text textbf textrm textit textsf textnormal mbox"))
ACCENTS = {
    "hat": "hat", "widehat": "hat", "bar": "bar", "overline": "bar", "tilde": "tilde",
    "widetilde": "tilde", "dot": "dot", "ddot": "ddot", "check": "check", "breve": "breve",
    "vec": "", "overrightarrow": "", "underline": "underline",
}  # fmt: skip
OPERANDS = (
    frozenset(words("frac dfrac tfrac cfrac sqrt sum prod partial nabla begin end ell"))
    | STYLES
    | frozenset(ACCENTS)
)
COMMAND_FUNCTIONS = frozenset(
    words(
        "sin cos tan sec csc cot sinh cosh tanh coth arcsin arccos arctan exp log ln lg max min "
        "det sech csch arsinh arcosh artanh arcsinh arccosh arctanh cosec sgn sign erf erfc tr "
        "Tr trace diag logdet softmax sigmoid softplus relu logsumexp mean norm abs"
    )
)
"""Functions with a backslash: LaTeX's own and the macros that papers define for the others."""
_SIZES = frozenset(
    f"{size}{side}" for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r", "m")
)
_MARKS = {"top": "top", "intercal": "top", "star": "star", "prime": "'", "dagger": "dagger"}
_WHY = {
    "infty": "infinity is not a number",
    "int": "an integral is not part of the formula language",
    "lim": "a limit is not part of the formula language",
    "pm": "it stands for two formulas; write one of them",
    "mp": "it stands for two formulas; write one of them",
    "binom": "a binomial is not differentiable; write it with \\Gamma",
    "over": "write \\frac{...}{...}",
    "ldots": "write the terms out, or a \\sum", "cdots": "write the terms out, or a \\sum",
    "dots": "write the terms out, or a \\sum",
    "label": "leave out labels and tags", "tag": "leave out labels and tags",
    "in": "a sum over a set is not read; write its limits",
    "mid": "a condition behind a bar is not read",
    "arg": "write the function that is minimised alone",
    "argmin": "write the function that is minimised alone",
    "argmax": "write the function that is maximised alone",
}  # fmt: skip
_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n\u00a0\u2009\u202f~]+)"
    r"|(?P<number>\d+\.\d+|\.\d+|\d+)"
    r"|(?P<command>\\(?:[A-Za-z]+\*?|.|\n))"
    rf"|(?P<letter>[A-Za-z{''.join(_GREEK_LETTERS)}])"
    r"|(?P<op>:=|[-+*/^_{}()\[\]|<>=,;.'&!:])"
    rf"|(?P<alias>[{''.join(_CHARACTERS)}])"
)


@dataclass(frozen=True, slots=True)
class LatexToken(Token):
    """A token that knows how long it is in the source and which command it was."""

    length: int = 1
    source: str = ""
    sized: str = ""
    """``left`` or ``right`` for a delimiter behind ``\\left`` or ``\\right``."""


def looks_like_latex(text: str) -> bool:
    r"""Whether a formula is LaTeX: a backslash, ``^{``, ``_{`` or a dollar sign.

    >>> looks_like_latex(r"\frac12 x"), looks_like_latex("x^{2}"), looks_like_latex("x^2")
    (True, True, False)
    """
    return "\\" in text or "$" in text or bool(re.search(r"[\^_]\s*\{", text))


def tokenize_latex(text: str, words: frozenset[str] = frozenset()) -> list[LatexToken]:
    """The tokens of LaTeX source; ``words`` are names of several letters that may stand as such.

    Raises :class:`~symgd.errors.SyntaxProblem` for every command or character that
    is not listed and :class:`~symgd.errors.LimitProblem` for texts that are too long.
    """
    if len(text) > MAX_LATEX:
        raise LimitProblem(f"the LaTeX has {len(text):,} characters; the limit is {MAX_LATEX:,}")
    begin, end = _without_dollars(text)
    tokens: list[LatexToken] = []
    position, spaced = begin, False
    while position < end:
        found = _TOKEN.match(text, position, end)
        if found is None:
            raise _stranger(text, position)
        kind, piece = found.lastgroup, found.group()
        after = found.end()
        if kind == "space" or (kind == "command" and piece[1:] in SPACES):
            spaced, position = True, after
            continue
        if kind == "command" and piece[1:].rstrip("*") in STYLES:
            after = _styled(text, position, after, end, tokens, spaced)
        elif kind == "letter":
            after = _letters(text, position, end, words, tokens, spaced)
        elif kind == "command":
            after = _command(text, position, after, end, tokens, spaced)
        else:
            shown = _CHARACTERS.get(piece, piece)
            shown = {":=": "=", "&": "align"}.get(shown, shown)
            own = "number" if kind == "number" else "op"
            source = "ast" if shown == "*" else piece
            tokens.append(LatexToken(own, shown, position, spaced, after - position, source))
        position, spaced = after, False
    tokens.append(LatexToken("end", "", len(text.rstrip())))
    return _below_first(tokens)


def _without_dollars(text: str) -> tuple[int, int]:
    r"""The part of the text between ``$...$``, ``$$...$$``, ``\(...\)`` or ``\[...\]``."""
    begin, end = len(text) - len(text.lstrip()), len(text.rstrip())
    for opening, closing in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")):
        if text.startswith(opening, begin) and text.endswith(closing, begin, end):
            inner = begin + len(opening), end - len(closing)
            if inner[0] <= inner[1]:
                return inner
    return begin, end


def _letters(
    text: str, position: int, end: int, words: frozenset[str], tokens: list[LatexToken],
    spaced: bool,
) -> int:  # fmt: skip
    """Letters are names one by one; a word of the text syntax among them is refused."""
    stop = position
    while stop < end and (text[stop].isascii() and text[stop].isalpha()):
        stop += 1
    run = text[position:stop]
    if run in words:
        tokens.append(LatexToken("name", run, position, spaced, len(run), run))
        return stop
    if len(run) > 1 and not _below(tokens):
        _refuse_words(text, run, position)
    for i, letter in enumerate(run or text[position]):
        name = _GREEK_LETTERS.get(letter, letter)
        tokens.append(LatexToken("name", name, position + i, spaced and not i, 1, letter))
    return max(stop, position + 1)


def _below(tokens: list[LatexToken]) -> bool:
    """Whether the letters stand in a subscript: ``v_{max}``."""
    return len(tokens) > 1 and tokens[-1].text == "{" and tokens[-2].text == "_"


_PLAIN_WORD = re.compile(r"\s*(?:([A-Za-z][A-Za-z0-9 ]*?)|\\([A-Za-z]+))\s*")


def _styled(
    text: str, position: int, after: int, end: int, tokens: list[LatexToken], spaced: bool
) -> int:
    r"""``\mathrm{kin}`` and ``\mathbf x`` as one word; other contents follow as a group."""
    style = text[position + 1 : after].rstrip("*")
    if style not in TEXT_STYLES and text[after - 1] == "*" and style != "operatorname":
        raise _unknown(text, position, text[position + 1 : after])
    while after < end and text[after].isspace():
        after += 1
    stop, inner = after, ""
    if text.startswith("{", after):
        stop, inner = _group(text, after, end)
        nested = re.fullmatch(r"\s*\\([a-z]+)\s*\{([^{}]*)\}\s*", inner)
        if nested and nested[1] in STYLES:
            style, inner = (nested[1] if style == "operatorname" else style), nested[2]
    elif after < end and text[after].isalpha():
        stop, inner = after + 1, text[after]
    elif (greek := re.compile(r"\\[A-Za-z]+").match(text, after, end)) is not None:
        stop, inner = greek.end(), greek.group()
    found = _PLAIN_WORD.fullmatch(inner)
    if found and (found[1] or found[2] in GREEK_COMMANDS):
        word = found[1] or found[2]
        if style not in TEXT_STYLES:
            word = word.replace(" ", "")
        tokens.append(LatexToken("word", word, position, spaced, stop - position, style))
        return stop
    if not text.startswith("{", after):
        raise SyntaxProblem(f"\\{style} needs letters", text, position, None, len(style) + 1)
    tokens.append(LatexToken("command", style, position, spaced, len(style) + 1, style))
    return after


def _group(text: str, after: int, end: int) -> tuple[int, str]:
    """Behind the group that opens at ``after``, and what it holds."""
    depth = 0
    at = after
    while at < end:
        if text[at] == "\\":
            at += 2
            continue
        depth += (text[at] == "{") - (text[at] == "}")
        at += 1
        if depth == 0:
            return at, text[after + 1 : at - 1]
    raise SyntaxProblem("this brace is not closed", text, after)


_WORDS = sorted(
    [n for n in FUNCTIONS if n.isalpha() and n.isascii() and len(n) > 2 and n != "inv"]
    + [n for n in GREEK_COMMANDS if len(n) > 3],
    key=len, reverse=True,
)  # fmt: skip


def _refuse_words(text: str, run: str, position: int) -> None:
    r"""``sin x`` without its backslash would be s*i*n*x: refused."""
    for word in _WORDS:
        at = run.find(word)
        if at >= 0 and (len(word) > 3 or word in _COMMON):
            good = word if word in GREEK_COMMANDS or word in _PLAIN else None
            shown = f"\\{good}" if good else f"\\operatorname{{{word}}}"
            raise SyntaxProblem(
                f"{word!r} without a backslash is a product of letters in LaTeX",
                text, position + at, f"write {shown}", len(word),
            )  # fmt: skip
    if run in ("ln", "lg", "pi", "mu", "nu", "xi", "tr"):
        raise SyntaxProblem(
            f"{run!r} without a backslash is a product of letters in LaTeX", text, position,
            f"write \\{run}, or {run[0]} \\cdot {run[1]}", len(run),
        )  # fmt: skip


_COMMON = frozenset(words("sin cos tan exp log sum max min abs det sec csc cot erf var std pow"))
_PLAIN = frozenset(words("sin cos tan exp log sum max min det sec csc cot sqrt sinh cosh tanh"))


def _command(
    text: str, position: int, after: int, end: int, tokens: list[LatexToken], spaced: bool
) -> int:
    name = text[position + 1 : after]
    length = after - position
    if name in ("left", "right", "middle") or name in _SIZES:
        return _delimiter(text, position, after, end, tokens, name)
    if name in GREEK_COMMANDS:
        tokens.append(LatexToken("name", name, position, spaced, length, name))
    elif name in _OPERATORS:
        tokens.append(LatexToken("op", _OPERATORS[name], position, spaced, length, name))
    elif name in ("lor", "vee"):
        tokens.append(LatexToken("name", "or", position, spaced, length, name))
    elif name in _MARKS:
        tokens.append(LatexToken("op", _MARKS[name], position, spaced, length, name))
    elif name in OPERANDS or name in COMMAND_FUNCTIONS:
        tokens.append(LatexToken("command", name, position, spaced, length, name))
    else:
        raise _unknown(text, position, name)
    return after


def _delimiter(
    text: str, position: int, after: int, end: int, tokens: list[LatexToken], size: str
) -> int:
    r"""``\left(``, ``\bigl|``, ``\right.``: the delimiter alone, with its side noted."""
    while after < end and text[after].isspace():
        after += 1
    found = re.compile(r"\\(?:[A-Za-z]+|[{}|])|[()\[\]|./<>]").match(text, after, end)
    side = size if size in ("left", "right") else ""
    if found is None or size == "middle" or size.endswith("m"):
        raise SyntaxProblem(
            f"\\{size} needs a bracket or a bar", text, position, None, len(size) + 1
        )
    piece = found.group()
    shown = _OPERATORS.get(piece[1:], piece) if piece.startswith("\\") else piece
    left = size == "left" or (size.endswith("l") and size != "left")
    if shown in ("|", "||") and (side or size[-1] in "lr"):
        shown = ("l" if left else "r") + {"|": "vert", "||": "Vert"}[shown]
    if shown == ".":
        shown = "nothing"
    known = ("(", ")", "[", "]", r"\{", r"\}", "|", "||", "lvert", "rvert", "lVert", "rVert",
             "langle", "rangle", "nothing")  # fmt: skip
    if shown not in known or (shown == "nothing" and not side):
        raise SyntaxProblem(
            f"{piece} is not a bracket that is read", text, found.start(), None, len(piece)
        )
    length = found.end() - position
    tokens.append(LatexToken("op", shown, position, True, length, piece, side))
    return found.end()


def _below_first(tokens: list[LatexToken]) -> list[LatexToken]:
    """``x^2_i`` with the subscript in front: ``x_i^2``."""
    at = 0
    while at < len(tokens):
        if tokens[at].kind == "op" and tokens[at].text == "^":
            middle = argument_end(tokens, at + 1)
            if tokens[middle].kind == "op" and tokens[middle].text == "_":
                last = argument_end(tokens, middle + 1)
                tokens[at:last] = [*tokens[middle:last], *tokens[at:middle]]
                at += last - middle
        at += 1
    return tokens


def argument_end(tokens: list[LatexToken], at: int) -> int:
    """Behind the argument (a group, one token, or a styled group) that starts at ``at``."""
    last = len(tokens) - 1
    while at < last and tokens[at].kind == "command" and tokens[at].text in STYLES:
        at += 1
    if at < last and tokens[at].kind == "op" and tokens[at].text == "{":
        depth = 0
        while at < last:
            if tokens[at].kind == "op":
                depth += (tokens[at].text == "{") - (tokens[at].text == "}")
            at += 1
            if depth == 0:
                return at
    return min(at + 1, last)


def _unknown(text: str, position: int, name: str) -> FormulaError:
    legal = ["lor", *GREEK_COMMANDS, *OPERANDS, *COMMAND_FUNCTIONS, *_OPERATORS]
    close = difflib.get_close_matches(name, [n for n in legal if n.isalpha()], n=1, cutoff=0.7)
    hint = _WHY.get(name) or (f"did you mean \\{close[0]}?" if close else None)
    return SyntaxProblem(f"the command \\{name} is not read", text, position, hint, len(name) + 1)


def _stranger(text: str, position: int) -> FormulaError:
    char = text[position]
    hints = {
        "%": "leave out comments",
        "$": "one formula between the dollar signs",
        "\\": "a backslash stands before a command",
        "#": "a formula has no macro arguments",
    }
    shown = repr(char) if char.isprintable() else f"U+{ord(char):04X}"
    return SyntaxProblem(
        f"the character {shown} is not part of a LaTeX formula", text, position, hints.get(char)
    )
