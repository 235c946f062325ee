"""What the ending of a SIP session means for a leg of a call: the table from SIP's words into causes. Pure."""

from typing import assert_never

from ringbridge.call.cause import Q850_CAUSES, Cause, cause_of_status
from ringbridge.sip.event import Ended, EndedBy, RefusalSource, Refused

CARRIER_FAULTS = (408, 500, 502, 503, 504)
"""What a server says that cannot do its work; of other answers somebody, or the number, is the reason."""

# What the network behind a carrier says of a person or a number, whatever status it is put into (RFC 3398 section 8.2.6).
_SAID_OF_THE_CALLED = (1, 3, 16, 17, 18, 19, 21, 22, 28, 31)


def is_carrier_fault(event: Refused) -> bool:
    """Whether another carrier may do better: this one failed, and nobody refused.

    A 403 is none: to ask one carrier for what another one forbids is what frauds are stopped by.
    """
    match event.source:
        case RefusalSource.PEER:
            return event.status in CARRIER_FAULTS and event.q850 not in _SAID_OF_THE_CALLED
        case RefusalSource.TIMEOUT | RefusalSource.TRANSPORT | RefusalSource.AUTHENTICATION:
            return True
        case RefusalSource.LOCAL:
            return False
        case _:
            assert_never(event.source)


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
