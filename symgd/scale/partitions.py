"""The partitions of collections of Dask, as delayed values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from symgd.errors import DataError
from symgd.scale import remote
from symgd.scale.parts import Block
from symgd.scale.source import Source, belongs_to_dask


def delayed_partitions(data: Any) -> list[Any]:
    """The partitions of a DataFrame, a bag, a mapping of arrays or a list, as delayed values."""
    if isinstance(data, Mapping):
        found = _array_partitions(data)
    elif isinstance(data, list | tuple):
        found = list(data)
    elif type(data).__name__ in ("DataFrame", "Bag"):
        found = list(data.to_delayed())
    else:
        raise DataError(
            f"a Dask {type(data).__name__} is not a table: give a DataFrame, a bag, a mapping of "
            "names to arrays, or a list of delayed tables"
        )
    if not found:
        raise DataError("the data have no partitions")
    return found


def _array_partitions(data: Mapping[str, Any]) -> list[Any]:
    """The chunks of arrays, cut at the same rows."""
    import dask.array
    from dask.delayed import delayed

    names = list(data)
    arrays: list[Any] = [
        dask.array.asarray(data[name])  # type: ignore[no-untyped-call]
        for name in names
    ]
    lengths = {name: array.shape[0] for name, array in zip(names, arrays, strict=True)}
    if len(set(lengths.values())) > 1:
        raise DataError(f"the arrays differ in their number of rows: {lengths}")
    cut = next(k for k, name in enumerate(names) if belongs_to_dask(data[name]))
    chunks = arrays[cut].chunks[0]
    pieces = []
    for array in arrays:
        whole = array.rechunk({0: chunks, **dict.fromkeys(range(1, array.ndim), -1)})
        pieces.append(list(whole.to_delayed().ravel()))
    aligned = delayed(remote.aligned)
    return [aligned(names, *row) for row in zip(*pieces, strict=True)]


def in_turn(data: Any, missing: str) -> Source:
    """The partitions of a collection of Dask, each computed here when it is its turn."""
    parts = tuple(LazyPart(one) for one in delayed_partitions(data))
    names = tuple(remote.names_of(parts[0].partition()))
    return Source(parts, names, "the partitions", None, 0.0, missing)


@dataclass(frozen=True, eq=False)
class LazyPart:
    """A delayed partition, computed in this process whenever its rows are read."""

    delayed: Any
    rows: int | None = None

    def partition(self) -> Any:
        """The partition."""
        return self.delayed.compute()

    def blocks(self, columns: list[str], missing: str) -> Iterator[tuple[Block, int]]:
        """The columns in blocks of at most ``BLOCK`` rows, each with the rows dropped from it."""
        return remote.blocks_of(self.partition(), columns, missing)
