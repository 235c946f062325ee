"""Points in time as an administrator types them."""

from datetime import UTC, datetime

from ringbridge.cli.errors import CommandError


def utc_seconds(text: str) -> float:
    """A day or a moment as RFC 3339 writes them, without an offset in UTC; in seconds since 1970. Raises CommandError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(
            f"{text!r} is no time: write it as 2027-01-31 or 2027-01-31T08:00+01:00"
        ) from error
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
