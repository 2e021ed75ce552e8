"""What runs on the workers of a cluster: plain functions of text, numbers and arrays.

They are named to the workers by their place in this module; a formula travels as the text of its
:class:`~symgd.scale.spec.Spec` and is compiled once in each worker, a part of a file as its path.
Nothing but sums comes back, apart from a sample of some rows (:func:`sampled`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from symgd.data.columns import FloatArray, as_column
from symgd.data.frames import plain_array, read_frame
from symgd.data.names import select
from symgd.data.paths import paths_of
from symgd.errors import DataError
from symgd.scale import work
from symgd.scale.moments import summed
from symgd.scale.parts import ArrayPart, Block, FilePart
from symgd.scale.products import merge
from symgd.scale.source import from_files, in_pieces
from symgd.scale.spec import Spec
from symgd.scale.totals import merged, totals

Result = tuple[int, int, list[FloatArray]]
"""Rows, dropped rows, and what they add."""


def version() -> str:
    """The version of this package on the worker."""
    import symgd

    return symgd.__version__


def described(paths: Any, missing: str) -> dict[str, Any]:
    """The parts of files that the worker sees, and the names of their columns."""
    found = paths_of(paths, limited=False)
    if found is None:
        raise DataError(f"{paths!r} names no files")
    source = in_pieces(from_files(found, missing))
    parts = [part.plain() for part in source.parts if isinstance(part, FilePart)]
    return {"parts": parts, "names": list(source.names), "label": source.label}


def names_of(partition: Any) -> list[str]:
    """The names of the columns of a partition."""
    from symgd.data import column_names

    return column_names(_whole(partition))


def sampled(partition: Any, columns: list[str], rows: int, missing: str) -> dict[str, FloatArray]:
    """The first rows of a partition."""
    found: dict[str, list[FloatArray]] = {name: [] for name in columns}
    left = rows
    for block, _ in blocks_of(partition, columns, missing):
        for name in columns:
            found[name].append(np.array(block[name][:left]))
        left -= len(block[columns[0]])
        if left <= 0:
            break
    return {name: np.concatenate([*pieces, np.empty(0)]) if pieces else np.empty(0)
            for name, pieces in found.items()}  # fmt: skip


def partial(partition: Any, spec_text: str, missing: str, what: str, given: list[Any]) -> Result:
    """What a partition adds; ``what`` names a function of :mod:`symgd.scale.work`."""
    spec = Spec.again(spec_text)
    blocks = blocks_of(partition, spec.names, missing)
    if what == "count":
        return work.count(spec, blocks)
    if what == "inner":
        return work.inner(spec, blocks, *given)
    if what == "moments":
        rows, dropped, found = work.moments(spec, blocks)
        return rows, dropped, [summed(found)] if found else []
    kind, stage, states, backend = given
    rows, dropped, parts = work.sums(spec, blocks, kind, stage, states, backend)
    kinds = totals(spec, kind, backend).kinds(stage)
    return rows, dropped, [merged(own, kinds) for own in parts]


def joined(spec_text: str, what: str, given: list[Any], *results: Result) -> Result:
    """What several partitions add together, in their order."""
    rows = sum(result[0] for result in results)
    dropped = sum(result[1] for result in results)
    lists = [result[2] for result in results if result[2]]
    if not lists or what == "count":
        return rows, dropped, []
    if what == "moments":
        return rows, dropped, [summed([own[0] for own in lists])]
    if what == "inner":
        total = lists[0]
        for own in lists[1:]:
            total = [merge(a, b) for a, b in zip(total, own, strict=True)]
        return rows, dropped, total
    kind, stage, _, backend = given
    kinds = totals(Spec.again(spec_text), kind, backend).kinds(stage)
    found = [merged(np.concatenate(parts), kinds) for parts in zip(*lists, strict=True)]
    return rows, dropped, found


# -- partitions --------------------------------------------------------------------------------


def aligned(names: list[str], *pieces: Any) -> dict[str, Any]:
    """Chunks of arrays as one partition of columns."""
    return dict(zip(names, pieces, strict=True))


def blocks_of(partition: Any, columns: list[str], missing: str) -> Iterator[tuple[Block, int]]:
    """The rows of a partition block by block: a part of a file, or a table in memory."""
    if isinstance(partition, dict) and set(partition) == {"path", "groups", "before", "rows"}:
        return FilePart.again(partition).blocks(columns, missing)
    arrays = arrays_of(partition, columns)
    n = len(next(iter(arrays.values()), ()))
    return ArrayPart(arrays, 0, n, "a partition").blocks(columns, missing)


def arrays_of(partition: Any, columns: list[str]) -> dict[str, FloatArray]:
    """The columns of a partition as float64 arrays; missing values are NaN."""
    whole = _whole(partition)
    if not isinstance(whole, Mapping):
        return read_frame(whole, columns, "a partition")
    chosen = select(list(whole), columns, "a partition")
    names = list(whole)
    found = {}
    for name, at in chosen.items():
        where = f"column {name!r} of a partition"
        found[name] = as_column(plain_array(whole[names[at]], where), where, matrix=True)
    lengths = {name: len(column) for name, column in found.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"the columns of a partition differ in their number of rows: {lengths}")
    return found


def _whole(partition: Any) -> Any:
    """A partition of a bag (a list of tables, mappings or records) as one table."""
    if not isinstance(partition, list | tuple):
        return partition
    if not partition:
        raise DataError("a partition of the bag is empty; filter such partitions out")
    first = partition[0]
    if isinstance(first, Mapping):
        if all(np.ndim(value) == 0 for value in first.values()):
            return {name: [record[name] for record in partition] for name in first}
        return {name: np.concatenate([np.asarray(p[name]) for p in partition]) for name in first}
    if len(partition) == 1:
        return first
    raise DataError(
        f"a partition of the bag holds {len(partition)} objects of type {type(first).__name__}; "
        "let each be one table, or a record (a mapping of names to numbers)"
    )
