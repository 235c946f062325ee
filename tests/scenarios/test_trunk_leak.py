"""Row C5: the trunk's credentials go to the trunk and to nobody else, whoever asks for them, when and how.

The witness is what each of the others has ever received: not one digest among it. Over TCP: test_tcp.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.peers import wire
from tests.peers.challenger import Challenger, challenge, has_credentials
from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.plain_socket import PlainSocket
from tests.peers.server import Deployment, Server, destination_number, ringbridge, user_number
from tests.peers.tool import LOOPBACK
from tests.peers.wire import SipMessage
from tests.scenarios import talk

pytestmark = pytest.mark.peer

OTHER_HOST = "127.0.0.2"
CHALLENGES = {401: "WWW-Authenticate", 407: "Proxy-Authenticate"}


@pytest.fixture(scope="module")
def deployment(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The usual one, but its trunk has a user name and a password."""
    own = deployment.copied_to(tmp_path_factory.mktemp("credentials") / "data")
    ringbridge(own.data_dir, "trunk", "remove", "exchange")
    place = ("--name", "exchange", "--uri", f"sip:{LOOPBACK}:{own.trunk_port}")
    ringbridge(own.data_dir, "trunk", "add", *place, "--username", "1009683", "--password", "s3cret")
    return own


@pytest.fixture
async def carrier(server: Server) -> AsyncIterator[Challenger]:
    """The trunk's far end: it asks once for each call, so that there is an answer that could be shown to others."""
    async with Challenger.listening(server.deployment.trunk_port) as phone:
        phone.script = lambda invite, count: (407, [challenge("n1")]) if count == 1 else None
        yield phone


@pytest.fixture
async def stranger() -> AsyncIterator[Phone]:
    """Somebody at another port who would like to have the credentials."""
    async with Phone.listening(0) as phone:
        yield phone


def ask(leg: Leg, request: SipMessage, status: int, *, by: Phone | None = None) -> None:
    """Ask for the trunk's credentials in its own words; `by` somebody else than the leg's phone."""
    field = (CHALLENGES[status], challenge("n2")[1])
    (by or leg.phone).send(wire.response(request, status, to_tag=leg.tag, headers=[field]), leg.peer)


def hand_on(leg: Leg, stranger: Phone) -> Leg:
    """The trunk lets another phone have its INVITE, without what was for the trunk alone (RFC 3261 section 22.3)."""
    fields = tuple([field for field in leg.invite.headers if field[0] != "Proxy-Authorization"])
    stranger.take(replace(leg.invite, headers=fields), leg.peer)
    return stranger.legs[0]


def shown_to(phone: Phone) -> list[str]:
    """The messages with credentials that a phone has received."""
    heard = [line.message for leg in phone.legs for line in leg.ladder if not line.sent]
    return [message.kind for message in (*heard, *phone.strays) if has_credentials(message)]


@pytest.mark.parametrize("status", CHALLENGES)
async def test_a_phone_of_ours_that_asks_for_them_at_once_gets_none(
    client: Client, user: Phone, status: int
) -> None:
    call_id = await client.place(0, 0)
    leg = await user.leg_to(user_number(0))
    ask(leg, leg.invite, status)
    await leg.heard("ACK")

    assert (await client.finished(call_id))["outcome"] == "user_unreachable"
    assert (leg.count("INVITE"), shown_to(user)) == (1, [])


@pytest.mark.parametrize("status", CHALLENGES)
async def test_a_phone_of_ours_that_asks_for_them_in_mid_call_gets_none(
    client: Client, user: Phone, carrier: Challenger, status: int
) -> None:
    call_id, user_leg, leg = await talk.connect_with_unlike_codecs(
        client, user, carrier, 1, mute={"INVITE", "BYE"}
    )
    ask(user_leg, await user_leg.heard("INVITE", count=2), status)
    await user_leg.heard("ACK", count=2)
    await client.reaches(call_id, "connected")
    leg.hang_up()
    ask(user_leg, await user_leg.heard("BYE"), status)

    assert (await client.finished(call_id))["outcome"] == "completed"
    assert (user_leg.count("INVITE"), user_leg.count("BYE"), shown_to(user)) == (2, 1, [])
    assert shown_to(carrier) != []


@pytest.mark.parametrize("host", [LOOPBACK, OTHER_HOST])
async def test_a_stranger_who_answers_in_the_trunks_place_gets_none(
    server: Server, client: Client, user: Phone, carrier: Challenger, host: str
) -> None:
    asked: list[SipMessage] = []
    async with PlainSocket.open(host=host) as stranger:

        def answer_first(invite: SipMessage, count: int) -> tuple[int, list[wire.Header]] | None:
            asked.append(invite)
            forged = wire.response(invite, 407, to_tag="stranger", headers=[challenge("n3")])
            stranger.send(forged.to_bytes(), server.sip_address)
            return (407, [challenge("n1")]) if count == 1 else None

        carrier.script = answer_first
        call_id = await client.place(2, 2)
        (await user.leg_to(user_number(2))).answer()
        # From another host it is not read at all. From another port of this one it ends the call, as any refusal does.
        if host == OTHER_HOST:
            leg = await carrier.leg_to(destination_number(2))
            leg.answer()
            await client.reaches(call_id, "connected")
            leg.hang_up()
        await client.finished(call_id)

        assert [data for data in stranger.datagrams if b"uthorization" in data] == []
    assert all('nonce="n3"' not in invite.first("Proxy-Authorization") for invite in asked[1:])


async def test_a_redirection_does_not_take_them_elsewhere(
    client: Client, user: Phone, carrier: Challenger, stranger: Phone
) -> None:
    to_stranger = ("Contact", f"<{stranger.contact}>")
    carrier.script = lambda invite, count: (407, [challenge("n1")]) if count == 1 else (302, [to_stranger])
    call_id = await client.place(3, 3)
    (await user.leg_to(user_number(3))).answer()

    assert (await client.finished(call_id))["outcome"] == "destination_unreachable"
    assert (stranger.legs, stranger.strays) == ([], [])
    assert len(carrier.invites) == 2


@pytest.mark.parametrize("status", CHALLENGES)
async def test_whoever_the_trunk_connects_us_to_directly_gets_none(
    client: Client, user: Phone, carrier: Challenger, stranger: Phone, status: int
) -> None:
    """The callee's own address in Contact, and no proxy in the way: ACK and BYE go there."""
    call_id, user_leg, leg = await talk.dial_destination(client, user, carrier, 4)
    callee = hand_on(leg, stranger)
    callee.unanswered.add("BYE")
    accepted = wire.response(
        leg.invite,
        200,
        to_tag=callee.tag,
        headers=[("Contact", f"<{stranger.contact}>"), ("Content-Type", "application/sdp")],
        body=callee.session(),
    )
    carrier.send(accepted, leg.peer)
    await callee.heard("ACK")
    await client.reaches(call_id, "connected")
    user_leg.hang_up()
    ask(callee, await callee.heard("BYE"), status)

    assert (await client.finished(call_id))["outcome"] == "completed"
    assert (callee.count("BYE"), shown_to(stranger)) == (1, [])
    assert shown_to(carrier) != []


@pytest.mark.parametrize("status", CHALLENGES)
async def test_a_second_phone_that_answers_gets_none(
    client: Client, user: Phone, carrier: Challenger, stranger: Phone, status: int
) -> None:
    """A fork of the trunk's, at an address of its own, is released; its challenge of the BYE is no reason to sign one."""
    call_id, _, leg = await talk.dial_destination(client, user, carrier, 5)
    fork = hand_on(leg, stranger)
    fork.unanswered.add("BYE")
    leg.answer()
    await leg.heard("ACK")
    fork.answer()
    await fork.heard("ACK")
    ask(fork, await fork.heard("BYE"), status)
    await client.reaches(call_id, "connected")
    leg.hang_up()

    assert (await client.finished(call_id))["outcome"] == "completed"
    assert await leg.settled() is Ending.TALKED
    assert (fork.count("BYE"), shown_to(stranger)) == (1, [])


async def test_a_late_answer_from_elsewhere_gets_none(
    client: Client, user: Phone, carrier: Challenger, stranger: Phone
) -> None:
    """The user hangs up while the destination rings; the answer that crosses the CANCEL comes from the callee itself."""
    call_id, user_leg, leg = await talk.ring_destination(client, user, carrier, 6)
    callee = hand_on(leg, stranger)
    leg.unanswered.add("CANCEL")
    user_leg.hang_up()
    await leg.heard("CANCEL")
    callee.answer()
    await asyncio.gather(callee.heard("ACK"), callee.heard("BYE"))

    assert (await client.finished(call_id))["outcome"] == "user_hung_up"
    assert shown_to(stranger) == []
    assert await callee.settled() is Ending.TALKED
