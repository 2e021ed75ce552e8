"""The body of a request, read within limits, and strict JSON.

>>> decoded(b'{"text": "x^2"}')
{'text': 'x^2'}
>>> decoded(b'{"rate": NaN}')
Traceback (most recent call last):
  ...
symgd.web.body.BadBody: NaN is not JSON
"""

from __future__ import annotations

import asyncio
import json
import math
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from starlette.requests import Request

SMALL = 256_000
"""The limit of a body in bytes."""
LARGE = 8_000_000
"""The limit of a body that may hold data."""
SECONDS = 10.0
"""A body must have arrived after so many seconds."""
DEPTH = 12
"""JSON may be nested so deep."""


class BadBody(Exception):
    """A body that is not read; ``status`` is the HTTP status."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


async def read(request: Request, limit: int) -> dict[str, Any]:
    """The JSON object in the body; raises :class:`BadBody`."""
    declared = request.headers.get("content-length")
    if declared is not None and (not declared.isdecimal() or int(declared[:12]) > limit):
        raise BadBody(f"the request is larger than {limit:,} bytes", 413)
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(SECONDS):
            async for piece in request.stream():
                size += len(piece)
                if size > limit:
                    raise BadBody(f"the request is larger than {limit:,} bytes", 413)
                pieces.append(piece)
    except TimeoutError:
        raise BadBody("the request came too slowly", 408) from None
    return decoded(b"".join(pieces))


def decoded(body: bytes) -> dict[str, Any]:
    """A JSON object with finite numbers, no double names and bounded depth."""
    try:
        found = json.loads(
            body.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite,
            object_pairs_hook=_once,
        )  # fmt: skip
    except BadBody:
        raise
    except UnicodeDecodeError:
        raise BadBody("the request is not UTF-8 text") from None
    except RecursionError:
        raise BadBody(f"the request is nested more than {DEPTH} deep") from None
    except ValueError:
        raise BadBody("the request is not JSON") from None
    if not isinstance(found, dict):
        raise BadBody("the request must be a JSON object")
    _check(found)
    return found


def _no_constant(name: str) -> NoReturn:
    raise BadBody(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise BadBody("a number is too large")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadBody("a name stands twice in one object")
    return found


def _check(root: Any) -> None:
    """Refuse what is nested too deep, integers that no float holds, and broken text."""
    layer: list[Any] = [root]
    for _ in range(DEPTH):
        following: list[Any] = []
        for value in layer:
            if isinstance(value, dict):
                following += [*value.keys(), *value.values()]
            elif isinstance(value, list):
                following += value
            else:
                _check_plain(value)
        if not following:
            return
        layer = following
    raise BadBody(f"the request is nested more than {DEPTH} deep")


def _check_plain(value: Any) -> None:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadBody("a text holds half a character") from None
    elif isinstance(value, int) and abs(value) > 1e308:
        raise BadBody("a number is too large")
