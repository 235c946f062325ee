"""Accounts, keys, lines and trunks, looked up in SQL: the port `Directory`.

While `watch` is entered, answers are kept in memory and forgotten as soon as the revision in the database grows.
Otherwise each look-up asks the database, so that nothing stale can be served.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from sqlalchemy import Engine, RowMapping, Select, select, union

from ringbridge.call.directory import Account, AccountLimits, ApiKey, Line, Trunk
from ringbridge.call.errors import StoreUnavailable
from ringbridge.store.cache import LookUpCache
from ringbridge.store.database import reading, storable
from ringbridge.store.row import limits_of, line_of
from ringbridge.store.tables import account_limits, accounts, api_keys, directory_revision, lines, trunks

log = structlog.get_logger()

_POLL_SECONDS = 0.25


class SqlDirectory:
    """Directory over `engine`. All look-ups raise StoreUnavailable when the answer is not in memory and the database is gone."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._accounts = LookUpCache(self._load_account)
        self._limits = LookUpCache(self._load_limits)
        self._keys = LookUpCache(self._load_key)
        self._lines = LookUpCache(self._load_line)
        self._trunks = LookUpCache(self._load_trunks)
        self._caches = (self._accounts, self._limits, self._keys, self._lines, self._trunks)

    async def account(self, account_id: str) -> Account | None:
        """The account with this id."""
        return await self._accounts.get(account_id)

    async def limits(self, account_id: str) -> AccountLimits:
        """What the account may do; the defaults where nothing was set."""
        limits = await self._limits.get(account_id)
        assert limits is not None, "every account has limits"
        return limits

    async def key(self, key_id: str) -> ApiKey | None:
        """The API key with this public id, valid or not."""
        return await self._keys.get(key_id)

    async def line(self, account_id: str, number: str) -> Line | None:
        """The account's line with this number."""
        return await self._lines.get((account_id, number))

    async def trunks(self) -> tuple[Trunk, ...]:
        """All trunks, the default one first."""
        return await self._trunks.get(None) or ()

    async def peer_uris(self) -> list[str]:
        """The SIP URIs of all lines and trunks, each once."""
        return await asyncio.to_thread(self._load_peer_uris)

    @asynccontextmanager
    async def watch(self, on_change: Callable[[], None]) -> AsyncIterator[None]:
        """While entered, answers are kept in memory; after each change they are forgotten and `on_change` is called."""
        stopped = asyncio.Event()
        for cache in self._caches:
            cache.keep(True)
        polling = asyncio.create_task(self._poll(stopped, on_change))
        try:
            yield
        finally:
            stopped.set()
            await polling
            for cache in self._caches:
                cache.keep(False)

    async def _poll(self, stopped: asyncio.Event, on_change: Callable[[], None]) -> None:
        seen: int | None = None
        while not stopped.is_set():
            try:
                revision = await asyncio.to_thread(self._read_revision)
                if revision != seen:
                    # The first time, too: what was looked up before may be older than this revision.
                    for cache in self._caches:
                        cache.clear()
                    if seen is not None:
                        on_change()
                    seen = revision
            except StoreUnavailable:
                # What is in memory stays good enough to know a caller by; without its database no call is accepted.
                log.warning("directory_not_watched", exc_info=True)
            except Exception:
                # A watch that ends unseen would serve revoked keys for ever.
                log.exception("directory_change_failed")
            await _event_or_timeout(stopped, _POLL_SECONDS)

    def _read_revision(self) -> int:
        with reading(self._engine) as connection:
            revision: int = connection.execute(select(directory_revision.c.revision)).scalar_one()
            return revision

    def _one(self, statement: Select[*tuple[object, ...]]) -> RowMapping | None:
        with reading(self._engine) as connection:
            return connection.execute(statement).mappings().one_or_none()

    def _load_account(self, account_id: str) -> Account | None:
        if not storable(account_id):
            return None
        row = self._one(select(accounts).where(accounts.c.id == account_id))
        return None if row is None else Account(**row)

    def _load_limits(self, account_id: str) -> AccountLimits:
        row = self._one(select(account_limits).where(account_limits.c.account_id == account_id))
        return AccountLimits() if row is None else limits_of(row)

    def _load_key(self, key_id: str) -> ApiKey | None:
        if not storable(key_id):
            return None
        row = self._one(select(api_keys).where(api_keys.c.id == key_id))
        return None if row is None else ApiKey(**row)

    def _load_line(self, key: tuple[str, str]) -> Line | None:
        account_id, number = key
        row = self._one(select(lines).where(lines.c.account_id == account_id, lines.c.number == number))
        return None if row is None else line_of(row)

    def _load_trunks(self, _: None) -> tuple[Trunk, ...]:
        with reading(self._engine) as connection:
            rows = connection.execute(select(trunks).order_by(trunks.c.position)).mappings()
            return tuple(Trunk(**row) for row in rows)

    def _load_peer_uris(self) -> list[str]:
        of_lines = select(lines.c.uri).where(lines.c.uri.is_not(None))
        with reading(self._engine) as connection:
            return list(connection.execute(union(of_lines, select(trunks.c.uri))).scalars())


async def _event_or_timeout(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
