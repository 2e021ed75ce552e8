"""Rewrites of the syntax before it is elaborated: definitions put in place, sums written out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from symgd.errors import LimitProblem, NameProblem, ShapeProblem
from symgd.formula.syntax import Big, Slice, Syntax, number, post_order

MAX_UNROLLED = 1000
_MAX_PARTS = 200_000
MAX_DEFINED = 50_000


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
    sizes = {name: len(post_order(piece)) for name, piece in definitions.items()}
    for round_number in range(len(definitions) + 1):
        used = [p for p in post_order(root) if p.kind == "name" and p.value in definitions]
        if not used:
            return root
        if round_number == len(definitions):
            break
        if sum(sizes[p.value] for p in used) > MAX_DEFINED:
            raise LimitProblem("the definitions make the formula too large")
        root = mapped(
            root,
            lambda p: (
                mapped(definitions[p.value], lambda q: None)
                if p.kind == "name" and p.value in definitions
                else None
            ),
        )
    raise NameProblem(f"the definition of {used[0].value} uses itself")


def unrolled(root: Syntax, declared: frozenset[str]) -> tuple[Syntax, list[Syntax]]:
    """Sums with numeric limits over numbers written out: ``sum(i*x, i=1..3)``.

    The result comes with its pieces in the order of :func:`post_order`.
    """
    pieces = post_order(root)
    if any(p.kind == "big" and isinstance(p.value.upper, int) for p in pieces):
        root = mapped(root, lambda piece: _write_out(piece, declared))
        pieces = post_order(root)
    return root, pieces


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
            if part.args[0].kind != "name":
                continue
            subscripts.add(part.args[0].value)
    if not bare and subscripts <= declared and lower in (0, 1):
        whole = Big(big.operation, big.index, 1, upper + 1 - lower)
        return Syntax("big", piece.start, piece.end, piece.args, whole)
    if subscripts and lower < 0:
        raise ShapeProblem(f"the sum starts at {lower}; entries are counted from 1, or from 0")
    count = upper - lower + 1
    if not 0 < count <= MAX_UNROLLED or count * len(post_order(body)) > _MAX_PARTS:
        raise LimitProblem(f"a sum over {count} numbers; the limit is {MAX_UNROLLED}")
    first = min(lower, 1)
    terms = [_at(body, big.index, k, suffix, declared, k - first) for k in range(lower, upper + 1)]
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
    body: Syntax, index: str, k: int, suffix: re.Pattern[str], declared: frozenset[str], place: int
) -> Syntax:
    """The body with the number ``k`` for the index; entry ``k`` of an array is at ``place``."""

    def change(part: Syntax) -> Syntax | None:
        if part.kind == "name":
            if part.value == index:
                return number(k, part)
            found = suffix.fullmatch(part.value)
            if found and found[1] in declared:
                base = Syntax("name", part.start, part.end, (), found[1])
                return Syntax("index", part.start, part.end, (base,), (Slice("at", (place,)),))
            if found:
                return Syntax("name", part.start, part.end, (), f"{found[1]}_{k}")
        if part.kind == "index" and any(s.name == index for s in part.value):
            items = tuple(Slice("at", (place,)) if s.name == index else s for s in part.value)
            return Syntax("index", part.start, part.end, part.args, items)
        return None

    return mapped(body, change)
