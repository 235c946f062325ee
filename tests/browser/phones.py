"""The phones of a deployment, in a thread of their own: the browser's own loop takes the test's."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from typing import Any, TypeVar

from tests.peers.phone import Leg, Phone
from tests.peers.server import Deployment
from tests.peers.tool import WAIT_SECONDS
from tests.scenarios.sound import DESTINATION_HZ, Voice, voice_of

Result = TypeVar("Result")


class Aside:
    """A loop in a thread of its own, where phones live while the browser goes on."""

    def __init__(self, loop: asyncio.AbstractEventLoop, opened: AsyncExitStack) -> None:
        self._loop = loop
        self._opened = opened

    def begin(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Have something done there, and go on."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def wait_for(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What comes of it, once it is done."""
        return self.begin(work).result(2 * WAIT_SECONDS)

    def do(self, act: Callable[[], Result]) -> Result:
        """What `act` gives there: `aside.do(leg.answer)`."""

        async def done() -> Result:
            return act()

        return self.wait_for(done())

    def open(self, context: AbstractAsyncContextManager[Result]) -> Result:
        """Enter it; it is left when the thread ends."""
        return self.wait_for(self._opened.enter_async_context(context))


@contextmanager
def aside() -> Iterator[Aside]:
    """The thread while the block runs."""
    loop, opened = asyncio.new_event_loop(), AsyncExitStack()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    beside = Aside(loop, opened)
    try:
        yield beside
    finally:
        beside.wait_for(opened.aclose())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class Telephones:
    """The user's phone and whatever is behind the trunk. They ring; whether they are picked up is for the test to say.

    ear: what is heard behind the trunk, by all calls there together.
    """

    def __init__(self, beside: Aside, user: Phone, destination: Phone, ear: Voice) -> None:
        self.ear = ear
        self._beside = beside
        self._user = user
        self._destination = destination

    def user_leg(self, number: str) -> Leg:
        """The call for this number (without its plus) at the user's phone, now or soon."""
        return self._beside.wait_for(self._user.leg_to(number))

    def destination_leg(self, number: str) -> Leg:
        """The same behind the trunk."""
        return self._beside.wait_for(self._destination.leg_to(number))

    def do(self, act: Callable[[], Result]) -> Result:
        """What `act` gives, done where the phones live: `phones.do(leg.answer)`."""
        return self._beside.do(act)

    def wait_for(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What comes of it there: `phones.wait_for(hears_key(phones.ear))`."""
        return self._beside.wait_for(work)

    def count(self, number: str) -> int:
        """How often the user's phone was called for this number."""
        return self.do(lambda: sum(leg.number == number for leg in self._user.legs))


@contextmanager
def telephones(deployment: Deployment) -> Iterator[Telephones]:
    """Both phones while the block runs."""
    with aside() as beside:
        user, destination = (
            beside.open(Phone.listening(port, on_leg=Leg.ring))
            for port in (deployment.user_port, deployment.trunk_port)
        )
        with voice_of(destination, DESTINATION_HZ) as ear:
            yield Telephones(beside, user, destination, ear)
