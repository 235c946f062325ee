"""Whose session description goes where: third-party call control of the Flow III/IV family (RFC 3725). Pure.

The user gets a full offer from our media port, because a prompt must be heard before anybody else is there. The
destination then gets an offer of the codecs that the user accepted, because the relay does not transcode. When the
destination's answer leaves some of them out, the user is re-INVITEd once with what is left.
"""

from collections.abc import Sequence

from ringbridge.media.errors import NoCommonCodec
from ringbridge.media.offer import common, has_voice
from ringbridge.media.sdp import G722, PCMA, PCMU, TELEPHONE_EVENT, AudioDescription, Codec

OFFERED_TO_USER = (PCMU, PCMA, G722, TELEPHONE_EVENT)

_PROMPT_PAYLOAD_TYPES = frozenset((PCMU.payload_type, PCMA.payload_type, G722.payload_type))


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

    Key presses do not count: a user that sends them to a destination that takes none is merely not understood.
    """
    left = common(destination, user)
    narrowed = any(codec not in left and has_voice((codec,)) for codec in user)
    return left if narrowed else None
