"""What the pages about programs call things."""

import re

from ringbridge.call.key import Scope
from ringbridge.call.webhook import InvalidWebhook, WebhookFormat
from ringbridge.portal.language import marked
from ringbridge.portal.view import View
from ringbridge.portal.words import Badge

# The scopes as a form shows them: under a heading, each with what it allows.
SCOPES: tuple[tuple[str, dict[Scope, str]], ...] = (
    (
        marked("Calls"),
        {
            Scope.CALLS_CREATE: marked("Place calls"),
            Scope.CALLS_READ: marked("See calls and follow them"),
            Scope.CALLS_CANCEL: marked("End calls"),
            Scope.CALLS_CONTROL: marked("Hold, send digits, transfer"),
            Scope.TOKENS_CREATE: marked("Make tokens for browsers"),
        },
    ),
    (
        marked("Records"),
        {
            Scope.RECORDS_READ: marked("List and export records"),
            Scope.RECORDS_ERASE: marked("Erase what is kept of a number"),
            Scope.USAGE_READ: marked("See usage"),
            Scope.AUDIT_READ: marked("See who changed what"),
        },
    ),
    (
        marked("The account"),
        {
            Scope.LINES_READ: marked("See lines"),
            Scope.LINES_WRITE: marked("Change lines with extensions"),
            Scope.TRUNKS_READ: marked("See trunks"),
            Scope.LIMITS_READ: marked("See limits"),
            Scope.LIMITS_WRITE: marked("Make limits tighter"),
            Scope.WEBHOOKS_READ: marked("See webhooks"),
            Scope.WEBHOOKS_WRITE: marked("Change webhooks"),
            Scope.KEYS_READ: marked("See keys"),
            Scope.KEYS_WRITE: marked("Make and revoke keys"),
        },
    ),
)

FAULTS: dict[str, str] = {
    "no_scope": marked("Choose at least one."),
    "invalid_days": marked("Use 1 to 730 days."),
    "invalid_hours": marked("Use 0 to 720 hours."),
    "invalid_network": marked("Write an address or a network in each line, such as 203.0.113.0/24."),
    "too_late": marked("Choose a time within the next two years."),
    "too_many_keys": marked(
        "The account has as many valid keys as it may. Revoke one that is not needed first."
    ),
    "too_many_webhooks": marked("An account has 20 webhooks at most. Remove one that is not needed first."),
    "sender_unavailable": marked("What sends to webhooks does not answer. Try again in a moment."),
    "name_too_long": marked("Use at most 200 characters."),
    "unknown_format": marked("Choose one of the two."),
    "invalid_origin": marked("Write it as https://crm.example.com, without a path."),
    "too_many_origins": marked("An account allows 50 origins at most. Remove one that is not needed first."),
}

FORMATS: dict[WebhookFormat, str] = {
    WebhookFormat.RINGBRIDGE: marked("ringbridge: every event, with the whole call"),
    WebhookFormat.NET2PHONE: marked("net2phone: call_ringing and call_answered"),
}

# Those that receivers want most; others have a field of their own.
EVENTS: dict[str, str] = {
    "accepted": marked("The call is accepted"),
    "user_ringing": marked("The user's phone rings"),
    "user_answered": marked("The user answered"),
    "destination_ringing": marked("The destination rings"),
    "connected": marked("The two talk"),
    "ended": marked("The call is over"),
}

WHY_DISABLED: dict[str, str] = {
    "by_request": marked("Disabled"),
    "gone": marked("Disabled: the receiver answered 410, gone"),
    "failing": marked("Disabled: the receiver took nothing for over a day"),
}

STATES: dict[str, Badge] = {
    "pending": Badge(marked("Waiting"), "yellow"),
    "delivered": Badge(marked("Delivered"), "green"),
    "failed": Badge(marked("Given up"), "red"),
}

# What is said of a URL that cannot be had comes as a sentence, some with a name in it.
_WHOLE = frozenset(
    {
        marked("This is not a URL."),
        marked("Give a URL with https, for example https://crm.example.com/calls."),
        marked("Give a URL without credentials: requests are signed."),
        marked("Use https: what is sent names people's numbers."),
        marked("The name contains control characters."),
    }
)
_WITH_HOST = (
    (
        re.compile(r"The name (?P<host>\S+) cannot be looked up\."),
        marked("The name {host} cannot be looked up."),
    ),
    (
        re.compile(r"Requests may not be sent to (?P<host>\S+?)(?:: .*|\.)"),
        marked("Requests may not be sent to {host}: the address is private, or not for everybody."),
    ),
    (
        re.compile(r"(?P<name>.+) is no name of an event, such as connected or ended\."),
        marked("{name} is no name of an event, such as connected or ended."),
    ),
)


def sentence_of(view: View, error: InvalidWebhook) -> str:
    """What is wrong with a webhook, in the reader's language."""
    said = str(error)
    if said in _WHOLE:
        return view.text(said)
    for pattern, text in _WITH_HOST:
        match = pattern.fullmatch(said)
        if match is not None:
            return view.text(text, **match.groupdict())
    return said
