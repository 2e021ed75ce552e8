r"""Names in LaTeX with their accents, styles, subscripts and superscripts.

``\hat{y}_i`` is ``y_hat_i``, ``E_{\mathrm{kin}}`` is ``E_kin``, ``x_{12}`` is ``x_12``,
``x^{(i)}`` inside a sum over i is ``x_i``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from symgd.formula.functions import words
from symgd.formula.latex_tokens import ACCENTS, STYLES, LatexToken
from symgd.formula.syntax import Syntax
from symgd.formula.tokens import Token, is_name

if TYPE_CHECKING:
    from symgd.formula.latex_parser import LatexParser

_VECTORS = frozenset(words("mathbf boldsymbol bm pmb symbf textbf vec"))
_TRANSPOSES = frozenset(words("mathsf mathrm mathbf text textrm mathtt mathit operatorname"))


def plain_name(parser: LatexParser, token: Token, name: str, style: str = "") -> Syntax:
    """A name without marks."""
    style = style or parser.style
    parser.note_style(name, style, token)
    return Syntax("name", token.position, parser.end_of(), (), name)


def named(parser: LatexParser, token: Token, name: str, style: str = "") -> Syntax:
    """A name with the subscripts, indices and stars that follow it."""
    style = style or parser.style
    letters: list[str] = []
    suffix = ""
    base = name
    while True:
        if parser.token.kind == "op" and parser.token.text == "_":
            if suffix or letters:
                raise parser.error("two subscripts behind each other", parser.token)
            parser.advance()
            suffix, letters = _subscript(parser)
        elif not _star(parser, letters):
            break
        else:
            base += "_star"
    above = _superscript_index(parser)
    if above:
        if suffix and not letters:
            raise parser.error("an index behind a named subscript is not read", token)
        letters = [above, *letters]
    if letters and suffix:
        suffix = "".join(letters) if all(len(x) == 1 for x in letters) else suffix
    elif above:
        suffix = above
    whole = f"{base}_{suffix}" if suffix else base
    if not is_name(whole):
        raise parser.error(f"{whole} is not a name", token)
    if letters:
        _check_indices(parser, token, letters, whole)
    bound = bool(letters) and all(x in parser.bound for x in letters)
    parser.note_style(base if bound else whole, style, token)
    return Syntax("name", token.position, parser.end_of(), (), whole)


def _star(parser: LatexParser, letters: list[str]) -> bool:
    r"""``\theta^*`` and ``\theta^\star``."""
    if not (parser.token.kind == "op" and parser.token.text == "^"):
        return False
    following = parser.peek()
    if following.kind == "op" and (
        following.text == "star" or (following.text == "*" and _source(following) == "ast")
    ):
        parser.at += 2
        return True
    inside = [t.text for t in parser.tokens[parser.at + 1 : parser.at + 4]]
    if inside in (["{", "*", "}"], ["{", "star", "}"]):
        parser.at += 4
        return True
    return False


def _source(token: Token) -> str:
    return cast(LatexToken, token).source


def _superscript_index(parser: LatexParser) -> str:
    """``x^{(i)}`` with i bound by a sum; refused when it is not."""
    tokens = parser.tokens[parser.at : parser.at + 6]
    if len(tokens) < 6 or [t.text for t in tokens[:3]] != ["^", "{", "("]:
        return ""
    if [t.text for t in tokens[4:6]] != [")", "}"] or tokens[3].kind not in ("name", "number"):
        return ""
    index = tokens[3].text
    if index not in parser.bound and not (parser.loose and index in ("i", "j", "k")):
        raise parser.error(
            f"({index}) behind a name is neither an exponent nor the index of a sum", tokens[3],
            f"write _{{{index}}} for a name, ^{{{index}}} for a power",
        )  # fmt: skip
    parser.at += 6
    return index


def _subscript(parser: LatexParser) -> tuple[str, list[str]]:
    """The text of a subscript, and its letters if it may be indices."""
    token = parser.token
    if token.kind == "number":
        return str(parser.digit().value), []
    if token.kind == "name":
        parser.advance()
        return token.text, [token.text]
    if token.kind == "word":
        parser.advance()
        return _clean(token.text), []
    if token.kind == "op" and token.text in ("star", "*"):
        parser.advance()
        return "star", []
    if not parser.accept_op("{"):
        raise parser.error("this subscript is not read", token)
    parts: list[Token] = []
    while not (parser.token.kind == "op" and parser.token.text == "}"):
        part = parser.advance()
        comma = part.kind == "op" and part.text == ","
        if part.kind == "end":
            raise parser.error("this brace is not closed", token)
        if not comma and part.kind not in ("number", "name", "word"):
            raise parser.error(
                "this subscript is not read", part,
                "letters, digits and words; an index such as i+1 is not",
            )  # fmt: skip
        parts.append(part)
    parser.advance()
    if not parts:
        raise parser.error("an empty subscript", token)
    return _joined(parser, parts, token)


def _joined(parser: LatexParser, parts: list[Token], token: Token) -> tuple[str, list[str]]:
    items = [p for p in parts if p.text != ","]
    single = all(p.kind == "name" and len(p.text) == 1 for p in items)
    letters = [p.text for p in items if p.kind == "name" and len(p.text) == 1]
    inside = [x for x in letters if x in parser.bound]
    if inside and not single:
        raise parser.error(f"the index {inside[0]} together with something else is not read", token)
    if single:
        return "".join(letters), letters
    text = ""
    for part in parts:
        if part.text == ",":
            text += "_"
            continue
        long = part.kind == "word" or (len(part.text) > 1 and part.kind == "name")
        if text and long and not text.endswith("_"):
            text += "_"
        text += _clean(part.text)
    return text, []


def _clean(text: str) -> str:
    return text.strip().replace(" ", "_")


def _check_indices(parser: LatexParser, token: Token, letters: list[str], whole: str) -> None:
    """Letters in a subscript are all indices of sums, or all a part of the name."""
    bound = [x in parser.bound for x in letters]
    if all(bound):
        return
    if any(bound):
        free = letters[bound.index(False)]
        raise parser.error(
            f"the index {free} of {whole} is not bound by a sum", token,
            f"write \\sum_{free}, or the subscript in \\mathrm{{}}",
        )  # fmt: skip
    loose = parser.loose and len(letters) == 1 and letters[0] in ("i", "j", "k")
    if not loose:
        parser.outside.append((token, "".join(letters)))
    else:
        parser.every_index += letters


# -- accents and styles ------------------------------------------------------------------------


def single_name(parser: LatexParser, marks: bool = True) -> Syntax | None:
    """One name with its accents, styles and subscripts; ``None`` if something else follows."""
    start, token = parser.at, parser.token
    found = _base(parser)
    if found is None:
        parser.at = start
        return None
    name, style, inner = found
    if not marks:
        return plain_name(parser, token, name, style)
    made = named(parser, token, name, style) if not inner else None
    if made is None:
        return Syntax("name", token.position, parser.end_of(), (), name)
    return made


def _base(parser: LatexParser) -> tuple[str, str, bool] | None:
    """Name, style, and whether its subscript stood under the accent already."""
    token = parser.token
    if token.kind == "name":
        parser.advance()
        return token.text, "", False
    if token.kind == "word" and _source(token) != "mathbb":
        parser.advance()
        name = parser.checked_word(token, token.text.strip())
        return name, _source(token), False
    if token.kind != "command" or not (token.text in ACCENTS or token.text in STYLES):
        return None
    parser.advance()
    braces = parser.accept_op("{")
    found = _base(parser)
    if found is None:
        return None
    name, style, inner = found
    suffix = ""
    if braces and parser.token.kind == "op" and parser.token.text == "_":
        parser.advance()
        suffix, letters = _subscript(parser)
        if letters:
            _check_indices(parser, token, letters, name)
    if braces and not parser.accept_op("}"):
        return None
    accent = ACCENTS.get(token.text)
    if token.text in STYLES:
        style = style or token.text
    elif accent:
        name = f"{name}_{accent}"
    else:
        style = "vec"
    if suffix:
        name = f"{name}_{suffix}"
    return name, style, inner or bool(suffix)


def styled_group(parser: LatexParser) -> Syntax:
    r"""``\mathbf{X w}``: the style holds for every name in the group."""
    token = parser.advance()
    if token.text in ACCENTS:
        raise parser.error(f"\\{token.text} stands over a single name", token)
    if token.text == "mathbb" or not (parser.token.kind == "op" and parser.token.text == "{"):
        raise parser.error(f"\\{token.text} needs a name", token)
    outer, parser.style = parser.style, token.text
    inner = parser.group()
    parser.style = outer
    if inner.kind == "number":
        raise parser.error(
            f"a number in \\{token.text} is not read", token, "write a vector of ones as a \\sum"
        )
    return inner


def is_vector_style(style: str) -> bool:
    r"""Whether ``\mathbf`` and its like say that a name is a vector or a matrix."""
    return style in _VECTORS


# -- exponents ---------------------------------------------------------------------------------


def special_exponent(parser: LatexParser, base: Syntax) -> Syntax | None:
    r"""A transpose, ``-\top`` or a prime behind ``^``; ``None`` for a plain exponent."""
    token = parser.token
    start = parser.at
    braces = parser.accept_op("{")
    negative = braces and parser.accept_op("-")
    if not _transpose_mark(parser, base):
        parser.at = start
        if token.kind == "op" and token.text in ("star", "'", "dagger", "*"):
            raise parser.misplaced(token)
        return None
    if braces and not parser.accept_op("}"):
        parser.at = start
        return None
    made = Syntax("transpose", base.start, parser.end_of(), (base,))
    if negative:
        inverse = Syntax("pow", base.start, parser.end_of(), (base, _minus_one(base)))
        made = Syntax("transpose", base.start, parser.end_of(), (inverse,))
    return made


def _minus_one(at: Syntax) -> Syntax:
    from symgd.formula.syntax import number

    return Syntax("neg", at.start, at.end, (number(1, at),))


def _transpose_mark(parser: LatexParser, base: Syntax) -> bool:
    token = parser.token
    if token.kind == "op" and token.text == "top":
        parser.advance()
        return True
    if token.text != "T" or base.kind == "number" or base.value == "e" or "T" in parser.declared:
        return False
    if token.kind == "word" and _source(token) in _TRANSPOSES:
        parser.advance()
        return True
    if token.kind != "name":
        return False
    if _is_name_elsewhere(parser):
        raise parser.error(
            "^T is a transpose, but T is also used as a name", token,
            r"write ^\top for the transpose, or rename T",
        )  # fmt: skip
    parser.advance()
    return True


def _is_name_elsewhere(parser: LatexParser) -> bool:
    texts = ["", "", *(t.text if t.kind != "end" else "" for t in parser.tokens)]
    return any(
        t.kind == "name"
        and t.text == "T"
        and texts[i + 1] != "^"
        and not (texts[i + 1] == "{" and texts[i] == "^")
        and texts[i + 1] != "-"
        for i, t in enumerate(parser.tokens)
    )
