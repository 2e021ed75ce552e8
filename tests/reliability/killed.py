"""Processes that are killed while they write, 100 times: ``python killed.py WHAT FOLDER SEED``.

A child writes as fast as it can and is killed with SIGKILL at a random moment; what it left is
then read. ``checkpoint``: two runs saved in turn to one place. ``cache``: two objects of the
kernel cache under one key, by two children at once. One JSON object is printed: how often what
was left is absent, whole, refused in words, or wrong.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import symgd
from symgd.compile.cache import Cache
from symgd.errors import DataError

TIMES = 100


def duration(act: Callable[[], None]) -> float:
    """The seconds of one ``act``, here and now."""
    began = time.monotonic()
    act()
    return time.monotonic() - began


def killed(act: Callable[[], None], longest: float, draw: random.Random, children: int) -> None:
    """Start children that do ``act`` again and again; kill them at a random moment."""
    started = []
    for _ in range(children):
        child = os.fork()
        if child == 0:
            try:
                while True:
                    act()
            finally:
                os._exit(1)  # it ends by a kill only
        started.append(child)
    time.sleep(draw.random() * longest)
    for child in started:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "a child ended by itself"


def checkpoints(folder: Path, draw: random.Random) -> Counter[str]:
    """Whether the checkpoint, or else the one before it, is one of the two that were written."""
    runs = [
        symgd.minimize("(x - 3)^2 + (y - 1)^4", start={"x": 9, "y": 5}, rate=0.01, steps=steps,
                       precision=None)
        for steps in (40, 400)
    ]  # fmt: skip
    right = {run.steps: run.params for run in runs}
    place = folder / "run.json"

    def save() -> None:
        for run in runs:
            symgd.save(place, run)

    longest = 3 * duration(save)
    found: Counter[str] = Counter()
    for _ in range(TIMES):
        killed(save, longest, draw, 1)
        for path in (place, place.with_name(place.name + ".previous")):
            if not path.exists():
                found["absent"] += 1
                continue
            try:
                saved = symgd.load(path)
            except DataError:
                found["refused"] += 1
                continue
            whole = right.get(saved.step) == dict(saved.params)
            found["whole" if whole else "wrong"] += 1
    return found


def objects(folder: Path, draw: random.Random) -> Counter[str]:
    """Whether the cache gives one of the two objects, or nothing."""
    cache = Cache(folder / "cache")
    contents = [b"a" * 300_000, b"b" * 200_000]

    def put() -> None:
        for content in contents:
            cache.put("key", content)

    longest = 3 * duration(put)
    found: Counter[str] = Counter()
    for _ in range(TIMES):
        killed(put, longest, draw, 2)
        got = cache.get("key")
        found["absent" if got is None else "whole" if got in contents else "wrong"] += 1
    return found


if __name__ == "__main__":
    what, folder, seed = sys.argv[1:]
    act = {"checkpoint": checkpoints, "cache": objects}[what]
    print(json.dumps(act(Path(folder), random.Random(seed))))
