"""Whom a session's credentials may be shown to, and how often (RFC 3261 section 22).

They belong to one hop and, from the first answered challenge on, to one realm. A challenge from anywhere else is not
answered, nor is a request signed that goes elsewhere: else whoever is called could have our digest and guess the
password at leisure. The arithmetic is in `digest`.
"""

from __future__ import annotations

from ringbridge.sip.core import Randomness
from ringbridge.sip.digest import Challenge, Credentials, authorization, choose_challenge
from ringbridge.sip.errors import SipError
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, Response

_FIELDS = {401: ("WWW-Authenticate", "Authorization"), 407: ("Proxy-Authenticate", "Proxy-Authorization")}

CREDENTIAL_FIELDS = ("Authorization", "Proxy-Authorization")

MAX_TRIES = 2
"""Requests with credentials; the second for servers that do not mark a used-up nonce."""
MAX_TRIES_IF_STALE = 3


class Authentication:
    """One session's credentials and the challenges that they answer."""

    __slots__ = ("_challenges", "_credentials", "_hop", "_randomness", "_realm")

    def __init__(self, credentials: Credentials, hop: Hop, randomness: Randomness) -> None:
        self._credentials = credentials
        self._hop = hop
        self._randomness = randomness
        self._realm: str | None = None
        # By the field that answers it: the challenge, and how often its nonce was used.
        self._challenges: dict[str, tuple[Challenge, int]] = {}

    def learn(self, response: Response, source: Hop) -> Challenge | None:
        """Take the challenge of a 401 or 407; None if it must not or cannot be answered."""
        challenge_field, credentials_field = _FIELDS[response.status]
        if source != self._hop:
            return None
        try:
            challenge = choose_challenge(response.headers.all(challenge_field))
        except SipError:
            return None
        if self._realm not in (None, challenge.realm):
            return None
        self._realm = challenge.realm
        self._challenges[credentials_field] = (challenge, 0)
        return challenge

    def sign(self, request: Request, hop: Hop) -> Request:
        """Answer what challenges are known in a request that is about to go to `hop`."""
        if hop != self._hop or not self._challenges:
            return request
        headers = request.headers
        for name, (challenge, uses) in self._challenges.items():
            self._challenges[name] = (challenge, uses + 1)
            value = authorization(
                challenge,
                self._credentials,
                method=request.method,
                uri=request.uri,
                body=request.body,
                client_nonce=self._randomness.token(),
                nonce_count=uses + 1,
            )
            headers = headers.replacing(name, value)
        return Request(method=request.method, uri=request.uri, headers=headers, body=request.body)
