"""A phone on a connection of its own, whose server is killed: only the phone can connect again, and then it is released."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from ringbridge.engines.native.journal import DialogJournal
from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.registrant import DeviceAccount, Registrant
from tests.peers.server import Deployment, Server, destination_number, user_number
from tests.peers.stream_phone import StreamPhone
from tests.peers.tool import LOOPBACK, free_port, free_sip_port, poll
from tests.scenarios.killed import before_the_kill

pytestmark = pytest.mark.peer

LINE = 9003
"""A line that is made for these tests: the others are at fixed addresses."""


@pytest.fixture
def own(deployment: Deployment, tmp_path: Path) -> Deployment:
    """Data that outlives a server."""
    return deployment.copied_to(tmp_path / "data")


@pytest.fixture
def account(own: Deployment) -> DeviceAccount:
    """The account of every phone of the line."""
    return DeviceAccount.added_to(own, f"+{user_number(LINE)}")


@asynccontextmanager
async def phones(*names: str) -> AsyncIterator[list[StreamPhone]]:
    """Phones that connect by themselves, each with its name in its Contact."""
    async with StreamPhone.listening_for_connections(free_sip_port()) as first:
        first.contact = first.contact.replace("phone@", f"{names[0]}@")
        if len(names) == 1:
            yield [first]
        else:
            async with phones(*names[1:]) as others:
                yield [first, *others]


async def register(phone: StreamPhone, sip_port: int, account: DeviceAccount) -> None:
    server = (LOOPBACK, sip_port)
    await phone.connect(server)
    assert (await Registrant(phone, server, account).register()).status == 200


async def until_logged(server: Server, event: str) -> None:
    async def log() -> str:
        return server.log.read_text()

    await poll(log, lambda text: event in text, f"{event} in the log")


async def until_released(server: Server, leg: Leg) -> None:
    """Return once the server knows that this leg is over: it says so of no other before it is true."""

    async def lines() -> list[str]:
        return [line for line in server.log.read_text().splitlines() if leg.invite.call_id in line]

    await poll(lines, lambda found: any("sip.orphan_ended" in line for line in found), "the end of the leg")


async def orphaned(
    own: Deployment, sip_port: int, account: DeviceAccount, desk: StreamPhone, state: str
) -> Leg:
    """The desk phone's leg of a call in that state, whose server was killed."""

    async def act(client: Client) -> Leg:
        await register(desk, sip_port, account)
        call_id = await client.place(LINE, 1)
        leg = await desk.leg_to("desk")
        leg.ring()
        if state == "connected":
            leg.answer()
            (await destination.leg_to(destination_number(1))).answer()
        await client.reaches(call_id, state)
        return leg

    async with Phone.listening(own.trunk_port) as destination:
        return await before_the_kill(own, {"RINGBRIDGE_SIP_PORT": str(sip_port)}, act)


@contextmanager
def restarted(own: Deployment, sip_port: int) -> Iterator[Server]:
    with Server.running(own, settings={"RINGBRIDGE_SIP_PORT": str(sip_port)}) as server:
        yield server


@pytest.mark.parametrize(
    ("state", "ending"), [("connected", Ending.TALKED), ("ringing_user", Ending.CANCELLED)]
)
async def test_it_is_released_when_it_registers_again_and_no_other_phone_of_its_line_is(
    own: Deployment, account: DeviceAccount, state: str, ending: Ending
) -> None:
    sip_port = free_port()
    async with phones("desk", "hall") as (desk, hall):
        leg = await orphaned(own, sip_port, account, desk, state)
        with restarted(own, sip_port) as server:
            await until_logged(server, "sip.orphan_waits")
            await register(hall, sip_port, account)
            assert leg.released_at is None
            # The next connection of a phone is made from another port, which many write in their Contact.
            desk.contact = desk.contact.replace(str(desk.port), str(free_port()))
            await register(desk, sip_port, account)
            assert await leg.settled() is ending
            await until_released(server, leg)
        assert (desk.accepted, hall.accepted) == (0, 0), "they can be reached by their own connections only"
        assert not [message for message in hall.strays if message.kind in ("BYE", "CANCEL")]
    assert DialogJournal(own.data_dir / "dialogs.journal").kept() == {}


async def test_it_is_still_known_after_another_restart(own: Deployment, account: DeviceAccount) -> None:
    sip_port = free_port()
    async with phones("desk") as (desk,):
        leg = await orphaned(own, sip_port, account, desk, "connected")
        with restarted(own, sip_port) as server:
            await until_logged(server, "sip.orphan_waits")
        with restarted(own, sip_port) as server:
            await register(desk, sip_port, account)
            assert await leg.settled() is Ending.TALKED
            await until_released(server, leg)
