"""Accounts, keys, lines and trunks, looked up in SQL: the port `Directory`.

While `watch` is entered, answers are kept in memory and forgotten as soon as the revision of their part of the directory
grows in the database: whoever changes one part again and again makes nobody read the others again. Otherwise each look-up
asks the database, so that nothing stale can be served.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Engine, case, func, select, union

from ringbridge.call.directory import Account, AccountLimits, Device, Line, LineKind, Trunk
from ringbridge.call.errors import StoreUnavailable
from ringbridge.call.key import ApiKey
from ringbridge.store.cache import LookUpCache
from ringbridge.store.database import reading
from ringbridge.store.lookup import RowLookUp
from ringbridge.store.part import ALL_PARTS, Part
from ringbridge.store.polling import polling
from ringbridge.store.rates import RateTable
from ringbridge.store.row import key_of, limits_of, line_of, trunk_of
from ringbridge.store.tables import (
    account_limits,
    accounts,
    api_keys,
    directory_revision,
    do_not_call,
    lines,
    trunks,
)
from ringbridge.store.user_tables import users
from ringbridge.store.users import find_user

log = structlog.get_logger()

_POLL_SECONDS = 0.25


class SqlDirectory:
    """Directory over `engine`. All look-ups raise StoreUnavailable when the answer is not in memory and the database is gone."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._account_row = RowLookUp(engine, accounts, "id")
        self._limits_row = RowLookUp(engine, account_limits, "account_id")
        self._key_row = RowLookUp(engine, api_keys, "id")
        self._line_row = RowLookUp(engine, lines, "account_id", "number")
        self._device_row = RowLookUp(engine, lines, "sip_username")
        self._barred_row = RowLookUp(engine, do_not_call, "account_id", "number")
        self._any_barred_row = RowLookUp(engine, do_not_call, "account_id")
        self._revision_row = RowLookUp(engine, directory_revision)
        # A row of a local file is read in a tenth of a millisecond, no writer can hold that up, and to hop to a thread
        # and back costs three times as much.
        self._in_thread = in_thread = engine.dialect.name != "sqlite"
        self._accounts = LookUpCache(self._load_account, in_thread=in_thread)
        self._limits = LookUpCache(self._load_limits, in_thread=in_thread)
        self._keys = LookUpCache(self._load_key, in_thread=in_thread)
        self._lines = LookUpCache(self._load_line, in_thread=in_thread)
        self._devices = LookUpCache(self._load_device, in_thread=in_thread)
        self._trunks = LookUpCache(self._load_trunks, in_thread=in_thread)
        self._barred = LookUpCache(self._load_barred, in_thread=in_thread)
        self._any_barred = LookUpCache(self._any_barred_row.find, in_thread=in_thread)
        # A table of a hundred thousand rates takes longer to read than calls may wait.
        self._rates = LookUpCache(self._load_rates, in_thread=True)
        self._caches: Mapping[Part, tuple[LookUpCache[Any, Any], ...]] = {
            Part.ACCOUNTS: (self._accounts,),
            Part.KEYS: (self._keys,),
            Part.LINES: (self._lines, self._devices),
            Part.TRUNKS: (self._trunks,),
            Part.LIMITS: (self._limits,),
            Part.DO_NOT_CALL: (self._barred, self._any_barred),
            Part.RATES: (self._rates,),
        }

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

    async def acting_key(self, user_id: str) -> ApiKey | None:
        """As whom a user of the portal acts; None for one who may not come in. Not kept in memory."""
        return await asyncio.to_thread(self._load_acting_key, user_id)

    async def line(self, account_id: str, number: str) -> Line | None:
        """The account's line with this number."""
        return await self._lines.get((account_id, number))

    async def device(self, sip_username: str) -> Device | None:
        """The device that registers under this name."""
        return await self._devices.get(sip_username)

    async def device_lines(self) -> list[str]:
        """The ids of all lines whose phones register."""
        return await asyncio.to_thread(self._load_device_lines)

    async def trunks(self) -> tuple[Trunk, ...]:
        """All trunks, the default one first."""
        return await self._trunks.get(None) or ()

    async def is_barred(self, account_id: str, number: str) -> bool:
        """Whether the E.164 number is on the account's do-not-call list."""
        # Most accounts have none: of them every number is known without a look at the database.
        if await self._any_barred.get(account_id) is None:
            return False
        return await self._barred.get((account_id, number)) is not None

    async def rates(self) -> Mapping[str, int]:
        """What a minute costs by the beginnings of numbers, in millionths of the currency."""
        return await self._rates.get(None) or {}

    async def peer_places(self) -> list[str]:
        """What stands behind user and `@` in the SIP URIs of all lines and trunks, each once."""
        return await asyncio.to_thread(self._load_peer_places)

    @asynccontextmanager
    async def watch(self, on_change: Callable[[frozenset[Part]], None]) -> AsyncIterator[None]:
        """While entered, answers are kept in memory; when parts change they are forgotten, and `on_change` is told which."""
        seen = await self._revisions()
        self._keep(True)
        is_blind = False

        async def look() -> None:
            nonlocal seen, is_blind
            try:
                revisions = await self._revisions()
            except StoreUnavailable as error:
                # What is in memory may still serve: without its database no call is accepted.
                if not is_blind:
                    log.warning("directory_not_watched", reason=str(error))
                is_blind = True
                return
            is_blind = False
            if revisions != seen:
                # Whoever changed something and did not say what may have changed all.
                changed = (
                    frozenset(part for part in Part if revisions[part.value] != seen[part.value]) or ALL_PARTS
                )
                seen = revisions
                for look_ups in self._caches_of(changed):
                    look_ups.clear()
                on_change(changed)

        try:
            async with polling(_POLL_SECONDS, look):
                yield
        finally:
            self._keep(False)

    def _caches_of(self, parts: frozenset[Part]) -> Iterator[LookUpCache[Any, Any]]:
        for part in parts:
            yield from self._caches.get(part, ())

    def _keep(self, keeps: bool) -> None:
        for look_ups in self._caches_of(ALL_PARTS):
            look_ups.keep(keeps)

    async def _revisions(self) -> dict[str, int]:
        """How often each part was changed, by its column; in the column `revision`, how often anything was."""
        find = self._revision_row.find
        revisions = await asyncio.to_thread(find) if self._in_thread else find()
        assert revisions is not None, "the table has one row"
        return revisions

    def _load_account(self, account_id: str) -> Account | None:
        row = self._account_row.find(account_id)
        return None if row is None else Account(**row)

    def _load_limits(self, account_id: str) -> AccountLimits:
        row = self._limits_row.find(account_id)
        return AccountLimits() if row is None else limits_of(row)

    def _load_acting_key(self, user_id: str) -> ApiKey | None:
        with reading(self._engine) as connection:
            user = find_user(connection, users.c.id == user_id)
        return None if user is None or user.disabled else user.acting_key()

    def _load_key(self, key_id: str) -> ApiKey | None:
        row = self._key_row.find(key_id)
        return None if row is None else key_of(row)

    def _load_line(self, key: tuple[str, str]) -> Line | None:
        row = self._line_row.find(*key)
        return None if row is None else line_of(row)

    def _load_device(self, sip_username: str) -> Device | None:
        row = self._device_row.find(sip_username)
        if row is None:
            return None
        return Device(line_id=row["id"], account_id=row["account_id"], digests=row["device_digests"] or {})

    def _load_device_lines(self) -> list[str]:
        statement = select(lines.c.id).where(lines.c.kind == LineKind.DEVICE.value)
        with reading(self._engine) as connection:
            return list(connection.execute(statement).scalars())

    def _load_trunks(self, _: None) -> tuple[Trunk, ...]:
        with reading(self._engine) as connection:
            rows = connection.execute(select(trunks).order_by(trunks.c.position, trunks.c.name)).mappings()
            return tuple(trunk_of(row) for row in rows)

    def _load_barred(self, key: tuple[str, str]) -> dict[str, Any] | None:
        return self._barred_row.find(*key)

    def _load_rates(self, _: None) -> Mapping[str, int]:
        return RateTable(self._engine).all()

    def _load_peer_places(self) -> list[str]:
        # By the database: thousands of lines may be behind one PBX, and what is read here holds up the calls.
        of_lines = select(self._place_of(lines.c.uri)).where(lines.c.uri.is_not(None))
        with reading(self._engine) as connection:
            return list(connection.scalars(union(of_lines, select(self._place_of(trunks.c.uri)))))

    def _place_of(self, uri: ColumnElement[str]) -> ColumnElement[str]:
        position = func.instr if self._engine.dialect.name == "sqlite" else func.strpos
        mark = case((position(uri, "@") > 0, "@"), else_=":")
        return func.substr(uri, position(uri, mark) + 1)
