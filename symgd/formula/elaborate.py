"""Syntax to typed graph: names resolved, indices turned into axes, shapes found.

``1/N sum_i (y_i - (m x_i + b))^2`` becomes the array formula
``1/N*sum((y - (m*x + b))^2)``: a bound index is an axis, a big operator reduces
it, and what lacks the axis is broadcast along it. Shapes that were not declared
are found by building the graph once with unknown sizes, which the shape rules
unify, and then again with the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from symgd.errors import FormulaError, LimitProblem, SyntaxProblem
from symgd.formula.builder import Builder
from symgd.formula.graph import MAX_NODES, Node, is_condition
from symgd.formula.identity_name import IDENTITY, is_identity
from symgd.formula.parser import Parsed
from symgd.formula.ranks import guess_shapes
from symgd.formula.reading import (
    ROW_COUNTS,
    Declared,
    Survey,
    base_size,
    data_names,
    refuse_free_entries,
    refuse_look_alikes,
    size_names,
    survey,
)
from symgd.formula.rewriting import substituted, unrolled
from symgd.formula.shapes import Shape, Unknown, settled, unify

SIZE_NAMES = "pqrklh"


@dataclass(frozen=True)
class Elaboration:
    """The graph of a formula and the reading of its names."""

    root: Node
    shapes: dict[str, Shape]
    data: frozenset[str]
    rows: str | None
    notes: tuple[str, ...]


def elaborate(parsed: Parsed, declared: Declared) -> Elaboration:
    """The typed graph of ``parsed``; errors carry the place in its text."""
    root = parsed.root
    try:
        root, pieces = unrolled(substituted(root, parsed.definitions), declared.names)
        if len(pieces) > MAX_NODES:
            raise LimitProblem(f"the formula has {len(pieces):,} parts; the limit is {MAX_NODES:,}")
        found = survey(root, declared.names)
        refuse_look_alikes(found)
        refuse_free_entries(found, declared.names)
        sizes = size_names(found, declared)
        data = data_names(found, declared)
        shapes = guess_shapes(pieces, found, declared, data, sizes)
    except FormulaError as error:
        raise error.located(parsed.text, root.start, root.end - root.start) from None
    identity = is_identity(shapes.get(IDENTITY))
    if any(isinstance(settled(s), Unknown) for shape in shapes.values() for s in shape):
        builder = Builder(parsed, declared, found, sizes, shapes)
        builder.build(pieces)
    count = _row_count(shapes, found, declared, sizes)
    usual = data or data_names(found, replace(declared, wrt=None))
    rows = _name_sizes(shapes, usual, found, declared, count)
    same = {count: rows} if count and rows is not None else {}
    shapes = {name: tuple(settled(s) for s in shape) for name, shape in shapes.items()}
    builder = Builder(parsed, declared, found, sizes, shapes, same)
    builder.identity = identity
    node = builder.build(pieces)
    if is_condition(node):
        raise SyntaxProblem(
            "a condition is not a formula to differentiate", parsed.text, root.start,
            "where(condition, a, b) chooses between two values", root.end - root.start,
        )  # fmt: skip
    order = [n for n in dict.fromkeys(builder.order) if n in shapes]
    kept = {name: shapes[name] for name in order}
    given = frozenset(data & set(kept))
    return Elaboration(node, kept, given, rows if given else None, builder.notes(parsed))


def _name_sizes(
    shapes: Mapping[str, Shape],
    data: set[str],
    found: Survey,
    declared: Declared,
    count: str | None,
) -> str | None:
    """Give names to the sizes that unification left open.

    The rows of the data are ``N``, or ``count``, what the formula itself calls them.
    """
    taken = set(shapes) | set(declared.sizes)
    rows = _row_size(shapes, data, found, declared)
    if isinstance(rows, Unknown):
        name = count or next(n for n in ("N", "n", "rows", "N_rows") if n not in taken)
        unify(rows, name)
        rows = name
    pool = iter([s for s in SIZE_NAMES if s not in taken] + [f"d{i}" for i in range(1, 999)])
    for shape in shapes.values():
        for size in shape:
            known = settled(size)
            if isinstance(known, Unknown):
                unify(known, next(pool))
    return rows if isinstance(rows, str) else None


def _row_count(
    shapes: Mapping[str, Shape], found: Survey, declared: Declared, sizes: set[str]
) -> str | None:
    """``n`` or ``N`` where it counts rows, as in ``1/n*sum(...)``, and is the size of nothing.

    There is one count of the rows: the columns get its name, or, where their size has a
    name already, it is another name of that size. Beside an ``N`` an ``n`` stays a size of
    its own.
    """
    written = {use.name for use in found.uses} & ROW_COUNTS & sizes
    fixed = {base_size(limit) for limit in found.limits.values() if isinstance(limit, str)}
    for shape in shapes.values():
        fixed |= {base_size(size) for size in map(settled, shape) if isinstance(size, str)}
    free = written - fixed - declared.sizes - found.sizes
    return next(iter(free)) if len(written) == 1 and free else None


def _row_size(
    shapes: Mapping[str, Shape], data: set[str], found: Survey, declared: Declared
) -> Any:
    """The size that counts the rows: the first axis of the data that no parameter has."""
    limits = [limit for limit in found.limits.values() if isinstance(limit, str)]
    own = {_key(s) for name, shape in shapes.items() if name not in data for s in shape}
    ranked = sorted(data, key=lambda name: (name not in declared.columns, name not in "yY", name))
    for name in ranked:
        shape = shapes.get(name)
        if shape and _key(shape[0]) not in own:
            return settled(shape[0])
    return limits[0] if limits else None


def _key(size: Any) -> Any:
    known = settled(size)
    return id(known) if isinstance(known, Unknown) else known
