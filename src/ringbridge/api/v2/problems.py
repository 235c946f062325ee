"""What goes wrong in version 2, as problem details with a stable code."""

from typing import Any

from ringbridge.api.answer import CHALLENGE, TITLES, Answer, HeaderList, problem_answer, retry_after
from ringbridge.api.v2.paging import InvalidCursor
from ringbridge.api.v2.query import UnknownParameter
from ringbridge.call.errors import (
    AlreadyExists,
    CallError,
    IdempotencyKeyReused,
    InvalidCredentials,
    InvalidDestination,
    InvalidOption,
    InvalidUserLine,
    NotFound,
    RequestInProgress,
    SpendLimitReached,
    TooManyCalls,
)
from ringbridge.call.key import TooManyKeys
from ringbridge.call.webhook import InvalidWebhook, TooManyTests, TooManyWebhooks
from ringbridge.service.actions import WrongState
from ringbridge.service.authentication import MissingScope, TooManyFailures
from ringbridge.service.feed import PositionTooOld
from ringbridge.service.keys import BeyondOwnRights
from ringbridge.service.limits import OnlyTighter
from ringbridge.service.lines import AdministratorsLine
from ringbridge.service.quota import TooManyActions

# No key or a wrong one, one without the scope, a query of other parameters, too many requests, a database that is gone.
_ANYWHERE = (401, 403, 422, 429, 503)

# A restart or a database that comes back takes about this long.
RETRY_SECONDS = 5.0


_REASONS = {
    "already_in_call": "This is one of those who talk already.",
    "above_limit": "More than the account may have.",
    "destination_not_allowed": "This number may not be called.",
    "do_not_call": "This number is on the account's do-not-call list.",
    "emergency_number": "Emergency numbers are not called: help would be sent to the wrong place.",
    "invalid_network": "Write an address or a network, such as 203.0.113.0/24.",
    "invalid_number": "This is no telephone number.",
    "not_an_extension": "An internal extension has 2 to 6 digits; telephone numbers are given by the administrator.",
    "invalid_value": "This is no value that the limit can have.",
    "no_rate": "What this call would cost is not known.",
    "invalid_origin": "Write it as browsers do: https://crm.example.com, without a path.",
    "not_with_lines": "A key that is bound to lines cannot have what concerns the whole account.",
    "not_with_a_token": "A token for browsers takes user_line, destination_line and language only.",
    "not_own_number": "This is no number of the account.",
    "quiet_hours": "It is too late or too early where that number is.",
    "same_as_user_line": "This is the user's own line.",
    "in_the_past": "This time is over.",
    "spend_limit": "This call could cost more than one call may.",
    "too_far_ahead": "This is more than 30 days from now.",
    "too_late": "This is more than two years from now.",
    "unknown_line": "This is no line of the account.",
}


class CallAlreadyEnded(CallError):
    """There is nothing left to end."""

    code = "call_already_ended"


def problem_of(error: CallError) -> Answer:
    """What went wrong, as version 2 tells it."""
    match error:
        case TooManyFailures():
            wait = retry_after(error.retry_after_seconds)
            return problem_answer(
                429, error.code, "Too many wrong credentials. Please try again later.", (wait,)
            )
        case MissingScope() | AdministratorsLine():
            return problem_answer(403, error.code, str(error))
        case OnlyTighter():
            return problem_answer(403, error.code, str(error))
        case InvalidCredentials():
            return problem_answer(401, error.code, "Invalid API credentials.", (CHALLENGE,))
        case InvalidCursor():
            return problem_answer(400, error.code, str(error))
        case PositionTooOld():
            return problem_answer(410, error.code, str(error))
        case NotFound():
            return problem_answer(404, error.code, str(error))
        case BeyondOwnRights():
            return problem_answer(403, error.code, str(error))
        case TooManyKeys():
            return problem_answer(409, error.code, str(error))
        case CallAlreadyEnded() | WrongState() | TooManyActions() | AlreadyExists():
            return problem_answer(409, error.code, str(error))
        case TooManyCalls():
            return problem_answer(429, error.code, f"The limit {error.limit} is reached.", _rate_limit(error))
        case IdempotencyKeyReused():
            return problem_answer(422, error.code, "This Idempotency-Key was used for another request.")
        case RequestInProgress():
            detail = "A request with this Idempotency-Key is being carried out."
            return problem_answer(409, error.code, detail, (retry_after(1.0),))
        case InvalidUserLine():
            return problem_answer(422, error.code, f"user_line: {_reason(error)}")
        case InvalidDestination():
            return problem_answer(422, error.code, f"destination_line: {_reason(error)}")
        case InvalidWebhook() | UnknownParameter():
            return problem_answer(422, error.code, str(error))
        case TooManyTests():
            return problem_answer(429, error.code, str(error), (retry_after(error.retry_after_seconds),))
        case TooManyWebhooks():
            return problem_answer(409, error.code, str(error))
        case InvalidOption():
            return problem_answer(422, error.code, f"{error.option}: {_reason(error)}")
        case _:
            return problem_answer(503, error.code, "Please try again later.", (retry_after(RETRY_SECONDS),))


def _rate_limit(error: TooManyCalls) -> HeaderList:
    """When to come back, and, of a limit that counts calls, in the words that clients know how many it lets through."""
    wait = retry_after(error.retry_after_seconds)
    if isinstance(error, SpendLimitReached):
        return (wait,)
    return (
        wait,
        (b"ratelimit-limit", b"%d" % error.most),
        (b"ratelimit-remaining", b"0"),
        (b"ratelimit-reset", wait[1]),
    )


def _reason(error: CallError) -> str:
    """What `error.code` means, as a sentence."""
    return _REASONS.get(error.code, "This is not possible.")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of the problems that a route can answer, besides those that every one can."""
    return {
        status: {
            "description": TITLES[status],
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemResource"}}
            },
        }
        for status in sorted({*_ANYWHERE, *statuses})
    }
