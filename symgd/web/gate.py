"""Who may ask: the checks that keep the page closed to strangers.

The server is on the loopback, which every page in the browser and every program on the machine
can reach. So each request must come by a name of this machine (against DNS rebinding), from this
very page (against forged requests), and know a secret that is new at every start. The answer
says to the browser that nothing may be loaded from elsewhere, framed, guessed or remembered.

>>> gate = Gate(port=8733, key="k" * 43, token="t" * 43)
>>> gate.host_allowed("127.0.0.1:8733"), gate.host_allowed("evil.example:8733")
(True, False)
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.datastructures import Headers

NAMES = ("127.0.0.1", "localhost", "[::1]")
"""The names under which the server may be addressed."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; object-src 'none'"
)
"""The Content-Security-Policy: no inline script, no eval, nothing from elsewhere. Style attributes
are allowed because the formulas are laid out with them."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Origin-Agent-Cluster": "?1",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), usb=(), serial=()",
    "X-Permitted-Cross-Domain-Policies": "none",
    "X-DNS-Prefetch-Control": "off",
}
"""Headers of every answer."""

STRANGER = "this address belongs to somebody else's session"


@dataclass(frozen=True)
class Gate:
    """The secrets of one start and the port: ``key`` opens the page, ``token`` its doors."""

    port: int
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def cookie_name(self) -> str:
        """One for each port: browsers send cookies to every port of a host."""
        return f"symgd-{self.port}"

    @property
    def hosts(self) -> frozenset[str]:
        """The Host headers that are answered."""
        return frozenset(f"{name}:{self.port}" for name in NAMES)

    def host_allowed(self, host: str | None) -> bool:
        """Whether the request was addressed to this machine by a name of its own."""
        return host is not None and host.lower() in self.hosts

    def origin_allowed(self, headers: Headers) -> bool:
        """Whether the request comes from this very page, as far as the browser says."""
        site = headers.get("sec-fetch-site")
        if site is not None and site != "same-origin":
            return False
        origin = headers.get("origin")
        return origin is None or origin.lower() == f"http://{headers.get('host', '').lower()}"

    def navigation_allowed(self, headers: Headers) -> bool:
        """Whether the page is opened as a page: not in a frame, not as a script or an image."""
        return headers.get("sec-fetch-dest", "document") == "document"

    def token_right(self, token: str | None) -> bool:
        """Whether the request knows the token of the page."""
        return _same(token, self.token)

    def key_right(self, key: str | None) -> bool:
        """Whether the address has the key that was printed at the start."""
        return _same(key, self.key)

    def cookie_right(self, header: str | None) -> bool:
        """Whether the browser has been let in, whatever other cookies of this machine look like."""
        pairs = [part.strip().partition("=") for part in (header or "").split(";")]
        return any(
            name == self.cookie_name and _same(value, self.cookie) for name, _, value in pairs
        )

    def cookie_header(self) -> str:
        """What lets a browser in until it is closed."""
        return f"{self.cookie_name}={self.cookie}; Path=/; HttpOnly; SameSite=Strict"


def _same(given: str | None, secret: str) -> bool:
    return given is not None and secrets.compare_digest(given.encode(), secret.encode())
