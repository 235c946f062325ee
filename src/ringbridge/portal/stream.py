"""Server-Sent Events of a page (https://html.spec.whatwg.org/multipage/server-sent-events.html): what is live in it."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from ringbridge.portal.view import View

LOOK_SECONDS = 15.0
"""How often a stream is to look whether its reader is still signed in. A reader that has gone is noticed then, too."""

COMMENT = ": \n\n"
"""Nothing happened: keeps proxies from taking the connection for a dead one."""


def server_event(name: str, data: str) -> str:
    """One event as it is sent; `data` may have several lines."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n"


async def event_stream(events: AsyncGenerator[str]) -> Response:
    """The answer that sends `events` until they end or the reader leaves, and closes them then.

    What is raised before the first of them is raised here: the answer has not begun.
    """
    try:
        first = await anext(events)
    except BaseException:
        await events.aclose()
        raise
    return _EventStream(first, events)


async def still_signed_in(view: View) -> bool:
    """Whether the session of the request goes on, and its user may still do what they could."""
    if view.token is None:
        return False
    found = await view.services.sign_in.find(view.token, counts=False)
    return found is not None and found.user.acting_key() == view.user.acting_key()


class _EventStream(StreamingResponse):
    def __init__(self, first: str, events: AsyncGenerator[str]) -> None:
        self._events = events
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(_from_first(first, events), media_type="text/event-stream", headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._events):
            await super().__call__(scope, receive, send)


async def _from_first(first: str, events: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for event in events:
        yield event
