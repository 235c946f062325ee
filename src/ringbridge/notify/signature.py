"""Signatures as Standard Webhooks 1.0.0 has them, so that receivers can verify them with the libraries that they have."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from ringbridge.call.webhook import SECRET_PREFIX


def signature(secrets: Sequence[str], event_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: one signature of `event_id`, `timestamp` (UTC seconds) and `body` for each secret."""
    signed = b".".join((event_id.encode(), str(timestamp).encode(), body))
    return " ".join(
        f"v1,{base64.b64encode(hmac.digest(_octets(secret), signed, hashlib.sha256)).decode()}"
        for secret in secrets
    )


def _octets(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("the secret of a webhook is not Base64") from error
