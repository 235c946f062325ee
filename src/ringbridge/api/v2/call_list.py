"""Searching calls, a page at a time."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, AwareDatetime

from ringbridge.api.resource import ListedCallResource
from ringbridge.api.v2.access import SECURITY, Access
from ringbridge.api.v2.call_body import METADATA_NAME, LineText
from ringbridge.api.v2.paging import Cursor, Limit, Page, cursor_at, position_of
from ringbridge.api.v2.problems import problems
from ringbridge.call.cause import Outcome
from ringbridge.call.history import CallFilter, CallPlace
from ringbridge.call.key import Scope
from ringbridge.call.model import State
from ringbridge.service.authentication import Caller
from ringbridge.service.reading import CallReader

MOST_METADATA = 5


def _named(text: str) -> str:
    """A pair of a name and its text, which are parted by a colon."""
    if not re.match(f"{METADATA_NAME}:", text) or not text.isprintable():
        raise ValueError("Write NAME:TEXT")
    return text


def call_list_router(access: Access, reader: CallReader) -> APIRouter:
    """The route `GET /calls`."""
    router = APIRouter(prefix="/calls", tags=["calls"])

    @router.get(
        "",
        responses=problems(400, 401, 403, 422, 429, 503),
        openapi_extra=SECURITY,
        summary="Calls of the account, the newest first",
    )
    async def list_calls(
        caller: Annotated[Caller, Depends(access.needs(Scope.CALLS_READ))],
        state: Annotated[State | None, Query(description="Only calls that stand there.")] = None,
        outcome: Annotated[Outcome | None, Query(description="Only calls that went so.")] = None,
        user_line: Annotated[LineText | None, Query(description="Only calls of this line.")] = None,
        destination_line: Annotated[LineText | None, Query(description="Only calls to this number.")] = None,
        metadata: Annotated[
            list[Annotated[str, AfterValidator(_named)]],
            Query(
                max_length=MOST_METADATA, description="Only calls with this text by this name: `NAME:TEXT`."
            ),
        ] = [],  # noqa: B006 - the framework copies it
        test: Annotated[bool | None, Query(description="Only test calls, or only others.")] = None,
        accepted_from: Annotated[
            AwareDatetime | None, Query(description="Only calls that were accepted then or later.")
        ] = None,
        accepted_before: Annotated[
            AwareDatetime | None, Query(description="Only calls that were accepted before then.")
        ] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[ListedCallResource]:
        wanted = CallFilter(
            state=None if state is None else state.value,
            outcome=None if outcome is None else outcome.value,
            is_test=test,
            metadata=tuple((name, text) for name, _, text in (pair.partition(":") for pair in metadata)),
            accepted_from=None if accepted_from is None else accepted_from.timestamp(),
            accepted_before=None if accepted_before is None else accepted_before.timestamp(),
        )
        filters = {"wanted": repr(wanted), "user_line": user_line, "destination_line": destination_line}
        position = position_of(cursor, "calls", filters, (float, str))
        after = None if position is None else CallPlace(float(position[0]), str(position[1]))
        found = await reader.page(
            caller, wanted, after, limit + 1, user_line=user_line, destination_line=destination_line
        )
        shown = found[:limit]
        return Page(
            items=[ListedCallResource.from_stored(call) for call in shown],
            next_cursor=cursor_at(shown[-1].place, "calls", filters) if len(found) > limit else None,
        )

    return router
