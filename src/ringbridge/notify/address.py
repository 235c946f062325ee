"""Which addresses webhooks may be sent to. Pure.

A receiver's URL comes from whoever holds an API key. Sent anywhere, requests would reach what only this machine can
reach: its own services, the private network, a cloud's metadata.
"""

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PRIVATE_NETWORKS: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "::1/128",
        "fc00::/7",
    )
)
"""What an administrator allows with a bare yes. Not link-local: there live the metadata of clouds."""

# Translated prefixes (RFC 6052 section 2.1): the last 32 bits are an IPv4 address.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

# Not for everybody, though some versions of `ipaddress` say so: local NAT64 (RFC 8215), 6to4 relays (RFC 7526),
# site-local addresses (RFC 3879), protocol assignments, where a gateway may listen (RFC 6890), documentation (RFC 9637),
# and what a cloud's host answers its guests at.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in (
        "64:ff9b:1::/48",
        "192.88.99.0/24",
        "fec0::/10",
        "192.0.0.0/24",
        "3fff::/20",
        "168.63.129.16/32",
    )
)


def may_send(text: str, allowed: Sequence[Network]) -> bool:
    """Whether a socket may be connected to this address: it is public, or in one of the `allowed` networks."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return is_allowed(text, allowed) or all(map(_is_public, _meant(address)))


def is_allowed(text: str, allowed: Sequence[Network]) -> bool:
    """Whether the address is in one of the `allowed` networks."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return any(meant in network for meant in _meant(address)[-1:] for network in allowed)


def _meant(address: Address) -> list[Address]:
    """The address, and the one inside it that packets to it end at."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address, address.sixtofour]
    if address.teredo is not None:
        return [address, address.teredo[1]]
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)]
    return [address]


def _is_public(address: Address) -> bool:
    if any(address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def parse_networks(value: object) -> tuple[Network, ...]:
    """The networks that a setting allows: yes (`1`, `true`) for PRIVATE_NETWORKS, no, or CIDR parted by commas. Raises ValueError."""
    if isinstance(value, tuple):
        return value
    match str(value).strip().lower():
        case "1" | "true" | "yes":
            return PRIVATE_NETWORKS
        case "" | "0" | "false" | "no":
            return ()
        case words:
            return tuple(ipaddress.ip_network(word.strip(), strict=False) for word in words.split(","))
