"""What the portal calls things that have a stable word elsewhere, in English; `View.text` translates. With a colour for badges."""

from typing import NamedTuple

from ringbridge.call.cause import Outcome
from ringbridge.call.user import Role
from ringbridge.portal.language import marked


class Badge(NamedTuple):
    """A word in a coloured box. Never the colour alone: not everybody sees it."""

    text: str
    colour: str


class Conclusion(NamedTuple):
    """What a test shows, and what to do now."""

    badge: Badge
    text: str


PROMPT_LANGUAGES = {
    "en": "English",
    "es": "Español",
    "de": "Deutsch",
    "fr": "Français",
    "it": "Italiano",
    "pt": "Português",
}
"""Those that there are prompts for, as people who speak them write them."""

OUTCOMES: dict[Outcome, Badge] = {
    Outcome.COMPLETED: Badge(marked("Completed"), "green"),
    Outcome.USER_NO_ANSWER: Badge(marked("User did not answer"), "yellow"),
    Outcome.USER_BUSY: Badge(marked("User busy"), "yellow"),
    Outcome.USER_DECLINED: Badge(marked("User declined"), "yellow"),
    Outcome.USER_UNREACHABLE: Badge(marked("User unreachable"), "red"),
    Outcome.USER_HUNG_UP: Badge(marked("User hung up"), "yellow"),
    Outcome.NOT_CONFIRMED: Badge(marked("Not confirmed"), "yellow"),
    Outcome.DESTINATION_NO_ANSWER: Badge(marked("Destination did not answer"), "yellow"),
    Outcome.DESTINATION_BUSY: Badge(marked("Destination busy"), "yellow"),
    Outcome.DESTINATION_DECLINED: Badge(marked("Destination declined"), "yellow"),
    Outcome.DESTINATION_INVALID: Badge(marked("Destination number invalid"), "red"),
    Outcome.DESTINATION_UNREACHABLE: Badge(marked("Destination unreachable"), "red"),
    Outcome.CANCELED: Badge(marked("Cancelled"), "azure"),
    Outcome.INTERRUPTED: Badge(marked("Interrupted"), "red"),
    Outcome.FAILED: Badge(marked("Failed"), "red"),
    Outcome.BLOCKED: Badge(marked("Blocked"), "purple"),
    Outcome.EXPIRED: Badge(marked("Expired"), "yellow"),
}

ROLES: dict[Role, str] = {
    Role.OWNER: marked("Owner"),
    Role.OPERATOR: marked("Operator"),
    Role.AUDITOR: marked("Auditor"),
    Role.USER: marked("User"),
}

# Of errors whose code a form can show beside the field, or above all fields.
FAULTS: dict[str, str] = {
    "too_short": marked("Use at least 12 characters."),
    "too_long": marked("Use at most 256 characters."),
    "too_common": marked("This is one of the first passwords that guessers try. Choose another one."),
    "invalid_login": marked("Use 2 to 128 characters without blanks."),
    "invalid_name": marked("Use 1 to 100 characters."),
    "already_exists": marked("This is taken already."),
    "last_owner": marked("The account would have no owner who can sign in."),
    "unknown_line": marked("The account has no line with this number."),
    "unknown_account": marked("There is no such account."),
    "invalid_number": marked("This is not a telephone number."),
    "emergency_number": marked("This is an emergency number."),
    "sign_in_refused": marked("This is wrong. Look at it again."),
    "too_many_guesses": marked("Too many wrong tries came from your address. Wait a minute."),
    "link_unusable": marked("This link was used, is too old, or never was. Ask for a new one."),
    "wrong_password": marked("This is not your password."),
    "unknown_country": marked("This is not a country. Use its two letters, such as US."),
    "wrong_code": marked("This is not the code that your telephone shows now."),
    "right_missing": marked("Your role does not allow this."),
    "invalid_moment": marked("Choose a day and a time."),
    "unknown_choice": marked("This is none of the choices."),
    "not_found": marked("There is no such thing any more."),
    "store_unavailable": marked("The database is not available. Try again in a moment."),
}
FALLBACK_FAULT = marked("This cannot be used: {code}")


def fault(code: str) -> str:
    """The sentence for an error's code, not yet translated."""
    return FAULTS.get(code, FALLBACK_FAULT)
