"""Whose packets are read at all: configured peers, and addresses that something alive here talks to.

Everything else is dropped before it is parsed. An address is a host literal and a port, compared as text.
"""

from __future__ import annotations

from collections.abc import Collection

from ringbridge.sip.hop import Hop

Address = tuple[str, int]
"""Host literal without brackets, and port."""


class Sources:
    """Known peers, and how many transactions and dialogs hold each live address."""

    def __init__(self) -> None:
        self._known: frozenset[Address] = frozenset()
        self._holders: dict[Address, int] = {}

    def __len__(self) -> int:
        """How many addresses are held."""
        return len(self._holders)

    def set_known(self, peers: Collection[Address]) -> None:
        """Replace the configured peers."""
        self._known = frozenset(peers)

    def knows(self, source: Hop) -> bool:
        """Whether a configured peer is there: who else may begin something new?"""
        return (source.host, source.port) in self._known

    def admits(self, source: Hop) -> bool:
        """Whether a packet from there is read."""
        address = (source.host, source.port)
        return address in self._known or address in self._holders

    def hold(self, address: Address) -> None:
        """Admit an address until it was released as often as it was held."""
        self._holders[address] = self._holders.get(address, 0) + 1

    def release(self, address: Address) -> None:
        """Take back one `hold`."""
        left = self._holders[address] - 1
        if left:
            self._holders[address] = left
        else:
            del self._holders[address]
