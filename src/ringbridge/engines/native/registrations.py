"""Between the SIP endpoint's registrar, the directory that knows the phones, and the store that outlives the process."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol, assert_never

import structlog

from ringbridge.call.directory import Device
from ringbridge.call.errors import CallError
from ringbridge.engines.native.driver import SipDriver
from ringbridge.sip.contact import Contact
from ringbridge.sip.registration import ContactsChanged, RegistrarEvent, RegistrationAsked

log = structlog.get_logger()

# Of look-ups that hang, so that REGISTERs during an outage of the database take no more room than this.
MAX_LOOK_UPS = 200


class RegistrationStore(Protocol):
    """Keeps where phones are from one process to the next. Contacts count monotonic seconds."""

    async def load(self) -> dict[str, tuple[Contact, ...]]:
        """The contacts of each line that have not expired. Raises StoreUnavailable."""
        ...

    def save(self, line_id: str, contacts: Sequence[Contact]) -> None:
        """Keep these as all contacts of the line. Not awaited."""
        ...


class Registrations:
    """Which phones are registered, and how they get there.

    device: finds a phone by its name. algorithms: of the digests that phones are asked for. now: monotonic seconds.
    """

    def __init__(
        self,
        store: RegistrationStore,
        device: Callable[[str], Awaitable[Device | None]],
        now: Callable[[], float],
        *,
        algorithms: tuple[str, ...],
    ) -> None:
        self.algorithms = algorithms
        self._store = store
        self._device = device
        self._now = now
        self._look_ups: set[asyncio.Task[None]] = set()
        self._driver: SipDriver

    async def start(self, driver: SipDriver) -> list[tuple[str, Contact]]:
        """Take up what an earlier process knew. Raises StoreUnavailable.

        Returns the phones that were on a connection, of which nothing is left to reach them by, each with its line.
        """
        self._driver = driver
        lost: list[tuple[str, Contact]] = []
        for line_id, contacts in (await self._store.load()).items():
            kept = tuple([contact for contact in contacts if not contact.hop.reliable])
            lost += [(line_id, contact) for contact in contacts if contact.hop.reliable]
            if kept != contacts:
                self._store.save(line_id, kept)
            driver.endpoint.registrar.restore(line_id, kept, self._now())
        driver.pump()
        return lost

    async def stop(self) -> None:
        """Look nobody up any more."""
        for look_up in self._look_ups:
            look_up.cancel()
        if self._look_ups:
            await asyncio.wait(self._look_ups)

    def set_lines(self, line_ids: Collection[str]) -> None:
        """Let the phones of these lines register, and forget those of others."""
        self._driver.endpoint.registrar.set_lines(line_ids, self._now())
        self._driver.pump()

    def contacts(self, line_id: str) -> tuple[Contact, ...]:
        """Where the line's phones are."""
        return self._driver.endpoint.registrar.contacts(line_id, self._now())

    def on_event(self, event: RegistrarEvent) -> None:
        """News of the registrar."""
        match event:
            case RegistrationAsked():
                if len(self._look_ups) < MAX_LOOK_UPS:
                    look_up = asyncio.get_running_loop().create_task(self._look_up(event))
                    self._look_ups.add(look_up)
                    look_up.add_done_callback(self._look_ups.discard)
            case ContactsChanged(line=line_id, contacts=contacts):
                self._store.save(line_id, contacts)
                places = [f"{one.hop.transport} {one.hop.host} port {one.hop.port}" for one in contacts]
                log.debug("sip.registered", line=line_id, at=places)
            case _:
                assert_never(event)

    async def _look_up(self, asked: RegistrationAsked) -> None:
        name = asked.authorization.username
        try:
            device = await self._device(name)
        except CallError as exc:
            # No answer: the phone repeats its request until the database is back.
            log.warning("sip.device_not_looked_up", error=str(exc))
            return
        line_id, digests = (None, {}) if device is None else (device.line_id, device.digests)
        self._driver.endpoint.registrar.register(asked, line_id, digests, self._now())
        self._driver.pump()
