"""The two clients against a real server: what one can do the other can, too."""

import asyncio
import csv
import inspect
import itertools
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

import ringbridge.client
from ringbridge.client import (
    AsyncClient,
    Call,
    Client,
    NotAllowed,
    NotThere,
    Record,
    Refused,
    ServerUnreachable,
)
from tests.client.conftest import Access
from tests.peers.server import user_number
from tests.peers.tool import WAIT_SECONDS, poll

COMPLETED = "+15125550100"
BUSY = "+15125550101"
UNENDING = "+15125550109"
NOWHERE = "http://127.0.0.1:9"

Ask = Callable[..., Any]

_lines = itertools.cycle(range(10))


@pytest.fixture(params=[Client, AsyncClient])
async def ask(request: pytest.FixtureRequest, access: Access) -> AsyncIterator[Ask]:
    """`await ask("find", call_id)`: a method of either client; of one that yields, all that it yielded."""
    if request.param is Client:
        client = Client(access.url, access.account_id, access.key)

        def blocking(name: str, words: tuple[Any, ...], options: dict[str, Any]) -> Any:
            result = getattr(client, name)(*words, **options)
            return list(result) if inspect.isgenerator(result) else result

        async def ask_blocking(name: str, *words: Any, **options: Any) -> Any:
            return await asyncio.to_thread(blocking, name, words, options)

        yield ask_blocking
        return
    async with AsyncClient(access.url, access.account_id, access.key) as asynchronous:

        async def ask_it(name: str, *words: Any, **options: Any) -> Any:
            result = getattr(asynchronous, name)(*words, **options)
            return [item async for item in result] if inspect.isasyncgen(result) else await result

        yield ask_it


async def placed(ask: Ask, destination: str, **options: Any) -> Call:
    """A call from a line that has none."""
    call = await ask("place", user_number(next(_lines)), destination, **options)
    assert isinstance(call, Call)
    return call


async def test_a_call_is_placed_followed_and_over(ask: Ask) -> None:
    call = await placed(ask, BUSY, metadata={"order": "4711"})
    assert (call.destination.number, call.is_over, call.metadata) == (BUSY, False, {"order": "4711"})

    events = await ask("follow", call.id)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert (events[0].name, events[-1].name, events[-1].state) == ("accepted", "ended", "ended")
    assert events[0].at.tzinfo is not None
    # What was told is not told again; and of a call that is over nothing more will be.
    assert await ask("follow", call.id, after=events[-2].sequence) == events[-1:]
    assert await ask("follow", call.id, after=events[-1].sequence) == []

    found = await ask("find", call.id)
    assert (found.is_over, found.outcome, found.destination.cause) == (True, "destination_busy", "busy")
    assert found.events == tuple(events)
    assert call.accepted_at <= found.ended_at <= datetime.now(UTC)  # noqa: TID251


async def test_a_call_is_waited_for_and_leaves_a_record(ask: Ask) -> None:
    call = await placed(ask, COMPLETED)
    async with asyncio.timeout(WAIT_SECONDS):
        over = await ask("wait", call.id)
    assert over.outcome == "completed"

    async def of_call() -> list[Record]:
        records = await ask("records", outcome="completed", limit=1)
        return [record for record in records if record.call_id == call.id]

    # It is written a moment after the end was told.
    (record,) = await poll(of_call, lambda found: len(found) == 1, "the record of the call")
    assert (record.talk_seconds, record.destination.number) == (over.talk_seconds, COMPLETED)
    assert record.user.answered_at == over.user.answered_at


async def test_a_call_tells_whom_it_was_transferred_to(ask: Ask) -> None:
    call = await placed(ask, UNENDING)

    async def read() -> Call:
        found = await ask("find", call.id)
        assert isinstance(found, Call)
        return found

    await poll(read, lambda found: found.state == "connected", "two who talk")
    await ask("transfer", call.id, BUSY)
    found = await poll(
        read, lambda found: any(third.outcome for third in found.thirds), "an end of the transfer"
    )
    (third,) = found.thirds
    assert (third.number, third.outcome, third.cost) == (BUSY, "destination_busy", None)
    assert third.answered_at is None
    assert third.ended_at is not None
    await ask("hang_up", call.id)
    await ask("wait", call.id)


async def test_a_call_is_scheduled_and_tried_again(ask: Ask) -> None:
    call = await placed(ask, BUSY, retry={"max_attempts": 2, "after_seconds": 1, "on": ["destination_busy"]})
    assert (call.state, call.attempt_of) == ("scheduled", None)
    async with asyncio.timeout(WAIT_SECONDS):
        over = await ask("wait", call.id)
    assert (over.outcome, over.schedule.next_attempt_at) == ("destination_busy", None)
    assert len(over.schedule.attempts) == 2
    listed = {one.id: one.schedule for one in await ask("calls", outcome="destination_busy")}
    assert (listed[call.id], listed[over.schedule.attempts[0]]) == (over.schedule, None)
    attempt = await ask("find", over.schedule.attempts[0])
    assert (attempt.attempt_of, attempt.schedule) == (call.id, None)


async def test_a_call_is_hung_up_once(ask: Ask) -> None:
    call = await placed(ask, UNENDING)
    await ask("hang_up", call.id)
    assert (await ask("wait", call.id)).outcome == "canceled"
    with pytest.raises(Refused) as refused:
        await ask("hang_up", call.id)
    assert (refused.value.status, refused.value.code) == (409, "call_already_ended")


async def test_a_call_that_is_asked_for_twice_with_one_key_is_one_call(ask: Ask) -> None:
    key = secrets.token_hex()
    line = user_number(next(_lines))
    first = await ask("place", line, BUSY, idempotency_key=key)
    assert (await ask("place", line, BUSY, idempotency_key=key)).id == first.id
    with pytest.raises(Refused) as refused:
        await ask("place", line, COMPLETED, idempotency_key=key)
    assert refused.value.status == 422
    await ask("wait", first.id)


async def test_lists_are_read_page_by_page(ask: Ask) -> None:
    calls = [await placed(ask, BUSY) for _ in range(3)]
    found = await ask("calls", limit=1, outcome=None)
    assert [call.id for call in found[:3]] == [call.id for call in reversed(calls)]
    for call in calls:
        await ask("wait", call.id)


async def test_lists_are_filtered_by_several_words_of_metadata(ask: Ask) -> None:
    order = {"order": secrets.token_hex(4)}
    one, other = [await placed(ask, BUSY, metadata=order | {"part": part}) for part in ("1", "2")]
    for call in (one, other):
        await ask("wait", call.id)
    wanted = order | {"part": "2"}
    assert [call.id for call in await ask("calls", metadata=wanted)] == [other.id]
    texts = [f"{name}:{text}" for name, text in wanted.items()]
    assert [call.id for call in await ask("calls", metadata=texts)] == [other.id]


async def test_records_are_exported_as_a_table(ask: Ask) -> None:
    call = await placed(ask, BUSY)
    await ask("wait", call.id)
    table = csv.DictReader((await ask("export_records", outcome="destination_busy")).splitlines())
    assert call.id in [row["call_id"] for row in table]


async def test_an_asynchronous_client_says_that_it_is_to_be_opened(access: Access) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await AsyncClient(access.url, access.account_id, access.key).find("0199")


async def test_what_needs_a_joined_call_is_refused_before(ask: Ask) -> None:
    call = await placed(ask, UNENDING)
    for name, words in (
        ("hold", ("user",)),
        ("resume", ()),
        ("press", ("1,2#",)),
        ("transfer", (COMPLETED,)),
        ("release", ("destination",)),
    ):
        with pytest.raises(Refused) as refused:
            await ask(name, call.id, *words)
        assert refused.value.status == 409
    await ask("hang_up", call.id)
    await ask("wait", call.id)


async def test_whatever_else_there_is_can_be_asked(ask: Ask) -> None:
    key = await ask("ask", "POST", "/api/v2/keys", {"name": "Ada", "scopes": ["calls:read"]})
    assert (key["test"], key["key"][:9]) == (True, "c2c_test_")
    assert await ask("ask", "DELETE", f"/api/v2/keys/{key['id']}") == {}


async def test_a_refusal_says_why(ask: Ask, access: Access) -> None:
    with pytest.raises(NotThere) as not_there:
        await ask("find", "019ab2c4-0000-7000-8000-000000000001")
    assert (not_there.value.status, not_there.value.code) == (404, "not_found")
    with pytest.raises(NotThere):
        await ask("follow", "../../healthz")
    with pytest.raises(Refused) as refused:
        await ask("place", "999999", COMPLETED)
    assert (refused.value.status, refused.value.code) == (422, "unknown_line")
    assert str(refused.value).startswith("user_line: ")


async def test_a_wrong_key_is_not_allowed(access: Access) -> None:
    stranger = Client(access.url, access.account_id, "nonsense")
    with pytest.raises(NotAllowed, match="Invalid API credentials"):
        await asyncio.to_thread(stranger.find, "019ab2c4-0000-7000-8000-000000000001")
    async with AsyncClient(access.url, access.account_id, "nonsense") as other:
        with pytest.raises(NotAllowed):
            _ = [event async for event in other.follow("019ab2c4-0000-7000-8000-000000000001")]


async def test_where_nobody_answers_is_unreachable() -> None:
    client = Client(NOWHERE, "7", "key")
    with pytest.raises(ServerUnreachable, match=f"no ringbridge answers at {NOWHERE}"):
        client.find("1")
    with pytest.raises(ServerUnreachable):
        next(client.follow("1"))
    async with AsyncClient(NOWHERE, "7", "key") as other:
        with pytest.raises(ServerUnreachable):
            await other.find("1")
        with pytest.raises(ServerUnreachable):
            await anext(other.follow("1"))


async def test_another_server_is_not_taken_for_ours(access: Access) -> None:
    client = Client(access.url, access.account_id, access.key)
    with pytest.raises(ServerUnreachable, match="no ringbridge server"):
        await asyncio.to_thread(client.ask, "GET", "/docs")


@pytest.mark.parametrize(
    "url", ["foo", "ftp://127.0.0.1", "http://", "http://[::1", "http://h:x", "file:///etc"]
)
def test_a_url_that_leads_to_no_server_is_refused(url: str) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises(ValueError):
            kind(url, "7", "key")


def test_both_clients_offer_the_same() -> None:
    def offered(kind: type) -> dict[str, list[str]]:
        methods = {name: value for name, value in vars(kind).items() if not name.startswith("_")}
        return {name: list(inspect.signature(method).parameters) for name, method in methods.items()}

    assert offered(Client) == offered(AsyncClient)


def test_what_is_exported_is_there() -> None:
    assert sorted(ringbridge.client.__all__) == ringbridge.client.__all__
    for name in ringbridge.client.__all__:
        assert getattr(ringbridge.client, name).__doc__
