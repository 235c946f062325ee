"""What is searched for, as the form of the page of history says it in its address."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import tzinfo
from typing import NamedTuple
from urllib.parse import urlencode

from ringbridge.call.cause import Outcome
from ringbridge.call.errors import InvalidOption
from ringbridge.call.number import InvalidNumber, normalise_line
from ringbridge.call.record import RecordFilter, RecordPlace
from ringbridge.portal import days
from ringbridge.portal.days import beginning_of, end_of
from ringbridge.portal.language import marked
from ringbridge.service.records import of_number
from ringbridge.service.statistics import zone_of

NAMES = ("number", "line", "outcome", "key", "from", "until", "zone")

# Where a call failed: a choice beside the outcomes themselves.
GROUPS: dict[str, tuple[str, tuple[Outcome, ...]]] = {
    "not-user": (
        marked("Failed at the user's phone"),
        (
            Outcome.USER_NO_ANSWER,
            Outcome.USER_BUSY,
            Outcome.USER_DECLINED,
            Outcome.USER_UNREACHABLE,
            Outcome.USER_HUNG_UP,
            Outcome.NOT_CONFIRMED,
        ),
    ),
    "not-destination": (
        marked("Failed at the destination"),
        (
            Outcome.DESTINATION_NO_ANSWER,
            Outcome.DESTINATION_BUSY,
            Outcome.DESTINATION_DECLINED,
            Outcome.DESTINATION_INVALID,
            Outcome.DESTINATION_UNREACHABLE,
        ),
    ),
    "not-here": (
        marked("Failed here"),
        (Outcome.FAILED, Outcome.INTERRUPTED, Outcome.BLOCKED, Outcome.EXPIRED),
    ),
}

FAULTS: dict[str, str] = days.FAULTS | {
    "too_few_digits": marked("Use a whole number, or two digits of one or more."),
}


class Search(NamedTuple):
    """What is searched for. `values` are those of the form, `faults` the codes of its fields that are wrong."""

    wanted: RecordFilter
    values: dict[str, str]
    faults: dict[str, str]

    @property
    def is_narrowed(self) -> bool:
        """Whether not simply all calls are asked for."""
        return any(text for name, text in self.values.items() if name != "zone")

    @property
    def query(self) -> str:
        """The same search in an address."""
        return urlencode({name: text for name, text in self.values.items() if text})


def search_of(query: Mapping[str, str], country: str) -> Search:
    """The search that a page's address asks for. What is wrong in it is left out of what is searched for."""
    values = {name: query.get(name, "").strip()[:100] for name in NAMES}
    faults: dict[str, str] = {}
    wanted = RecordFilter(outcomes=_outcomes(values["outcome"]), key_id=values["key"] or None)
    zone = zone_of(values["zone"])
    for name in ("from", "until"):
        try:
            wanted = _with_day(wanted, name, values[name], zone)
        except ValueError:
            faults[name] = "no_date"
    if values["line"]:
        try:
            wanted = replace(wanted, lines=(normalise_line(values["line"], country),))
        except InvalidNumber as error:
            faults["line"] = error.code
    if values["number"]:
        try:
            wanted = of_number(wanted, values["number"], country)
        except InvalidOption as error:
            faults["number"] = error.code
    return Search(wanted, values, faults)


def place_of(text: str | None) -> RecordPlace | None:
    """Where the page before ended; None for the first page, and for what no page of ours has said."""
    ended_at, _, call_id = (text or "").partition("~")
    try:
        return RecordPlace(float(ended_at), call_id)
    except ValueError:
        return None


def place_text(place: RecordPlace) -> str:
    """The place in an address."""
    return f"{place.ended_at!r}~{place.call_id}"


def _outcomes(text: str) -> tuple[str, ...]:
    if text in GROUPS:
        return tuple(outcome.value for outcome in GROUPS[text][1])
    return (text,) if text in {outcome.value for outcome in Outcome} else ()


def _with_day(wanted: RecordFilter, name: str, text: str, zone: tzinfo) -> RecordFilter:
    """Raises ValueError for what is no day."""
    if not text:
        return wanted
    if name == "from":
        return replace(wanted, ended_from=beginning_of(text, zone))
    return replace(wanted, ended_before=end_of(text, zone))
