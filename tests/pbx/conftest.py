"""The parts of each set-up: free ports, Asterisk, a server that was told what the page says, and people's phones."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.pbx.guide import (
    ASTERISK,
    CARRIER,
    PASSWORD,
    Ports,
    block,
    provisioned,
)
from tests.peers.asterisk import Asterisk
from tests.peers.baresip import Baresip
from tests.peers.client import Client
from tests.peers.phone import Phone
from tests.peers.server import Server
from tests.scenarios.audio import DESTINATION_TONE_HZ, USER_TONE_HZ

NUMBERS = Path(__file__).with_name("numbers.conf")


@pytest.fixture(scope="module")
def ports() -> Ports:
    """Which ports stand for those of the page."""
    return Ports()


@pytest.fixture(scope="module")
def asterisk_files(ports: Ports) -> dict[str, str]:
    """The configuration by address, and the dialplan with numbers for tests."""
    return {
        "pjsip.conf": ports.localized(block("pjsip.conf")),
        "extensions.conf": block("extensions.conf") + NUMBERS.read_text(),
    }


@pytest.fixture(scope="module")
def asterisk(asterisk_files: dict[str, str]) -> Iterator[Asterisk]:
    """Asterisk."""
    with Asterisk.running(asterisk_files) as running:
        yield running


@pytest.fixture(scope="module")
def commands() -> tuple[str, ...]:
    """The blocks of commands that were typed at ringbridge."""
    return ("by-address",)


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """Further settings of ringbridge."""
    return {}


@pytest.fixture(scope="module")
def server(
    ports: Ports,
    commands: tuple[str, ...],
    settings: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """ringbridge."""
    deployment = provisioned(tmp_path_factory.mktemp("server") / "data", ports, *commands)
    with Server.running(deployment, settings=settings) as running:
        yield running


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    """The customer. At the end of the test nothing may be left in the server."""
    async with Client.of(server) as customer:
        yield customer
        await customer.sees_nothing_left()


@pytest.fixture
async def ada(asterisk: Asterisk, ports: Ports, tmp_path: Path) -> AsyncIterator[Baresip]:
    """Ada's phone, registered with Asterisk."""
    uri = f"sip:100@{ASTERISK}:{ports[ASTERISK]}"
    async with Baresip.registered(uri, PASSWORD, tone_hz=USER_TONE_HZ, folder=tmp_path / "ada") as phone:
        yield phone


@pytest.fixture
async def destination(ports: Ports, tmp_path: Path) -> AsyncIterator[Baresip]:
    """Whoever is called at +15125292329, by way of the carrier."""
    async with Baresip.running(
        "+15125292329",
        port=ports[CARRIER],
        tone_hz=DESTINATION_TONE_HZ,
        folder=tmp_path / "destination",
        picks_up=False,
    ) as phone:
        yield phone


@pytest.fixture
async def carrier(ports: Ports) -> AsyncIterator[Phone]:
    """The carrier, when it does what no polite phone would."""
    async with Phone.listening(ports[CARRIER]) as phone:
        yield phone
