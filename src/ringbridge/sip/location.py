"""Which servers a SIP URI stands for, in the order in which to try them (RFC 3263).

Pure: told the records that are known, it says which are still missing, or where to go. Whoever asks a name server,
for how long, and what to do with its silence, is outside.
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import accumulate
from operator import attrgetter
from typing import NamedTuple

from ringbridge.sip.errors import SipError, Unlocatable
from ringbridge.sip.hop import DEFAULT_PORTS, Hop
from ringbridge.sip.uri import Uri

TRANSPORTS = ("UDP", "TCP", "TLS")
"""What requests can be sent over, in our order of choice. Browsers connect to us (RFC 7118), we do not to them."""

MAX_HOPS = 8
"""More servers are not tried for one request, however many stand behind a name."""

# RFC 3263 section 4.1: what NAPTR calls each of them, and where their SRV records are.
_SERVICES = {"SIP+D2U": "UDP", "SIP+D2T": "TCP", "SIPS+D2T": "TLS"}
_SRV_PREFIXES = {"UDP": "_sip._udp.", "TCP": "_sip._tcp.", "TLS": "_sips._tcp."}


class Kind(Enum):
    """What a name server can be asked for."""

    NAPTR = "NAPTR"
    SRV = "SRV"
    A = "A"
    AAAA = "AAAA"


class Question(NamedTuple):
    """One question to a name server."""

    name: str
    kind: Kind


class Naptr(NamedTuple):
    """A record of RFC 3403 section 4.1, as far as SIP uses it."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


class Srv(NamedTuple):
    """A record of RFC 2782."""

    priority: int
    weight: int
    port: int
    target: str


Record = Naptr | Srv | str
"""Of A and AAAA the address."""

Records = Mapping[Question, Sequence[Record]]
"""What is known: no records where a name has none, and no entry where nobody was asked yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What of a URI says where it leads."""

    host: str
    is_secure: bool
    """Whether it must be TLS."""
    transport: str | None
    """In capitals; None leaves it to the name's records."""
    port: int | None

    @classmethod
    def of(cls, target: str) -> Place:
        """Read a URI. Raises Unlocatable."""
        try:
            uri = Uri.parse(target)
        except SipError as error:
            raise Unlocatable(f"{target!r} is no SIP address: {error}") from error
        if not uri.host:
            raise Unlocatable(f"{target!r} names no host")
        is_secure, transport = uri.scheme == "sips", uri.transport
        if is_secure and transport in ("UDP", "TCP"):
            # RFC 3261 section 19.1: over TLS, whatever is written besides; "tcp" beside it means TLS over that.
            transport = "TLS"
        if transport is not None and transport not in TRANSPORTS:
            raise Unlocatable(f"{target!r} asks for {transport}, and only udp, tcp and tls are spoken")
        return cls(host=uri.host, is_secure=is_secure, transport=transport, port=uri.port)

    @property
    def literal(self) -> Hop | None:
        """The hop, where the host is an address; None where it is a name."""
        address = _address(self.host)
        return None if address is None else self.at(address)

    def at(self, address: str) -> Hop:
        """The hop at an address of the host, where no record says more."""
        transport = self.transport or ("TLS" if self.is_secure else "UDP")
        return Hop(transport, address, self.port or DEFAULT_PORTS[transport])


@lru_cache(maxsize=1024)
def _address(host: str) -> str | None:
    """A host that is an address, as addresses are written; None for a name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


class Finding(NamedTuple):
    """How far a look-up is: either is empty, and when both are, the place leads nowhere."""

    hops: tuple[Hop, ...] = ()
    """Where to go, in the order in which to try."""
    missing: tuple[Question, ...] = ()
    """What is to be asked next, all at once."""


class _Service(NamedTuple):
    """Where the SRV records of a transport are."""

    transport: str
    name: str


def locate(place: Place, records: Records, kind: Kind, fraction: float) -> Finding:
    """Take the look-up of a name one step further.

    `kind` is that of the addresses that can be reached. `fraction`, from 0 up to and without 1, shares requests among
    servers by their weights.
    """
    if place.port is not None:
        # Section 4.2: whoever names a port means that of the host, and of no other one.
        return _hops_of([place.at(place.host)], records, kind)
    services = _services(place)
    naptr = Question(place.host, Kind.NAPTR)
    questions = [Question(service.name, Kind.SRV) for service in services]
    if place.transport is None:
        # Most names have no NAPTR records: what is asked next without them is asked at the same time.
        questions.insert(0, naptr)
    if missing := _missing(questions, records):
        return Finding(missing=missing)
    chosen = _chosen(records.get(naptr, ()), {service.transport for service in services})
    if chosen:
        services = [_Service(_SERVICES[one.service.upper()], one.replacement) for one in chosen]
        if missing := _missing([Question(service.name, Kind.SRV) for service in services], records):
            return Finding(missing=missing)
    servers: list[Hop] = []
    has_servers = False
    for service in services:
        found = [one for one in records[Question(service.name, Kind.SRV)] if isinstance(one, Srv)]
        has_servers = has_servers or bool(found)
        # RFC 2782: a lone dot says that there is no such service here.
        in_order = (one for one in _in_order(found, fraction) if one.target not in ("", "."))
        servers += [Hop(service.transport, one.target, one.port) for one in in_order]
    if not has_servers:
        servers = [place.at(place.host)]
    return _hops_of(servers[:MAX_HOPS], records, kind)


def _services(place: Place) -> list[_Service]:
    transports = (place.transport,) if place.transport else TRANSPORTS
    if place.is_secure:
        transports = ("TLS",)
    return [_Service(transport, _SRV_PREFIXES[transport] + place.host) for transport in transports]


def _chosen(records: Sequence[Record], transports: set[str]) -> list[Naptr]:
    """The NAPTR records that lead to a transport of ours, the most wanted first."""
    usable = [
        one
        for one in records
        if isinstance(one, Naptr)
        and one.flags.lower() == "s"
        and _SERVICES.get(one.service.upper(), "") in transports
    ]
    return sorted(usable, key=attrgetter("order", "preference"))


def _in_order(servers: Sequence[Srv], fraction: float) -> list[Srv]:
    """SRV records in the order in which they are to be tried (RFC 2782: lowest priority first, then by weight)."""
    ordered = []
    for priority in sorted({one.priority for one in servers}):
        # Those without weight stand first, so that they have a small chance of their own.
        left = sorted((one for one in servers if one.priority == priority), key=attrgetter("weight"))
        while left:
            edges = list(accumulate(one.weight for one in left))
            point = fraction * edges[-1]
            index = bisect_left(edges, point)
            one = left.pop(index)
            ordered.append(one)
            # Where in its share the point fell is as random as the point was.
            fraction = (point - (edges[index] - one.weight)) / one.weight if one.weight else fraction
    return ordered


def _hops_of(servers: Sequence[Hop], records: Records, kind: Kind) -> Finding:
    """The same hops with the addresses of their names, or the questions for these."""
    if missing := _missing([Question(server.host, kind) for server in servers], records):
        return Finding(missing=missing)
    found = [
        server._replace(host=address)
        for server in servers
        for address in records[Question(server.host, kind)]
        if isinstance(address, str)
    ]
    return Finding(hops=tuple(dict.fromkeys(found))[:MAX_HOPS])


def _missing(questions: Iterable[Question], records: Records) -> tuple[Question, ...]:
    return tuple(dict.fromkeys(question for question in questions if question not in records))
