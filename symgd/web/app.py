"""The doors of the page: who asks is checked, what is asked goes to a worker, errors are told.

:func:`application` makes the Starlette application of one start. It stores nothing: the state
of the page is in its address, and every request says all that is needed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

import symgd
from symgd.web import body
from symgd.web.failures import told
from symgd.web.files import CLOSED, FOLDER, File, page_with, table
from symgd.web.gate import HEADERS, STRANGER, Gate
from symgd.web.pool import Lane, Refused, Turn

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True)
class Door:
    """What one verb may take: the lane of its work, seconds, and bytes of the request."""

    lane: str
    seconds: float
    limit: int = body.SMALL


DOORS = {
    "derive": Door("quick", 8.0),
    "method": Door("slow", 10.0),
    "data": Door("quick", 10.0, body.LARGE),
    "examples": Door("quick", 10.0),
    "slice": Door("slow", 10.0, body.LARGE),
    "hessian": Door("slow", 20.0),
    "certificate": Door("slow", 20.0),
    "code": Door("slow", 20.0),
    "check": Door("slow", 20.0),
    "scene": Door("slow", 20.0, body.LARGE),
    "diagnose": Door("slow", 20.0, body.LARGE),
    "export": Door("solve", 90.0, body.LARGE),
    "solve": Door("solve", 75.0, body.LARGE),
}
"""The verbs of the page."""

STATUS = {"busy": 429, "request": 400, "forbidden": 403}
"""The HTTP status of what is refused at the door. What is refused for what it says (a formula that
is not understood) is an answer like any other: 200, with ``ok`` false."""

QUICK_WARM = ("derive",)
SLOW_WARM = ("derive", "certificate", "check", "scene")
SOLVE_WARM = ("solve",)


@dataclass
class Desk:
    """What the server keeps while it runs: files, lanes, and the solves that go on."""

    gate: Gate
    files: Mapping[str, File]
    page: bytes
    lanes: dict[str, Lane] = field(default_factory=dict)
    solves: dict[tuple[str, str], Turn] = field(default_factory=dict)


def application(gate: Gate, *, doors: Mapping[str, Door] = DOORS) -> ASGIApp:
    """The application behind the gate."""
    desk = Desk(gate, table(FOLDER), page_with(gate.token))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        desk.lanes = {
            "quick": Lane(1, QUICK_WARM),
            "slow": Lane(1, SLOW_WARM),
            "solve": Lane(2, SOLVE_WARM, aloud=True),
        }
        starting = asyncio.create_task(_prepared(list(desk.lanes.values())))
        try:
            yield
        finally:
            starting.cancel()
            for lane in desk.lanes.values():
                await lane.close()

    async def page(request: Request) -> Response:
        return _page(desk, request)

    async def static(request: Request) -> Response:
        return _static(desk, request)

    async def api(request: Request) -> Response:
        return await _api(desk, doors, request)

    app = Starlette(
        routes=[
            Route("/", page, methods=["GET"]),
            Route("/static/{name:path}", static, methods=["GET"]),
            Route("/favicon.ico", static, methods=["GET"]),
            Route("/api/{verb}", api, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _not_there, Exception: _bug},
        lifespan=lifespan,
    )
    return Guard(app, gate)


async def _prepared(lanes: Sequence[Lane]) -> None:
    """Start the workers one after the other: the quick one is there first."""
    for lane in lanes:
        await lane.prepare()


class Guard:
    """Answers nobody who comes by a strange name, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self.app, self.gate = app, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        hosts = Headers(scope=scope).getlist("host")
        if len(hosts) != 1 or not self.gate.host_allowed(hosts[0]):
            refusal = _failed(told("forbidden", "this is not the name of this server"))
            await refusal(scope, receive, sent)
            return
        await self.app(scope, receive, sent)


# -- the page and its files -----------------------------------------------------------------------


def _page(desk: Desk, request: Request) -> Response:
    gate = desk.gate
    closed = Response(CLOSED, 403, media_type="text/html; charset=utf-8")
    if not gate.navigation_allowed(request.headers):
        return closed
    key = request.query_params.get("key")
    if key is not None:
        if not gate.key_right(key):
            return closed
        return RedirectResponse("/", 303, headers={"Set-Cookie": gate.cookie_header()})
    if not gate.cookie_right(request.headers.get("cookie")):
        return closed
    return Response(desk.page, media_type="text/html; charset=utf-8")


def _static(desk: Desk, request: Request) -> Response:
    found = desk.files.get(request.path_params.get("name", "favicon.ico"))
    if found is None:
        return _failed(told("request", "there is no such file"), 404)
    headers = {"ETag": found.tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.kind, headers=headers)


# -- the API --------------------------------------------------------------------------------------


async def _api(desk: Desk, doors: Mapping[str, Door], request: Request) -> Response:
    refusal = _stranger(desk.gate, request)
    if refusal is not None:
        return refusal
    verb = request.path_params["verb"]
    client = request.headers.get("x-symgd-client", "")[:64]
    if verb not in doors and verb not in ("ping", "cancel"):
        return _failed(told("request", "there is no such verb"), 404)
    try:
        content = await body.read(request, doors[verb].limit if verb in doors else body.SMALL)
    except body.BadBody as problem:
        return _failed(told("request", str(problem)), problem.status)
    except ClientDisconnect:
        return _failed(told("request", "the request broke off"))
    if verb == "ping":
        return _json({"ok": True, "version": symgd.__version__})
    if verb == "cancel":
        return _cancelled(desk, client, content)
    door = doors[verb]
    lane = desk.lanes[door.lane]
    turn = Turn(verb, content, door.seconds)
    if verb == "solve":
        return _streamed(desk, lane, turn, client)
    try:
        answer = await lane.ask(turn, f"{client} {verb}" if client else None)
    except Refused as problem:
        return _failed(problem.error)
    if verb == "export":
        return _file(answer)
    return _json({"ok": True, **answer})


def _stranger(gate: Gate, request: Request) -> Response | None:
    """The refusal of a request that does not come from the page."""
    if not gate.origin_allowed(request.headers):
        return _failed(told("forbidden", "this request comes from another page"))
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        return _failed(told("request", "the content type must be application/json"), 415)
    if not gate.token_right(request.headers.get("x-symgd-token")):
        remedy = "reload the page, or open the address that symgd serve printed"
        return _failed(told("forbidden", STRANGER, remedy))
    return None


def _cancelled(desk: Desk, client: str, content: Mapping[str, Any]) -> Response:
    turn = desk.solves.get((client, str(content.get("job"))))
    if turn is not None:
        turn.cancel()
    return _json({"ok": True, "cancelled": turn is not None})


def _streamed(desk: Desk, lane: Lane, turn: Turn, client: str) -> Response:
    """The events of a solve, a line of JSON each; its last line says how it ended."""
    job = (client, str(turn.content.get("job", "")))

    async def lines() -> AsyncIterator[bytes]:
        desk.solves[job] = turn
        try:
            async with aclosing(lane.stream(turn, f"{client} solve")) as answers:
                async for line in answers:
                    yield _line(_event(line))
        except Refused as problem:
            yield _line({"event": "error", "error": problem.error})
        finally:
            if desk.solves.get(job) is turn:
                del desk.solves[job]

    return StreamingResponse(lines(), media_type="application/x-ndjson")


def _event(line: Mapping[str, Any]) -> Mapping[str, Any]:
    if "event" in line:
        event: Mapping[str, Any] = line["event"]
        return event
    if "failed" in line:
        return {"event": "error", "error": line["failed"]}
    return {"event": "end", **line["answer"]}


def _line(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, allow_nan=False).encode() + b"\n"


def _file(answer: Mapping[str, Any]) -> Response:
    from base64 import b64decode

    name = quote(answer["filename"])
    return Response(
        b64decode(answer["content"]), media_type=answer["type"],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


def _json(content: Mapping[str, Any], status: int = 200) -> Response:
    text = json.dumps(content, allow_nan=False)
    return Response(text, status, media_type="application/json")


def _failed(error: Mapping[str, Any], status: int | None = None) -> Response:
    return _json({"ok": False, "error": error}, status or STATUS.get(error["kind"], 200))


async def _not_there(request: Request, problem: Exception) -> Response:
    status = problem.status_code if isinstance(problem, HTTPException) else 400
    words = {404: "there is nothing at this address", 405: "this address takes another method"}
    return _failed(told("request", words.get(status, "this request is not understood")), status)


async def _bug(request: Request, problem: Exception) -> Response:
    return _failed(told("crash", "something went wrong in the server"), 500)
