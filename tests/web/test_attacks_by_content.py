"""Files, bodies and texts that a stranger could send (RELIABILITY S13, S14, S16 to S18)."""

from __future__ import annotations

import json
import socket
import time

import pytest
from served_page import Served

DERIVE = {"problem": {"text": "x^2"}}
BODY = json.dumps(DERIVE).encode()


def raw(served: Served, request: bytes, seconds: float = 5.0) -> bytes:
    """The bytes that come back for the bytes of a request."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=seconds) as link:
        link.sendall(request)
        found = b""
        try:
            while piece := link.recv(65536):
                found += piece
        except TimeoutError:
            pass
        return found


# -- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/static/../gate.py", "/static/..%2fgate.py", "/static/%2e%2e/gate.py",
     "/static/%2e%2e%2fgate.py", "/static/..\\gate.py", "/static/....//gate.py",
     "/static//etc/hostname", "/static/%2fetc%2fhostname", "/../../../../etc/hostname",
     "/static/js/../../gate.py", "/static/index.html", "/static/", "/static", "/static/js",
     "/static/js/main.js%00.css", "/static/file:///etc/hostname", "/gate.py", "/static/.git"],
)  # fmt: skip
def test_no_path_leads_out_of_the_table(served: Served, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nConnection: close\r\n\r\n"
    answer = raw(served, request.encode())
    assert answer.split(b" ")[1] in (b"404", b"307", b"400")
    assert b"Who may ask" not in answer  # the docstring of gate.py
    assert served.token.encode() not in answer


def test_symbolic_links_and_hidden_files_are_not_in_the_table(tmp_path: object) -> None:
    from pathlib import Path

    from symgd.web.files import table

    folder = Path(str(tmp_path)) / "static"
    (folder / "js").mkdir(parents=True)
    (folder / "js" / "a.js").write_text("1")
    (folder / "js" / ".b.js").write_text("1")
    (folder / "page.py").write_text("1")
    (folder / "c.js").symlink_to("/etc/hostname")
    (folder / "d").symlink_to("/etc", target_is_directory=True)
    assert list(table(folder)) == ["js/a.js"]


# -- bodies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"1", b'"x"', b'{"a": NaN}', b'{"a": Infinity}',
     b'{"a": -Infinity}', b'{"a": 1e999}', b"[" * 200_000, b'{"a":' * 5000 + b"1" + b"}" * 5000,
     b'{"a": ' + b"9" * 5000 + b"}", b'{"a": ' + b"9" * 400 + b"}", b"\xff\xfe{}",
     b'{"a": "\\ud800"}', b'{"a": 1, "a": 2}', b'{"a": [[[[[[[[[[[[[1]]]]]]]]]]]]]}'],
    ids=lambda body: body[:24].decode("latin-1"),
)  # fmt: skip
def test_what_is_not_plain_json_is_refused(served: Served, body: bytes) -> None:
    answer = served.post("derive", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["kind"] == "request"


def test_a_large_body_is_refused_before_it_is_read(served: Served) -> None:
    from symgd.web.body import LARGE, SMALL

    assert served.post("derive", b" " * (SMALL + 1)).status_code == 413
    head = (
        f"POST /api/data HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
        f"Content-Type: application/json\r\nX-Symgd-Token: {served.token}\r\n"
        f"Content-Length: {LARGE + 1}\r\nConnection: close\r\n\r\n"
    )
    assert raw(served, head.encode()).split(b" ")[1] == b"413"


def test_a_body_in_pieces_is_counted_too(served: Served) -> None:
    head = (
        f"POST /api/derive HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
        f"Content-Type: application/json\r\nX-Symgd-Token: {served.token}\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
    assert raw(served, head.encode() + 5 * piece).split(b" ")[1] == b"413"


def test_a_length_that_is_no_number_is_refused(served: Served) -> None:
    for length in ("-1", "1e9", "9" * 400, "0x10"):
        head = (
            f"POST /api/derive HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
            f"Content-Type: application/json\r\nX-Symgd-Token: {served.token}\r\n"
            f"Content-Length: {length}\r\nConnection: close\r\n\r\n"
        )
        assert raw(served, head.encode()).split(b" ")[1] in (b"400", b"413")


def test_csv_text_has_a_limit_of_its_own(served: Served) -> None:
    answer = served.ask("data", {"csv": "x\n" + "1\n" * 2_600_000})
    assert not answer["ok"]
    assert answer["error"]["field"] == "csv"
    assert "5,000,000" in answer["error"]["reason"]


@pytest.mark.slow
def test_a_client_that_keeps_its_request_to_itself_is_closed(served: Served) -> None:
    from symgd.web.server import HEADER_SECONDS

    with socket.create_connection(("127.0.0.1", served.port)) as silent:
        silent.sendall(b"POST /api/derive HTTP/1.1\r\nHost: 127.0")
        silent.settimeout(HEADER_SECONDS + 5)
        began = time.monotonic()
        assert silent.recv(100) == b""
        assert time.monotonic() - began < HEADER_SECONDS + 4
    assert served.ask("ping", {})["ok"]


@pytest.mark.slow
def test_a_body_that_drips_is_given_up(served: Served) -> None:
    from symgd.web.body import SECONDS

    head = (
        f"POST /api/derive HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
        f"Content-Type: application/json\r\nX-Symgd-Token: {served.token}\r\n"
        "Content-Length: 1000\r\nConnection: close\r\n\r\n{"
    )
    assert raw(served, head.encode(), SECONDS + 5).split(b" ")[1] == b"408"


@pytest.mark.slow
def test_many_idle_connections_do_not_stop_the_page(served: Served) -> None:
    from symgd.web.server import CONNECTIONS, HEADER_SECONDS

    idle = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(CONNECTIONS + 8)]
    try:
        time.sleep(HEADER_SECONDS + 2)
        assert served.ask("ping", {})["ok"]
    finally:
        for link in idle:
            link.close()


# -- text is data ---------------------------------------------------------------------------------

HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "'\"><svg onload=alert(1)>",
    r"\href{javascript:alert(1)}{x}", r"\htmlData{a=b}{x}", r"\input{/etc/passwd}",
    r"\def\x{1}\x", r"\newcommand{\x}{1}\x", r"\includegraphics{http://evil.example/x.png}",
    r"\url{http://evil.example}", r"\unicode{x41}", r"\write18{id}", 
    "__import__('os').system('id')",
    "x.__class__", "().__class__.__bases__", "exec('1')", "lambda: 0", "x\x00y", "\u202ex",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("form", ["text", "latex"])
def test_hostile_formulas_are_refused_as_text(served: Served, text: str, form: str) -> None:
    answer = served.post("derive", {"problem": {"text": text, "format": form}, "level": "normal"})
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    if found["ok"]:  # read as plain names: nothing of it may reach LaTeX as a command
        latex = json.dumps(found["loss"]) + json.dumps(found["gradient"])
        for word in ("href", "htmlData", "input", "url", "includegraphics", "<"):
            assert f"\\\\{word}" not in latex
            assert "<" not in latex
    else:
        assert found["error"]["kind"] not in ("crash", "time")


@pytest.mark.parametrize("name", ["<b>", "a b", "x;y", "__class__", "\\x", "'", "x\ny", ""])
def test_hostile_names_are_refused(served: Served, name: str) -> None:
    for problem in (
        {"text": "x^2", "wrt": [name]},
        {"text": "x^2", "columns": [name]},
        {"text": "x^2", "shapes": {name: "n"}},
        {"text": "x^2", "constants": {name: 1}},
    ):
        found = served.ask("derive", {"problem": problem})
        assert not found["ok"]
        assert found["error"]["kind"] != "crash"


def test_a_hostile_header_of_a_table_is_text(served: Served) -> None:
    csv = "<script>alert(1)</script>,y\n1,2\n2,3\n"
    answer = served.post("data", {"csv": csv})
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert found["ok"] or found["error"]["kind"] == "data"


def test_errors_hold_no_paths_and_no_tracebacks(served: Served) -> None:
    bad = {"text": "y ~ m*x", "model": True, "csv": "x,y\n1,oops\n"}
    texts = [
        served.post("scene", {"problem": bad}).text,
        served.post("data", {"csv": "x,y\n1,oops\n"}).text,
        json.dumps(served.events({"problem": bad, "runs": [{"rate": 0.1}]})),
        served.post("derive", {"problem": {"text": "mean((y"}}).text,
    ]
    for text in texts:
        assert "Traceback" not in text
        assert "/tmp" not in text
        assert "symgd-" not in text
