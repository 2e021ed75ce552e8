"""``symgd serve`` as a command: its start, its end, and what it says when it cannot."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from served_page import ROOT, Served, started, stopped

PYTHON = [sys.executable, "-m", "symgd", "serve"]


def children(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children")
    return [int(child) for child in found.read_text().split()] if found.exists() else []


def test_it_starts_soon_and_ends_with_control_c() -> None:
    began = time.monotonic()
    served = started()
    first = time.monotonic() - began
    try:
        served.enter()
        assert served.ask("ping", {})["version"]
        workers = children(served.process.pid)
        assert workers or not Path("/proc").exists()
    finally:
        status = stopped(served)
    assert status in (0, 130)
    assert first < 10
    time.sleep(0.2)
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]


def test_it_ends_at_once_although_a_run_goes_on() -> None:
    served = started()
    content = {
        "problem": {"text": "x^2 + 100*y^2"}, "start": {"x": 1, "y": 1}, "precision": None,
        "runs": [{"rate": 1e-9}], "steps": 1_000_000, "time_limit": 50, "job": "long",
    }  # fmt: skip
    try:
        served.enter()
        link = socket.create_connection(("127.0.0.1", served.port))
        body = json.dumps(content).encode()
        head = "\r\n".join(
            [f"POST /api/solve HTTP/1.1\r\nHost: 127.0.0.1:{served.port}",
             *(f"{name}: {value}" for name, value in served.headers().items()),
             f"Content-Length: {len(body)}\r\n\r\n"]
        )  # fmt: skip
        link.sendall(head.encode() + body)
        assert link.recv(1000)
    finally:
        began = time.monotonic()
        status = stopped(served)
        link.close()
    assert time.monotonic() - began < 8
    assert status in (0, 130)


def test_it_says_nothing_on_standard_error(served: Served) -> None:
    other = started()
    other.enter()
    other.client.get("/nowhere")
    other.post("derive", b"{")
    other.client.close()
    other.process.send_signal(signal.SIGINT)
    output, errors = other.process.communicate(timeout=10)
    assert "Traceback" not in output + errors
    assert errors.strip() in ("", "interrupted")


def test_a_port_in_use_is_said_in_one_line(served: Served) -> None:
    ended = subprocess.run(
        [*PYTHON, "--no-open", "--port", str(served.port)], capture_output=True, text=True,
        cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr.strip() == (
        f"error: port {served.port} is in use; choose another, or leave --port out"
    )


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    ended = subprocess.run(
        [*PYTHON, "--no-open", "--port", port], capture_output=True, text=True, cwd=ROOT,
        timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert "--port" in ended.stderr


def test_the_host_cannot_be_chosen() -> None:
    ended = subprocess.run(
        [*PYTHON, "--host", "0.0.0.0"], capture_output=True, text=True, cwd=ROOT, timeout=60,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 2


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_the_extra_one_line_says_what_to_install(missing: str) -> None:
    source = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from symgd.cli import main\n"
        "main(['serve', '--no-open'])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, cwd=ROOT, timeout=60,
        check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "symgd[web]" in ended.stderr


def test_each_start_has_its_own_secrets() -> None:
    from symgd.web.gate import Gate

    first, second = Gate(1), Gate(1)
    secrets = [first.key, first.token, first.cookie, second.key, second.token, second.cookie]
    assert len(set(secrets)) == 6
    assert min(map(len, secrets)) >= 43  # 256 bits
    for secret in secrets:
        assert secret not in repr(first) + repr(second)


def test_the_server_loads_nothing_heavy_before_it_answers() -> None:
    source = (
        "import sys, symgd.web.server\n"
        "heavy = {'sympy', 'numpy', 'scipy', 'matplotlib', 'llvmlite', 'pandas'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, cwd=ROOT, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ended.stdout.strip() == "[]"
