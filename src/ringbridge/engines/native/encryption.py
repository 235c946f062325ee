"""Whether a leg's audio can be encrypted: SRTP, with its keys in the session description (SDES, RFC 4568)."""

from collections.abc import Sequence

import structlog

from ringbridge.call.directory import Srtp
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
    return None


def dialable(
    branches: Sequence[Branch], srtp: Srtp, leg: LegName, call_id: str, *, relay_encrypts: bool
) -> tuple[tuple[Branch, Srtp], ...]:
    """Those that may be dialled, and what is offered to each; the log says why the others are not.

    Where it is in the way of nothing but a wish, an obstacle makes plain RTP of it.
    """
    found = []
    reasons = set()
    for branch in branches:
        reason = None if srtp is Srtp.OFF else obstacle(branch.hop.transport, relay_encrypts=relay_encrypts)
        if reason is None:
            found.append((branch, srtp))
        elif srtp is Srtp.OPTIONAL:
            found.append((branch, Srtp.OFF))
        else:
            reasons.add(reason)
    for reason in sorted(reasons):
        log.warning("call.not_encryptable", call=call_id, leg=leg.value, reason=reason)
    return tuple(found)
