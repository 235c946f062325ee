"""The two SIP phones of a deployment, in a thread of their own: the browser's own loop takes the test's."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, contextmanager
from typing import Any, TypeVar

from tests.peers.phone import Leg, Phone
from tests.peers.server import Deployment
from tests.peers.tool import WAIT_SECONDS

Result = TypeVar("Result")


class Telephones:
    """The user's phone and whatever is behind the trunk. They ring; whether they are picked up is for the test to say."""

    def __init__(self, loop: asyncio.AbstractEventLoop, user: Phone, destination: Phone) -> None:
        self._loop = loop
        self._user = user
        self._destination = destination

    @property
    def user(self) -> Phone:
        """The user's phone, for what is done where the phones live."""
        return self._user

    def begin(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Do something where the phones live while the browser goes on."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def user_leg(self, number: str) -> Leg:
        """The call for this number (without its plus) at the user's phone, now or soon."""
        return self._leg(self._user, number)

    def destination_leg(self, number: str) -> Leg:
        """The same behind the trunk."""
        return self._leg(self._destination, number)

    def do(self, act: Callable[[], Result]) -> Result:
        """What `act` gives, done where the phones live: `phones.do(leg.answer)`."""

        async def done() -> Result:
            return act()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(WAIT_SECONDS)

    def count(self, number: str) -> int:
        """How often the user's phone was called for this number."""
        return self.do(lambda: sum(leg.number == number for leg in self._user.legs))

    def _leg(self, phone: Phone, number: str) -> Leg:
        return asyncio.run_coroutine_threadsafe(phone.leg_to(number), self._loop).result(2 * WAIT_SECONDS)


@contextmanager
def telephones(deployment: Deployment) -> Iterator[Telephones]:
    """Both phones while the block runs."""
    loop, opened = asyncio.new_event_loop(), AsyncExitStack()

    async def open_phones() -> Telephones:
        user, destination = [
            await opened.enter_async_context(Phone.listening(port, on_leg=Leg.ring))
            for port in (deployment.user_port, deployment.trunk_port)
        ]
        return Telephones(loop, user, destination)

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(open_phones(), loop).result(WAIT_SECONDS)
    finally:
        asyncio.run_coroutine_threadsafe(opened.aclose(), loop).result(WAIT_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
