"""Work beside whoever began it: kept, waited for, given up; and its faults are told."""

import asyncio

import structlog

from ringbridge.tasks import Tasks


async def test_what_is_finished_is_waited_for_and_what_is_cancelled_is_not() -> None:
    tasks, done = Tasks("fault"), []

    async def work(until: asyncio.Event) -> None:
        await until.wait()
        done.append(until)

    first, never = asyncio.Event(), asyncio.Event()
    tasks.begin(work(first))
    first.set()
    await tasks.finish()
    assert done == [first]
    tasks.begin(work(never))
    await tasks.cancel()
    assert done == [first]


async def test_a_fault_is_logged_and_raised_to_nobody() -> None:
    async def work() -> None:
        raise ValueError("no such thing")

    tasks = Tasks("things.fault")
    with structlog.testing.capture_logs() as told:
        tasks.begin(work())
        await tasks.finish()
    assert [(line["event"], line["log_level"], str(line["exc_info"])) for line in told] == [
        ("things.fault", "error", "no such thing")
    ]
