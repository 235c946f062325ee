"""The process that serves: what it takes of its machine, the signals that it obeys, and waiting for whichever comes first."""

import asyncio
import gc
import resource
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any


def allow_many_files() -> None:
    """Let this process open what the machine lets it: the usual 1,024 files would be as many connections of phones."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def spare_the_collector() -> None:
    """Keep the cycle collector from stopping the event loop: everything imported took it 200 ms each time.

    What is there now stays; calls leave few cycles, so looking for them less often costs little memory.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


async def first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait until one of them is over, and give up the others. Raises what it raised."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    for task in done:
        task.result()


@contextmanager
def signals() -> Iterator[tuple[asyncio.Event, asyncio.Event]]:
    """SIGTERM and SIGINT set the first event, and from the second signal on the other one.

    Afterwards they are ignored: what is left is the end of the process.
    """
    loop = asyncio.get_running_loop()
    told, told_again = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (told_again if told.is_set() else told).set()

    kinds = (signal.SIGTERM, signal.SIGINT)
    for kind in kinds:
        loop.add_signal_handler(kind, on_signal)
    try:
        yield told, told_again
    finally:
        for kind in kinds:
            loop.remove_signal_handler(kind)
            signal.signal(kind, signal.SIG_IGN)
