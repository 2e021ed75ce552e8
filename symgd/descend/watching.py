"""Who looks on while a run goes on: observers, and a window when ``live`` is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

from symgd.descend.options import checked_observers
from symgd.errors import OptionError

Watcher = Callable[[Any], None]


@runtime_checkable
class Named(Protocol):
    """An observer that wants to know what the components of theta are called."""

    def named(self, names: tuple[str, ...]) -> None:
        """Take the names, in the order of theta."""


@contextmanager
def watched(
    observers: Iterable[Watcher] | Watcher, live: bool = False
) -> Iterator[tuple[Watcher, ...]]:
    """The observers of a run, with a window of :mod:`symgd.show` among them if ``live``.

    At the end the last state is drawn. Raises :class:`OptionError` if there is nothing that a
    window could open on.

    >>> with watched(print) as seen:
    ...     len(seen)
    1
    """
    seen = checked_observers(observers)
    if not isinstance(live, bool):
        raise OptionError(f"live must be True or False, not {live!r}")
    if not live:
        yield seen
        return
    from symgd.show.live import opened

    with opened() as window:
        yield (*seen, window)


def introduce(observers: Iterable[Watcher], names: tuple[str, ...]) -> None:
    """Tell the observers that ask for it the names of the components of theta."""
    for observer in observers:
        if isinstance(observer, Named):
            observer.named(names)
