"""When each key was used last: remembered as it happens, written once a minute, behind the requests."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from sqlalchemy import Engine, insert, select, update

from ringbridge.call.errors import StoreUnavailable
from ringbridge.call.key import KeyUse
from ringbridge.store.database import writing
from ringbridge.store.polling import polling
from ringbridge.store.tables import api_key_uses

log = structlog.get_logger()

# Between two writes of what is no one's hurry.
PERIOD_SECONDS = 60.0


class SqlKeyUses:
    """The last use of each key over `engine`. utc_now: UTC seconds since 1970."""

    def __init__(self, engine: Engine, *, utc_now: Callable[[], float]) -> None:
        self._engine = engine
        self._utc_now = utc_now
        self._unwritten: dict[str, KeyUse] = {}

    def note(self, key_id: str, address: str) -> None:
        """The key opened for a request from `address`, just now."""
        self._unwritten[key_id] = KeyUse(self._utc_now(), address)

    @asynccontextmanager
    async def kept(self, period_seconds: float = PERIOD_SECONDS) -> AsyncIterator[None]:
        """While entered, what is noted is written once in each period, and what is left, at the end."""
        try:
            async with polling(period_seconds, self._flush):
                yield
        finally:
            await self._flush()

    async def _flush(self) -> None:
        uses, self._unwritten = self._unwritten, {}
        if not uses:
            return
        try:
            await asyncio.to_thread(self._write, uses)
        except StoreUnavailable as error:
            log.warning("key_uses_not_written", reason=str(error))
            self._unwritten = uses | self._unwritten

    def _write(self, uses: dict[str, KeyUse]) -> None:
        with writing(self._engine) as connection:
            known = set(
                connection.scalars(select(api_key_uses.c.key_id).where(api_key_uses.c.key_id.in_(uses)))
            )
            for key_id, use in uses.items():
                values = use._asdict()
                if key_id in known:
                    connection.execute(
                        update(api_key_uses).where(api_key_uses.c.key_id == key_id).values(values)
                    )
                else:
                    connection.execute(insert(api_key_uses), values | {"key_id": key_id})
