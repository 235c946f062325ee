"""Offers and answers of one audio stream, RFC 3264. What the other end wrote is read by `sdp`."""

from collections.abc import Sequence
from functools import lru_cache

from ringbridge.media.crypto import CryptoKey, to_line
from ringbridge.media.errors import MalformedSdp, NoAudio, NoCommonCodec
from ringbridge.media.sdp import (
    RTP,
    SRTP,
    TELEPHONE_EVENT,
    Codec,
    Direction,
    MediaAddress,
    MediaDescription,
    SessionDescription,
    parse,
)

# RFC 3264 section 6.1: what the offerer only sends, the answerer only receives.
_MIRRORED = {
    Direction.SENDRECV: Direction.SENDRECV,
    Direction.SENDONLY: Direction.RECVONLY,
    Direction.RECVONLY: Direction.SENDONLY,
    Direction.INACTIVE: Direction.INACTIVE,
}

_NO_VOICE = (TELEPHONE_EVENT.name, "cn")


def offer(
    address: MediaAddress,
    codecs: Sequence[Codec],
    *,
    session_id: int,
    version: int,
    direction: Direction = Direction.SENDRECV,
    key: CryptoKey | None = None,
    secured: bool = False,
) -> bytes:
    """A description with one audio line. `version` must grow by one each time the description changes.

    With a `key` it offers SRTP: nothing else if it must be `secured`, and otherwise plain RTP with the key beside it,
    which whoever knows no SRTP passes over (RFC 8643).
    """
    lines = _head(address.host, session_id, version, "0 0")
    lines += _audio(address.port, codecs, direction, SRTP if secured else RTP, key)
    return _text(lines)


def answer(
    offered: SessionDescription | bytes,
    address: MediaAddress,
    supported: Sequence[Codec],
    *,
    session_id: int,
    version: int,
    key: CryptoKey | None = None,
) -> bytes:
    """Take the first audio line that we can carry and refuse the others.

    Keeps the offerer's payload types and its order of preference. With our `key` SRTP is accepted, under the tag
    of the key that was offered (RFC 4568 section 5.1.2). Raises MalformedSdp, NoAudio or NoCommonCodec.
    """
    description = parse(offered) if isinstance(offered, bytes) else offered
    accepted = next((media for media in description.media if media.is_audio(secured=key is not None)), None)
    if accepted is None:
        wanted = RTP if key is None else f"{RTP} or {SRTP}"
        raise NoAudio(f"the offer has no audio over {wanted}")
    if accepted.host is None:
        raise MalformedSdp("the audio stream has no connection address")
    codecs = common(supported, accepted.codecs)
    if not has_voice(codecs):
        names = ", ".join(codec.name for codec in accepted.codecs)
        raise NoCommonCodec(f"none of the offered codecs is supported ({names or 'none named'})")
    lines = _head(address.host, session_id, version, description.timing)
    # RFC 3264 section 6: the answer has as many media lines as the offer, in the same order.
    for media in description.media:
        if media is accepted:
            ours = CryptoKey(media.keys[0].tag, key.key) if key is not None and media.keys else None
            lines += _audio(address.port, codecs, _MIRRORED[media.direction], media.transport, ours)
        else:
            lines.append(_refusal(media))
    return _text(lines)


def common(ours: Sequence[Codec], theirs: Sequence[Codec]) -> tuple[Codec, ...]:
    """Those of their codecs that we have too, with their payload types and in their order."""
    known = {own.encoding for own in ours}
    return tuple([codec for codec in theirs if codec.encoding in known])


def has_voice(codecs: Sequence[Codec]) -> bool:
    """Whether one of them carries speech; key presses and comfort noise alone make no call."""
    return any(codec.name.lower() not in _NO_VOICE for codec in codecs)


def _head(host: str, session_id: int, version: int, timing: str) -> list[str]:
    family = "IP6" if ":" in host else "IP4"
    return [
        "v=0",
        f"o=- {session_id} {version} IN {family} {host}",
        "s=-",
        f"c=IN {family} {host}",
        f"t={timing}",
    ]


def _audio(
    port: int, codecs: Sequence[Codec], direction: Direction, transport: str, key: CryptoKey | None
) -> list[str]:
    payload_types, attributes = _format_lines(tuple(codecs), direction)
    crypto = () if key is None else (to_line(key),)
    return [f"m=audio {port} {transport} {payload_types}", *crypto, *attributes]


# Nearly every call has the same codecs.
@lru_cache(maxsize=128)
def _format_lines(codecs: tuple[Codec, ...], direction: Direction) -> tuple[str, tuple[str, ...]]:
    """The payload types of the m= line, and the lines behind it."""
    payload_types = " ".join(str(codec.payload_type) for codec in codecs)
    lines = []
    for codec in codecs:
        channels = f"/{codec.channels}" if codec.channels > 1 else ""
        lines.append(f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.clock_rate}{channels}")
        if codec.parameters is not None:
            lines.append(f"a=fmtp:{codec.payload_type} {codec.parameters}")
    return payload_types, (*lines, "a=ptime:20", f"a={direction.value}")


def _refusal(media: MediaDescription) -> str:
    return f"m={media.kind} 0 {media.transport} {media.formats[0]}"


def _text(lines: list[str]) -> bytes:
    return ("\r\n".join(lines) + "\r\n").encode()
