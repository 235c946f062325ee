"""Whose packets are read at all: those of configured peers and registered phones, and of hosts that something alive
here talks to.

Everything else is dropped before it is parsed, but for a few REGISTERs while phones may register. The port does not
count: a cluster sends a dialog's requests from more than one. It does for whoever begins something new. Hosts are
literals, compared as text.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv6Address
from itertools import islice

from ringbridge.sip.hop import Hop

Address = tuple[str, int]
"""Host literal without brackets, and port."""


STRANGER_PACKETS = 20
"""How many packets of a network that nobody knows are read at once: ten phones that register, each in two steps."""
STRANGER_REFILL_SECONDS = 2.0
"""After that long one more is read."""
MAX_STRANGERS = 1024
"""Networks that are counted at a time. So a flood from forged addresses costs little memory, and while it lasts no new
phone can register, but those that have are heard."""


class Sources:
    """Known peers and phones, and how many transactions and dialogs hold each live host."""

    def __init__(self) -> None:
        self.strangers = Strangers()
        self._known: frozenset[Address] = frozenset()
        self._known_hosts: frozenset[str] = frozenset()
        self._phones: set[Hop] = set()
        self._holders: dict[str, int] = {}

    def __len__(self) -> int:
        """How many hosts are held."""
        return len(self._holders)

    def set_known(self, peers: Collection[Address]) -> None:
        """Replace the configured peers."""
        self._known = frozenset(peers)
        self._known_hosts = frozenset(host for host, _ in peers)

    def knows(self, source: Hop) -> bool:
        """Whether a configured peer or registered phone is there: who else may begin something new?

        On a stream the host counts alone: the port is that of a connection.
        """
        is_known = source.host in self._known_hosts if source.reliable else source[1:] in self._known
        return is_known or source in self._phones

    def knows_host(self, host: str) -> bool:
        """Whether a configured peer is there, on whatever port: it may speak of any dialog that it can name."""
        return host in self._known_hosts

    def admits(self, source: Hop) -> bool:
        """Whether a packet from there is read."""
        return source.host in self._known_hosts or source.host in self._holders or source in self._phones

    def add_phone(self, hop: Hop) -> None:
        """Admit a registered phone."""
        self._phones.add(hop)

    def remove_phone(self, hop: Hop) -> None:
        """Forget a phone that is registered no more."""
        self._phones.discard(hop)

    def needs(self, source: Hop) -> bool:
        """Whether something alive here talks to that host."""
        return source.host in self._holders or source in self._phones

    def hold(self, host: str) -> None:
        """Admit a host until it was released as often as it was held."""
        self._holders[host] = self._holders.get(host, 0) + 1

    def release(self, host: str) -> None:
        """Take back one `hold`."""
        left = self._holders[host] - 1
        if left:
            self._holders[host] = left
        else:
            del self._holders[host]


class Strangers:
    """How much is still heard of each network that nobody knows: its leaky bucket."""

    def __init__(self) -> None:
        # When the bucket will have run empty; in the order in which they were last filled.
        self._empty_at: dict[str, float] = {}

    def admits(self, host: str, now: float) -> bool:
        """Count a packet from `host`; False if there were too many."""
        network = _network_of(host)
        self._forget_empty(now)
        empty_at = max(self._empty_at.get(network, now), now) + STRANGER_REFILL_SECONDS
        if empty_at - now > STRANGER_PACKETS * STRANGER_REFILL_SECONDS:
            return False
        if network not in self._empty_at and len(self._empty_at) >= MAX_STRANGERS:
            return False
        self._empty_at.pop(network, None)
        self._empty_at[network] = empty_at
        return True

    def trust(self, host: str) -> None:
        """Forget what was counted: a phone there knows its password, and more of them may be behind the same NAT."""
        self._empty_at.pop(_network_of(host), None)

    def _forget_empty(self, now: float) -> None:
        # Two are enough, since a packet adds no more than one: it must cost the same however many there are.
        for network in tuple(islice(self._empty_at, 2)):
            if self._empty_at[network] > now:
                return
            del self._empty_at[network]


def _network_of(host: str) -> str:
    """What one subscriber has: an address, or the first 64 bits of one where a bigger part may be chosen at will."""
    return str(int(IPv6Address(host.partition("%")[0])) >> 64) if ":" in host else host
