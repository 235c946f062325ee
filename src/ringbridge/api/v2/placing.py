"""Placing a call through version 2."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Request, Response

from ringbridge.api.resource import CallResource
from ringbridge.api.v2.access import SECURITY, TOKEN_SECURITY, Access
from ringbridge.api.v2.body import StrictRoute
from ringbridge.api.v2.call_body import CallBody
from ringbridge.api.v2.prefer import PREFERENCE_APPLIED, wait_seconds
from ringbridge.api.v2.preview import PreviewResource
from ringbridge.api.v2.problems import problems
from ringbridge.call.errors import InvalidOption, NotFound
from ringbridge.call.idempotency import IdempotencyKey
from ringbridge.call.key import Scope
from ringbridge.service.authentication import Caller
from ringbridge.service.calls import CallService
from ringbridge.service.schedules import ScheduleService
from ringbridge.service.webhooks import WebhookService

_REPLAYED: dict[str, Any] = {
    "Idempotent-Replayed": {
        "schema": {"const": "true"},
        "description": "This is an earlier call that was asked for again.",
    }
}
_LOCATION: dict[str, Any] = {
    "Location": {"schema": {"type": "string"}, "description": "The path of the call."}
}


_KEY = re.compile(r"^[ -~]{1,255}$")

# All that a click is. Other options reach further than whoever opens a page may: a phone that picks up by itself listens to
# its room, a number is shown as the caller's, events go elsewhere, receivers of events take the account's word for metadata.
_OF_A_CLICK = frozenset({"user_line", "destination_line", "language"})


def _key_text(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            description="Makes a repeated request known for a day: 1 to 255 printable ASCII characters.",
            json_schema_extra={"pattern": _KEY.pattern},
        ),
    ] = None,
) -> str | None:
    """The request's one Idempotency-Key. Raises 400 for what cannot be one."""
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        raise HTTPException(400, "Invalid idempotency key")
    return idempotency_key


def _require_click(body: CallBody) -> None:
    """Raises InvalidOption for what a page's token does not take."""
    for option in sorted(body.model_fields_set - _OF_A_CLICK):
        if getattr(body, option) is not None:
            raise InvalidOption(option, "not_with_a_token")


def _idempotency_key(caller: Caller, text: str, body: CallBody) -> IdempotencyKey:
    """A test key's request is never one of a live key, and a page's none of a program or another line's page.

    No key that a client sends has a tab.
    """
    kind = "\ttest" if caller.key.is_test else ""
    page = f"\tpage\t{caller.key.lines[0]}" if caller.from_page else ""
    return IdempotencyKey(f"{kind}{page}\t{text}" if kind or page else text, body.digest())


def placing_router(
    access: Access, calls: CallService, schedules: ScheduleService, webhooks: WebhookService
) -> APIRouter:
    """The routes that take a `CallBody`."""
    router = APIRouter(prefix="/calls", tags=["calls"], route_class=StrictRoute)

    @router.post(
        "",
        status_code=201,
        responses={
            200: {
                "description": "The call that the key led to before, or that a second click repeats",
                "model": CallResource,
                "headers": _LOCATION | _REPLAYED | PREFERENCE_APPLIED,
            },
            201: {
                "description": "The call is accepted and stored",
                "headers": _LOCATION | PREFERENCE_APPLIED,
            },
            **problems(400, 401, 403, 409, 413, 415, 422, 429, 503),
        },
        openapi_extra=TOKEN_SECURITY,
        summary="Place a call",
    )
    async def place_call(
        caller: Annotated[Caller, Depends(access.placing)],
        body: CallBody,
        key_text: Annotated[str | None, Depends(_key_text)],
        seconds: Annotated[int | None, Depends(wait_seconds)],
        response: Response,
    ) -> CallResource:
        if caller.from_page:
            _require_click(body)
        if body.webhook is not None:
            webhooks.check_of_call(body.webhook)
        key = None if key_text is None else _idempotency_key(caller, key_text, body)
        scheduled = body.schedule_request()
        if scheduled is None:
            placed = await calls.place(caller, body.request(), key)
            call = await calls.reader.find_ended(caller, placed.call_id, seconds or 0)
        else:
            placed = await schedules.place(caller, body.request(), scheduled, key)
            call = await schedules.find_ended(caller, placed.call_id, seconds or 0)
        if call is None:
            raise NotFound("The call is gone already.")
        response.headers["location"] = f"/api/v2/calls/{call.id}"
        if placed.replayed:
            response.status_code = 200
            response.headers["idempotent-replayed"] = "true"
        resource = CallResource.from_stored(call)
        # A second click may be on a call that a program placed. What that gave along is not for whoever opens the page.
        return resource.model_copy(update={"metadata": {}}) if caller.from_page else resource

    @router.post(
        "/preview",
        responses=problems(400, 401, 403, 413, 415, 422, 429, 503),
        openapi_extra=SECURITY,
        summary="What would become of a call",
        description="Reads and judges a call as placing it would. Nothing is dialled, stored or counted.",
    )
    async def preview_call(
        caller: Annotated[Caller, Depends(access.needs(Scope.CALLS_CREATE))], body: CallBody
    ) -> PreviewResource:
        if body.webhook is not None:
            webhooks.check_of_call(body.webhook)
        scheduled = body.schedule_request()
        if scheduled is None:
            return PreviewResource.from_preview(await calls.preview(caller, body.request()))
        return PreviewResource.from_preview(*await schedules.preview(caller, body.request(), scheduled))

    return router
