"""Packets of strangers at the media ports of a call: nobody hears them, and they hear nobody.

RTP bleed (CVE-2017-14114, CVE-2025-53399); row D1 of docs/reliability.md.
"""

import pytest

from ringbridge.media.sdp import MediaAddress
from tests.peers.client import Client
from tests.peers.phone import Phone
from tests.peers.server import destination_number, user_number
from tests.scenarios.relays import WITH_EACH_RELAY
from tests.scenarios.sound import (
    DESTINATION_HZ,
    STRANGER_HZ,
    USER_HZ,
    Voice,
    assert_hears,
    ear_of,
    mutual,
    voice_of,
)

pytestmark = [pytest.mark.peer, WITH_EACH_RELAY]

PACKETS = 50


def attack(strangers: tuple[Voice, ...], ports: list[MediaAddress]) -> None:
    """RTP and RTCP from everywhere, as themselves and with the numbers of the two that talk."""
    for stranger in strangers:
        for port in ports:
            stranger.report(port)
            for ssrc in (None, USER_HZ, DESTINATION_HZ):
                stranger.speak(port, ssrc=ssrc)


async def sequence_heard(listener: Voice, ssrc: int) -> list[int]:
    """The numbers of the next packets of this source, and nothing must be between them."""
    heard = await listener.hear(PACKETS)
    assert {packet.ssrc for packet in heard} == {ssrc}
    return [packet.sequence for packet in heard]


async def test_strangers_hear_nothing_and_are_not_heard_at_any_stage_of_a_call(
    client: Client, user: Phone, destination: Phone
) -> None:
    """D1: before anybody has answered, when they do, and while they talk, from the phones' own host and from another."""
    with (
        voice_of(user, USER_HZ) as user_voice,
        voice_of(destination, DESTINATION_HZ) as destination_voice,
        Voice(STRANGER_HZ) as neighbour,
        Voice(STRANGER_HZ, "127.0.0.2") as stranger,
    ):
        strangers = (neighbour, stranger)
        call_id = await client.place(1, 1)
        user_leg = await user.leg_to(user_number(1))
        user_port = ear_of(user_leg)
        attack(strangers, [user_port])
        user_leg.answer()
        attack(strangers, [user_port])
        destination_leg = await destination.leg_to(destination_number(1))
        ports = [user_port, ear_of(destination_leg)]
        attack(strangers, ports)
        destination_leg.answer()
        attack(strangers, ports)
        await client.reaches(call_id, "connected")
        async with mutual((user_voice, user_leg), (destination_voice, destination_leg)):
            for voice in (user_voice, destination_voice):
                voice.forget_what_was_heard()
            for _ in range(3):
                attack(strangers, ports)
                for listener, frequency in ((user_voice, DESTINATION_HZ), (destination_voice, USER_HZ)):
                    numbers = await sequence_heard(listener, frequency)
                    assert numbers == list(range(numbers[0], numbers[0] + PACKETS))
                    await assert_hears(listener, frequency)
        user_leg.hang_up()

        assert (await client.finished(call_id))["outcome"] == "completed"
        assert [one.has_heard_nothing for one in strangers] == [True, True]
