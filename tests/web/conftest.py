"""One server for all tests of the page that only talk to it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from served_page import Served, started, stopped


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """A running ``symgd serve`` whose page is open."""
    found = started()
    try:
        found.enter()
        yield found
    finally:
        stopped(found)
