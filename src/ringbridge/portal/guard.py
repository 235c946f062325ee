"""Before and after every page: requests from other sites change nothing, and browsers are told what pages may do.

Pure ASGI, so that answers can stream.
"""

from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Tabler's style sheet has its arrows and ticks as pictures in itself; all else comes from our own files.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)

_HEADERS = {
    b"content-security-policy": CONTENT_SECURITY_POLICY.encode(),
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=()",
}
# A year (RFC 6797 section 6.1.1). Not for subdomains: they may not be ours.
_STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Cookies(NamedTuple):
    """How a cookie is named and set: bound to this host and to TLS where there is TLS (RFC 6265bis section 4.1.3.2)."""

    session: str
    flash: str
    is_secure: bool


OVER_TLS = Cookies("__Host-ringbridge", "__Host-ringbridge-flash", True)
# Browsers do not let a page without TLS set a cookie with that prefix; the settings allow no such page but on loopback,
# or on a network that the administrator answers for.
OVER_PLAIN_HTTP = Cookies("ringbridge", "ringbridge-flash", False)


def cookies_for(scope: Scope) -> Cookies:
    """Those of this request's scheme, which a proxy on this machine may have said (X-Forwarded-Proto)."""
    return OVER_TLS if scope["scheme"] == "https" else OVER_PLAIN_HTTP


class Guard:
    """ASGI middleware around the portal. `refuse` answers what another site sent."""

    def __init__(self, app: ASGIApp, refuse: ASGIApp) -> None:
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                there = {name for name, _ in headers}
                headers.extend((name, value) for name, value in _HEADERS.items() if name not in there)
                if scope["scheme"] == "https":
                    headers.append(_STRICT_TRANSPORT)
            await send(message)

        app = self._app if is_same_site(scope) else self._refuse
        await app(scope, receive, send_with_headers)


def is_same_site(scope: Scope) -> bool:
    """Whether a request changes nothing, or comes from a page of ours.

    Browsers say so in Sec-Fetch-Site; older ones name the page's origin. Who says neither is no browser that has a cookie
    of ours, and is refused as well.
    """
    if scope["method"] in _SAFE_METHODS:
        return True
    headers = Headers(scope=scope)
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return headers.get("origin") == f"{scope['scheme']}://{headers.get('host')}"
