"""The second factor: time-based one-time passwords (RFC 6238) and the codes for when the telephone is lost.

A secret is derived from a random seed, which the database has, and the server's pepper, which it has not: a stolen
database alone gives no codes.
"""

import asyncio
import hashlib
import hmac
import secrets
from base64 import b32encode

import pyotp

from ringbridge.call.user import User
from ringbridge.call.user_ports import UserStore
from ringbridge.service.clock import Clock

STEP_SECONDS = 30
RECOVERY_CODES = 10

_ISSUER = "ringbridge"
_PURPOSE = b"ringbridge totp "
# Neither l nor 1, neither o nor 0: 31 letters, so 10 of them are 49 bits.
_LETTERS = "23456789abcdefghijkmnpqrstuvwxyz"
_CODE_LENGTH = 10


class SecondFactor:
    """Checks codes, and refuses to take one twice."""

    def __init__(self, users: UserStore, pepper: bytes, clock: Clock) -> None:
        self._users = users
        self._pepper = pepper
        self._clock = clock

    def new_seed(self) -> str:
        """What a new secret is made from."""
        return secrets.token_hex(16)

    def secret(self, seed: str) -> str:
        """The secret of a seed in base32, as people type it into their telephone."""
        return b32encode(hmac.digest(self._pepper, _PURPOSE + seed.encode(), "sha1")).decode()

    def uri(self, seed: str, login: str) -> str:
        """The same as telephones read it from a picture."""
        return pyotp.TOTP(self.secret(seed)).provisioning_uri(name=login, issuer_name=_ISSUER)

    def step_of(self, seed: str, code: str) -> int | None:
        """The time step that `code` belongs to: this one, the one before or the one after; None for a wrong code."""
        totp = pyotp.TOTP(self.secret(seed))
        digits = "".join(code.split())
        now = int(self._clock.utc_now()) // STEP_SECONDS
        for step in (now, now - 1, now + 1):
            if hmac.compare_digest(totp.generate_otp(step).encode(), digits.encode("utf-8", "replace")):
                return step
        return None

    async def verify(self, user: User, code: str) -> bool:
        """Whether it is a code of the user's that was not taken before: one of their telephone, or a recovery code."""
        if user.totp_seed is None:
            return False
        step = self.step_of(user.totp_seed, code)
        if step is not None:
            return await asyncio.to_thread(self._users.take_step, user.id, step)
        return await asyncio.to_thread(self._users.take_recovery_code, user.id, _digest(user.id, code))

    async def new_recovery_codes(self, user: User) -> list[str]:
        """Ten codes in place of those that the user had; they cannot be had again."""
        codes = [
            "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH)) for _ in range(RECOVERY_CODES)
        ]
        await asyncio.to_thread(
            self._users.put_recovery_codes, user.id, [_digest(user.id, code) for code in codes]
        )
        return [f"{code[:5]}-{code[5:]}" for code in codes]


def _digest(user_id: str, code: str) -> str:
    """A fast one will do: 49 bits that nobody chose, and guesses are counted."""
    letters = "".join(character for character in code.lower() if character in _LETTERS)
    return hashlib.sha256(f"{user_id} {letters}".encode()).hexdigest()
