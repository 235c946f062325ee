"""The entries at the side of every page. One whose page is not there, or that somebody may not open, is not shown."""

from typing import NamedTuple

from ringbridge.call.user import Right
from ringbridge.portal.language import marked


class Entry(NamedTuple):
    """A page of the first level. `icon` is one of `scripts/vendor`."""

    path: str
    label: str
    icon: str
    right: Right


ENTRIES = (
    Entry("/start", marked("First steps"), "list-check", Right.CHANGE_LINES),
    Entry("/dashboard", marked("Dashboard"), "dashboard", Right.SEE_STATISTICS),
    Entry("/dial", marked("Dial"), "phone", Right.DIAL),
    Entry("/live", marked("Live calls"), "phone-call", Right.SEE_CALLS),
    Entry("/scheduled", marked("Scheduled calls"), "clock", Right.SEE_CALLS),
    Entry("/history", marked("History"), "history", Right.SEE_CALLS),
    Entry("/lines", marked("Lines"), "device-landline-phone", Right.SEE_LINES),
    Entry("/trunks", marked("Trunks"), "route", Right.SEE_TRUNKS),
    Entry("/limits", marked("Limits"), "adjustments", Right.SEE_LIMITS),
    Entry("/do-not-call", marked("Do not call"), "ban", Right.SEE_DO_NOT_CALL),
    Entry("/prompts", marked("Prompts"), "volume", Right.SEE_PROMPTS),
    Entry("/users", marked("Users"), "users", Right.SEE_USERS),
    Entry("/settings/api", marked("API Integration"), "api", Right.SEE_KEYS),
    Entry("/audit", marked("Audit"), "list-check", Right.SEE_AUDIT),
)

# Under a heading of their own.
SETTINGS = frozenset({"/settings/api"})


def current(path: str) -> Entry | None:
    """The entry that a page belongs to: its own, or the one that its path begins with."""
    return next((entry for entry in ENTRIES if path == entry.path or path.startswith(entry.path + "/")), None)
