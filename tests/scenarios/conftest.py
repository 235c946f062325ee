"""A server, a customer and two phones for every scenario.

The account, its lines and its trunk are made once for the session; every test module runs a server of its own on a
copy. After each test the server must hold no call: what it leaves behind would be found by no single assertion.
"""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.peers.client import Client
from tests.peers.phone import Phone
from tests.peers.server import Deployment, Server
from tests.scenarios.relays import serving_with

LINES = 700


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The data folder that every server starts from."""
    return Deployment.provision(tmp_path_factory.mktemp("deployment") / "data", lines=LINES)


@pytest.fixture(scope="module")
def limits() -> tuple[str, ...]:
    """Limits of the account that a module wants otherwise, `KEY=VALUE` each."""
    return ()


@pytest.fixture(scope="module")
def relay() -> str:
    """What carries the audio of the module's calls; see `WITH_EACH_RELAY`."""
    return "rtpio"


@pytest.fixture(scope="module")
def server(
    deployment: Deployment, limits: tuple[str, ...], relay: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The module's server, on its own copy of the data."""
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    if limits:
        own.set_limits(*limits)
    with serving_with(relay, own) as running:
        yield running


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    """The customer. At the end of the test nothing may be left in the server."""
    async with Client.of(server) as customer:
        yield customer
        await customer.sees_nothing_left()


@pytest.fixture
async def user(server: Server) -> AsyncIterator[Phone]:
    """The phone that every user's line rings at."""
    async with Phone.listening(server.deployment.user_port) as phone:
        yield phone


@pytest.fixture
async def destination(server: Server) -> AsyncIterator[Phone]:
    """The far end of the trunk: every destination number rings here."""
    async with Phone.listening(server.deployment.trunk_port) as phone:
        yield phone
