"""SIGHUP: what is read again, what waits for a restart, and what is left alone when something is wrong."""

import asyncio
import json
import os
import signal
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from ringbridge import logs
from ringbridge.config import LoadedSettings, Settings, SettingsError
from ringbridge.engines.native.prompts import OCTETS_PER_SECOND, PromptLibrary
from ringbridge.engines.native.tls import TlsContexts, UnusableCertificate
from ringbridge.reloading import Reloading
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.database import migrate, open_database, writing
from tests.cli.server import Server
from tests.peers.certificates import Authority
from tests.peers.tool import poll


@pytest.fixture
def audit(tmp_path: Path) -> Iterator[SqlAuditLog]:
    database = open_database(f"sqlite:///{tmp_path}/ringbridge.db")
    migrate(database)
    yield SqlAuditLog(database)
    database.dispose()


@pytest.fixture(autouse=True)
def _level_as_before() -> Iterator[None]:
    before = logs._Levelled.minimum
    yield
    logs._Levelled.minimum = before


def settings(folder: Path, **values: Any) -> Settings:
    return Settings(data_dir=folder, **values)


def reloading(before: Settings, audit: SqlAuditLog, load: Callable[[], Settings]) -> Reloading:
    """One that reads what `load` gives, with prompts of its own and without TLS."""
    made = Reloading(before, audit, lambda: LoadedSettings(load(), None, ("colour is not a setting",)))
    made.tls, made.prompts = TlsContexts(), PromptLibrary(before.data_dir / "prompts")
    return made


def entries(audit: SqlAuditLog) -> list[tuple[str, Any, Any]]:
    return [
        (
            entry.action,
            entry.before and json.loads(entry.before),
            entry.after and json.loads(entry.after),
        )
        for entry in reversed(audit.last(10))
    ]


async def test_what_can_change_does_and_the_rest_is_named(tmp_path: Path, audit: SqlAuditLog) -> None:
    before = settings(tmp_path, drain_seconds=10.0)
    wanted = settings(
        tmp_path, drain_seconds=20.0, log_level="debug", database_url="sqlite:////other/secret.db"
    )
    server = reloading(before, audit, lambda: wanted)
    with capture_logs() as logged:
        await server.reload()

    assert (server.settings.drain_seconds, server.settings.log_level) == (20.0, "debug")
    assert server.settings.database_url == before.database_url
    assert logged == [
        {"event": "config.unknown_setting", "log_level": "warning", "warning": "colour is not a setting"},
        {
            "event": "config.reloaded",
            "log_level": "warning",
            "changed": ["log_level", "drain_seconds"],
            "need_restart": ["database_url"],
        },
    ]
    assert entries(audit) == [
        (
            "config.reloaded",
            {"log_level": "info", "drain_seconds": 10.0},
            {"log_level": "debug", "drain_seconds": 20.0, "need_restart": ["database_url"]},
        )
    ]


async def test_settings_that_are_wrong_leave_all_as_it_was(tmp_path: Path, audit: SqlAuditLog) -> None:
    def load() -> Settings:
        raise SettingsError("http_port in ringbridge.toml is 'x', but takes a port number")

    before = settings(tmp_path)
    server = reloading(before, audit, load)
    with capture_logs() as logged:
        await server.reload()

    assert server.settings is before
    sentence = "http_port in ringbridge.toml is 'x', but takes a port number"
    assert logged == [{"event": "config.refused", "log_level": "error", "error": sentence}]
    assert entries(audit) == [("config.refused", None, {"error": sentence})]


async def test_a_certificate_that_cannot_be_read_leaves_all_as_it_was(
    tmp_path: Path, audit: SqlAuditLog
) -> None:
    files = Authority(tmp_path).issue("calls.example.com")
    before = settings(tmp_path)
    server = reloading(before, audit, lambda: settings(tmp_path, log_level="debug"))
    server.tls = TlsContexts(ca=files.certificate, certificate=files.certificate, key=files.key)
    server.tls.check()
    shown = server.tls.for_clients()
    files.certificate.write_text("half a certif")
    os.utime(files.certificate, (1.0, 1.0))
    with capture_logs() as logged:
        await server.reload()
        # Who connects meanwhile is shown what was there before.
        assert server.tls.for_clients() is shown

    assert server.settings is before
    assert [line["event"] for line in logged] == ["config.refused", "tls.files_refused"]
    assert [entry[0] for entry in entries(audit)] == ["config.refused"]


async def test_a_certificate_is_read_again_whatever_the_time_of_its_file(
    tmp_path: Path, audit: SqlAuditLog
) -> None:
    authority = Authority(tmp_path)
    files = authority.issue("old.example.com")
    server = reloading(settings(tmp_path), audit, lambda: settings(tmp_path))
    server.tls = TlsContexts(ca=authority.file, certificate=files.certificate, key=files.key)
    server.tls.check()
    written_at = os.stat(files.certificate)
    old = server.tls.for_clients()
    authority.issue("new.example.com")
    for file in (files.certificate, files.key):
        os.utime(file, ns=(written_at.st_atime_ns, written_at.st_mtime_ns))
    await server.reload()

    assert isinstance(server.tls.for_clients(), ssl.SSLContext)
    assert server.tls.for_clients() is not old


def test_a_certificate_that_never_could_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "file.pem").write_text("no certificate")

    with pytest.raises(UnusableCertificate):
        TlsContexts(certificate=tmp_path / "file.pem").reload()


async def test_prompts_are_looked_for_again(tmp_path: Path, audit: SqlAuditLog) -> None:
    server = reloading(settings(tmp_path), audit, lambda: settings(tmp_path))
    assert server.prompts.find("own", "en") is None
    folder = tmp_path / "prompts" / "en"
    folder.mkdir(parents=True)
    for number in (0, 8, 9):
        (folder / f"own.{number}").write_bytes(bytes(OCTETS_PER_SECOND))
    assert server.prompts.find("own", "en") is None
    await server.reload()

    found = server.prompts.find("own", "en")
    assert found is not None
    assert found.seconds == 1.0


async def test_a_database_that_takes_nothing_does_not_stop_it(tmp_path: Path, audit: SqlAuditLog) -> None:
    server = reloading(settings(tmp_path), audit, lambda: settings(tmp_path, log_level="error"))
    other = open_database(f"sqlite:///{tmp_path}/ringbridge.db")
    with capture_logs() as logged, writing(other):
        await server.reload()
    other.dispose()

    assert server.settings.log_level == "error"
    assert [line["event"] for line in logged][-1] == "audit.not_written"


async def test_a_level_counts_for_loggers_that_are_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    configuration = structlog.get_config()
    try:
        logs.configure_logging("info", "json")
        log = structlog.get_logger()
        log.debug("first")
        log.info("second")
        logs.set_log_level("debug")
        log.debug("third")
        logs.set_log_level("error")
        for write in (log.debug, log.info, log.warning):
            write("fourth")
        log.error("fifth")
    finally:
        structlog.configure(**configuration)

    written = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert written == ["second", "third", "fifth"]


async def test_a_fault_in_one_signal_does_not_keep_it_from_the_next(
    tmp_path: Path, audit: SqlAuditLog
) -> None:
    read: asyncio.Queue[None] = asyncio.Queue()

    def load() -> Settings:
        loop.call_soon_threadsafe(read.put_nowait, None)
        raise ZeroDivisionError

    loop = asyncio.get_running_loop()
    handler = signal.getsignal(signal.SIGHUP)
    try:
        with capture_logs():
            async with reloading(settings(tmp_path), audit, load).at_signal():
                for _ in range(2):
                    os.kill(os.getpid(), signal.SIGHUP)
                    await asyncio.wait_for(read.get(), 60.0)
    finally:
        signal.signal(signal.SIGHUP, handler)


async def test_a_server_reads_its_file_again(tmp_path: Path) -> None:
    """The whole way: a file, a signal, the log and the audit log; what is wrong with the file ends nothing."""
    file = tmp_path / "ringbridge.toml"
    file.write_text("drain_seconds = 5\n")
    with Server(tmp_path) as server:
        database = open_database(f"sqlite:///{tmp_path}/ringbridge.db")
        audit = SqlAuditLog(database)

        async def written() -> int:
            return audit.head().sequence

        try:
            # The link for the first owner is in it.
            begun = await written()
            file.write_text("drain_seconds = 0\nsip_tls_port = 1\n")
            server.process.send_signal(signal.SIGHUP)
            await poll(written, lambda count: count == begun + 1, "an entry in the audit log")
            file.write_text("drain_seconds = soon\n")
            server.process.send_signal(signal.SIGHUP)
            await poll(written, lambda count: count == begun + 2, "an entry in the audit log")
            reloaded, refused = entries(audit)[begun:]
        finally:
            database.dispose()
        assert server.process.poll() is None

    assert reloaded == (
        "config.reloaded",
        {"drain_seconds": 5.0},
        {"drain_seconds": 0.0, "need_restart": ["sip_tls_port"]},
    )
    assert refused[0] == "config.refused"
    assert refused[2]["error"].startswith(f"{file} is not TOML: ")
