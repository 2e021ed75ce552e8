"""The worker process: answers, is killed in time, leaves nothing behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from symgd.algebra import worker
from symgd.errors import SymgdError


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    worker.close()
    yield
    worker.close()


def test_it_answers_and_stays_warm() -> None:
    assert worker.ask("echo", {"n": 1}, seconds=20) == {"n": 1}
    process = worker._worker().process
    assert worker.ask("echo", {"n": 2}, seconds=20) == {"n": 2}
    assert worker._worker().process is process


def test_it_is_killed_when_its_time_is_up_and_the_next_question_works() -> None:
    worker.ask("echo", {}, seconds=20)
    began = time.monotonic()
    with pytest.raises(worker.TimeUp):
        worker.ask("echo", {"sleep": 60}, seconds=0.3)
    assert time.monotonic() - began < 5
    assert worker.ask("echo", {"n": 3}, seconds=20) == {"n": 3}


def test_a_worker_that_dies_is_an_error_and_is_replaced() -> None:
    worker.ask("echo", {}, seconds=20)
    process = worker._worker().process
    assert process is not None
    threading.Timer(0.3, os.kill, (process.pid, signal.SIGKILL)).start()
    with pytest.raises(SymgdError, match="crashed"):
        worker.ask("echo", {"sleep": 30}, seconds=20)
    assert worker.ask("echo", {"n": 4}, seconds=20) == {"n": 4}


def test_no_zombie_is_left() -> None:
    worker.ask("echo", {}, seconds=20)
    process = worker._worker().process
    assert process is not None
    worker.close()
    assert process.returncode is not None  # waited for


def test_threads_share_it_one_question_at_a_time() -> None:
    answers: dict[int, object] = {}

    def question(n: int) -> None:
        answers[n] = worker.ask("echo", {"n": n}, seconds=20)

    threads = [threading.Thread(target=question, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {n: {"n": n} for n in range(6)}


def test_only_known_jobs_are_done() -> None:
    with pytest.raises(ValueError, match="no job"):
        worker.ask("os.system", {}, seconds=1)
