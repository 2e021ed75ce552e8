"""When ``I`` is the identity matrix: nobody declared it, and it stands where a matrix must.

``X.T @ X + lam*I`` and ``(I - H) @ y`` mean the identity, and never a number added to
every entry. Elsewhere (``V = I*R``) the letter is a name as any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from symgd.formula.functions import REDUCTIONS
from symgd.formula.reading import Declared, Survey
from symgd.formula.shapes import Unknown
from symgd.formula.syntax import Syntax

IDENTITY = "I"
_TO_NUMBER = frozenset({*REDUCTIONS, "trace", "det", "logdet", "dot", "size"})


def names_identity(
    pieces: Sequence[Syntax],
    found: Survey,
    declared: Declared,
    ranks: Mapping[str, int],
    given: Mapping[str, Iterable[object]],
) -> bool:
    """Whether the name ``I`` of a formula is the identity matrix.

    ``pieces`` come parts first; ``ranks`` are those of the other names.
    """
    uses = [use for use in found.uses if use.name == IDENTITY]
    if not uses or IDENTITY in declared.names or any(use.indices for use in uses):
        return False
    known: dict[int, int] = {}
    for piece in pieces:
        parts = [known[id(part)] for part in piece.args]
        multiples = [is_multiple(part) for part in piece.args]
        if piece.kind == "matmul" and any(multiples):
            return True
        if piece.kind == "add" and any(multiples) and 2 in parts:
            return True
        known[id(piece)] = _rank(piece, parts, ranks, given)
    return False


def is_identity(shape: Sequence[object] | None) -> bool:
    """Whether a guessed shape is that of the identity: one unknown size twice."""
    return shape is not None and len(shape) == 2 and shape[0] is shape[1] and (
        isinstance(shape[0], Unknown)
    )  # fmt: skip


def is_multiple(piece: Syntax) -> bool:
    """``I``, ``-I``, ``2*I``, ``I/n``, ``I*lam``."""
    while piece.kind in ("neg", "mul", "div"):
        named = [part for part in piece.args if part.kind == "name" and part.value == IDENTITY]
        piece = named[0] if named else piece.args[0 if piece.kind != "mul" else -1]
    return piece.kind == "name" and piece.value == IDENTITY


def _rank(
    piece: Syntax,
    parts: Sequence[int],
    ranks: Mapping[str, int],
    given: Mapping[str, Iterable[object]],
) -> int:
    if piece.kind == "name":
        shape = given.get(piece.value)
        return ranks.get(piece.value, 0) if shape is None else len(tuple(shape))
    if piece.kind == "matmul":
        return max(0, parts[0] + parts[1] - 2)
    if piece.kind == "big" or (piece.kind == "call" and piece.value.name in _TO_NUMBER):
        return 0
    if piece.kind == "call" and piece.value.name == "outer":
        return 2
    return max(parts, default=0)
