"""Workers in lanes: quick work never waits for slow work, and each piece has a time limit.

A lane has a few worker processes. A question waits for a free one; if it takes too long the
worker is killed and the next question gets a new one. Questions whose asker went away are
dropped, and a worker that is still busy with one is killed if somebody waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from symgd.web.failures import BUG, told
from symgd.web.process import Refused, Worker

__all__ = ["Lane", "Refused", "Turn"]

MAX_QUESTIONS = 500
"""A worker is replaced after so many questions: SymPy's caches grow."""
WAITING = 16
"""So many questions may wait in a lane; more are refused as busy."""
GRACE = 2.5
"""So many seconds a cancelled descent has to give its best point before it is killed."""
PATIENCE = 0.5
"""So many seconds work goes on whose answer is out of date, because the next is asked for."""

TIME_UP = told(
    "time", "the work was stopped: its time was up", "try a smaller formula, fewer rows or steps"
)
CANCELLED = told("cancelled", "the work was cancelled")
BUSY = told("busy", "too much work is waiting", "wait a moment and try again")


@dataclass(eq=False)
class Turn:
    """A question in a lane: it waits, or ``worker`` answers it; ``cancel`` ends both."""

    verb: str
    content: Mapping[str, Any]
    seconds: float
    worker: Worker | None = None
    cancelled: bool = False
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    def cancel(self, reaction: float = GRACE, *, gently: bool = True) -> None:
        """End the work within ``reaction`` seconds; ``gently`` asks for the best point first."""
        if self.cancelled:
            return
        self.cancelled = True
        if self.worker is not None and self.worker.told_ready:
            if gently:
                self.worker.interrupt()
            self.timer = asyncio.get_running_loop().call_later(reaction, self._kill)

    def _kill(self) -> None:
        process = None if self.worker is None else self.worker.process
        if process is not None and process.returncode is None:
            process.kill()

    def over(self) -> None:
        """Nothing is left to kill."""
        if self.timer is not None:
            self.timer.cancel()


class Lane:
    """``count`` workers that share a queue; ``aloud`` if its work can be interrupted."""

    def __init__(self, count: int, warm: tuple[str, ...] = (), *, aloud: bool = False) -> None:
        self.workers = [Worker(warm) for _ in range(count)]
        self.free: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        for worker in reversed(self.workers):
            self.free.put_nowait(worker)
        self.aloud = aloud
        self.waiting = 0
        self.latest: dict[str, Turn] = {}
        self.background: set[asyncio.Task[None]] = set()

    async def prepare(self) -> None:
        """Start the first worker before anybody asks, and wait until it is ready."""
        worker = await self.free.get()
        try:
            with contextlib.suppress(Refused):
                await worker.ready()
        finally:
            self.free.put_nowait(worker)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    async def stream(
        self, turn: Turn, key: str | None = None
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The lines of the answer; raises :class:`Refused` if there is no last one.

        A question ends the one before it that has the same ``key``.
        """
        self._replace(key, turn)
        whole = False
        try:
            worker = await self._taken(turn)
            try:
                await worker.ready()
                if turn.cancelled:
                    whole = True
                    raise Refused(CANCELLED)
                async with asyncio.timeout(turn.seconds):
                    async for line in worker.lines(turn.verb, turn.content):
                        whole = "event" not in line
                        yield line
            except TimeoutError:
                raise Refused(TIME_UP) from None
            except Refused as problem:
                if turn.cancelled:
                    raise Refused(CANCELLED) from problem
                raise
            finally:
                self._later(self._returned(worker, whole))
        finally:
            turn.over()
            if key is not None and self.latest.get(key) is turn:
                del self.latest[key]

    async def ask(self, turn: Turn, key: str | None = None) -> dict[str, Any]:
        """The answer to one question; raises :class:`Refused`."""
        async with aclosing(self.stream(turn, key)) as lines:
            async for line in lines:
                if "answer" in line:
                    answer: dict[str, Any] = line["answer"]
                    return answer
                if "failed" in line:
                    raise Refused(line["failed"])
        raise Refused(told("crash", "there was no answer", BUG))

    def _replace(self, key: str | None, turn: Turn) -> None:
        if key is None:
            return
        before = self.latest.get(key)
        if before is not None:
            before.cancel(GRACE if self.aloud else PATIENCE, gently=self.aloud)
        self.latest[key] = turn

    async def _taken(self, turn: Turn) -> Worker:
        if self.waiting >= WAITING:
            raise Refused(BUSY)
        self.waiting += 1
        try:
            worker = await self.free.get()
        finally:
            self.waiting -= 1
        if turn.cancelled:
            self.free.put_nowait(worker)
            raise Refused(CANCELLED)
        turn.worker = worker
        return worker

    async def _returned(self, worker: Worker, whole: bool) -> None:
        """Put a worker back; one that stays in the middle of its work is replaced."""
        if not whole:
            if self.aloud:
                worker.interrupt()
            whole = await worker.finished(GRACE)
        if not whole or worker.questions >= MAX_QUESTIONS:
            await worker.kill()
            await worker.start()
        self.free.put_nowait(worker)

    async def close(self) -> None:
        """End every worker."""
        for task in list(self.background):
            task.cancel()
        for worker in self.workers:
            await worker.kill()
