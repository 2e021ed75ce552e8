"""Compiled objects on disk: checked bytes, never unpickled.

One file holds one object: its SHA-256 and then its bytes. The name is the hash of everything
that the object depends on. Files are written beside and moved into place, so concurrent
processes never see half of one; a file whose hash is wrong is no file. A folder that cannot be
written, or that somebody else could write to, only means that nothing is cached.

>>> import tempfile
>>> cache = Cache(Path(tempfile.mkdtemp()) / "symgd")
>>> cache.put("k", b"object"), cache.get("k"), cache.get("other")
(True, b'object', None)
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

_MAGIC = b"symgd-object-1\n"
_DIGEST = 32
_MOST_FILES = 512


@dataclass(frozen=True)
class Cache:
    """A folder of objects."""

    folder: Path

    def get(self, key: str) -> bytes | None:
        """The bytes stored under ``key``, or None."""
        if not self._trusted():
            return None
        try:
            content = self._path(key).read_bytes()
        except OSError:
            return None
        head, payload = content[: len(_MAGIC) + _DIGEST], content[len(_MAGIC) + _DIGEST :]
        whole = head == _MAGIC + hashlib.sha256(payload).digest()
        return payload if whole else None

    def put(self, key: str, payload: bytes) -> bool:
        """Store ``payload``; whether that was possible."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._trusted():
                return False
            handle, name = tempfile.mkstemp(dir=self.folder, suffix=".tmp")
        except OSError:
            return False
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_MAGIC + hashlib.sha256(payload).digest() + payload)
            os.replace(name, self._path(key))
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(name)
            return False
        self._prune()
        return True

    def _path(self, key: str) -> Path:
        return self.folder / (hashlib.sha256(key.encode()).hexdigest() + ".o")

    def _trusted(self) -> bool:
        """Whether only the user of this process can have written the files."""
        try:
            status = self.folder.stat()
        except OSError:
            return False
        if os.name != "posix":
            return True
        mine = status.st_uid == os.getuid()
        return mine and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)

    def _prune(self) -> None:
        """Drop the older half when there are too many files."""
        with contextlib.suppress(OSError):
            files = list(self.folder.glob("*.o"))
            if len(files) > _MOST_FILES:
                files.sort(key=lambda path: path.stat().st_mtime)
                for path in files[: len(files) // 2]:
                    path.unlink(missing_ok=True)


def user_cache() -> Cache:
    """The cache of this user: ``$XDG_CACHE_HOME/symgd`` or ``~/.cache/symgd``."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(given) if os.path.isabs(given) else Path(os.path.expanduser("~")) / ".cache"
    return Cache(base / "symgd")
