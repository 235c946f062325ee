"""The composition root: the one module that knows every name. Builds the server from its settings, runs and stops it.

Starting: lock and migrate the database, open the back doors, end what an earlier process left, open the front door.
Stopping, on SIGTERM or SIGINT: refuse new calls, drain the running ones, stop; a second signal skips the drain.
"""

import asyncio
import contextlib
import gc
import resource
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Engine

from ringbridge.api.app import create_app
from ringbridge.api.server import HttpServer, listen
from ringbridge.call.errors import CallError
from ringbridge.config import Settings, SettingsError, load_pepper, unbindable, unwritable
from ringbridge.engines.native.driver import StreamSettings
from ringbridge.engines.native.engine import NativeEngine
from ringbridge.engines.native.journal import DialogJournal
from ringbridge.engines.native.media import MediaEvent, MediaRelay, MediaRelayError
from ringbridge.engines.native.prompts import PromptLibrary
from ringbridge.engines.native.registrations import Registrations
from ringbridge.engines.native.rtpengine import RtpengineRelay
from ringbridge.engines.native.rtpio import RtpioRelay
from ringbridge.engines.native.sockets import ListenError
from ringbridge.engines.native.tls import TlsContexts, UnusableCertificate
from ringbridge.engines.simulated.engine import SimulatedEngine
from ringbridge.engines.simulated.switch import EngineSwitch
from ringbridge.gauges import add_gauges, add_trunk_gauges
from ringbridge.notify.dispatcher import Dispatcher
from ringbridge.notify.metrics import Metrics
from ringbridge.notify.sending_process import SendingProcess
from ringbridge.reloading import Reloading
from ringbridge.service.audit import AuditService
from ringbridge.service.authentication import Authenticator
from ringbridge.service.calls import CallService
from ringbridge.service.clock import Clock
from ringbridge.service.keys import KeyService
from ringbridge.service.limits import LimitService
from ringbridge.service.lines import LineService
from ringbridge.service.records import RecordService
from ringbridge.service.retention import sweeping
from ringbridge.service.schedules import ScheduleService
from ringbridge.service.tokens import Tokens
from ringbridge.service.webhooks import WebhookService, call_secret
from ringbridge.service.withdrawal import Withdrawals
from ringbridge.sip.registrar import device_digests
from ringbridge.store.administration import Administration
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.calls import SqlCallStore
from ringbridge.store.database import migrate, open_database
from ringbridge.store.directory import SqlDirectory
from ringbridge.store.key_uses import SqlKeyUses
from ringbridge.store.limits import SqlLimits
from ringbridge.store.lines import SqlLines
from ringbridge.store.lock import ServerLock
from ringbridge.store.outbox import Outbox
from ringbridge.store.records import SqlRecords
from ringbridge.store.registrations import SqlRegistrations
from ringbridge.store.schedules import SqlSchedules
from ringbridge.store.usage import SqlUsage
from ringbridge.store.webhooks import SqlWebhooks
from ringbridge.surroundings import Surroundings

log = structlog.get_logger()

# The setting for the port of each transport, without what stands around it.
_PORT_SETTINGS = {"UDP": "SIP", "TCP": "SIP", "TLS": "SIP_TLS", "WSS": "SIP_WSS"}


class StartError(Exception):
    """The server cannot start; the text is one sentence that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where a started server is reached: the addresses and ports that were really bound."""

    http_host: str
    http_port: int
    sip_host: str
    sip_port: int


async def serve(settings: Settings, *, announce: Callable[[Listening], None]) -> None:
    """Run the server until SIGTERM or SIGINT; `announce` is called once it takes calls. Raises StartError."""
    _allow_many_files()
    with contextlib.ExitStack() as handlers:
        async with AsyncExitStack() as resources:
            server = await _Server.start(settings, resources)
            _spare_the_collector()
            # Until everything is closed: a second signal while the last answers are waited for must not kill us.
            told, told_again = handlers.enter_context(_signals())
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
        engine = await _open_engine(settings, surroundings, reloading, registrations, clock, resources)
        engines = EngineSwitch(engine, SimulatedEngine())
        calls = await resources.enter_async_context(
            CallService(engine=engines, store=store, directory=directory, clock=clock, observer=metrics)
        )
        limits = LimitService(
            directory=directory,
            limits=SqlLimits(database),
            usage=SqlUsage(database),
            admission=calls.admission,
            clock=clock,
        )
        surroundings.withdrawals = Withdrawals(calls, directory)
        with _translated():
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

        app = create_app(
            authenticator=Authenticator(directory, pepper, clock, note_use=key_uses.note),
            calls=calls,
            schedules=schedules,
            records=RecordService(records),
            keys=KeyService(Administration(database), directory, pepper, clock),
            tokens=Tokens(directory, pepper, clock),
            lines=LineService(SqlLines(database), directory, device_digests),
            limits=limits,
            webhooks=WebhookService(SqlWebhooks(database), sender, surroundings.dispatcher, clock, pepper),
            audit=AuditService(audit),
            metrics=metrics.render,
            ready=ready,
        )
        try:
            sock = listen(settings.http_host, settings.http_port)
        except OSError as exc:
            raise StartError(_taken("HTTP", settings.http_host, settings.http_port, exc)) from exc
        with _translated():
            # Last, for this dials: a server that cannot start after all must not have rung anybody.
            await resources.enter_async_context(schedules)
        listening = Listening(
            http_host=settings.http_host,
            http_port=sock.getsockname()[1],
            sip_host=engine.local.host,
            sip_port=engine.local.port,
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
            await _first_of(self._http.ready(), told.wait())
            async with self._reloading.at_signal():
                if not told.is_set():
                    announce(self._listening)
                await told.wait()
            log.info("server.draining", calls=self._calls.running)
            await _first_of(self._calls.drain(self._reloading.settings.drain_seconds), told_again.wait())
        finally:
            try:
                await self._calls.drain(0.0)
            finally:
                self._schedules.close()
                self._http.stop()
                await serving


def _allow_many_files() -> None:
    """Let this process open what the machine lets it: the usual 1,024 files would be as many connections of phones."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _spare_the_collector() -> None:
    """Keep the cycle collector from stopping the event loop: everything imported took it 200 ms each time.

    What is there now stays; calls leave few cycles, so looking for them less often costs little memory.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


def _open_store(settings: Settings, resources: AsyncExitStack) -> tuple[Engine, ServerLock]:
    """The database with the tables of this version, and the lock that keeps it for this process."""
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise StartError(unwritable(settings.data_dir, exc)) from exc
    with _translated():
        database = open_database(settings.database_url)
        resources.callback(database.dispose)
        lock = resources.enter_context(ServerLock(database))
        migrate(database)
    return database, lock


def _load_pepper(data_dir: Path, database: Engine) -> bytes:
    with _translated():
        has_keys = Administration(database).has_keys()
    try:
        return load_pepper(data_dir, has_keys=has_keys)
    except SettingsError as exc:
        raise StartError(str(exc)) from exc


async def _open_engine(
    settings: Settings,
    surroundings: Surroundings,
    reloading: Reloading,
    registrations: Registrations,
    clock: Clock,
    resources: AsyncExitStack,
) -> NativeEngine:
    """Our own SIP and the media relay, listening."""

    def make_relay(on_event: Callable[[str, MediaEvent], None]) -> MediaRelay:
        if settings.media_relay == "rtpengine":
            return RtpengineRelay(
                host=settings.rtpengine.host,
                port=settings.rtpengine.port,
                is_ipv6=":" in settings.media_host,
                on_event=on_event,
            )
        return RtpioRelay(
            host=settings.media_host,
            first_port=settings.media_ports.first,
            last_port=settings.media_ports.last,
            on_event=on_event,
        )

    try:
        journal = DialogJournal(settings.data_dir / "dialogs.journal")
    except OSError as exc:
        raise StartError(unwritable(settings.data_dir, exc)) from exc
    resources.callback(journal.close)
    streams = _stream_settings(settings)
    reloading.tls, reloading.prompts = streams.tls, PromptLibrary(settings.data_dir / "prompts")
    engine = NativeEngine(
        sip_host=settings.sip_host,
        sip_port=settings.sip_port,
        make_relay=make_relay,
        prompts=reloading.prompts,
        journal=journal,
        registrations=registrations,
        now=clock.now,
        streams=streams,
        trunk_ping_seconds=settings.trunk_ping_seconds,
    )
    surroundings.engine = engine
    try:
        with _translated():
            await surroundings.read_trunks()
            return await resources.enter_async_context(engine)
    except ListenError as exc:
        raise StartError(_taken(_PORT_SETTINGS[exc.transport], settings.sip_host, exc.port, exc)) from exc
    except (MediaRelayError, UnusableCertificate) as exc:
        raise StartError(str(exc)) from exc


def _stream_settings(settings: Settings) -> StreamSettings:
    """What SIP over connections needs; without a certificate of our own, nobody connects to us but over TCP."""
    certificate = settings.sip_tls_certificate
    tls = TlsContexts(ca=settings.sip_tls_ca, certificate=certificate, key=settings.sip_tls_key)
    return StreamSettings(
        tls=tls,
        tls_port=None if certificate is None else settings.sip_tls_port,
        wss_port=None if certificate is None else settings.sip_wss_port,
        origins=settings.sip_wss_origins,
    )


def _taken(what: str, host: str, port: int, error: OSError) -> str:
    """The sentence for an address that cannot be listened on."""
    reason, mend = unbindable(what, error)
    return f"cannot listen for {what.replace('_', ' over ')} on {host} port {port} ({reason}): {mend}"


async def _first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait until one of them is over, and give up the others. Raises what it raised."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    for task in done:
        task.result()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """What a back door raises while the server starts is one sentence for the administrator."""
    try:
        yield
    except CallError as exc:
        raise StartError(str(exc)) from exc


@contextlib.contextmanager
def _signals() -> Iterator[tuple[asyncio.Event, asyncio.Event]]:
    """SIGTERM and SIGINT set the first event, and from the second signal on the other one.

    Afterwards they are ignored: what is left is the end of the process.
    """
    loop = asyncio.get_running_loop()
    told, told_again = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (told_again if told.is_set() else told).set()

    kinds = (signal.SIGTERM, signal.SIGINT)
    for kind in kinds:
        loop.add_signal_handler(kind, on_signal)
    try:
        yield told, told_again
    finally:
        for kind in kinds:
            loop.remove_signal_handler(kind)
            signal.signal(kind, signal.SIG_IGN)
