"""Requests that come again with the same key lead to the same call.

A key is kept with its call, in the transaction that accepts it, so it outlives the process. While a request with a key
is being carried out, another with the same one is turned away. What was refused may be asked for again.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ringbridge.call.errors import IdempotencyKeyReused, RequestInProgress
from ringbridge.call.idempotency import KEPT_SECONDS, IdempotencyKey
from ringbridge.call.model import State
from ringbridge.call.ports import CallStore
from ringbridge.service.clock import Clock
from ringbridge.service.live import LiveCalls


class Placed(NamedTuple):
    """An accepted call; `replayed` when it is an earlier one that a repeated click asked for again."""

    call_id: str
    replayed: bool


class Repetitions:
    """Knows the requests that were made and those that are being carried out.

    is_waiting: whether a stored call with this id waits for its time, for whoever keeps these to set.
    """

    def __init__(self, store: CallStore, live: LiveCalls, clock: Clock) -> None:
        self._store = store
        self._live = live
        self._clock = clock
        self._in_progress: set[tuple[str, str]] = set()
        self.is_waiting: Callable[[str], bool] = lambda call_id: False

    async def once(
        self, account_id: str, key: IdempotencyKey | None, place: Callable[[], Awaitable[Placed]]
    ) -> Placed:
        """What `place` returns, or the call that the key led to before.

        Raises IdempotencyKeyReused, RequestInProgress, and what `place` raises.
        """
        if key is None:
            return await place()
        with self.alone(account_id, key):
            earlier = await self.earlier_call(account_id, key)
            return await place() if earlier is None else Placed(earlier, replayed=True)

    @contextmanager
    def alone(self, account_id: str, key: IdempotencyKey) -> Iterator[None]:
        """While entered, no other request with the key is carried out: it raises RequestInProgress."""
        entry = (account_id, key.text)
        if entry in self._in_progress:
            raise RequestInProgress("a request with this key is being carried out")
        self._in_progress.add(entry)
        try:
            yield
        finally:
            self._in_progress.discard(entry)

    async def earlier_call(self, account_id: str, key: IdempotencyKey) -> str | None:
        """The id of the call that the key led to. Raises IdempotencyKeyReused, RequestInProgress, StoreUnavailable."""
        kept = await self._store.key(account_id, key.text)
        if kept is None or kept.created_at <= self._clock.utc_now() - KEPT_SECONDS:
            return None
        if kept.body_digest != key.body_digest:
            raise IdempotencyKeyReused("the key was used for another request")
        if self._live.look_up(kept.call_id) is None:
            call = await self._store.find(account_id, kept.call_id)
            if call is None:
                return None
            if call.state != State.ENDED.value and not self.is_waiting(call.id):
                # It was refused, since the database did not answer in time, and is about to be undone.
                raise RequestInProgress("a request with this key is being undone")
        return kept.call_id
