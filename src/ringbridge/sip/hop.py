"""Where a packet goes to or came from: transport, address, port.

Not a name to be looked up: `host` is an address literal, and the look-up (RFC 3263) happens outside this package.
"""

from typing import NamedTuple


class Hop(NamedTuple):
    """One end of a packet's way over the network."""

    transport: str
    """`UDP`, `TCP`, `TLS`, `WS` or `WSS`, in capitals as in a Via field."""
    host: str
    """An IPv4 or IPv6 address literal, without brackets."""
    port: int

    @property
    def reliable(self) -> bool:
        """Whether the transport repeats what was lost, so that no transaction has to (RFC 3261 section 17)."""
        return self.transport != "UDP"
