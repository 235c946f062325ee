"""SIP requests and responses as immutable values, and the answer to a request.

RFC 3261 sections 7 and 8.2.6. What a field says is read when somebody asks and kept. Messages out of `parse_datagram`
have had the fields checked whose accessors could fail; with others, accessors raise MalformedField.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from ringbridge.sip.errors import LocalUseError, MalformedField
from ringbridge.sip.headers import CSeq, Headers, Via
from ringbridge.sip.hop import Hop
from ringbridge.sip.uri import NameAddress

REASON_PHRASES = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    199: "Early Dialog Terminated",
    200: "OK",
    202: "Accepted",
    204: "No Notification",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    412: "Conditional Request Failed",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    433: "Anonymity Disallowed",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    493: "Undecipherable",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    580: "Precondition Failure",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
    607: "Unwanted",
}
"""The IANA registry's phrases."""


Value = TypeVar("Value")


class _Kept(Generic[Value]):
    """A property that is computed once; functools.cached_property takes a lock on Python 3.11, which costs more."""

    def __init__(self, read: Callable[[Any], Value]) -> None:
        self._read = read
        self._name = read.__name__

    def __get__(self, instance: object, owner: type) -> Value:
        value = instance.__dict__[self._name] = self._read(instance)
        return value


# No slots here and in the two classes below: what was read from a field is kept in the instance's dictionary.
@dataclass(frozen=True, kw_only=True)
class _Message:
    headers: Headers
    body: bytes = b""

    @_Kept
    def vias(self) -> tuple[str, ...]:
        """Each step of the message's way as sent, the latest first."""
        return self.headers.all("Via")

    @_Kept
    def via(self) -> Via:
        """The latest step: in a request the sender's, in a response our own."""
        return Via.parse(self.vias[0] if self.vias else "")

    @_Kept
    def from_(self) -> NameAddress:
        return NameAddress.parse(self.headers.required("From"))

    @_Kept
    def to(self) -> NameAddress:
        return NameAddress.parse(self.headers.required("To"))

    @property
    def from_tag(self) -> str | None:
        return self.from_.tag

    @property
    def to_tag(self) -> str | None:
        return self.to.tag

    @_Kept
    def call_id(self) -> str:
        return self.headers.required("Call-ID")

    @_Kept
    def cseq(self) -> CSeq:
        return CSeq.parse(self.headers.required("CSeq"))

    @_Kept
    def contacts(self) -> tuple[NameAddress, ...]:
        """Every Contact; none if there is no such field or only the `*` of a REGISTER."""
        return tuple([NameAddress.parse(value) for value in self.headers.all("Contact") if value != "*"])

    @property
    def contact(self) -> NameAddress | None:
        """The first Contact."""
        return self.contacts[0] if self.contacts else None

    @property
    def content_type(self) -> str | None:
        """Type and subtype of the body in lower case, without parameters."""
        value = self.headers.get("Content-Type")
        return None if value is None else value.partition(";")[0].strip(" \t").lower()

    def read_all(self) -> None:
        """Read at one go what the accessors above would read one by one. Raises MalformedField."""
        headers, kept = self.headers, self.__dict__
        # As if each accessor had been called, but in a third of the time.
        kept["vias"] = vias = headers.all("Via")
        kept["via"] = Via.parse(vias[0] if vias else "")
        kept["from_"] = NameAddress.parse(headers.required("From"))
        kept["to"] = NameAddress.parse(headers.required("To"))
        kept["cseq"] = CSeq.parse(headers.required("CSeq"))
        kept["call_id"] = headers.required("Call-ID")
        _ = self.contacts

    def _serialize(self, start_line: str) -> bytes:
        fields: Iterable[tuple[str, str]] = self.headers
        if "Content-Length" in self.headers:
            fields = [field for field in fields if field[0] != "Content-Length"]
        lines = [start_line, *map(": ".join, fields), f"Content-Length: {len(self.body)}\r\n\r\n"]
        head = "\r\n".join(lines)
        # Whatever text the caller put in, it must not start a field of its own.
        breaks = len(lines) + 1
        if head.count("\n") != breaks or head.count("\r") != breaks:
            raise LocalUseError("a start line and a header field must not hold a line break")
        return head.encode("utf-8", "surrogateescape") + self.body


@dataclass(frozen=True, kw_only=True)
class Request(_Message):
    """A request. `uri` is the Request-URI's text as sent."""

    method: str
    uri: str

    def received_from(self, source: Hop) -> Request:
        """Return the request with its source noted in the topmost Via, where the answer is to go.

        A Via that cannot be read is left alone; what came with it is answered to its source.
        """
        try:
            via = self.via
        except MalformedField:
            return self
        noted = via.received_from(source.host, source.port)
        if noted is via:
            return self
        others = list(self.vias[1:])
        return replace(self, headers=self.headers.replacing("Via", ", ".join([str(noted), *others])))

    def serialize(self) -> bytes:
        """Write the message, Content-Length included. Raises LocalUseError if a field would break the framing."""
        if " " in self.uri or " " in self.method:
            raise LocalUseError("a method and a Request-URI must not hold a space")
        return self._serialize(f"{self.method} {self.uri} SIP/2.0")


@dataclass(frozen=True, kw_only=True)
class Response(_Message):
    """A response."""

    status: int
    reason: str

    def serialize(self) -> bytes:
        """Write the message, Content-Length included. Raises LocalUseError if a field would break the framing."""
        return self._serialize(f"SIP/2.0 {self.status} {self.reason}")


Message = Request | Response


# Read from text, because a request that is refused as malformed is answered, too.
_QUOTED_OR_BRACKETED = re.compile(r'"(?:[^"\\]|\\.)*+"?|<[^<>]*+>?', re.DOTALL)
_TAG = re.compile(r";[ \t]*+tag[ \t]*+=", re.IGNORECASE)


def response_to(
    request: Request,
    status: int,
    reason: str | None = None,
    *,
    to_tag: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
) -> Response:
    """Make the answer to a request, a malformed one included (RFC 3261 section 8.2.6.2).

    `to_tag` is put on the To field if it has none yet; give one for every status but 100. Record-Route comes along
    where the answer can make a dialog (section 12.1.1). Content-Type is the caller's, among `headers`.
    """
    copied = ["Via", "From", "To", "Call-ID", "CSeq"]
    if 100 < status < 300:
        copied.append("Record-Route")
    fields = []
    single = set()
    for name, value in request.headers:
        if name not in copied or name in single:
            continue
        if name not in ("Via", "Record-Route"):
            single.add(name)
        if name == "To" and to_tag is not None and not _TAG.search(_QUOTED_OR_BRACKETED.sub("", value)):
            value = f"{value};tag={to_tag}"
        fields.append((name, value))
    fields += headers
    return Response(
        status=status,
        reason=REASON_PHRASES.get(status, "") if reason is None else reason,
        headers=Headers.of(fields),
        body=body,
    )
