"""Pages of calls: order, filters, and that nobody is missed or told twice while new ones come. On both databases."""

import pytest

from ringbridge.call.history import CallFilter, CallPlace, StoredCall
from ringbridge.call.model import Party, Route
from ringbridge.store.calls import SqlCallStore
from tests.store.samples import UTC_OFFSET, a_call, accept, completed, event, simulated, written

ACCOUNT = "1009683"
EVERY = CallFilter()


def names(found: list[StoredCall]) -> list[str]:
    return [call.id for call in found]


async def page(store: SqlCallStore, wanted: CallFilter, after: CallPlace | None = None) -> list[str]:
    return names(await store.page(ACCOUNT, wanted, after, 10))


async def test_calls_come_newest_first_without_their_histories(store: SqlCallStore) -> None:
    await accept(store, *(a_call(f"call-{n}", accepted_at=100.0 * n) for n in (2, 1, 3)))
    found = await store.page(ACCOUNT, EVERY, None, 2)
    assert names(found) == ["call-3", "call-2"]
    assert [call.events for call in found] == [(), ()]
    assert found[0].user.number == "+18175629656"


async def test_no_call_is_missed_or_told_twice_though_new_ones_come_between_pages(
    store: SqlCallStore,
) -> None:
    # Four of them in the same moment.
    await accept(store, *(a_call(f"call-{n}", accepted_at=100.0 + n // 4) for n in range(10)))
    seen: list[str] = []
    after = None
    while found := await store.page(ACCOUNT, EVERY, after, 3):
        seen += names(found)
        after = found[-1].place
        await accept(store, a_call(f"new-{len(seen)}", accepted_at=200.0 + len(seen)))
    assert seen == [f"call-{n}" for n in reversed(range(10))]


async def test_calls_of_another_account_are_in_no_list(store: SqlCallStore) -> None:
    await accept(store, a_call("call-1"), a_call("call-2", account_id="2000000"))
    assert await page(store, EVERY) == ["call-1"]
    assert names(await store.page("2000000", EVERY, CallPlace(9e9, "z"), 10)) == ["call-2"]


async def test_an_ended_call_is_found_by_state_and_outcome_with_its_talk_seconds(store: SqlCallStore) -> None:
    call = a_call("call-1")
    await accept(store, call, a_call("call-2"))
    store.save(completed(call), event(call, 2, "ended"))
    await written(store)
    assert await page(store, CallFilter(state="ended")) == ["call-1"]
    assert await page(store, CallFilter(state="accepted")) == ["call-2"]
    assert await page(store, CallFilter(outcome="completed")) == ["call-1"]
    assert await page(store, CallFilter(outcome="canceled")) == []
    (found,) = await store.page(ACCOUNT, CallFilter(state="ended"), None, 10)
    assert found.talk_seconds == 12.0


async def test_calls_are_found_by_their_numbers_and_times(store: SqlCallStore) -> None:
    party = Party(number="204", routes=(Route(target="sip:x", caller_number="1"),))
    await accept(
        store,
        a_call("call-1", accepted_at=100.0),
        a_call("call-2", accepted_at=101.0)._replace(user=party),
        a_call("call-3", accepted_at=102.0)._replace(destination=party),
    )
    assert await page(store, CallFilter(user_number="204")) == ["call-2"]
    assert await page(store, CallFilter(destination_number="204")) == ["call-3"]
    assert await page(store, CallFilter(lines=("204", "205"))) == ["call-2"]
    assert await page(store, CallFilter(accepted_from=UTC_OFFSET + 101.0)) == ["call-3", "call-2"]
    assert await page(store, CallFilter(accepted_before=UTC_OFFSET + 101.0)) == ["call-1"]


@pytest.mark.parametrize("name", ["order", "a.b", "a-b_C", "0", "-"])
async def test_calls_are_found_by_their_metadata_whatever_the_name_is_like(
    store: SqlCallStore, name: str
) -> None:
    await accept(
        store,
        a_call("call-1", accepted_at=100.0)._replace(metadata={name: "4711", "by": "ann"}),
        a_call("call-2", accepted_at=101.0)._replace(metadata={name: "4712", "by": "ann"}),
        a_call("call-3", accepted_at=102.0),
    )
    assert await page(store, CallFilter(metadata=((name, "4711"),))) == ["call-1"]
    assert await page(store, CallFilter(metadata=(("by", "ann"),))) == ["call-2", "call-1"]
    assert await page(store, CallFilter(metadata=((name, "4711"), ("by", "bob")))) == []


async def test_test_calls_are_told_from_others(store: SqlCallStore) -> None:
    await accept(store, a_call("live"), simulated(a_call("test")))
    assert await page(store, CallFilter(is_test=True)) == ["test"]
    assert await page(store, CallFilter(is_test=False)) == ["live"]
    found = await store.page(ACCOUNT, EVERY, None, 10)
    assert {call.id: call.is_test for call in found} == {"live": False, "test": True}
    histories = await store.histories_since(ACCOUNT, 0.0, None, 10)
    assert {history.place.call_id: history.is_test for history in histories} == {"live": False, "test": True}
