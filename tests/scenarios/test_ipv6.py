"""Whole calls over IPv6, on each transport."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager

import pytest

from tests.peers.certificates import Authority
from tests.peers.client import Client
from tests.peers.phone import Ending, Phone
from tests.peers.server import Deployment, Server
from tests.peers.stream_phone import StreamPhone
from tests.peers.tool import free_sip_port
from tests.scenarios import talk

pytestmark = pytest.mark.peer

HOST = "::1"


@pytest.fixture(scope="module", params=["udp", "tcp", "tls"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def deployment(transport: str, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Everything is at the one address."""
    folder = tmp_path_factory.mktemp("deployment") / "data"
    return Deployment.provision(folder, lines=10, host=HOST, transport=transport)


@pytest.fixture(scope="module")
def server(deployment: Deployment, authority: Authority) -> Iterator[Server]:
    """A server that listens for all of them."""
    files = authority.issue(HOST, as_="own")
    settings = {
        "RINGBRIDGE_SIP_TLS_CA": str(authority.file),
        "RINGBRIDGE_SIP_TLS_CERTIFICATE": str(files.certificate),
        "RINGBRIDGE_SIP_TLS_KEY": str(files.key),
        "RINGBRIDGE_SIP_TLS_PORT": str(free_sip_port(host=HOST)),
        "RINGBRIDGE_SIP_WSS_PORT": str(free_sip_port(host=HOST)),
    }
    with Server.running(deployment, settings=settings) as running:
        yield running


def phone_at(port: int, transport: str, authority: Authority) -> AbstractAsyncContextManager[Phone]:
    """A phone that is reached over a transport."""
    if transport == "udp":
        return Phone.listening(port, host=HOST)
    context = authority.server_context(authority.issue(HOST, as_="phone")) if transport == "tls" else None
    return StreamPhone.listening_for_connections(port, host=HOST, tls=context)


@pytest.fixture
async def user(server: Server, transport: str, authority: Authority) -> AsyncIterator[Phone]:
    async with phone_at(server.deployment.user_port, transport, authority) as phone:
        yield phone


@pytest.fixture
async def destination(server: Server, transport: str, authority: Authority) -> AsyncIterator[Phone]:
    async with phone_at(server.deployment.trunk_port, transport, authority) as phone:
        yield phone


@pytest.mark.parametrize("user_hangs_up", [True, False])
async def test_a_call_over_ipv6_is_like_any_other(
    server: Server, client: Client, user: Phone, destination: Phone, transport: str, user_hangs_up: bool
) -> None:
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 1)
    (user_leg if user_hangs_up else destination_leg).hang_up()

    assert (await client.finished(call_id))["outcome"] == "completed"
    assert (await user_leg.settled(), await destination_leg.settled()) == (Ending.TALKED, Ending.TALKED)
    assert destination_leg.invite.first("Via").startswith(f"SIP/2.0/{transport.upper()} [{HOST}]:")
    assert f"c=IN IP6 {HOST}\r\n".encode() in destination_leg.invite.body
