"""Who changed what of the account: `/api/v2/audit`."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, Field

from ringbridge.api.resource import utc
from ringbridge.api.v2.access import SECURITY, Access
from ringbridge.api.v2.body import StrictRoute
from ringbridge.api.v2.paging import Cursor, InvalidCursor, Limit, Page, cursor_at, position_of
from ringbridge.api.v2.problems import problems
from ringbridge.call.audit import AuditEntry
from ringbridge.call.key import Scope
from ringbridge.service.audit import AuditService
from ringbridge.service.audit_export import as_document
from ringbridge.service.authentication import Caller

# As many as a number of JSON can count, and no database knows larger ones.
MOST_ENTRIES = 2**53


class ActorResource(BaseModel):
    """Who changed it."""

    kind: str = Field(
        description="`api_key`, `user` (of the portal), `command_line` (whoever looks after the server) or `server`."
    )
    id: str | None = Field(description="Of an API key or a user; else null.")
    address: str | None = Field(description="Where the request of an API key or a user came from; else null.")


class TargetResource(BaseModel):
    """What was changed."""

    kind: str = Field(description="The first word of the action.", examples=["key"])
    id: str | None = Field(description="Null where the account has only one.")


class AuditResource(BaseModel):
    """A change. Secrets are hidden, and of telephone numbers only the last four digits are told."""

    id: int = Field(description="Grows with each change of this server.")
    at: AwareDatetime
    action: str = Field(examples=["key.revoked"])
    actor: ActorResource
    target: TargetResource
    before: dict[str, Any] | None = Field(description="What was different; null for something new.")
    after: dict[str, Any] | None = Field(description="What is different; null for something removed.")

    @classmethod
    def from_entry(cls, entry: AuditEntry) -> "AuditResource":
        """The resource of an entry."""
        document = as_document(entry)
        return cls(
            id=entry.sequence,
            at=utc(entry.at),
            action=entry.action,
            actor=ActorResource(kind=entry.actor.kind.value, id=entry.actor.id, address=entry.actor.address),
            target=TargetResource(kind=entry.target_kind, id=entry.target_id),
            before=document["before"],
            after=document["after"],
        )


def audit_router(access: Access, audit: AuditService) -> APIRouter:
    """The route `/audit`."""
    router = APIRouter(tags=["audit"], route_class=StrictRoute)

    @router.get(
        "/audit",
        responses=problems(400, 422),
        openapi_extra=SECURITY,
        summary="Who changed what of the account, the last first",
    )
    async def list_audit_entries(
        caller: Annotated[Caller, Depends(access.needs(Scope.AUDIT_READ))],
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[AuditResource]:
        position = position_of(cursor, "audit", {}, (float,))
        before = None if position is None else int(position[0])
        if before is not None and not 0 < before < MOST_ENTRIES:
            raise InvalidCursor
        found = await audit.page(caller, before, limit + 1)
        shown = found[:limit]
        return Page(
            items=[AuditResource.from_entry(entry) for entry in shown],
            next_cursor=cursor_at((float(shown[-1].sequence),), "audit", {}) if len(found) > limit else None,
        )

    return router
