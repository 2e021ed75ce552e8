"""The process that does the work of the page; it can be killed at any moment.

It says once that it is ready. Questions come as lines of JSON, ``{"verb": ..., "content": ...}``;
each is answered by any number of lines ``{"event": ...}`` and one last line, ``{"answer": ...}``
or ``{"failed": ...}``.
A question that runs too long, or needs too much memory, costs a process and nothing else. An
interrupt (SIGINT) while a descent runs ends that descent at its best point; between questions it
does nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from time import sleep
from types import FrameType
from typing import IO, Any

from symgd.algebra.worker import end_with_parent
from symgd.web.failures import failure, told
from symgd.web.process import OWN_FOLDER

MEMORY = 3_000_000_000
"""Bytes of address space that a worker may use."""

JOBS = {
    "derive": "symgd.web.derive_view:derive",
    "hessian": "symgd.web.second_views:hessian",
    "certificate": "symgd.web.second_views:certificate",
    "code": "symgd.web.second_views:code",
    "check": "symgd.web.check_view:check",
    "data": "symgd.web.data_view:data",
    "scene": "symgd.web.scene_view:scene",
    "slice": "symgd.web.point_view:values",
    "diagnose": "symgd.web.diagnose_view:diagnose",
    "method": "symgd.web.method_view:method",
    "examples": "symgd.web.examples:examples",
    "export": "symgd.web.export_files:export",
    "wait": "symgd.web.worker:wait",
}
"""What a worker can be asked: the verb and the function that gives its answer."""

STREAMS = {"solve": "symgd.web.solve_job:solve", "wait_aloud": "symgd.web.worker:wait_aloud"}
"""Verbs that tell what happens on the way: their functions take a second argument, ``tell``."""

WARM = {
    "derive": {"problem": {"text": "mean((y - (m*x + b))^2)"}, "level": "normal"},
    "certificate": {"problem": {"text": "(x - 3)^2"}},
    "check": {"claim": "2*x", "of": "x^2", "wrt": "x"},
    "scene": {"problem": {"text": "(x - 3)^2"}},
    "solve": {
        "problem": {"text": "y ~ m*x + b", "model": True, "csv": "x,y\n0,1\n1,3\n2,5.1\n3,7\n"},
        "runs": [{"rate": 0.05}, {"method": "adam", "steps": 3}],
        "steps": 5,
    },
}
"""What a worker asks itself when it starts, so that the first user need not wait."""

Tell = Callable[[dict[str, Any]], None]


class _Interrupts:
    """SIGINT ends what runs and is forgotten when nothing runs."""

    def __init__(self) -> None:
        self.running = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.running:
            raise KeyboardInterrupt


def serve(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer questions, a line each, until there are no more."""
    interrupts = _Interrupts()
    signal.signal(signal.SIGINT, interrupts)
    lock = threading.Lock()

    def write(line: Mapping[str, Any]) -> None:
        encoded = json.dumps(line, allow_nan=False).encode() + b"\n"
        with lock:
            answers.write(encoded)
            answers.flush()

    write({"ready": os.getpid()})
    for line in questions:
        asked = json.loads(line)
        interrupts.running = True
        try:
            last = _answered(asked["verb"], asked["content"], lambda event: write({"event": event}))
        except KeyboardInterrupt:
            last = {"failed": told("cancelled", "the work was cancelled")}
        finally:
            interrupts.running = False
        write(last)


def _answered(verb: str, content: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """The last line to one question."""
    problem = content.get("problem")
    texts = {**(problem if isinstance(problem, dict) else {}), **content}
    try:
        if verb in STREAMS:
            return {"answer": _function(STREAMS[verb])(content, tell)}
        return {"answer": _function(JOBS[verb])(content)}
    except (Exception, RecursionError) as problem_met:
        return {"failed": failure(problem_met, texts)}


def _function(place: str) -> Callable[..., Any]:
    module, _, name = place.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def wait(content: Mapping[str, Any]) -> dict[str, Any]:
    """Wait for ``seconds``, deaf to interrupts if ``deaf``: what a stuck computation looks like."""
    left = float(content.get("seconds", 0))
    while left > 0:
        try:
            sleep(min(left, 0.05))
        except KeyboardInterrupt:
            if not content.get("deaf"):
                raise
        left -= 0.05
    return {"process": os.getpid()}


def wait_aloud(content: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """The same, with an event first."""
    tell({"event": "start", "process": os.getpid()})
    return wait(content)


def warm(verbs: list[str]) -> None:
    """Do a small piece of each kind of work once, so that imports and caches are there."""
    for verb in verbs:
        with contextlib.suppress(Exception):
            if verb in STREAMS:
                _function(STREAMS[verb])(WARM[verb], lambda event: None)
            else:
                _function(JOBS[verb])(WARM[verb])


def remove_folder() -> None:
    """Remove the folder that the server gave to this process, with the data in it."""
    folder = os.environ.get(OWN_FOLDER)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


def limit_memory() -> None:
    """Let the system refuse memory beyond the limit, where it can."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def main() -> None:
    """Serve on standard input and output; whatever else is printed goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_memory()
    end_with_parent(remove_folder)
    try:
        warm([verb for verb in sys.argv[1:] if verb in WARM])
        serve(sys.stdin.buffer, answers)
    finally:
        remove_folder()


if __name__ == "__main__":
    main()
