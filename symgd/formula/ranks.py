"""How many dimensions every name has, found by how it is used.

``A @ x`` says that ``A`` is a matrix (a capital) and ``x`` a vector; ``x_i`` that x is
a vector; ``X @ W - Y`` that Y is a matrix too. What nothing says is a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from symgd.errors import ShapeProblem
from symgd.formula.functions import REDUCTIONS
from symgd.formula.identity_name import IDENTITY, names_identity
from symgd.formula.reading import (
    CONVENTIONAL_DATA,
    Declared,
    Scope,
    Survey,
    is_capital,
    split_index,
)
from symgd.formula.shapes import Shape, Unknown
from symgd.formula.syntax import Syntax

_ARRAY_KINDS = frozenset({"matmul", "mul", "transpose", "call"})
_OF_SQUARES = frozenset({"inv", "trace", "det", "logdet", "matrix_power"})
_OF_ARRAYS = _OF_SQUARES | {"norm", "norm1", "logsumexp", "softmax", "outer", "solve", "diag"}


SQUARE = -2
"""The rank of the identity matrix: two dimensions of the same size."""


def guess_shapes(
    pieces: Sequence[Syntax], found: Survey, declared: Declared, data: set[str], sizes: set[str]
) -> dict[str, Shape]:
    """A shape for every name; sizes that only unification can tell are Unknown."""
    ranks = _ranks(pieces, found, declared, data, sizes)
    shapes: dict[str, Shape] = {}
    for use in found.uses:
        name = use.name
        if name in shapes or name in sizes:
            continue
        if name in declared.shapes:
            shapes[name] = tuple(declared.shapes[name])
        elif declared.columns.get(name) is not None:
            shapes[name] = tuple(declared.columns[name] or ())
        elif name == IDENTITY and ranks.get(name) == SQUARE:
            shapes[name] = (Unknown(),) * 2
        else:
            shapes[name] = tuple(Unknown() for _ in range(ranks.get(name, 0)))
    return shapes


def _ranks(
    pieces: Sequence[Syntax], found: Survey, declared: Declared, data: set[str], sizes: set[str]
) -> dict[str, int]:
    ranks: dict[str, int] = {}
    given = {**declared.shapes, **{c: s for c, s in declared.columns.items() if s is not None}}
    for use in found.uses:
        if use.name in given or use.name in sizes:
            continue
        least = len(use.indices) + use.row
        if use.piece.kind == "index" and not use.indices:
            least = sum(item.kind != "new" for item in use.piece.value)
        ranks[use.name] = max(ranks.get(use.name, 0), least)
        if (use.name in data and use.in_reduction) or use.name in declared.columns:
            ranks[use.name] = max(ranks[use.name], 1)
        if use.name in CONVENTIONAL_DATA and use.in_reduction and use.name in (declared.wrt or ()):
            ranks[use.name] = max(ranks[use.name], 1)
    _ranks_from_products(pieces, found, ranks, set(given), declared.names)
    if max([*ranks.values(), *map(len, given.values())], default=0) > 1:
        _ranks_from_neighbours(pieces, ranks, given)
    if names_identity(pieces, found, declared, ranks, given):
        ranks[IDENTITY] = SQUARE
    return ranks


def _ranks_from_products(
    pieces: Sequence[Syntax],
    found: Survey,
    ranks: dict[str, int],
    given: set[str],
    declared: frozenset[str],
) -> None:
    """``A @ x``: capitals are matrices, other names vectors; ``x @ y`` alone is refused."""
    pairs, evidence = _products_and_evidence(pieces, found, ranks, given, declared)
    for operands in pairs:
        capital = any(is_capital(name) for name, _ in operands)
        for name, indices in operands:
            if capital or name in evidence:
                evidence |= {n for n, _ in operands}
            _raise_rank(ranks, (name, indices), 2 if is_capital(name) else 1, given)
    for operands in pairs:
        if len(operands) > 1 and not any(name in evidence for name, _ in operands):
            first, second = operands[0][0], operands[1][0]
            raise ShapeProblem(
                f"nothing says that {first} and {second} are vectors", "", None,
                f"declare their shapes, for example shapes={{'{first}': 'n', '{second}': 'n'}}; "
                "a product of numbers is *",
            )  # fmt: skip


Operands = list[tuple[str, int]]


def _products_and_evidence(
    pieces: Sequence[Syntax],
    found: Survey,
    ranks: dict[str, int],
    given: set[str],
    declared: frozenset[str],
) -> tuple[list[Operands], set[str]]:
    """The bare names in every product, and the names that are arrays for some other reason."""
    pairs: list[Operands] = []
    evidence = set(given) | {n for n, r in ranks.items() if r}
    for piece in pieces:
        if piece.kind not in _ARRAY_KINDS:
            continue
        name = piece.value.name if piece.kind == "call" else ""
        scope = found.scopes.get(id(piece), ())
        bare = [_bare(part, scope, declared) for part in piece.args]
        sums = [_capitals(part, scope, declared) for part in piece.args]
        if piece.kind == "matmul" or _is_juxtaposed(piece):
            pairs.append([o for o in bare if o] + [o for terms in sums for o in terms])
            if len(pairs[-1]) < 2 or piece.kind == "mul":
                evidence |= {name for name, _ in pairs[-1]}
            continue
        if piece.kind != "transpose" and name not in _OF_ARRAYS:
            continue
        for term in (term for terms in sums for term in terms):
            evidence.add(term[0])
            _raise_rank(ranks, term, 2, given)
        for i, base in enumerate(bare):
            if base is None:
                continue
            capital = is_capital(base[0])
            if name in _OF_SQUARES or (name == "solve" and i == 0):
                _refuse_small(piece, base, capital, given)
            evidence.add(base[0])
            _raise_rank(ranks, base, 2 if capital and name != "outer" else 1, given)
    return pairs, evidence


def _refuse_small(piece: Syntax, base: tuple[str, int], capital: bool, given: set[str]) -> None:
    if not capital and base[0] not in given:
        raise ShapeProblem(
            f"{piece.value.name} needs a square matrix, and {base[0]} is not known to be one",
            hint=f"declare its shape, for example shapes={{'{base[0]}': 'n,n'}}",
        )


def _is_juxtaposed(piece: Syntax) -> bool:
    """``x^T w``: a transpose directly before its factor is a matrix product.

    So is what follows a matrix in such a product: ``x^T A y``.
    """
    if piece.kind != "mul" or piece.value != "implicit":
        return False
    left = piece.args[0]
    while left.kind in ("mul", "matmul"):
        if left.args[1].kind == "name" and is_capital(left.args[1].value) and _is_juxtaposed(left):
            return True
        left = left.args[1]
    return left.kind == "transpose"


def _bare(piece: Syntax, scope: Scope, declared: frozenset[str]) -> tuple[str, int] | None:
    """The name and number of indices of an operand that is just a name."""
    while piece.kind in ("transpose", "neg", "mul", "div"):
        piece = piece.args[0 if piece.kind == "div" else -1]
    if piece.kind == "name" and piece.value not in ("e", "pi"):
        name, indices = split_index(piece.value, scope, declared)
        return name, len(indices)
    return None


def _capitals(piece: Syntax, scope: Scope, declared: frozenset[str]) -> Operands:
    """The names of a sum of capitals, such as ``A - lam*I``: matrices where one must stand."""
    if piece.kind != "add":
        return []
    terms = [_bare(part, scope, declared) for part in piece.args]
    found = [term for term in terms if term is not None and is_capital(term[0])]
    return found if len(found) == len(terms) else []


def _raise_rank(ranks: dict[str, int], base: tuple[str, int], rank: int, given: set[str]) -> None:
    name, indices = base
    if name in given or name not in ranks:
        return
    if indices:
        rank = indices + 1
    ranks[name] = max(ranks[name], rank)


def _ranks_from_neighbours(
    pieces: Sequence[Syntax], ranks: dict[str, int], given: Mapping[str, Iterable[object]]
) -> None:
    """A capital data name beside a matrix (``X @ W - Y``, ``Y*log(P @ W)``) is a matrix too."""
    known: dict[int, int] = {}
    for piece in pieces:
        parts = [known.get(id(part), 0) for part in piece.args]
        rank = max(parts, default=0)
        kind = piece.kind
        if kind == "name":
            shape = given.get(piece.value)
            rank = len(tuple(shape)) if shape is not None else ranks.get(piece.value, 0)
        elif kind == "matmul":
            rank = max(0, parts[0] + parts[1] - 2)
        elif kind == "big" or (kind == "call" and piece.value.name in REDUCTIONS):
            rank = 0
        elif rank == 2 and (kind == "add" or (kind == "mul" and piece.value != "implicit")):
            for part in piece.args:
                leaf = part.args[0] if part.kind == "neg" else part
                if leaf.kind == "name" and is_capital(leaf.value) and leaf.value not in given:
                    ranks[leaf.value] = 2
        known[id(piece)] = rank
