"""Where keys, lines, trunks and limits become rows, and rows values again. Other rows have the fields of their values: `Account(**row)`."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping

from ringbridge.call.directory import AccountLimits, CallerIdPolicy, Line, LineKind, NumberFormat, Srtp, Trunk
from ringbridge.call.key import ApiKey, Scope


def key_of(row: RowMapping | dict[str, Any]) -> ApiKey:
    """The key in a row of `api_keys`. A scope that this version does not know opens nothing here."""
    scopes = row["scopes"]
    values = {
        "scopes": None if scopes is None else frozenset(scope for scope in Scope if scope.value in scopes),
        "lines": tuple(row["lines"] or ()),
        "networks": tuple(row["networks"] or ()),
    }
    return ApiKey(**dict(row) | values)


def key_row(key: ApiKey) -> dict[str, Any]:
    """The row of a key."""
    return asdict(key) | {
        "scopes": None if key.scopes is None else sorted(scope.value for scope in key.scopes),
        "lines": list(key.lines),
        "networks": list(key.networks),
    }


def line_of(row: RowMapping | dict[str, Any]) -> Line:
    """The line in a row of `lines`; the digests of its phone stay there."""
    values = {name: value for name, value in row.items() if name != "device_digests"}
    return Line(**values | {"kind": LineKind(row["kind"]), "srtp": Srtp(row["srtp"])})


def line_row(line: Line, device_digests: dict[str, str] | None) -> dict[str, Any]:
    """The row of a line, with what its phone's password is checked against: digest algorithm -> HA1."""
    return asdict(line) | {
        "kind": line.kind.value,
        "srtp": line.srtp.value,
        "device_digests": device_digests,
    }


def trunk_of(row: RowMapping | dict[str, Any]) -> Trunk:
    """The trunk in a row of `trunks`."""
    values = {
        "prefixes": tuple(row["prefixes"] or ()),
        "number_format": NumberFormat(row["number_format"]),
        "caller_id": CallerIdPolicy(row["caller_id"]),
        "srtp": Srtp(row["srtp"]),
    }
    return Trunk(**dict(row) | values)


def trunk_row(trunk: Trunk) -> dict[str, Any]:
    """The row of a trunk."""
    return asdict(trunk) | {
        "prefixes": list(trunk.prefixes),
        "number_format": trunk.number_format.value,
        "caller_id": trunk.caller_id.value,
        "srtp": trunk.srtp.value,
    }


def limits_of(row: RowMapping | dict[str, Any]) -> AccountLimits:
    """The limits in a row of `account_limits`."""
    values = {name: value for name, value in row.items() if name != "account_id"}
    lists = {"countries": tuple(row["countries"]), "refused_prefixes": tuple(row["refused_prefixes"] or ())}
    return AccountLimits(**values | lists)


def limits_row(account_id: str, limits: AccountLimits) -> dict[str, Any]:
    """The row of an account's limits."""
    lists = {"countries": list(limits.countries), "refused_prefixes": list(limits.refused_prefixes)}
    return asdict(limits) | lists | {"account_id": account_id}
