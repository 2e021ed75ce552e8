"""Rewrites of the syntax before it is elaborated: definitions put in place, sums written out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from symgd.errors import LimitProblem, NameProblem
from symgd.formula.syntax import Big, Slice, Syntax, number, post_order

MAX_UNROLLED = 1000
_MAX_PARTS = 200_000


def mapped(root: Syntax, change: Callable[[Syntax], Syntax | None]) -> Syntax:
    """A copy of the tree in which ``change`` may replace a piece (its parts already changed)."""
    done: dict[int, Syntax] = {}
    for piece in post_order(root):
        args = tuple(done[id(part)] for part in piece.args)
        copy = Syntax(piece.kind, piece.start, piece.end, args, piece.value)
        done[id(piece)] = change(copy) or copy
    return done[id(root)]


def substituted(root: Syntax, definitions: Mapping[str, Syntax]) -> Syntax:
    """``root`` with every defined name replaced by its definition."""
    if not definitions:
        return root
    for round_number in range(len(definitions) + 1):
        names = [p.value for p in post_order(root) if p.kind == "name" and p.value in definitions]
        if not names:
            return root
        if round_number == len(definitions):
            break
        root = mapped(
            root,
            lambda p: mapped(definitions[p.value], lambda q: None)
            if p.kind == "name" and p.value in definitions
            else None,
        )
        if len(post_order(root)) > _MAX_PARTS:
            raise LimitProblem("the definitions make the formula too large")
    raise NameProblem(f"the definition of {names[0]} uses itself")


def unrolled(root: Syntax, declared: frozenset[str]) -> Syntax:
    """Sums with numeric limits over numbers written out: ``sum(i*x, i=1..3)``."""
    if not any(p.kind == "big" and isinstance(p.value.upper, int) for p in post_order(root)):
        return root
    return mapped(root, lambda piece: _write_out(piece, declared))


def _write_out(piece: Syntax, declared: frozenset[str]) -> Syntax | None:
    if piece.kind != "big" or not isinstance(piece.value.upper, int):
        return None
    big: Big = piece.value
    lower, upper = big.lower if big.lower is not None else 1, piece.value.upper
    body = piece.args[0]
    suffix = re.compile(rf"(.+)_{big.index}")
    subscripts, bare = set(), False
    for part in post_order(body):
        if part.kind == "name":
            bare = bare or part.value == big.index
            found = suffix.fullmatch(part.value)
            if found:
                subscripts.add(found[1])
        elif part.kind == "index" and any(s.name == big.index for s in part.value):
            subscripts.add(part.args[0].value)
    if not bare and (not subscripts or subscripts <= declared):
        return None
    count = upper - lower + 1
    if not 0 < count <= MAX_UNROLLED or count * len(post_order(body)) > _MAX_PARTS:
        raise LimitProblem(f"a sum over {count} numbers; the limit is {MAX_UNROLLED}")
    terms = [_at(body, big.index, k, suffix, declared) for k in range(lower, upper + 1)]
    if big.operation == "prod":
        product = terms[0]
        for term in terms[1:]:
            product = Syntax("mul", piece.start, piece.end, (product, term))
        return product
    total = terms[0]
    if len(terms) > 1:
        total = Syntax("add", piece.start, piece.end, tuple(terms))
    if big.operation == "mean":
        total = Syntax("div", piece.start, piece.end, (total, number(count, piece)))
    return total


def _at(
    body: Syntax, index: str, k: int, suffix: re.Pattern[str], declared: frozenset[str]
) -> Syntax:
    """The body with the number ``k`` for the index."""

    def change(part: Syntax) -> Syntax | None:
        if part.kind == "name":
            if part.value == index:
                return number(k, part)
            found = suffix.fullmatch(part.value)
            if found and found[1] in declared:
                base = Syntax("name", part.start, part.end, (), found[1])
                return Syntax("index", part.start, part.end, (base,), (Slice("at", (k - 1,)),))
            if found:
                return Syntax("name", part.start, part.end, (), f"{found[1]}_{k}")
        if part.kind == "index" and any(s.name == index for s in part.value):
            items = tuple(Slice("at", (k - 1,)) if s.name == index else s for s in part.value)
            return Syntax("index", part.start, part.end, part.args, items)
        return None

    return mapped(body, change)
