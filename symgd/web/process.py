"""A worker process as the server sees it: started, asked, interrupted, killed.

It gets a folder of its own for the data of its work, which goes when the process ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import symgd
from symgd.web.failures import told

OWN_FOLDER = "SYMGD_WORKER_FOLDER"
"""The variable that tells a worker its folder: it goes when the worker ends, however it ends."""
_FOLDERS: list[str | Path] = [
    Path(symgd.__file__ or "").parents[1],
    *os.environ.get("PYTHONPATH", "").split(os.pathsep),
]
IMPORTS = os.pathsep.join(str(Path(folder).resolve()) for folder in _FOLDERS if folder)
"""Where a worker imports from: the folders of this process, whatever is the current folder then."""
START = 60.0
"""So many seconds a worker has to start; a question's own time begins after that."""
LINE = 64_000_000
"""The longest line that a worker may write, in bytes."""


class Refused(Exception):
    """A question that got no answer; ``error`` says why in the form of the contract."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(error["reason"])
        self.error = dict(error)


CRASHED = told("crash", "the work was stopped: it ran out of memory or crashed",
               "try a smaller formula or fewer rows")  # fmt: skip


class Worker:
    """One process that answers one question at a time."""

    def __init__(self, warm: tuple[str, ...]) -> None:
        self.warm = warm
        self.process: asyncio.subprocess.Process | None = None
        self.questions = 0
        self.told_ready = False
        self.folder: TemporaryDirectory[str] | None = None

    async def start(self) -> asyncio.subprocess.Process:
        """The running process, started if need be."""
        if self.process is None or self.process.returncode is not None:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "symgd.web.worker", *self.warm,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL, limit=LINE, env=_environment(self._new_folder()),
                start_new_session=True,
            )  # fmt: skip
            self.questions = 0
            self.told_ready = False
        return self.process

    async def ready(self) -> None:
        """Wait until the process has imported what it needs; raises :class:`Refused`."""
        process = await self.start()
        assert process.stdout is not None
        if self.told_ready:
            return
        try:
            async with asyncio.timeout(START):
                self.told_ready = (await process.stdout.readline()).endswith(b"\n")
        except TimeoutError:
            pass
        if not self.told_ready:
            raise Refused(CRASHED)

    async def kill(self) -> None:
        """End the process at once."""
        process, self.process = self.process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            if process.stdin is not None:
                process.stdin.close()
        self._drop_folder()

    def _new_folder(self) -> str:
        """A folder for the files of the process; the one before it goes with its data."""
        self._drop_folder()
        self.folder = TemporaryDirectory(prefix="symgd-", ignore_cleanup_errors=True)
        return self.folder.name

    def _drop_folder(self) -> None:
        if self.folder is not None:
            self.folder.cleanup()
            self.folder = None

    async def finished(self, seconds: float) -> bool:
        """Whether the work that nobody waits for any more ends by itself in time."""
        process = self.process
        if process is None or process.stdout is None or not self.told_ready:
            return False
        try:
            async with asyncio.timeout(seconds):
                while True:
                    line = await process.stdout.readline()
                    if not line.endswith(b"\n"):
                        return False
                    if "event" not in json.loads(line):
                        return True
        except (TimeoutError, ValueError):
            return False

    def interrupt(self) -> None:
        """Ask a running descent to end at its best point."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError, ValueError):
                self.process.send_signal(signal.SIGINT)

    async def lines(self, verb: str, content: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """The lines of the answer to one question, the last one included."""
        process = await self.start()
        assert process.stdin is not None
        assert process.stdout is not None
        self.questions += 1
        question = json.dumps({"verb": verb, "content": content}).encode() + b"\n"
        try:
            process.stdin.write(question)
            await process.stdin.drain()
            while True:
                line = await process.stdout.readline()
                if not line.endswith(b"\n"):
                    raise Refused(CRASHED)
                answer: dict[str, Any] = json.loads(line)
                yield answer
                if "event" not in answer:
                    return
        except (ConnectionError, ValueError) as problem:
            raise Refused(CRASHED) from problem


def _environment(folder: str) -> dict[str, str]:
    """The environment of a worker: it imports this very package, and nothing from the folder
    in which the server was started."""
    return {
        **os.environ, "PYTHONPATH": IMPORTS, "PYTHONSAFEPATH": "1", "PYTHONHASHSEED": "0",
        "TMPDIR": folder, OWN_FOLDER: folder,
        "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg",
    }  # fmt: skip
