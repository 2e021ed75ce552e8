"""How the names of a formula are read: data, parameters, sizes, and their ranks.

Nothing here is guessed silently: the outcome is part of the :class:`Problem` and
is shown to the user (``data: x, y (N rows)   parameters: m, b``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from symgd.errors import NameProblem
from symgd.formula.functions import REDUCTIONS, RESERVED, words
from symgd.formula.shapes import Shape
from symgd.formula.syntax import Big, Syntax, post_order

CONVENTIONAL_DATA = frozenset({"x", "y", "t", "X", "Y"})
ROW_COUNTS = frozenset({"N", "n"})
_SUFFIX = re.compile(r"(.+)_([A-Za-z]{1,3})")
_FREE_INDEX = frozenset("ijkl")
_IMPLICIT_INDEX = frozenset("ijk")

_GREEK_NAMES = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ",
        words(
            "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma "
            "tau upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
        ),
        strict=True,
    )
)

Scope = tuple[str, ...]


@dataclass(frozen=True)
class Declared:
    """What the caller said about names before the formula was read."""

    wrt: tuple[str, ...] | None = None
    columns: Mapping[str, Shape | None] = field(default_factory=dict)
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    constants: Mapping[str, object] = field(default_factory=dict)

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset([*(self.wrt or ()), *self.columns, *self.shapes, *self.constants])

    @property
    def sizes(self) -> frozenset[str]:
        """The names of sizes that occur in declared shapes, such as ``n`` and ``p``."""
        shapes = [s for s in (*self.shapes.values(), *self.columns.values()) if s]
        return frozenset(base_size(d) for s in shapes for d in s if isinstance(d, str))


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
    sizes: set[str]
    """Names that stand in ``ones(...)``."""


def survey(root: Syntax, declared: frozenset[str]) -> Survey:
    """Walk the syntax from the top and note how every name occurs."""
    uses: list[Use] = []
    scopes: dict[int, Scope] = {}
    limits: dict[str, int | str | None] = {}
    reduces = False
    sizes: set[str] = set()
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
        if kind == "number":
            continue
        if kind in ("ones", "scatter"):
            named = piece.value if kind == "ones" else piece.value[0]
            sizes |= {base_size(size) for size in named if isinstance(size, str)}
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
        elif kind == "pow":
            above = piece.args[1]
            stack.append((above, scope, inside, False))
            stack.append((piece.args[0], scope, inside, below or above.kind == "neg"))
        else:
            stack.extend([(part, scope, inside, below) for part in reversed(piece.args)])
    return Survey(uses, scopes, limits, reduces, sizes)


_LOOK_ALIKES = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEZHIKMNOPTYXo")  # noqa: RUF001


def refuse_look_alikes(found: Survey) -> None:
    """``θ`` beside ``theta``, or a Greek beside a Latin A, would be two names that look alike."""
    names = {use.name for use in found.uses}
    for name in sorted(names):
        if name.isascii():
            continue
        spelled = "".join(_GREEK_NAMES.get(letter, letter) for letter in name)
        for other in {spelled, name.translate(_LOOK_ALIKES)} - {name}:
            if other in names:
                raise NameProblem(
                    f"{name} and {other} are the same name in two spellings",
                    hint=f"write {other} everywhere, or {name} everywhere",
                )


def refuse_free_entries(found: Survey, declared: frozenset[str]) -> None:
    """``z_k`` beside ``sum_j exp(z_j)``: one entry of z, and nothing says which."""
    indexed = {use.name for use in found.uses if use.indices}
    for use in found.uses:
        suffix = _SUFFIX.fullmatch(use.name)
        if suffix is None or use.name in declared or suffix[1] not in indexed:
            continue
        if set(suffix[2]) <= _FREE_INDEX:
            base, index = suffix[1], suffix[2]
            raise NameProblem(
                f"{use.name} is an entry of {base}, and nothing says which: "
                f"no sum runs over {index} here",
                hint=f"write {base}[0] for the first entry, sum_{index} y_{index} "
                f"{base}_{index} for the one that a column y marks with 1",
            )


def base_size(size: str) -> str:
    """``N`` of ``N-1``."""
    return re.split(r"[+-]", size)[0]


def split_index(name: str, scope: Scope, declared: frozenset[str]) -> tuple[str, Scope]:
    """``x_i`` inside a sum over i is ("x", ("i",)); elsewhere it is one name."""
    if not scope or name in declared:
        return name, ()
    found = _SUFFIX.fullmatch(name)
    if found is None or found[1] in RESERVED or not all(letter in scope for letter in found[2]):
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
    """Names that stand for sizes: limits of sums, declared sizes, and N or n as row count.

    N counts the rows where it divides, as in ``1/N sum_i ...``; inside a reduction it must
    do nothing else, for in ``sum(x^n)/n`` it is an exponent.
    """
    known = declared.names
    sizes = {limit for limit in found.limits.values() if isinstance(limit, str)}
    sizes |= (declared.sizes | found.sizes) - known
    if found.reduces:
        for name in ROW_COUNTS - known - sizes:
            uses = [u for u in found.uses if u.name == name]
            divides = any(u.in_denominator for u in uses)
            if divides and all(u.in_denominator or not u.in_reduction for u in uses):
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


def is_capital(name: str) -> bool:
    """Capital letters name matrices, as in textbooks."""
    return name[:1].isupper()
