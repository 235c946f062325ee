"""Records of calls that are over: `/api/v2/records`, as pages of JSON, and whole as CSV or JSON."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from ringbridge.api.resource import Moment, ThirdResource
from ringbridge.api.v2.access import SECURITY, Access
from ringbridge.api.v2.body import StrictRoute
from ringbridge.api.v2.paging import Cursor, Limit, Page, cursor_at, position_of
from ringbridge.api.v2.problems import problems
from ringbridge.call.cause import Outcome
from ringbridge.call.errors import NotFound
from ringbridge.call.key import Scope
from ringbridge.call.record import Record, RecordFilter, RecordPlace
from ringbridge.service.authentication import Caller
from ringbridge.service.export import ExportForm, as_document
from ringbridge.service.records import RecordService


class RecordLegResource(BaseModel):
    """One side of a call that is over. Times are null where it did not come that far."""

    number: str = Field(description="E.164, or an internal extension; `erased` when it was erased.")
    trunk: str | None = Field(description="The trunk that was tried last; null for a phone of our own.")
    caller_number: str = Field(description="The number that the phone showed.")
    dialed_at: Moment | None
    ringing_at: Moment | None
    answered_at: Moment | None
    ended_at: Moment | None
    cause: str | None = Field(description="Why the leg ended; null if it was never dialled.")
    sip_status: int | None
    q850: int | None
    ring_seconds: float = Field(description="How long the phone rang.")


class RecordResource(BaseModel):
    """A call that is over, with both sides and all thirds."""

    call_id: str = Field(description="The `api_request_id` of version 1.")
    key_id: str = Field(description="The API key that asked for the call.")
    outcome: str
    cause: str
    ended_by: str = Field(description="Who ended it.")
    accepted_at: Moment
    ended_at: Moment
    talk_seconds: float = Field(description="How long both sides were joined.")
    metadata: dict[str, str] = Field(description="What the client gave along.")
    user: RecordLegResource
    destination: RecordLegResource
    thirds: list[ThirdResource] = Field(
        description="Whom it was transferred to, or was to be, in that order."
    )
    test: bool = Field(description="It was simulated for a test key.")
    cost: str | None = Field(
        description="In the currency of the rates, with its thirds; null in test calls, and where no rate is known.",
        examples=["0.025"],
    )

    @classmethod
    def from_record(cls, record: Record) -> "RecordResource":
        """The resource of a record."""
        return cls.model_validate(as_document(record))


class ErasureBody(BaseModel):
    """The number that is to be forgotten."""

    model_config = ConfigDict(extra="forbid", strict=True)

    number: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="As people write it.", examples=["+1 (512) 529-2329"]
    )


class ErasureResource(BaseModel):
    """What was erased."""

    calls: int = Field(description="In so many calls, all of which are over.")
    running: int = Field(description="So many calls with that number go on: ask again when they are over.")


def wanted_records(
    ended_from: Annotated[
        AwareDatetime | None, Query(description="Only calls that ended then or later.")
    ] = None,
    ended_before: Annotated[
        AwareDatetime | None, Query(description="Only calls that ended before then.")
    ] = None,
    outcome: Annotated[Outcome | None, Query(description="Only calls that went so.")] = None,
    test: Annotated[bool | None, Query(description="Only test calls, or only others.")] = None,
) -> RecordFilter:
    """The filter that a request's query asks for."""
    return RecordFilter(
        ended_from=None if ended_from is None else ended_from.timestamp(),
        ended_before=None if ended_before is None else ended_before.timestamp(),
        outcomes=() if outcome is None else (outcome.value,),
        is_test=test,
    )


def records_router(access: Access, records: RecordService) -> APIRouter:
    """The routes below `/records`."""
    router = APIRouter(tags=["records"], route_class=StrictRoute)
    allowed = Depends(access.needs(Scope.RECORDS_READ))

    @router.get(
        "/records",
        responses=problems(400, 422),
        openapi_extra=SECURITY,
        summary="Calls that are over, the last first",
    )
    async def list_records(
        caller: Annotated[Caller, allowed],
        wanted: Annotated[RecordFilter, Depends(wanted_records)],
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[RecordResource]:
        filters = {
            "ended_from": wanted.ended_from,
            "ended_before": wanted.ended_before,
            "outcome": next(iter(wanted.outcomes), None),
            "test": wanted.is_test,
        }
        position = position_of(cursor, "records", filters, (float, str))
        place = None if position is None else RecordPlace(float(position[0]), str(position[1]))
        found = await records.page(caller, wanted, place, limit + 1)
        shown = found[:limit]
        return Page(
            items=[RecordResource.from_record(record) for record in shown],
            next_cursor=cursor_at(shown[-1].place, "records", filters) if len(found) > limit else None,
        )

    @router.get(
        "/records/export",
        response_class=StreamingResponse,
        responses={
            200: {
                "description": "All records, the last first",
                "content": {
                    "text/csv": {"schema": {"type": "string"}},
                    "application/json": {
                        "schema": {"type": "array", "items": {"$ref": "#/components/schemas/RecordResource"}}
                    },
                },
            },
            **problems(422),
        },
        openapi_extra=SECURITY,
        summary="All of them, as a table or a list",
    )
    async def export_records(
        caller: Annotated[Caller, allowed],
        wanted: Annotated[RecordFilter, Depends(wanted_records)],
        form: Annotated[ExportForm, Query(alias="format", description="Which of the two.")] = ExportForm.CSV,
    ) -> StreamingResponse:
        batches = records.batches(caller, wanted)
        # Before the answer begins: a database that is gone is still a 503 then.
        first = await anext(batches)
        return StreamingResponse(
            form.texts(first, batches),
            media_type=form.media_type,
            headers={"content-disposition": f'attachment; filename="records.{form.value}"'},
        )

    @router.post(
        "/records/erase",
        responses=problems(400, 413, 415, 422),
        openapi_extra=SECURITY,
        summary="Forget a number in all calls that are over",
    )
    async def erase_number(
        caller: Annotated[Caller, Depends(access.needs(Scope.RECORDS_ERASE))], body: ErasureBody
    ) -> ErasureResource:
        erased = await records.erase(caller, body.number)
        return ErasureResource(calls=erased.calls, running=erased.running)

    @router.get(
        "/records/{call_id}",
        responses=problems(404),
        openapi_extra=SECURITY,
        summary="The record of a call",
    )
    async def read_record(
        caller: Annotated[Caller, allowed],
        call_id: Annotated[str, Path(description="The call's id.")],
    ) -> RecordResource:
        record = await records.find(caller, call_id)
        if record is None:
            raise NotFound("There is no record of a call with this id.")
        return RecordResource.from_record(record)

    return router
