"""Work that may take long, in a process that can be killed.

SymPy can run for minutes on an innocent formula, and neither a signal nor a
thread can stop it. So such work is done by one warm worker process, which gets
formulas as text, answers in JSON, and is killed when its time is up. A kill is
:class:`TimeUp`, "not found in the time allowed", never a "no".

>>> ask("echo", {"text": "x^2"}, seconds=5)
{'text': 'x^2'}
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from time import monotonic, sleep
from typing import IO, Any

from symgd.errors import SymgdError

MEMORY = 2_000_000_000
"""Bytes of address space that the worker may use."""
MAX_JOBS = 200
"""A worker is replaced after so many jobs: SymPy's caches grow."""

JOBS = {
    "echo": "symgd.algebra.worker:echo",
    "slope": "symgd.algebra.isolated:slope_of_text",
    "zeros": "symgd.algebra.closed:zeros_of_text",
    "is_zero": "symgd.algebra.witness:is_zero_of_text",
}
"""What the worker can be asked: the name of a job and the function that does it."""


class TimeUp(SymgdError):
    """The work was stopped because its time was up."""


def echo(content: dict[str, Any]) -> dict[str, Any]:
    """The content itself (``sleep`` seconds later, for tests)."""
    if "sleep" in content:
        sleep(float(content["sleep"]))
    return content


def ask(job: str, content: dict[str, Any], seconds: float) -> Any:
    """The answer of the worker to one job.

    Raises :class:`TimeUp` if it takes longer than ``seconds`` (the worker is
    killed), and :class:`~symgd.errors.SymgdError` if the job refuses or dies.
    """
    return _worker().ask(job, content, seconds)


def close() -> None:
    """End the worker, if there is one; the next question starts a new one."""
    worker = _HOLDER.pop(os.getpid(), None)
    if worker is not None:
        worker.kill()


class Worker:
    """A child process that answers one question at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.jobs = 0

    def ask(self, job: str, content: dict[str, Any], seconds: float) -> Any:
        """The answer to one question; other threads wait for their turn."""
        if job not in JOBS:
            raise ValueError(f"there is no job {job!r}")
        question = json.dumps({"job": job, "content": content}).encode() + b"\n"
        with self.lock:
            if self.jobs >= MAX_JOBS:
                self.kill()
            process = self._started()
            self.jobs += 1
            try:
                assert process.stdin is not None
                process.stdin.write(question)
                process.stdin.flush()
                line = _line_before(process, monotonic() + seconds)
            except BaseException:
                self.kill()
                raise
        return _opened(line)

    def _started(self) -> subprocess.Popen[bytes]:
        if self.process is None or self.process.poll() is not None:
            environment = {**os.environ, "PYTHONHASHSEED": "0"}
            self.process = subprocess.Popen(
                [sys.executable, "-m", "symgd.algebra.worker"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env=environment, start_new_session=True,
            )  # fmt: skip
            self.jobs = 0
        return self.process

    def kill(self) -> None:
        """End the process at once and leave no zombie."""
        process, self.process = self.process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def _line_before(process: subprocess.Popen[bytes], deadline: float) -> bytes:
    """The next line of the worker's answer, if it comes before the deadline."""
    assert process.stdout is not None
    read = b""
    while not read.endswith(b"\n"):
        left = deadline - monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise TimeUp("the work was stopped: its time was up")
        piece = os.read(process.stdout.fileno(), 1 << 16)
        if not piece:
            raise SymgdError("the work was stopped: it ran out of memory or crashed")
        read += piece
    return read


def _opened(line: bytes) -> Any:
    answer = json.loads(line)
    if "refused" in answer:
        raise SymgdError(answer["refused"])
    return answer["answer"]


_HOLDER: dict[int, Worker] = {}


def _worker() -> Worker:
    """The worker of this process; a forked child gets its own."""
    worker = _HOLDER.get(os.getpid())
    if worker is None:
        worker = _HOLDER[os.getpid()] = Worker()
        atexit.register(worker.kill)
    return worker


def serve(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer questions, a line each, until there are no more."""
    _limit_memory()
    for line in questions:
        asked = json.loads(line)
        try:
            module, _, name = JOBS[asked["job"]].partition(":")
            function: Callable[[Any], Any] = getattr(import_module(module), name)
            answer: dict[str, Any] = {"answer": function(asked["content"])}
        except SymgdError as problem:
            answer = {"refused": str(problem)}
        except (MemoryError, RecursionError) as problem:
            answer = {"refused": f"too large: {type(problem).__name__}"}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def end_with_parent(last: Callable[[], None] | None = None) -> None:
    """End this process soon after the one that started it is gone, however it went.

    A worker that is in the middle of its work does not notice that nobody waits any more.
    ``last`` is called before the end.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            sleep(1.0)
        if last is not None:
            last()
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    end_with_parent()
    serve(sys.stdin.buffer, sys.stdout.buffer)
