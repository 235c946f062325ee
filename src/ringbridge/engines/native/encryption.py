"""Whether a leg's audio can be encrypted: SRTP, with its keys in the session description (SDES, RFC 4568)."""

from collections.abc import Sequence

import structlog

from ringbridge.call.model import LegName
from ringbridge.engines.native.attempts import Branch

log = structlog.get_logger()

_SECURE_TRANSPORTS = ("TLS", "WSS")


def obstacle(transport: str, *, relay_encrypts: bool) -> str | None:
    """Why the audio of a leg that is dialled over `transport` cannot be encrypted, and what to change; None if it can."""
    if not relay_encrypts:
        return "the media relay does not encrypt: set RINGBRIDGE_MEDIA_RELAY=rtpengine"
    # RFC 4568 section 7: whoever reads the description has the keys.
    if transport not in _SECURE_TRANSPORTS:
        return f"its keys would be sent over {transport}, which anybody can read: reach it over TLS"
    return "this version does not negotiate SRTP: calls that require it are not placed"


def encryptable(
    branches: Sequence[Branch], leg: LegName, call_id: str, *, relay_encrypts: bool
) -> tuple[Branch, ...]:
    """Those whose audio can be encrypted; the log says why the others are not to be dialled."""
    reasons = [obstacle(branch.hop.transport, relay_encrypts=relay_encrypts) for branch in branches]
    for reason in sorted({reason for reason in reasons if reason is not None}):
        log.warning("call.not_encryptable", call=call_id, leg=leg.value, reason=reason)
    return tuple([branch for branch, reason in zip(branches, reasons, strict=True) if reason is None])
