"""What these tests need from the system, and what happens when it is not there.

A missing tool skips the test on a developer's machine, with the line that installs it, and fails it where
CI=true: there a test that did not run is a test that nobody saw.
"""

import asyncio
import os
import shutil
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest

LOOPBACK = "127.0.0.1"

T = TypeVar("T")


def require_tool(program: str, package: str) -> str:
    """The full path of `program`; skips (or fails, where CI=true) with the line that installs `package`."""
    path = shutil.which(program)
    if path is not None:
        return path
    message = f"{program} is missing: apt-get install {package}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    """A loopback port that nobody uses now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def udp_port_is_taken(port: int) -> bool:
    """Whether some process listens on the UDP port (read from /proc, so that nothing is sent to it)."""
    return any(f":{port:04X} " in line for line in Path("/proc/net/udp").read_text().splitlines())


async def poll(
    ask: Callable[[], Awaitable[T]], good: Callable[[T], bool], what: str, *, seconds: float = 5.0
) -> T:
    """The first answer of `ask()` that is `good`; for what tells nobody when it changes, such as a foreign process."""
    never = asyncio.Event()
    loop = asyncio.get_running_loop()
    gives_up_at = loop.time() + seconds
    while not good(answer := await ask()):
        if loop.time() > gives_up_at:
            raise AssertionError(f"not within {seconds} s: {what}; last seen: {answer}")
        with suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await never.wait()
    return answer
