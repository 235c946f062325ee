"""The JSON bodies of version 2: bounded in size, and read strictly, so that nothing a client wrote is passed over.

`APIRouter(route_class=StrictRoute)` gives every route of a resource that reads a body these manners: 413 beyond
64 KiB, 415 for another type than JSON, 400 for what is no JSON in UTF-8 (RFC 8259), names an object's member twice,
or nests deeper than any request of ours.
"""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute

from ringbridge.api.body import BodyTooLarge, MalformedBody, read_body

DEEPEST = 20


class StrictRequest(Request):
    """A request whose body is read as the module says. It raises HTTPException."""

    async def body(self) -> bytes:
        """The octets of the body, unpacked."""
        if not hasattr(self, "_body"):
            try:
                self._body = await read_body(dict(self.scope["headers"]), self.receive)
            except BodyTooLarge:
                raise HTTPException(413, "Body too large", {"connection": "close"}) from None
            except MalformedBody:
                raise HTTPException(400, "Malformed body") from None
            if self._body and not _is_json(self.headers.get("content-type", "")):
                raise HTTPException(415, "Unsupported media type")
        return self._body

    async def json(self) -> Any:
        """The value that the body holds."""
        try:
            value = json.loads(
                (await self.body()).decode("utf-8-sig"),
                object_pairs_hook=_object,
                parse_constant=_refuse,
                parse_float=_finite,
            )
            _measure(value, DEEPEST)
        except (ValueError, RecursionError):
            raise HTTPException(400, "Malformed body") from None
        return value


class StrictRoute(APIRoute):
    """A route that takes its bodies strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, given a strict request."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return handle_strictly


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """RFC 8259 section 4 leaves open which of two members with one name counts; here neither does."""
    value = dict(members)
    if len(value) < len(members):
        raise ValueError("a name is there twice")
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    if abs(value) == float("inf"):
        raise ValueError("too large a number")
    return value


def _measure(value: object, depth: int) -> None:
    """Look through a value for what cannot be written again: too deep a nesting, and half characters."""
    if depth == 0:
        raise ValueError("nested too deeply")
    match value:
        case str():
            value.encode()
        case dict():
            for name, member in value.items():
                name.encode()
                _measure(member, depth - 1)
        case list():
            for member in value:
                _measure(member, depth - 1)
