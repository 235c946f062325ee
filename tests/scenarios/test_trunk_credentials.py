"""Row C4: a carrier that is never content with our credentials is asked a few times and no more; a good one is served.

Each carrier is a script; the digests themselves are checked in test_trunk_challenge.
"""

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest

from tests.peers.challenger import Challenger, Script, challenge, has_credentials
from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.server import Deployment, Server, destination_number, ringbridge, user_number
from tests.peers.tool import LOOPBACK

pytestmark = pytest.mark.peer

CALLS = 10
_numbers = count(1)


def nonce() -> str:
    return f"nonce{next(_numbers)}"


ALWAYS: dict[str, Script] = {
    "wrong password": lambda invite, count: (407, [challenge(nonce())]),
    "stale each time": lambda invite, count: (407, [challenge(nonce(), more='qop="auth", stale=true')]),
    "no challenge": lambda invite, count: (407, []),
    "another realm each time": lambda invite, count: (407, [challenge(nonce(), realm=f"realm{count}")]),
    "the whole message": lambda invite, count: (407, [challenge(nonce(), more='qop="auth-int"')]),
    "two algorithms": lambda invite, count: (
        407,
        [challenge(nonce(), more=f'algorithm={name}, qop="auth"') for name in ("SHA-256", "MD5")],
    ),
    "an algorithm of its own": lambda invite, count: (407, [challenge(nonce(), more="algorithm=ROT13")]),
}
CREDENTIALED = {
    "stale each time": 3,
    "no challenge": 0,
    "an algorithm of its own": 0,
    "another realm each time": 1,
}
"""How many INVITEs bear credentials; else two."""


@pytest.fixture(scope="module")
def deployment(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The usual one, but its trunk has a user name and a password."""
    own = deployment.copied_to(tmp_path_factory.mktemp("credentials") / "data")
    ringbridge(own.data_dir, "trunk", "remove", "exchange")
    place = ("--name", "exchange", "--uri", f"sip:{LOOPBACK}:{own.trunk_port}")
    ringbridge(own.data_dir, "trunk", "add", *place, "--username", "1009683", "--password", "s3cret")
    return own


@pytest.fixture
async def user(server: Server) -> AsyncIterator[Phone]:
    """A user who always picks up."""
    async with Phone.listening(server.deployment.user_port, on_leg=Leg.answer) as phone:
        yield phone


@pytest.fixture
async def carrier(server: Server) -> AsyncIterator[Challenger]:
    """The trunk's far end; who gets through is answered."""
    async with Challenger.listening(server.deployment.trunk_port, on_leg=Leg.answer) as phone:
        yield phone


@pytest.mark.parametrize("wish", ALWAYS)
async def test_a_carrier_that_is_never_content_is_asked_a_few_times(
    client: Client, user: Phone, carrier: Challenger, wish: str
) -> None:
    carrier.script = ALWAYS[wish]
    call_id = await client.place(0, 0)
    shown = await client.finished(call_id)

    assert (shown["outcome"], shown["cause"]) == ("destination_unreachable", "authentication_failed")
    assert shown["destination"]["sip_status"] == 407
    credentialed = sum(map(has_credentials, carrier.invites))
    assert credentialed == CREDENTIALED.get(wish, 2)
    assert len(carrier.invites) == credentialed + 1


async def test_a_crowd_of_calls_is_no_storm(client: Client, user: Phone, carrier: Challenger) -> None:
    carrier.script = ALWAYS["wrong password"]

    async def one(index: int) -> str:
        return str((await client.finished(await client.place(index, index)))["cause"])

    causes = await asyncio.gather(*map(one, range(CALLS)))

    assert causes == ["authentication_failed"] * CALLS
    assert len(carrier.invites) == 3 * CALLS


async def test_one_good_stale_challenge_is_answered(client: Client, user: Phone, carrier: Challenger) -> None:
    first, second = nonce(), nonce()
    challenges = {1: challenge(first), 2: challenge(second, more='qop="auth", stale=true')}
    carrier.script = lambda invite, count: (407, [challenges[count]]) if count in challenges else None
    call_id = await client.place(1, 1)
    leg = await carrier.leg_to(destination_number(1))
    await client.reaches(call_id, "connected")
    user_leg = await user.leg_to(user_number(1))
    user_leg.hang_up()

    assert await leg.settled() is Ending.TALKED
    assert (await client.finished(call_id))["outcome"] == "completed"
    credentials = [invite.first("Proxy-Authorization") for invite in carrier.invites[1:]]
    assert len(credentials) == 2
    assert f'nonce="{first}"' in credentials[0]
    assert f'nonce="{second}"' in credentials[1]
