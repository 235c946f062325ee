"""Whether the event loop goes on."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def beating() -> Iterator[list[float]]:
    """How late the event loop was each hundredth of a second, while the block runs."""
    loop = asyncio.get_running_loop()
    lags = [0.0]

    def beat(due_at: float) -> None:
        lags.append(loop.time() - due_at)
        timer[0] = loop.call_later(0.01, beat, loop.time() + 0.01)

    timer = [loop.call_later(0.01, beat, loop.time() + 0.01)]
    try:
        yield lags
    finally:
        timer[0].cancel()
