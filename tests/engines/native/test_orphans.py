"""The legs that an earlier process left, as one process sees them; with real phones they are in scenarios/test_orphans.py."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from ringbridge.engines.native import orphans as module
from ringbridge.engines.native import stored_dialog
from ringbridge.engines.native.driver import SipDriver, SystemRandomness
from ringbridge.engines.native.journal import DialogJournal
from ringbridge.engines.native.orphans import Orphans
from ringbridge.engines.native.resolver import Resolver
from ringbridge.sip.contact import Contact
from ringbridge.sip.dialog import DialogState
from ringbridge.sip.endpoint import Endpoint, EndpointSettings
from ringbridge.sip.event import Event, Released
from ringbridge.sip.hop import Hop
from tests.peers.tool import LOOPBACK, WAIT_SECONDS, free_port, poll

GONE = Hop("TLS", LOOPBACK, 40_000)
DIALOG = DialogState(
    call_id="left",
    local_uri="<sip:ringbridge@127.0.0.1>;tag=ours",
    remote_uri="<sip:desk@10.0.0.7:40000;transport=tls>;tag=theirs",
    local_sequence=1,
    remote_sequence=None,
    route_set=(),
    remote_target="sip:desk@10.0.0.7:40000;transport=tls",
    hop=GONE,
    invite_branch="z9hG4bKleft",
    is_confirmed=True,
    pinned=True,
)


def contact(
    hop: Hop, uri: str = "sip:desk@10.0.0.7:40000", *, call_id: str = "new", instance: str | None = None
) -> Contact:
    return Contact(uri=uri, hop=hop, call_id=call_id, sequence=1, instance=instance, expires_at=1e9)


@asynccontextmanager
async def ending(journal: DialogJournal, *lost: tuple[str, Contact]) -> AsyncIterator[Orphans]:
    """What takes the legs of a journal up, and hears of the end of each as the engine does."""

    def on_event(event: Event) -> None:
        if isinstance(event, Released) and not orphans.keeps(event):
            journal.forget(event.session)

    def make_endpoint(local: Hop, others: tuple[Hop, ...]) -> Endpoint:
        return Endpoint(EndpointSettings(local=local, others=others), SystemRandomness())

    driver = await SipDriver.open(LOOPBACK, 0, make_endpoint, on_event, time.monotonic)
    orphans = Orphans(journal, driver, Resolver(LOOPBACK), time.monotonic)
    try:
        orphans.end_all(lost)
        yield orphans
    finally:
        orphans.close()
        driver.close()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[DialogJournal]:
    """The journal of a process that was killed when one phone was on the line."""
    kept = DialogJournal(tmp_path / "journal")
    kept.keep("call/user/0", stored_dialog.to_text(DIALOG))
    yield kept
    kept.close()


@pytest.fixture
def log() -> Iterator[list[EventDict]]:
    with capture_logs() as lines:
        yield lines


async def until(log: list[EventDict], event: str) -> None:
    async def events() -> list[str]:
        return [line["event"] for line in log]

    await poll(events, lambda found: event in found, event)


@pytest.fixture
def desk() -> Iterator[socket.socket]:
    """Where the phone is found again, for those who send it something."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind((LOOPBACK, 0))
        ear.setblocking(False)
        yield ear


async def hears_bye(desk: socket.socket) -> bool:
    async with asyncio.timeout(WAIT_SECONDS):
        return (await asyncio.get_running_loop().sock_recv(desk, 2000)).startswith(b"BYE sip:desk@")


@pytest.mark.parametrize(
    ("before", "now"),
    [
        # Another port at the same place, the same phone elsewhere, the same series of REGISTERs.
        ({}, {"uri": "sip:desk@10.0.0.7:50000"}),
        ({"instance": '"<urn:a>"'}, {"instance": '"<urn:a>"', "uri": "sip:desk@10.9.9.9"}),
        ({"call_id": "series"}, {"call_id": "series", "uri": "sip:desk@10.9.9.9"}),
        # Nothing is known any more but the dialog.
        (None, {"uri": "sip:desk@10.0.0.7:50000"}),
    ],
)
async def test_a_phone_that_comes_back_is_known(
    journal: DialogJournal, desk: socket.socket, before: dict[str, str] | None, now: dict[str, str]
) -> None:
    lost = [] if before is None else [("line", contact(GONE, **before))]
    async with ending(journal, *lost) as orphans:
        orphans.find("line", [contact(Hop("UDP", *desk.getsockname()), **now)])
        assert await hears_bye(desk)


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("line", {"uri": "sip:hall@10.0.0.7:40000"}),
        ("line", {"uri": "sip:desk@10.0.0.8:40000"}),
        ("line", {"instance": '"<urn:b>"'}),
        ("another line", {}),
    ],
)
async def test_another_phone_is_not_taken_for_it(
    journal: DialogJournal, log: list[EventDict], desk: socket.socket, line: str, other: dict[str, str]
) -> None:
    before = contact(GONE, call_id="before", instance='"<urn:a>"')
    async with ending(journal, ("line", before)) as orphans:
        orphans.find(line, [contact(Hop("UDP", *desk.getsockname()), **other)])
        # A datagram to loopback is there as soon as it is sent.
        with pytest.raises(BlockingIOError):
            desk.recv(2000)
    assert [line["event"] for line in log] == ["sip.orphan_waits"]
    assert list(journal.kept()) == ["call/user/0"]


async def test_a_phone_whose_new_connection_breaks_is_waited_for_again(
    journal: DialogJournal, log: list[EventDict], desk: socket.socket
) -> None:
    async with ending(journal) as orphans:
        orphans.find("line", [contact(Hop("TCP", LOOPBACK, free_port()))])
        await until(log, "sip.connection_failed")
        assert list(journal.kept()) == ["call/user/0"]
        orphans.find("line", [contact(Hop("UDP", *desk.getsockname()))])
        assert await hears_bye(desk)


async def test_a_phone_that_stays_away_is_given_up(
    journal: DialogJournal, log: list[EventDict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)
    async with ending(journal):
        await until(log, "sip.orphan_left")
    assert journal.kept() == {}


async def test_whoever_cannot_be_reached_is_left_and_not_said_to_have_been_ended(
    journal: DialogJournal, log: list[EventDict]
) -> None:
    carrier = DIALOG._replace(
        hop=Hop("TCP", LOOPBACK, free_port()), remote_target="sip:desk@127.0.0.1:1", pinned=False
    )
    journal.keep("call/user/0", stored_dialog.to_text(carrier))
    async with ending(journal):
        await until(log, "sip.orphan_left")
    assert journal.kept() == {}
    assert "sip.orphan_ended" not in [line["event"] for line in log]


async def test_a_damaged_line_is_forgotten(journal: DialogJournal, log: list[EventDict]) -> None:
    journal.keep("call/user/0", "damaged")
    async with ending(journal):
        assert [line["event"] for line in log] == ["sip.orphan_unreadable"]
    assert journal.kept() == {}
