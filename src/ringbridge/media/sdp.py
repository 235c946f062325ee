"""The session description format, RFC 8866."""

from typing import NamedTuple


class MediaAddress(NamedTuple):
    """Where RTP is received: a literal IPv4 or IPv6 address and an even UDP port."""

    host: str
    port: int
