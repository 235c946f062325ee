"""The trunks as the engine knows them: how they do, how much they carry, and where we are registered.

Their servers are looked up and asked for life signs (OPTIONS) now and then, and those that failed more often.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

import structlog

from ringbridge.call.directory import Trunk
from ringbridge.call.trunk_state import TrunkStatus
from ringbridge.engines.native.channels import Channels
from ringbridge.engines.native.driver import SipDriver
from ringbridge.engines.native.news import CARRIER_FAULTS
from ringbridge.engines.native.resolver import Resolver, Unresolvable, host_of
from ringbridge.engines.native.tls import TlsPeer
from ringbridge.engines.native.trunk_health import TrunkHealth
from ringbridge.sip.digest import Credentials
from ringbridge.sip.errors import SipError
from ringbridge.sip.hop import Hop
from ringbridge.sip.servers import Pinged, ServerEvent
from ringbridge.sip.trunk_registration import RegistrationChanged, ServerAccount
from ringbridge.sip.uri import Uri

log = structlog.get_logger()

LOOK_AROUND_SECONDS = 10.0
"""Between two rounds: names are looked up again, and servers that failed are asked whether they are back."""


def tls_peers(trunks: Iterable[Trunk]) -> dict[str, TlsPeer]:
    """What the files of trunks say of servers, by the hosts that the trunks' URIs name."""
    peers: dict[str, TlsPeer] = {}
    for trunk in trunks:
        # Trunks at one host share their connections: one that names no files has those of the other.
        if trunk.tls_ca is None and trunk.tls_certificate is None:
            continue
        with suppress(Unresolvable):
            name = host_of(trunk.uri)
            peer = TlsPeer(name=name, ca=trunk.tls_ca, certificate=trunk.tls_certificate, key=trunk.tls_key)
            peers.setdefault(name, peer)
    return peers


class Trunks:
    """All trunks of the directory. `start` it with the driver once that is open.

    now: monotonic seconds. ping_seconds: between two OPTIONS to a server that works; 0 for none at all.
    on_moved: called when a trunk's name leads to other servers than before.
    """

    def __init__(
        self,
        resolver: Resolver,
        *,
        now: Callable[[], float],
        ping_seconds: float,
        on_moved: Callable[[], None],
    ) -> None:
        self._resolver = resolver
        self._now = now
        self._ping_seconds = ping_seconds
        self._on_moved = on_moved
        self._trunks: dict[str, Trunk] = {}
        self._hops: dict[str, tuple[Hop, ...]] = {}
        # Servers that never answer OPTIONS are not dead for that.
        self._answered_at: dict[Hop, float] = {}
        self._pinged_at: dict[Hop, float] = {}
        self._registrations: dict[str, RegistrationChanged] = {}
        # What files say of servers, by the names that they were asked for by.
        self._tls_peers: dict[str, TlsPeer] = {}
        self._is_changed = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._driver: SipDriver
        self.channels = Channels()
        self.health = TrunkHealth()

    def start(self, driver: SipDriver) -> None:
        """Begin to look around."""
        self._driver = driver
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Look around no more, and take our registrations back; their answers are for the driver to wait for."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait((self._watching,))
        for name in self._trunks:
            self._driver.endpoint.servers.unregister(name, self._now())
        self._driver.pump()

    def set(self, trunks: Iterable[Trunk]) -> None:
        """From now on these are all trunks."""
        self._trunks = {trunk.name: trunk for trunk in trunks}
        self.channels.set(self._trunks)
        self._tls_peers = tls_peers(self._trunks.values())
        self._is_changed.set()

    # What calls need

    def credentials(self, name: str) -> Credentials | None:
        """What the trunk is told when it asks who we are."""
        trunk = self._trunks.get(name)
        if trunk is None or trunk.username is None or trunk.password is None:
            return None
        return Credentials(username=trunk.username, password=trunk.password)

    def tls_peer(self, hop: Hop) -> TlsPeer:
        """What is known of the server at a hop."""
        return self.tls_peer_named(self._resolver.name_of(hop.host))

    def tls_peer_named(self, name: str) -> TlsPeer:
        """What is known of the server that is asked for by this name."""
        return self._tls_peers.get(name) or TlsPeer(name=name)

    # What administrators see

    def statuses(self) -> list[TrunkStatus]:
        """How all trunks do."""
        return [self._status(name) for name in self._trunks]

    def _status(self, name: str) -> TrunkStatus:
        # Those that cannot be looked up have no hops; before the first look-up, nobody knows better.
        hops = self._hops.get(name)
        registration = self._registrations.get(name)
        until = None if registration is None else registration.until
        return TrunkStatus(
            name=name,
            is_up=hops is None or not all(self.health.is_down((name, hop)) for hop in hops),
            channels=self.channels.taken(name),
            is_registered=until is not None and until > self._now() if self._trunks[name].registers else None,
            registered_until=until,
            registration_status=None if registration is None else registration.status,
            answered_at=max(
                (self._answered_at[hop] for hop in hops or () if hop in self._answered_at), default=None
            ),
        )

    # What happens by itself

    def on_event(self, event: ServerEvent) -> None:
        """News of a server."""
        match event:
            case Pinged(hop=hop, status=status):
                self._on_ping(hop, status)
            case RegistrationChanged():
                before = self._registrations.get(event.name)
                self._registrations[event.name] = event
                if event.retry_at is not None:
                    log.warning("trunk.not_registered", trunk=event.name, status=event.status)
                elif before is None or before.retry_at is not None:
                    log.info("trunk.registered", trunk=event.name)

    def _on_ping(self, hop: Hop, status: int | None) -> None:
        works = status is not None and status not in CARRIER_FAULTS
        if works:
            self._answered_at[hop] = self._now()
        elif status is None and hop not in self._answered_at:
            return
        change = self.health.pinged if works else self.health.failed
        for name, hops in self._hops.items():
            if hop in hops:
                change((name, hop), self._now())

    async def _watch(self) -> None:
        while True:
            self._is_changed.clear()
            for name in self._hops.keys() - self._trunks.keys():
                del self._hops[name]
                self._registrations.pop(name, None)
                self._driver.endpoint.servers.unregister(name, self._now())
            self._forget_servers()
            try:
                # Side by side: names that nobody knows must not keep the others waiting.
                await asyncio.gather(*map(self._look_after, self._trunks.values()))
            except Exception:
                log.exception("trunk.not_looked_after")
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AROUND_SECONDS):
                    await self._is_changed.wait()

    async def _look_after(self, trunk: Trunk) -> None:
        before = self._hops.get(trunk.name)
        try:
            hops = await self._resolver.resolve(trunk.uri)
            server = str(Uri.parse(trunk.uri)._replace(user=None))
        except (Unresolvable, SipError) as exc:
            if before != ():
                log.warning("trunk.unresolvable", trunk=trunk.name, error=str(exc))
            self._hops[trunk.name] = ()
            return
        self._hops[trunk.name] = hops
        if before is not None and set(before) != set(hops):
            self._on_moved()
        servers, now = self._driver.endpoint.servers, self._now()
        if trunk.registers:
            servers.register(trunk.name, self._account(trunk, server), hops, now)
        else:
            self._registrations.pop(trunk.name, None)
            servers.unregister(trunk.name, now)
        for hop in hops:
            if self._is_to_be_pinged(trunk.name, hop, now):
                self._pinged_at[hop] = now
                servers.ping(server, hop, now)
        self._driver.pump()

    def _forget_servers(self) -> None:
        """Of servers that no name leads to any more nothing is kept."""
        hops = {hop for hops in self._hops.values() for hop in hops}
        self._answered_at = {hop: at for hop, at in self._answered_at.items() if hop in hops}
        self._pinged_at = {hop: at for hop, at in self._pinged_at.items() if hop in hops}
        self.health.keep({(name, hop) for name, hops in self._hops.items() for hop in hops})

    def _is_to_be_pinged(self, name: str, hop: Hop, now: float) -> bool:
        if not self._ping_seconds or self.health.is_quiet((name, hop), now):
            return False
        seconds = LOOK_AROUND_SECONDS if self.health.is_down((name, hop)) else self._ping_seconds
        # Half a round's grace, or each would come a round late.
        return now - self._pinged_at.setdefault(hop, now) >= seconds - LOOK_AROUND_SECONDS / 2

    def _account(self, trunk: Trunk, server: str) -> ServerAccount:
        user = trunk.username or trunk.name
        uri = Uri.parse(trunk.uri)
        return ServerAccount(
            registrar=server,
            address=str(Uri(scheme=uri.scheme, user=user, host=uri.host)),
            user=user,
            credentials=self.credentials(trunk.name),
        )
