"""How the names of a formula are read: data, parameters, sizes, and their ranks.

Nothing here is guessed silently: the outcome is part of the :class:`Problem` and
is shown to the user (``data: x, y (N rows)   parameters: m, b``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from symgd.errors import NameProblem, ShapeProblem
from symgd.formula.functions import REDUCTIONS
from symgd.formula.shapes import Shape, Unknown
from symgd.formula.syntax import Big, Syntax, post_order

CONVENTIONAL_DATA = frozenset({"x", "y", "t", "X", "Y"})
ROW_COUNTS = frozenset({"N", "n"})
_SUFFIX = re.compile(r"(.+)_([A-Za-z]{1,3})")
_IMPLICIT_INDEX = frozenset("ijk")

Scope = tuple[str, ...]


@dataclass(frozen=True)
class Declared:
    """What the caller said about names before the formula was read."""

    wrt: tuple[str, ...] | None = None
    columns: Mapping[str, Shape | None] = field(default_factory=dict)
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    constants: Mapping[str, object] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        return frozenset([*(self.wrt or ()), *self.columns, *self.shapes, *self.constants])

    @property
    def sizes(self) -> frozenset[str]:
        """The names of sizes that occur in declared shapes, such as ``n`` and ``p``."""
        shapes = [s for s in (*self.shapes.values(), *self.columns.values()) if s]
        return frozenset(d for s in shapes for d in s if isinstance(d, str) and d.isidentifier())


@dataclass
class Use:
    """One occurrence of a name: with which indices, and where it stands."""

    piece: Syntax
    name: str
    indices: Scope
    in_reduction: bool
    in_denominator: bool
    row: bool = False
    """An indexed name used as a vector, such as ``x_i^T w``."""


@dataclass
class Survey:
    """All occurrences of names, and the indices bound at each piece."""

    uses: list[Use]
    scopes: dict[int, Scope]
    limits: dict[str, int | str | None]
    reduces: bool


def survey(root: Syntax, declared: frozenset[str]) -> Survey:
    """Walk the syntax from the top and note how every name occurs."""
    uses: list[Use] = []
    scopes: dict[int, Scope] = {}
    limits: dict[str, int | str | None] = {}
    reduces = False
    stack: list[tuple[Syntax, Scope, bool, bool]] = [(root, (), False, False)]
    while stack:
        piece, scope, inside, below = stack.pop()
        kind = piece.kind
        if kind == "name":
            if scope:
                scopes[id(piece)] = scope
            base, indices = split_index(piece.value, scope, declared)
            uses.append(Use(piece, base, indices, inside, below))
            continue
        if kind in ("number", "ones"):
            continue
        if kind == "index" and piece.args[0].kind == "name":
            scopes[id(piece)] = scope
            uses.append(_indexed_use(piece, scope, inside, below))
            continue
        if kind == "big":
            big: Big = piece.value
            limits[big.index] = big.upper
            scope, inside, reduces = (*scope, big.index), True, True
        elif kind == "call" and piece.value.name in REDUCTIONS:
            reduces = inside = True
            index = _implicit_index(piece, scope, declared)
            if index is not None:
                limits.setdefault(index, None)
                scope = (*scope, index)
        elif kind == "matmul" or (kind == "call" and piece.value.name == "softmax"):
            reduces = True
        if scope:
            scopes[id(piece)] = scope
        if kind == "div":
            stack.append((piece.args[1], scope, inside, True))
            stack.append((piece.args[0], scope, inside, below))
        else:
            stack.extend((part, scope, inside, below) for part in reversed(piece.args))
    return Survey(uses, scopes, limits, reduces)


def split_index(name: str, scope: Scope, declared: frozenset[str]) -> tuple[str, Scope]:
    """``x_i`` inside a sum over i is ("x", ("i",)); elsewhere it is one name."""
    if not scope or name in declared:
        return name, ()
    found = _SUFFIX.fullmatch(name)
    if found is None or not all(letter in scope for letter in found[2]):
        return name, ()
    return found[1], tuple(found[2])


def _indexed_use(piece: Syntax, scope: Scope, inside: bool, below: bool) -> Use:
    names = tuple(item.name for item in piece.value if item.kind == "name")
    for name in names:
        if name not in scope:
            raise NameProblem(
                f"the index {name} is not bound by a sum",
                hint=f"write sum(..., {name}=1..N) or sum_{name} ...",
            )
    row = bool(names) and len(names) < len(piece.value)
    return Use(piece, piece.args[0].value, names, inside, below, row)


def _implicit_index(call: Syntax, scope: Scope, declared: frozenset[str]) -> str | None:
    """The index i of ``mean((y_i - m*x_i)^2)``, where no sum names it."""
    if scope:
        return None
    letters: set[str] = set()
    for piece in post_order(call):
        if piece.kind == "big":
            return None
        if piece.kind == "name" and piece.value not in declared:
            found = _SUFFIX.fullmatch(piece.value)
            if found and found[2] in _IMPLICIT_INDEX:
                letters.add(found[2])
    return letters.pop() if len(letters) == 1 else None


# -- roles --------------------------------------------------------------------------------------


def size_names(found: Survey, declared: Declared) -> set[str]:
    """Names that stand for sizes: limits of sums, declared sizes, and N or n as row count."""
    known = declared.names
    sizes = {limit for limit in found.limits.values() if isinstance(limit, str)}
    sizes |= declared.sizes - known
    if found.reduces:
        for name in ROW_COUNTS - known - sizes:
            uses = [u for u in found.uses if u.name == name]
            if uses and all(u.in_denominator and not u.in_reduction for u in uses):
                sizes.add(name)
    return sizes - frozenset(declared.columns) - frozenset(declared.constants)


def data_names(found: Survey, declared: Declared) -> set[str]:
    """Names read as columns of data."""
    wrt = frozenset(declared.wrt or ())
    data = set(declared.columns)
    for use in found.uses:
        if use.name in wrt or use.name in declared.constants:
            continue
        indexed = bool(use.indices)
        conventional = use.name in CONVENTIONAL_DATA and use.in_reduction
        if not declared.columns and (indexed or conventional):
            data.add(use.name)
    return data - wrt


# -- ranks --------------------------------------------------------------------------------------


def guess_shapes(
    root: Syntax, found: Survey, declared: Declared, data: set[str], sizes: set[str]
) -> dict[str, Shape]:
    """A shape for every name; sizes that only unification can tell are Unknown."""
    ranks = _ranks(root, found, declared, data, sizes)
    shapes: dict[str, Shape] = {}
    for use in found.uses:
        name = use.name
        if name in shapes or name in sizes:
            continue
        if name in declared.shapes:
            shapes[name] = tuple(declared.shapes[name])
        elif declared.columns.get(name) is not None:
            shapes[name] = tuple(declared.columns[name] or ())
        else:
            shapes[name] = tuple(Unknown() for _ in range(ranks.get(name, 0)))
    return shapes


def is_capital(name: str) -> bool:
    """Capital letters name matrices, as in textbooks."""
    return name[:1].isupper()


def _ranks(
    root: Syntax, found: Survey, declared: Declared, data: set[str], sizes: set[str]
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
        if use.name in data and use.in_reduction or use.name in declared.columns:
            ranks[use.name] = max(ranks[use.name], 1)
        if use.name in CONVENTIONAL_DATA and use.in_reduction and use.name in (declared.wrt or ()):
            ranks[use.name] = max(ranks[use.name], 1)
    _ranks_from_products(root, found, ranks, set(given), declared.names)
    _ranks_from_neighbours(root, ranks, given)
    return ranks


def _ranks_from_products(
    root: Syntax, found: Survey, ranks: dict[str, int], given: set[str], declared: frozenset[str]
) -> None:
    """``A @ x``: capitals are matrices, other names vectors; ``x @ y`` alone is refused."""
    pairs: list[tuple[Syntax, list[tuple[str, int]]]] = []
    evidence = set(given) | {n for n, r in ranks.items() if r}
    for piece in post_order(root):
        name = piece.value.name if piece.kind == "call" else ""
        scope = found.scopes.get(id(piece), ())
        if piece.kind == "matmul" or _is_juxtaposed(piece):
            operands = [_bare(part, scope, declared) for part in piece.args]
            pairs.append((piece, [o for o in operands if o]))
            if len([o for o in operands if o]) < 2 or piece.kind == "mul":
                evidence |= {o[0] for o in operands if o}
        elif piece.kind == "transpose":
            base = _bare(piece.args[0], scope, declared)
            if base:
                evidence.add(base[0])
                _raise_rank(ranks, base, 2 if is_capital(base[0]) else 1, given)
        elif name in ("norm", "norm1", "logsumexp", "softmax", "outer", "solve", "inv", "trace",
                      "det", "logdet", "diag"):  # fmt: skip
            for i, part in enumerate(piece.args):
                base = _bare(part, scope, declared)
                if base:
                    capital = is_capital(base[0])
                    if name in ("inv", "trace", "det", "logdet") or (name == "solve" and i == 0):
                        _refuse_small(piece, base, capital, given)
                    evidence.add(base[0])
                    _raise_rank(ranks, base, 2 if capital and name != "outer" else 1, given)
    for _piece, operands in pairs:
        capital = any(is_capital(name) for name, _ in operands)
        for name, indices in operands:
            if capital or name in evidence:
                evidence |= {n for n, _ in operands}
            _raise_rank(ranks, (name, indices), 2 if is_capital(name) else 1, given)
    for piece, operands in pairs:
        if operands and not any(name in evidence for name, _ in operands) and len(operands) > 1:
            first, second = operands[0][0], operands[1][0]
            raise ShapeProblem(
                f"nothing says that {first} and {second} are vectors", "", None,
                f"declare their shapes, for example shapes={{'{first}': 'n', '{second}': 'n'}}; "
                "a product of numbers is *",
            )  # fmt: skip


def _refuse_small(
    piece: Syntax, base: tuple[str, int], capital: bool, given: set[str]
) -> None:
    if not capital and base[0] not in given:
        raise ShapeProblem(
            f"{piece.value.name} needs a square matrix, and {base[0]} is not known to be one",
            hint=f"declare its shape, for example shapes={{'{base[0]}': 'n,n'}}",
        )


def _is_juxtaposed(piece: Syntax) -> bool:
    """``x^T w``: a transpose directly before its factor is a matrix product."""
    if piece.kind != "mul" or piece.value != "implicit":
        return False
    left = piece.args[0]
    while left.kind == "mul" and left.value == "implicit":
        left = left.args[1]
    return left.kind == "transpose"


def _bare(piece: Syntax, scope: Scope, declared: frozenset[str]) -> tuple[str, int] | None:
    """The name and number of indices of an operand that is just a name."""
    while piece.kind in ("transpose", "neg") or (
        piece.kind == "mul" and piece.value == "implicit"
    ):
        piece = piece.args[-1]
    if piece.kind == "name" and piece.value not in ("e", "pi"):
        name, indices = split_index(piece.value, scope, declared)
        return name, len(indices)
    return None


def _raise_rank(
    ranks: dict[str, int], base: tuple[str, int], rank: int, given: set[str]
) -> None:
    name, indices = base
    if name in given or name not in ranks:
        return
    if indices:
        rank = indices + 1
    ranks[name] = max(ranks[name], rank)


def _ranks_from_neighbours(
    root: Syntax, ranks: dict[str, int], given: Mapping[str, Iterable[object]]
) -> None:
    """A capital data name beside a matrix (``X @ W - Y``) is a matrix too."""
    known: dict[int, int] = {}
    for piece in post_order(root):
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
        elif kind == "add" and rank == 2:
            for part in piece.args:
                leaf = part.args[0] if part.kind == "neg" else part
                if leaf.kind == "name" and is_capital(leaf.value) and leaf.value not in given:
                    ranks[leaf.value] = 2
        known[id(piece)] = rank
