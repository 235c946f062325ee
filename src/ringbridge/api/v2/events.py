"""What happens to all calls of an account, as it happens (Server-Sent Events)."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import AfterValidator, Field

from ringbridge.api.resource import EventResource
from ringbridge.api.v2.access import SECURITY, Access
from ringbridge.api.v2.problems import problems
from ringbridge.call.key import Scope
from ringbridge.service.audience import Seats
from ringbridge.service.authentication import Caller
from ringbridge.service.feed import FeedEvent, FeedPosition
from ringbridge.service.reading import CallReader

# One for each program of a customer that follows, and some for those that have lost count of theirs.
MOST_STREAMS = 20


class AccountEventResource(EventResource):
    """An event and its call."""

    call_id: str
    test: bool = Field(description="The call is simulated for a test key.")
    attempt_of: str | None = Field(description="The id of the scheduled call that its call is an attempt of.")
    metadata: dict[str, str] = Field(description="What the client gave along with the call.")

    @classmethod
    def from_feed(cls, told: FeedEvent) -> "AccountEventResource":
        """The resource of an event of some call."""
        event = EventResource.from_stored(told.event)
        return cls(
            **event.model_dump(),
            call_id=told.call_id,
            test=told.is_test,
            attempt_of=told.attempt_of,
            metadata=dict(told.metadata or {}),
        )


def _position(text: str | None) -> str | None:
    if text is not None and FeedPosition.parse(text) is None:
        raise ValueError("This is the id of no event")
    return text


_Position = Annotated[str | None, AfterValidator(_position)]


def events_router(access: Access, reader: CallReader) -> APIRouter:
    """The route `/events`."""
    router = APIRouter(prefix="/events", tags=["calls"])
    seats = Seats(MOST_STREAMS)

    async def opened(
        caller: Annotated[Caller, Depends(access.needs(Scope.CALLS_READ))],
        after: Annotated[
            _Position, Query(description="Go on behind the event with this id; by default from now on.")
        ] = None,
        last_event_id: Annotated[_Position, Header()] = None,
    ) -> AsyncIterator[AsyncIterator[FeedEvent | FeedPosition]]:
        """The events, which are listened for before the answer begins."""
        seen = last_event_id or after
        position = None if seen is None else FeedPosition.parse(seen)
        with seats.taken(caller.account.id):
            async with reader.follow_account(caller, position) as events:
                yield events

    @router.get(
        "",
        response_class=EventSourceResponse,
        responses=problems(401, 403, 410, 422, 429, 503),
        openapi_extra=SECURITY,
        summary="The events of all calls as they happen",
    )
    async def follow_account(
        events: Annotated[AsyncIterator[FeedEvent | FeedPosition], Depends(opened)],
    ) -> AsyncIterator[ServerSentEvent]:
        async for told in events:
            if isinstance(told, FeedPosition):
                # No event, but an id: whoever is cut off before the first event misses none.
                yield ServerSentEvent(comment="from now on", id=str(told))
            else:
                yield ServerSentEvent(data=AccountEventResource.from_feed(told), id=str(told.position))

    return router
