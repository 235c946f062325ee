"""Phones between the registrar, the directory and the store."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from ringbridge.call.directory import Device
from ringbridge.call.errors import StoreUnavailable
from ringbridge.engines.native.driver import SipDriver, SystemRandomness
from ringbridge.engines.native.registrations import MAX_LOOK_UPS, Registrations
from ringbridge.sip.authorization import Authorization
from ringbridge.sip.contact import Contact
from ringbridge.sip.endpoint import Endpoint, EndpointSettings
from ringbridge.sip.event import Event
from ringbridge.sip.headers import Headers
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request
from ringbridge.sip.registration import RegistrationAsked


def contact(hop: Hop) -> Contact:
    return Contact(
        uri="sip:a@10.0.0.7", hop=hop, call_id="c", sequence=1, expires_at=time.monotonic() + 86_400
    )


UDP = contact(Hop("UDP", "127.0.0.1", 9))
TCP = contact(Hop("TCP", "127.0.0.1", 9))


class Kept:
    """What an earlier process kept, and what this one does."""

    def __init__(self, **contacts: tuple[Contact, ...]) -> None:
        self.contacts = contacts
        self.saved: list[tuple[str, tuple[Contact, ...]]] = []

    async def load(self) -> dict[str, tuple[Contact, ...]]:
        return dict(self.contacts)

    def save(self, line_id: str, contacts: Sequence[Contact]) -> None:
        self.saved.append((line_id, tuple(contacts)))


class Phonebook:
    """Look-ups that wait until they are let go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go = asyncio.Event()
        self.is_down = False

    async def device(self, name: str) -> Device | None:
        self.asked.append(name)
        await self.go.wait()
        if self.is_down:
            raise StoreUnavailable("down")
        return None


@asynccontextmanager
async def started(store: Kept, book: Phonebook) -> AsyncIterator[tuple[Registrations, SipDriver]]:
    def ignore(event: Event) -> None:
        """There are no calls."""

    def make_endpoint(local: Hop, others: tuple[Hop, ...]) -> Endpoint:
        return Endpoint(EndpointSettings(local=local, others=others), SystemRandomness())

    registrations = Registrations(store, book.device, time.monotonic, algorithms=("MD5",))
    driver = await SipDriver.open(
        "127.0.0.1", 0, make_endpoint, ignore, time.monotonic, on_registration=registrations.on_event
    )
    try:
        await registrations.start(driver)
        registrations.set_lines(["line-1", "line-2"])
        yield registrations, driver
        await registrations.stop()
    finally:
        driver.close()


def asking(name: str) -> RegistrationAsked:
    fields = [
        ("Via", f"SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK{name}"),
        ("From", "<sip:a@x>;tag=1"),
        ("To", "<sip:a@x>"),
        ("Call-ID", name),
        ("CSeq", "1 REGISTER"),
    ]
    return RegistrationAsked(
        request=Request(method="REGISTER", uri="sip:x", headers=Headers.of(fields)),
        source=Hop("UDP", "127.0.0.1", 9),
        authorization=Authorization(
            username=name,
            nonce="",
            uri="",
            response="",
            algorithm="MD5",
            quality="",
            count="",
            client_nonce="",
        ),
    )


async def test_phones_of_an_earlier_process_are_known_but_for_those_on_connections() -> None:
    store = Kept(**{"line-1": (UDP, TCP), "line-2": (UDP,)})
    async with started(store, Phonebook()) as (registrations, _):
        assert registrations.contacts("line-1") == registrations.contacts("line-2") == (UDP,)
        assert store.saved == [("line-1", (UDP,))]


async def test_the_phones_of_a_line_that_is_gone_are_forgotten_in_the_store_too() -> None:
    store = Kept(gone=(UDP,))
    async with started(store, Phonebook()) as (registrations, _):
        assert registrations.contacts("gone") == ()
        assert store.saved == [("gone", ())]


async def test_look_ups_that_hang_take_no_more_than_their_room() -> None:
    book = Phonebook()
    async with started(Kept(), book) as (registrations, _):
        for number in range(MAX_LOOK_UPS + 50):
            registrations.on_event(asking(str(number)))
        await asyncio.wait_for(_until(lambda: len(book.asked) >= MAX_LOOK_UPS), 20.0)

        assert len(book.asked) == MAX_LOOK_UPS


async def test_who_cannot_be_looked_up_is_not_answered_and_may_try_again() -> None:
    book = Phonebook()
    book.is_down = True
    book.go.set()
    async with started(Kept(), book) as (registrations, driver):
        registrations.on_event(asking("a"))
        await asyncio.wait_for(_until(lambda: book.asked == ["a"] and not registrations._look_ups), 20.0)
        registrations.on_event(asking("a"))
        await asyncio.wait_for(_until(lambda: book.asked == ["a", "a"]), 20.0)

        assert driver.endpoint.packets_to_send() == []


async def _until(is_so: Callable[[], bool]) -> None:
    loop = asyncio.get_running_loop()
    while not is_so():
        turn = loop.create_future()
        loop.call_soon(turn.set_result, None)
        await turn
