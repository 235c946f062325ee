"""A carrier that insists on having its progress acknowledged (RFC 3262), and a call over it with sound both ways."""

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Phone
from tests.peers.server import destination_number
from tests.scenarios import talk
from tests.scenarios.sound import DESTINATION_HZ, USER_HZ, mutual, voice_of

pytestmark = pytest.mark.peer

REQUIRE = ("Require", "100rel")


async def test_a_call_over_a_carrier_that_insists_is_joined_by_what_its_progress_described(
    client: Client, user: Phone, destination: Phone
) -> None:
    with voice_of(user, USER_HZ) as user_voice, voice_of(destination, DESTINATION_HZ) as destination_voice:
        call_id, user_leg, leg = await talk.dial_destination(client, user, destination, 1)
        leg.unanswered.add("INVITE")
        leg.respond(leg.invite, 421, headers=[REQUIRE])
        invite = await leg.heard("INVITE", count=2)
        assert invite.called_number == destination_number(1)
        leg.respond(invite, 183, headers=[REQUIRE, ("RSeq", "1")], body=leg.session())
        assert (await leg.heard("PRACK")).first("RAck") == f"1 {invite.cseq[0]} INVITE"
        await client.reaches(call_id, "ringing_destination")
        leg.respond(invite, 200)
        await client.reaches(call_id, "connected")
        async with mutual((user_voice, user_leg), (destination_voice, leg)):
            user_leg.hang_up()
        assert (await client.finished(call_id))["outcome"] == "completed"

    bye = await leg.heard("BYE")
    assert bye.cseq[0] > (await leg.heard("PRACK")).cseq[0]
    assert await user_leg.settled() is Ending.TALKED
