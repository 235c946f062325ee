"""What happened to an account's calls, read from the database in the order of the clock, some calls at a time.

The calls are read in the order of their acceptance. Nothing happens to a call before that: what has happened by the
acceptance of the last one that was read is complete, and can be told. So no more is in memory than happened to calls
that overlap.
"""

import asyncio
from collections.abc import AsyncIterator
from heapq import heappop, heappush

from ringbridge.call.history import CallPlace, ToldEvent
from ringbridge.call.ports import CallStore

PAGE_CALLS = 50


async def replay(store: CallStore, account_id: str, since: float) -> AsyncIterator[ToldEvent]:
    """The events from `since` on, UTC seconds since 1970, by time, call and sequence. Raises StoreUnavailable.

    What happens meanwhile is told too, unless its call was read before.
    """
    waiting: list[tuple[float, str, int, ToldEvent]] = []
    place: CallPlace | None = None
    is_more = True
    while is_more:
        histories = await store.histories_since(account_id, since, place, PAGE_CALLS)
        for history in histories:
            # A call with all its live actions has a thousand lines: whoever places one meanwhile waits for these, not for a page of them.
            await asyncio.sleep(0)  # noqa: TID251
            place = history.place
            for told in history.told():
                heappush(waiting, (told.event.at, told.call_id, told.event.sequence, told))
        is_more = len(histories) == PAGE_CALLS
        while waiting and place is not None and (waiting[0][0] < place.accepted_at or not is_more):
            yield heappop(waiting)[-1]
