"""Digest authentication, the client's side: read challenges, choose one, answer it.

RFC 7616 and RFC 8760 (SHA-256, SHA-512-256 in SIP), RFC 3261 section 22, and servers that still speak RFC 2069.
Whether a peer may be given an answer at all, and how often, is for the transaction's owner to decide.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ringbridge.sip.errors import DigestUnsupported, MalformedField
from ringbridge.sip.grammar import QUOTED, TOKEN, shortened

# Best first. SHA-512-256 comes second although it is the stronger one: some servers cut SHA-512 short instead, which
# is another function (FIPS 180-4 section 5.3.6), and a wrong answer costs the call.
HASHES: dict[str, Callable[[bytes], str]] = {
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
    "SHA-512-256": lambda data: hashlib.new("sha512_256", data).hexdigest(),
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
}
_PREFERENCE = tuple(HASHES)

_DIRECTIVE = re.compile(rf'[ \t,]*+({TOKEN})[ \t]*+=[ \t]*+({QUOTED}|[^ \t,"]++)[ \t]*+(?:,|$)', re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who we are to a server that asks."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What a server wants to be answered: one WWW-Authenticate or Proxy-Authenticate field."""

    realm: str
    nonce: str
    algorithm: str
    """`MD5`, `SHA-256`, `SHA-512-256`, each also with `-sess`, in capitals but for that; or whatever was sent."""
    qop: tuple[str, ...]
    """Offered qualities of protection in lower case; none from a server older than RFC 2617."""
    opaque: str | None
    stale: bool
    """The last answer was right but its nonce is used up: try again without asking anybody."""

    @classmethod
    def parse(cls, value: str) -> Challenge:
        """Read a challenge. Raises MalformedField; DigestUnsupported for a scheme other than Digest."""
        scheme, _, rest = value.strip(" \t").partition(" ")
        if scheme.lower() != "digest":
            raise DigestUnsupported(f"{shortened(scheme)} is no authentication scheme known here")
        directives = read_directives(rest)
        if "realm" not in directives or "nonce" not in directives:
            raise MalformedField(f"a challenge lacks its realm or nonce: {shortened(value)}")
        name, dash, session = directives.get("algorithm", "MD5").partition("-sess")
        return cls(
            realm=directives["realm"],
            nonce=directives["nonce"],
            algorithm=f"{name.upper()}{dash}{session}",
            qop=tuple(directives.get("qop", "").lower().replace(",", " ").split()),
            opaque=directives.get("opaque"),
            stale=directives.get("stale", "").lower() == "true",
        )

    @property
    def is_answerable(self) -> bool:
        """Whether algorithm and quality of protection are among those that this package knows."""
        if self.algorithm.removesuffix("-sess") not in HASHES:
            return False
        # RFC 7616 section 3.4.2: -sess hashes the client's nonce, which only travels together with a qop.
        needs_qop = bool(self.qop) or self.algorithm.endswith("-sess")
        return not needs_qop or "auth" in self.qop or "auth-int" in self.qop


def choose_challenge(values: Sequence[str]) -> Challenge:
    """Return the best of a response's challenges; of equally good ones the topmost (RFC 8760 section 2.4).

    Challenges that cannot be read are passed over. Raises DigestUnsupported if none is left.
    """
    answerable = []
    for value in values:
        try:
            challenge = Challenge.parse(value)
        except (MalformedField, DigestUnsupported):
            continue
        if challenge.is_answerable:
            answerable.append(challenge)
    if not answerable:
        raise DigestUnsupported(f"none of {len(values)} challenges can be answered")
    return min(answerable, key=lambda challenge: _PREFERENCE.index(challenge.algorithm.removesuffix("-sess")))


def authorization(
    challenge: Challenge,
    credentials: Credentials,
    *,
    method: str,
    uri: str,
    body: bytes,
    client_nonce: str,
    nonce_count: int,
) -> str:
    """Return the value of the Authorization or Proxy-Authorization field that answers an answerable challenge.

    `uri` is the Request-URI as it is sent. `nonce_count` is 1 for the first answer with this challenge's nonce and
    grows by one with each; `client_nonce` is drawn by the caller for each.
    """
    digest = HASHES[challenge.algorithm.removesuffix("-sess")]

    def hashed(*parts: str) -> str:
        return digest(":".join(parts).encode("utf-8", "surrogateescape"))

    username = _escaped(credentials.username)
    secret = hashed(username, challenge.realm, credentials.password)
    if challenge.algorithm.endswith("-sess"):
        secret = hashed(secret, challenge.nonce, client_nonce)
    qop = "" if not challenge.qop else "auth" if "auth" in challenge.qop else "auth-int"
    request = hashed(method, uri, digest(body)) if qop == "auth-int" else hashed(method, uri)
    count = f"{nonce_count:08x}"
    if qop:
        response = hashed(secret, challenge.nonce, count, client_nonce, qop, request)
    else:
        response = hashed(secret, challenge.nonce, request)
    directives = [
        f'username="{username}"',
        f'realm="{challenge.realm}"',
        f'nonce="{challenge.nonce}"',
        f'uri="{uri}"',
        f'response="{response}"',
        f"algorithm={challenge.algorithm}",
    ]
    if challenge.opaque is not None:
        directives.append(f'opaque="{challenge.opaque}"')
    if qop:
        directives += [f"qop={qop}", f"nc={count}", f'cnonce="{client_nonce}"']
    return f"Digest {', '.join(directives)}"


def read_directives(text: str) -> dict[str, str]:
    """Read `name=value` pairs. Quotes go, escapes stay: what is hashed and sent back is what stood between them."""
    directives = {}
    position = 0
    while position < len(text):
        match = _DIRECTIVE.match(text, position)
        if match is None:
            raise MalformedField(f"no challenge can be read from {shortened(text[position:])}")
        directives[match[1].lower()] = match[2][1:-1] if match[2][0] == '"' else match[2]
        position = match.end()
    return directives


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
