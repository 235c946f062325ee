"""Phones in browsers: they register over a secure WebSocket, and everything goes over that one."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.peers.certificates import Authority
from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.registrant import DeviceAccount, Registrant
from tests.peers.server import Deployment, Server, destination_number, user_number
from tests.peers.tool import LOOPBACK, free_sip_port
from tests.peers.web_phone import WebPhone

pytestmark = pytest.mark.peer

LINE = 9002
"""A line that is made for these tests: the others are at fixed addresses."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def own(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Data with a line whose phones register."""
    return deployment.copied_to(tmp_path_factory.mktemp("websocket") / "data")


@pytest.fixture(scope="module")
def account(own: Deployment) -> DeviceAccount:
    return DeviceAccount.added_to(own, f"+{user_number(LINE)}")


@pytest.fixture(scope="module")
def wss_port() -> int:
    return free_sip_port()


@pytest.fixture(scope="module")
def server(own: Deployment, account: DeviceAccount, authority: Authority, wss_port: int) -> Iterator[Server]:
    """A server that browsers can connect to."""
    files = authority.issue(LOOPBACK, as_="own")
    settings = {
        "RINGBRIDGE_SIP_TLS_CERTIFICATE": str(files.certificate),
        "RINGBRIDGE_SIP_TLS_KEY": str(files.key),
        "RINGBRIDGE_SIP_TLS_PORT": str(free_sip_port()),
        "RINGBRIDGE_SIP_WSS_PORT": str(wss_port),
    }
    with Server.running(own, settings=settings) as running:
        yield running


@pytest.fixture
async def browser(
    server: Server, account: DeviceAccount, authority: Authority, wss_port: int
) -> AsyncIterator[WebPhone]:
    """A phone in a page that is open, and registered."""
    async with WebPhone.connected((LOOPBACK, wss_port), authority.client_context()) as phone:
        answer = await Registrant(phone, server.sip_address, account).register()
        assert answer.kind == "200 REGISTER"
        yield phone


async def connected(client: Client, browser: WebPhone, destination: Phone) -> tuple[str, Leg, Leg]:
    """A call from the browser's line whose two sides talk."""
    call_id = await client.place(LINE, 1)
    user_leg = await browser.leg_to("phone")
    user_leg.answer()
    destination_leg = await destination.leg_to(destination_number(1))
    destination_leg.answer()
    await client.reaches(call_id, "connected")
    return call_id, user_leg, destination_leg


@pytest.mark.parametrize("user_hangs_up", [True, False])
async def test_a_browser_is_called_and_hung_up_on_over_its_websocket(
    client: Client, browser: WebPhone, destination: Phone, user_hangs_up: bool
) -> None:
    call_id, user_leg, destination_leg = await connected(client, browser, destination)
    (user_leg if user_hangs_up else destination_leg).hang_up()

    assert (await client.finished(call_id))["outcome"] == "completed"
    assert (await user_leg.settled(), await destination_leg.settled()) == (Ending.TALKED, Ending.TALKED)
    assert user_leg.invite.first("Via").startswith("SIP/2.0/WSS ")
    assert user_leg.invite.request_uri == browser.contact


async def test_a_line_whose_page_was_closed_is_unreachable(client: Client, browser: WebPhone) -> None:
    await browser.close()

    assert (await client.finished(await client.place(LINE, 2)))["outcome"] == "user_unreachable"
