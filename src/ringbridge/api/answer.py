"""Answers as values, ready to be sent: the flat JSON of version 1 and the problem details of version 2 (RFC 9457).

The octets of version 1 are a contract (docs/decisions/0004-v1-contract.md): clients compare them. What programs may
want to know beyond them is in headers.
"""

import json
import math
from typing import NamedTuple

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

HeaderList = tuple[tuple[bytes, bytes], ...]

JSON_TYPE = (b"content-type", b"application/json; charset=utf-8")
PROBLEM_TYPE = (b"content-type", b"application/problem+json")
CHALLENGE = (b"www-authenticate", b'Basic realm="API"')

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    410: "Gone",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
"""Of the statuses that version 2 has problems for. Python's own phrases are not the same in every version of Python."""


class Answer(NamedTuple):
    """One HTTP response with all its headers but those that every response gets (see `envelope`): an ASGI app."""

    status: int
    headers: HeaderList
    body: bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})
        await send({"type": "http.response.body", "body": self.body})

    def response(self) -> Response:
        """The same for those who insist on the framework's own kind."""
        response = Response(self.body, self.status)
        response.raw_headers = list(self.headers)
        return response


def json_answer(
    status: int, body: bytes, headers: HeaderList = (), *, content_type: tuple[bytes, bytes] = JSON_TYPE
) -> Answer:
    """An answer with a JSON body."""
    length = (b"content-length", b"%d" % len(body))
    return Answer(status, (content_type, length, *headers), body)


def error_answer(status: int, text: str, code: str, headers: HeaderList = ()) -> Answer:
    """`{"error": "<text>"}`, as every error of version 1 looks; `code` goes into X-Error-Code."""
    body = json.dumps({"error": text}).encode()
    return json_answer(status, body, ((b"x-error-code", code.encode()), *headers))


def problem_answer(status: int, code: str, detail: str, headers: HeaderList = ()) -> Answer:
    """Problem details with the extension member `code`, which is the stable word; the texts are for people."""
    problem = {
        "type": "about:blank",
        "title": TITLES[status],
        "status": status,
        "detail": detail,
        "code": code,
    }
    return json_answer(
        status,
        json.dumps(problem).encode(),
        ((b"x-error-code", code.encode()), *headers),
        content_type=PROBLEM_TYPE,
    )


def retry_after(seconds: float) -> tuple[bytes, bytes]:
    """The Retry-After header: whole seconds, at least one, never too early."""
    return (b"retry-after", b"%d" % max(1, math.ceil(seconds)))
