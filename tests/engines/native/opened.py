"""A driver for tests: its events in a queue, its peers known, its clock real or moved by hand."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from ringbridge.engines.native.driver import SipDriver, StreamSettings, SystemRandomness
from ringbridge.sip.endpoint import Endpoint, EndpointSettings
from ringbridge.sip.event import Event, Released
from ringbridge.sip.hop import Hop

WAIT_SECONDS = 60.0
KNOWN_PEERS = [("127.0.0.1", 5060), ("::1", 5060)]


NO_TLS = StreamSettings()


class OpenedDriver:
    """A driver and what it tells."""

    def __init__(self, driver: SipDriver, events: "asyncio.Queue[Event]") -> None:
        self.driver = driver
        self.events = events

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens for UDP and TCP."""
        return self.driver.local.host, self.driver.local.port

    def invite(self, hop: Hop, *, number: str = "x", body: bytes = b"") -> str:
        """Call somebody."""
        id_ = self.driver.endpoint.invite(
            target=f"sip:{number}@{hop.sent_by}",
            hop=hop,
            from_="<sip:me@127.0.0.1>",
            to="<sip:x@127.0.0.1>",
            body=body,
            now=time.monotonic(),
        )
        self.driver.pump()
        return id_

    async def event(self) -> Event:
        """What is told next, that a session is over on the wire aside."""
        while isinstance(event := await asyncio.wait_for(self.events.get(), WAIT_SECONDS), Released):
            pass
        return event


@asynccontextmanager
async def opened_driver(
    streams: StreamSettings = NO_TLS,
    *,
    host: str = "127.0.0.1",
    now: Callable[[], float] = time.monotonic,
) -> AsyncIterator[OpenedDriver]:
    """A driver on a free port of a loopback address, which is where all its peers are."""
    events: asyncio.Queue[Event] = asyncio.Queue()

    def make_endpoint(local: Hop, others: tuple[Hop, ...]) -> Endpoint:
        return Endpoint(EndpointSettings(local=local, others=others), SystemRandomness())

    driver = await SipDriver.open(host, 0, make_endpoint, events.put_nowait, now, streams)
    driver.endpoint.set_known_peers(KNOWN_PEERS)
    try:
        yield OpenedDriver(driver, events)
    finally:
        driver.close()
