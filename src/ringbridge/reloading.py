"""SIGHUP: the settings' file, the TLS files and the prompts are read again while calls go on.

Whatever is wrong with them, all stays as it was. Most settings are what the server is built from, and wait for its next start:
the log names them.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from typing import Any

import structlog

from ringbridge.call.audit import Action
from ringbridge.call.errors import CallError
from ringbridge.config import LoadedSettings, Settings, SettingsError, load_settings
from ringbridge.engines.native.prompts import PromptLibrary
from ringbridge.engines.native.tls import TlsContexts, UnusableCertificate
from ringbridge.logs import set_log_level
from ringbridge.store.audit import SqlAuditLog

log = structlog.get_logger()

CHANGEABLE = ("log_level", "drain_seconds")
"""Settings that count at once."""


class Reloading:
    """`settings` are those in force. `tls` and `prompts` are to be given before the first signal comes."""

    def __init__(
        self,
        settings: Settings,
        audit: SqlAuditLog,
        load: Callable[[], LoadedSettings] = load_settings,
    ) -> None:
        self.settings = settings
        self._audit = audit
        self._load = load
        self.tls: TlsContexts
        self.prompts: PromptLibrary

    @contextlib.asynccontextmanager
    async def at_signal(self) -> AsyncIterator[None]:
        """While entered, read again at each SIGHUP; afterwards it is ignored, for what is left is the end of the process."""
        loop, asked = asyncio.get_running_loop(), asyncio.Event()
        loop.add_signal_handler(signal.SIGHUP, asked.set)
        following = asyncio.create_task(self._follow(asked))
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGHUP)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            following.cancel()
            await asyncio.wait((following,))

    async def _follow(self, asked: asyncio.Event) -> None:
        while True:
            await asked.wait()
            asked.clear()
            try:
                await self.reload()
            except Exception:
                log.exception("config.not_reloaded")

    async def reload(self) -> None:
        """Read everything again, and say in the log and in the audit log what came of it."""
        try:
            loaded = await asyncio.to_thread(self._read)
        except (SettingsError, UnusableCertificate) as exc:
            log.error("config.refused", error=str(exc))
            await self._note(Action.CONFIG_REFUSED, None, {"error": str(exc)})
            return
        for warning in loaded.warnings:
            log.warning("config.unknown_setting", warning=warning)
        before, wanted = self.settings, loaded.settings
        differ = [name for name in Settings.model_fields if getattr(before, name) != getattr(wanted, name)]
        changed = [name for name in differ if name in CHANGEABLE]
        waiting = [name for name in differ if name not in CHANGEABLE]
        self.settings = before.model_copy(update={name: getattr(wanted, name) for name in changed})
        self.prompts.forget()
        set_log_level(self.settings.log_level)
        log.warning("config.reloaded", changed=changed, need_restart=waiting)
        await self._note(
            Action.CONFIG_RELOADED,
            {name: getattr(before, name) for name in changed},
            {name: getattr(wanted, name) for name in changed} | {"need_restart": waiting},
        )

    def _read(self) -> LoadedSettings:
        loaded = self._load()
        self.tls.reload()
        return loaded

    async def _note(self, action: Action, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
        try:
            await asyncio.to_thread(self._audit.note, action, before=before, after=after)
        except CallError as exc:
            log.error("audit.not_written", action=action.value, error=str(exc))
