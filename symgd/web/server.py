"""The server on the loopback: its socket, its limits, its end.

:func:`serve` runs until it is interrupted. Connections that send nothing, or send it drop by
drop, are closed; so many at once are served and no more.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from symgd.errors import OptionError
from symgd.web.app import application
from symgd.web.gate import Gate

ADDRESS = "127.0.0.1"
USUAL_PORT = 8733
"""Taken if it is free, so that bookmarks of the page stay true from one start to the next."""
CONNECTIONS = 64
HEADER_SECONDS = 10.0
"""A connection must have sent a whole request head after so many seconds."""
HEAD = 16_384
"""The limit of a request head in bytes."""


class PatientlyClosed(H11Protocol):
    """HTTP/1.1 that closes connections which keep their request to themselves."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._working():
            self._stop_waiting()
        elif self._deadline is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _working(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(HEADER_SECONDS, self._late)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        if not self._working() and not self.transport.is_closing():
            self.transport.close()


def listen(port: int | None) -> socket.socket:
    """A socket on the loopback: on ``port``, on any with 0, else on the usual one if it is free.

    Raises :class:`~symgd.errors.OptionError` if the port cannot be had.
    """
    wanted = (USUAL_PORT, 0) if port is None else (port,)
    for number in wanted:
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name == "posix":  # elsewhere it would let two servers share a port
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((ADDRESS, number))
            found.listen(CONNECTIONS)
        except OSError as problem:
            found.close()
            if number != wanted[-1]:
                continue
            raise OptionError(_no_port(number, problem)) from None
        return found
    raise AssertionError("there is always a last port")


def _no_port(number: int, problem: OSError) -> str:
    if problem.errno == errno.EADDRINUSE:
        return f"port {number} is in use; choose another, or leave --port out"
    if problem.errno == errno.EACCES:
        return f"port {number} may not be used here; choose one above 1023, or leave --port out"
    return f"port {number} cannot be used: {problem.strerror or problem}"


def serve(port: int | None = None, opened: Callable[[str], None] | None = None) -> None:
    """Serve the page until interrupted; ``opened`` gets its address once it answers.

    Raises :class:`~symgd.errors.OptionError` if the port cannot be had.
    """
    listening = listen(port)
    gate = Gate(listening.getsockname()[1])
    server = Server(gate, opened)
    try:
        server.run(sockets=[listening])
    finally:
        listening.close()


class Server(uvicorn.Server):
    """Uvicorn with the limits of this page; it tells the address when it is ready."""

    def __init__(self, gate: Gate, opened: Callable[[str], None] | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                application(gate), http=PatientlyClosed, ws="none", loop="asyncio", lifespan="on",
                interface="asgi3", log_config=None, log_level="critical", access_log=False,
                server_header=False, date_header=False, proxy_headers=False, workers=1,
                limit_concurrency=CONNECTIONS, timeout_keep_alive=5,
                timeout_graceful_shutdown=2, h11_max_incomplete_event_size=HEAD,
            )
        )  # fmt: skip
        self.gate, self.opened = gate, opened

    @property
    def address(self) -> str:
        """The address that opens the page."""
        return f"http://{ADDRESS}:{self.gate.port}/?key={self.gate.key}"

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell the address."""
        await super().startup(sockets)
        if self.started and self.opened is not None:
            self.opened(self.address)
