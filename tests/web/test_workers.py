"""Long work is streamed, cancelled, killed and said so; nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from symgd.web.pool import Lane, Refused, Turn


def alive(process: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(process: int, seconds: float = 5.0) -> bool:
    """Whether a process ends in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not alive(process):
            return True
        time.sleep(0.05)
    return False


@asynccontextmanager
async def lane(count: int = 1, *, aloud: bool = False) -> AsyncIterator[Lane]:
    found = Lane(count, aloud=aloud)
    try:
        yield found
    finally:
        await found.close()


def wait(seconds: float, limit: float = 30.0, **more: Any) -> Turn:
    return Turn("wait", {"seconds": seconds, **more}, limit)


# -- lanes ----------------------------------------------------------------------------------------


def test_work_beyond_its_time_is_killed_and_the_next_is_done() -> None:
    async def story() -> None:
        async with lane() as found:
            first = await found.ask(wait(0))
            began = time.monotonic()
            with pytest.raises(Refused) as refused:
                await found.ask(wait(30, 0.4))
            assert refused.value.error["kind"] == "time"
            assert time.monotonic() - began < 3
            second = await found.ask(wait(0))
            assert second["process"] != first["process"]
            assert not alive(first["process"])

    asyncio.run(story())


def test_a_worker_that_dies_is_said_and_replaced() -> None:
    async def story() -> None:
        async with lane() as found:
            process = (await found.ask(wait(0)))["process"]
            asked = asyncio.ensure_future(found.ask(wait(30)))
            await asyncio.sleep(0.3)
            os.kill(process, signal.SIGKILL)
            with pytest.raises(Refused) as refused:
                await asked
            assert refused.value.error["kind"] == "crash"
            assert (await found.ask(wait(0)))["process"] != process

    asyncio.run(story())


def test_a_newer_question_replaces_one_that_waits_or_is_stuck() -> None:
    async def story() -> None:
        async with lane() as found:
            process = (await found.ask(wait(0)))["process"]
            stuck = asyncio.ensure_future(found.ask(wait(30), "page derive"))
            await asyncio.sleep(0.2)
            waiting = asyncio.ensure_future(found.ask(wait(30), "page derive"))
            await asyncio.sleep(0.1)
            began = time.monotonic()
            last = await found.ask(wait(0), "page derive")
            assert time.monotonic() - began < 10
            for old in (stuck, waiting):
                with pytest.raises(Refused) as refused:
                    await old
                assert refused.value.error["kind"] == "cancelled"
            assert last["process"] != process

    asyncio.run(story())


def test_an_answer_that_nobody_waits_for_does_not_cost_the_worker() -> None:
    async def story() -> None:
        async with lane() as found:
            process = (await found.ask(wait(0)))["process"]
            asked = asyncio.ensure_future(found.ask(wait(0.4)))
            await asyncio.sleep(0.1)
            asked.cancel()
            assert (await found.ask(wait(0)))["process"] == process

    asyncio.run(story())


def test_deaf_work_is_killed_after_a_grace() -> None:
    async def story() -> None:
        async with lane(aloud=True) as found:
            await found.ask(wait(0))
            turn = Turn("wait_aloud", {"seconds": 30, "deaf": True}, 30.0)
            lines = found.stream(turn)
            process = (await anext(lines))["event"]["process"]
            await asyncio.sleep(0.3)  # the deaf part has begun
            turn.cancel(0.3)
            with pytest.raises(Refused) as refused:
                await anext(lines)
            assert refused.value.error["kind"] == "cancelled"
            assert not alive(process)

    asyncio.run(story())


def test_too_many_questions_are_refused_as_busy() -> None:
    from symgd.web.pool import WAITING

    async def story() -> None:
        async with lane() as found:
            await found.ask(wait(0))
            asked = [asyncio.ensure_future(found.ask(wait(20))) for _ in range(WAITING + 1)]
            await asyncio.sleep(0.2)
            with pytest.raises(Refused) as refused:
                await found.ask(wait(0))
            assert refused.value.error["kind"] == "busy"
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    asyncio.run(story())


def test_a_worker_does_not_import_from_the_folder_of_the_server(tmp_path: Any) -> None:
    for name in ("json.py", "symgd.py", "numpy.py"):
        (tmp_path / name).write_text("raise SystemExit('imported from the folder')")

    async def story() -> None:
        async with lane() as found:
            assert (await found.ask(wait(0)))["process"]

    before = os.getcwd()
    os.chdir(tmp_path)
    try:
        asyncio.run(story())
    finally:
        os.chdir(before)


def test_a_worker_ends_with_the_server_that_started_it() -> None:
    source = (
        "import asyncio, os\n"
        "from symgd.web.pool import Lane, Turn\n"
        "async def story():\n"
        "    lane = Lane(1)\n"
        "    stream = lane.stream(Turn('wait_aloud', {'seconds': 60, 'deaf': True}, 60.0))\n"
        "    print((await anext(stream))['event']['process'], flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(story())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=False
    )
    assert gone(int(ended.stdout)), ended.stderr


def test_memory_is_limited() -> None:
    """What asks for more memory than a worker may have is refused or dies; the page goes on."""

    async def story() -> None:
        async with lane() as found:
            huge = {"problem": {"text": "(x - 1)^2"}, "span": {"x": [0, 2]}, "points": 3}
            assert (await found.ask(Turn("scene", huge, 60.0)))["kind"] == "curve"
            process = (await found.ask(wait(0)))["process"]
            limits = Path(f"/proc/{process}/limits").read_text()
            line = next(row for row in limits.splitlines() if row.startswith("Max address space"))
            assert int(line.split()[3]) <= 4_000_000_000

    if not Path("/proc/self/limits").exists():
        pytest.skip("this system does not tell the limits of a process")
    asyncio.run(story())
