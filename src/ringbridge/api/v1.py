"""`POST /api/v1/call`, the contract that existing clients were written for, octet by octet.

A bare ASGI endpoint: it is the hot path, and its answers owe nothing to a framework. Checks come in one order:
method (405), credentials (401), size (413), fields (400), policy (400); the route before them (404) is the router's.
"""

import structlog
from starlette.types import Receive, Scope, Send

from ringbridge.api.answer import CHALLENGE, Answer, HeaderList, error_answer, json_answer, retry_after
from ringbridge.api.body import BodyError, BodyTooLarge, MalformedBody, read_body, read_fields
from ringbridge.api.envelope import SOMETHING_WENT_WRONG
from ringbridge.call.errors import (
    CallError,
    InvalidCredentials,
    InvalidDestination,
    InvalidUserLine,
    TooManyCalls,
)
from ringbridge.call.key import Scope as KeyScope
from ringbridge.service.authentication import Authenticator, TooManyFailures
from ringbridge.service.calls import CallService
from ringbridge.service.request import CallRequest

log = structlog.get_logger()

TOO_MANY_REQUESTS = "Too many requests. Please try again later."

# A restart or a database that comes back takes about this long.
RETRY_SECONDS = 5.0

_ALLOW = (b"allow", b"POST, OPTIONS")
# The rest of the body is not read, so the connection cannot be used again.
_CLOSE = (b"connection", b"close")
_REPLAYED: HeaderList = ((b"idempotent-replayed", b"true"),)

_OPTIONS = Answer(204, (_ALLOW,), b"")
_METHOD_NOT_ALLOWED = error_answer(405, "Method Not Allowed", "method_not_allowed", (_ALLOW,))


class PlaceCall:
    """The endpoint."""

    def __init__(self, authenticator: Authenticator, calls: CallService) -> None:
        self._authenticator = authenticator
        self._calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["method"]:
            case "POST":
                answer = await self._place(scope, receive)
            case "OPTIONS":
                answer = _OPTIONS
            case _:
                answer = _METHOD_NOT_ALLOWED
        await answer(scope, receive, send)

    async def _place(self, scope: Scope, receive: Receive) -> Answer:
        headers = dict(scope["headers"])
        authorization = headers.get(b"authorization")
        address = scope["client"][0] if scope["client"] is not None else ""
        try:
            caller = await self._authenticator.authenticate(
                None if authorization is None else authorization.decode("latin-1"), address
            )
            caller.require(KeyScope.CALLS_CREATE)
            placed = await self._calls.place(caller, await _call_request(headers, receive))
        except (CallError, BodyError) as error:
            return _refusal(error)
        body = b'{"api_request_id": "%s"}' % placed.call_id.encode()
        return json_answer(200, body, _REPLAYED if placed.replayed else ())


async def _call_request(headers: dict[bytes, bytes], receive: Receive) -> CallRequest:
    """What the client wrote into the two fields. Raises InvalidUserLine, InvalidDestination, BodyError."""
    body = await read_body(headers, receive)
    fields = await read_fields(headers, body)
    user_line, destination_line = fields.get("user_line"), fields.get("destination_line")
    if not isinstance(user_line, str) or not user_line.strip():
        raise InvalidUserLine(_fault(user_line))
    if not isinstance(destination_line, str) or not destination_line.strip():
        raise InvalidDestination(_fault(destination_line))
    return CallRequest(user_line=user_line, destination_line=destination_line)


def _fault(value: object) -> str:
    """What is wrong with a field that is no text."""
    return "missing_field" if value is None or isinstance(value, str) else "invalid_number"


def _refusal(error: CallError | BodyError) -> Answer:
    match error:
        case TooManyFailures() | TooManyCalls():
            wait = retry_after(error.retry_after_seconds)
            return error_answer(429, TOO_MANY_REQUESTS, error.code, (wait,))
        case InvalidCredentials():
            return error_answer(401, "Invalid API credentials.", error.code, (CHALLENGE,))
        case BodyTooLarge():
            return error_answer(413, "Request Entity Too Large", error.code, (_CLOSE,))
        case InvalidUserLine() | MalformedBody():
            return error_answer(400, "request user_line field", error.code)
        case InvalidDestination():
            return error_answer(400, "request destination_line field", error.code)
        case _:
            log.error("request.refused", code=error.code, reason=str(error))
            return error_answer(500, SOMETHING_WENT_WRONG, error.code, (retry_after(RETRY_SECONDS),))
