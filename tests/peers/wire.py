"""The little SIP that a test's own phone reads and writes (RFC 3261 sections 7, 8.2.6 and 17.1.1.3).

Not the product's parser: a witness that shared code with what it judges would share its mistakes. It reads
what a correct server sends and raises ValueError for anything else, which fails the test.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

Header = tuple[str, str]
"""Name and value."""

_COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}


@dataclass(frozen=True, kw_only=True)
class SipMessage:
    """A request or a response. Header names are kept as they came; look-up ignores their case."""

    start_line: str
    headers: tuple[Header, ...]
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        """Every value of the header `name`, in order, one per line."""
        return [value for key, value in self.headers if _folded(key) == name.lower()]

    def first(self, name: str) -> str:
        """The first value of the header `name`; ValueError if it is missing."""
        for value in self.all(name):
            return value
        raise ValueError(f"no {name} in {self.start_line}")

    @property
    def status(self) -> int | None:
        """The status of a response; None for a request."""
        return int(self.start_line.split(" ", 2)[1]) if self.start_line.startswith("SIP/2.0 ") else None

    @cached_property
    def cseq(self) -> tuple[int, str]:
        """Number and method of CSeq."""
        number, method = self.first("CSeq").split()
        return int(number), method

    @cached_property
    def kind(self) -> str:
        """What the message is, in the words of a ladder diagram: `INVITE`, or `200 INVITE` for the answer to one."""
        return self.cseq[1] if self.status is None else f"{self.status} {self.cseq[1]}"

    @property
    def call_id(self) -> str:
        """The value of Call-ID."""
        return self.first("Call-ID")

    @property
    def request_uri(self) -> str:
        """The Request-URI of a request."""
        return self.start_line.split(" ")[1]

    @property
    def called_number(self) -> str:
        """The user part of the Request-URI of a request, without a plus sign."""
        return self.request_uri.partition(":")[2].partition("@")[0].partition(";")[0].lstrip("+")

    def to_bytes(self) -> bytes:
        """The octets to send, with Content-Length filled in."""
        lines = [self.start_line, *(f"{name}: {value}" for name, value in self.headers)]
        lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


def read(data: bytes) -> SipMessage:
    """The message in a datagram; ValueError if it is none."""
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        raise ValueError(f"no end of headers in {data[:60]!r}")
    start_line, *lines = head.decode().split("\r\n")
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(f"no colon in header line {line!r}")
        headers.append((name.strip(), value.strip()))
    message = SipMessage(start_line=start_line, headers=tuple(headers), body=body)
    if int(message.first("Content-Length")) != len(body):
        raise ValueError(f"Content-Length of {start_line} is not the length of its body")
    return message


def response(
    request: SipMessage,
    status: int,
    *,
    to_tag: str,
    headers: Iterable[Header] = (),
    body: bytes = b"",
) -> SipMessage:
    """The answer to `request`: Via, From, To, Call-ID and CSeq copied, To tagged unless it is already (8.2.6.2)."""
    to = request.first("To")
    if tag_of(to) is None and status != 100:
        to = f"{to};tag={to_tag}"
    return SipMessage(
        start_line=f"SIP/2.0 {status} Spoken by a test",
        headers=(
            *(("Via", via) for via in request.all("Via")),
            *(("Record-Route", route) for route in request.all("Record-Route")),
            ("From", request.first("From")),
            ("To", to),
            ("Call-ID", request.call_id),
            ("CSeq", request.first("CSeq")),
            *headers,
        ),
        body=body,
    )


def tag_of(address: str) -> str | None:
    """The tag of a From or To value; None if it has none."""
    for parameter in address.rpartition(">")[2].split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "tag":
            return value.strip()
    return None


def uri_in(address: str) -> str:
    """The URI of a name-addr, without the angle brackets."""
    if "<" in address:
        return address.partition("<")[2].partition(">")[0]
    return address.partition(";")[0].strip()


def audio_session(
    address: tuple[str, int], payload_types: Iterable[int], *, version: int, direction: str = "sendrecv"
) -> bytes:
    """An SDP body with one audio line of static payload types (RFC 3551) and telephone-event; offer and answer look the same."""
    host, port = address
    place = f"IN {'IP6' if ':' in host else 'IP4'} {host}"
    voice = " ".join(map(str, payload_types))
    return (
        f"v=0\r\no=test 1 {version} {place}\r\ns=-\r\nc={place}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP {voice} 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
        f"a=ptime:20\r\na={direction}\r\n"
    ).encode()


def host_and_port(address: tuple[str, int]) -> str:
    """An address as URIs and Via fields write it."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def payload_types_of(body: bytes) -> list[int]:
    """The payload types of the audio line in an SDP body, in order."""
    line = next(line for line in body.decode().splitlines() if line.startswith("m=audio "))
    return [int(word) for word in line.split()[3:]]


def media_address_of(body: bytes) -> tuple[str, int]:
    """Where an SDP body with one audio line wants its audio."""
    lines = body.decode().splitlines()
    host = next(line for line in lines if line.startswith("c=")).split()[2]
    return host, int(next(line for line in lines if line.startswith("m=audio ")).split()[1])


def direction_of(body: bytes) -> str:
    """The direction of the audio in an SDP body (RFC 8866 section 6.7: sendrecv unless said otherwise)."""
    for direction in ("sendonly", "recvonly", "inactive"):
        if f"a={direction}".encode() in body:
            return direction
    return "sendrecv"


def _folded(name: str) -> str:
    lowered = name.lower()
    return _COMPACT.get(lowered, lowered)
