"""The ways to one leg, tried one after the other: over its routes, and over the servers of each.

Which one comes next is decided here; that a failure is a reason to go on is decided by `news`, and INVITEs are sent by
`carriage`. Of a registered device all phones are one attempt.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
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
LONGEST_PAUSE_SECONDS = 3.0
"""A carrier that takes so many calls a second is waited for as long, if there is no other one."""


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


class Pause(NamedTuple):
    """What to wait before anything is dialled: the carrier takes no more calls just now."""

    seconds: float


class Attempts:
    """What is left to try for one leg. From its beginning to its end one channel of a trunk is taken, if one is free."""

    __slots__ = (
        "_begun",
        "_channels",
        "_contacts",
        "_health",
        "_hop",
        "_hops",
        "_made",
        "_over",
        "_party",
        "_passed_over",
        "_resolver",
        "_route",
        "_routes",
        "_trunk",
        "_waiting",
        "_was_trial",
        "is_full",
    )

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
        self._channels = trunks.channels
        self._health = trunks.health
        self._contacts = contacts
        self._routes = list(party.routes)
        self._hops: list[Hop] = []
        # Servers that have failed lately: for when there is nothing else.
        self._passed_over: list[tuple[Route, Hop]] = []
        # Those of carriers that take no more calls just now.
        self._waiting: list[tuple[Route, Hop]] = []
        self._route = party.routes[0]
        self._hop: Hop | None = None
        self._trunk: str | None = None
        # The trunk that this leg was counted among the new calls of.
        self._begun: str | None = None
        self._made = 0
        self._was_trial = False
        self._over: asyncio.Event | None = None
        for route in party.routes:
            if self._enter(route):
                break
        self.is_full = False
        """Whether a trunk was passed over because all that it may carry it carries."""

    @property
    def first_trunk(self) -> str | None:
        """The trunk that everybody takes to be the one that is tried, until it is told otherwise."""
        return self._party.routes[0].trunk

    def next(self, now: float) -> Attempt | Route | Pause | None:
        """What to dial now, or what to `prepare` first: a name to look up, or a pause; None when nothing is left."""
        if self._party.device is not None:
            return self._ring_device()
        while self._made < MOST_ATTEMPTS:
            while self._hops:
                hop = self._hops.pop(0)
                if self._is_to_be_passed_over(hop, now):
                    self._passed_over.append((self._route, hop))
                elif not self._enter(self._route):
                    self._hops.clear()
                elif not self._begin(now):
                    self._waiting.append((self._route, hop))
                    self._hops.clear()
                else:
                    return self._make(hop, now)
            if not self._routes:
                return self._wait(now) or self._last_resort(now)
            try:
                hops = self._resolver.known(self._routes[0].target)
            except Unresolvable as exc:
                log.warning("call.unresolvable", error=str(exc))
                self._routes.pop(0)
                continue
            if not hops:
                return self._routes[0]
            self._take(hops)
        return None

    async def prepare(self, way: Route | Pause) -> None:
        """Do what `next` gave before there is something to dial; takes a few seconds at most. Then it has more to say."""
        if isinstance(way, Pause):
            self._over = asyncio.Event()
            with suppress(TimeoutError):
                async with asyncio.timeout(way.seconds):
                    await self._over.wait()
            return
        hops: Sequence[Hop] = ()
        try:
            hops = await self._resolver.resolve(way.target)
        except Unresolvable as exc:
            log.warning("call.unresolvable", error=str(exc))
        if self._routes:
            self._take(hops)

    def succeed(self, now: float) -> None:
        """The server that was tried last does its work."""
        if self._trunk is not None and self._hop is not None:
            self._health.succeeded((self._trunk, self._hop), now)

    def fail(self, now: float, retry_after_seconds: int | None) -> None:
        """The server that was tried last does not do its work, and may have said for how long."""
        if self._trunk is not None and self._hop is not None:
            self._health.failed((self._trunk, self._hop), now, retry_after_seconds)

    def close(self) -> None:
        """The leg is over: nothing is left to try, and the trunk's channel is free."""
        self._routes.clear()
        self._hops.clear()
        self._passed_over.clear()
        self._waiting.clear()
        self._leave_trunk()
        if self._over is not None:
            self._over.set()

    def _take(self, hops: Sequence[Hop]) -> None:
        """The next route leads to these, or nowhere: it is the one to be tried now."""
        self._route = self._routes.pop(0)
        self._hops.extend(hops[:HOPS_OF_ONE_ROUTE])

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

    def _is_to_be_passed_over(self, hop: Hop, now: float) -> bool:
        """Whether others are to be tried before this one. One caller need not wait for two servers that are being tried out."""
        if self._route.trunk is None:
            return False
        at = self._route.trunk, hop
        return not self._health.admits(at, now) or (self._was_trial and self._health.is_down(at))

    def _wait(self, now: float) -> Pause | None:
        """Have the first carrier's turn that comes soon enough, and let nothing else be tried instead."""
        while self._waiting:
            self._route, hop = self._waiting.pop(0)
            trunk = self._route.trunk
            assert trunk is not None  # nothing else has a rate
            at = self._channels.next_begin_at(trunk, now)
            if at - now <= LONGEST_PAUSE_SECONDS and self._enter(self._route):
                self._begun = trunk
                self._channels.begin(trunk, at)
                self._hops.append(hop)
                return Pause(at - now)
            self.is_full = True
        return None

    def _last_resort(self, now: float) -> Attempt | None:
        """One of those that failed lately, if nobody else was asked: it is better than nothing, and may be back."""
        while self._made == 0 and self._passed_over:
            self._route, hop = self._passed_over.pop(0)
            if self._enter(self._route) and self._begin(now):
                return self._make(hop, now)
        return None

    def _make(self, hop: Hop, now: float) -> Attempt:
        self._made += 1
        self._hop = hop
        if self._trunk is not None:
            self._was_trial = self._was_trial or self._health.is_down((self._trunk, hop))
            self._health.tried((self._trunk, hop), now)
        return Attempt(self._route, (Branch(target=self._route.target, hop=hop),))

    def _enter(self, route: Route) -> bool:
        """Take a channel of the route's trunk in place of that of the last one; False if there is none."""
        if route.trunk == self._trunk:
            return True
        if route.trunk is not None and not self._channels.take(route.trunk):
            log.info("call.trunk_full", trunk=route.trunk)
            self.is_full = True
            return False
        self._leave_trunk()
        self._trunk = route.trunk
        return True

    def _begin(self, now: float) -> bool:
        """Be counted among the new calls of the trunk, once for all its servers; False if there are too many just now."""
        if self._trunk is None or self._trunk == self._begun:
            return True
        if self._channels.next_begin_at(self._trunk, now) > now:
            return False
        self._begun = self._trunk
        self._channels.begin(self._trunk, now)
        return True

    def _leave_trunk(self) -> None:
        if self._trunk is not None:
            self._channels.release(self._trunk)
            self._trunk = None
