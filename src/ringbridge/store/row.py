"""Where lines and limits become rows, and rows values again. Other rows have the fields of their values: `Account(**row)`."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping

from ringbridge.call.directory import AccountLimits, Line, LineKind


def line_of(row: RowMapping) -> Line:
    """The line in a row of `lines`; the digests of its phone stay there."""
    values = {name: value for name, value in row.items() if name != "device_digests"}
    return Line(**values | {"kind": LineKind(row["kind"])})


def line_row(line: Line, device_digests: dict[str, str] | None) -> dict[str, Any]:
    """The row of a line, with what its phone's password is checked against: digest algorithm -> HA1."""
    return asdict(line) | {"kind": line.kind.value, "device_digests": device_digests}


def limits_of(row: RowMapping) -> AccountLimits:
    """The limits in a row of `account_limits`."""
    values = {name: value for name, value in row.items() if name != "account_id"}
    return AccountLimits(**values | {"countries": tuple(row["countries"])})


def limits_row(account_id: str, limits: AccountLimits) -> dict[str, Any]:
    """The row of an account's limits."""
    return asdict(limits) | {"account_id": account_id, "countries": list(limits.countries)}
