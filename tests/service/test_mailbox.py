"""The mailbox of a call: order, waiting, and a reader that is cancelled."""

import asyncio

import pytest

from ringbridge.service.mailbox import Mailbox

SECONDS = 10.0


async def _waiting(mailbox: Mailbox[str]) -> asyncio.Task[str]:
    """A reader that has found nothing and waits."""
    reader = asyncio.create_task(mailbox.get())
    turn = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(turn.set_result, None)
    await turn
    assert not reader.done()
    return reader


async def test_what_waits_is_taken_in_order() -> None:
    mailbox: Mailbox[str] = Mailbox()
    mailbox.put("first")
    mailbox.put("second")
    mailbox.put("third")
    assert mailbox.take() == "first"
    assert await mailbox.get() == "second"
    assert mailbox.take() == "third"
    assert mailbox.take() is None


async def test_a_reader_waits_until_something_comes() -> None:
    mailbox: Mailbox[str] = Mailbox()
    for word in ("once", "again"):
        reader = await _waiting(mailbox)
        mailbox.put(word)
        assert await asyncio.wait_for(reader, SECONDS) == word


async def test_what_comes_while_the_reader_wakes_up_is_kept() -> None:
    mailbox: Mailbox[str] = Mailbox()
    reader = await _waiting(mailbox)
    mailbox.put("first")
    mailbox.put("second")
    assert await asyncio.wait_for(reader, SECONDS) == "first"
    assert mailbox.take() == "second"


@pytest.mark.parametrize("is_woken", [False, True])
async def test_a_cancelled_reader_loses_nothing(is_woken: bool) -> None:
    mailbox: Mailbox[str] = Mailbox()
    reader = await _waiting(mailbox)
    if is_woken:
        mailbox.put("first")
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    mailbox.put("last")
    assert await asyncio.wait_for(mailbox.get(), SECONDS) == ("first" if is_woken else "last")
