"""Writes down what a parser made of a datagram, for comparison with the files beside the torture messages."""

from __future__ import annotations

from ringbridge.sip.errors import MalformedMessage
from ringbridge.sip.message import Message, Request
from ringbridge.sip.parse import parse_datagram
from ringbridge.sip.uri import NameAddress


def verdict_on(data: bytes) -> str:
    """Say in lines of ASCII whether a datagram is accepted, and what it says or why it is refused."""
    try:
        message = parse_datagram(data)
    except MalformedMessage as error:
        fate = "dropped" if error.request is None else f"refused with {error.status}"
        return f"{fate}\n{error}\n"
    assert message is not None
    return "\n".join(["accepted", *_reading(message), ""])


def _reading(message: Message) -> list[str]:
    if isinstance(message, Request):
        start = f"method {message.method!a}\nuri {message.uri!a}"
    else:
        start = f"status {message.status} {message.reason!a}"
    via = message.via
    lines = [
        start,
        f"via {via.transport} {via.host} port {via.port} branch {via.branch!a} received {via.received}",
        f"vias {len(message.vias)}",
        f"from {_address(message.from_)}",
        f"to {_address(message.to)}",
        f"call-id {message.call_id!a}",
        f"cseq {message.cseq.number} {message.cseq.method!a}",
    ]
    lines += [f"contact {_address(contact)}" for contact in message.contacts]
    lines += [f"route {route}" for route in message.headers.all("Route")]
    if message.content_type is not None:
        lines.append(f"content type {message.content_type}")
    lines.append(f"body of {len(message.body)} octets")
    known = ["Via", "From", "To", "Call-ID", "CSeq", "Contact", "Content-Type", "Content-Length", "Route"]
    lines += [f"{name}: {value!a}" for name, value in message.headers if name not in known]
    return lines


def _address(address: NameAddress) -> str:
    uri = address.uri
    parts = [
        f"{name} {getattr(uri, name)!a}" for name in uri._fields if getattr(uri, name) not in (None, "", ())
    ]
    return f"{address.display_name!a} at {', '.join(parts)} with {address.parameters!a}"
