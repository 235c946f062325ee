"""Keys of SRTP in a session description: the attribute a=crypto of RFC 4568 (SDES).

One suite is spoken, the one that RFC 4568 section 6.2.1 makes the default and that everybody has. A line that asks for
anything beyond a key is passed over as if it were not there, because to accept it is to promise all of it
(section 6.3.7).
"""

import base64
import re
from collections.abc import Iterable
from typing import NamedTuple

SUITE = "AES_CM_128_HMAC_SHA1_80"
KEY_OCTETS = 30
"""Sixteen of the master key and fourteen of the master salt (RFC 4568 section 6.1), which are forty letters."""

_ATTRIBUTE = re.compile(r"a=crypto: *([0-9]{1,9}) +(\S+) +inline:([A-Za-z0-9+/]{40})(?:\|[0-9^]+)? *")


class CryptoKey(NamedTuple):
    """What one end encrypts with. `tag` tells the lines of one description apart; `key` is key and salt."""

    tag: int
    key: bytes

    def __repr__(self) -> str:
        return f"CryptoKey(tag={self.tag})"


def to_line(key: CryptoKey) -> str:
    """The attribute, without a line end."""
    return f"a=crypto:{key.tag} {SUITE} inline:{base64.b64encode(key.key).decode()}"


def usable_keys(lines: Iterable[str]) -> tuple[CryptoKey, ...]:
    """The keys in these lines that we can use, in their order.

    Passed over are other suites, session parameters, several keys and master key identifiers (`|1:4`). A lifetime
    (`|2^31`) is let be: it outlasts a call.
    """
    matches = [match for line in lines if (match := _ATTRIBUTE.fullmatch(line)) and match[2] == SUITE]
    return tuple([CryptoKey(int(match[1]), base64.b64decode(match[3])) for match in matches])
