"""Digest authentication, the server's side: what to ask, and whether the answer is right (RFC 7616, RFC 8760).

Whether a nonce may be used is for `nonce` to say. Nobody's password is known here, only H(A1) of section 3.4.2.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ringbridge.sip.digest import HASHES, read_directives
from ringbridge.sip.errors import MalformedField
from ringbridge.sip.message import Request

ALGORITHMS = ("SHA-256", "MD5")
"""Those that an answer may have. RFC 8760 section 2.3 lets several be asked for, but many a phone that knows MD5 only
gives up on a challenge of another kind beside it."""

COUNT_DIGITS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """A peer's answer to a challenge of ours: an Authorization field, with what is hashed as it was sent."""

    username: str
    nonce: str
    uri: str
    response: str
    algorithm: str
    """One of ALGORITHMS."""
    quality: str
    """`auth`, or "" from a phone that knows RFC 2069 only."""
    count: str
    client_nonce: str

    @classmethod
    def of(cls, request: Request, realm: str) -> Authorization | None:
        """The first answer in a request that is for `realm` and can be checked; None if there is none."""
        for value in request.headers.all("Authorization"):
            try:
                found = cls._parse(value, realm)
            except MalformedField:
                continue
            if found is not None:
                return found
        return None

    @classmethod
    def _parse(cls, value: str, realm: str) -> Authorization | None:
        scheme, _, rest = value.partition(" ")
        if scheme.lower() != "digest":
            return None
        directives = read_directives(rest)
        if (
            directives.get("realm") != realm
            or not {"username", "nonce", "uri", "response"} <= directives.keys()
        ):
            return None
        found = cls(
            username=directives["username"],
            nonce=directives["nonce"],
            uri=directives["uri"],
            response=directives["response"].lower(),
            algorithm=directives.get("algorithm", "MD5").upper(),
            quality=directives.get("qop", "").lower(),
            count=directives.get("nc", ""),
            client_nonce=directives.get("cnonce", ""),
        )
        return found if found._is_checkable else None

    @property
    def number(self) -> int:
        """How often the nonce was used, this time included; always 1 from a phone that does not count."""
        return int(self.count, 16) if self.quality else 1

    def is_right(self, method: str, digests: Mapping[str, str]) -> bool:
        """Whether whoever answered knows the password; `digests` is algorithm -> H(A1) in hexadecimal.

        What was hashed is the answer's own `uri`, which a proxy between may have left behind the Request-URI's changes;
        the nonce keeps the answer from being used for anything else.
        """
        hashed = HASHES[self.algorithm]
        request = hashed(f"{method}:{self.uri}".encode("utf-8", "surrogateescape"))
        between = [self.nonce]
        if self.quality:
            between += [self.count, self.client_nonce, self.quality]
        secret = digests.get(self.algorithm, "")
        text = ":".join([secret, *between, request])
        expected = hashed(text.encode("utf-8", "surrogateescape"))
        return hmac.compare_digest(
            expected.encode(), self.response.encode("utf-8", "surrogateescape")
        ) and bool(secret)

    @property
    def _is_checkable(self) -> bool:
        if self.algorithm not in ALGORITHMS or self.quality not in ("", "auth"):
            return False
        return not self.quality or _is_count(self.count)


def challenges(realm: str, nonce: str, algorithms: Iterable[str], *, is_stale: bool) -> list[tuple[str, str]]:
    """The header fields that ask for an answer, one for each algorithm. `is_stale`: the last one was right but for its nonce."""
    stale = ", stale=true" if is_stale else ""
    return [
        (
            "WWW-Authenticate",
            f'Digest realm="{realm}", nonce="{nonce}", algorithm={algorithm}, qop="auth"{stale}',
        )
        for algorithm in algorithms
    ]


def _is_count(text: str) -> bool:
    return len(text) == COUNT_DIGITS and all(digit in "0123456789abcdefABCDEF" for digit in text)
