"""A user's phone that is reached over a trunk: whoever answers it must press 1, or the destination is never dialled."""

from collections.abc import Iterator

import pytest

from ringbridge.media import dtmf
from ringbridge.media.g711 import encode_mu_law
from ringbridge.media.rtp import RtpPacket
from tests.peers.client import Client
from tests.peers.phone import Ending, Phone
from tests.peers.server import Deployment, Server, ringbridge, user_number
from tests.scenarios.sound import USER_HZ, ear_of, voice_of

CONFIRM_SECONDS = 1.0
MOBILE = 9001
WITHOUT_QUESTION = 9002


@pytest.fixture(scope="module")
def server(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two lines that are reached over a trunk; that trunk carries no destination."""
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    own.add_mobiles([MOBILE])
    line = ("--account", own.account_id, "--number", f"+{user_number(WITHOUT_QUESTION)}", "--trunk", "mobile")
    ringbridge(own.data_dir, "line", "add", *line, "--no-confirm")
    own.set_limits(f"confirm_s={CONFIRM_SECONDS:g}")
    with Server.running(own) as running:
        yield running


async def test_a_mailbox_that_answers_is_released_and_nobody_else_is_called(
    client: Client, user: Phone, destination: Phone
) -> None:
    """B12: nobody presses anything."""
    call_id = await client.place(MOBILE, 1)
    leg = await user.leg_to(user_number(MOBILE))
    leg.answer()
    await client.reaches(call_id, "confirming")
    shown = await client.finished(call_id, seconds=CONFIRM_SECONDS + 20)

    assert (shown["outcome"], shown["cause"], shown["ended_by"]) == ("not_confirmed",) * 2 + ("server",)
    assert await leg.settled() is Ending.TALKED
    assert destination.legs == []
    assert shown["user"]["trunk"] == "mobile"


@pytest.mark.parametrize("keys", ["events", "no events"])
async def test_a_mailbox_that_speaks_and_sounds_like_the_key_is_not_connected(
    server: Server, client: Client, user: Phone, destination: Phone, keys: str
) -> None:
    """B12: eight seconds of sound with the two tones of a 1 in it, by a phone with telephone events or without them."""
    tones = encode_mu_law(dtmf.tone("1"))
    with voice_of(user, USER_HZ) as voice:
        call_id = await client.place(MOBILE, 4)
        leg = await user.leg_to(user_number(MOBILE))
        head, _, _ = leg.session().partition(b" 101\r\n")
        leg.answer(leg.session() if keys == "events" else head + b"\r\n")
        await client.reaches(call_id, "confirming")
        await voice.hear()
        last = RtpPacket(0, 0, 0, USER_HZ, b"")
        for _ in range(40):
            for start in range(0, len(tones), 160):
                last = last.following(tones[start : start + 160], 160)
                voice.send(last.serialize(), ear_of(leg))
            voice.speak(ear_of(leg))
        shown = await client.finished(call_id)

    assert (shown["outcome"], shown["cause"]) == ("not_confirmed", "not_confirmed")
    assert await leg.settled() is Ending.TALKED
    assert destination.legs == []
    warned = [line for line in server.log.read_text().splitlines() if "call.sends_no_keys" in line]
    assert any(call_id in line for line in warned) == (keys == "no events")


async def test_a_user_may_hang_up_in_place_of_an_answer(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id = await client.place(MOBILE, 2)
    leg = await user.leg_to(user_number(MOBILE))
    leg.answer()
    await client.reaches(call_id, "confirming")
    leg.hang_up()
    shown = await client.finished(call_id)

    assert (shown["outcome"], shown["ended_by"]) == ("user_hung_up", "user")
    assert destination.legs == []


async def test_a_line_that_does_without_is_connected_at_once(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id = await client.place(WITHOUT_QUESTION, 3)
    leg = await user.leg_to(user_number(WITHOUT_QUESTION))
    leg.answer()
    await client.reaches(call_id, "dialing_destination")
    await client.hang_up(call_id)
    shown = await client.finished(call_id)

    assert shown["outcome"] == "canceled"
    assert len(destination.legs) == 1
