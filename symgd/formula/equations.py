"""What stands around a formula: the left side ``L =`` and ``where u = ...`` behind it."""

from __future__ import annotations

from dataclasses import dataclass

from symgd.errors import SyntaxProblem
from symgd.formula.functions import RESERVED
from symgd.formula.tokens import Token


@dataclass(frozen=True)
class Definition:
    """``u = ...`` or ``h(x) = ...``: the names it is a function of, and its tokens."""

    parameters: tuple[str, ...]
    tokens: list[Token]


def split_equations(
    tokens: list[Token], text: str
) -> tuple[list[Token], str | None, dict[str, Definition]]:
    """``L = formula, where u = ...`` as the tokens of the formula, "L" and the definitions."""
    pieces = _split_where(tokens)
    body, label = _split_label(pieces[0], text)
    definitions: dict[str, Definition] = {}
    for piece in pieces[1:]:
        equals = _top_level(piece, "=")
        head = piece[: equals or 0]
        if not head or not (len(head) == 1 or _is_applied(head)) or head[0].kind != "name":
            raise SyntaxProblem("a definition is 'where name = formula'", text, piece[0].position)
        parameters = tuple(token.text for token in head[2:-1:2])
        definitions[head[0].text] = Definition(parameters, piece[len(head) + 1 :])
    return body, label, definitions


def _is_applied(head: list[Token]) -> bool:
    """``h(x, w)``: a name and names in brackets."""
    inner = head[2:-1]
    names = all(t.kind == "name" for t in inner[::2]) and all(t.text == "," for t in inner[1::2])
    return len(head) > 3 and head[1].text == "(" and head[-1].text == ")" and (
        names and len(inner) % 2 == 1
    )  # fmt: skip


def _split_where(tokens: list[Token]) -> list[list[Token]]:
    """The formula and the definitions that follow ``where`` (without brackets) or commas."""
    end, depth = tokens[-1], 0
    pieces: list[list[Token]] = [[]]
    for i, token in enumerate(tokens[:-1]):
        if token.kind == "op":
            depth += (token.text in "([") - (token.text in ")]")
        following = tokens[i + 1]
        if depth == 0 and token.kind == "name" and token.text == "where" and following.text != "(":
            if pieces[-1] and pieces[-1][-1].text == ",":
                pieces[-1].pop()
            pieces.append([])
        elif depth == 0 and token.text == "," and token.kind == "op" and len(pieces) > 1:
            pieces.append([])
        else:
            pieces[-1].append(token)
    return [[*piece, end] for piece in pieces]


def _top_level(tokens: list[Token], symbol: str) -> int | None:
    depth = 0
    for i, token in enumerate(tokens):
        if token.kind != "op":
            continue
        depth += (token.text in "([") - (token.text in ")]")
        if depth == 0 and token.text == symbol:
            return i
    return None


def _split_label(tokens: list[Token], text: str) -> tuple[list[Token], str | None]:
    equals = _top_level(tokens, "=")
    if equals is None:
        return tokens, None
    left = tokens[:equals]
    names = left and left[0].kind == "name" and left[0].text not in RESERVED
    single = names and len(left) == 1
    applied = names and _is_applied(left)
    derivative = names and any(t.text == "/" for t in left) and left[0].text.startswith("d")
    if not (single or applied or derivative):
        raise SyntaxProblem(
            "an equation is not a formula", text, tokens[equals].position,
            "the left side may only be a name, f(x) or dL/dm",
        )  # fmt: skip
    label = text[left[0].position : tokens[equals].position].strip()
    return tokens[equals + 1 :], label
