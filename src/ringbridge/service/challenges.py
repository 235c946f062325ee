"""Challenges that are given out and taken back once, without keeping those that nobody answers.

Whoever opens the sign-in page gets one, so what is kept has to be bounded by who signs in, not by who asks: a challenge
carries its own end and a seal under a key that only this process has, and what is kept is those that were taken.
"""

import hmac
import secrets

from ringbridge.service.clock import Clock

CHALLENGE_SECONDS = 300.0

_NONCE_OCTETS, _END_OCTETS = 16, 8


class Challenges:
    """Each is for one purpose, works for five minutes and once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._taken: dict[bytes, float] = {}

    def issue(self, purpose: str) -> bytes:
        """A new one: 56 octets (Web Authentication section 13.4.3 asks for 16 random ones at least)."""
        ends_at = self._clock.now() + CHALLENGE_SECONDS
        body = secrets.token_bytes(_NONCE_OCTETS) + int(ends_at * 1000).to_bytes(_END_OCTETS, "big")
        return body + self._seal(body, purpose)

    def is_open(self, challenge: bytes, purpose: str) -> bool:
        """Whether it was issued for this purpose, is not too old, and was not taken."""
        body, seal = challenge[: _NONCE_OCTETS + _END_OCTETS], challenge[_NONCE_OCTETS + _END_OCTETS :]
        if not hmac.compare_digest(seal, self._seal(body, purpose)):
            return False
        return self._ends_at(challenge) > self._clock.now() and challenge not in self._taken

    def take(self, challenge: bytes, purpose: str) -> bool:
        """The same, and it works no more. For those whose answer was found right: nobody else fills the memory."""
        if not self.is_open(challenge, purpose):
            return False
        now = self._clock.now()
        self._taken = {one: ends_at for one, ends_at in self._taken.items() if ends_at > now}
        self._taken[challenge] = self._ends_at(challenge)
        return True

    def _ends_at(self, challenge: bytes) -> float:
        return int.from_bytes(challenge[_NONCE_OCTETS : _NONCE_OCTETS + _END_OCTETS], "big") / 1000

    def _seal(self, body: bytes, purpose: str) -> bytes:
        return hmac.digest(self._key, body + purpose.encode(), "sha256")
