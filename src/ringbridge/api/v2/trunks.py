"""Which trunks there are: `/api/v2/trunks`. All accounts share them, so programs see no more than what calls name."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from ringbridge.api.v2.access import SECURITY, Access
from ringbridge.api.v2.problems import problems
from ringbridge.call.directory import Trunk
from ringbridge.call.key import Scope
from ringbridge.service.authentication import Caller
from ringbridge.service.lines import LineService


class TrunkResource(BaseModel):
    """A way to the public telephone network."""

    name: str
    prefixes: list[str] = Field(description="The beginnings of the numbers that it carries; none means all.")

    @classmethod
    def from_trunk(cls, trunk: Trunk) -> "TrunkResource":
        """The resource of a trunk."""
        return cls(name=trunk.name, prefixes=list(trunk.prefixes))


class TrunkList(BaseModel):
    """All trunks."""

    items: list[TrunkResource]


def trunks_router(access: Access, lines: LineService) -> APIRouter:
    """The route `/trunks`."""
    router = APIRouter(tags=["lines"])

    @router.get(
        "/trunks",
        responses=problems(),
        openapi_extra=SECURITY,
        summary="The trunks, the default one first",
    )
    async def list_trunks(
        caller: Annotated[Caller, Depends(access.needs(Scope.TRUNKS_READ))],
    ) -> TrunkList:
        return TrunkList(items=[TrunkResource.from_trunk(trunk) for trunk in await lines.trunks()])

    return router
