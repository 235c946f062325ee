"""The commands and replies of rtpengine's control protocol, as far as a call needs them. Pure.

rtpengine expects to sit between two SIP peers and rewrite their descriptions. We have no such two: our legs are offered
and answered at different times. So it is shown descriptions of our own making, an offer of one side and an answer of
the other, which say what is known of both; what it makes of them tells its ports and keys. The same pair is shown
again whenever something is new. In its words the user has the tag `user`, the destination the tag `destination`.

- `port latching` keeps its ports when an address changes; `strict source` drops whatever comes from elsewhere;
  `asymmetric` has it learn no address from packets.
- What one side sends and the other did not accept it passes on as it is, unless all codecs of the side that offers are
  to be consumed and all of the other one's to be transcoded into.
- Its key towards the side that offers stays the same from pair to pair; so the side that speaks SRTP offers. Both
  sides of one call must not (see `rtpengine_bridge`).
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ringbridge.engines.native.media import KeyPressed, Side
from ringbridge.engines.native.rtpengine_link import Reply
from ringbridge.media import dtmf
from ringbridge.media.bencode import Value
from ringbridge.media.crypto import KEY_OCTETS, CryptoKey
from ringbridge.media.errors import MediaError
from ringbridge.media.offer import has_voice, offer
from ringbridge.media.sdp import (
    G722,
    PCMA,
    PCMU,
    RTP,
    SRTP,
    TELEPHONE_EVENT,
    AudioDescription,
    Codec,
    MediaAddress,
    audio_of,
)

DEFAULT_CODECS = (PCMU, PCMA, G722, TELEPHONE_EVENT)

# Longer than any prompt is repeated: four hours, the limit of a call, of the shortest one.
_FOREVER_TIMES = 100_000

Command = dict[str, Value]


@dataclass(slots=True, kw_only=True)
class Party:
    """What is known of one side. A secured side whose key is not known has one that nobody knows."""

    side: Side
    address: MediaAddress
    codecs: tuple[Codec, ...] | None = None
    key: CryptoKey | None = None
    learns: bool = False

    @property
    def transport(self) -> str:
        return RTP if self.key is None else SRTP

    def description(self, codecs: Sequence[Codec], version: int) -> bytes:
        return offer(
            self.address,
            codecs,
            session_id=0,
            version=version,
            key=self.key,
            secured=self.key is not None,
        )


def nobody(*, is_ipv6: bool) -> MediaAddress:
    """The address of no host (RFC 5737, RFC 6666)."""
    return MediaAddress("100::1" if is_ipv6 else "192.0.2.1", 9)


def unknown_key() -> CryptoKey:
    """A key for a side that may come to have one."""
    return CryptoKey(1, secrets.token_bytes(KEY_OCTETS))


@dataclass(slots=True)
class Descriptions:
    """Numbers the pairs of descriptions of one session."""

    session: str
    _version: int = field(default=0)

    def pair(self, user: Party, destination: Party, *, injects: bool) -> Iterator[tuple[Side, Command]]:
        """An offer and an answer that say all this; with each the side that the reply describes rtpengine to."""
        self._version += 1
        offerer, answerer = user, destination
        if destination.key is not None and user.key is None:
            offerer, answerer = destination, user
        # A prompt is spoken in the codec that the other side prefers, so one that is not known likes what this one does.
        offered = offerer.codecs or answerer.codecs or DEFAULT_CODECS
        answered = answerer.codecs or offered
        described: Command = {
            "call-id": self.session,
            "from-tag": offerer.side.value,
            "to-tag": answerer.side.value,
            "ICE": "remove",
            "DTLS": "off",
        }
        request: Command = {
            **described,
            "command": "offer",
            "sdp": offerer.description(offered, self._version),
            "flags": _flags(offerer, injects),
            "transport protocol": answerer.transport,
        }
        voices, others = _voices(offered), _voices(answered)
        if voices.keys() != others.keys():
            request["codec"] = {"consume": [*voices.values()], "transcode": [*others.values()]}
        yield answerer.side, request
        yield (
            offerer.side,
            {
                **described,
                "command": "answer",
                "sdp": answerer.description(answered, self._version),
                "flags": _flags(answerer, injects),
            },
        )


def _voices(codecs: Sequence[Codec]) -> dict[tuple[str, int, int], str]:
    """What speech may come in: names by what tells encodings apart."""
    return {codec.encoding: codec.name for codec in codecs if has_voice((codec,))}


def _flags(writer: Party, injects: bool) -> Value:
    flags: list[Value] = ["port latching", "strict source", "trust address"]
    flags.append("endpoint-learning-immediate" if writer.learns else "asymmetric")
    return [*flags, "inject DTMF"] if injects else flags


def local_end(reply: Reply) -> AudioDescription | None:
    """How rtpengine describes itself in the reply to one of a pair; None when it refuses."""
    sdp = reply.get("sdp")
    try:
        return audio_of(sdp, secured=True) if isinstance(sdp, bytes) else None
    except MediaError:
        return None


def play(session: str, side: Side, sound: bytes, *, repeat: bool) -> Iterator[Command]:
    """Play a file's octets towards this side, which does not hear the other meanwhile."""
    yield {"command": "block media", "call-id": session, "from-tag": side.other.value}
    yield {
        "command": "play media",
        "call-id": session,
        "from-tag": side.value,
        "blob": sound,
        "repeat-times": _FOREVER_TIMES if repeat else 1,
    }


def stop_playing(session: str, side: Side) -> Iterator[Command]:
    yield {"command": "stop media", "call-id": session, "from-tag": side.value}
    yield {"command": "unblock media", "call-id": session, "from-tag": side.other.value}


def press(session: str, side: Side, key: str) -> Command:
    """Press a key on this side."""
    milliseconds = {"duration": dtmf.KEY_SECONDS, "pause": dtmf.GAP_SECONDS}
    return {
        "command": "play DTMF",
        "call-id": session,
        "from-tag": side.value,
        "code": key,
        **{name: round(seconds * 1000) for name, seconds in milliseconds.items()},
    }


def query(session: str) -> Command:
    return {"command": "query", "call-id": session}


def counted(reply: Reply) -> dict[Side, int]:
    """How many packets have come from each side's phone, nothing if the session is gone. Strangers' are errors."""
    counts = {}
    for side in Side:
        stats = _dictionary(_rtp_stream(reply, side).get("stats"))
        packets, errors = stats.get("packets"), stats.get("errors")
        if isinstance(packets, int) and isinstance(errors, int):
            counts[side] = packets - errors
    return counts


def learned_address(reply: Reply, side: Side) -> MediaAddress | None:
    """Where this side's packets come from, once one has come."""
    stream = _rtp_stream(reply, side)
    flags = stream.get("flags")
    endpoint = _dictionary(stream.get("endpoint"))
    host, port = endpoint.get("address"), endpoint.get("port")
    if (
        isinstance(flags, list)
        and b"confirmed" in flags
        and isinstance(host, bytes)
        and isinstance(port, int)
    ):
        return MediaAddress(host.decode(), port)
    return None


def delete(session: str) -> Command:
    """Without the delay for which rtpengine otherwise keeps the ports."""
    return {"command": "delete", "call-id": session, "from-tag": Side.USER.value, "delete delay": 0}


def pressed_key(notice: Reply) -> tuple[str, KeyPressed] | None:
    """What a notice tells of a key: the session's name and the event; None for anything else."""
    data = _dictionary(notice.get("data"))
    session, tag, event = data.get("callid"), data.get("source_tag"), data.get("event")
    side = next((side for side in Side if side.value.encode() == tag), None)
    if side is None or not isinstance(session, bytes) or not isinstance(event, int):
        return None
    if not 0 <= event < len(dtmf.KEYS):
        return None
    return session.decode("utf-8", "replace"), KeyPressed(side=side, key=dtmf.KEYS[event])


def wave_file(prompt: Path) -> bytes:
    """The prompt as a file that rtpengine can read: its mu-law form behind a WAVE header."""
    sound = prompt.with_name(f"{prompt.name}.{PCMU.payload_type}").read_bytes()
    # Format 7 is mu-law: one channel, 8,000 samples a second of one octet each, no further parameters.
    form = b"".join(
        number.to_bytes(octets, "little")
        for number, octets in ((7, 2), (1, 2), (8000, 4), (8000, 4), (1, 2), (8, 2), (0, 2))
    )
    body = b"WAVE" + _chunk(b"fmt ", form) + _chunk(b"data", sound)
    return _chunk(b"RIFF", body)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "little") + body


def _rtp_stream(reply: Reply, side: Side) -> Reply:
    tags = _dictionary(reply.get("tags"))
    media = _first(_dictionary(tags.get(side.value)).get("medias"))
    return _first(media.get("streams"))


def _first(value: Value | None) -> Reply:
    return _dictionary(value[0]) if isinstance(value, list) and value else {}


def _dictionary(value: Value | None) -> Reply:
    return value if isinstance(value, dict) else {}
