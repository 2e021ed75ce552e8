"""The static files of the page: a fixed table, read once, so that no path comes from an address.

>>> "index.html" in table(FOLDER)
False
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
PAGE = "index.html"
MARK = "__TOKEN__"
"""Where the page gets its token."""

TYPES = {
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json", ".woff2": "font/woff2", ".svg": "image/svg+xml",
    ".png": "image/png", ".ico": "image/x-icon", ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8", "": "text/plain; charset=utf-8",
}  # fmt: skip
"""What is served, by suffix; anything else is not in the table."""


@dataclass(frozen=True)
class File:
    """A file with its type and the tag of its content."""

    content: bytes
    kind: str
    tag: str


def table(folder: Path) -> dict[str, File]:
    """Every file below ``folder`` under its path with slashes; symbolic links are left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        below = [part for part in (path, *path.parents) if folder in part.parents]
        plain = not any(part.is_symlink() or part.name.startswith(".") for part in below)
        if path.is_file() and plain and path.suffix in TYPES and name != PAGE:
            found[name] = file_of(path)
    return found


def file_of(path: Path) -> File:
    """One file."""
    content = path.read_bytes()
    return File(content, TYPES[path.suffix], f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def page_with(token: str, folder: Path = FOLDER) -> bytes:
    """The page with its token."""
    path = folder / PAGE
    text = path.read_text(encoding="utf-8") if path.is_file() else f"<meta content='{MARK}'>"
    return text.replace(MARK, token).encode()


CLOSED = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>symgd: closed</title></head>
<body><main><h1>This page is closed</h1>
<p>Open the address that <code>symgd serve</code> printed in the terminal: it holds the key of this
start. If you came by a bookmark, open that address once, then the bookmark again.</p></main></body>
</html>
"""
"""What a browser without the key sees."""
