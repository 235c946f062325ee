"""The one thread that writes what happens to calls, many changes by one commit.

A change that somebody waits for is handed to the thread at once; others first wait a little for company, because a
commit costs more than the rows in it, and of many changes of one call only the last is written to its row
(docs/decisions/0003-one-writer-thread.md). Whatever was handed over while the last commit ran is the next batch.
Changes that nobody waits for keep their order, and none overtakes one that its giver has waited for.

What the database does not take now is tried again until it does. Two kinds of change are not:
- one that somebody waits for fails, so that its call is refused and never dialled;
- one that the database will never take, such as a row that breaks a constraint, is logged and written with less in
  it, where that leaves something to write, or else dropped.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Generic, TypeVar

import structlog
from sqlalchemy import Engine
from sqlalchemy.engine.interfaces import DBAPICursor

from ringbridge.call.errors import StoreUnavailable
from ringbridge.store.database import unavailable
from ringbridge.store.session import WriteSession

log = structlog.get_logger()

Change = TypeVar("Change")


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterLimits:
    """How long and how much the writer waits.

    accept_seconds: how long a click waits for the database. Longer than a write waits for a lock
    (`database.LOCK_SECONDS`), so that an ordinary refusal comes from the database and says why.
    waiting: how many may wait at once. More would only be refused late: two seconds' worth of the highest rate aimed at.
    linger_seconds: how long a change that nobody waits for waits for company.
    longest_pause_seconds: between two tries; the first pause is a tenth of it.
    flush_seconds: how long leaving goes on trying.
    """

    accept_seconds: float = 2.0
    waiting: int = 1000
    linger_seconds: float = 0.05
    longest_pause_seconds: float = 0.5
    flush_seconds: float = 5.0


class _Entry(Generic[Change]):
    """A change in the queue; while somebody waits for it, also who waits and what undoes it.

    Without a change it is a mark: what was queued before it is durable when it is reached.
    """

    __slots__ = ("change", "given_up", "taken", "undo", "waiter")

    def __init__(
        self, change: Change | None, waiter: asyncio.Future[None] | None = None, undo: Change | None = None
    ) -> None:
        self.change = change
        self.waiter = waiter
        self.undo = undo
        self.taken = False
        self.given_up = False


class GroupCommitWriter(Generic[Change]):
    """Writes changes by `apply`, which executes some of them over the driver's cursor, inside one transaction.

    reduce: what to write in place of a change that the database will never take; None to drop it.
    on_commit: told in the thread what is durable now; it must neither block nor raise.
    Entering starts the thread; leaving writes what is queued and ends it. All methods belong to the event loop's thread.
    """

    def __init__(
        self,
        engine: Engine,
        apply: Callable[[DBAPICursor, Sequence[Change]], None],
        reduce: Callable[[Change], Change | None],
        limits: WriterLimits = WriterLimits(),
        on_commit: Callable[[Sequence[Change]], None] | None = None,
    ) -> None:
        self._limits = limits
        self._on_commit = on_commit
        self._session = WriteSession(engine)
        self._apply = apply
        self._reduce = reduce
        self._lingering: list[_Entry[Change]] = []
        self._leaving: asyncio.TimerHandle | None = None
        # None wakes the thread for its end. To put is cheap: the thread sleeps in C, and for nothing else.
        self._queue: SimpleQueue[Sequence[_Entry[Change]] | None] = SimpleQueue()
        self._taking = threading.Lock()
        self._abandoned = threading.Event()
        self._is_closing = False
        self._waiting = 0
        self._healthy = True
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    async def __aenter__(self) -> "GroupCommitWriter[Change]":
        self._thread.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_closing = True
        self._hand_over()
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join, self._limits.flush_seconds)
        # A thread that still tries gives up now; one that hangs in a dead disk is left behind, being a daemon.
        self._abandoned.set()
        await asyncio.to_thread(self._thread.join, self._limits.accept_seconds)

    def healthy(self) -> bool:
        """Whether the last write went through."""
        return self._healthy

    def submit(self, change: Change) -> None:
        """Write `change` after all that was submitted or accepted before it; not waited for, and tried until it is done."""
        self._linger(_Entry(change))

    async def written(self) -> None:
        """Return when all that was submitted before is durable. Raises StoreUnavailable when that takes longer than usual."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._linger(_Entry(None, waiter))
        try:
            async with asyncio.timeout(self._limits.accept_seconds):
                await waiter
        except TimeoutError:
            raise StoreUnavailable("The database does not answer.") from None

    def _linger(self, entry: _Entry[Change]) -> None:
        self._lingering.append(entry)
        if self._is_closing:
            self._hand_over()
        elif self._leaving is None:
            loop = asyncio.get_running_loop()
            self._leaving = loop.call_later(self._limits.linger_seconds, self._hand_over)

    async def accept(self, change: Change, *, undo: Change, in_order: bool = False) -> None:
        """Write `change` and return when it is durable. Raises StoreUnavailable in time; then it is not stored.

        Where that cannot be known, as when the disk hangs in the middle of a commit, `undo` is written behind it.
        in_order: write it behind all that was submitted, which then waits no longer for company.
        """
        if self._waiting >= self._limits.waiting:
            raise StoreUnavailable("The database does not keep up: too many new calls wait for it.")
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = _Entry(change, waiter, undo)
        self._waiting += 1
        try:
            if in_order:
                self._hand_over()
            self._queue.put((entry,))
            async with asyncio.timeout(self._limits.accept_seconds):
                await waiter
        except TimeoutError:
            self._healthy = False
            self._give_up(entry, undo)
            raise StoreUnavailable("The database does not answer; the call was not stored.") from None
        except asyncio.CancelledError:
            self._give_up(entry, undo)
            raise
        finally:
            self._waiting -= 1

    def _give_up(self, entry: _Entry[Change], undo: Change) -> None:
        with self._taking:
            entry.given_up = True
        if entry.taken:
            self._queue.put((_Entry(undo),))

    def _hand_over(self) -> None:
        """Give the thread what has waited for company."""
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        if self._lingering:
            self._queue.put(self._lingering)
            self._lingering = []

    # What follows runs in the thread.

    def _run(self) -> None:
        while (entries := self._queue.get()) is not None:
            self._write(self._take(entries))
        # What the giver of a last change has given up since is to be undone.
        self._write(self._take())
        self._session.close()

    def _take(self, first: Sequence[_Entry[Change]] = ()) -> list[_Entry[Change]]:
        """`first` and what is in the queue now, but for what was given up there."""
        waiting = list(first)
        try:
            while (entries := self._queue.get_nowait()) is not None:
                waiting += entries
            # Whoever asked next must find that it is the end.
            self._queue.put(None)
        except Empty:
            pass
        with self._taking:
            taken = [entry for entry in waiting if not entry.given_up]
            for entry in taken:
                entry.taken = True
        return taken

    def _write(self, entries: list[_Entry[Change]]) -> None:
        """Bring `entries` to the database, however often that must be tried."""
        batches = deque([entries] if entries else [])
        pause_seconds = self._limits.longest_pause_seconds / 10
        while batches:
            batch = batches[0]
            try:
                self._commit(batch)
            except Exception as error:  # noqa: BLE001 - whatever a row at fault raises must not end the thread
                if self._session.is_outage(error):
                    batches = self._postpone(batches, unavailable(error))
                    if self._abandoned.wait(pause_seconds):
                        log.critical("changes_lost", changes=sum(map(len, batches)))
                        return
                    pause_seconds = min(pause_seconds * 2, self._limits.longest_pause_seconds)
                    continue
                batches.popleft()
                if len(batch) == 1:
                    batches.extendleft([entry] for entry in self._give_way(batch[0], error))
                else:
                    # One of them is not to be had; each in a transaction of its own, the others are.
                    batches.extendleft([entry] for entry in reversed(batch))
            else:
                batches.popleft()
                self._acknowledge(batch)

    def _commit(self, batch: list[_Entry[Change]]) -> None:
        changes = [entry.change for entry in batch if entry.change is not None]
        if not changes:
            return
        self._session.transact(lambda cursor: self._apply(cursor, changes))
        if self._on_commit is not None:
            self._on_commit(changes)

    def _acknowledge(self, batch: list[_Entry[Change]]) -> None:
        if not self._healthy:
            self._healthy = True
            log.info("database_available")
        _tell(batch, None)

    def _postpone(
        self, batches: deque[list[_Entry[Change]]], reason: StoreUnavailable
    ) -> deque[list[_Entry[Change]]]:
        """Refuse all that somebody waits for, in `batches` and in the queue; returns what is to be tried again."""
        if self._healthy:
            self._healthy = False
            log.error("database_unavailable", reason=str(reason))
        tried, *untried = *batches, self._take()
        for batch in (tried, *untried):
            _tell(batch, str(reason))
        for entry in tried:
            if entry.undo is not None:
                # The commit may have been done and only its answer lost.
                entry.change, entry.waiter, entry.undo = entry.undo, None, None
        kept = [[entry for entry in batch if entry.waiter is None] for batch in untried]
        return deque([tried, *(batch for batch in kept if batch)])

    def _give_way(self, entry: _Entry[Change], error: Exception) -> list[_Entry[Change]]:
        """What to write in place of a change that the database will never take, because of `error`."""
        if entry.waiter is None and entry.change is not None:
            reduced = self._reduce(entry.change)
            if reduced is not None:
                log.error("change_reduced", change=repr(entry.change), reason=str(error))
                return [_Entry(reduced)]
        log.exception("change_dropped", change=repr(entry.change))
        _tell([entry], "The database does not take this call.")
        return []


def _tell(batch: Iterable[_Entry[Change]], refusal: str | None) -> None:
    """Wake who waits for `batch`, with success or StoreUnavailable; one hop to the event loop for all of them."""
    waiters = [entry.waiter for entry in batch if entry.waiter is not None]
    if waiters:
        waiters[0].get_loop().call_soon_threadsafe(_settle, waiters, refusal)


def _settle(waiters: list[asyncio.Future[None]], refusal: str | None) -> None:
    for waiter in waiters:
        if waiter.done():
            continue
        if refusal is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(StoreUnavailable(refusal))
