"""Keys as resources: `/api/v2/keys`. Secrets are told once, to whoever makes a key."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from ringbridge.api.resource import utc, utc_or_none
from ringbridge.api.v2.access import SECURITY, Access
from ringbridge.api.v2.body import StrictRoute
from ringbridge.api.v2.call_body import LineText, printable
from ringbridge.api.v2.paging import Cursor, Limit, Page, cursor_at, position_of
from ringbridge.api.v2.problems import problems
from ringbridge.call.key import CALL_SCOPES, KnownKey, Scope
from ringbridge.service.authentication import Caller
from ringbridge.service.credential import LIFE_DAYS, LONGEST_LIFE_DAYS
from ringbridge.service.keys import KeyRequest, KeyService, MadeKey

HOUR_SECONDS = 3600.0

KeyId = Annotated[str, Path(description="The key's id: the letters between its underscores.")]


class KeyResource(BaseModel):
    """A key without its secret. Times are null where there is none."""

    id: str
    name: str
    test: bool = Field(description="Its calls are simulated.")
    scopes: list[str] = Field(description="What it may do.")
    lines: list[str] = Field(description="The lines that it may call from; empty for all.")
    networks: list[str] = Field(description="Where it opens from; empty for anywhere.")
    created_at: AwareDatetime
    not_before: AwareDatetime | None
    expires_at: AwareDatetime
    revoked_at: AwareDatetime | None
    last_used_at: AwareDatetime | None = Field(description="True to the minute.")
    last_used_from: str | None

    @classmethod
    def from_known(cls, known: KnownKey) -> "KeyResource":
        """The resource of a key."""
        key, use = known
        return cls(
            id=key.id,
            name=key.name,
            test=key.is_test,
            scopes=sorted(scope.value for scope in (CALL_SCOPES if key.scopes is None else key.scopes)),
            lines=list(key.lines),
            networks=list(key.networks),
            created_at=utc(key.created_at),
            not_before=utc_or_none(key.not_before),
            expires_at=utc(key.expires_at),
            revoked_at=utc_or_none(key.revoked_at),
            last_used_at=None if use is None else utc(use.used_at),
            last_used_from=None if use is None else use.address,
        )


class MadeKeyResource(KeyResource):
    """A new key."""

    key: str = Field(description="The key itself: it is shown this once.")

    @classmethod
    def from_made(cls, made: MadeKey) -> "MadeKeyResource":
        """The resource of a key that was just made."""
        shown = KeyResource.from_known(KnownKey(made.key, None))
        return cls(**shown.model_dump(), key=made.text)


class KeyBody(BaseModel):
    """A key that is wanted. It may do no more than the one that asks for it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(printable)] = Field(
        examples=["CRM"]
    )
    scopes: Annotated[list[Annotated[Scope, Field(strict=False)]], Field(min_length=1, max_length=50)]
    lines: Annotated[list[LineText], Field(max_length=100)] = Field(
        [], description="Lines that it may call from; left out, those of the key that asks."
    )
    networks: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=60)]], Field(max_length=100)
    ] = Field(
        [],
        description="Addresses and networks (CIDR) that it opens from; left out, those of the key that asks.",
        examples=[["203.0.113.0/24"]],
    )
    days: Annotated[int, Field(ge=1, le=LONGEST_LIFE_DAYS, description="How long it lives.")] = LIFE_DAYS
    not_before: Annotated[AwareDatetime, Field(strict=False)] | None = Field(
        None, description="When it begins to open."
    )
    test: bool | None = Field(
        None, description="Its calls are simulated; left out, if those of the key that asks are."
    )

    def request(self) -> KeyRequest:
        """The same for the service."""
        return KeyRequest(
            name=self.name,
            scopes=frozenset(self.scopes),
            lines=tuple(self.lines),
            networks=tuple(self.networks),
            days=self.days,
            not_before=None if self.not_before is None else self.not_before.timestamp(),
            is_test=self.test,
        )


class RotationBody(BaseModel):
    """How the old key goes on."""

    model_config = ConfigDict(extra="forbid", strict=True)

    overlap_hours: Annotated[
        float,
        Field(ge=0.0, le=720.0, allow_inf_nan=False, description="How long the old key still opens."),
    ] = 24.0


def keys_router(access: Access, keys: KeyService) -> APIRouter:
    """The routes below `/keys`."""
    router = APIRouter(prefix="/keys", tags=["keys"], route_class=StrictRoute)
    reader, writer = Depends(access.needs(Scope.KEYS_READ)), Depends(access.needs(Scope.KEYS_WRITE))

    @router.get(
        "",
        responses=problems(400, 401, 403, 422, 429, 503),
        openapi_extra=SECURITY,
        summary="The account's keys, the oldest first",
    )
    async def list_keys(
        caller: Annotated[Caller, reader], limit: Limit = 50, cursor: Cursor = None
    ) -> Page[KeyResource]:
        position = position_of(cursor, "keys", {}, (float, str))
        after = None if position is None else (float(position[0]), str(position[1]))
        found = await keys.page(caller, after, limit + 1)
        shown = found[:limit]
        last = shown[-1].key if len(found) > limit else None
        return Page(
            items=[KeyResource.from_known(known) for known in shown],
            next_cursor=None if last is None else cursor_at((last.created_at, last.id), "keys", {}),
        )

    @router.post(
        "",
        status_code=201,
        responses=problems(400, 401, 403, 409, 413, 415, 422, 429, 503),
        openapi_extra=SECURITY,
        summary="Make a key",
    )
    async def create_key(caller: Annotated[Caller, writer], body: KeyBody) -> MadeKeyResource:
        return MadeKeyResource.from_made(await keys.create(caller, body.request()))

    @router.get(
        "/{key_id}",
        responses=problems(401, 403, 404, 429, 503),
        openapi_extra=SECURITY,
        summary="One key, without its secret",
    )
    async def read_key(caller: Annotated[Caller, reader], key_id: KeyId) -> KeyResource:
        return KeyResource.from_known(await keys.find(caller, key_id))

    @router.post(
        "/{key_id}/rotate",
        status_code=201,
        responses=problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
        openapi_extra=SECURITY,
        summary="Exchange a key for a new one that may the same",
    )
    async def rotate_key(
        caller: Annotated[Caller, writer], key_id: KeyId, body: RotationBody | None = None
    ) -> MadeKeyResource:
        overlap_hours = (body or RotationBody()).overlap_hours
        made = await keys.exchange(caller, key_id, overlap_hours * HOUR_SECONDS)
        return MadeKeyResource.from_made(made)

    @router.delete(
        "/{key_id}",
        status_code=204,
        responses=problems(401, 403, 404, 422, 429, 503),
        openapi_extra=SECURITY,
        summary="Revoke a key, for good",
    )
    async def revoke_key(
        caller: Annotated[Caller, writer],
        key_id: KeyId,
        end_calls: Annotated[bool, Query(description="End its calls that are up, too.")] = False,
    ) -> None:
        await keys.revoke(caller, key_id, ends_calls=end_calls)

    return router
