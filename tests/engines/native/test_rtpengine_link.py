"""In which order a daemon gets its commands."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ringbridge.engines.native.rtpengine_link import DaemonLink, Reply
from ringbridge.media.bencode import Value, decode, encode
from tests.peers.tool import LOOPBACK, WAIT_SECONDS


class Daemon:
    """Takes one connection and answers a ping; what else it hears it answers when it is told to."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[bytes, Reply]] = asyncio.Queue()
        self.port = 0
        self._writer: asyncio.StreamWriter

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        partial = b""
        while data := await reader.read(65_536):
            partial += data
            while b" " in partial:
                cookie, _, rest = partial.partition(b" ")
                found = decode(rest)
                assert found is not None
                assert isinstance(found.value, dict)
                partial = rest[found.end :]
                if found.value["command"] == b"ping":
                    self.answer(cookie)
                else:
                    self.heard.put_nowait((cookie, found.value))
        writer.close()

    def answer(self, cookie: bytes) -> None:
        self._writer.write(cookie + b" " + encode({"result": "ok"}))

    async def next_commands(self, count: int) -> list[tuple[bytes, Value]]:
        """The next so many: cookie and name."""
        async with asyncio.timeout(WAIT_SECONDS):
            got = [await self.heard.get() for _ in range(count)]
        return [(cookie, command["command"]) for cookie, command in got]


@pytest.fixture
async def daemon() -> AsyncIterator[Daemon]:
    daemon = Daemon()
    server = await asyncio.start_server(daemon.serve, LOOPBACK, 0)
    daemon.port = server.sockets[0].getsockname()[1]
    yield daemon
    server.close()


@pytest.fixture
async def link(daemon: Daemon) -> AsyncIterator[DaemonLink]:
    link = await DaemonLink.connect(LOOPBACK, daemon.port, lambda notice: None, lambda link: None)
    yield link
    link.close()


async def test_a_call_s_next_command_waits_for_the_answer_and_another_call_s_does_not(
    daemon: Daemon, link: DaemonLink
) -> None:
    link.ask({"command": "offer", "call-id": "a"})
    link.ask({"command": "answer", "call-id": "a"})
    link.ask({"command": "delete", "call-id": "a"})
    link.ask({"command": "query", "call-id": "b"})

    (first, _), query = await daemon.next_commands(2)
    assert query[1] == b"query"

    daemon.answer(first)
    ((second, name),) = await daemon.next_commands(1)
    assert name == b"answer"
    daemon.answer(second)
    assert [name for _, name in await daemon.next_commands(1)] == [b"delete"]


async def test_what_a_reply_leads_to_comes_behind_what_was_asked_before(
    daemon: Daemon, link: DaemonLink
) -> None:
    link.ask(
        {"command": "query", "call-id": "a"},
        lambda reply: link.ask({"command": "offer", "call-id": "a"}),
    )
    link.ask({"command": "play media", "call-id": "a"})
    names = []
    for _ in range(3):
        ((cookie, name),) = await daemon.next_commands(1)
        names.append(name)
        daemon.answer(cookie)

    assert names == [b"query", b"play media", b"offer"]
    await link.settled()
