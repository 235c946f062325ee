"""Tokens for browsers: `POST /api/v2/tokens`. See `ringbridge.service.tokens`."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from ringbridge.api.resource import utc
from ringbridge.api.v2.access import SECURITY, Access
from ringbridge.api.v2.body import StrictRoute
from ringbridge.api.v2.call_body import LineText
from ringbridge.api.v2.problems import problems
from ringbridge.call.key import Scope
from ringbridge.service.authentication import Caller
from ringbridge.service.tokens import LONGEST_LIFE_SECONDS, Tokens


class TokenBody(BaseModel):
    """A token that is wanted."""

    model_config = ConfigDict(extra="forbid", strict=True)

    user_line: LineText = Field(
        description="The line of the account that the page may call from.", examples=["+1 (817) 562-9657"]
    )
    origin: Annotated[str, StringConstraints(min_length=1, max_length=255)] = Field(
        description="Whose pages may use it, as browsers write it.", examples=["https://crm.example.com"]
    )
    seconds: Annotated[float, Field(ge=10.0, le=LONGEST_LIFE_SECONDS, allow_inf_nan=False)] = Field(
        600.0, description="How long it lives."
    )


class TokenResource(BaseModel):
    """A token."""

    token: str = Field(description="For `Authorization: Bearer`, at `POST /api/v2/calls` only.")
    user_line: str = Field(description="The line, as a call shows it.")
    origin: str
    expires_at: AwareDatetime


def tokens_router(access: Access, tokens: Tokens) -> APIRouter:
    """The route `/tokens`."""
    router = APIRouter(prefix="/tokens", tags=["tokens"], route_class=StrictRoute)

    @router.post(
        "",
        status_code=201,
        responses=problems(400, 401, 403, 413, 415, 422, 429, 503),
        openapi_extra=SECURITY,
        summary="Make a token for a browser",
    )
    async def create_token(
        caller: Annotated[Caller, Depends(access.needs(Scope.TOKENS_CREATE))], body: TokenBody
    ) -> TokenResource:
        text, token = await tokens.create(caller, body.user_line, body.origin, body.seconds)
        return TokenResource(
            token=text, user_line=token.line, origin=token.origin, expires_at=utc(token.expires_at)
        )

    return router
