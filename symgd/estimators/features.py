"""The columns of a feature matrix and what they are called in a formula.

A DataFrame's columns have their own names; an array's are ``x0``, ``x1``, ... (a single one is
``x`` if the formula says so), unless ``features=`` names them. ``X`` is the whole matrix, in the
order of its columns, unless a column has that name.

>>> named = name_features("a*x1 + b", 3)
>>> named.names, named.matrix
(('x0', 'x1', 'x2'), 'X')
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symgd.data.names import NAME_RULE, is_name, listed, normal
from symgd.descend.objective import FloatArray
from symgd.estimators.refusals import EstimatorError
from symgd.formula.parser import Parsed, parse_syntax
from symgd.formula.syntax import names_in

MATRIX = "X"


@dataclass(frozen=True)
class Features:
    """The names of the p columns of X; one that no formula can spell is kept as it is.

    ``matrix`` is the name of the whole matrix, ``None`` if a column is called so.
    """

    names: tuple[str, ...]
    matrix: str | None = MATRIX

    @property
    def spelled(self) -> frozenset[str]:
        """The names that a formula can use."""
        own = [name for name in self.names if is_name(name)]
        return frozenset(own if self.matrix is None else [*own, self.matrix])

    def used(self, parsed: Parsed) -> tuple[str, ...]:
        """Which of them occur in a formula, also as ``x_i``."""
        known = self.spelled
        found: dict[str, None] = {}
        for root in (parsed.root, *parsed.definitions.values()):
            for piece in names_in(root):
                name = str(piece.value)
                base = name if name in known else name.rpartition("_")[0]
                if base in known:
                    found[base] = None
        return tuple(found)

    def columns(self, matrix: FloatArray, used: Iterable[str]) -> dict[str, FloatArray]:
        """The named columns of ``matrix`` (N, p): each (N,), the whole (N, p)."""
        places = {name: at for at, name in enumerate(self.names)}
        return {name: matrix if name == self.matrix else matrix[:, places[name]] for name in used}


def name_features(
    text: str, count: int, given: Sequence[str] | None = None, seen: Sequence[Any] | None = None
) -> Features:
    """The names of ``count`` columns: ``given`` by the user, ``seen`` on a DataFrame, or x0, x1.

    Raises :class:`EstimatorError` for names that are too few, twice there or no names.
    """
    if given is not None:
        names = _checked(given, count)
    elif seen is not None:
        names = tuple(normal(str(name)) for name in seen)
    elif count == 1 and _says(text, "x"):
        names = ("x",)
    else:
        names = tuple(f"x{k}" for k in range(count))
    return Features(names, None if MATRIX in names else MATRIX)


def _says(text: str, name: str) -> bool:
    """Whether a name occurs in a formula."""
    parsed = parse_syntax(text, frozenset({name}))
    return name in Features((name,), None).used(parsed)


def _checked(given: Sequence[str], count: int) -> tuple[str, ...]:
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise EstimatorError(f"features= is a list of names, one for each column, not {given!r}")
    names = list(given)
    wrong = [name for name in names if not isinstance(name, str) or not is_name(normal(name))]
    if wrong:
        raise EstimatorError(f"features= has {wrong[0]!r}, which is no name: {NAME_RULE}")
    names = [normal(name) for name in names]
    if len(set(names)) < len(names):
        double = next(name for name in names if names.count(name) > 1)
        raise EstimatorError(f"features= names {double!r} twice")
    if len(names) != count:
        raise EstimatorError(
            f"features= has {len(names)} names ({listed(names)}), but X has {count} columns"
        )
    return tuple(names)


__all__ = ["MATRIX", "Features", "name_features"]
