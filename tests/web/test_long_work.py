"""Long work over the wire: streamed, cancelled, replaced; nothing stays behind."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import httpx
import pytest
from served_page import Served, started, stopped

pytestmark = pytest.mark.slow

ROWS = "x,y\n" + "".join(f"{k % 97},{k % 89}\n" for k in range(20_000))
LONG: dict[str, Any] = {
    "problem": {"text": "y ~ a*exp(-b*x) + c", "model": True, "csv": ROWS},
    "start": {"a": 1, "b": 0.1, "c": 1}, "runs": [{"rate": 1e-7}, {"rate": 1e-8}],
    "steps": 1_000_000, "precision": None, "time_limit": 50,
}  # fmt: skip


def run_along(served: Served, content: dict[str, Any], client: str) -> tuple[Any, list[Any]]:
    """A solve in a thread, and the list that its events go to; it is under way."""
    events: list[Any] = []

    def follow() -> None:
        headers = served.headers(**{"X-Symgd-Client": client})
        with (
            suppress(httpx.HTTPError),  # the server may be killed meanwhile
            served.client.stream("POST", "/api/solve", json=content, headers=headers) as answer,
        ):
            for line in answer.iter_lines():
                events.append(json.loads(line))

    thread = threading.Thread(target=follow)
    thread.start()
    end = time.monotonic() + 30
    while "progress" not in [event["event"] for event in events]:
        assert thread.is_alive(), events
        assert time.monotonic() < end, events
        time.sleep(0.05)
    return thread, events


def test_a_cancelled_run_gives_its_best_point(served: Served) -> None:
    thread, events = run_along(served, {**LONG, "job": "long"}, "one")
    began = time.monotonic()
    headers = {"X-Symgd-Client": "one"}
    assert not served.post("cancel", {"job": "other"}, **headers).json()["cancelled"]
    assert not served.post("cancel", {"job": "long"}, **{"X-Symgd-Client": "b"}).json()["cancelled"]
    assert served.post("cancel", {"job": "long"}, **headers).json()["cancelled"]
    thread.join(20)
    assert time.monotonic() - began < 15
    kinds = [event["event"] for event in events if event["event"] not in ("path", "progress")]
    if kinds == ["start", "error"]:  # the machine was too slow to answer in the grace
        assert events[-1]["error"]["kind"] == "cancelled"
    else:
        assert kinds == ["start", "done", "end"]
        (done,) = [event for event in events if event["event"] == "done"]
        assert done["solution"]["outcome"] == "INTERRUPTED"
        assert done["solution"]["steps"] > 0


def test_a_new_solve_ends_the_one_before_it(served: Served) -> None:
    thread, events = run_along(served, {**LONG, "job": "old"}, "two")
    short = {"problem": {"text": "(x - 3)^2"}, "start": {"x": 0}, "runs": [{"rate": 0.1}]}
    new = served.events({**short, "job": "new"}, "two")
    assert new[-1]["event"] == "end"
    thread.join(20)
    assert not thread.is_alive()
    ended = [event for event in events if event["event"] in ("done", "error")]
    assert len(ended) == 1
    if ended[0]["event"] == "done":
        assert ended[0]["solution"]["outcome"] == "INTERRUPTED"
    else:
        assert ended[0]["error"]["kind"] == "cancelled"


def test_a_client_that_goes_away_frees_its_worker(served: Served) -> None:
    headers = served.headers(**{"X-Symgd-Client": "three"})
    for _ in range(3):  # more often than there are workers
        with served.client.stream("POST", "/api/solve", json=LONG, headers=headers) as answer:
            assert next(answer.iter_lines())
    short = {"problem": {"text": "(x - 3)^2"}, "start": {"x": 0}, "runs": [{"rate": 0.1}]}
    assert served.events(short, "four")[-1]["event"] == "end"


def test_progress_is_told_while_a_run_goes_on(served: Served) -> None:
    events = served.events({**LONG, "time_limit": 1.0, "runs": [{"rate": 1e-7}]}, "five")
    kinds = [event["event"] for event in events]
    assert kinds.count("progress") >= 3
    (done,) = [event for event in events if event["event"] == "done"]
    assert done["solution"]["outcome"] == "TIME_LIMIT"
    steps = [event["step"] for event in events if event["event"] == "progress"]
    assert steps == sorted(steps)


@pytest.mark.parametrize(
    "text",
    ["9^9^9^9", "((((((x^99)^99)^99)^99)^99)^99)", "(" * 5000 + "x" + ")" * 5000,
     "+".join(["x"] * 20_000), "*".join(f"(x + {k})" for k in range(400)), "x!" * 50,
     "sin(" * 300 + "x" + ")" * 300, "1e400*x", "x^" + "9" * 500],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_bombs_do_not_stop_the_page(served: Served, text: str) -> None:
    began = time.monotonic()
    answer = served.post("derive", {"problem": {"text": text}, "level": "every"}).json()
    assert answer["ok"] or answer["error"]["kind"] != "crash"
    assert time.monotonic() - began < 30
    assert served.ask("derive", {"problem": {"text": "x^2"}})["ok"]


def test_no_data_stay_on_the_server(served: Served) -> None:
    def files() -> set[Path]:
        return set(Path(gettempdir()).glob("symgd-*/**/data.csv"))

    before = files()
    served.events({"problem": {"text": "mean((y - m*x)^2)", "csv": "x,y\n1,2\n2,3\n"}}, "six")
    served.ask("data", {"csv": "x,y\n1,2\n2,3\n"})
    assert not files() - before


@pytest.mark.parametrize("how", ["killed", "abandoned"])
def test_no_data_stay_when_a_worker_is_killed(how: str) -> None:
    """``data.csv`` goes with the worker, and also if the whole server is killed."""
    other = started()
    other.enter()
    thread, _ = run_along(other, LONG, "seven")
    (folder,) = {path.parent.parent for path in Path(gettempdir()).glob("symgd-*/**/data.csv")
                 if path.stat().st_size == len(ROWS)}  # fmt: skip
    if how == "killed":
        stopped(other)
    else:
        other.process.kill()
        other.process.communicate()
        other.client.close()
    thread.join(10)
    end = time.monotonic() + 10
    while folder.exists() and time.monotonic() < end:
        time.sleep(0.1)
    assert not folder.exists()
