"""Where a packet goes to or came from: transport, address, port.

Not a name to be looked up: `host` is an address literal, and the look-up (RFC 3263) happens outside this package.
"""

from typing import NamedTuple

DEFAULT_PORTS = {"UDP": 5060, "TCP": 5060, "TLS": 5061, "WS": 80, "WSS": 443}
"""Of each transport (RFC 3261 section 18.2.2, RFC 7118 section 5.3)."""


class Hop(NamedTuple):
    """One end of a packet's way over the network; of a connection, its far end, whoever opened it."""

    transport: str
    """`UDP`, `TCP`, `TLS`, `WS` or `WSS`, in capitals as in a Via field."""
    host: str
    """An IPv4 or IPv6 address literal, without brackets."""
    port: int

    @property
    def sent_by(self) -> str:
        """Host and port as a Via writes them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def reliable(self) -> bool:
        """Whether the transport repeats what was lost, so that no transaction has to (RFC 3261 section 17)."""
        return self.transport != "UDP"
