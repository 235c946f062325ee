"""What every answer of the application has, whoever made it: an id, no caching, and no traceback.

Outermost of all: an exception that nobody expected ends here, as a log line for us and the documented text for the
client.
"""

import re
import secrets

import structlog
from anyio import BrokenResourceError
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from ringbridge.api.answer import error_answer, problem_answer

log = structlog.get_logger()

# A client's own id is taken if it cannot break a log line or a header.
_SANE_ID = re.compile(rb"[0-9A-Za-z._\-]{1,64}")

SOMETHING_WENT_WRONG = "Something went wrong. Please try again later."
_INTERNAL = error_answer(500, SOMETHING_WENT_WRONG, "internal")
_INTERNAL_PROBLEM = problem_answer(500, "internal", SOMETHING_WENT_WRONG)


class Envelope:
    """ASGI middleware: X-Request-Id, Cache-Control and X-Content-Type-Options, and the answer to a bug."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope["headers"])
        # Everything logged because of this request, the whole call included, can be found by it.
        bind_contextvars(request_id=request_id.decode())
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = message["headers"]
                headers.append((b"x-request-id", request_id))
                headers.append((b"x-content-type-options", b"nosniff"))
                if not any(name == b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", b"no-store"))
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            # A browser gives up what it has begun to send when its page is left: nobody waits for an answer then.
            if isinstance(error, ClientDisconnect) or (started and _is_of_a_reader_gone(error)):
                return
            log.exception("request.failed", method=scope["method"], path=scope["path"])
            if started:
                # Half an answer is out. The server closes the connection, so that nobody takes it for a whole one.
                raise
            answer = _INTERNAL_PROBLEM if scope["path"].startswith("/api/v2") else _INTERNAL
            await answer(scope, receive, send_with_headers)


def _is_of_a_reader_gone(error: Exception) -> bool:
    """Whether it is only that a stream had more to tell than its client stayed for, which is how the framework says so."""
    return isinstance(error, ExceptionGroup) and error.split(BrokenResourceError)[1] is None


def _request_id(headers: list[tuple[bytes, bytes]]) -> bytes:
    for name, value in headers:
        if name == b"x-request-id" and _SANE_ID.fullmatch(value):
            return value
    return secrets.token_hex(8).encode()
