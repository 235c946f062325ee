"""From a SIP URI to the address that a request is sent to.

An address literal costs nothing; a name is looked up off the event loop within a budget, and the last good answer is
used while the resolver is silent. The NAPTR and SRV records of RFC 3263 are not asked for: host and port are.
"""

import asyncio
import ipaddress
import socket

from ringbridge.sip.errors import SipError
from ringbridge.sip.hop import Hop
from ringbridge.sip.uri import Uri

LOOK_UP_SECONDS = 2.0
DEFAULT_PORT = 5060


class Unresolvable(Exception):
    """The URI names no host that can be reached; the text says which and why."""


class Resolver:
    """Turns SIP URIs into hops that a socket of `family` can send to; remembers the last good answer for each name."""

    def __init__(self, family: socket.AddressFamily) -> None:
        self._family = family
        self._known: dict[str, str] = {}

    def literal(self, target: str) -> Hop | None:
        """The hop of a URI whose host is an address, or None when it is a name. Raises Unresolvable."""
        host, port = _host_and_port(target)
        try:
            return Hop("UDP", str(ipaddress.ip_address(host)), port)
        except ValueError:
            return None

    async def resolve(self, target: str) -> Hop:
        """The hop of any SIP URI, within LOOK_UP_SECONDS. Raises Unresolvable."""
        hop = self.literal(target)
        if hop is not None:
            return hop
        host, port = _host_and_port(target)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                found = await loop.getaddrinfo(host, port, family=self._family, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError, TimeoutError) as exc:
            # UnicodeError: labels that no name server could be asked about, such as an empty one.
            if host not in self._known:
                raise Unresolvable(f"{host} cannot be looked up: {exc!r}") from exc
        else:
            self._known[host] = str(found[0][4][0])
        return Hop("UDP", self._known[host], port)


def _host_and_port(target: str) -> tuple[str, int]:
    try:
        uri = Uri.parse(target)
    except SipError as exc:
        raise Unresolvable(f"{target!r} is no SIP address: {exc}") from exc
    if not uri.host:
        raise Unresolvable(f"{target!r} names no host")
    return uri.host.strip("[]"), uri.port or DEFAULT_PORT
