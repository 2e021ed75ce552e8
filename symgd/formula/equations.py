"""What stands around a formula: the left side ``L =`` and ``where u = ...`` behind it."""

from __future__ import annotations

from symgd.errors import SyntaxProblem
from symgd.formula.functions import RESERVED
from symgd.formula.tokens import Token


def split_equations(
    tokens: list[Token], text: str
) -> tuple[list[Token], str | None, dict[str, list[Token]]]:
    """``L = formula, where u = ...`` as the tokens of the formula, "L" and {"u": tokens}."""
    pieces = _split_where(tokens)
    body, label = _split_label(pieces[0], text)
    definitions: dict[str, list[Token]] = {}
    for piece in pieces[1:]:
        equals = _top_level(piece, "=")
        if equals != 1 or piece[0].kind != "name":
            raise SyntaxProblem("a definition is 'where name = formula'", text, piece[0].position)
        definitions[piece[0].text] = piece[2:]
    return body, label, definitions


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
    applied = names and len(left) > 3 and left[1].text == "(" and left[-1].text == ")"
    derivative = names and any(t.text == "/" for t in left) and left[0].text.startswith("d")
    if not (single or applied or derivative):
        raise SyntaxProblem(
            "an equation is not a formula", text, tokens[equals].position,
            "the left side may only be a name, f(x) or dL/dm",
        )  # fmt: skip
    label = text[left[0].position : tokens[equals].position].strip()
    return tokens[equals + 1 :], label
