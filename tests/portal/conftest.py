"""The portal over a real database, with real services and simulated telephony, behind a real HTTP server; no browser."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import Engine
from yarl import URL

from ringbridge.api.server import HttpServer, listen
from ringbridge.api.services import Services
from ringbridge.call.directory import Line, LineKind, Trunk
from ringbridge.call.trunk_state import TrunkStatus
from ringbridge.call.user import Role, User
from ringbridge.engines.native.probing import Prober
from ringbridge.engines.native.prompt_keeper import PromptFiles
from ringbridge.engines.native.prompts import PromptLibrary
from ringbridge.engines.native.resolver import Resolver
from ringbridge.engines.native.tls import TlsContexts, TlsPeer
from ringbridge.engines.simulated.engine import SimulatedEngine
from ringbridge.notify.metrics import Metrics
from ringbridge.portal.services import PhoneServer
from ringbridge.portal_parts import Portal, SigningIn, Telephony, open_portal
from ringbridge.service.audit import AuditService
from ringbridge.service.authentication import Authenticator
from ringbridge.service.calls import CallService
from ringbridge.service.clock import Clock
from ringbridge.service.keys import KeyService
from ringbridge.service.limits import LimitService
from ringbridge.service.lines import LineService
from ringbridge.service.passwords import Passwords
from ringbridge.service.phone_test import PhoneTests
from ringbridge.service.records import RecordService
from ringbridge.service.schedules import ScheduleService
from ringbridge.service.sign_in import Visitor
from ringbridge.service.tokens import Tokens
from ringbridge.service.webhooks import WebhookService
from ringbridge.sip.registrar import device_digests
from ringbridge.store.administration import Administration
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.calls import SqlCallStore
from ringbridge.store.database import migrate, open_database
from ringbridge.store.directory import SqlDirectory
from ringbridge.store.limits import SqlLimits
from ringbridge.store.lines import SqlLines
from ringbridge.store.lock import ServerLock
from ringbridge.store.origins import SqlOrigins
from ringbridge.store.records import SqlRecords
from ringbridge.store.schedules import SqlSchedules
from ringbridge.store.usage import SqlUsage
from ringbridge.store.users import SqlUsers
from ringbridge.store.webhooks import SqlWebhooks
from tests.api.receivers import NoDispatcher, NoReceiver

PEPPER = b"pepper for tests"
PASSWORD = "correct horse battery staple"
PASSWORDS_ONLY = SigningIn()
# The other account has a line of the same number, and an owner.
STRANGER_ID = "stranger"
ACCOUNT_ID, OTHER_ACCOUNT_ID = "1009683", "2009683"
LINE_NUMBER = "+18175629656"
# Another line of the account, which a test may add.
EXTENSION = Line(
    id="line-200", account_id=ACCOUNT_ID, number="200", kind=LineKind.URI, uri="sip:bob@192.0.2.8"
)


class SkippingClock(Clock):
    """The real clock, which a test may set ahead."""

    skipped_seconds = 0.0

    def now(self) -> float:
        return super().now() + self.skipped_seconds

    def utc_now(self) -> float:
        return super().utc_now() + self.skipped_seconds


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def location(self) -> str:
        """Where it leads to."""
        return self.headers.get("location", "")

    def value(self, pattern: str) -> str:
        """What the group of `pattern` matches in the page."""
        match = re.search(pattern, self.text)
        assert match is not None, self.text
        return match[1]


@dataclass(kw_only=True)
class Client:
    """A browser without a screen: it keeps cookies and follows nothing."""

    url: str
    session: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, /, **headers: str) -> Reply:
        """The page at `path`."""
        return await self._ask("GET", path, None, headers)

    async def post(
        self, path: str, fields: dict[str, str] | aiohttp.FormData | None = None, /, **headers: str
    ) -> Reply:
        """Send a form, as a page of ours would; FormData may have files."""
        return await self._ask("POST", path, fields or {}, {"Sec-Fetch-Site": "same-origin"} | headers)

    def cookie(self, name: str) -> str | None:
        """What a cookie says."""
        found = self.session.cookie_jar.filter_cookies(URL(self.url)).get(name)
        return None if found is None else found.value

    def use_session(self, token: str | None) -> None:
        """Send this as the session's cookie."""
        self.session.cookie_jar.update_cookies({"ringbridge": token or ""}, URL(self.url))

    async def _ask(
        self,
        method: str,
        path: str,
        fields: dict[str, str] | aiohttp.FormData | None,
        headers: dict[str, str],
    ) -> Reply:
        async with self.session.request(
            method, self.url + path, data=fields, headers=self.headers | headers, allow_redirects=False
        ) as answer:
            found = {name.lower(): value for name, value in answer.headers.items()}
            return Reply(status=answer.status, headers=found, text=await answer.text())


@dataclass(kw_only=True)
class Desk:
    """The running portal, and what is behind it."""

    url: str
    portal: Portal
    database: Engine
    administration: Administration
    directory: SqlDirectory
    calls: CallService
    schedules: ScheduleService
    keys: KeyService
    clock: SkippingClock
    prompts: PromptLibrary
    users: dict[Role, User]
    trunk_statuses: dict[str, TrunkStatus]
    resources: AsyncExitStack

    async def client(self) -> Client:
        """A browser that is nobody's."""
        session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        return Client(url=self.url, session=await self.resources.enter_async_context(session))

    async def client_of(self, user: User) -> Client:
        """A browser in which somebody is signed in."""
        client = await self.client()
        token = await self.portal.sign_in.begin(user, Visitor("127.0.0.1", "Firefox/140.0 Linux"), None)
        client.use_session(token)
        return client

    def stored(self, user: User) -> User:
        """A user as the database has them now."""
        found = SqlUsers(self.database).find(user.id)
        assert found is not None
        return found


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Of PASSWORD: made once, since it is slow on purpose."""
    return asyncio.run(Passwords().hash(PASSWORD))


@pytest.fixture
async def desk(tmp_path: Path, password_hash: str) -> AsyncIterator[Desk]:
    """Two accounts; of the first, a line, and a user of each role, who signs in as `owner`, `operator`, `auditor`, `user`."""
    async with opened_desk(tmp_path, users_of_each_role(password_hash)) as desk:
        yield desk


@pytest.fixture
async def new_desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A portal at its first start: nothing is there yet."""
    async with opened_desk(tmp_path, {}) as desk:
        yield desk


@asynccontextmanager
async def opened_desk(
    folder: Path, users: dict[Role, User], signing_in: SigningIn = PASSWORDS_ONLY
) -> AsyncIterator[Desk]:
    """The running portal; without users, there is nothing else either."""
    async with AsyncExitStack() as resources:
        database = open_database(f"sqlite:///{folder}/ringbridge.db")
        resources.callback(database.dispose)
        lock = resources.enter_context(ServerLock(database))
        migrate(database)
        administration, clock = Administration(database), SkippingClock()
        if users:
            _provision(administration)
            stranger = replace(
                users[Role.OWNER], id=STRANGER_ID, login="stranger", account_id=OTHER_ACCOUNT_ID
            )
            for user in (*users.values(), stranger):
                SqlUsers(database).add(user)
        directory = SqlDirectory(database)
        store = await resources.enter_async_context(SqlCallStore(database, lock))
        engine = SimulatedEngine()
        statuses: dict[str, TrunkStatus] = {}
        calls = await resources.enter_async_context(
            CallService(engine=engine, store=store, directory=directory, clock=clock, observer=Metrics())
        )
        keys = KeyService(administration, directory, PEPPER, clock)
        schedules = await resources.enter_async_context(
            ScheduleService(
                calls=calls, store=SqlSchedules(database, store.write), directory=directory, clock=clock
            )
        )
        phone_tests = await resources.enter_async_context(
            PhoneTests(engine=engine, calls=calls, lines=SqlLines(database), directory=directory, clock=clock)
        )
        prober = Prober(Resolver("127.0.0.1"), TlsContexts(), lambda name: TlsPeer(name=name))
        prompts = PromptLibrary(folder / "prompts")
        telephony = Telephony(
            phone_tests=phone_tests,
            trunk_statuses=lambda: list(statuses.values()),
            probe=prober.probe,
            phone_server=PhoneServer("192.0.2.1", 5060, 5061, encrypts_audio=False),
            prompts=PromptFiles(folder / "prompts", prompts),
        )
        services = Services(
            authenticator=Authenticator(directory, PEPPER, clock),
            tokens=Tokens(directory, SqlOrigins(database), PEPPER, clock),
            calls=calls,
            records=RecordService(SqlRecords(database)),
            keys=keys,
            lines=LineService(SqlLines(database), directory, device_digests),
            limits=LimitService(
                directory=directory,
                limits=SqlLimits(database),
                usage=SqlUsage(database),
                admission=calls.admission,
                clock=clock,
            ),
            webhooks=WebhookService(SqlWebhooks(database), NoReceiver(), NoDispatcher(), clock, PEPPER),
            schedules=schedules,
            audit=AuditService(SqlAuditLog(database), clock),
        )
        portal = open_portal(database, directory, PEPPER, clock, telephony, signing_in, services)
        await resources.enter_async_context(portal.failed_sign_ins)
        sock = listen("127.0.0.1", 0)
        http = HttpServer(portal.app, sock)
        serving = asyncio.ensure_future(http.run_until_stopped())
        await http.ready()
        yield Desk(
            url=f"http://127.0.0.1:{sock.getsockname()[1]}",
            portal=portal,
            database=database,
            administration=administration,
            directory=directory,
            calls=calls,
            schedules=schedules,
            keys=keys,
            clock=clock,
            prompts=prompts,
            users=users,
            trunk_statuses=statuses,
            resources=resources,
        )
        await calls.drain(0.0)
        http.stop()
        await serving


@pytest.fixture
async def visitor(desk: Desk) -> Client:
    """Nobody's browser."""
    return await desk.client()


@pytest.fixture
async def owner(desk: Desk) -> Client:
    """The owner's browser; the owner runs the server, too."""
    return await desk.client_of(desk.users[Role.OWNER])


@pytest.fixture
async def operator(desk: Desk) -> Client:
    """The operator's browser."""
    return await desk.client_of(desk.users[Role.OPERATOR])


@pytest.fixture
async def auditor(desk: Desk) -> Client:
    """The auditor's browser."""
    return await desk.client_of(desk.users[Role.AUDITOR])


@pytest.fixture
async def user(desk: Desk) -> Client:
    """The browser of somebody who calls from the line LINE_NUMBER."""
    return await desk.client_of(desk.users[Role.USER])


def _provision(administration: Administration) -> None:
    administration.add_trunk(Trunk(id="trunk-1", name="carrier", uri="sip:carrier.example", position=0))
    for account_id, name in ((ACCOUNT_ID, "Acme"), (OTHER_ACCOUNT_ID, "Other")):
        administration.add_account(name, account_id=account_id)
        administration.add_line(
            Line(
                id=f"line-{account_id}",
                account_id=account_id,
                number=LINE_NUMBER,
                kind=LineKind.URI,
                uri="sip:ann@192.0.2.7",
                name="Ann",
            )
        )


def users_of_each_role(password_hash: str) -> dict[Role, User]:
    """One of each."""
    return {role: _user(role, password_hash) for role in Role}


def _user(role: Role, password_hash: str) -> User:
    return User(
        id=f"id-{role.value}",
        account_id=ACCOUNT_ID,
        login=role.value,
        name=f"Olive {role.value}",
        role=role,
        created_at=1_700_000_000.0,
        line=LINE_NUMBER if role is Role.USER else None,
        runs_server=role is Role.OWNER,
        password_hash=password_hash,
    )
