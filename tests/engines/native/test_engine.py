"""The engine with its real socket and relay: what no call over the wire brings about."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from ringbridge.call.cause import Cause
from ringbridge.call.directory import Device, Srtp, Trunk
from ringbridge.call.event import Event, LegEnded, Originate
from ringbridge.call.model import LegName, Party, Route
from ringbridge.engines.native.driver import StreamSettings
from ringbridge.engines.native.engine import NativeEngine
from ringbridge.engines.native.journal import DialogJournal
from ringbridge.engines.native.prompts import PromptLibrary
from ringbridge.engines.native.registrations import Registrations
from ringbridge.engines.native.rtpio import RtpioRelay
from ringbridge.sip.contact import Contact
from ringbridge.sip.endpoint import Endpoint
from ringbridge.sip.errors import LocalUseError
from tests.peers.tool import WAIT_SECONDS
from tests.store.samples import a_call


class NothingKept:
    """Nobody registered before."""

    async def load(self) -> dict[str, tuple[Contact, ...]]:
        return {}

    def save(self, line_id: str, contacts: Sequence[Contact]) -> None:
        """Keep nothing."""


async def nobody(sip_username: str) -> Device | None:
    return None


NAMES = ("one.test", "two.test", "three.test")


def make_engine(data_dir: Path) -> NativeEngine:
    """An engine on a free port of loopback that nobody ever registered at."""
    return NativeEngine(
        sip_host="127.0.0.1",
        sip_port=0,
        make_relay=lambda on_event: RtpioRelay(
            host="127.0.0.1", first_port=10_000, last_port=31_999, on_event=on_event
        ),
        prompts=PromptLibrary(),
        journal=DialogJournal(data_dir / "dialogs"),
        registrations=Registrations(NothingKept(), nobody, time.monotonic, algorithms=("MD5",)),
        now=time.monotonic,
        streams=StreamSettings(),
        trunk_ping_seconds=0.0,
    )


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[NativeEngine]:
    async with make_engine(tmp_path) as running:
        yield running


async def test_a_leg_that_no_message_can_ask_for_ends_and_leaves_nothing(
    engine: NativeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: asyncio.Queue[tuple[str, Event]] = asyncio.Queue()
    engine.listen(lambda call_id, event: told.put_nowait((call_id, event)))

    def invite(endpoint: Endpoint, **values: object) -> str:
        raise LocalUseError("a text would break the message")

    monkeypatch.setattr(Endpoint, "invite", invite)
    call = a_call()
    engine.perform(call, Originate(LegName.USER))
    async with asyncio.timeout(WAIT_SECONDS):
        assert await told.get() == (call.id, LegEnded(LegName.USER, Cause.INTERNAL))
    engine.release(call.id)

    assert told.empty()
    assert engine._sessions == {}
    assert engine.counts.sessions == 0
    assert engine.open_media_sessions == 0


async def test_the_names_of_peers_are_looked_up_side_by_side(
    engine: NativeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Barrier(len(NAMES))

    def look_up(host: str, port: int, **hints: object) -> list[object]:
        asked.wait()
        return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", (f"192.0.2.{NAMES.index(host) + 1}", port))]

    known: list[list[tuple[str, int]]] = []
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(Endpoint, "set_known_peers", lambda endpoint, peers: known.append(sorted(peers)))
    async with asyncio.timeout(WAIT_SECONDS):
        await engine.know_peers(f"{name}:5062" for name in (*NAMES, "192.0.2.9", ""))

    assert known == [[("192.0.2.1", 5062), ("192.0.2.2", 5062), ("192.0.2.3", 5062), ("192.0.2.9", 5062)]]


async def test_a_phone_that_requires_srtp_is_not_called_in_plain_rtp(engine: NativeEngine) -> None:
    told: asyncio.Queue[tuple[str, Event]] = asyncio.Queue()
    engine.listen(lambda call_id, event: told.put_nowait((call_id, event)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.setblocking(False)
        place = f"127.0.0.1:{phone.getsockname()[1]}"
        call = a_call()
        route = call.user.routes[0]._replace(target=f"sip:alice@{place}", srtp=Srtp.REQUIRED)
        call = call._replace(user=call.user._replace(routes=(route,)))
        engine.perform(call, Originate(LegName.USER))
        async with asyncio.timeout(WAIT_SECONDS):
            assert await told.get() == (call.id, LegEnded(LegName.USER, Cause.INCOMPATIBLE_MEDIA))
        engine.release(call.id)

        assert told.empty()
        with pytest.raises(BlockingIOError):
            phone.recv(1)
    assert engine.counts.sessions == 0
    assert engine.open_media_sessions == 0


async def test_a_reservation_keeps_a_channel_for_each_leg_until_the_call_is_released(
    engine: NativeEngine,
) -> None:
    engine.know_trunks([Trunk(id="t", name="main", uri="sip:192.0.2.1", channels=1)])
    route = Route(trunk="main", target="sip:1@192.0.2.1", caller_number="2")
    party = Party(number="1", routes=(route,))
    first, second = (a_call(call_id)._replace(destination=party) for call_id in ("1", "2"))

    assert engine.reserve(first)
    assert not engine.reserve(second)
    assert [trunk.channels for trunk in engine.trunks] == [1]
    engine.release(second.id)
    engine.release(first.id)
    assert engine.reserve(second)
    engine.release(second.id)
    assert [trunk.channels for trunk in engine.trunks] == [0]
