"""Where phones are, from one process to the next, on both databases."""

from dataclasses import replace

from sqlalchemy import Engine, select

from ringbridge.call.directory import RegisteredDevice
from ringbridge.sip.contact import Contact
from ringbridge.sip.hop import Hop
from ringbridge.store.administration import Administration
from ringbridge.store.database import reading
from ringbridge.store.registrations import SqlRegistrations
from ringbridge.store.tables import registrations

UTC = 1_800_000_000.0

DESK = Contact(
    uri="sip:1009683-201@10.0.0.7;transport=tcp",
    hop=Hop("TCP", "203.0.113.5", 40_000),
    path=('"a, b" <sip:edge.example;lr>', "<sip:inner.example;lr>"),
    user_agent="Desk Phone 1.2",
    instance='"<urn:uuid:1>"',
    flow=2**31 - 1,
    call_id="c1",
    sequence=2**31 - 1,
    expires_at=3700.0,
)
SOFT = Contact(
    uri="sip:1009683-201@10.0.0.8", hop=Hop("UDP", "::1", 5060), call_id="c2", sequence=1, expires_at=900.0
)


def opened(engine: Engine, *, now: float = 100.0, utc_now: float = UTC) -> SqlRegistrations:
    return SqlRegistrations(engine, now=lambda: now, utc_now=lambda: utc_now)


async def test_at_first_nobody_is_there(engine: Engine) -> None:
    async with opened(engine) as store:
        assert await store.load() == {}


async def test_what_was_saved_is_there_for_the_next_process(engine: Engine) -> None:
    async with opened(engine) as store:
        store.save("line-2", [SOFT])
        store.save("line-1", [SOFT, DESK])

    assert await opened(engine).load() == {"line-1": (SOFT, DESK), "line-2": (SOFT,)}


async def test_the_clock_of_the_next_process_may_begin_elsewhere(engine: Engine) -> None:
    async with opened(engine) as store:
        store.save("line-1", [SOFT])

    (contact,) = (await opened(engine, now=5000.0, utc_now=UTC + 300.0).load())["line-1"]

    assert contact.expires_at == 5500.0


async def test_who_has_not_been_heard_of_in_time_is_not_there(engine: Engine) -> None:
    async with opened(engine) as store:
        store.save("line-1", [SOFT, DESK])

    assert await opened(engine, utc_now=UTC + 800.0).load() == {"line-1": (_later(DESK, -800.0),)}
    assert await opened(engine, utc_now=UTC + 3600.0).load() == {}


async def test_what_is_saved_takes_the_place_of_what_was(engine: Engine) -> None:
    async with opened(engine) as store:
        store.save("line-1", [SOFT, DESK])
    async with opened(engine) as store:
        store.save("line-1", [DESK])
        store.save("line-2", [SOFT])
        store.save("line-2", [])

    assert await opened(engine).load() == {"line-1": (DESK,)}
    with reading(engine) as connection:
        assert len(connection.execute(select(registrations)).all()) == 1


def _later(contact: Contact, seconds: float) -> Contact:
    return replace(contact, expires_at=contact.expires_at + seconds)


async def test_an_administrator_sees_who_is_registered_now(
    engine: Engine, administration: Administration
) -> None:
    async with opened(engine) as store:
        store.save("line-1", [SOFT, DESK])

    at_first = administration.registered_devices(UTC)
    later = administration.registered_devices(UTC + 800.0)

    desk = RegisteredDevice("TCP", "203.0.113.5", 40_000, "Desk Phone 1.2", UTC + 3600.0)
    assert at_first == {"line-1": [RegisteredDevice("UDP", "::1", 5060, None, UTC + 800.0), desk]}
    assert later == {"line-1": [desk]}
