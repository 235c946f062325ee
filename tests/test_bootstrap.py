"""The server as a whole, in this process: however its run ends, nobody is left on the line and nothing listens any more."""

import asyncio
import contextlib
import gc
import json
import resource
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from ringbridge.bootstrap import Listening, serve
from ringbridge.config import PortRange, Settings
from ringbridge.service.clock import Clock
from ringbridge.starting import StartError
from ringbridge.store.administration import Administration
from ringbridge.store.database import migrate, open_database, reading, writing
from tests.peers.client import Client
from tests.peers.phone import Ending, Phone
from tests.peers.server import Deployment, user_number
from tests.peers.tool import LOOPBACK, poll

END_SECONDS = 60.0


@pytest.fixture(autouse=True)
def process() -> Iterator[None]:
    """A server takes the process for its own; here it is not."""
    thresholds = gc.get_threshold()
    handlers = {kind: signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM)}
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    for kind, handler in handlers.items():
        signal.signal(kind, handler)


def in_an_hour() -> str:
    return datetime.fromtimestamp(Clock().utc_now() + 3600.0, UTC).isoformat()


def settings(data_dir: Path) -> Settings:
    return Settings(data_dir=data_dir, http_port=0, sip_port=0, media_ports=PortRange(36_000, 36_999))


@asynccontextmanager
async def serving(data_dir: Path) -> AsyncIterator[tuple[asyncio.Task[None], Listening]]:
    """A running server; the block may end it."""
    started: asyncio.Future[Listening] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(settings(data_dir), announce=started.set_result))
    await asyncio.wait((task, started), return_when=asyncio.FIRST_COMPLETED)
    try:
        yield task, started.result()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, END_SECONDS)


@pytest.fixture
def few_files() -> Iterator[int]:
    """A process that may open as few files as usual, and what the machine would let it open."""
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(few, 1024), most))
    yield most
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, most))


async def test_a_server_may_open_as_many_files_as_the_machine_lets_it(tmp_path: Path, few_files: int) -> None:
    async with serving(tmp_path / "data"):
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == few_files


def refuses_connections(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) != 0


async def test_a_server_that_fails_ends_its_calls_and_closes_its_doors(tmp_path: Path) -> None:
    deployment = Deployment.provision(tmp_path / "data", lines=1)
    async with (
        Phone.listening(deployment.user_port) as phone,
        serving(deployment.data_dir) as (server, listening),
    ):
        headers = {"Authorization": deployment.authorization}
        async with aiohttp.ClientSession(
            f"http://{LOOPBACK}:{listening.http_port}", headers=headers
        ) as session:
            await Client(session).place(0, 1)
            leg = await phone.leg_to(user_number(0))
            leg.ring()
            server.cancel()
            assert await leg.settled() is Ending.CANCELLED
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(server, END_SECONDS)
        assert refuses_connections(listening.http_port)
    database = open_database(settings(deployment.data_dir).database_url)
    assert [record.cause for record in Administration(database).records(deployment.account_id, 10)] == [
        "drained"
    ]
    database.dispose()


async def test_a_server_that_cannot_listen_dials_nothing_that_was_due(tmp_path: Path) -> None:
    deployment = Deployment.provision(tmp_path / "data", lines=1)
    headers = {"Authorization": deployment.authorization}
    async with serving(deployment.data_dir) as (_, listening):
        url = f"http://{LOOPBACK}:{listening.http_port}"
        async with aiohttp.ClientSession(url, headers=headers) as session:
            await Client(session).schedule(0, schedule={"at": in_an_hour()})
    database = open_database(settings(deployment.data_dir).database_url)
    with writing(database) as connection:
        connection.execute(text("UPDATE schedules SET at = at - 3600, due_at = due_at - 3600"))
    with socket.create_server((LOOPBACK, 0)) as taken:
        wanted = settings(deployment.data_dir).model_copy(update={"http_port": taken.getsockname()[1]})
        with pytest.raises(StartError, match="cannot listen for HTTP"):
            await asyncio.wait_for(serve(wanted, announce=lambda listening: None), END_SECONDS)
    with reading(database) as connection:
        assert connection.scalar(text("SELECT count(*) FROM schedule_attempts")) == 0
    database.dispose()


async def test_a_server_that_cannot_say_where_it_listens_does_not_go_on(tmp_path: Path) -> None:
    announced: list[Listening] = []

    def announce(listening: Listening) -> None:
        announced.append(listening)
        raise OSError("nobody reads this")

    with pytest.raises(OSError, match="nobody reads this"):
        await asyncio.wait_for(serve(settings(tmp_path), announce=announce), END_SECONDS)
    assert refuses_connections(announced[0].http_port)


async def test_a_directory_that_could_not_be_read_is_read_again(tmp_path: Path) -> None:
    database = open_database(settings(tmp_path).database_url)
    migrate(database)
    async with serving(tmp_path) as (_, listening), aiohttp.ClientSession() as session:

        async def has_a_trunk() -> bool:
            async with session.get(f"http://{LOOPBACK}:{listening.http_port}/readyz") as response:
                return bool(json.loads(await response.text())["checks"]["trunk"])

        with capture_logs() as logs:

            async def failed() -> bool:
                return "directory.not_read" in [line["event"] for line in logs]

            with writing(database) as connection:
                connection.execute(text("ALTER TABLE trunks RENAME TO lost"))
                connection.execute(text("UPDATE directory_revision SET revision = revision + 1"))
            await poll(failed, bool, "a reading that failed")
            with writing(database) as connection:
                connection.execute(text("ALTER TABLE lost RENAME TO trunks"))
                values = "'t', 'main', 'sip:127.0.0.1:5066', 0"
                connection.execute(text(f"INSERT INTO trunks (id, name, uri, position) VALUES ({values})"))
            await poll(has_a_trunk, bool, "the trunk")
    database.dispose()
