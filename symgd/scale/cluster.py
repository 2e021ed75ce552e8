"""The rows on many machines: a Dask cluster goes over them, and sums travel.

Each partition stays with its worker (a sample of some thousand rows comes here, for a start). A
pass sends the parameters to all of them, each worker computes what its partitions add (with the
same compiled code as one machine, built once per worker from the text of the formula), and the
results are joined eight at a time, in the order of the partitions, whatever finishes first. A
worker that dies loses only its partial results: the scheduler has them computed again elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from symgd.data.columns import FloatArray
from symgd.data.paths import many_paths
from symgd.errors import DataError, OptionError, SymgdError
from symgd.scale import remote
from symgd.scale.engine import Engine
from symgd.scale.partitions import delayed_partitions, in_turn
from symgd.scale.parts import Block
from symgd.scale.progress import Reading, watchers
from symgd.scale.source import Source, is_dask
from symgd.scale.spec import Spec

_FAN = 8
"""Results that are joined at a time."""
_WAIT = 15
_MISSING = 'engine="dask" needs Dask: pip install "symgd[dask]"'

Maker = Callable[[Source, Spec, Iterable[Any]], Engine]


@dataclass(frozen=True, eq=False)
class Spread(Source):
    """A source whose parts are partitions on a cluster; a sample of them is read there."""

    client: Any = None
    partitions: tuple[Any, ...] = ()

    def sample(self, columns: list[str], rows: int) -> dict[str, FloatArray]:
        """About ``rows`` rows, from the beginning of every partition (at most 64)."""
        chosen = self.partitions[:: -(-len(self.partitions) // 64)]
        share = -(-rows // len(chosen))
        futures = [
            self.client.submit(remote.sampled, part, columns, share, self.missing, pure=False)
            for part in chosen
        ]
        found = _gathered(self.client, futures)
        whole = {name: np.concatenate([piece[name] for piece in found]) for name in columns}
        if not len(whole[columns[0]]):
            raise DataError(f"{self.label}: no rows were found at the beginning of its partitions")
        return whole


def opened(data: Any, missing: str, scheduler: Any) -> tuple[Source, Maker | None]:
    """The partitions behind ``data``, and what makes the engine that goes over them.

    A collection of Dask without a scheduler is computed here, one partition after the other (the
    maker is None then). Raises :class:`~symgd.errors.OptionError` if Dask is missing or no
    scheduler is found.
    """
    client = _client(scheduler, needed=not is_dask(data))
    if client is None:
        return in_turn(data, missing), None
    _check_workers(client)
    rows: int | None = None
    if is_dask(data):
        parts: tuple[Any, ...] = tuple(client.compute(delayed_partitions(data)))
        first = client.submit(remote.names_of, parts[0], pure=False)
        names, label = tuple(_gathered(client, [first])[0]), "the partitions"
    else:
        found = client.submit(remote.described, _plain_paths(data), missing, pure=False)
        known = _gathered(client, [found])[0]
        parts, names, label = tuple(known["parts"]), tuple(known["names"]), known["label"]
        if missing != "drop" and all(part["rows"] is not None for part in parts):
            rows = sum(part["rows"] for part in parts)
    source = Spread(
        parts=(), names=names, label=label, n_rows=rows, size=0.0, missing=missing, client=client,
        partitions=parts,
    )  # fmt: skip
    return source, _engine


def _plain_paths(data: Any) -> str | list[str]:
    """Paths as text, which the workers look up."""
    if isinstance(data, str | os.PathLike):
        return os.fspath(data)
    if many_paths(data):
        return [os.fspath(item) for item in data]
    raise DataError(
        f"a cluster takes paths that its workers can read, or collections of Dask, not a "
        f"{type(data).__name__}: data in this process are fitted fastest here"
    )


def _engine(source: Source, spec: Spec, observers: Iterable[Any]) -> Engine:
    assert isinstance(source, Spread)
    return Cluster(source, observers)


def _client(scheduler: Any, needed: bool) -> Any:
    """The client of a scheduler given by its address, as a client, or (None) the current one.

    None if there is none and none is ``needed``.
    """
    try:
        import distributed
    except ImportError:
        if needed or scheduler is not None:
            raise OptionError(_MISSING) from None
        return None
    if isinstance(scheduler, distributed.Client):
        return scheduler
    if scheduler is None:
        try:
            return distributed.get_client()
        except ValueError:
            if not needed:
                return None
            raise OptionError(
                "no Dask scheduler is known: give its address, scheduler='tcp://host:8786', or "
                "make a distributed.Client first"
            ) from None
    if not isinstance(scheduler, str):
        raise OptionError(
            f"scheduler is an address such as 'tcp://host:8786' or a Client, not {scheduler!r}"
        )
    known = _CLIENTS.get(scheduler)
    if known is not None and known.status == "running":
        return known
    try:
        made = distributed.Client(  # type: ignore[no-untyped-call]
            scheduler, timeout=_WAIT, set_as_default=False
        )
    except (OSError, ValueError, TimeoutError) as problem:
        raise OptionError(f"no Dask scheduler answers at {scheduler!r}: {problem}") from None
    _CLIENTS[scheduler] = made
    return made


_CLIENTS: dict[str, Any] = {}


def _check_workers(client: Any) -> None:
    """Workers must be there and have this version of the package."""
    try:
        client.wait_for_workers(1, timeout=_WAIT)
        theirs = client.submit(remote.version, pure=False).result(timeout=60)
    except TimeoutError:
        raise OptionError("the Dask scheduler has no workers; start some first") from None
    except ImportError as problem:
        raise OptionError(f"the workers of the cluster cannot import symgd: {problem}") from None
    if theirs != remote.version():
        raise OptionError(f"the workers have symgd {theirs}, this process has {remote.version()}")


def _gathered(client: Any, futures: list[Any]) -> list[Any]:
    """The results; what a worker raises on purpose is raised here."""
    try:
        return list(client.gather(futures))
    except SymgdError:
        raise
    except Exception as problem:
        raise DataError(
            f"the cluster could not do its part: {type(problem).__name__}: {problem}"
        ) from problem


class Cluster:
    """The partitions of a Dask cluster, gone over by its workers."""

    def __init__(self, source: Spread, observers: Iterable[Any] = ()) -> None:
        self.source = source
        self.passes = 0
        self.n_rows = source.n_rows
        self.dropped = 0
        self._client = source.client
        self._callbacks = watchers(observers)

    @property
    def words(self) -> str:
        """Where the rows are, in words."""
        workers = len(self._client.scheduler_info(n_workers=-1)["workers"])
        return (
            f"in {len(self.source.partitions)} partitions on {workers} "
            f"worker{'s' if workers != 1 else ''} of a Dask cluster"
        )

    def count(self, spec: Spec) -> int:
        """The number of rows, counted if it is not known."""
        if self.n_rows is None:
            self._passed(spec, "count", [])
        assert self.n_rows is not None
        return self.n_rows

    def inner(self, spec: Spec, theta: FloatArray, numbers: FloatArray) -> list[FloatArray]:
        """The inner products of all rows of every term at ``theta``."""
        return self._passed(spec, "inner", [theta, numbers])

    def moments(self, spec: Spec) -> FloatArray:
        """Sums of functions of the target."""
        return self._passed(spec, "moments", [])[0]

    def sums(
        self, spec: Spec, kind: str, stage: int, states: FloatArray, backend: str
    ) -> list[FloatArray]:
        """The parts of one stage of a program in the order of the rows, for each state."""
        return self._passed(spec, "sums", [kind, stage, states, backend])

    def read(self, spec: Spec) -> Iterator[Block]:
        """Refused: no partition leaves its worker."""
        raise OptionError(
            "the rows stay on the cluster; give the data for which predictions are wanted"
        )

    def _passed(self, spec: Spec, what: str, given: list[Any]) -> list[FloatArray]:
        """One pass: a task for each partition, then a tree of joins in their order."""
        began = perf_counter()
        self.passes += 1
        client, text = self._client, spec.plain()
        level = [
            client.submit(
                remote.partial, part, text, self.source.missing, what, given, pure=False
            )
            for part in self.source.partitions
        ]
        while len(level) > 1:
            groups = [level[k : k + _FAN] for k in range(0, len(level), _FAN)]
            level = [
                client.submit(remote.joined, text, what, given, *group, pure=False)
                for group in groups
            ]
        rows, dropped, found = _gathered(client, level)[0]
        if not rows:
            raise DataError(f"{self.source.label} have no rows of data")
        self.n_rows, self.dropped = int(rows), int(dropped)
        for callback in self._callbacks:
            callback(Reading(self.passes, rows, rows, perf_counter() - began))
        return list(found)
