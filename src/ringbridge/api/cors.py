"""Pages of other origins: with a token of theirs they may place calls (Fetch standard, section 3.2), and nothing else.

A preflight says what any page may try; it carries no token, so it cannot say more. The answer to the request itself
is readable only for pages of the origin that its token was made for: whoever checks the token calls `allow_origin`.
"""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ringbridge.api.answer import Answer

PATH = "/api/v2/calls"

_VARY = (b"vary", b"Origin")
_EXPOSED = (
    b"access-control-expose-headers",
    b"Location, Idempotent-Replayed, Retry-After, X-Request-Id, X-Error-Code",
)
_PREFLIGHT = (
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"Authorization, Content-Type, Idempotency-Key, Prefer"),
    (b"access-control-max-age", b"600"),
    _VARY,
)


def allow_origin(request: Request, origin: str) -> None:
    """Let pages of `origin` read the answer to this request."""
    request.state.allowed_origin = origin


class Cors:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        if (
            scope["method"] == "OPTIONS"
            and origin is not None
            and b"access-control-request-method" in headers
        ):
            allowed = (b"access-control-allow-origin", origin)
            await Answer(204, (allowed, *_PREFLIGHT), b"")(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def send_with_origin(message: Message) -> None:
            if message["type"] == "http.response.start" and "allowed_origin" in state:
                allowed = (b"access-control-allow-origin", state["allowed_origin"].encode())
                message["headers"] += [allowed, _EXPOSED, _VARY]
            await send(message)

        await self._app(scope, receive, send_with_origin)
