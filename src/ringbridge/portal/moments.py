"""Points in time as forms send them: what was typed, and the same in UTC if the page's script could say it."""

from datetime import UTC, datetime

from ringbridge.call.errors import InvalidOption
from ringbridge.portal.form import Form


def moment_of(form: Form, name: str) -> float | None:
    """UTC seconds since 1970 of a field; None where it is empty. Without a script it is UTC that was typed. Raises InvalidOption."""
    text = form[f"{name}_utc"] or form[name]
    if not text or not form[name]:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise InvalidOption(name, "invalid_moment") from None
