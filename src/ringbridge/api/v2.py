"""Version 2 of the API: calls as resources, errors as problem details (RFC 9457).

Reading, following and ending a call so far; a call is placed through version 1. Another account's call is answered
exactly as an id that never was.
"""

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from ringbridge.api.answer import CHALLENGE, TITLES, Answer, problem_answer, retry_after
from ringbridge.api.resource import CallResource, CancelResource, EventResource, ProblemResource
from ringbridge.call.errors import CallError, InvalidCredentials, NotFound
from ringbridge.call.history import StoredCall
from ringbridge.call.model import State
from ringbridge.service.authentication import Authenticator, Caller, TooManyFailures
from ringbridge.service.calls import CallService

PREFIX = "/api/v2"

_CALL_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SECURITY: dict[str, Any] = {"security": [{"basic": []}]}


class CallAlreadyEnded(CallError):
    """There is nothing left to end."""

    code = "call_already_ended"


def v2_router(authenticator: Authenticator, calls: CallService) -> APIRouter:
    """The routes below `/api/v2`."""

    async def authenticated(request: Request) -> Caller:
        address = request.client.host if request.client is not None else ""
        return await authenticator.authenticate(request.headers.get("authorization"), address)

    async def found(
        caller: Annotated[Caller, Depends(authenticated)],
        call_id: Annotated[str, Path(description="The call's id.")],
    ) -> StoredCall:
        call = await calls.find(caller, call_id) if _CALL_ID.fullmatch(call_id) else None
        if call is None:
            raise NotFound("There is no call with this id.")
        return call

    async def position(
        call: Annotated[StoredCall, Depends(found)],
        after: Annotated[int, Query(ge=0, description="Leave out events up to this sequence.")] = 0,
        last_event_id: Annotated[int | None, Header(ge=0)] = None,
    ) -> int:
        """Where to go on. Raises 204 when nothing will follow, which tells an EventSource not to come back."""
        start = after if last_event_id is None else last_event_id
        if call.state == State.ENDED.value and start >= len(call.events):
            raise HTTPException(204)
        return start

    router = APIRouter(prefix=PREFIX, tags=["calls"])

    @router.get(
        "/calls/{call_id}", responses=_problems(401, 404), openapi_extra=_SECURITY, summary="A call so far"
    )
    async def read_call(call: Annotated[StoredCall, Depends(found)]) -> CallResource:
        return CallResource.from_stored(call)

    @router.get(
        "/calls/{call_id}/events",
        response_class=EventSourceResponse,
        responses={
            204: {"description": "The call is over and nothing is left to tell"},
            **_problems(401, 404, 422),
        },
        openapi_extra=_SECURITY,
        summary="A call's events as they happen",
    )
    async def follow_call(
        caller: Annotated[Caller, Depends(authenticated)],
        call: Annotated[StoredCall, Depends(found)],
        start: Annotated[int, Depends(position)],
    ) -> AsyncIterator[ServerSentEvent]:
        async for event in calls.follow(caller, call.id, start):
            yield ServerSentEvent(data=EventResource.from_stored(event), id=str(event.sequence))

    @router.delete(
        "/calls/{call_id}",
        status_code=202,
        responses=_problems(401, 404, 409),
        openapi_extra=_SECURITY,
        summary="Hang up",
    )
    async def cancel_call(
        caller: Annotated[Caller, Depends(authenticated)], call: Annotated[StoredCall, Depends(found)]
    ) -> CancelResource:
        if not await calls.cancel(caller, call.id):
            raise CallAlreadyEnded("The call is over already.")
        return CancelResource(id=call.id)

    return router


def problem_of(error: CallError) -> Answer:
    """What went wrong, as version 2 tells it."""
    match error:
        case TooManyFailures():
            wait = retry_after(error.retry_after_seconds)
            return problem_answer(
                429, error.code, "Too many wrong credentials. Please try again later.", (wait,)
            )
        case InvalidCredentials():
            return problem_answer(401, error.code, "Invalid API credentials.", (CHALLENGE,))
        case NotFound():
            return problem_answer(404, error.code, str(error))
        case CallAlreadyEnded():
            return problem_answer(409, error.code, str(error))
        case _:
            return problem_answer(503, error.code, "Please try again later.", (retry_after(5.0),))


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of the problems that a route can answer."""
    schema = ProblemResource.model_json_schema()
    return {
        status: {
            "description": TITLES[status],
            "content": {"application/problem+json": {"schema": schema}},
        }
        for status in statuses
    }
