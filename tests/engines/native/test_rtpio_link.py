"""When commands leave; what the worker does with them is tested in test_rtpio.py."""

import asyncio
from typing import cast

import pytest

from ringbridge.engines.native.rtpio_link import WorkerLink
from tests.peers.tool import WAIT_SECONDS

pytestmark = pytest.mark.asyncio


class Wire(asyncio.WriteTransport):
    """What was written, write by write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: asyncio.Queue[bytes] = asyncio.Queue()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.put_nowait(bytes(data))


def linked_by(wire: Wire) -> WorkerLink:
    # Only starting, killing and stopping need the process.
    link = WorkerLink(cast(asyncio.subprocess.Process, None), on_lost=lambda link: None)
    link.connection_made(wire)
    return link


async def test_commands_of_several_turns_of_the_loop_leave_in_one_write() -> None:
    wire = Wire()
    link = linked_by(wire)
    link.ask("U a")
    asyncio.get_running_loop().call_soon(link.ask, "P a")

    async with asyncio.timeout(WAIT_SECONDS):
        assert await wire.writes.get() == b"U a\nP a\n"


async def test_a_command_that_is_waited_for_takes_the_others_with_it() -> None:
    wire = Wire()
    link = linked_by(wire)
    link.ask("D a")
    waiting = asyncio.ensure_future(link.replies("U b", "L b"))
    async with asyncio.timeout(WAIT_SECONDS):
        assert await wire.writes.get() == b"D a\nU b\nL b\n"
    link.data_received(b"0\n20000 127.0.0.1\n20002 127.0.0.1\n")
    assert await waiting == ["20000 127.0.0.1", "20002 127.0.0.1"]


async def test_what_the_window_has_no_room_for_leaves_with_the_next_reply() -> None:
    wire = Wire()
    link = linked_by(wire)
    link.ask("P " + "a" * 5000)
    link.ask("P b")

    async with asyncio.timeout(WAIT_SECONDS):
        assert await wire.writes.get() == b"P " + b"a" * 5000 + b"\n"
        link.data_received(b"0\n")
        assert await wire.writes.get() == b"P b\n"
