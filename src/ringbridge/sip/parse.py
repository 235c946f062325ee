"""From a datagram to a message that is safe to act on.

RFC 3261 sections 7, 18.3 and 20, with the verdicts of RFC 4475 and RFC 5118. Strict where a wrong reading is dangerous:
framing, start line, Via, From, To, Call-ID, CSeq, Max-Forwards, Contact, Record-Route. Every other field is text until
somebody reads it. No transaction, no policy: a request with an unknown method or scheme is a message like any other.
"""

from __future__ import annotations

import re

from ringbridge.sip.errors import MalformedField, MalformedMessage
from ringbridge.sip.grammar import is_token, read_number, shortened
from ringbridge.sip.headers import CANONICAL_NAMES, Headers
from ringbridge.sip.message import Message, Request, Response
from ringbridge.sip.uri import NameAddress, Uri

MAX_MESSAGE_OCTETS = 65_535
"""What the length field of a datagram can say."""
MAX_HEADER_FIELDS = 200
"""A message through twenty proxies has about 60."""

# Two of these, and two readers may believe different ones (RFC 3261 section 7.3.1; RFC 4475 sections 3.3.8, 3.3.9).
_SINGLE_NAMES = ("From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type")

_FOLD = re.compile(r"\r\n[ \t]+")
_BARE_LINE_BREAK = re.compile(r"\r(?!\n)|(?<!\r)\n")
_CONTROLS = bytes(octet for octet in (*range(0x20), 0x7F) if octet not in b"\t\r\n")
_CONTROLS_AND_BREAKS = _CONTROLS + b"\r\n"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_QUOTED_LEGALLY = re.compile(r'"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\r\n])*+"')
_VERSION = re.compile(r"SIP/[0-9]++\.[0-9]++", re.IGNORECASE)
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?", re.IGNORECASE | re.DOTALL)
_CALL_ID = re.compile(r"[!-~]+")
_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4}"
    r" [0-9]{2}:[0-9]{2}:[0-9]{2} GMT",
    re.IGNORECASE,
)


def parse_datagram(data: bytes) -> Message | None:
    """Read the message that a datagram holds.

    Returns None for what keeps a binding alive and says nothing: no octets, line breaks only, STUN (RFC 5626
    section 4.4). Whatever follows the body is ignored (RFC 3261 section 18.3).
    Raises MalformedMessage: answer its `request` with its `status`, if there is one, else drop the datagram.
    """
    # A STUN packet begins with two zero bits and a small number (RFC 5389 section 6), no SIP message does.
    if not data or data[0] < 4:
        return None
    message = data.lstrip(b"\r\n")
    if not message:
        return None
    head, separator, rest = message.partition(b"\r\n\r\n")
    text = head.decode("utf-8", "surrogateescape")
    faults = _faults_in_framing(data, head, separator)
    if faults:
        text = _BARE_LINE_BREAK.sub(" ", text)
    if "\r\n " in text or "\r\n\t" in text:
        text = _FOLD.sub(" ", text)
    start_line, *lines = text.split("\r\n")
    headers = _read_headers(lines, faults)
    try:
        if faults:
            raise faults[0]
        if start_line[:4].upper() == "SIP/":
            return _read_response(start_line, headers, rest)
        return _read_request(start_line, headers, rest)
    except (MalformedMessage, MalformedField) as error:
        status = error.status if isinstance(error, MalformedMessage) else 400
        raise MalformedMessage(str(error), status=status, request=_answerable(start_line, headers)) from error


_Faults = list[MalformedMessage | MalformedField]
"""What is wrong, found while reading goes on: a request that is refused needs its fields for the answer."""


def _faults_in_framing(data: bytes, head: bytes, separator: bytes) -> _Faults:
    faults: _Faults = []
    if len(data) > MAX_MESSAGE_OCTETS:
        faults.append(MalformedMessage(f"a message has more than {MAX_MESSAGE_OCTETS} octets", status=413))
    if not separator:
        faults.append(MalformedField("no empty line ends the header"))
    breaks = head.count(b"\r\n")
    if len(head.translate(None, _CONTROLS_AND_BREAKS)) + 2 * breaks == len(head):
        return faults
    if head.count(b"\r") != breaks or head.count(b"\n") != breaks:
        faults.append(MalformedField("a carriage return or line feed stands alone"))
    if len(head.translate(None, _CONTROLS)) != len(head):
        # RFC 3261 section 25.1: only a quoted-pair may hold a control character, NUL among them.
        text = _QUOTED_LEGALLY.sub("", head.decode("utf-8", "surrogateescape"))
        if _CONTROL.search(text):
            faults.append(MalformedField("a control character stands outside quotes"))
    return faults


def _read_headers(lines: list[str], faults: _Faults) -> Headers:
    fields = []
    for line in lines[:MAX_HEADER_FIELDS]:
        name, colon, value = line.partition(":")
        known = CANONICAL_NAMES.get(name)
        if known is None:
            name = name.rstrip(" \t")
            if not colon or not is_token(name):
                faults.append(MalformedField(f"no header field can be read from {shortened(line)}"))
                continue
            known = CANONICAL_NAMES.get(name.lower(), name)
        fields.append((known, value.strip(" \t")))
    if len(lines) > MAX_HEADER_FIELDS:
        faults.append(MalformedField(f"there are more than {MAX_HEADER_FIELDS} header fields"))
    return Headers(tuple(fields))


def _read_request(start_line: str, headers: Headers, rest: bytes) -> Request:
    words = start_line.split(" ")
    if len(words) != 3:
        raise MalformedField(f"no method, Request-URI and version can be read from {shortened(start_line)}")
    method, uri, version = words
    if version.upper() != "SIP/2.0":
        if _VERSION.fullmatch(version):
            raise MalformedMessage(f"{shortened(version)} is not spoken here", status=505)
        raise MalformedField(f"no SIP version can be read from {shortened(version)}")
    if not is_token(method):
        raise MalformedField(f"no method can be read from {shortened(method)}")
    # RFC 4475 section 3.1.2.11: header fields in a Request-URI have no meaning, and are a way to smuggle.
    if Uri.parse(uri).headers:
        raise MalformedField("the Request-URI holds header fields")
    request = Request(method=method, uri=uri, headers=headers, body=_body(headers, rest))
    _check(request)
    if request.cseq.method != method:
        raise MalformedField(f"the CSeq field names {shortened(request.cseq.method)} in {shortened(method)}")
    if method == "INVITE" and len(request.contacts) > 1:
        raise MalformedField("an INVITE has more than one Contact")  # RFC 3261 section 8.1.1.8
    hops = headers.get("Max-Forwards")
    if hops is not None and (read_number(hops) is None or int(hops) > 255):
        raise MalformedField(f"no Max-Forwards can be read from {shortened(hops)}")
    date = headers.get("Date")
    if date is not None and not _DATE.fullmatch(date):
        raise MalformedField(f"no Date can be read from {shortened(date)}")
    return request


def _read_response(start_line: str, headers: Headers, rest: bytes) -> Response:
    match = _STATUS_LINE.fullmatch(start_line)
    if match is None:
        raise MalformedField(f"no status can be read from {shortened(start_line)}")
    status, reason = int(match[1]), match[2] or ""
    response = Response(status=status, reason=reason, headers=headers, body=_body(headers, rest))
    _check(response)
    return response


def _check(message: Message) -> None:
    """Read every field once that may be acted on without asking again. Raises MalformedField."""
    headers = message.headers
    repeated = headers.repeated(_SINGLE_NAMES)
    if repeated is not None:
        raise MalformedField(f"there is more than one {repeated} field")
    message.read_all()
    if not _CALL_ID.fullmatch(message.call_id):
        raise MalformedField(f"no Call-ID can be read from {shortened(message.call_id)}")
    for value in headers.all("Record-Route"):
        NameAddress.parse(value)


def _body(headers: Headers, rest: bytes) -> bytes:
    """Return as much of what follows the header as Content-Length says, all of it if nothing says."""
    length = headers.get("Content-Length")
    if length is None:
        return rest
    octets = read_number(length)
    if octets is None:
        raise MalformedField(f"no Content-Length can be read from {shortened(length)}")
    if octets > len(rest):
        raise MalformedField(f"Content-Length says {octets} octets, but {len(rest)} came")
    return rest[:octets]


def _answerable(start_line: str, headers: Headers) -> Request | None:
    method, _, rest = start_line.partition(" ")
    # No response is ever answered, and no ACK (RFC 3261 section 17).
    if "Via" not in headers or not is_token(method) or method == "ACK":
        return None
    return Request(method=method, uri=rest.partition(" ")[0], headers=headers)
