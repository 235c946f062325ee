"""Calls as resources: reading, following and ending one. A call is placed through version 1."""

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from ringbridge.api.resource import CallResource, CancelResource, EventResource
from ringbridge.api.v2.access import SECURITY, Access
from ringbridge.api.v2.prefer import PREFERENCE_APPLIED, wait_seconds
from ringbridge.api.v2.problems import CallAlreadyEnded, problems
from ringbridge.call.errors import NotFound
from ringbridge.call.history import StoredCall, StoredEvent
from ringbridge.call.key import Scope
from ringbridge.call.model import State
from ringbridge.service.audience import Seats
from ringbridge.service.authentication import Caller
from ringbridge.service.calls import CallService
from ringbridge.service.reading import CallReader
from ringbridge.service.schedules import ScheduleService

# One for each call that an account may have at once, however large it is.
MOST_STREAMS = 1000

CALL_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def calls_router(access: Access, calls: CallService, schedules: ScheduleService) -> APIRouter:
    """The routes below `/calls`."""

    reader = Annotated[Caller, Depends(access.needs(Scope.CALLS_READ))]
    canceller = Annotated[Caller, Depends(access.needs(Scope.CALLS_CANCEL))]
    call_id_path = Annotated[str, Path(description="The call's id.")]

    async def found(caller: Caller, call_id: str) -> StoredCall:
        call = await calls.reader.find(caller, call_id) if CALL_ID.fullmatch(call_id) else None
        if call is None:
            raise NotFound("There is no call with this id.")
        return call

    def reader_of(call: StoredCall) -> CallReader | ScheduleService:
        return calls.reader if call.schedule is None else schedules

    async def found_for_reading(caller: reader, call_id: call_id_path) -> StoredCall:
        return await found(caller, call_id)

    async def position(
        call: Annotated[StoredCall, Depends(found_for_reading)],
        after: Annotated[int, Query(ge=0, description="Leave out events up to this sequence.")] = 0,
        last_event_id: Annotated[int | None, Header(ge=0)] = None,
    ) -> int:
        """Where to go on. Raises 204 when nothing will follow, which tells an EventSource not to come back."""
        start = after if last_event_id is None else last_event_id
        if call.state == State.ENDED.value and start >= len(call.events):
            raise HTTPException(204)
        return start

    seats = Seats(MOST_STREAMS)

    async def opened(
        caller: reader,
        call: Annotated[StoredCall, Depends(found_for_reading)],
        start: Annotated[int, Depends(position)],
    ) -> AsyncIterator[AsyncIterator[StoredEvent]]:
        """The events, of a stream that is one of those that the account may have at once.

        They are closed here: what a route yields, the framework does not close when a client leaves who has not read it.
        """
        with seats.taken(caller.account.id):
            async with aclosing(reader_of(call).follow(caller, call.id, start)) as events:
                yield events

    router = APIRouter(prefix="/calls", tags=["calls"])

    @router.get(
        "/{call_id}",
        responses={200: {"headers": PREFERENCE_APPLIED}, **problems(401, 403, 404, 429, 503)},
        openapi_extra=SECURITY,
        summary="A call so far",
    )
    async def read_call(
        caller: reader,
        call: Annotated[StoredCall, Depends(found_for_reading)],
        seconds: Annotated[int | None, Depends(wait_seconds)],
    ) -> CallResource:
        if seconds is not None:
            call = await reader_of(call).find_ended(caller, call.id, seconds) or call
        return CallResource.from_stored(call)

    @router.get(
        "/{call_id}/events",
        response_class=EventSourceResponse,
        responses={
            204: {"description": "The call is over and nothing is left to tell"},
            **problems(401, 403, 404, 422, 429, 503),
        },
        openapi_extra=SECURITY,
        summary="A call's events as they happen",
    )
    async def follow_call(
        events: Annotated[AsyncIterator[StoredEvent], Depends(opened)],
    ) -> AsyncIterator[ServerSentEvent]:
        async for event in events:
            yield ServerSentEvent(data=EventResource.from_stored(event), id=str(event.sequence))

    @router.delete(
        "/{call_id}",
        status_code=202,
        responses=problems(401, 403, 404, 409, 429, 503),
        openapi_extra=SECURITY,
        summary="Hang up",
        description="Of a scheduled call: calls it off, and hangs up the attempt that is up.",
    )
    async def cancel_call(caller: canceller, call_id: call_id_path) -> CancelResource:
        call = await found(caller, call_id)
        service = calls if call.schedule is None else schedules
        if not await service.cancel(caller, call.id):
            raise CallAlreadyEnded("The call is over already.")
        return CancelResource(id=call.id)

    return router
