"""Passwords: which are taken, and argon2id (RFC 9106), which is slow on purpose: both in threads, never more than two at once."""

import asyncio
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ringbridge.call.user import UnusablePassword

SHORTEST_PASSWORD = 12
# As long as a sentence; far longer ones would only cost memory to read.
LONGEST_PASSWORD = 256

# The second of OWASP's settings for argon2id: 30 to 70 ms. The library's own takes a quarter of a second and 64 MiB.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

# Whoever floods the sign-in form must not take the memory and the cores that calls need.
_AT_ONCE = 2

# Compared with where there is no such user, so that it takes as long as a wrong password: of 256 bits that nobody kept.
_NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$I68N1XyxuFx503fJW3DdnA$2iG0YHMoFlbszfwkb3s8hcidr7nxADDOIik3zKhB94s"

# Tries that would find it, as `zxcvbn` reckons: by known passwords and words, keyboards, dates, repetition. What is slowed down to ten
# tries a minute would take decades; one that is known from elsewhere is found in thousands.
_FEWEST_GUESSES = 10**8
# Reckoning takes much longer with each letter; half a second for as many as these.
_RECKONED_LETTERS = 48
# What stands for letters, as 4 for a: each way to read a password is tried, and with all of these at once that takes half a minute.
_STAND_INS = frozenset("4@8({[<3691!|0$5+7%2")
_MOST_STAND_INS = 10


class Passwords:
    """Reckons, hashes and verifies."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def require_usable(self, password: str, *, login: str) -> None:
        """Raises UnusablePassword for one that is too short, too long, or among the first that guessers would try."""
        if len(password) < SHORTEST_PASSWORD:
            raise UnusablePassword("too_short")
        if len(password) > LONGEST_PASSWORD:
            raise UnusablePassword("too_long")
        async with self._turns:
            guesses = await asyncio.to_thread(_guesses, _normal(password), login)
        if guesses < _FEWEST_GUESSES:
            raise UnusablePassword("too_common")

    async def hash(self, password: str) -> str:
        """What is kept of a password."""
        async with self._turns:
            return await asyncio.to_thread(_HASHER.hash, _normal(password))

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the password; with no hash to compare with, False after the same work."""
        if len(password) > LONGEST_PASSWORD:
            return False
        async with self._turns:
            is_right = await asyncio.to_thread(_matches, _normal(password), password_hash or _NOBODYS)
        return is_right and password_hash is not None


def _guesses(password: str, login: str) -> float:
    # Loaded when somebody chooses a password: its lists take 15 MB.
    from zxcvbn import zxcvbn

    reckoned = password[:_RECKONED_LETTERS]
    if len(_STAND_INS.intersection(reckoned)) > _MOST_STAND_INS:
        # The ten digits remain: with fewer signs it is found no later.
        reckoned = "".join(filter(str.isalnum, reckoned))
    known = [login, *login.split("@"), "ringbridge"]
    return float(zxcvbn(reckoned, user_inputs=known)["guesses"])


def _matches(password: str, password_hash: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _normal(password: str) -> str:
    """One way to write what keyboards write in two (NIST SP 800-63B section 5.1.1.2); half a character is as good as another."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace").decode()
