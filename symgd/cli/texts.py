"""Text that is too long to type: ``@FILE`` reads it from a file, ``-`` from standard input."""

from __future__ import annotations

import sys

MAX_BYTES = 1_000_000


def given_text(text: str) -> str:
    """A formula as it was typed, or what ``@FILE`` or ``-`` names.

    No formula begins with ``@`` or is a lone ``-``.
    """
    if text == "-":
        return text_of("-").strip()
    if text.startswith("@") and len(text) > 1:
        return text_of(text[1:]).strip()
    return text


def text_of(path: str) -> str:
    """The text of a file, or of standard input for ``-``; raises ``DataError``."""
    from pathlib import Path

    from symgd.errors import DataError

    if path == "-":
        try:
            text = sys.stdin.read(MAX_BYTES + 1)
        except UnicodeDecodeError:
            raise DataError("standard input is not UTF-8 text") from None
    else:
        file = Path(path)
        if not file.is_file():
            raise DataError(f"{path} is not a file")
        if file.stat().st_size > MAX_BYTES:
            raise DataError(f"{path} is larger than {MAX_BYTES:,} bytes")
        try:
            text = file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise DataError(f"{path} is not UTF-8 text") from None
    if len(text) > MAX_BYTES:
        raise DataError(f"more than {MAX_BYTES:,} characters")
    return text
