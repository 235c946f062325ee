"""What the server must know of the directory without waiting for it, kept up to date while it runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import structlog

from ringbridge.call.directory import Trunk
from ringbridge.call.errors import CallError
from ringbridge.engines.native.engine import NativeEngine
from ringbridge.notify.dispatcher import Dispatcher
from ringbridge.service.withdrawal import Withdrawals
from ringbridge.store.directory import SqlDirectory
from ringbridge.store.part import ALL_PARTS, Part
from ringbridge.tasks import is_set_within

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
        self._may_be_withdrawn = asyncio.Event()
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
            await self.engine.know_peers(await self._directory.peer_places())
        if Part.LINES in parts:
            self.engine.know_devices(await self._directory.device_lines())
        if Part.WEBHOOKS in parts:
            await self.dispatcher.refresh()

    @contextlib.asynccontextmanager
    async def kept_up_to_date(self) -> AsyncIterator[None]:
        """While entered, whatever somebody changes in the directory is read again."""
        # Apart, because the hosts of peers are looked up by names, and whose key is revoked must not wait for these.
        async with self._directory.watch(self._on_change):
            following = [
                asyncio.create_task(_follow(self._is_outdated, self._refresh_outdated)),
                asyncio.create_task(_follow(self._may_be_withdrawn, self._withdraw)),
            ]
            try:
                yield
            finally:
                for task in following:
                    task.cancel()
                await asyncio.wait(following)

    def _on_change(self, parts: frozenset[Part]) -> None:
        self._outdated |= parts
        self._is_outdated.set()
        self._may_be_withdrawn.set()

    async def _refresh_outdated(self) -> None:
        parts, self._outdated = self._outdated, frozenset()
        try:
            await self.refresh(parts)
        except Exception:
            self._outdated |= parts
            raise

    async def _withdraw(self) -> None:
        await self.withdrawals.look()
        if not await is_set_within(self._may_be_withdrawn, _SETTLING_SECONDS):
            # A call that was being stored while its key was revoked is up by now.
            await self.withdrawals.look()


async def _follow(changed: asyncio.Event, act: Callable[[], Awaitable[None]]) -> None:
    """Act after each change, and again a little later if that fails."""
    while True:
        await changed.wait()
        changed.clear()
        try:
            await act()
        except CallError as exc:
            log.warning("directory.not_read", error=str(exc))
        except Exception:
            log.exception("directory.not_read")
        else:
            continue
        asyncio.get_running_loop().call_later(_RETRY_SECONDS, changed.set)
