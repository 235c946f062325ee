"""Answers that are none: each is damaged in one place where a reader could trip over it."""

from collections.abc import Callable
from dataclasses import replace

from tests.peers import wire
from tests.peers.phone import Leg
from tests.peers.wire import SipMessage

Spoiler = Callable[[SipMessage], SipMessage]


def with_start(text: str) -> Spoiler:
    """Another first line."""
    return lambda message: replace(message, start_line=text)


def with_header(name: str, value: str | None) -> Spoiler:
    """One header changed, or left out."""

    def spoil(message: SipMessage) -> SipMessage:
        kept = tuple((key, text) for key, text in message.headers if key != name)
        return replace(message, headers=kept if value is None else (*kept, (name, value)))

    return spoil


SPOILERS: list[Spoiler] = [
    with_start("SIP/2.0"),
    with_start("SIP/2.0 20 OK"),
    with_start("SIP/7.0 200 OK"),
    with_start("SIP/2.0 999999 What"),
    with_header("Via", None),
    with_header("Via", "SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKnobody's"),
    with_header("CSeq", "one INVITE"),
    with_header("CSeq", "4294967296 INVITE"),
    with_header("From", "<sip:unclosed"),
    with_header("Content-Length", "-1"),
]
"""Each turns any answer into none."""


def answer(leg: Leg, offer: SipMessage) -> None:
    """Answer an offer of the server with every damage there is, done to a 200, a 180 or a 491 in turn."""
    for number, spoil in enumerate(SPOILERS):
        status = (200, 180, 491)[number % 3]
        sound = wire.response(offer, status, to_tag=leg.tag, headers=[("Contact", f"<{leg.phone.contact}>")])
        leg.phone.send(spoil(sound), leg.peer)
