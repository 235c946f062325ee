"""What the ending of a SIP session means for a leg of a call: the table from SIP's words into causes. Pure."""

from typing import assert_never

from ringbridge.call.cause import Q850_CAUSES, Cause, cause_of_status
from ringbridge.sip.event import Ended, EndedBy, RefusalSource, Refused


def cause_of_refusal(event: Refused) -> Cause:
    """Why an INVITE came to nothing."""
    match event.source:
        case RefusalSource.PEER:
            return cause_of_status(event.status, event.q850)
        case RefusalSource.TIMEOUT:
            return Cause.NO_RESPONSE
        case RefusalSource.TRANSPORT:
            return Cause.UNREACHABLE
        case RefusalSource.AUTHENTICATION:
            return Cause.AUTHENTICATION_FAILED
        case RefusalSource.LOCAL:
            return Cause.CANCELED
        case _:
            assert_never(event.source)


def cause_of_end(event: Ended) -> Cause:
    """Why an established session is over."""
    match event.by:
        case EndedBy.PEER:
            return Q850_CAUSES.get(event.q850 or 16, Cause.NORMAL)
        case EndedBy.LOCAL:
            return Cause.CANCELED
        case EndedBy.NO_ACK:
            return Cause.NO_ACK
        case EndedBy.SESSION_EXPIRED:
            return Cause.SESSION_EXPIRED
        case EndedBy.NO_RESPONSE:
            return Cause.NO_RESPONSE
        case _:
            assert_never(event.by)
