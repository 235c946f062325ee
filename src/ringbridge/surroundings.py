"""What the server must know of the directory without waiting for it, kept up to date while it runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import structlog

from ringbridge.call.directory import Trunk
from ringbridge.call.errors import CallError
from ringbridge.engines.native.engine import NativeEngine
from ringbridge.notify.dispatcher import Dispatcher
from ringbridge.service.withdrawal import Withdrawals
from ringbridge.store.directory import SqlDirectory
from ringbridge.store.part import ALL_PARTS, Part

log = structlog.get_logger()

# Between two tries to read a directory that has changed.
_RETRY_SECONDS = 1.0

# A request that was let in before a change is stored by then, unless the database is in trouble.
_SETTLING_SECONDS = 2.0


class Surroundings:
    """The trunks and whom to answer, for the engine; who wants to be told, for the dispatcher; whose calls end."""

    def __init__(self, directory: SqlDirectory) -> None:
        self._directory = directory
        self._is_outdated = asyncio.Event()
        self._outdated: frozenset[Part] = frozenset()
        self.trunks: Mapping[str, Trunk] = {}
        self.engine: NativeEngine
        self.dispatcher: Dispatcher
        self.withdrawals: Withdrawals

    async def read_trunks(self) -> None:
        """Read what trunks there are: an engine that starts ends legs over them, and must know how to connect."""
        self.trunks = {trunk.name: trunk for trunk in await self._directory.trunks()}
        self.engine.know_trunks(self.trunks.values())

    async def refresh(self, parts: frozenset[Part] = ALL_PARTS) -> None:
        """Read what is there now of these parts."""
        if Part.TRUNKS in parts:
            await self.read_trunks()
        if parts & {Part.TRUNKS, Part.LINES}:
            await self.engine.know_peers(await self._directory.peer_uris())
        if Part.LINES in parts:
            self.engine.know_devices(await self._directory.device_lines())
        if Part.WEBHOOKS in parts:
            await self.dispatcher.refresh()
        # Whatever changed: a call that was being stored at the change before may be up by now.
        await self.withdrawals.look()

    @contextlib.asynccontextmanager
    async def kept_up_to_date(self) -> AsyncIterator[None]:
        """While entered, whatever somebody changes in the directory is read again."""
        async with self._directory.watch(self._on_change):
            following = asyncio.create_task(self._follow())
            try:
                yield
            finally:
                following.cancel()
                await asyncio.wait((following,))

    def _on_change(self, parts: frozenset[Part]) -> None:
        self._outdated |= parts
        self._is_outdated.set()

    async def _follow(self) -> None:
        while True:
            await self._is_outdated.wait()
            self._is_outdated.clear()
            parts, self._outdated = self._outdated, frozenset()
            try:
                await self.refresh(parts)
                parts = frozenset()
                if not await self._changes_within(_SETTLING_SECONDS):
                    # A call that was being stored while its key was revoked is up by now.
                    await self.withdrawals.look()
            except CallError as exc:
                log.warning("directory.not_read", error=str(exc))
            except Exception:
                log.exception("directory.not_read")
            else:
                continue
            asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._on_change, parts)

    async def _changes_within(self, seconds: float) -> bool:
        """Whether somebody changes something again before so many seconds have passed."""
        try:
            async with asyncio.timeout(seconds):
                return await self._is_outdated.wait()
        except TimeoutError:
            return False
