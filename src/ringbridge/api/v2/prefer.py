"""`Prefer: wait=N` (RFC 7240): the client would rather wait for the end of its call than ask again."""

from typing import Annotated, Any

from fastapi import Header, Request, Response

MOST_SECONDS = 60

PREFERENCE_APPLIED: dict[str, Any] = {
    "Preference-Applied": {
        "schema": {"type": "string"},
        "description": "`wait=N`: the answer waited for the call's end, N seconds at most.",
    }
}
"""What OpenAPI says of an answer that may have waited."""


def wait_seconds(
    request: Request,
    response: Response,
    prefer: Annotated[
        str | None,
        Header(description="`wait=N` answers when the call is over or N seconds have passed; 60 at most."),
    ] = None,
) -> int | None:
    """How many seconds the client would wait; None for at once. What cannot be read is no preference, as the RFC says."""
    for preference in ",".join(request.headers.getlist("prefer")).split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        digits = value.strip().strip('"')
        if name.strip().lower() == "wait" and digits.isascii() and digits.isdigit():
            seconds = min(int(digits[:9]), MOST_SECONDS)
            response.headers["preference-applied"] = f"wait={seconds}"
            return seconds
    return None
