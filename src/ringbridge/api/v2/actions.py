"""Live actions: what may be asked of a call while it runs. The answer comes at once; the call's events tell what came of it."""

from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from ringbridge.api.resource import CallResource
from ringbridge.api.v2.access import SECURITY, Access
from ringbridge.api.v2.body import StrictRoute
from ringbridge.api.v2.calls import CALL_ID
from ringbridge.api.v2.problems import problems
from ringbridge.call.errors import NotFound
from ringbridge.call.event import DigitsRequested, HangUpRequested, HoldRequested, ResumeRequested
from ringbridge.call.key import Scope
from ringbridge.call.model import LegName, State
from ringbridge.service.actions import Action, CallActions, WrongState
from ringbridge.service.authentication import Caller
from ringbridge.service.calls import CallService

# A menu's whole path and an account's number: thirteen seconds of keys.
MOST_DIGITS = 64


class _ActionBody(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HoldBody(_ActionBody):
    """Who is put on hold."""

    leg: LegName = Field(
        default=LegName.DESTINATION, description="Who hears a tone now and then; the other one hears silence."
    )


class DigitsBody(_ActionBody):
    """Keys, and who is to hear them."""

    digits: str = Field(
        pattern=f"^[0-9*#,]{{1,{MOST_DIGITS}}}$",
        description="The keys; a comma is a pause of a second. They are kept nowhere.",
        examples=["1,,4711#"],
    )
    leg: LegName = LegName.DESTINATION


class TransferBody(_ActionBody):
    """Who is to talk to whom."""

    destination_line: str = Field(max_length=200, description="The third's number.", examples=["15125550003"])
    leg: LegName = Field(
        default=LegName.DESTINATION,
        description="Who waits for the third, and hears ringback; the other one is released once the third answers.",
    )


class HangUpBody(_ActionBody):
    """Who is released."""

    leg: LegName = Field(
        description="The other one hears a tone or a reason for a second, and is released too."
    )


class _Asked(NamedTuple):
    """Whose request it is, and about which call."""

    caller: Caller
    call_id: str


def actions_router(access: Access, calls: CallService) -> APIRouter:
    """The routes below `/calls/{call_id}/actions`. Their answer is the call as it was when it was asked."""
    router = APIRouter(prefix="/calls/{call_id}/actions", tags=["calls"], route_class=StrictRoute)
    actions = CallActions(calls)

    async def asked_of(
        caller: Annotated[Caller, Depends(access.needs(Scope.CALLS_CONTROL))],
        call_id: Annotated[str, Path(description="The call's id.")],
    ) -> _Asked:
        call = await calls.reader.find(caller, call_id) if CALL_ID.fullmatch(call_id) else None
        if call is None:
            raise NotFound("There is no call with this id.")
        if call.state == State.SCHEDULED.value:
            raise WrongState(call.state)
        return _Asked(caller, call_id)

    def act(asked: _Asked, action: Action) -> CallResource:
        return CallResource.from_stored(actions.act(asked.caller, asked.call_id, action))

    @router.post("/hold", **_documented("Put one leg on hold", has_body=True))
    async def hold_call(
        asked: Annotated[_Asked, Depends(asked_of)], body: HoldBody | None = None
    ) -> CallResource:
        return act(asked, HoldRequested((body or HoldBody()).leg))

    @router.post("/resume", **_documented("End the hold", has_body=False))
    async def resume_call(asked: Annotated[_Asked, Depends(asked_of)]) -> CallResource:
        return act(asked, ResumeRequested())

    @router.post("/digits", **_documented("Press keys", has_body=True))
    async def send_digits(asked: Annotated[_Asked, Depends(asked_of)], body: DigitsBody) -> CallResource:
        return act(asked, DigitsRequested(body.leg, body.digits))

    @router.post("/transfer", **_documented("Transfer one leg to a third", has_body=True, dials=True))
    async def transfer_call(asked: Annotated[_Asked, Depends(asked_of)], body: TransferBody) -> CallResource:
        stored = await actions.transfer(asked.caller, asked.call_id, body.leg, body.destination_line)
        return CallResource.from_stored(stored)

    @router.post("/hangup", **_documented("Hang up one leg", has_body=True))
    async def hang_up_leg(asked: Annotated[_Asked, Depends(asked_of)], body: HangUpBody) -> CallResource:
        return act(asked, HangUpRequested(body.leg))

    return router


def _documented(summary: str, *, has_body: bool, dials: bool = False) -> dict[str, Any]:
    of_body = (400, 413, 415, 422) if has_body else ()
    of_dialing = (429, 503) if dials else ()
    return {
        "status_code": 202,
        "responses": problems(401, 403, 404, 409, *of_body, *of_dialing),
        "openapi_extra": SECURITY,
        "summary": summary,
    }
