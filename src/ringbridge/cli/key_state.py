"""Which keys will surprise somebody: those that end while programs use them, and those that nobody seems to need."""

from collections.abc import Iterator

from ringbridge.call.key import ApiKey, KeyUse
from ringbridge.cli.finding import Finding, warn
from ringbridge.cli.output import moment
from ringbridge.service.credential import DAY_SECONDS

# Time enough to exchange a key, and for a program that works but once a month to have used it.
_SOON_DAYS = 30

_FORGOTTEN_DAYS = 90


def key_findings(key: ApiKey, use: KeyUse | None, utc_now: float) -> Iterator[Finding]:
    """What to say of a key at `utc_now`, UTC seconds since 1970; nothing of most."""
    if key.revoked_at is not None or key.expires_at <= utc_now:
        return
    subject = f"key {key.id}"
    used_at = key.created_at if use is None else use.used_at
    idle_days = (utc_now - max(used_at, key.not_before or 0.0)) / DAY_SECONDS
    if idle_days >= _FORGOTTEN_DAYS:
        since = f"last used {moment(used_at)}" if use is not None else f"never used since {moment(used_at)}"
        yield warn(
            subject,
            f"{key.name!r} of account {key.account_id}: {since}",
            f"if nobody needs it: ringbridge key revoke {key.id}",
        )
    elif use is not None and idle_days < _SOON_DAYS and key.expires_at - utc_now < _SOON_DAYS * DAY_SECONDS:
        yield warn(
            subject,
            f"{key.name!r} of account {key.account_id} is in use and ends {moment(key.expires_at)}",
            f"give its program a new one: ringbridge key rotate {key.id}",
        )
