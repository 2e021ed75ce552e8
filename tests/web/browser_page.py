"""A page in headless Chromium that keeps count of what must not happen."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHROMIUM = Path(os.environ.get("SYMGD_CHROMIUM", "/usr/bin/chromium"))
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation",
  (event) => window.violations.push(event.violatedDirective + " " + event.blockedURI));
"""


@dataclass
class Watched:
    """A page, and what its console, its errors and its requests said."""

    page: Any
    base: str
    troubles: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def state(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page."""
        return self.page.evaluate(expression)

    def until(self, expression: str, seconds: float = 30.0) -> None:
        """Wait until an expression is true (the policy forbids the page to evaluate it itself)."""
        end = time.monotonic() + seconds
        while not self.state(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            self.page.wait_for_timeout(30)

    def assert_clean(self) -> None:
        """No console error, no exception, no request to elsewhere, no breach of the policy."""
        assert not self.troubles, self.troubles
        assert not self.outside, self.outside
        assert self.state("window.violations") == []


@contextmanager
def opened(browser: Any, address: str, **context: Any) -> Iterator[Watched]:
    """The page of the server at ``address`` in a fresh context of the browser."""
    settings = {"viewport": {"width": 1280, "height": 900}, **context}
    fresh = browser.new_context(**settings)
    fresh.add_init_script(WATCH)
    page = fresh.new_page()
    watched = Watched(page, address.partition("/?")[0])
    page.on("console", lambda said: _listen(watched, said))
    page.on("pageerror", lambda error: watched.troubles.append(str(error)))
    page.on("request", lambda asked: _note(watched, asked.url))
    page.goto(address)
    page.wait_for_selector(".partial .katex", timeout=30_000)
    try:
        yield watched
    finally:
        fresh.close()


def _listen(watched: Watched, said: Any) -> None:
    if said.type == "error":
        watched.troubles.append(said.text)


def _note(watched: Watched, url: str) -> None:
    if not url.startswith((watched.base + "/", "data:", "blob:")):
        watched.outside.append(url)
