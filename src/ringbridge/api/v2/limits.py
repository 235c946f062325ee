"""What the account may do, and what it has done, as resources: `/api/v2/limits` and `/api/v2/usage`.

Limits are named as `ringbridge limits set` names them, with seconds in full; amounts of money are text, so that no
reader rounds them.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from ringbridge.api.v2.access import SECURITY, Access
from ringbridge.api.v2.body import StrictRoute
from ringbridge.api.v2.problems import problems
from ringbridge.call.directory import AccountLimits
from ringbridge.call.key import Scope
from ringbridge.call.limits import LARGEST_COUNT, NAMES, limit_text
from ringbridge.call.money import amount_text
from ringbridge.service.authentication import Caller
from ringbridge.service.limits import AccountUsage, LimitService, PeriodSpending
from ringbridge.service.spending import Period

Count = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]
Seconds = Annotated[float, Field(ge=0.0, le=14_400.0, allow_inf_nan=False)]
Amount = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,7}(\.[0-9]{1,6})?$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{0,14}$")]
Hours = Annotated[str, StringConstraints(pattern=r"^([0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9])?$")]


class LimitsResource(BaseModel):
    """What the account may do. null means no limit."""

    concurrent: Count = Field(description="Calls at once.")
    per_user: Count = Field(description="Calls at once for one line.")
    rate: Count = Field(description="Calls accepted in any one second.")
    duplicates_seconds: Seconds = Field(description="A click repeated within this time is the same call.")
    countries: list[Country] = Field(description="Countries that may be called; empty for the account's own.")
    user_ring_seconds: Seconds
    confirm_seconds: Seconds
    destination_ring_seconds: Seconds
    call_seconds: Seconds
    per_minute: Count | None = Field(description="Calls accepted in any one minute.")
    user_per_minute: Count | None = Field(description="The same for one line.")
    destination_per_10_minutes: Count | None = Field(description="Calls to one number in any ten minutes.")
    refused_prefixes: list[Prefix] = Field(description="Beginnings of numbers that may not be called.")
    quiet_hours: Hours = Field(
        description="When nobody is called, by the clock where they are; empty for never.",
        examples=["21:00-08:00"],
    )
    spend_per_call: Amount | None = Field(description="What the longest call may cost.")
    spend_per_hour: Amount | None = Field(description="What all calls of an hour may cost (UTC).")
    spend_per_day: Amount | None
    spend_per_month: Amount | None
    short_calls_per_hour: Count | None = Field(
        description="Calls of a few seconds to one country; more suspend the account."
    )
    keys: Count = Field(description="Keys that are valid at once; while they are exchanged, twice as many.")

    @classmethod
    def from_limits(cls, limits: AccountLimits) -> "LimitsResource":
        """The resource of an account's limits."""
        return cls(**{_shown_name(name): _shown(name, getattr(limits, name)) for name in NAMES})


class LimitsBody(BaseModel):
    """Limits to change; those that are left out stay. A key can make them tighter, and only an administrator looser."""

    model_config = ConfigDict(extra="forbid", strict=True)

    concurrent: Count = 0
    per_user: Count = 0
    rate: Count = 0
    duplicates_seconds: Seconds = 0.0
    countries: Annotated[list[Country], Field(max_length=300)] = []
    user_ring_seconds: Seconds = 0.0
    confirm_seconds: Seconds = 0.0
    destination_ring_seconds: Seconds = 0.0
    call_seconds: Seconds = 0.0
    per_minute: Count | None = None
    user_per_minute: Count | None = None
    destination_per_10_minutes: Count | None = None
    refused_prefixes: Annotated[list[Prefix], Field(max_length=1000)] = []
    quiet_hours: Hours = ""
    spend_per_call: Amount | None = None
    spend_per_hour: Amount | None = None
    spend_per_day: Amount | None = None
    spend_per_month: Amount | None = None
    short_calls_per_hour: Count | None = None
    keys: Count = 0

    def wanted(self) -> dict[str, str]:
        """What was given, named and written as `ringbridge limits set` takes it."""
        shown = {_shown_name(name): name for name in NAMES}
        return {shown[name]: _written(getattr(self, name)) for name in self.model_fields_set}


class PeriodResource(BaseModel):
    """Money in a running period."""

    spent: Amount = Field(description="What calls that are over did cost.")
    reserved: Amount = Field(
        description="What calls that are up may cost at the most. With what is spent, it is what a limit is compared with."
    )
    limit: Amount | None
    ends_at: AwareDatetime

    @classmethod
    def from_spending(cls, spending: PeriodSpending) -> "PeriodResource":
        """The resource of a period."""
        return cls(
            spent=amount_text(spending.spent),
            reserved=amount_text(spending.reserved),
            limit=None if spending.most is None else amount_text(spending.most),
            ends_at=datetime.fromtimestamp(spending.ends_at, UTC),
        )


class UsageResource(BaseModel):
    """What the account does now, did today (UTC) and has spent: in live calls, or for a test key in test calls."""

    calls_now: int = Field(description="Calls that are not over.")
    calls_today: int = Field(description="Calls that were accepted.")
    outcomes_today: dict[str, int] = Field(
        description="How many calls that are over had which outcome; `blocked` are requests that were refused."
    )
    hour: PeriodResource
    day: PeriodResource
    month: PeriodResource

    @classmethod
    def from_usage(cls, usage: AccountUsage) -> "UsageResource":
        """The resource of an account's usage."""
        periods = {period: PeriodResource.from_spending(usage.spending[period]) for period in Period}
        return cls(
            calls_now=usage.calls_now,
            calls_today=usage.calls_today,
            outcomes_today=dict(usage.outcomes),
            hour=periods[Period.HOUR],
            day=periods[Period.DAY],
            month=periods[Period.MONTH],
        )


def limits_router(access: Access, limits: LimitService) -> APIRouter:
    """The routes `/limits` and `/usage`."""
    router = APIRouter(tags=["limits"], route_class=StrictRoute)
    reader, writer = Depends(access.needs(Scope.LIMITS_READ)), Depends(access.needs(Scope.LIMITS_WRITE))

    @router.get(
        "/limits",
        responses=problems(401, 403, 429, 503),
        openapi_extra=SECURITY,
        summary="What the account may do",
    )
    async def read_limits(caller: Annotated[Caller, reader]) -> LimitsResource:
        return LimitsResource.from_limits(await limits.limits(caller))

    @router.patch(
        "/limits",
        responses=problems(400, 401, 403, 413, 415, 422, 429, 503),
        openapi_extra=SECURITY,
        summary="Make limits tighter",
    )
    async def tighten_limits(caller: Annotated[Caller, writer], body: LimitsBody) -> LimitsResource:
        return LimitsResource.from_limits(await limits.tighten(caller, body.wanted()))

    @router.get(
        "/usage",
        responses=problems(401, 403, 429, 503),
        openapi_extra=SECURITY,
        summary="What the account does now, did today and has spent",
    )
    async def read_usage(
        caller: Annotated[Caller, Depends(access.needs(Scope.USAGE_READ))],
    ) -> UsageResource:
        return UsageResource.from_usage(await limits.usage(caller))

    return router


def _shown_name(name: str) -> str:
    return f"{name.removesuffix('_s')}_seconds" if name.endswith("_s") else name


def _shown(name: str, value: object) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return limit_text(name, value) if name.startswith("spend_") and value is not None else value


def _written(value: object) -> str:
    if value is None:
        return ""
    return ",".join(value) if isinstance(value, list) else str(value)
