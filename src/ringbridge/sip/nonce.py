"""The nonces of our challenges: signed, so that none of those given out is remembered (RFC 7616 section 3.3).

    <8 digits: seconds, hexadecimal> <a token, so that no two are alike> <32 digits: HMAC of both and the asker's host>

Only nonces that were answered rightly are kept, with the highest count used, until they are too old anyway: who knows
no password fills no memory here.
"""

from __future__ import annotations

import hmac

_TIME_DIGITS, _SIGNATURE_DIGITS = 8, 32


class Nonces:
    """Makes nonces, and says of those that come back whether they may be used."""

    __slots__ = ("_key", "_life_seconds", "_used")

    def __init__(self, key: bytes, life_seconds: float) -> None:
        """`key` is random and of this process only; `life_seconds` is how long a nonce may be used."""
        self._key = key
        self._life_seconds = life_seconds
        # By nonce: when it was made, and the highest count that came with it.
        self._used: dict[str, tuple[float, int]] = {}

    def __len__(self) -> int:
        """How many nonces are remembered."""
        return len(self._used)

    def make(self, host: str, token: str, now: float) -> str:
        """A nonce for whoever asks from `host`; `token` was drawn for it."""
        made = f"{int(now):0{_TIME_DIGITS}x}{token}"
        return made + self._signature(made, host)

    def take(self, nonce: str, count: int, host: str, now: float) -> bool:
        """Use a nonce once, with its count; call it only when the answer to it is right.

        False if it is not ours, not for `host`, too old, or was used with this count or a higher one: a replay.
        """
        made, signature = nonce[:-_SIGNATURE_DIGITS], nonce[-_SIGNATURE_DIGITS:]
        if not hmac.compare_digest(_octets(signature), _octets(self._signature(made, host))):
            return False
        made_at = float(int(made[:_TIME_DIGITS], 16))
        self._forget_old(now)
        if now - made_at > self._life_seconds or count <= self._used.get(nonce, (0.0, 0))[1]:
            return False
        self._used[nonce] = (made_at, count)
        return True

    def _signature(self, made: str, host: str) -> str:
        return hmac.digest(self._key, _octets(f"{made} {host}"), "sha256").hex()[:_SIGNATURE_DIGITS]

    def _forget_old(self, now: float) -> None:
        # In the order of their first use: what stands behind a younger one stays a little longer, and does no harm.
        while self._used:
            nonce = next(iter(self._used))
            if now - self._used[nonce][0] <= self._life_seconds:
                return
            del self._used[nonce]


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
