"""What is looked at again and again, until told to stop."""

import asyncio

from structlog.testing import capture_logs

from ringbridge.store.polling import polling
from tests.store.samples import PATIENCE_SECONDS


async def test_it_looks_again_though_a_look_failed_and_says_so() -> None:
    looks = asyncio.Semaphore(0)

    async def look() -> None:
        looks.release()
        raise RuntimeError("nothing to be seen")

    with capture_logs() as logs:
        async with polling(0.001, look), asyncio.timeout(PATIENCE_SECONDS):
            for _ in range(3):
                await looks.acquire()
    assert {line["event"] for line in logs} == {"poll_failed"}


async def test_a_look_that_is_under_way_is_finished_and_is_the_last() -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()
    looks: list[str] = []

    async def look() -> None:
        begun.set()
        await may_end.wait()
        looks.append("done")

    async with polling(0.001, look):
        await asyncio.wait_for(begun.wait(), PATIENCE_SECONDS)
        asyncio.get_running_loop().call_soon(may_end.set)
    assert looks == ["done"]
