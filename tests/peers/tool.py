"""What these tests need from the system, and what happens when it is not there.

A missing tool skips the test on a developer's machine, with the line that installs it, and fails it where
CI=true: there a test that did not run is a test that nobody saw.
"""

import asyncio
import errno
import os
import random
import shutil
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

LOOPBACK = "127.0.0.1"

WAIT_SECONDS = 60.0
"""How long something may take that has to happen: what is slow on a busy machine is not what is wrong."""

# Between two looks: what takes its time is not asked for so often that it takes longer.
_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.05

# Where no system takes ports for outgoing connections from, and no server of the tests takes them for audio: what is free
# now is still free when its owner binds it. Each port has one before and one behind it: baresip's for TLS is the one
# behind that which it is told.
_PORT_STEP = 3
_BLOCK_PORTS = 50 * _PORT_STEP
_BLOCKS = (
    *range(4_000, 12_000 - _BLOCK_PORTS, _BLOCK_PORTS),
    *range(30_000, 32_768 - _BLOCK_PORTS, _BLOCK_PORTS),
)
_MEDIA_BLOCKS = range(12_000, 30_000, 2_000)

T = TypeVar("T")


def require_tool(program: str, package: str) -> str:
    """The full path of `program`; skips (or fails, where CI=true) with the line that installs `package`."""
    path = shutil.which(program)
    if path is None:
        go_without(f"{program} is missing: apt-get install {package}")
    return path


def go_without(message: str) -> NoReturn:
    """Skip the test, or fail it where CI=true; the message says what is missing and what installs it."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def _ports() -> Iterator[int]:
    """Ports that no other run of the tests on this machine is given, and this one only once all were."""
    held: list[int] = []
    while True:
        for first in random.sample(_BLOCKS, len(_BLOCKS)):
            if (claim := _claimed(first)) is not None:
                held.append(claim)
                yield from range(first + 1, first + _BLOCK_PORTS, _PORT_STEP)
        while held:
            os.close(held.pop())


def _claimed(first: int) -> int | None:
    """The file that claims the ports from `first` on, as long as it is open; None if another process has claimed them."""
    # A name in Linux's abstract namespace has one owner, and is gone with the process.
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0ringbridge tests {first}")
    except OSError:
        claim.close()
        return None
    return claim.detach()


@cache
def media_ports() -> range:
    """Where the servers of this process take ports for audio: of no other process that tests, as long as there are nine."""
    firsts = random.sample(_MEDIA_BLOCKS, len(_MEDIA_BLOCKS))
    first = next((first for first in firsts if _claimed(first) is not None), firsts[0])
    return range(first, first + _MEDIA_BLOCKS.step)


_next_ports = _ports()


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    """A loopback port that nobody uses now, and that nobody else is given."""
    while True:
        port = next(_next_ports)
        with _unless_taken(), socket.socket(socket.AF_INET, kind) as probe:
            probe.bind((LOOPBACK, port))
            return port


def free_sip_port(*, following: int = 0, host: str = LOOPBACK) -> int:
    """A port that nobody uses now, neither for UDP nor for TCP, nor (for TCP) the `following` ones: one at most."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        port = next(_next_ports)
        with _unless_taken(), socket.socket(family, socket.SOCK_DGRAM) as probe, ExitStack() as others:
            probe.bind((host, port))
            for wanted in range(port, port + following + 1):
                others.enter_context(socket.socket(family, socket.SOCK_STREAM)).bind((host, wanted))
            return port


@contextmanager
def _unless_taken() -> Iterator[None]:
    """Passes over that a port is taken, and over nothing else: where a host has no address no port would ever do."""
    try:
        yield
    except OSError as exc:
        if exc.errno != errno.EADDRINUSE:
            raise


def port_is_taken(port: int, kind: str = "udp") -> bool:
    """Whether some process listens on the port (read from /proc, so that nothing is sent to it)."""
    return any(f":{port:04X} " in line for line in Path(f"/proc/net/{kind}").read_text().splitlines())


async def poll(
    ask: Callable[[], Awaitable[T]], good: Callable[[T], bool], what: str, *, seconds: float = WAIT_SECONDS
) -> T:
    """The first answer of `ask()` that is `good`; for what tells nobody when it changes, such as a foreign process."""
    never = asyncio.Event()
    loop = asyncio.get_running_loop()
    gives_up_at = loop.time() + seconds
    pause_seconds = _FIRST_PAUSE_SECONDS
    while not good(answer := await ask()):
        if loop.time() > gives_up_at:
            raise AssertionError(f"not within {seconds} s: {what}; last seen: {answer}")
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_seconds):
                await never.wait()
        pause_seconds = min(1.5 * pause_seconds, _LONGEST_PAUSE_SECONDS)
    return answer
