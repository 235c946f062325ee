"""Reading session descriptions, RFC 8866.

Lenient where telephones are known to be sloppy (line ends, missing lines, order of attributes, several blanks) and
firm where a wrong reading sends audio to the wrong place (connection address, ports, number of media lines).
Everything is bounded. It does not decide what to answer (`offer` does) and knows only what a call with one audio
stream needs.
"""

import ipaddress
import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from ringbridge.media.crypto import CryptoKey, usable_keys
from ringbridge.media.errors import MalformedSdp, NoAudio

MAX_OCTETS = 16_384
"""Four times the longest description of a browser with video; a telephone's has about 400 octets."""

MAX_MEDIA = 32
MAX_FORMATS = 64


class MediaAddress(NamedTuple):
    """Where RTP is received: a literal IPv4 or IPv6 address and a UDP port."""

    host: str
    port: int

    @property
    def is_nowhere(self) -> bool:
        """Whether it is the address of zeros, with which old phones hold a call (RFC 3264 section 8.4)."""
        return self.host in ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


class Codec(NamedTuple):
    """A payload type and what it stands for (rtpmap and fmtp, RFC 8866 sections 6.6 and 6.15)."""

    payload_type: int
    name: str
    clock_rate: int
    parameters: str | None = None
    channels: int = 1

    @property
    def encoding(self) -> tuple[str, int, int]:
        """What it is, whatever the payload type. Names ignore case (RFC 4855 section 3)."""
        return (self.name.lower(), self.clock_rate, self.channels)

    def same_as(self, other: "Codec") -> bool:
        """Whether both are one encoding."""
        return self.encoding == other.encoding


PCMU = Codec(0, "PCMU", 8000)
PCMA = Codec(8, "PCMA", 8000)
# RFC 3551 section 4.5.2: the clock rate of G.722 is 8000 by an old mistake, though it samples at 16 kHz.
G722 = Codec(9, "G722", 8000)
TELEPHONE_EVENT = Codec(101, "telephone-event", 8000, "0-15")

# RFC 3551 table 4: these need no rtpmap.
_STATIC = {
    codec.payload_type: codec
    for codec in (
        PCMU,
        Codec(3, "GSM", 8000),
        Codec(4, "G723", 8000),
        PCMA,
        G722,
        Codec(13, "CN", 8000),
        Codec(15, "G728", 8000),
        Codec(18, "G729", 8000),
    )
}


class Direction(Enum):
    """Seen by whoever wrote the description (RFC 8866 section 6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"


RTP = "RTP/AVP"
SRTP = "RTP/SAVP"


class Origin(NamedTuple):
    """The numbers of the o= line; a version that did not grow means that nothing changed (RFC 3264 section 8)."""

    session_id: int
    version: int


class MediaDescription(NamedTuple):
    """One m= line with what belongs to it. Values of the session level are already applied."""

    kind: str
    port: int
    transport: str
    formats: tuple[str, ...]
    host: str | None
    """None when neither level has a c= line."""
    codecs: tuple[Codec, ...]
    """In the order of the m= line; formats that nothing explains are left out."""
    direction: Direction
    ptime_ms: int | None
    keys: tuple[CryptoKey, ...] = ()
    """What its writer would encrypt with: none of them for plain RTP, and one that is refused may have none we can use."""

    def is_audio(self, *, secured: bool) -> bool:
        """Audio that we can carry: no feedback profile (RFC 4585), not refused by port 0, and SRTP (RFC 3711) only
        where we may have it `secured` and can use one of its keys."""
        return (
            self.kind == "audio"
            and self.port != 0
            and (self.transport == RTP or (secured and self.transport == SRTP and bool(self.keys)))
        )


class SessionDescription(NamedTuple):
    """A whole description. `timing` is the t= line's value, to be repeated in an answer."""

    origin: Origin
    timing: str
    media: tuple[MediaDescription, ...]


# As `_unicast` writes them.
_UNSPECIFIED = (str(ipaddress.IPv4Address(0)), str(ipaddress.IPv6Address(0)))


class AudioDescription(NamedTuple):
    """What a call needs to know of a description."""

    address: MediaAddress
    codecs: tuple[Codec, ...]
    direction: Direction
    ptime_ms: int | None
    origin: Origin
    key: CryptoKey | None = None
    """What its writer encrypts with; None for plain RTP."""

    @property
    def on_hold(self) -> bool:
        """Whether its writer does not want to hear us (RFC 3264 section 8.4, with RFC 2543's address of zeros)."""
        return self.direction in (Direction.SENDONLY, Direction.INACTIVE) or self.address.host in _UNSPECIFIED


_ORIGIN = re.compile(r"\S+ +([0-9]{1,20}) +([0-9]{1,20}) ")
_TIMING = re.compile(r"[0-9]{1,20} [0-9]{1,20}")
_CONNECTION = re.compile(r"IN +IP([46]) +([0-9A-Fa-f.:]{2,45})", re.IGNORECASE)
_MEDIA = re.compile(r"([!-~]+) +([0-9]{1,5})(?:/[0-9]+)? +([!-~]+) +([ !-~]+)")
_PAYLOAD_TYPE = re.compile(r"[0-9]{1,3}")
_RTPMAP = re.compile(r" *([0-9]{1,3}) +([!-.0-~]+)/([0-9]{1,6})(?:/([0-9]{1,2}))?")
_FMTP = re.compile(r" *([0-9]{1,3}) +([ !-~]+)")
_PTIME = re.compile(r" *([0-9]{1,4})")
_DIRECTIONS = {direction.value: direction for direction in Direction}


def parse(data: bytes) -> SessionDescription:
    """Read a description. Raises MalformedSdp."""
    if len(data) > MAX_OCTETS:
        raise MalformedSdp(f"the description has {len(data)} octets, more than {MAX_OCTETS}")
    sections: list[list[str]] = [[]]
    for padded in data.decode("utf-8", "replace").split("\n"):
        line = padded.strip()
        if line[:2] == "m=":
            sections.append([line])
        elif line:
            sections[-1].append(line)
    session, *media = sections
    # RFC 8866 section 5: v= comes first. It is what tells a description from any other text.
    if not session or session[0] != "v=0":
        raise MalformedSdp("the description does not begin with v=0")
    if len(media) > MAX_MEDIA:
        raise MalformedSdp(f"the description has {len(media)} media lines, more than {MAX_MEDIA}")
    origin = timing = host = direction = None
    for line in session:
        kind = line[:2]
        if kind == "o=" and origin is None and (match := _ORIGIN.match(line, 2)):
            origin = Origin(int(match[1]), int(match[2]))
        elif kind == "c=" and host is None:
            host = _host(line)
        elif kind == "t=" and timing is None and _TIMING.fullmatch(line, 2):
            timing = line[2:]
        elif kind == "a=" and direction is None:
            direction = _DIRECTIONS.get(line[2:])
    inherited = direction or Direction.SENDRECV
    return SessionDescription(
        origin=origin or Origin(0, 0),
        timing=timing or "0 0",
        media=tuple([_media_description(section, host, inherited) for section in media]),
    )


def audio_of(data: bytes, *, secured: bool = False) -> AudioDescription:
    """The first audio stream that we can carry, SRTP only if `secured`. Raises MalformedSdp or NoAudio."""
    description = parse(data)
    for media in description.media:
        if media.is_audio(secured=secured):
            if media.host is None:
                raise MalformedSdp("the audio stream has no connection address")
            return AudioDescription(
                address=MediaAddress(media.host, media.port),
                codecs=media.codecs,
                direction=media.direction,
                ptime_ms=media.ptime_ms,
                origin=description.origin,
                key=next(iter(media.keys), None) if secured else None,
            )
    refused = [f"m={media.kind} {media.port} {media.transport}" for media in description.media]
    wanted = f"{RTP} or {SRTP}" if secured else RTP
    raise NoAudio(f"no audio over {wanted} in the description ({', '.join(refused) or 'no media lines'})")


def _media_description(section: Sequence[str], host: str | None, direction: Direction) -> MediaDescription:
    match = _MEDIA.fullmatch(section[0], 2)
    if match is None:
        raise MalformedSdp(f"unreadable media line {section[0][:60]!r}")
    kind, port, transport, formats_text = match.groups()
    if int(port) > 65_535:
        raise MalformedSdp(f"there is no port {port}")
    formats = tuple(formats_text.split())
    if len(formats) > MAX_FORMATS:
        raise MalformedSdp(f"a media line has {len(formats)} formats, more than {MAX_FORMATS}")
    own_host = None
    lines = []
    crypto_lines = []
    for line in section:
        letter = line[:2]
        # Apart from the others, for those are remembered from call to call.
        if line.startswith("a=crypto:"):
            crypto_lines.append(line)
        elif letter == "a=":
            lines.append(line)
        elif letter == "c=" and own_host is None:
            own_host = _host(line)
    attributes = _attributes(formats, tuple(lines))
    return MediaDescription(
        kind=kind,
        port=int(port),
        transport=transport,
        formats=formats,
        host=own_host or host,
        codecs=attributes.codecs,
        direction=attributes.direction or direction,
        ptime_ms=attributes.ptime_ms,
        keys=usable_keys(crypto_lines),
    )


class _Attributes(NamedTuple):
    """What the a= lines of one media line say."""

    codecs: tuple[Codec, ...]
    direction: Direction | None
    ptime_ms: int | None


# A telephone says the same in each of its calls, and a model what all of its kind say.
@lru_cache(maxsize=128)
def _attributes(formats: tuple[str, ...], lines: tuple[str, ...]) -> _Attributes:
    maps: dict[str, tuple[str, int, int]] = {}
    parameters: dict[str, str] = {}
    direction = ptime_ms = None
    for line in lines:
        if line.startswith("a=rtpmap:"):
            if found := _RTPMAP.match(line, 9):
                payload_type, name, clock_rate, channels = found.groups()
                maps[payload_type] = (name, int(clock_rate), int(channels or 1))
        elif line.startswith("a=fmtp:"):
            if found := _FMTP.match(line, 7):
                parameters[found[1]] = found[2]
        elif line.startswith("a=ptime:"):
            if found := _PTIME.match(line, 8):
                ptime_ms = int(found[1])
        elif direction is None:
            direction = _DIRECTIONS.get(line[2:])
    return _Attributes(_codecs(formats, maps, parameters), direction, ptime_ms)


def _codecs(
    formats: Sequence[str], maps: dict[str, tuple[str, int, int]], parameters: dict[str, str]
) -> tuple[Codec, ...]:
    codecs = []
    for text in dict.fromkeys(formats):
        # RFC 3550 section 5.1: a payload type has seven bits.
        if not _PAYLOAD_TYPE.fullmatch(text) or int(text) > 127:
            continue
        if text in maps:
            name, clock_rate, channels = maps[text]
            codecs.append(Codec(int(text), name, clock_rate, parameters.get(text), channels))
        elif codec := _STATIC.get(int(text)):
            codecs.append(codec._replace(parameters=parameters.get(text)))
    return tuple(codecs)


def _host(line: str) -> str:
    match = _CONNECTION.fullmatch(line, 2)
    host = _unicast(match[2], int(match[1])) if match else None
    if host is None:
        raise MalformedSdp(f"unusable connection line {line[:60]!r}")
    return host


@lru_cache(maxsize=1024)
def _unicast(text: str, version: int) -> str | None:
    """The address of one host, or nothing. RFC 8866 section 5.7 also allows names and groups: a name would need
    a look-up, and a call does not send to a group."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if address.version != version or address.is_multicast or text == "255.255.255.255":
        return None
    return str(address)
