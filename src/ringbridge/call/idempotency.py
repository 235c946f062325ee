"""How a client tells a repeated request from a new one (draft-ietf-httpapi-idempotency-key-header)."""

from typing import NamedTuple

KEPT_SECONDS = 86_400.0
"""For a day the same key means the same call."""


class IdempotencyKey(NamedTuple):
    """The key of a request, and the digest of what it asks for: SHA-256 in hexadecimal."""

    text: str
    body_digest: str


class KeptKey(NamedTuple):
    """What is known of a key that was used before. `created_at` is UTC seconds since 1970."""

    body_digest: str
    call_id: str
    created_at: float
