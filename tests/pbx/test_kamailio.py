"""Kamailio between ringbridge and everybody else: a stateful proxy that stays in every dialog."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.pbx.guide import KAMAILIO, PASSWORD, RINGBRIDGE, Ports, block, with_words
from tests.peers.baresip import Baresip
from tests.peers.certificates import Authority
from tests.peers.client import Client
from tests.peers.kamailio import kamailio_running
from tests.peers.phone import Ending, Phone
from tests.scenarios.audio import USER_TONE_HZ, compare, talk

pytestmark = pytest.mark.pbx


@pytest.fixture(scope="module", params=["UDP", "TLS"])
def transport(request: pytest.FixtureRequest) -> str:
    """What ringbridge and Kamailio speak over; phones and carrier are at UDP."""
    return str(request.param)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who issues the certificates of both."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def commands(transport: str) -> tuple[str, ...]:
    """What is typed at ringbridge."""
    return ("kamailio",) if transport == "UDP" else ("kamailio with TLS",)


@pytest.fixture(scope="module")
def settings(transport: str, authority: Authority) -> dict[str, str]:
    """With TLS: what ringbridge shows, and whom it believes."""
    if transport == "UDP":
        return {}
    own = authority.issue(RINGBRIDGE, as_="ringbridge")
    return {"RINGBRIDGE_SIP_TLS_CA": str(authority.file), **own.settings(host=RINGBRIDGE)}


@pytest.fixture(scope="module", autouse=True)
def kamailio(
    transport: str, authority: Authority, ports: Ports, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Kamailio."""
    config = block("kamailio.cfg")
    if transport == "TLS":
        shown = authority.issue(KAMAILIO, as_="kamailio")
        files = {
            "/etc/kamailio/server.pem": str(shown.certificate),
            "/etc/kamailio/server.key": str(shown.key),
            "/etc/kamailio/ca.pem": str(authority.file),
        }
        config = with_words(block("kamailio.cfg with TLS"), files) + config
    folder = tmp_path_factory.mktemp("kamailio") / "run"
    with kamailio_running(ports.localized(config), ports[KAMAILIO], folder):
        yield


@pytest.fixture
async def ada(ports: Ports, tmp_path: Path) -> AsyncIterator[Baresip]:
    """Ada's phone, registered with Kamailio."""
    uri = f"sip:100@{KAMAILIO}:{ports[KAMAILIO]}"
    async with Baresip.registered(uri, PASSWORD, tone_hz=USER_TONE_HZ, folder=tmp_path / "ada") as phone:
        yield phone


@pytest.mark.parametrize("user_hangs_up", [True, False], ids=["user", "destination"])
async def test_both_hear_each_other_until_either_hangs_up(
    ada: Baresip, destination: Baresip, client: Client, user_hangs_up: bool
) -> None:
    call_id = await client.place_between("100", "+15125292329")
    await talk(client, call_id, ada, destination, user_hangs_up=user_hangs_up)

    compare(ada, destination)


async def test_a_call_that_is_given_up_is_cancelled_behind_the_proxy(
    ada: Baresip, carrier: Phone, client: Client
) -> None:
    call_id = await client.place_between("100", "+15125292329")
    leg = await carrier.leg_to("15125292329")
    leg.ring()
    await client.reaches(call_id, "ringing_destination")
    ada.hang_up()

    assert await leg.settled() is Ending.CANCELLED
    assert (await client.finished(call_id))["outcome"] == "user_hung_up"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(486, "destination_busy"), (603, "destination_declined"), (404, "destination_invalid")],
)
async def test_a_refusal_behind_the_proxy_is_told(
    ada: Baresip, carrier: Phone, client: Client, status: int, outcome: str
) -> None:
    call_id = await client.place_between("100", "+15125292329")
    leg = await carrier.leg_to("15125292329")
    leg.refuse(status)

    assert await leg.settled() is Ending.REFUSED
    assert (await client.finished(call_id))["outcome"] == outcome
    await ada.event("CALL_CLOSED")


async def test_a_name_that_nobody_registered_is_unreachable(client: Client) -> None:
    call_id = await client.place_between("100", "+15125292329")

    assert (await client.finished(call_id))["outcome"] == "user_unreachable"


async def test_the_first_of_two_phones_that_answers_has_the_call(
    ports: Ports, carrier: Phone, client: Client, tmp_path: Path
) -> None:
    uri = f"sip:100@{KAMAILIO}:{ports[KAMAILIO]}"
    at_desk = Baresip.registered(uri, PASSWORD, tone_hz=600, folder=tmp_path / "desk", picks_up=False)
    at_home = Baresip.registered(uri, PASSWORD, tone_hz=700, folder=tmp_path / "home", picks_up=False)
    async with at_desk as desk, at_home as home:
        call_id = await client.place_between("100", "+15125292329")
        await desk.event("CALL_INCOMING")
        await home.event("CALL_INCOMING")
        home.accept()
        await desk.event("CALL_CLOSED")
        leg = await carrier.leg_to("15125292329")
        leg.answer()
        await client.reaches(call_id, "connected")
        home.hang_up()

        assert await leg.settled() is Ending.TALKED
        assert (await client.finished(call_id))["outcome"] == "completed"
    requests = [line.message for line in leg.ladder if not line.sent and line.message.status is None]
    assert [request.kind for request in requests] == ["INVITE", "ACK", "BYE"]
    assert all(f" {KAMAILIO}:" in request.first("Via") for request in requests)
