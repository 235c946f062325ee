"""A real uvicorn on a free loopback port, in front of a service that does what a test tells it to."""

import asyncio
import base64
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio
from sqlalchemy import Engine
from starlette.responses import PlainTextResponse
from structlog.testing import capture_logs

from ringbridge.api.app import create_app
from ringbridge.api.server import HttpServer, listen
from ringbridge.api.services import Services
from ringbridge.call.directory import Account
from ringbridge.call.errors import InvalidDestination, InvalidUserLine
from ringbridge.call.history import CallFilter, CallPlace, StoredCall, StoredEvent
from ringbridge.call.idempotency import IdempotencyKey
from ringbridge.call.key import ApiKey, Scope
from ringbridge.call.number import InvalidNumber, normalise
from ringbridge.service.admission import Admission
from ringbridge.service.audit import AuditService
from ringbridge.service.authentication import Authenticator, Caller
from ringbridge.service.calls import CallService
from ringbridge.service.clock import Clock
from ringbridge.service.credential import new_key
from ringbridge.service.feed import FeedEvent, FeedPosition
from ringbridge.service.keys import KeyService
from ringbridge.service.limits import LimitService
from ringbridge.service.lines import LineService
from ringbridge.service.preview import Preview
from ringbridge.service.reading import CallReader
from ringbridge.service.records import RecordService
from ringbridge.service.repetition import Placed
from ringbridge.service.request import CallRequest
from ringbridge.service.runner import Runner
from ringbridge.service.tokens import Tokens
from ringbridge.service.webhooks import WebhookService
from ringbridge.sip.registrar import device_digests
from ringbridge.store.administration import Administration
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.database import migrate, open_database
from ringbridge.store.directory import SqlDirectory
from ringbridge.store.limits import SqlLimits
from ringbridge.store.lines import SqlLines
from ringbridge.store.origins import SqlOrigins
from ringbridge.store.records import SqlRecords
from ringbridge.store.usage import SqlUsage
from ringbridge.store.webhooks import SqlWebhooks
from tests.api.receivers import NoDispatcher, NoReceiver
from tests.api.scripted_schedules import ScriptedSchedules
from tests.peers.tool import WAIT_SECONDS

PEPPER = b"pepper for tests"
ACCOUNT = Account(id="1009683", name="Acme")
_NEW_KEY, KEY_TEXT = new_key(PEPPER, ACCOUNT.id, "crm", time.time(), bytes)
KEY = replace(_NEW_KEY, scopes=frozenset(Scope))
CALL_ID = "019ab2c4-0000-7000-8000-000000000001"


class ScriptedCalls(CallService, CallReader):
    """A double of the service, and of its reader: remembers what it was asked, and answers with what the test has set."""

    def __init__(self) -> None:
        self.reader = self
        self.reset()

    def reset(self) -> None:
        """As if nobody had asked anything yet."""
        self.listed: list[tuple[CallFilter, CallPlace | None, int, str | None, str | None]] = []
        self.keys: list[IdempotencyKey | None] = []
        self.previewed: Preview | None = None
        self.feed: list[FeedEvent | FeedPosition] = []
        self.stays_open = False
        self.followed_from: list[FeedPosition | None] = []
        self.waited: list[float] = []
        self.ended: dict[str, StoredCall] = {}
        self.requests: list[CallRequest] = []
        self.placed: list[tuple[str, str, str]] = []
        self.cancelled: list[str] = []
        self.followed_after: list[int] = []
        self.replayed = False
        self.error: Exception | None = None
        self.stored: dict[str, StoredCall] = {}
        self.unfollowed = asyncio.Event()
        self.live: asyncio.Queue[StoredEvent | None] = asyncio.Queue()

    async def place(self, caller: Caller, request: CallRequest, key: IdempotencyKey | None = None) -> Placed:
        if self.error is not None:
            raise self.error
        _read(request.user_line, InvalidUserLine)
        _read(request.destination_line, InvalidDestination)
        self.requests.append(request)
        self.keys.append(key)
        self.placed.append((caller.account.id, request.user_line, request.destination_line))
        return Placed(CALL_ID, self.replayed)

    async def find(self, caller: Caller, call_id: str) -> StoredCall | None:
        if self.error is not None:
            raise self.error
        return self.stored.get(call_id)

    async def preview(self, caller: Caller, request: CallRequest, at: float | None = None) -> Preview:
        self.requests.append(request)
        assert self.previewed is not None
        return self.previewed

    async def find_ended(self, caller: Caller, call_id: str, within_seconds: float) -> StoredCall | None:
        self.waited.append(within_seconds)
        return self.ended.get(call_id) or await self.find(caller, call_id)

    async def page(
        self,
        caller: Caller,
        wanted: CallFilter,
        after: CallPlace | None,
        limit: int,
        *,
        user_line: str | None = None,
        destination_line: str | None = None,
    ) -> list[StoredCall]:
        if self.error is not None:
            raise self.error
        self.listed.append((wanted, after, limit, user_line, destination_line))
        return list(self.stored.values())[:limit]

    async def follow(self, caller: Caller, call_id: str, after: int) -> AsyncGenerator[StoredEvent]:
        self.followed_after.append(after)
        try:
            for event in self.stored[call_id].events[after:]:
                yield event
            while (line := await self.live.get()) is not None:
                yield line
        finally:
            self.unfollowed.set()

    def runner(self, caller: Caller, call_id: str) -> Runner | None:
        return None

    @asynccontextmanager
    async def follow_account(
        self, caller: Caller, after: FeedPosition | None
    ) -> AsyncIterator[AsyncIterator[FeedEvent | FeedPosition]]:
        if self.error is not None:
            raise self.error
        self.followed_from.append(after)

        async def told() -> AsyncIterator[FeedEvent | FeedPosition]:
            for event in self.feed:
                yield event
            if self.stays_open:
                await asyncio.get_running_loop().create_future()

        yield told()

    async def cancel(self, caller: Caller, call_id: str) -> bool:
        self.cancelled.append(call_id)
        return self.stored[call_id].state != "ended"


def _read(text: str, error: type[InvalidUserLine | InvalidDestination]) -> None:
    """Refuse what the real service would refuse as no number."""
    try:
        normalise(text, ACCOUNT.country)
    except InvalidNumber as exc:
        raise error(exc.code) from exc


class OneAccount:
    """A directory double with one account and one key, besides those that are in the database."""

    def __init__(self, stored: SqlDirectory) -> None:
        self._stored = stored

    async def account(self, account_id: str) -> Account | None:
        return ACCOUNT if account_id == ACCOUNT.id else None

    async def key(self, key_id: str) -> ApiKey | None:
        return KEY if key_id == KEY.id else await self._stored.key(key_id)


class SkippingClock(Clock):
    """The real clock, which a test may set ahead."""

    skipped_seconds = 0.0

    def now(self) -> float:
        return super().now() + self.skipped_seconds


@dataclass(kw_only=True)
class FrontDoor:
    """The running server and what is behind it."""

    port: int
    calls: ScriptedCalls
    schedules: ScriptedSchedules
    database: Engine
    checks: dict[str, bool]
    clock: SkippingClock

    def url(self, path: str) -> str:
        """The address of `path`."""
        return f"http://127.0.0.1:{self.port}{path}"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One HTTP answer as it came over the wire; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def basic(account_id: str = ACCOUNT.id, key_text: str = KEY_TEXT) -> str:
    """The value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{account_id}:{key_text}".encode()).decode()


def request(
    body: bytes = b"",
    *,
    method: str = "POST",
    path: str = "/api/v1/call",
    content_type: str | None = "application/json",
    authorization: str | None = basic(),
    headers: Mapping[str, str] | None = None,
    length: int | None = None,
) -> bytes:
    """The octets of a request that closes its connection."""
    lines = {"Host": "127.0.0.1", "Connection": "close", "Content-Length": str(length or len(body))}
    if content_type is not None:
        lines["Content-Type"] = content_type
    if authorization is not None:
        lines["Authorization"] = authorization
    lines |= headers or {}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


async def exchange(door: FrontDoor, octets: bytes) -> Reply:
    """Send octets, read to the end of the connection, and take the answer apart."""
    raw = await exchange_octets(door, octets)
    head, _, body = raw.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Reply(status=int(status_line.split()[1]), headers=headers, body=body)


async def exchange_octets(door: FrontDoor, octets: bytes) -> bytes:
    """Send octets, read to the end of the connection; the server may close it while we still send."""
    async with asyncio.timeout(WAIT_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        try:
            writer.write(octets)
            return await reader.read()
        finally:
            writer.transport.abort()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FrontDoor]:
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('api')}/ringbridge.db")
    migrate(database)
    Administration(database).add_account(ACCOUNT.name, account_id=ACCOUNT.id)
    calls = ScriptedCalls()
    schedules = ScriptedSchedules(calls)
    checks: dict[str, bool] = {}
    clock = SkippingClock()
    sock = listen("127.0.0.1", 0)
    services = Services(
        authenticator=Authenticator(OneAccount(SqlDirectory(database)), PEPPER, clock),  # type: ignore[arg-type]
        calls=calls,
        schedules=schedules,
        records=RecordService(SqlRecords(database)),
        keys=KeyService(Administration(database), SqlDirectory(database), PEPPER, clock),
        tokens=Tokens(SqlDirectory(database), SqlOrigins(database), PEPPER, clock),
        lines=LineService(SqlLines(database), SqlDirectory(database), device_digests),
        limits=LimitService(
            directory=SqlDirectory(database),
            limits=SqlLimits(database),
            usage=SqlUsage(database),
            admission=Admission(),
            clock=clock,
        ),
        webhooks=WebhookService(SqlWebhooks(database), NoReceiver(), NoDispatcher(), clock, PEPPER),
        audit=AuditService(SqlAuditLog(database), clock),
    )
    app = create_app(
        services,
        metrics=lambda: b"calls 3\n",
        ready=lambda: checks,
        portal=PlainTextResponse("a page\n"),
    )
    http = HttpServer(app, sock)
    serving = asyncio.ensure_future(http.run_until_stopped())
    await http.ready()
    yield FrontDoor(
        port=sock.getsockname()[1],
        calls=calls,
        schedules=schedules,
        database=database,
        checks=checks,
        clock=clock,
    )
    http.stop()
    await serving
    database.dispose()


@pytest.fixture
def door(server: FrontDoor) -> Iterator[FrontDoor]:
    """The server, with nothing left of an earlier test, wrong guesses included; what it logs stays out of the way."""
    server.calls.reset()
    server.schedules.reset()
    server.checks.clear()
    server.clock.skipped_seconds += 3600.0
    with capture_logs():
        yield server
