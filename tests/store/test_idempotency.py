"""Keys are stored with the calls that they led to, and leave with them. On both databases."""

from ringbridge.call.history import first_event
from ringbridge.call.idempotency import KEPT_SECONDS, IdempotencyKey, KeptKey
from ringbridge.store.calls import SqlCallStore
from ringbridge.store.change import ErasedCall
from tests.store.samples import UTC_OFFSET, a_call, written

ACCOUNT = "1009683"
KEY = IdempotencyKey("order 4711", "digest-1")


async def test_a_key_is_kept_with_its_call(store: SqlCallStore) -> None:
    call = a_call("call-1")
    await store.accept(call, first_event(call), KEY)
    assert await store.key(ACCOUNT, KEY.text) == KeptKey("digest-1", "call-1", UTC_OFFSET + 100.0)
    assert await store.key("2000000", KEY.text) is None
    assert await store.key(ACCOUNT, "another") is None


async def test_two_accounts_may_use_the_same_key(store: SqlCallStore) -> None:
    for call in (a_call("call-1"), a_call("call-2", account_id="2000000")):
        await store.accept(call, first_event(call), KEY)
    kept = await store.key("2000000", KEY.text)
    assert kept is not None
    assert kept.call_id == "call-2"


async def test_a_key_that_is_used_anew_after_a_day_leads_to_the_new_call(store: SqlCallStore) -> None:
    first = a_call("call-1")
    second = a_call("call-2", accepted_at=first.accepted_at + KEPT_SECONDS + 1.0)
    await store.accept(first, first_event(first), KEY)
    await store.accept(second, first_event(second), IdempotencyKey(KEY.text, "digest-2"))
    kept = await store.key(ACCOUNT, KEY.text)
    assert kept == KeptKey("digest-2", "call-2", UTC_OFFSET + second.accepted_at)


async def test_keys_are_forgotten_after_a_day(store: SqlCallStore) -> None:
    old, young = a_call("call-1"), a_call("call-2", accepted_at=101.0)
    new = a_call("call-3", accepted_at=old.accepted_at + KEPT_SECONDS + 0.5)
    await store.accept(old, first_event(old), IdempotencyKey("old", "d"))
    await store.accept(young, first_event(young), IdempotencyKey("young", "d"))
    await store.accept(new, first_event(new), IdempotencyKey("new", "d"))
    kept = [await store.key(ACCOUNT, text) is not None for text in ("old", "young", "new")]
    assert kept == [False, True, True]


async def test_a_call_that_is_undone_takes_its_key_along(store: SqlCallStore) -> None:
    call = a_call("call-1")
    await store.accept(call, first_event(call), KEY)
    store._writer.submit(ErasedCall(call.id))
    await written(store)
    assert await store.key(ACCOUNT, KEY.text) is None
