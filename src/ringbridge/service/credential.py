"""API keys as text: how they are made, read and digested.

    c2c_live_ <10 letters: key id> _ <43 letters: secret, 256 bits> <6 letters: CRC-32 of all before>

Letters are base62; a test key begins with c2c_test_. The prefix and the checksum serve scanners for leaked secrets and turn away typing errors without
a look-up; underscores let a double click select the whole key. The id is public and finds the row, the secret is
never stored: only its HMAC under a pepper that lives outside the database. A fast digest is right for 256 random
bits; a slow one is for passwords, and would let strangers buy our CPU time with wrong keys.
"""

import hmac
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from ringbridge.call.key import ApiKey

LIVE_PREFIX, TEST_PREFIX = "c2c_live_", "c2c_test_"
LIFE_DAYS = 365
LONGEST_LIFE_DAYS = 730

DAY_SECONDS = 86_400
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH, _SECRET_LENGTH, _CHECKSUM_LENGTH = 10, 43, 6
# As many random octets as always fit the letters: 62**10 > 2**56 and 62**43 > 2**256.
_ID_OCTETS, _SECRET_OCTETS = 7, 32
_KEY = re.compile(
    rf"(?:{LIVE_PREFIX}|{TEST_PREFIX})([0-9A-Za-z]{{{_ID_LENGTH}}})_([0-9A-Za-z]{{{_SECRET_LENGTH}}})[0-9A-Za-z]{{6}}"
)


class KeyText(NamedTuple):
    """The two parts of a well-formed key; whether it opens anything is another question."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return f"KeyText(id={self.id!r})"


def new_key(
    pepper: bytes,
    account_id: str,
    name: str,
    now_utc: float,
    random: Callable[[int], bytes],
    *,
    is_test: bool = False,
) -> tuple[ApiKey, str]:
    """A new key of the account, and its text, which cannot be had again. What it may do is for the caller to say.

    `random(n)` gives n octets that nobody can guess, as `secrets.token_bytes` does.
    """
    key_id = _base62(int.from_bytes(random(_ID_OCTETS), "big"), _ID_LENGTH)
    secret = _base62(int.from_bytes(random(_SECRET_OCTETS), "big"), _SECRET_LENGTH)
    body = f"{TEST_PREFIX if is_test else LIVE_PREFIX}{key_id}_{secret}"
    key = ApiKey(
        id=key_id,
        account_id=account_id,
        name=name,
        secret_digest=digest(pepper, secret),
        created_at=now_utc,
        expires_at=now_utc + LIFE_DAYS * DAY_SECONDS,
        is_test=is_test,
    )
    return key, body + _checksum(body)


def renewed_key(
    pepper: bytes, old: ApiKey, now_utc: float, random: Callable[[int], bytes]
) -> tuple[ApiKey, str]:
    """A key that may do what `old` may and lives as long from now on as that did, and its text."""
    key, text = new_key(pepper, old.account_id, old.name, now_utc, random, is_test=old.is_test)
    expires_at = now_utc + (old.expires_at - max(old.created_at, old.not_before or 0.0))
    return replace(
        key, expires_at=expires_at, scopes=old.scopes, lines=old.lines, networks=old.networks
    ), text


def parse_key(text: str) -> KeyText | None:
    """The parts of a key, or None when the text cannot be one."""
    match = _KEY.fullmatch(text)
    if match is None or _checksum(text[:-_CHECKSUM_LENGTH]) != text[-_CHECKSUM_LENGTH:]:
        return None
    return KeyText(match[1], match[2])


def digest(pepper: bytes, secret: str) -> str:
    """What is stored of a secret: its HMAC-SHA256 in hexadecimal."""
    return hmac.digest(pepper, secret.encode(), "sha256").hex()


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    """`number` in base62 with leading zeros."""
    letters = []
    for _ in range(length):
        number, remainder = divmod(number, 62)
        letters.append(_LETTERS[remainder])
    return "".join(reversed(letters))
