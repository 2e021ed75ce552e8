"""A formula beside its data: which columns it uses, read and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from symgd.data import Table, column_names, load
from symgd.data.load import check_missing
from symgd.derive.partials import Partials
from symgd.errors import DataError, OptionError
from symgd.formula.parser import Parsed, parse_syntax
from symgd.formula.problem import Problem, ShapeLike, declare, from_syntax
from symgd.formula.shapes import Shape
from symgd.formula.syntax import names_in

ROWS = "N"


@dataclass(frozen=True)
class WithData:
    """A problem and the columns that it uses."""

    problem: Problem
    columns: dict[str, Any]
    n_rows: int
    dropped: int
    notes: tuple[str, ...]


def columns_of(source: Any, partials: Partials, missing: str = "refuse") -> dict[str, Any]:
    """The columns that the formula of ``partials`` uses."""
    problem = partials.problem
    needed = [s for s in problem.symbols if s.name not in partials.wrt]
    if not needed:
        return {}
    if source is None:
        names = ", ".join(s.name for s in needed)
        raise OptionError(f"the formula needs data for {names}")
    scalars = {}
    if isinstance(source, Mapping):
        scalars = {s.name: source[s.name] for s in needed if not s.shape and s.name in source}
    matrices = [s.name for s in needed if len(s.shape) == 2]
    wanted = [s.name for s in needed if s.name not in scalars]
    if not wanted:
        return scalars
    table = load(source, wanted, missing=missing, matrices=matrices)
    return {**table.columns, **scalars}


def read_with_data(
    text: str,
    data: Any,
    *,
    wrt: str | Iterable[str] | None = None,
    shapes: Mapping[str, ShapeLike] | None = None,
    constants: Mapping[str, float] | None = None,
    missing: str = "refuse",
) -> WithData:
    """Read a formula whose columns are those of ``data``; all other names are parameters.

    ``data`` is what :func:`symgd.data.load` takes. Only the columns that occur in
    the formula are loaded.
    """
    names = [] if data is None else column_names(data)
    declared = declare(wrt, None, shapes, constants)
    parsed = parse_syntax(text, declared.names | frozenset(names))
    return with_data(
        parsed, data, wrt=wrt, shapes=shapes, constants=constants, missing=missing
    )


def with_data(
    parsed: Parsed,
    data: Any,
    *,
    wrt: str | Iterable[str] | None = None,
    shapes: Mapping[str, ShapeLike] | None = None,
    constants: Mapping[str, float] | None = None,
    missing: str = "refuse",
) -> WithData:
    """The same for a formula that is parsed already."""
    check_missing(missing)
    if data is None:
        problem = from_syntax(parsed, declare(wrt, None, shapes, constants))
        if problem.data:
            raise OptionError(
                f"the formula has the data columns {', '.join(problem.data)}, and no data is given"
            )
        return WithData(problem, {}, 0, 0, ())
    used = _used(parsed, column_names(data), data)
    matrices = [name for name in used if name[:1].isupper()]
    table = load(data, used, missing=missing, matrices=matrices)
    columns: dict[str, Shape] = {
        name: (ROWS, *array.shape[1:]) for name, array in table.columns.items()
    }
    known = {n: s for n, s in (shapes or {}).items() if n not in columns}
    problem = from_syntax(parsed, declare(wrt, columns, known, constants))
    clash = [n for n in problem.declared.wrt or () if n in columns]
    if clash:
        raise DataError(f"{clash[0]} is a column of the data, so it cannot be a parameter")
    return WithData(problem, dict(table.columns), table.n_rows, table.dropped, table.notes)


def _used(parsed: Parsed, names: list[str], data: Any) -> list[str]:
    """The columns that occur in the formula, also as ``x_i``."""
    known = set(names)
    pieces = [parsed.root, *parsed.definitions.values()]
    found: dict[str, None] = {}
    for root in pieces:
        for piece in names_in(root):
            name = piece.value
            base = name if name in known else name.rpartition("_")[0]
            if base in known:
                found[base] = None
    if not found:
        source = "the data" if not isinstance(data, str | Table) else str(data)
        raise DataError(
            f"no column of {source} occurs in the formula; it has {', '.join(names[:12])}"
        )
    return list(found)
