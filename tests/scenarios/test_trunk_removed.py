"""Row H6: a trunk is removed while it carries a call; the call ends as any other, and no new one takes that way."""

import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.peers.challenger import Challenger, challenge
from tests.peers.client import Client
from tests.peers.phone import Ending, Phone
from tests.peers.server import Deployment, Server, destination_number, ringbridge, user_number
from tests.peers.tool import LOOPBACK, poll
from tests.peers.wire import SipMessage
from tests.scenarios import talk

USERNAME, PASSWORD, REALM = "1009683", "s3cret of the trunk", "carrier.example"

# It takes a second at most; the rest is room for a busy machine.
NOTICED_SECONDS = 30.0


@pytest.fixture
def trunk(deployment: Deployment) -> tuple[str, ...]:
    """What makes the only trunk, which has a user name and a password."""
    uri = f"sip:{LOOPBACK}:{deployment.trunk_port}"
    return ("--name", "exchange", "--uri", uri, "--username", USERNAME, "--password", PASSWORD)


@pytest.fixture
def server(deployment: Deployment, trunk: tuple[str, ...], tmp_path: Path) -> Iterator[Server]:
    own = deployment.copied_to(tmp_path / "data")
    ringbridge(own.data_dir, "trunk", "remove", "exchange")
    ringbridge(own.data_dir, "trunk", "add", *trunk)
    with Server.running(own) as running:
        yield running


@pytest.fixture
async def carrier(server: Server) -> AsyncIterator[Challenger]:
    """The trunk's far end, which wants credentials."""
    async with Challenger.listening(server.deployment.trunk_port) as phone:
        phone.script = lambda invite, count: (407, [challenge("first")]) if count == 1 else None
        yield phone


async def remove_trunk(server: Server) -> None:
    """Return once the server knows that it has no trunk any more."""
    ringbridge(server.deployment.data_dir, "trunk", "remove", "exchange")

    async def has_trunk() -> bool:
        async with aiohttp.ClientSession() as session, session.get(f"{server.url}/readyz") as answer:
            return bool((await answer.json())["checks"]["trunk"])

    await poll(has_trunk, lambda known: not known, "a trunk that is gone", seconds=NOTICED_SECONDS)


def is_right(request: SipMessage, nonce: str) -> bool:
    """Whether it answers the challenge with the trunk's password (RFC 7616 section 3.4.1, MD5 and qop=auth)."""
    pairs = re.findall(r'(\w+)=(?:"([^"]*)"|([^", ]+))', request.first("Proxy-Authorization"))
    given = {name: quoted or token for name, quoted, token in pairs}
    method = request.cseq[1]
    secret, target = md5(f"{USERNAME}:{REALM}:{PASSWORD}"), md5(f"{method}:{request.request_uri}")
    answer = md5(f"{secret}:{nonce}:{given['nc']}:{given['cnonce']}:auth:{target}")
    return (given["username"], given["nonce"], given["response"]) == (USERNAME, nonce, answer)


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


async def test_the_carrier_hangs_up_a_call_over_a_trunk_that_is_gone(
    server: Server, client: Client, user: Phone, carrier: Challenger
) -> None:
    call_id, user_leg, carrier_leg = await talk.connect(client, user, carrier, 0)
    await remove_trunk(server)
    carrier_leg.hang_up()
    call = await client.finished(call_id)

    assert (call["outcome"], call["ended_by"]) == ("completed", "destination")
    await user_leg.settled()
    assert (user_leg.ending, carrier_leg.ending) == (Ending.TALKED, Ending.TALKED)


async def test_the_carrier_is_told_the_end_with_the_password_of_the_trunk_that_is_gone(
    server: Server, client: Client, user: Phone, carrier: Challenger
) -> None:
    call_id, user_leg, carrier_leg = await talk.connect(client, user, carrier, 0)
    carrier_leg.unanswered.add("BYE")
    await remove_trunk(server)
    user_leg.hang_up()
    bye = await carrier_leg.heard("BYE")
    carrier_leg.unanswered.clear()
    carrier_leg.respond(bye, 407, headers=[challenge("second")])
    await carrier_leg.settled()
    call = await client.finished(call_id)

    assert (call["outcome"], call["ended_by"]) == ("completed", "user")
    byes = [line.message for line in carrier_leg.ladder if line.message.kind == "BYE" and not line.sent]
    assert is_right(byes[-1], "second")
    assert (user_leg.ending, carrier_leg.ending) == (Ending.TALKED, Ending.TALKED)


async def test_no_new_call_takes_a_trunk_that_is_gone_and_the_log_says_who_removed_it(
    server: Server, client: Client, user: Phone, carrier: Challenger
) -> None:
    _, user_leg, carrier_leg = await talk.connect(client, user, carrier, 0)
    await remove_trunk(server)
    fields = {"user_line": user_number(1), "destination_line": destination_number(1)}
    proof = {"Authorization": server.deployment.authorization}
    async with (
        aiohttp.ClientSession(headers=proof) as session,
        session.post(f"{server.url}/api/v1/call", json=fields) as answer,
    ):
        assert (answer.status, answer.headers["X-Error-Code"]) == (500, "no_trunk"), await answer.text()
    user_leg.hang_up()
    await carrier_leg.settled()
    assert len({invite.call_id for invite in carrier.invites}) == 1
    removed = ringbridge(server.deployment.data_dir, "audit", "list", "--last", "1")
    assert "trunk.removed" in removed
    assert "as written" in ringbridge(server.deployment.data_dir, "audit", "verify")
