"""Whose session description goes where: third-party call control of the Flow III/IV family (RFC 3725). Pure.

The user gets a full offer from our media port, because a prompt must be heard before anybody else is there. The
destination then gets an offer of the codecs that the user accepted and, of a relay that transcodes, of the others too.
When the destination's answer leaves some of the user's out, the user is re-INVITEd once with what is left: to understand
each other costs less than to be translated. If nothing is left, the relay translates.
"""

from collections.abc import Sequence

from ringbridge.media.errors import NoCommonCodec
from ringbridge.media.offer import common, has_voice
from ringbridge.media.sdp import G722, PCMA, PCMU, TELEPHONE_EVENT, AudioDescription, Codec

CODECS = (PCMU, PCMA, G722, TELEPHONE_EVENT)
"""What a relay can play, and be offered."""

_PROMPT_PAYLOAD_TYPES = frozenset((PCMU.payload_type, PCMA.payload_type, G722.payload_type))


def offered_to_destination(user: Sequence[Codec], *, transcodes: bool) -> tuple[Codec, ...]:
    """What the user accepted, in its order and with its payload types; behind it the rest, if the relay `transcodes`."""
    taken = {codec.payload_type for codec in user} | {codec.encoding for codec in user}
    rest = [codec for codec in CODECS if codec.payload_type not in taken and codec.encoding not in taken]
    return (*user, *rest) if transcodes else tuple(user)


def accepted_codecs(offered: Sequence[Codec], answer: AudioDescription) -> tuple[Codec, ...]:
    """What of `offered` the answer accepts, in the answer's order. Raises NoCommonCodec when no voice is left."""
    codecs = common(offered, answer.codecs)
    if not has_voice(codecs):
        raise NoCommonCodec("the answer accepts none of the codecs that it was offered")
    return codecs


def prompt_payload_type(codecs: Sequence[Codec]) -> int:
    """The payload type in which a prompt is played to somebody who accepted `codecs`."""
    return next(codec.payload_type for codec in codecs if codec.payload_type in _PROMPT_PAYLOAD_TYPES)


def codecs_to_narrow_to(user: Sequence[Codec], destination: Sequence[Codec]) -> tuple[Codec, ...] | None:
    """What the user must be re-INVITEd with so that the destination understands all of it; None: nothing to do.

    Nothing can be done where both have no voice in common. Key presses do not count: a user that sends them to a
    destination that takes none is merely not understood.
    """
    left = common(destination, user)
    narrowed = any(codec not in left and has_voice((codec,)) for codec in user)
    return left if narrowed and has_voice(left) else None
