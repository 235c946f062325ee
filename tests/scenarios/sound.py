"""Scripted phones with a voice: each speaks a tone of its own, and by the frequency is told who is heard."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from ringbridge.media.dtmf import KEYS
from ringbridge.media.g711 import decode_mu_law
from ringbridge.media.sdp import TELEPHONE_EVENT, MediaAddress
from ringbridge.media.tones import power_at
from tests.engines.native.media_peers import DESTINATION_HZ, LOUD, PROMPT_HZ, STRANGER_HZ, USER_HZ, loud_tones
from tests.engines.native.media_peers import Phone as Voice
from tests.peers.phone import Leg, Phone
from tests.peers.tool import WAIT_SECONDS
from tests.peers.voice import media_address

__all__ = [
    "DESTINATION_HZ",
    "STRANGER_HZ",
    "USER_HZ",
    "Voice",
    "assert_hears",
    "assert_hears_tone",
    "ear_of",
    "hears_key",
    "mutual",
    "voice_of",
]

# A fifth of a second: more than one sound in it is more than one source.
_WINDOW_PACKETS = 10


@contextmanager
def voice_of(phone: Phone, frequency_hz: int) -> Iterator[Voice]:
    """What a phone speaks and hears with: legs that begin from now on name this port for their audio."""
    with Voice(frequency_hz) as voice:
        phone.rtp_port = voice.address.port
        yield voice


def ear_of(leg: Leg) -> MediaAddress:
    """Where the server takes this leg's audio."""
    return MediaAddress(*media_address(leg))


async def assert_hears_tone(listener: Voice, frequency_hz: int) -> None:
    """Return once the listener has heard this tone, and nobody's voice, in one packet; an error if it does not."""
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                packets = await listener.hear(1)
                # In so few samples a tone is broad.
                voices = loud_tones(packets) - {PROMPT_HZ}
                if power_at(decode_mu_law(packets[0].payload), frequency_hz) > LOUD and not voices:
                    return
    except TimeoutError:
        raise AssertionError(f"did not hear {frequency_hz} Hz") from None


async def assert_hears(listener: Voice, *frequencies_hz: int) -> None:
    """Return once the listener has heard these tones, and no other, for a while; an error if it does not."""
    heard: set[int] | None = None
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while heard != set(frequencies_hz):
                heard = loud_tones(await listener.hear(_WINDOW_PACKETS))
    except TimeoutError:
        raise AssertionError(f"heard {heard or 'none of them'} in place of {frequencies_hz} Hz") from None


async def hears_key(listener: Voice) -> str:
    """The next key that it hears as telephone events."""
    async with asyncio.timeout(WAIT_SECONDS):
        while (packet := await listener.next_packet()).payload_type != TELEPHONE_EVENT.payload_type:
            pass
    return KEYS[packet.payload[0]]


@asynccontextmanager
async def mutual(user: tuple[Voice, Leg], destination: tuple[Voice, Leg]) -> AsyncIterator[None]:
    """Both speak while the block runs, and hear each other before it begins."""
    (user_voice, user_leg), (destination_voice, destination_leg) = user, destination
    async with (
        user_voice.speaking(ear_of(user_leg)),
        destination_voice.speaking(ear_of(destination_leg)),
    ):
        await assert_hears(user_voice, DESTINATION_HZ)
        await assert_hears(destination_voice, USER_HZ)
        yield
