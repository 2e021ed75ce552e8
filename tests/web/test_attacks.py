"""Who may ask: every way in that a stranger could try, against a real server (S15)."""

from __future__ import annotations

import json
import socket

import httpx
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


def test_it_listens_on_the_loopback_only(served: Served) -> None:
    assert served.base.startswith("http://127.0.0.1:")
    others = {
        info[4][0]
        for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
        if not str(info[4][0]).startswith("127.")
    }
    for address in others:
        with pytest.raises(OSError, match=r"refused|timed out|unreachable"):
            socket.create_connection((str(address), served.port), timeout=1).close()


# -- DNS rebinding --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example:{port}", "127.0.0.1",
     "localhost", "127.0.0.1:1", "0.0.0.0:{port}", "127.1:{port}", "[::ffff:127.0.0.1]:{port}",
     "localhost.:{port}", "user@127.0.0.1:{port}", ""],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/static/js/main.js", "/api/derive"])
def test_a_strange_host_is_refused(served: Served, host: str, path: str) -> None:
    method = "POST" if path.startswith("/api") else "GET"
    headers = served.headers(Host=host.format(port=served.port))
    answer = served.client.request(method, path, headers=headers, content=BODY)
    assert answer.status_code == 403
    assert served.token not in answer.text


@pytest.mark.parametrize("host", ["localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}"])
def test_the_names_of_this_machine_are_answered(served: Served, host: str) -> None:
    name = host.format(port=served.port)
    answer = served.post("derive", DERIVE, Host=name, Origin=f"http://{name.lower()}")
    assert answer.json()["ok"], answer.text


def test_a_request_without_or_with_two_hosts_is_refused(served: Served) -> None:
    for hosts in (b"", b"Host: evil.example\r\nHost: 127.0.0.1\r\n"):
        answer = raw(served, b"GET / HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
        assert answer.split(b" ")[1] in (b"400", b"403")
        assert served.token.encode() not in answer


def test_an_absolute_address_does_not_replace_the_host(served: Served) -> None:
    good = f"http://127.0.0.1:{served.port}/".encode()
    request = b"GET " + good + b" HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    answer = raw(served, request)
    assert answer.split(b" ")[1] in (b"400", b"403", b"404")
    assert served.token.encode() not in answer


# -- forged requests ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost:{port}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"X-Symgd-Token": ""},
        {"X-Symgd-Token": "0" * 43},
        {"X-Symgd-Token": "\xe9" * 43},
    ],
)
def test_a_request_of_another_page_is_refused(served: Served, changed: dict[str, str]) -> None:
    values = {name: value.format(port=served.port) for name, value in changed.items()}
    headers = {k: v.encode("latin-1") for k, v in served.headers(**values).items()}
    answer = served.client.post("/api/derive", content=BODY, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"]["kind"] == "forbidden"


def test_the_token_of_the_page_is_needed_and_the_cookie_is_not_enough(served: Served) -> None:
    headers = served.headers()
    del headers["X-Symgd-Token"]
    assert served.client.post("/api/derive", content=BODY, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
     "text/plain; application/json", "application/jsonp", ""],
)  # fmt: skip
def test_what_a_form_can_send_is_refused(served: Served, kind: str) -> None:
    assert served.post("derive", DERIVE, **{"Content-Type": kind}).status_code == 415


def test_no_other_page_gets_leave_to_read(served: Served) -> None:
    asked = {
        "Origin": "http://evil.example", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-symgd-token,content-type",
    }  # fmt: skip
    answer = served.client.options("/api/derive", headers=asked)
    assert answer.status_code == 405
    for found in (answer, served.client.get("/"), served.post("derive", DERIVE)):
        assert not [name for name in found.headers if name.startswith("access-control")]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "TRACE", "HEAD"])
def test_the_api_takes_post_only(served: Served, method: str) -> None:
    answer = served.client.request(method, "/api/derive", headers=served.headers())
    assert answer.status_code == 405


def test_a_websocket_is_not_opened(served: Served) -> None:
    request = (
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nConnection: Upgrade, close\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert b" 101 " not in raw(served, request.encode())


# -- the page -------------------------------------------------------------------------------------


def stranger(served: Served) -> httpx.Client:
    return httpx.Client(base_url=served.base, trust_env=False)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/?key=", {}),
        ("/?key=" + "a" * 43, {}),
        ("/?key=%C3%A9", {}),
        ("/", {"Cookie": "symgd-{port}="}),
        ("/", {"Cookie": "symgd-{port}=" + "b" * 43}),
        ("/", {"Cookie": "symgd-1={cookie}"}),
    ],
)
def test_the_page_is_closed_without_the_key(
    served: Served, path: str, headers: dict[str, str]
) -> None:
    cookie = next(iter(served.client.cookies.values()))
    filled = {
        name: value.format(port=served.port, cookie=cookie) for name, value in headers.items()
    }
    with stranger(served) as client:
        answer = client.get(path, headers=filled)
    assert answer.status_code == 403
    assert served.token not in answer.text
    assert "set-cookie" not in answer.headers


def test_the_key_lets_in_once_and_leaves_the_address(served: Served) -> None:
    with stranger(served) as client:
        answer = client.get(served.address)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        for _ in range(2):  # the page can be loaded again
            page = client.get("/")
            assert page.status_code == 200
            assert served.token in page.text


def test_cookies_of_other_servers_of_this_machine_do_no_harm(served: Served) -> None:
    name, value = next(iter(served.client.cookies.items()))
    strange = f'_xsrf=2|a|b; "; session="a b; c; =; {name}={value}; last={{"a":1}}'
    with stranger(served) as client:
        assert client.get("/", headers={"Cookie": strange}).status_code == 200
        assert client.get("/", headers={"Cookie": f"{name}=x; {name}y={value}"}).status_code == 403


@pytest.mark.parametrize("target", ["iframe", "script", "image", "object", "embed", "empty"])
def test_the_page_is_opened_as_a_page_only(served: Served, target: str) -> None:
    answer = served.client.get("/", headers={"Sec-Fetch-Dest": target})
    assert answer.status_code == 403
    assert served.token not in answer.text


def test_a_strict_policy_is_on_every_answer(served: Served) -> None:
    answers = [
        served.client.get("/"), served.client.get("/nowhere"), served.client.get("/static/none"),
        served.post("derive", DERIVE), served.post("nothing", {}), served.client.get("/api/derive"),
        served.client.get("/", headers={"Host": "evil.example"}), served.post("derive", b"["),
    ]  # fmt: skip
    for answer in answers:
        policy = dict(
            part.strip().partition(" ")[::2]
            for part in answer.headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["connect-src"] == policy["style-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
        assert "unsafe-eval" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in answer.headers
    assert answers[0].headers["cache-control"] == "no-store"
