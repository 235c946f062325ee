"""Trunks as those see them who run the server: in seconds of the wall's clock, and with what they say when they are asked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringbridge.call.directory import Trunk
from ringbridge.call.errors import NotFound
from ringbridge.call.trunk_state import Probe, ProbeOutcome, TrunkStatus
from ringbridge.service.clock import Clock
from ringbridge.service.line_book import Addresses
from ringbridge.service.trunks import TrunkService
from ringbridge.store.administration import Administration
from ringbridge.store.database import migrate, open_database

NOW, UTC_NOW = 100.0, 1_000_000.0


class StillClock(Clock):
    def now(self) -> float:
        return NOW

    def utc_now(self) -> float:
        return UTC_NOW


class Carriers:
    """The service over two trunks, of which the server has taken notice of the first; whom it asks says `said`."""

    def __init__(self, store: Administration) -> None:
        self.noticed = TrunkStatus(
            name="carrier",
            is_up=True,
            channels=2,
            is_registered=True,
            registered_until=NOW + 50.0,
            registration_status=200,
            answered_at=NOW - 10.0,
        )
        self.said = Probe(ProbeOutcome.ANSWERED, 0.02, "udp", "192.0.2.7", 5060, 200)
        self.asked: list[str] = []
        addresses = Addresses(lambda uri: uri, lambda uri: False)
        self.trunks = TrunkService(
            store, addresses, StillClock(), statuses=lambda: [self.noticed], probe=self.ask
        )

    async def ask(self, uri: str) -> Probe:
        self.asked.append(uri)
        return self.said


@pytest.fixture
def carriers(tmp_path: Path) -> Iterator[Carriers]:
    engine = open_database(f"sqlite:///{tmp_path}/ringbridge.db")
    migrate(engine)
    store = Administration(engine)
    store.add_trunk(Trunk(id="1", name="carrier", uri="sip:192.0.2.7"))
    store.add_trunk(Trunk(id="2", name="new", uri="sip:192.0.2.8"))
    yield Carriers(store)
    engine.dispose()


async def test_how_trunks_do_is_told_by_the_clock_on_the_wall(carriers: Carriers) -> None:
    known, new = await carriers.trunks.all()
    assert (known.status, known.registered_until, known.answered_at) == (
        carriers.noticed,
        UTC_NOW + 50.0,
        UTC_NOW - 10.0,
    )
    assert (new.trunk.name, new.status, new.registered_until, new.answered_at) == ("new", None, None, None)


async def test_a_trunk_is_asked_at_its_address(carriers: Carriers) -> None:
    seen, probe = await carriers.trunks.test("2")
    assert (seen.trunk.name, probe, carriers.asked) == ("new", carriers.said, ["sip:192.0.2.8"])
    with pytest.raises(NotFound):
        await carriers.trunks.test("3")
    assert carriers.asked == ["sip:192.0.2.8"]
