"""The account's lines: `/api/v2/lines`. A phone's password is told when it is made, and never again."""

from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from ringbridge.api.v2.access import SECURITY, Access
from ringbridge.api.v2.body import StrictRoute
from ringbridge.api.v2.paging import Cursor, Limit, Page, cursor_at, position_of
from ringbridge.api.v2.problems import problems
from ringbridge.call.directory import Line, LineKind, Srtp
from ringbridge.call.key import Scope
from ringbridge.service.authentication import Caller
from ringbridge.service.lines import LineOptions, LineService, NewPassword


def _shown(name: str) -> str:
    if not name.isprintable() or not name.strip():
        raise ValueError("A name has characters that can be seen, and no others")
    return name.strip()


Name = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_shown)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]


class LineChangeBody(BaseModel):
    """What is to be changed of a line; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = Field(None, description="Whose line it is.")
    language: Language | None = Field(None, description="Of its prompts; null for the account's.")
    confirm: bool | None = Field(
        None, strict=True, description="Whoever answers must press 1; null leaves it to the kind of line."
    )
    auto_answer: bool = Field(False, strict=True, description="The phone is asked to pick up by itself.")
    srtp: Srtp = Field(Srtp.OFF, description="Whether its audio is encrypted; needs TLS.")
    nat: bool = Field(False, strict=True, description="Its audio may come from elsewhere than it says.")

    def applied_to(self, options: LineOptions) -> LineOptions:
        """Those options with what the client named."""
        named: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        return replace(options, **named)


class LineBody(LineChangeBody):
    """A new line, for a phone that registers."""

    number: Annotated[str, StringConstraints(min_length=1, max_length=40)] = Field(
        description="An internal extension of 2 to 6 digits.", examples=["201"]
    )

    def applied_to(self, options: LineOptions) -> LineOptions:
        """Those options with what the client named."""
        named = LineChangeBody.model_validate(self.model_dump(exclude={"number"}, exclude_unset=True))
        return named.applied_to(options)


class LineResource(BaseModel):
    """A number of the account, and how its phone is reached."""

    id: str
    number: str = Field(description="E.164 with its plus, or an internal extension.")
    name: str | None
    kind: LineKind = Field(
        description="How its phone is reached: it registers, it has an address, or over a trunk."
    )
    uri: str | None = Field(description="The SIP address of a line of kind `uri`.")
    trunk: str | None = Field(description="The trunk of a line of kind `trunk`.")
    sip_username: str | None = Field(description="What the phone of a line of kind `device` registers as.")
    language: str | None
    confirm: bool = Field(description="Whether whoever answers must press 1.")
    auto_answer: bool
    srtp: Srtp
    nat: bool

    @classmethod
    def from_line(cls, line: Line) -> "LineResource":
        """The resource of a line."""
        return cls.model_validate(asdict(line) | {"confirm": line.must_confirm})


class NewLineResource(LineResource):
    """A line, and the password that its phone registers with."""

    sip_password: str = Field(description="Told this once.")

    @classmethod
    def from_new(cls, new: NewPassword) -> "NewLineResource":
        """The resource of a line with a new password."""
        line = LineResource.from_line(new.line)
        return cls(**line.model_dump(), sip_password=new.password)


def lines_router(access: Access, lines: LineService) -> APIRouter:
    """The routes below `/lines`."""
    router = APIRouter(prefix="/lines", tags=["lines"], route_class=StrictRoute)
    reader = Depends(access.needs(Scope.LINES_READ))
    writer = Depends(access.needs(Scope.LINES_WRITE))
    id_in_path = Path(description="The line's id.")

    @router.get("", responses=problems(400, 422), openapi_extra=SECURITY, summary="The lines, by number")
    async def list_lines(
        caller: Annotated[Caller, reader], limit: Limit = 50, cursor: Cursor = None
    ) -> Page[LineResource]:
        position = position_of(cursor, "lines", {}, (str,))
        found = await lines.page(caller, None if position is None else str(position[0]), limit + 1)
        shown = found[:limit]
        return Page(
            items=[LineResource.from_line(line) for line in shown],
            next_cursor=cursor_at((shown[-1].number,), "lines", {}) if len(found) > limit else None,
        )

    @router.post(
        "",
        status_code=201,
        responses=problems(400, 409, 413, 415, 422),
        openapi_extra=SECURITY,
        summary="Make a line for a phone that registers",
    )
    async def add_line(
        caller: Annotated[Caller, writer], body: LineBody, response: Response
    ) -> NewLineResource:
        new = await lines.add(caller, body.number, body.applied_to(LineOptions()))
        response.headers["location"] = f"/api/v2/lines/{new.line.id}"
        return NewLineResource.from_new(new)

    @router.get("/{line_id}", responses=problems(404), openapi_extra=SECURITY, summary="A line")
    async def read_line(
        caller: Annotated[Caller, reader], line_id: Annotated[str, id_in_path]
    ) -> LineResource:
        return LineResource.from_line(await lines.find(caller, line_id))

    @router.patch(
        "/{line_id}",
        responses=problems(400, 404, 413, 415, 422),
        openapi_extra=SECURITY,
        summary="Change a line",
    )
    async def change_line(
        caller: Annotated[Caller, writer], line_id: Annotated[str, id_in_path], body: LineChangeBody
    ) -> LineResource:
        return LineResource.from_line(await lines.change(caller, line_id, body.applied_to))

    @router.post(
        "/{line_id}/password",
        responses=problems(404),
        openapi_extra=SECURITY,
        summary="Give its phone a new password",
    )
    async def renew_password(
        caller: Annotated[Caller, writer], line_id: Annotated[str, id_in_path]
    ) -> NewLineResource:
        return NewLineResource.from_new(await lines.renew_password(caller, line_id))

    @router.delete(
        "/{line_id}",
        status_code=204,
        responses=problems(404),
        openapi_extra=SECURITY,
        summary="Remove a line",
    )
    async def remove_line(caller: Annotated[Caller, writer], line_id: Annotated[str, id_in_path]) -> None:
        await lines.remove(caller, line_id)

    return router
