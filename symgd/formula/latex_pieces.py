r"""What surrounds a formula in LaTeX: environments, the left side, definitions behind a comma."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symgd.errors import FormulaError, NameProblem, SyntaxProblem
from symgd.formula.functions import words
from symgd.formula.latex_tokens import STYLES, TEXT_STYLES, LatexToken, argument_end
from symgd.formula.syntax import Syntax, post_order

_DISPLAYS = frozenset(
    words(
        "aligned align align* equation equation* split gather gather* gathered multline "
        "multline* displaymath math eqnarray eqnarray*"
    )
)
CASES = frozenset(words("cases dcases rcases array"))
_OPENING = frozenset(("(", "[", "{", r"\{", "lvert", "lVert", "langle"))
_CLOSING = frozenset((")", "]", "}", r"\}", "rvert", "rVert", "rangle"))
_INTRODUCING = frozenset(("where", "with", "and", "for", "let"))
_JOINING = frozenset(("+", "-", "*", "/", "=", "<", ">", "<=", ">="))


def refused(reason: str, text: str, token: LatexToken, hint: str | None = None) -> FormulaError:
    """A :class:`SyntaxProblem` under a token."""
    return SyntaxProblem(reason, text, token.position, hint, max(1, token.length))


def pieces_of(
    tokens: list[LatexToken], text: str
) -> tuple[list[LatexToken], str | None, list[list[LatexToken]]]:
    r"""``L = formula, \quad u = ...`` as the formula, its left side and the definitions."""
    tokens = _without_displays(tokens, text)
    end = tokens[-1]
    pieces = [p for p in _split(tokens[:-1], text) if p]
    if not pieces:
        raise SyntaxProblem("the formula is empty", text or " ", 0)
    if pieces[0][-1].text in (".", ";") and pieces[0][-1].kind == "op":
        pieces[0].pop()
    body, label = _without_label(pieces[0], text)
    closed = [_closed(body, pieces, 0, end)]
    closed += [_closed(piece, pieces, i, end) for i, piece in enumerate(pieces[1:], 1)]
    return closed[0], label, closed[1:]


def _closed(
    piece: list[LatexToken], pieces: list[list[LatexToken]], i: int, end: LatexToken
) -> list[LatexToken]:
    position = end.position
    if i + 1 < len(pieces):
        last = piece[-1] if piece else pieces[i][-1]
        position = last.position + last.length
    return [*piece, LatexToken("end", "", position)]


# -- environments ------------------------------------------------------------------------------


def environment_name(tokens: Sequence[LatexToken], at: int) -> tuple[str, int]:
    r"""The name behind ``\begin`` or ``\end`` at ``at``, and the place behind it."""
    if tokens[at + 1].text != "{":
        return "", at + 1
    stop = argument_end(list(tokens), at + 1)
    return "".join(t.text for t in tokens[at + 2 : stop - 1]), stop


def _without_displays(tokens: list[LatexToken], text: str) -> list[LatexToken]:
    """Display environments and their alignment marks taken off; ``cases`` stay."""
    kept: list[LatexToken] = []
    opened: list[str] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.kind == "command" and token.text in ("begin", "end"):
            name, after = environment_name(tokens, at)
            if name not in _DISPLAYS and name not in CASES:
                raise refused(
                    f"the environment {name!r} is not read", text, token,
                    "known are cases, aligned, align and equation",
                )  # fmt: skip
            if token.text == "begin":
                opened.append(name)
            elif not opened or opened.pop() != name:
                raise refused(f"this end of {name!r} closes nothing", text, token)
            if name in CASES:
                kept += tokens[at:after]
            at = after
            continue
        inside_cases = bool(opened) and opened[-1] in CASES
        if token.kind == "op" and token.text in ("align", "newline") and not inside_cases:
            if token.text == "newline":
                _check_break(tokens, at, kept, text)
            elif not opened:
                raise refused("an alignment mark stands only in an environment", text, token)
            at += 1
            continue
        kept.append(token)
        at += 1
    if opened:
        raise SyntaxProblem(f"the environment {opened[-1]!r} is not closed", text, 0)
    return kept


def _check_break(tokens: list[LatexToken], at: int, kept: list[LatexToken], text: str) -> None:
    """A new line goes on with an operator, or the formula has ended."""
    behind = at + 1
    while tokens[behind].kind == "op" and tokens[behind].text == "align":
        behind += 1
    following = tokens[behind]
    if following.kind == "op" and following.text == "newline":
        return
    before = kept[-1] if kept else tokens[-1]
    ends = following.kind == "end" or following.text == "end"
    joined = (following.text in _JOINING and following.kind == "op") or (
        before.kind == "op" and before.text in (*_JOINING, ",")
    )
    if not (ends or joined):
        raise refused(
            "a new line that does not go on with an operator is another formula", text,
            tokens[at], "one formula at a time",
        )  # fmt: skip


# -- commas ------------------------------------------------------------------------------------


def _split(tokens: list[LatexToken], text: str) -> list[list[LatexToken]]:
    pieces: list[list[LatexToken]] = [[]]
    depth = 0
    for token in tokens:
        if token.kind == "op":
            depth += (token.text in _OPENING) - (token.text in _CLOSING)
        if token.kind == "command" and token.text in ("begin", "end"):
            depth += 1 if token.text == "begin" else -1
        word = token.kind == "word" and token.source in (*TEXT_STYLES, "mathrm")
        if (depth == 0 and word and token.text.strip() in _INTRODUCING) or (
            depth == 0 and token.kind == "op" and token.text in (",", ";")
        ):
            pieces.append([])
        else:
            pieces[-1].append(token)
    return pieces


# -- the left side -----------------------------------------------------------------------------


def _without_label(tokens: list[LatexToken], text: str) -> tuple[list[LatexToken], str | None]:
    places = _at_top(tokens, "=")
    if not places:
        return tokens, None
    left = tokens[: places[0]]
    if not left or not _is_label(left):
        raise refused(
            "an equation is not a formula", text, tokens[places[0]],
            "the left side may only be a name, f(x) or a derivative of a name",
        )  # fmt: skip
    if len(places) > 1:
        raise refused("a second equation", text, tokens[places[1]], "one formula at a time")
    right = tokens[places[0] + 1 :]
    if len(left) == 1 and any(t.kind == left[0].kind and t.text == left[0].text for t in right):
        raise refused(
            f"{left[0].text} stands on both sides of the equation", text, tokens[places[0]],
            "an equation is not a formula",
        )  # fmt: skip
    label = text[left[0].position : tokens[places[0]].position].strip().strip("&").strip()
    return right, label


def _at_top(tokens: list[LatexToken], symbol: str) -> list[int]:
    found, depth = [], 0
    for i, token in enumerate(tokens):
        if token.kind == "command" and token.text in ("begin", "end"):
            depth += 1 if token.text == "begin" else -1
        if token.kind != "op":
            continue
        depth += (token.text in _OPENING) - (token.text in _CLOSING)
        if depth == 0 and token.text == symbol:
            found.append(i)
    return found


def _is_label(left: list[LatexToken]) -> bool:
    r"""``L``, ``J(\theta)``, ``f'(x)``, ``\nabla L``, ``\partial L/\partial m`` or its fraction."""
    at = 0
    if left[0].kind == "command" and left[0].text in ("frac", "dfrac", "tfrac"):
        above = argument_end([*left, left[-1]], 1)
        inner = [t for t in left[1:above] if t.text != "{"]
        if not inner or not (inner[0].text in ("partial", "d") and len(inner) > 2):
            return False
        return argument_end([*left, left[-1]], above) >= len(left)
    if left[0].text in ("partial", "nabla") and left[0].kind == "command":
        return all(t.text not in ("+", "-", "*", "(") for t in left)
    if left[0].text == "d" and any(t.text == "/" for t in left):
        return True
    if left[0].kind == "command" and left[0].text == "ell":
        at = 1
    elif left[0].kind == "command" and left[0].text not in STYLES and len(left) > 1:
        at = argument_end([*left, left[-1]], 1) if left[1].text == "{" else 2
    elif left[0].kind == "command" and left[0].text in STYLES:
        at = argument_end([*left, left[-1]], 0)
    elif left[0].kind == "name":
        at = 1
        letters = all(t.kind == "name" and t.source.isascii() for t in left)
        if letters and all(not t.spaced for t in left[1:]):
            return True
    elif left[0].kind == "word":
        at = 1
    else:
        return False
    while at < len(left) and left[at].text in ("_", "^", "'"):
        at = at + 1 if left[at].text == "'" else argument_end([*left, left[-1]], at + 1)
    if at >= len(left):
        return True
    return left[at].text in ("(", "[") and left[-1].text in (")", "]") and _one_pair(left[at:])


def _one_pair(tokens: list[LatexToken]) -> bool:
    depth = 0
    for i, token in enumerate(tokens):
        if token.kind == "op":
            depth += (token.text in _OPENING) - (token.text in _CLOSING)
        if depth == 0:
            return i == len(tokens) - 1
    return False


# -- definitions -------------------------------------------------------------------------------


def check_definitions(root: Syntax, defined: Mapping[str, Syntax], text: str) -> None:
    """Every definition is used: nothing that was written is dropped."""
    used: set[str] = set()
    todo = [root]
    while todo:
        for piece in post_order(todo.pop()):
            name = str(piece.value) if piece.kind == "name" else ""
            if name in defined and name not in used:
                used.add(name)
                todo.append(defined[name])
    for name, piece in defined.items():
        if name not in used:
            raise NameProblem(
                f"{name} is defined but does not stand in the formula", text, piece.start,
                "leave it out, or write it with the same index",
            )  # fmt: skip
