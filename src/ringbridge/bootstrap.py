"""The composition root: the one module that knows every name. Builds the server from its settings, runs and stops it.

Starting: lock and migrate the database, open the back doors, end what an earlier process left, open the front door.
Stopping, on SIGTERM or SIGINT: refuse new calls, drain the running ones, stop; a second signal skips the drain.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import Engine

from ringbridge.api.app import create_app
from ringbridge.api.server import HttpServer, listen
from ringbridge.api.services import Services
from ringbridge.config import Settings, SettingsError, load_pepper, unwritable
from ringbridge.engine_parts import open_engine
from ringbridge.engines.native.prompt_keeper import PromptFiles
from ringbridge.engines.native.registrations import Registrations
from ringbridge.engines.simulated.engine import SimulatedEngine
from ringbridge.engines.simulated.switch import EngineSwitch
from ringbridge.gauges import add_gauges, add_trunk_gauges
from ringbridge.notify.dispatcher import Dispatcher
from ringbridge.notify.metrics import Metrics
from ringbridge.notify.sending_process import SendingProcess
from ringbridge.portal.services import PhoneServer
from ringbridge.portal_parts import SigningIn, Telephony, open_portal
from ringbridge.process import allow_many_files, first_of, signals, spare_the_collector
from ringbridge.reloading import Reloading
from ringbridge.service.audit import AuditService
from ringbridge.service.authentication import Authenticator
from ringbridge.service.calls import CallService
from ringbridge.service.clock import Clock
from ringbridge.service.counting import counting
from ringbridge.service.keys import KeyService
from ringbridge.service.limits import LimitService
from ringbridge.service.lines import LineService
from ringbridge.service.phone_test import PhoneTests
from ringbridge.service.records import RecordService
from ringbridge.service.retention import sweeping
from ringbridge.service.schedules import ScheduleService
from ringbridge.service.tokens import Tokens
from ringbridge.service.webhooks import WebhookService, call_secret
from ringbridge.service.withdrawal import Withdrawals
from ringbridge.sip.hop import Hop
from ringbridge.sip.registrar import device_digests
from ringbridge.starting import StartError, taken, translated
from ringbridge.store.administration import Administration
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.calls import SqlCallStore
from ringbridge.store.database import migrate, open_database
from ringbridge.store.directory import SqlDirectory
from ringbridge.store.key_uses import SqlKeyUses
from ringbridge.store.limits import SqlLimits
from ringbridge.store.lines import SqlLines
from ringbridge.store.lock import ServerLock
from ringbridge.store.origins import SqlOrigins
from ringbridge.store.outbox import Outbox
from ringbridge.store.records import SqlRecords
from ringbridge.store.registrations import SqlRegistrations
from ringbridge.store.schedules import SqlSchedules
from ringbridge.store.statistics import SqlStatistics
from ringbridge.store.usage import SqlUsage
from ringbridge.store.webhooks import SqlWebhooks
from ringbridge.surroundings import Surroundings

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where a started server is reached: the addresses and ports that were really bound."""

    http_host: str
    http_port: int
    sip_host: str
    sip_port: int
    owner_link: str | None
    """The token of the link that makes the first owner, while there is none."""


async def serve(settings: Settings, *, announce: Callable[[Listening], None]) -> None:
    """Run the server until SIGTERM or SIGINT; `announce` is called once it takes calls. Raises StartError."""
    allow_many_files()
    with contextlib.ExitStack() as handlers:
        async with AsyncExitStack() as resources:
            server = await _Server.start(settings, resources)
            spare_the_collector()
            # Until everything is closed: a second signal while the last answers are waited for must not kill us.
            told, told_again = handlers.enter_context(signals())
            await server.run(announce, told, told_again)


class _Server:
    """A started server: what has to be told to run it and to stop it."""

    def __init__(
        self,
        http: HttpServer,
        calls: CallService,
        schedules: ScheduleService,
        reloading: Reloading,
        listening: Listening,
    ) -> None:
        self._http = http
        self._calls = calls
        self._schedules = schedules
        self._reloading = reloading
        self._listening = listening

    @classmethod
    async def start(cls, settings: Settings, resources: AsyncExitStack) -> "_Server":
        """Open everything, from the back doors to the front; `resources` closes it again in reverse. Raises StartError."""
        clock = Clock()
        metrics = Metrics()
        database, lock = _open_store(settings, resources)
        pepper = _load_pepper(settings.data_dir, database)
        outbox = Outbox(database, partial(call_secret, pepper))
        store = await resources.enter_async_context(SqlCallStore(database, lock, outbox))
        directory = SqlDirectory(database)
        kept = await resources.enter_async_context(
            SqlRegistrations(database, now=clock.now, utc_now=clock.utc_now)
        )
        key_uses = SqlKeyUses(database, utc_now=clock.utc_now)
        await resources.enter_async_context(key_uses.kept())
        registrations = Registrations(
            kept, directory.device, clock.now, algorithms=settings.sip_digest_algorithms
        )
        surroundings = Surroundings(directory)
        audit = SqlAuditLog(database)
        reloading = Reloading(settings, audit)
        engine = await open_engine(settings, surroundings, reloading, registrations, clock, resources)
        engines = EngineSwitch(engine, SimulatedEngine())
        calls = await resources.enter_async_context(
            CallService(engine=engines, store=store, directory=directory, clock=clock, observer=metrics)
        )
        phone_tests = await resources.enter_async_context(
            PhoneTests(
                engine=engines, calls=calls, lines=SqlLines(database), directory=directory, clock=clock
            )
        )
        limits = LimitService(
            directory=directory,
            limits=SqlLimits(database),
            usage=SqlUsage(database),
            admission=calls.admission,
            clock=clock,
        )
        surroundings.withdrawals = Withdrawals(calls, directory)
        with translated():
            await calls.recover()
            await limits.restore()
            sender = await resources.enter_async_context(SendingProcess(settings.webhook_private))
            surroundings.dispatcher = await resources.enter_async_context(
                Dispatcher(outbox, sender, store.save_attempt, clock.utc_now, metrics)
            )
            await surroundings.refresh()
        await resources.enter_async_context(surroundings.kept_up_to_date())
        await resources.enter_async_context(lock.watch())
        records = SqlRecords(database)
        await resources.enter_async_context(sweeping(records, clock))
        await resources.enter_async_context(counting(SqlStatistics(database), clock))
        add_gauges(metrics, calls, engine)
        add_trunk_gauges(metrics, engine)

        schedules = ScheduleService(
            calls=calls, store=SqlSchedules(database, store.write), directory=directory, clock=clock
        )

        def ready() -> Mapping[str, bool]:
            return {
                "database": store.healthy(),
                "media": engine.healthy(),
                "trunk": bool(surroundings.trunks),
                "accepting": not calls.is_draining,
            }

        # The portal uses them, too.
        services = Services(
            authenticator=Authenticator(directory, pepper, clock, note_use=key_uses.note),
            tokens=Tokens(directory, SqlOrigins(database), pepper, clock),
            calls=calls,
            schedules=schedules,
            records=RecordService(records),
            lines=LineService(SqlLines(database), directory, device_digests),
            keys=KeyService(Administration(database), directory, pepper, clock),
            limits=limits,
            webhooks=WebhookService(SqlWebhooks(database), sender, surroundings.dispatcher, clock, pepper),
            audit=AuditService(audit, clock),
        )
        telephony = Telephony(
            phone_tests=phone_tests,
            trunk_statuses=lambda: engine.trunks,
            probe=engine.probe,
            phone_server=_phone_server(settings, engine.local),
            prompts=PromptFiles(settings.data_dir / "prompts", reloading.prompts),
        )
        portal = open_portal(
            database, directory, pepper, clock, telephony, SigningIn.by(settings, clock), services
        )
        await resources.enter_async_context(portal.failed_sign_ins)
        app = create_app(services, metrics=metrics.render, ready=ready, portal=portal.app)
        with translated():
            owner_link = await portal.links.owner_link()
        try:
            sock = listen(settings.http_host, settings.http_port)
        except OSError as exc:
            raise StartError(taken("HTTP", settings.http_host, settings.http_port, exc)) from exc
        with translated():
            # Last, for this dials: a server that cannot start after all must not have rung anybody.
            await resources.enter_async_context(schedules)
        listening = Listening(
            http_host=settings.http_host,
            http_port=sock.getsockname()[1],
            sip_host=engine.local.host,
            sip_port=engine.local.port,
            owner_link=owner_link,
        )
        return cls(HttpServer(app, sock), calls, schedules, reloading, listening)

    async def run(
        self,
        announce: Callable[[Listening], None],
        told: asyncio.Event,
        told_again: asyncio.Event,
    ) -> None:
        """Take calls until told to stop, then refuse, drain, stop. What fails meanwhile ends the calls at once and is raised."""
        serving = asyncio.create_task(self._http.run_until_stopped())
        # A front door that closes by itself is a reason to stop like any other.
        serving.add_done_callback(lambda _: told.set())
        try:
            await first_of(self._http.ready(), told.wait())
            async with self._reloading.at_signal():
                # Whoever reads that may signal right away.
                if not told.is_set():
                    announce(self._listening)
                await told.wait()
            log.info("server.draining", calls=self._calls.running)
            await first_of(self._calls.drain(self._reloading.settings.drain_seconds), told_again.wait())
        finally:
            try:
                await self._calls.drain(0.0)
            finally:
                self._schedules.close()
                self._http.stop()
                await serving


def _phone_server(settings: Settings, local: Hop) -> PhoneServer:
    """What phones are told to register at."""
    has_tls = settings.sip_tls_certificate is not None
    return PhoneServer(
        local.host,
        local.port,
        settings.sip_tls_port if has_tls else None,
        encrypts_audio=settings.media_relay == "rtpengine",
    )


def _open_store(settings: Settings, resources: AsyncExitStack) -> tuple[Engine, ServerLock]:
    """The database with the tables of this version, and the lock that keeps it for this process."""
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise StartError(unwritable(settings.data_dir, exc)) from exc
    with translated():
        database = open_database(settings.database_url)
        resources.callback(database.dispose)
        lock = resources.enter_context(ServerLock(database))
        migrate(database)
    return database, lock


def _load_pepper(data_dir: Path, database: Engine) -> bytes:
    with translated():
        has_keys = Administration(database).has_keys()
    try:
        return load_pepper(data_dir, has_keys=has_keys)
    except SettingsError as exc:
        raise StartError(str(exc)) from exc
