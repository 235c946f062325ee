"""The writer when the database is slow, busy, full or gone. Here a change is a word, written to a table of words."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.engine.interfaces import DBAPICursor
from structlog.testing import capture_logs

from ringbridge.call.errors import StoreUnavailable
from ringbridge.store.database import LOCK_SECONDS, open_database, reading, writing
from ringbridge.store.writer import GroupCommitWriter, WriterLimits
from tests.store.samples import PATIENCE_SECONDS


class Words:
    """A table of words and who writes to it: a word that begins with a minus sign deletes.

    batches: what was tried, in order. Each try waits while `gate` is closed, after it set `entered`.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.batches: list[list[str]] = []
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        with writing(engine) as connection:
            connection.execute(text("CREATE TABLE words (word TEXT PRIMARY KEY)"))

    def apply(self, cursor: DBAPICursor, changes: Sequence[str]) -> None:
        """Write `changes` to the table."""
        self.batches.append(list(changes))
        self.entered.set()
        self.gate.wait(PATIENCE_SECONDS)
        for word in changes:
            if word.startswith("-"):
                cursor.execute(f"DELETE FROM words WHERE word = '{word[1:]}'")
            else:
                cursor.execute(f"INSERT INTO words VALUES ('{word}')")

    def stored(self) -> list[str]:
        """The words in the table, sorted."""
        with reading(self.engine) as connection:
            return sorted(connection.scalars(text("SELECT word FROM words")))

    async def hold(self, writer: GroupCommitWriter[str]) -> None:
        """Bring the writer into the middle of a transaction, and keep it there until the gate opens."""
        self.gate.clear()
        self.entered.clear()
        writer.submit("held")
        assert await asyncio.to_thread(self.entered.wait, PATIENCE_SECONDS)


def shorter(word: str) -> str | None:
    """What is left of a word that the table does not take: `one` of `one+two`."""
    return word.rpartition("+")[0] or None


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Another process, by and large, that holds what a write needs."""
    other = open_database(url)
    with writing(other) as connection:
        if other.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE words IN ACCESS EXCLUSIVE MODE"))
        yield
    other.dispose()


@pytest.fixture
def words(url: str) -> Iterator[Words]:
    """An empty table of words."""
    engine = open_database(url)
    yield Words(engine)
    engine.dispose()


@pytest.fixture
async def writer(words: Words) -> AsyncIterator[GroupCommitWriter[str]]:
    """A writer of words that gives up early."""
    limits = WriterLimits(accept_seconds=1.0, longest_pause_seconds=0.05, waiting=3)
    async with GroupCommitWriter(words.engine, words.apply, shorter, limits) as writer:
        yield writer


async def healthy_again(writer: GroupCommitWriter[str], word: str) -> None:
    """Return when the writer takes a word again."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await writer.accept(word, undo=f"-{word}")
            except StoreUnavailable:
                continue
            return


async def test_what_is_accepted_is_stored(words: Words, writer: GroupCommitWriter[str]) -> None:
    await writer.accept("one", undo="-one")
    assert words.stored() == ["one"]


async def test_what_comes_during_a_commit_is_the_next_batch(
    words: Words, writer: GroupCommitWriter[str]
) -> None:
    await words.hold(writer)
    accepted = [asyncio.create_task(writer.accept(word, undo=f"-{word}")) for word in ("one", "two")]
    await asyncio.wait(accepted, timeout=0.01)
    words.gate.set()
    await asyncio.gather(*accepted)
    assert words.batches == [["held"], ["one", "two"]]
    assert words.stored() == ["held", "one", "two"]


async def test_what_nobody_waits_for_waits_for_company_and_keeps_its_order(words: Words) -> None:
    limits = WriterLimits(linger_seconds=PATIENCE_SECONDS)
    async with GroupCommitWriter(words.engine, words.apply, shorter, limits) as writer:
        await writer.accept("call", undo="-call")
        for word in ("one", "-one", "one"):
            writer.submit(word)
        await writer.accept("next", undo="-next")
        writer.submit("two")
        assert words.batches == [["call"], ["next"]]
    assert words.batches == [["call"], ["next"], ["one", "-one", "one", "two"]]
    assert words.stored() == ["call", "next", "one", "two"]


async def test_what_nobody_waits_for_is_written_though_nothing_else_comes(words: Words) -> None:
    limits = WriterLimits(linger_seconds=0.01)
    async with GroupCommitWriter(words.engine, words.apply, shorter, limits) as writer:
        for word in ("one", "two"):
            words.entered.clear()
            writer.submit(word)
            assert await asyncio.to_thread(words.entered.wait, PATIENCE_SECONDS)
    assert words.batches == [["one"], ["two"]]


async def test_a_mark_is_reached_when_what_was_submitted_before_it_is_durable(words: Words) -> None:
    async with GroupCommitWriter(words.engine, words.apply, shorter) as writer:
        await words.hold(writer)
        writer.submit("one")
        mark = asyncio.create_task(writer.written())
        await asyncio.wait((mark,), timeout=0.1)
        assert not mark.done()
        words.gate.set()
        await mark
        assert words.stored() == ["held", "one"]
        # It is nothing to write itself.
        await writer.written()
    assert words.batches == [["held"], ["one"]]


async def test_a_mark_is_refused_in_an_outage_and_what_it_stands_behind_is_kept(
    words: Words, writer: GroupCommitWriter[str], url: str
) -> None:
    with locked(url):
        writer.submit("kept")
        with pytest.raises(StoreUnavailable):
            await writer.written()
    await healthy_again(writer, "next")
    assert words.stored() == ["kept", "next"]


async def test_what_is_given_while_the_last_is_written_is_written_too(words: Words) -> None:
    words.gate.clear()
    writer = GroupCommitWriter(words.engine, words.apply, shorter)
    await writer.__aenter__()
    giver = asyncio.create_task(writer.accept("left", undo="-left"))
    assert await asyncio.to_thread(words.entered.wait, PATIENCE_SECONDS)
    leaving = asyncio.create_task(writer.__aexit__(None, None, None))
    await asyncio.wait([leaving], timeout=0.01)
    writer.submit("last")
    giver.cancel()
    await asyncio.wait([giver])
    words.gate.set()
    await leaving
    assert words.stored() == ["last"]


async def test_more_than_may_wait_are_refused_at_once(words: Words, writer: GroupCommitWriter[str]) -> None:
    await words.hold(writer)
    waiting = [asyncio.create_task(writer.accept(word, undo=f"-{word}")) for word in ("one", "two", "three")]
    await asyncio.wait(waiting, timeout=0.01)
    with pytest.raises(StoreUnavailable) as caught:
        await writer.accept("four", undo="-four")
    assert str(caught.value) == "The database does not keep up: too many new calls wait for it."
    words.gate.set()
    await asyncio.gather(*waiting)
    assert words.stored() == ["held", "one", "three", "two"]


async def test_a_word_that_is_given_up_in_the_queue_is_never_tried(
    words: Words, writer: GroupCommitWriter[str]
) -> None:
    await words.hold(writer)
    with pytest.raises(StoreUnavailable) as caught:
        await writer.accept("late", undo="-late")
    assert str(caught.value) == "The database does not answer; the call was not stored."
    assert not writer.healthy()
    words.gate.set()
    await writer.accept("next", undo="-next")
    assert writer.healthy()
    assert words.batches == [["held"], ["next"]]


async def test_a_word_that_is_given_up_while_it_is_written_is_undone(
    words: Words, writer: GroupCommitWriter[str]
) -> None:
    words.gate.clear()
    with pytest.raises(StoreUnavailable, match="does not answer"):
        await writer.accept("late", undo="-late")
    words.gate.set()
    await writer.accept("next", undo="-next")
    assert words.batches == [["late"], ["-late", "next"]]
    assert words.stored() == ["next"]


async def test_a_word_whose_giver_goes_away_is_undone(words: Words, writer: GroupCommitWriter[str]) -> None:
    words.gate.clear()
    giver = asyncio.create_task(writer.accept("left", undo="-left"))
    assert await asyncio.to_thread(words.entered.wait, PATIENCE_SECONDS)
    giver.cancel()
    await asyncio.wait([giver])
    words.gate.set()
    await writer.accept("next", undo="-next")
    assert giver.cancelled()
    assert words.stored() == ["next"]


async def test_while_another_process_holds_the_lock_clicks_fail_in_time_and_the_rest_is_kept_in_order(
    words: Words, url: str
) -> None:
    # With time to spare it is the database that refuses and says why; how much there is in a server is tested below.
    patient = WriterLimits(accept_seconds=PATIENCE_SECONDS)
    async with GroupCommitWriter(words.engine, words.apply, shorter, patient) as writer:
        with locked(url):
            writer.submit("one")
            writer.submit("two")
            with pytest.raises(StoreUnavailable, match=r"lock"):
                await writer.accept("click", undo="-click")
            assert not writer.healthy()
            writer.submit("three")
        await healthy_again(writer, "four")
        assert writer.healthy()
    assert words.stored() == ["four", "one", "three", "two"]


def test_a_lock_is_waited_for_less_long_than_a_click_waits() -> None:
    assert LOCK_SECONDS < WriterLimits().accept_seconds <= 2.0


async def test_a_click_during_an_outage_fails_though_it_was_never_tried(
    words: Words, writer: GroupCommitWriter[str], url: str
) -> None:
    with locked(url):
        writer.submit("kept")
        with pytest.raises(StoreUnavailable):
            await writer.accept("click", undo="-click")
        with pytest.raises(StoreUnavailable):
            await writer.accept("click", undo="-click")
    await healthy_again(writer, "next")
    assert words.stored() == ["kept", "next"]


async def test_an_outage_is_logged_once_and_so_is_its_end(
    words: Words, writer: GroupCommitWriter[str]
) -> None:
    with writing(words.engine) as connection:
        connection.execute(text("ALTER TABLE words RENAME TO lost"))
    with capture_logs() as logs:
        with pytest.raises(StoreUnavailable, match="words"):
            await writer.accept("click", undo="-click")
        with pytest.raises(StoreUnavailable, match="words"):
            await writer.accept("click", undo="-click")
        with writing(words.engine) as connection:
            connection.execute(text("ALTER TABLE lost RENAME TO words"))
        await healthy_again(writer, "next")
    assert [line["event"] for line in logs] == ["database_unavailable", "database_available"]


async def test_a_word_that_the_table_never_takes_is_dropped_and_logged_and_the_others_are_written(
    words: Words,
) -> None:
    with capture_logs() as logs:
        async with GroupCommitWriter(words.engine, words.apply, shorter) as writer:
            await writer.accept("one", undo="-one")
            await words.hold(writer)
            both = [asyncio.create_task(writer.accept(word, undo=f"-{word}")) for word in ("two", "one")]
            await asyncio.wait(both, timeout=0.01)
            words.gate.set()
            with pytest.raises(StoreUnavailable) as caught:
                await asyncio.gather(*both)
            for word in ("three", "one", "four"):
                writer.submit(word)
    assert str(caught.value) == "The database does not take this call."
    assert [(line["event"], line["change"]) for line in logs] == [("change_dropped", "'one'")] * 2
    assert words.stored() == ["four", "held", "one", "three", "two"]
    assert writer.healthy()


async def test_a_word_that_the_table_never_takes_is_written_with_less_in_it(words: Words) -> None:
    with capture_logs() as logs:
        async with GroupCommitWriter(words.engine, words.apply, shorter) as writer:
            await writer.accept("one+two", undo="-one+two")
            for word in ("one+two", "one", "last"):
                writer.submit(word)
    assert [(line["event"], line["change"]) for line in logs] == [
        ("change_reduced", "'one+two'"),
        ("change_dropped", "'one'"),
    ]
    assert words.stored() == ["last", "one", "one+two"]


async def test_a_full_disk_refuses_clicks_and_takes_what_was_kept_once_there_is_room(sqlite_url: str) -> None:
    engine = open_database(sqlite_url)
    room = [5]

    @event.listens_for(engine, "connect")
    def limit(connection: DBAPICursor, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {room[0]}")

    words = Words(engine)
    async with GroupCommitWriter(engine, words.apply, shorter) as writer:
        with pytest.raises(StoreUnavailable) as caught:
            await writer.accept("x" * 50_000, undo="-")
        assert str(caught.value) == "The database is not available: database or disk is full"
        writer.submit("y" * 50_000)
        room[0] = 1000
        await healthy_again(writer, "next")
    assert [word[0] for word in words.stored()] == ["n", "y"]
    engine.dispose()


async def test_a_file_that_may_only_be_read_refuses_clicks(sqlite_url: str) -> None:
    engine = open_database(sqlite_url)
    words = Words(engine)
    engine.dispose()

    @event.listens_for(engine, "connect")
    def forbid(connection: DBAPICursor, _: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    limits = WriterLimits(longest_pause_seconds=0.05, flush_seconds=0.1)
    async with GroupCommitWriter(engine, words.apply, shorter, limits) as writer:
        with pytest.raises(StoreUnavailable, match="readonly"):
            await writer.accept("one", undo="-one")
        assert not writer.healthy()
    assert words.stored() == []
    engine.dispose()


@pytest.mark.postgres
async def test_a_session_that_the_server_ends_is_opened_again(postgres_url: str) -> None:
    engine = open_database(postgres_url)
    words = Words(engine)
    async with GroupCommitWriter(engine, words.apply, shorter) as writer:
        await writer.accept("one", undo="-one")
        with reading(engine) as connection:
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid()")
            )
        writer.submit("two")
        await healthy_again(writer, "three")
    assert words.stored() == ["one", "three", "two"]
    engine.dispose()


async def test_leaving_during_an_outage_says_how_much_is_lost(words: Words, url: str) -> None:
    limits = WriterLimits(longest_pause_seconds=0.05, flush_seconds=0.1)
    with writing(words.engine) as connection:
        connection.execute(text("ALTER TABLE words RENAME TO lost"))
    with capture_logs() as logs:
        async with GroupCommitWriter(words.engine, words.apply, shorter, limits) as writer:
            writer.submit("one")
            writer.submit("two")
    assert logs[-1] == {"event": "changes_lost", "changes": 2, "log_level": "critical"}
