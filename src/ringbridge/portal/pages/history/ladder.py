"""What was sent to phones and came from them, message by message, as far as a call's record tells. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from ringbridge.call.cause import Cause
from ringbridge.call.record import Record
from ringbridge.call.third import StoredThird
from ringbridge.portal.language import marked

# What a phone answers to the end of its own ringing (RFC 3261 section 9.2); the others by section 21.
_TERMINATED = 487
_STATUSES: dict[int, str] = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    415: "Unsupported Media Type",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    484: "Address Incomplete",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
    607: "Unwanted",
    608: "Rejected",
}
# With these a leg ends on which nothing came back.
_SILENT = frozenset({Cause.NO_RESPONSE.value, Cause.NETWORK_FAILURE.value})
# A leg that is up is released with the call, or when a third takes its place: then, but for this much.
_TOGETHER_SECONDS = 0.005


class Message(NamedTuple):
    """One message between this server and a phone. `sip` is what SIP calls it; '' where nothing came.

    lane: 0 is the user's, 1 the destination's, then those of thirds. text: English, `marked`.
    """

    at: float
    lane: int
    to_phone: bool
    text: str
    sip: str


class _Leg(NamedTuple):
    name: str
    dialed_at: float | None
    ringing_at: float | None
    early_media_at: float | None
    answered_at: float | None
    ended_at: float | None
    cause: str | None
    sip_status: int | None


def ladder(record: Record, early_media_at: dict[str, float]) -> list[Message]:
    """All messages in their order. early_media_at: when sound came before the answer, by the leg's name."""
    legs = [_of_side(record, side, early_media_at.get(side)) for side in ("user", "destination")]
    legs += [_of_third(third) for third in record.thirds]
    found = [message for lane, leg in enumerate(legs) for message in _messages(leg, lane, record)]
    return sorted(found, key=lambda message: message.at)


def status_text(status: int) -> str:
    """`486 Busy Here`."""
    return f"{status} {_STATUSES.get(status, '')}".strip()


def _messages(leg: _Leg, lane: int, record: Record) -> Iterator[Message]:
    if leg.dialed_at is None:
        return
    yield Message(leg.dialed_at, lane, True, marked("Please ring"), "INVITE")
    if leg.early_media_at is not None:
        yield Message(
            leg.early_media_at, lane, False, marked("Sound before the answer"), "183 Session Progress"
        )
    if leg.ringing_at is not None and leg.ringing_at != leg.early_media_at:
        yield Message(leg.ringing_at, lane, False, marked("It rings"), "180 Ringing")
    if leg.answered_at is not None:
        yield Message(leg.answered_at, lane, False, marked("Picked up"), "200 OK")
        yield Message(leg.answered_at, lane, True, marked("Understood"), "ACK")
    if leg.ended_at is not None:
        yield _end(leg, leg.ended_at, lane, record)


def _end(leg: _Leg, ended_at: float, lane: int, record: Record) -> Message:
    if leg.answered_at is not None:
        is_replaced = any(_is_near(third.answered_at, ended_at) for third in record.thirds)
        is_theirs = record.ended_by == leg.name or not (is_replaced or _is_near(record.ended_at, ended_at))
        if is_theirs:
            return Message(ended_at, lane, False, marked("I have hung up"), "BYE")
        return Message(ended_at, lane, True, marked("Hang up"), "BYE")
    if leg.sip_status is not None and leg.sip_status >= 300 and leg.sip_status != _TERMINATED:
        return Message(ended_at, lane, False, marked("No"), status_text(leg.sip_status))
    if leg.cause in _SILENT:
        return Message(ended_at, lane, False, marked("Nothing came back"), "")
    return Message(ended_at, lane, True, marked("Ring no more"), "CANCEL")


def _is_near(at: float | None, other: float) -> bool:
    return at is not None and abs(at - other) <= _TOGETHER_SECONDS


def _of_side(record: Record, side: str, early_media_at: float | None) -> _Leg:
    return _Leg(
        name=side,
        dialed_at=getattr(record, f"{side}_dialed_at"),
        ringing_at=getattr(record, f"{side}_ringing_at"),
        early_media_at=early_media_at,
        answered_at=getattr(record, f"{side}_answered_at"),
        ended_at=getattr(record, f"{side}_ended_at"),
        cause=getattr(record, f"{side}_cause"),
        sip_status=getattr(record, f"{side}_sip_status"),
    )


def _of_third(third: StoredThird) -> _Leg:
    return _Leg(
        name="third",
        dialed_at=third.dialed_at,
        ringing_at=third.ringing_at,
        early_media_at=None,
        answered_at=third.answered_at,
        ended_at=third.ended_at,
        cause=third.cause,
        sip_status=third.sip_status,
    )
