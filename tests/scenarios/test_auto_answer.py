"""Phones that are asked to pick up by themselves: each in the words of its maker, and the destination never."""

from collections.abc import Iterator

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.registrant import DeviceAccount, Registrant
from tests.peers.server import Deployment, Server, destination_number, ringbridge, user_number
from tests.peers.tool import LOOPBACK
from tests.scenarios import talk

pytestmark = pytest.mark.peer

REGISTERED, FIXED, PLAIN = 9001, 9002, 1
FIELDS = ("Call-Info", "Alert-Info", "Answer-Mode")


@pytest.fixture(scope="module")
def own(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Data with lines whose phones are to pick up by themselves; one of them is at a fixed address."""
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    uri = f"sip:{user_number(FIXED)}@{LOOPBACK}:{own.user_port}"
    line = ("--account", own.account_id, "--number", f"+{user_number(FIXED)}", "--uri", uri)
    ringbridge(own.data_dir, "line", "add", *line, "--auto-answer")
    return own


@pytest.fixture(scope="module")
def account(own: Deployment) -> DeviceAccount:
    """What is typed into the registering phones."""
    return DeviceAccount.added_to(own, f"+{user_number(REGISTERED)}", "--auto-answer")


@pytest.fixture(scope="module")
def server(own: Deployment, account: DeviceAccount) -> Iterator[Server]:
    """A server with those lines."""
    with Server.running(own) as running:
        yield running


def wishes(leg: Leg) -> dict[str, str]:
    """What the phone was asked besides to ring."""
    return {name: value for name, value in leg.invite.headers if name in FIELDS}


def obey(leg: Leg) -> None:
    """Pick up if asked in the words that this phone knows: those of a Polycom."""
    if "auto answer" in wishes(leg).get("Alert-Info", "").lower():
        leg.answer()


async def test_each_phone_of_a_line_is_asked_in_its_own_words_and_one_picks_up(
    server: Server, client: Client, account: DeviceAccount, destination: Phone
) -> None:
    async with Phone.listening(0, on_leg=obey) as polycom, Phone.listening(0) as unknown:
        for phone, name in ((polycom, "PolycomVVX-VVX_411-UA/5.9.6"), (unknown, "Some Phone 1.0")):
            registrant = Registrant(phone, server.sip_address, account, user_agent=name)
            assert (await registrant.register()).kind == "200 REGISTER"
        call_id = await client.place(REGISTERED, 1)
        other = await unknown.leg_to("phone")
        other.ring()
        destination_leg = await destination.leg_to(destination_number(1))
        picked_up = await polycom.leg_to("phone")
        destination_leg.refuse(486)

        assert (await client.finished(call_id))["outcome"] == "destination_busy"
        assert (await picked_up.settled(), await other.settled()) == (Ending.TALKED, Ending.CANCELLED)
    assert wishes(picked_up) == {"Alert-Info": "info=Auto Answer"}
    assert wishes(other).keys() == set(FIELDS)
    assert wishes(destination_leg) == {}


async def test_a_phone_at_a_fixed_address_is_asked_in_the_words_that_most_know(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.dial_destination(client, user, destination, FIXED)
    await client.hang_up(call_id)
    await client.finished(call_id)

    assert wishes(user_leg).keys() == set(FIELDS)
    assert wishes(destination_leg) == {}


async def test_nobody_else_is_asked(client: Client, user: Phone, destination: Phone) -> None:
    call_id, user_leg, _ = await talk.dial_destination(client, user, destination, PLAIN)
    await client.hang_up(call_id)
    await client.finished(call_id)

    assert wishes(user_leg) == {}
