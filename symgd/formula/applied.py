"""Functions that a formula defines itself: ``h(x) = m x + b`` put in where ``h(x_i)`` stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from symgd.errors import LimitProblem, NameProblem
from symgd.formula.rewriting import MAX_DEFINED, mapped
from symgd.formula.syntax import Syntax, post_order


@dataclass(frozen=True)
class Defined:
    """A function of the formula: the names it is a function of, and what it is."""

    parameters: tuple[str, ...]
    body: Syntax


def expanded(root: Syntax, functions: Mapping[str, Defined], text: str) -> Syntax:
    """``root`` with every application of a defined function replaced by its body."""
    for _ in range(len(functions) + 1):
        uses = [p for p in post_order(root) if p.kind == "apply"]
        if not uses:
            return root
        if sum(len(post_order(functions[p.value].body)) for p in uses) > MAX_DEFINED:
            raise LimitProblem("the definitions make the formula too large", text, uses[0].start)
        root = mapped(root, lambda p: _put_in(p, functions, text))
    raise NameProblem(f"the definition of {uses[0].value} uses itself", text, uses[0].start)


def _put_in(piece: Syntax, functions: Mapping[str, Defined], text: str) -> Syntax | None:
    if piece.kind != "apply":
        return None
    function = functions[piece.value]
    if len(function.parameters) != len(piece.args):
        raise NameProblem(
            f"{piece.value} is a function of {', '.join(function.parameters)}, "
            f"and has {len(piece.args)} arguments here", text, piece.start,
        )  # fmt: skip
    given = dict(zip(function.parameters, piece.args, strict=True))

    def argument(part: Syntax) -> Syntax | None:
        if part.kind != "name":
            return None
        if part.value in given:
            return mapped(given[part.value], lambda q: None)
        base = str(part.value).partition("_")[0]
        if base in given:
            raise NameProblem(
                f"{part.value} is a part of the argument {base} of {piece.value}", text,
                piece.start, "write the formula of the function with its argument as a whole",
            )  # fmt: skip
        return None

    return mapped(function.body, argument)
