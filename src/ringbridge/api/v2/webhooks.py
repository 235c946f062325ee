"""Webhooks: where an account's events are sent, and the log of what was."""

from datetime import datetime
from enum import Enum
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringbridge.api.resource import utc, utc_or_none
from ringbridge.api.v2.access import SECURITY, Access
from ringbridge.api.v2.body import StrictRoute
from ringbridge.api.v2.paging import Cursor, Limit, Page, cursor_at, position_of
from ringbridge.api.v2.problems import problems
from ringbridge.call.key import Scope
from ringbridge.call.webhook import Delivery, Webhook, WebhookFormat
from ringbridge.service.authentication import Caller
from ringbridge.service.webhooks import WebhookChange, WebhookService

Url = Annotated[
    str, Field(max_length=2048, description="Where to, over https. Private addresses are refused.")
]
Name = Annotated[str | None, Field(max_length=200, description="What it is for.")]
EventNames = Annotated[
    list[str], Field(max_length=64, description="Names of events, such as `connected`; none means all.")
]


class DeliveryState(Enum):
    """How far an event came."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class NewWebhook(BaseModel):
    """A webhook to be."""

    model_config = ConfigDict(extra="forbid")

    url: Url = Field(examples=["https://example.com/calls"])
    name: Name = None
    format: WebhookFormat = Field(default=WebhookFormat.RINGBRIDGE, description="What the bodies look like.")
    events: EventNames = []


class ChangedWebhook(BaseModel):
    """What is to be different; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    url: Url | None = None
    name: Name = None
    format: WebhookFormat | None = None
    events: EventNames | None = None
    enabled: bool | None = Field(
        default=None, description="false: nothing is sent. true: what waited is sent, too."
    )


class WebhookResource(BaseModel):
    """Where events are sent."""

    id: str
    url: str
    name: str | None
    format: WebhookFormat
    events: list[str] = Field(description="Those that are wanted; none means all.")
    enabled: bool
    disabled_at: datetime | None
    disabled_reason: str | None = Field(
        description="`by_request`; `gone` after an answer 410; `failing` after days in which nothing was taken."
    )
    created_at: datetime
    test: bool = Field(description="A test key made it: it hears of test calls only.")


class WebhookWithSecret(WebhookResource):
    """A webhook and what its requests are signed with, which is shown only now."""

    secret: str = Field(description="For Standard Webhooks libraries as it is.")
    previous_secret_until: datetime | None = Field(description="Until when the secret before signs, too.")


class CallSecretResource(BaseModel):
    """The account's secret for the webhooks that its calls bring with them."""

    secret: str = Field(description="For Standard Webhooks libraries as it is.")


class TestResource(BaseModel):
    """What came back for an event that never was."""

    delivered: bool
    status: int | None = Field(description="The status of the answer; null where no whole answer came.")
    error: str | None = Field(description="What went wrong, in a few words.")
    seconds: float


class DeliveryResource(BaseModel):
    """An event in the log of a webhook."""

    event_id: str = Field(description="The `webhook-id` of each of its tries.")
    event: str = Field(description="Its name.")
    call_id: str
    state: DeliveryState
    created_at: datetime
    attempts: int
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    delivered_at: datetime | None


class ReplayRequest(BaseModel):
    """Which events to send again."""

    model_config = ConfigDict(extra="forbid")

    since: AwareDatetime = Field(description="Events of then and later.")
    delivered: bool = Field(default=False, description="Also those that were taken, not only those given up.")


class ReplayResource(BaseModel):
    """How many events are sent again."""

    count: int


def webhooks_router(access: Access, webhooks: WebhookService) -> APIRouter:
    """The routes below `/webhooks`."""
    router = APIRouter(prefix="/webhooks", tags=["webhooks"], route_class=StrictRoute)
    reader = Depends(access.needs(Scope.WEBHOOKS_READ))
    writer = Depends(access.needs(Scope.WEBHOOKS_WRITE))
    Id = Annotated[str, Path(description="The webhook's id.")]  # noqa: N806 - it is a type

    @router.post(
        "",
        status_code=201,
        responses=problems(400, 401, 403, 409, 413, 415, 422),
        openapi_extra=SECURITY,
        summary="A new webhook",
    )
    async def create_webhook(caller: Annotated[Caller, writer], body: NewWebhook) -> WebhookWithSecret:
        created = await webhooks.create(
            caller, url=body.url, name=body.name, kind=body.format, events=body.events
        )
        return _with_secret(created)

    @router.get("", responses=problems(401, 403), openapi_extra=SECURITY, summary="All webhooks")
    async def list_webhooks(caller: Annotated[Caller, reader]) -> Page[WebhookResource]:
        found = await webhooks.all(caller)
        return Page(items=[_resource(webhook) for webhook in found], next_cursor=None)

    @router.get(
        "/call-secret",
        responses=problems(401, 403),
        openapi_extra=SECURITY,
        summary="What signs the requests to webhooks of single calls",
    )
    async def read_call_secret(caller: Annotated[Caller, writer]) -> CallSecretResource:
        return CallSecretResource(secret=webhooks.call_secret(caller))

    @router.get("/{webhook_id}", responses=problems(401, 403, 404), openapi_extra=SECURITY, summary="One")
    async def read_webhook(caller: Annotated[Caller, reader], webhook_id: Id) -> WebhookResource:
        return _resource(await webhooks.find(caller, webhook_id))

    @router.patch(
        "/{webhook_id}",
        responses=problems(400, 401, 403, 404, 413, 415, 422),
        openapi_extra=SECURITY,
        summary="Change, disable or enable it",
    )
    async def change_webhook(
        caller: Annotated[Caller, writer], webhook_id: Id, body: ChangedWebhook
    ) -> WebhookResource:
        change = WebhookChange(
            url=body.url, name=body.name, format=body.format, events=body.events, enabled=body.enabled
        )
        return _resource(await webhooks.change(caller, webhook_id, change))

    @router.delete(
        "/{webhook_id}",
        status_code=204,
        responses=problems(401, 403, 404),
        openapi_extra=SECURITY,
        summary="Remove it and its log",
    )
    async def remove_webhook(caller: Annotated[Caller, writer], webhook_id: Id) -> None:
        await webhooks.remove(caller, webhook_id)

    @router.post(
        "/{webhook_id}/rotate-secret",
        responses=problems(401, 403, 404),
        openapi_extra=SECURITY,
        summary="A new secret; the old one signs for another day",
    )
    async def rotate_secret(caller: Annotated[Caller, writer], webhook_id: Id) -> WebhookWithSecret:
        return _with_secret(await webhooks.rotate_secret(caller, webhook_id))

    @router.post(
        "/{webhook_id}/test",
        responses=problems(401, 403, 404),
        openapi_extra=SECURITY,
        summary="Send an event that never was",
    )
    async def test_webhook(caller: Annotated[Caller, writer], webhook_id: Id) -> TestResource:
        reply, seconds = await webhooks.test(caller, webhook_id)
        return TestResource(
            delivered=reply.is_taken, status=reply.status, error=reply.error, seconds=round(seconds, 3)
        )

    @router.get(
        "/{webhook_id}/deliveries",
        responses=problems(400, 401, 403, 404, 422),
        openapi_extra=SECURITY,
        summary="What was sent to it or is to be, the newest calls first",
    )
    async def list_deliveries(
        caller: Annotated[Caller, reader],
        webhook_id: Id,
        state: DeliveryState | None = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[DeliveryResource]:
        wanted = None if state is None else state.value
        filters = {"webhook": webhook_id, "state": wanted}
        position = position_of(cursor, "deliveries", filters, (str, float))
        before = None if position is None else (str(position[0]), int(position[1]))
        found = await webhooks.deliveries(caller, webhook_id, state=wanted, before=before, limit=limit + 1)
        shown = found[:limit]
        place = (shown[-1].key.call_id, float(shown[-1].key.sequence)) if len(found) > limit else None
        return Page(
            items=[_delivery(delivery) for delivery in shown],
            next_cursor=None if place is None else cursor_at(place, "deliveries", filters),
        )

    @router.post(
        "/{webhook_id}/deliveries/{event_id}/replay",
        status_code=202,
        responses=problems(401, 403, 404),
        openapi_extra=SECURITY,
        summary="Send an event again",
    )
    async def replay_event(
        caller: Annotated[Caller, writer],
        webhook_id: Id,
        event_id: Annotated[str, Path(description="The event's id.")],
    ) -> ReplayResource:
        await webhooks.replay(caller, webhook_id, event_id)
        return ReplayResource(count=1)

    @router.post(
        "/{webhook_id}/replay",
        status_code=202,
        responses=problems(400, 401, 403, 404, 413, 415, 422),
        openapi_extra=SECURITY,
        summary="Send all events since a time again",
    )
    async def replay_events(
        caller: Annotated[Caller, writer], webhook_id: Id, body: ReplayRequest
    ) -> ReplayResource:
        count = await webhooks.replay_since(
            caller, webhook_id, body.since.timestamp(), delivered=body.delivered
        )
        return ReplayResource(count=count)

    return router


def _resource(webhook: Webhook) -> WebhookResource:
    return WebhookResource(
        id=webhook.id,
        url=webhook.url,
        name=webhook.name,
        format=webhook.format,
        events=list(webhook.events),
        enabled=webhook.disabled_at is None,
        disabled_at=utc_or_none(webhook.disabled_at),
        disabled_reason=webhook.disabled_reason,
        created_at=utc(webhook.created_at),
        test=webhook.is_test,
    )


def _with_secret(webhook: Webhook) -> WebhookWithSecret:
    return WebhookWithSecret(
        **_resource(webhook).model_dump(),
        secret=webhook.secret,
        previous_secret_until=utc_or_none(webhook.previous_secret_until),
    )


def _delivery(delivery: Delivery) -> DeliveryResource:
    return DeliveryResource(
        event_id=delivery.key.event_id,
        event=delivery.name,
        call_id=delivery.key.call_id,
        state=DeliveryState(delivery.state),
        created_at=utc(delivery.created_at),
        attempts=delivery.attempts,
        next_attempt_at=utc_or_none(delivery.next_attempt_at),
        last_attempt_at=utc_or_none(delivery.last_attempt_at),
        last_status=delivery.last_status,
        last_error=delivery.last_error,
        delivered_at=utc_or_none(delivery.delivered_at),
    )
