"""What is looked up once is known until something changes."""

import asyncio
import threading

from ringbridge.store import cache
from ringbridge.store.cache import LookUpCache
from tests.store.samples import PATIENCE_SECONDS


class Rows:
    """Rows by key, and how often each was asked for."""

    def __init__(self, **rows: int) -> None:
        self.rows = rows
        self.asked: list[str] = []

    def load(self, key: str) -> int | None:
        self.asked.append(key)
        return self.rows.get(key)


async def test_a_row_is_loaded_once() -> None:
    rows = Rows(one=1)
    look_ups = LookUpCache(rows.load, in_thread=True)
    look_ups.keep(True)
    assert [await look_ups.get("one"), await look_ups.get("one")] == [1, 1]
    assert rows.asked == ["one"]


async def test_a_row_that_is_not_there_is_asked_for_once() -> None:
    rows = Rows()
    look_ups = LookUpCache(rows.load, in_thread=True)
    look_ups.keep(True)
    assert [await look_ups.get("one"), await look_ups.get("one")] == [None, None]
    assert rows.asked == ["one"]


async def test_nothing_is_kept_unless_somebody_tells_of_changes() -> None:
    rows = Rows(one=1)
    look_ups = LookUpCache(rows.load, in_thread=True)
    await look_ups.get("one")
    rows.rows["one"] = 2
    assert await look_ups.get("one") == 2


async def test_after_a_change_rows_are_loaded_anew() -> None:
    rows = Rows(one=1)
    look_ups = LookUpCache(rows.load, in_thread=True)
    look_ups.keep(True)
    await look_ups.get("one")
    await look_ups.get("two")
    rows.rows = {"one": 10, "two": 20}
    look_ups.clear()
    assert [await look_ups.get("one"), await look_ups.get("two")] == [10, 20]


async def test_a_row_that_was_read_before_a_change_is_not_kept_after_it() -> None:
    reading, changed = threading.Event(), threading.Event()
    values = iter([1, 2])

    def load(key: str) -> int:
        value = next(values)
        if value == 1:
            reading.set()
            changed.wait(PATIENCE_SECONDS)
        return value

    look_ups = LookUpCache(load, in_thread=True)
    look_ups.keep(True)
    first = asyncio.create_task(look_ups.get("one"))
    await asyncio.to_thread(reading.wait, PATIENCE_SECONDS)
    look_ups.clear()
    # Who asks after the change does not wait for what was read before it.
    assert await look_ups.get("one") == 2
    changed.set()
    assert [await first, await look_ups.get("one")] == [1, 2]


async def test_one_load_serves_all_who_wait_for_the_row() -> None:
    reading, may_end = threading.Event(), threading.Event()
    rows = Rows(one=1)

    def load(key: str) -> int | None:
        reading.set()
        may_end.wait(PATIENCE_SECONDS)
        return rows.load(key)

    look_ups = LookUpCache(load, in_thread=True)
    look_ups.keep(True)
    asking = [asyncio.create_task(look_ups.get("one")) for _ in range(50)]
    await asyncio.to_thread(reading.wait, PATIENCE_SECONDS)
    # Who gives up takes it from nobody else.
    asking[0].cancel()
    may_end.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert (found[1:], rows.asked) == ([1] * 49, ["one"])


async def test_a_load_that_fails_is_told_to_all_and_tried_again() -> None:
    answers: list[int | Exception] = [OSError("gone"), 1]

    def load(key: str) -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    look_ups = LookUpCache(load, in_thread=True)
    look_ups.keep(True)
    failed = await asyncio.gather(look_ups.get("one"), look_ups.get("one"), return_exceptions=True)
    assert list(map(str, failed)) == ["gone", "gone"]
    assert await look_ups.get("one") == 1


async def test_guessed_keys_take_no_more_than_their_room_and_push_out_no_row() -> None:
    rows = Rows(one=1)
    look_ups = LookUpCache(rows.load, in_thread=True)
    look_ups.keep(True)
    await look_ups.get("one")
    guesses = [f"guess-{number}" for number in range(cache._MISSING_LIMIT + 1)]
    for guess in guesses:
        await look_ups.get(guess)
    rows.asked.clear()
    for key in ("one", guesses[-1], guesses[0]):
        await look_ups.get(key)
    assert rows.asked == [guesses[0]]


async def test_a_quick_look_up_needs_no_thread() -> None:
    threads: list[int] = []

    def load(key: str) -> str:
        threads.append(threading.get_ident())
        return key

    await LookUpCache(load, in_thread=False).get("a")
    await LookUpCache(load, in_thread=True).get("a")

    assert threads[0] == threading.get_ident()
    assert threads[1] != threading.get_ident()
