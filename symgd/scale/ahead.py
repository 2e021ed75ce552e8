"""Reading ahead: a second thread reads the next blocks while the last one is worked on.

>>> list(ahead(iter(range(5))))
[0, 1, 2, 3, 4]
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any, TypeVar

T = TypeVar("T")
DEPTH = 2
"""Blocks that may wait to be taken."""


def ahead(source: Iterator[T], depth: int = DEPTH) -> Iterator[T]:
    """The items of ``source``, made by a thread that is at most ``depth`` items ahead.

    What the source raises is raised here. The thread ends with the iterator, also when that
    is closed before its end.
    """
    waiting: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=depth)
    over = threading.Event()

    def put(kind: str, value: Any) -> bool:
        while not over.is_set():
            try:
                waiting.put((kind, value), timeout=0.05)
                return True
            except queue.Full:
                continue
        return False

    def read() -> None:
        try:
            for item in source:
                if not put("item", item):
                    return
            put("end", None)
        except BaseException as problem:
            put("problem", problem)

    reader = threading.Thread(target=read, name="symgd-reader", daemon=True)
    reader.start()
    try:
        while True:
            kind, value = waiting.get()
            if kind == "end":
                return
            if kind == "problem":
                raise value
            yield value
    finally:
        over.set()
        reader.join()
