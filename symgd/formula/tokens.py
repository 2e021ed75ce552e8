"""Text to tokens: a closed alphabet, names kept whole, numbers kept exact.

Every character is either in the alphabet below or refused with its place, so a
look-alike letter, an emoji or a quote never reaches the parser.

>>> [t.text for t in tokenize("2θ² - x_i")]
['2', 'θ', '^', '(', '2', ')', '-', 'x_i', '']
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from symgd.errors import LimitProblem, NameProblem, OptionError, SyntaxProblem

MAX_TEXT = 1_000_000
MAX_TOKENS = 200_000
MAX_DIGITS = 400
MAX_DECIMAL_EXPONENT = 308
MAX_NAME = 64

GREEK = "αβγδεζηθικλμνξοπρστυφχψωϑϕϵϱϖςΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ"
_SUPERSCRIPT = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿᵀ", "0123456789+-nT", strict=True))
_SUBSCRIPT = dict(zip("₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₙₘₚₜₓ", "0123456789ijknmptx", strict=True))
# One character that stands for another spelling of the same thing.
_ALIAS = {
    "−": "-", "–": "-", "·": "*", "⋅": "*", "×": "*", "∗": "*", "÷": "/",  # noqa: RUF001
    "≤": "<=", "≥": ">=", "≠": "!=", "∑": "sum", "∏": "prod", "√": "√",
    "‖": "||", "∥": "||", "∣": "|", "′": "'", "µ": "μ", "Ω": "Ω", "ℓ": "l", "…": "..", "⊤": "T",  # noqa: RUF001
}  # fmt: skip
_SPACE = " \t\n\r\u00a0\u2009\u202f\u2002\u2003"

_NAME = rf"[A-Za-z{GREEK}](?:[A-Za-z0-9_{GREEK}]*[A-Za-z0-9{GREEK}])?"
NAME_RULE = "a letter (Latin or Greek), then letters, digits and single underscores, at most 64"
_IS_NAME = re.compile(_NAME)
_TOKEN = re.compile(
    rf"(?P<space>[{_SPACE}]+)"
    r"|(?P<number>(?:[0-9]+\.(?!\.)[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    rf"|(?P<name>{_NAME})"
    r"|(?P<op>\*\*|\|\|_[12]|\|\||<=|>=|==|!=|//|\.\.|\.T(?![A-Za-z0-9_])|[-+*/^()\[\]{},:|<>=@~∂!'%&;])"
    rf"|(?P<super>[{''.join(_SUPERSCRIPT)}]+)"
    rf"|(?P<alias>[{''.join(_ALIAS)}])"
)
_SUBSCRIPTS = re.compile(f"[{''.join(_SUBSCRIPT)}]+")
_BIG_INDEX = re.compile(r"_[A-Za-z]{1,3}(?![A-Za-z0-9_])")
_SUFFIXES = {"sum": _BIG_INDEX, "prod": _BIG_INDEX, "||": re.compile("_[12]")}
"""What may follow a character that stands for another spelling: ``∑_i``, ``‖x‖_1``."""
_DIGITS = frozenset("0123456789")


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its kind ("number", "name", "op", "end"), text and place."""

    kind: str
    text: str
    position: int
    spaced: bool = False
    """White space stands before it."""


def is_name(text: str) -> bool:
    """Whether ``text`` may be the name of a parameter or a column.

    >>> is_name("theta0"), is_name("x y"), is_name("__import__")
    (True, False, False)
    """
    if not isinstance(text, str) or len(text) > MAX_NAME or "__" in text:
        return False
    return bool(_IS_NAME.fullmatch(text))


def check_name(name: str, what: str = "name") -> str:
    """``name`` itself, or a :class:`NameProblem` that quotes the rule."""
    if not is_name(name):
        raise NameProblem(f"{name!r} is not a {what}", hint=f"a {what} is {NAME_RULE}")
    return name


def exact_number(text: str, source: str, position: int) -> int | Fraction:
    """The literal as an exact number: ``0.1`` is 1/10."""
    if len(text) > MAX_DIGITS:
        raise LimitProblem(
            f"a number of {len(text)} characters; the limit is {MAX_DIGITS}", source, position
        )
    if len(text) < MAX_DECIMAL_EXPONENT and text.isdigit():
        return int(text)
    mantissa, _, exponent = text.lower().partition("e")
    if exponent and abs(int(exponent)) > MAX_DECIMAL_EXPONENT:
        raise LimitProblem(
            f"the exponent of {text} is beyond what double precision can hold",
            source, position, f"powers of ten up to {MAX_DECIMAL_EXPONENT}",
        )  # fmt: skip
    value = Fraction(mantissa if mantissa != "." else "0") * Fraction(10) ** int(exponent or 0)
    if value and not Fraction(1, 10**320) < value < Fraction(2) ** 1024:
        raise LimitProblem(
            f"{text[:40]} is beyond what double precision can hold", source, position
        )
    return value


def tokenize(text: str) -> list[Token]:
    """The tokens of ``text``, closed by one of kind ``"end"``.

    Raises :class:`SyntaxProblem` at the first character outside the alphabet
    and :class:`LimitProblem` for texts of more than a million characters; what is not
    text at all is an :class:`~symgd.errors.OptionError`.
    """
    if not isinstance(text, str):
        raise OptionError(f"a formula is text, not {type(text).__name__}")
    if len(text) > MAX_TEXT:
        raise LimitProblem(f"the formula has {len(text):,} characters; the limit is {MAX_TEXT:,}")
    tokens = list(_scan(text))
    tokens.append(Token("end", "", len(text)))
    return tokens


def _scan(text: str) -> Iterator[Token]:
    position, spaced, count = 0, False, 0
    match_at = _TOKEN.match
    while position < len(text):
        found = match_at(text, position)
        if found is None:
            raise _stranger(text, position)
        kind = found.lastgroup
        if kind == "space":
            spaced, position = True, found.end()
            continue
        count += 1
        if count > MAX_TOKENS:
            raise LimitProblem(f"more than {MAX_TOKENS:,} tokens", text, position)
        piece = found.group()
        end = found.end()
        if kind == "alias":
            piece = _ALIAS[piece]
            kind = "name" if piece[0].isalpha() else "op"
            suffix = _SUFFIXES.get(piece)
            if suffix and (below := suffix.match(text, end)):
                piece, end = piece + below.group(), below.end()
        if kind == "name":
            if end < len(text) and text[end] in _SUBSCRIPT:
                piece, end = _with_subscript(text, piece, end)
            if len(piece) > 2:
                _check_spelling(piece, text, position)
            yield Token("name", piece, position, spaced)
        elif kind == "number":
            _check_number_end(text, piece, position, end)
            yield Token("number", piece, position, spaced)
        elif kind == "super":
            yield from _superscript(piece, position)
        else:
            yield Token("op", "^" if piece == "**" else piece, position, spaced)
        position, spaced = end, False


def _with_subscript(text: str, name: str, end: int) -> tuple[str, int]:
    """``xᵢ`` and ``x₁`` are ``x_i`` and ``x_1``."""
    below = _SUBSCRIPTS.match(text, end)
    assert below is not None
    return f"{name}_" + "".join(_SUBSCRIPT[c] for c in below.group()), below.end()


def _superscript(piece: str, position: int) -> Iterator[Token]:
    """``x²`` is ``x^2`` and ``Xᵀ`` is ``X.T``."""
    plain = "".join(_SUPERSCRIPT[c] for c in piece)
    if plain == "T":
        yield Token("op", ".T", position)
        return
    yield Token("op", "^", position)
    yield Token("op", "(", position)
    yield from (Token(t.kind, t.text, position) for t in tokenize(plain)[:-1])
    yield Token("op", ")", position)


def _check_spelling(name: str, text: str, position: int) -> None:
    if "__" in name:
        raise NameProblem(
            "two underscores in a row are not part of a name", text, position,
            f"a name is {NAME_RULE}", len(name),
        )  # fmt: skip
    if len(name) > MAX_NAME:
        raise LimitProblem(
            f"a name of {len(name)} characters; the limit is {MAX_NAME}", text, position
        )


def _check_number_end(text: str, piece: str, position: int, end: int) -> None:
    """Refuse ``0x1F``, ``1_000``, ``1j`` and ``1.2.3``, which would be read as products."""
    following = text[end : end + 1]
    after = text[end + 1 : end + 2]
    lone = not (after.isalnum() or after == "_")
    if following == "_":
        raise SyntaxProblem("underscores are not part of a number", text, position)
    if following in "jJ" and following and lone:
        raise SyntaxProblem(
            f"{piece}{following} is an imaginary number in Python; all numbers here are real",
            text, position, f"a product with a parameter is {piece}*{following}", len(piece) + 1,
        )  # fmt: skip
    if piece == "0" and following in "xXbBoO" and following and after.isalnum():
        raise SyntaxProblem("only decimal numbers are read", text, position)
    if following in _DIGITS or (following == "." and after in _DIGITS):
        raise SyntaxProblem("a number directly after a number", text, end)


def _stranger(text: str, position: int) -> SyntaxProblem:
    """The error for a character outside the alphabet, with the likely remedy."""
    char = text[position]
    hints = {
        "_": f"a name is {NAME_RULE}",
        ".": "a dot stands only inside a number or as .T (transpose); formulas have no attributes",
        "'": "a transpose is .T; a derivative is d/dx (...)",
        '"': "a formula has no strings",
        "\\": "this looks like LaTeX; pass it with format='latex'",
        "$": "leave out the dollar signs",
    }
    shown = repr(char) if char.isprintable() else f"U+{ord(char):04X}"
    return SyntaxProblem(
        f"the character {shown} is not part of the formula language",
        text, position, hints.get(char),
    )  # fmt: skip
