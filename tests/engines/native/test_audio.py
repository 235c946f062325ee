"""What the relay is told of what a call's phones have written, with a real rtpengine."""

from collections.abc import AsyncIterator

import pytest

from ringbridge.call.directory import Srtp
from ringbridge.call.model import Call, LegName, Party, Route
from ringbridge.engines.native.audio import CallAudio, Terms
from ringbridge.engines.native.media import Side
from ringbridge.engines.native.rtpengine import RtpengineRelay
from ringbridge.media.crypto import CryptoKey
from ringbridge.media.errors import NotEncrypted
from ringbridge.media.offer import offer
from ringbridge.media.sdp import PCMU, MediaAddress, audio_of
from tests.engines.native.media_peers import (
    DESTINATION_HZ,
    PORTS,
    USER_HZ,
    Events,
    Phone,
    SecurePhone,
    loud_tones,
    rtpengine_relay,
    until_done,
)

ROUTE = Route(target="sip:201@127.0.0.1;transport=tls", caller_number="202", srtp=Srtp.REQUIRED)
PLAIN = Route(target="sip:202@127.0.0.1", caller_number="201")


def call(user: Route) -> Call:
    return Call(
        id="call-1",
        account_id="1",
        key_id="1",
        user=Party(number="201", routes=(user,)),
        destination=Party(number="202", routes=(PLAIN,)),
        accepted_at=0.0,
        accepted_utc=0.0,
    )


def described(phone: SecurePhone, key: CryptoKey, version: int) -> bytes:
    return offer(phone.address, (PCMU,), session_id=1, version=version, key=key, secured=True)


@pytest.fixture
async def relay() -> AsyncIterator[RtpengineRelay]:
    async with rtpengine_relay(Events(), range(PORTS + 600, PORTS + 1000)) as relay:
        yield relay


async def test_a_phone_that_changes_nothing_but_its_key_is_still_heard(relay: RtpengineRelay) -> None:
    audio = CallAudio(call(ROUTE), 1, relay)
    await audio.open()
    offered = audio_of(audio.offer(LegName.USER, "user", Terms(Srtp.REQUIRED)), secured=True)
    assert offered.key is not None
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        phone = SecurePhone(user, await relay.open("far-end", secured=[Side.DESTINATION]))
        phone.take(offered.address, offered.key)
        audio.take_answer(LegName.USER, "user", described(phone, CryptoKey(1, bytes(30)), 1))
        audio.offer(LegName.DESTINATION, "destination", Terms())
        answer = offer(destination.address, (PCMU,), session_id=1, version=1)
        audio.take_answer(LegName.DESTINATION, "destination", answer)

        answered = audio_of(audio.answer(LegName.USER, "user", described(phone, phone.key, 2)), secured=True)
        await until_done(relay)
        phone.speak()
        assert loud_tones(await destination.hear()) == {USER_HZ}
    assert answered.key == offered.key


async def test_what_is_required_cannot_be_given_up_later(relay: RtpengineRelay) -> None:
    audio = CallAudio(call(ROUTE), 1, relay)
    await audio.open()
    audio.offer(LegName.USER, "user", Terms(Srtp.REQUIRED))
    plain = offer(MediaAddress("127.0.0.1", 4000), (PCMU,), session_id=1, version=1)
    for take in (audio.take_answer, audio.answer, audio.take_later_answer):
        with pytest.raises(NotEncrypted, match="SRTP is required"):
            take(LegName.USER, "user", plain)
