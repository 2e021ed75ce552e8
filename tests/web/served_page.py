"""A real ``symgd serve`` on a free port, started once, and a client that was let in."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Served:
    """A running server: ``address`` opens the page, ``base`` is its origin."""

    address: str
    process: subprocess.Popen[str]
    client: httpx.Client = field(repr=False)
    token: str = ""

    @property
    def base(self) -> str:
        return self.address.partition("/?")[0]

    @property
    def port(self) -> int:
        return int(self.base.rpartition(":")[2])

    def enter(self) -> None:
        """Open the page as a browser does: key, cookie, token."""
        self.client.get(self.address)
        page = self.client.get("/").text
        found = re.search(r'name="symgd-token"\s+content="([^"]+)"', page)
        assert found is not None
        self.token = found[1]

    def headers(self, **changed: str) -> dict[str, str]:
        """The headers of a request of the page itself."""
        usual = {
            "X-Symgd-Token": self.token, "X-Symgd-Client": "test-client", "Origin": self.base,
            "Content-Type": "application/json", "Sec-Fetch-Site": "same-origin",
        }  # fmt: skip
        return {**usual, **changed}

    def post(self, verb: str, content: Any, **changed: str) -> httpx.Response:
        """One request of the page."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.client.post(f"/api/{verb}", content=body, headers=self.headers(**changed))

    def ask(self, verb: str, content: Any) -> dict[str, Any]:
        """The answer to one request of the page."""
        answer = self.post(verb, content)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def events(self, content: Any, client: str = "test-client") -> list[dict[str, Any]]:
        """All events of a solve."""
        headers = self.headers(**{"X-Symgd-Client": client})
        with self.client.stream("POST", "/api/solve", json=content, headers=headers) as answer:
            assert answer.status_code == 200
            return [json.loads(line) for line in answer.iter_lines()]


def started(*options: str) -> Served:
    """``symgd serve --no-open --port 0``, once it has told its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "symgd", "serve", "--no-open", "--port", "0", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    found = re.search(r"http://\S+", process.stdout.readline())
    assert found is not None, process.communicate()
    address = found[0]
    client = httpx.Client(base_url=address.partition("/?")[0], timeout=60.0, trust_env=False)
    return Served(address, process, client)


def stopped(served: Served) -> int:
    """Ctrl-C, and the exit status."""
    served.client.close()
    served.process.send_signal(signal.SIGINT)
    try:
        served.process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        served.process.kill()
        served.process.communicate()
        raise
    return served.process.returncode
