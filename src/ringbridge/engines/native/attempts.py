"""The ways to one leg, tried one after the other: over its routes, and over the servers of each.

Which one comes next is decided here; that a failure is a reason to go on is decided by `news`, and INVITEs are sent by
`carriage`. Of a registered device all phones are one attempt.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from ringbridge.call.model import Party, Route
from ringbridge.call.routing import MOST_ROUTES
from ringbridge.engines.native.resolver import Resolver, Unresolvable
from ringbridge.engines.native.trunks import Trunks
from ringbridge.sip.contact import Contact
from ringbridge.sip.hop import Hop

log = structlog.get_logger()

MOST_ATTEMPTS = MOST_ROUTES
HOPS_OF_ONE_ROUTE = 2
"""Of a carrier's servers no more are tried, so that the next carrier has its turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One phone to ring. `path` are the proxies on the way; a pinned one is reached by `hop` only, whatever it says.

    user_agent: what a registered phone calls itself.
    """

    target: str
    hop: Hop
    path: tuple[str, ...] = ()
    pinned: bool = False
    user_agent: str | None = None


class Attempt(NamedTuple):
    """What to dial at once."""

    route: Route
    branches: tuple[Branch, ...]


class Attempts:
    """What is left to try for one leg. While a trunk is tried or used, one of its channels is taken."""

    def __init__(
        self,
        party: Party,
        *,
        resolver: Resolver,
        trunks: Trunks,
        contacts: Callable[[str], tuple[Contact, ...]],
    ) -> None:
        self._party = party
        self._resolver = resolver
        self._trunks = trunks
        self._contacts = contacts
        self._routes = deque(party.routes)
        self._hops: deque[Hop] = deque()
        # Servers that have failed lately: for when there is nothing else.
        self._passed_over: deque[tuple[Route, Hop]] = deque()
        self._route = party.routes[0]
        self._hop: Hop | None = None
        self._trunk: str | None = None
        self._made = 0
        self.is_full = False
        """Whether a trunk was passed over because all that it may carry it carries."""

    @property
    def first_trunk(self) -> str | None:
        """The trunk that everybody takes to be the one that is tried, until it is told otherwise."""
        return self._party.routes[0].trunk

    def next(self, now: float) -> Attempt | Route | None:
        """What to dial now, or the route whose name is to be looked up first; None when nothing is left."""
        if self._party.device is not None:
            return self._ring_device()
        while self._made < MOST_ATTEMPTS:
            while self._hops:
                hop = self._hops.popleft()
                if self._route.trunk is not None and not self._trunks.admits(hop, now):
                    self._passed_over.append((self._route, hop))
                elif self._enter(self._route, now):
                    return self._make(hop, now)
                else:
                    self._hops.clear()
            if not self._routes:
                break
            try:
                hops = self._resolver.known(self._routes[0].target)
            except Unresolvable as exc:
                log.warning("call.unresolvable", error=str(exc))
                self._routes.popleft()
                continue
            if not hops:
                return self._routes[0]
            self._take(hops)
        return self._last_resort(now)

    async def look_up(self, route: Route) -> None:
        """Find out where a route leads that `next` gave, in a few seconds at most; then `next` has more to say."""
        hops: Sequence[Hop] = ()
        try:
            hops = await self._resolver.resolve(route.target)
        except Unresolvable as exc:
            log.warning("call.unresolvable", error=str(exc))
        if self._routes:
            self._take(hops)

    def _take(self, hops: Sequence[Hop]) -> None:
        """The next route leads to these, or nowhere: it is the one to be tried now."""
        self._route = self._routes.popleft()
        self._hops.extend(hops[:HOPS_OF_ONE_ROUTE])

    def succeed(self) -> None:
        """The server that was tried last does its work."""
        if self._trunk is not None and self._hop is not None:
            self._trunks.succeeded(self._hop)

    def fail(self, now: float) -> None:
        """The server that was tried last does not do its work."""
        if self._trunk is not None and self._hop is not None:
            self._trunks.failed(self._hop, now)

    def close(self) -> None:
        """The leg is over: nothing is left to try, and the trunk's channel is free."""
        self._routes.clear()
        self._hops.clear()
        self._passed_over.clear()
        self._leave_trunk()

    def _ring_device(self) -> Attempt | None:
        """All phones of the line at once, and once only."""
        device = self._party.device
        contacts = self._contacts(device) if device is not None and self._made == 0 else ()
        if not contacts:
            return None
        self._made = 1
        branches = [
            Branch(target=one.uri, hop=one.hop, path=one.path, pinned=True, user_agent=one.user_agent)
            for one in contacts
        ]
        return Attempt(self._route, tuple(branches))

    def _last_resort(self, now: float) -> Attempt | None:
        """One of those that failed lately, if nobody else was asked: it is better than nothing, and may be back."""
        while self._made == 0 and self._passed_over:
            self._route, hop = self._passed_over.popleft()
            if self._enter(self._route, now):
                return self._make(hop, now)
        return None

    def _make(self, hop: Hop, now: float) -> Attempt:
        self._made += 1
        self._hop = hop
        if self._trunk is not None:
            self._trunks.tried(hop, now)
        return Attempt(self._route, (Branch(target=self._route.target, hop=hop),))

    def _enter(self, route: Route, now: float) -> bool:
        """Take a channel of the route's trunk in place of that of the last one; False if there is none."""
        if route.trunk == self._trunk:
            return True
        self._leave_trunk()
        if route.trunk is not None and not self._trunks.take(route.trunk, now):
            log.info("call.trunk_full", trunk=route.trunk)
            self.is_full = True
            return False
        self._trunk = route.trunk
        return True

    def _leave_trunk(self) -> None:
        if self._trunk is not None:
            self._trunks.release(self._trunk)
            self._trunk = None
