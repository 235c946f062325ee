"""SIPp as the user's phone and as the destination, over each transport: calls that run to the end, and audio both ways.

Debian's SIPp has no TLS of its own: there a tunnel decrypts for it, and its scenario names the tunnel.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.peers.certificates import Authority
from tests.peers.client import Client
from tests.peers.phone import Ending, Phone
from tests.peers.scenario import phone_scenario
from tests.peers.server import Deployment, Server, destination_number, user_number
from tests.peers.sipp import Sipp
from tests.peers.stream_phone import StreamPhone
from tests.peers.tool import LOOPBACK, free_sip_port
from tests.peers.tunnel import tls_in_front_of
from tests.scenarios.sound import DESTINATION_HZ, USER_HZ, assert_hears, ear_of, voice_of

pytestmark = pytest.mark.peer

CALLS = 20
NEVER_MS = 60_000


@pytest.fixture(scope="module", params=["udp", "tcp", "tls"])
def transport(request: pytest.FixtureRequest) -> str:
    """What the server and both phones speak over."""
    return str(request.param)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who has issued the phones' certificate."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def deployment(transport: str, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Lines and a trunk that are reached over that transport."""
    data = tmp_path_factory.mktemp("deployment") / "data"
    return Deployment.provision(data, lines=CALLS, transport=transport)


@pytest.fixture(scope="module")
def server(authority: Authority, deployment: Deployment) -> Iterator[Server]:
    """A server that believes the phones' authority."""
    with Server.running(deployment, settings={"RINGBRIDGE_SIP_TLS_CA": str(authority.file)}) as running:
        yield running


@asynccontextmanager
async def sipp(
    scenario: str,
    transport: str,
    authority: Authority,
    *,
    port: int,
    calls: int,
    folder: Path,
    echo_port: int | None = None,
) -> AsyncIterator[Sipp]:
    """SIPp, reached at `port` over that transport."""
    if transport != "tls":
        async with Sipp.running(
            scenario, port=port, calls=calls, folder=folder, transport=transport, echo_port=echo_port
        ) as phone:
            yield phone
        return
    behind = free_sip_port()
    scenario = scenario.replace("[transport]", "TLS").replace("[local_port]>", f"{port};transport=tls>")
    context = authority.server_context(authority.issue(LOOPBACK, as_=folder.name))
    async with (
        Sipp.running(
            scenario, port=behind, calls=calls, folder=folder, transport="tcp", echo_port=echo_port
        ) as phone,
        tls_in_front_of(behind, port=port, context=context),
    ):
        yield phone


@asynccontextmanager
async def scripted(transport: str, authority: Authority, port: int) -> AsyncIterator[Phone]:
    """The scripted phone at `port` over that transport."""
    if transport == "udp":
        async with Phone.listening(port) as phone:
            yield phone
        return
    own = authority.server_context(authority.issue(LOOPBACK, as_="scripted")) if transport == "tls" else None
    async with StreamPhone.listening_for_connections(port, tls=own) as stream_phone:
        yield stream_phone


@pytest.mark.parametrize("user_hangs_up", [True, False], ids=["user", "destination"])
async def test_every_call_is_made_and_ended_whoever_hangs_up(
    server: Server, client: Client, transport: str, authority: Authority, tmp_path: Path, user_hangs_up: bool
) -> None:
    ends, waits = phone_scenario(answer_ms=50, hold_ms=300), phone_scenario(answer_ms=50, hold_ms=NEVER_MS)
    user, destination = (ends, waits) if user_hangs_up else (waits, ends)
    at_user, at_trunk = server.deployment.user_port, server.deployment.trunk_port
    async with (
        sipp(user, transport, authority, port=at_user, calls=CALLS, folder=tmp_path / "user") as user_phone,
        sipp(
            destination, transport, authority, port=at_trunk, calls=CALLS, folder=tmp_path / "destination"
        ) as destination_phone,
    ):

        async def one(index: int) -> str:
            return str((await client.finished(await client.place(index, index)))["outcome"])

        assert Counter(await asyncio.gather(*map(one, range(CALLS)))) == {"completed": CALLS}
        for phone in (user_phone, destination_phone):
            assert await phone.finished() == 0, phone.complaints()
            assert phone.counts()["successful"] == CALLS
            requests = [message for sent, message in phone.messages() if not sent and message.status is None]
            assert len(requests) >= 2 * CALLS
            assert all(
                request.first("Via").startswith(f"SIP/2.0/{transport.upper()} ") for request in requests
            )


@pytest.mark.parametrize("is_user", [True, False], ids=["user", "destination"])
async def test_what_sipp_sends_back_is_heard(
    server: Server, client: Client, transport: str, authority: Authority, tmp_path: Path, is_user: bool
) -> None:
    """It repeats all that it hears: who hears the own tone was heard, and hears."""
    deployment = server.deployment
    patient = phone_scenario(answer_ms=50, hold_ms=NEVER_MS)
    port, other_port = deployment.user_port, deployment.trunk_port
    if not is_user:
        port, other_port = other_port, port
    frequency_hz = DESTINATION_HZ if is_user else USER_HZ
    async with (
        sipp(
            patient,
            transport,
            authority,
            port=port,
            calls=1,
            folder=tmp_path / "sipp",
            echo_port=free_sip_port(),
        ) as echo,
        scripted(transport, authority, other_port) as phone,
    ):
        with voice_of(phone, frequency_hz) as voice:
            call_id = await client.place(1, 1)
            leg = await phone.leg_to(destination_number(1) if is_user else user_number(1))
            leg.answer()
            await client.reaches(call_id, "connected")
            async with voice.speaking(ear_of(leg)):
                await assert_hears(voice, frequency_hz)
            leg.hang_up()

            assert (await client.finished(call_id))["outcome"] == "completed"
            assert await leg.settled() is Ending.TALKED
            assert await echo.finished() == 0, echo.complaints()
