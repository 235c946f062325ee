"""How calls end: one closed list of causes, one of outcomes, and the tables into them.

Cause says why a leg or a call ended. Outcome is the one word that a caller of the API, the record, the
metrics and the spoken reason share. Both tables that lead here (SIP status, Q.850) live in this file, so
that no other file needs to know a number.

Sources: RFC 3261 section 21 (status codes), RFC 3398 section 8.2.6.1 (which Q.850 value means what), ITU-T Q.850.
"""

from enum import Enum


class Cause(Enum):
    """Why a leg, or the call, ended."""

    NORMAL = "normal"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    INVALID_NUMBER = "invalid_number"
    UNREACHABLE = "unreachable"
    NO_RESPONSE = "no_response"
    FORBIDDEN = "forbidden"
    AUTHENTICATION_FAILED = "authentication_failed"
    INCOMPATIBLE_MEDIA = "incompatible_media"
    NETWORK_FAILURE = "network_failure"
    CANCELED = "canceled"
    NO_ACK = "no_ack"
    SESSION_EXPIRED = "session_expired"
    CALL_LIMIT = "call_limit"
    NOT_CONFIRMED = "not_confirmed"
    CONGESTION = "congestion"
    NO_MEDIA_PORTS = "no_media_ports"
    MEDIA_FAILED = "media_failed"
    MEDIA_TIMEOUT = "media_timeout"
    INTERRUPTED = "interrupted"
    DRAINED = "drained"
    INTERNAL = "internal"
    DESTINATION_NOT_ALLOWED = "destination_not_allowed"
    EMERGENCY_NUMBER = "emergency_number"
    DO_NOT_CALL = "do_not_call"
    QUIET_HOURS = "quiet_hours"
    NO_RATE = "no_rate"
    SPEND_LIMIT = "spend_limit"
    LIMIT_EXCEEDED = "limit_exceeded"
    EXPIRED = "expired"
    INVALID_CREDENTIALS = "invalid_credentials"
    UNKNOWN_LINE = "unknown_line"
    NOT_OWN_NUMBER = "not_own_number"
    ABOVE_LIMIT = "above_limit"


class Outcome(Enum):
    """The one word for how a call went; every accepted call gets exactly one.

    BLOCKED is that of a request that was refused. EXPIRED is that of a scheduled call whose time is over.
    """

    COMPLETED = "completed"
    USER_NO_ANSWER = "user_no_answer"
    USER_BUSY = "user_busy"
    USER_DECLINED = "user_declined"
    USER_UNREACHABLE = "user_unreachable"
    USER_HUNG_UP = "user_hung_up"
    NOT_CONFIRMED = "not_confirmed"
    DESTINATION_NO_ANSWER = "destination_no_answer"
    DESTINATION_BUSY = "destination_busy"
    DESTINATION_DECLINED = "destination_declined"
    DESTINATION_INVALID = "destination_invalid"
    DESTINATION_UNREACHABLE = "destination_unreachable"
    CANCELED = "canceled"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    BLOCKED = "blocked"
    EXPIRED = "expired"


class EndedBy(Enum):
    """Who ended the call."""

    USER = "user"
    DESTINATION = "destination"
    THIRD = "third"
    API = "api"
    SERVER = "server"


SIP_CAUSES: dict[int, Cause] = {
    401: Cause.AUTHENTICATION_FAILED,
    403: Cause.FORBIDDEN,
    404: Cause.INVALID_NUMBER,
    406: Cause.INCOMPATIBLE_MEDIA,
    407: Cause.AUTHENTICATION_FAILED,
    408: Cause.NO_ANSWER,
    410: Cause.INVALID_NUMBER,
    414: Cause.INVALID_NUMBER,
    415: Cause.INCOMPATIBLE_MEDIA,
    416: Cause.INVALID_NUMBER,
    480: Cause.UNREACHABLE,
    484: Cause.INVALID_NUMBER,
    485: Cause.INVALID_NUMBER,
    486: Cause.BUSY,
    487: Cause.NO_ANSWER,
    488: Cause.INCOMPATIBLE_MEDIA,
    600: Cause.BUSY,
    603: Cause.DECLINED,
    604: Cause.INVALID_NUMBER,
    606: Cause.INCOMPATIBLE_MEDIA,
    607: Cause.DECLINED,
    608: Cause.DECLINED,
}

Q850_CAUSES: dict[int, Cause] = {
    1: Cause.INVALID_NUMBER,
    16: Cause.NORMAL,
    17: Cause.BUSY,
    18: Cause.NO_ANSWER,
    19: Cause.NO_ANSWER,
    20: Cause.UNREACHABLE,
    21: Cause.DECLINED,
    22: Cause.INVALID_NUMBER,
    27: Cause.UNREACHABLE,
    28: Cause.INVALID_NUMBER,
    34: Cause.CONGESTION,
    42: Cause.CONGESTION,
}

# What the far end of a leg is told in a Reason header when we end it (RFC 3326 section 2).
_TOLD: dict[Cause, int] = {
    Cause.BUSY: 17,
    Cause.NO_ANSWER: 19,
    Cause.DECLINED: 21,
    Cause.INVALID_NUMBER: 28,
    Cause.UNREACHABLE: 20,
    Cause.NO_RESPONSE: 18,
    Cause.FORBIDDEN: 21,
    Cause.INCOMPATIBLE_MEDIA: 88,
    Cause.NETWORK_FAILURE: 38,
    Cause.CALL_LIMIT: 102,
    Cause.NO_ACK: 102,
    Cause.SESSION_EXPIRED: 102,
    Cause.CONGESTION: 34,
    Cause.NO_MEDIA_PORTS: 47,
    Cause.MEDIA_FAILED: 41,
    Cause.MEDIA_TIMEOUT: 102,
    Cause.INTERNAL: 41,
}

_USER_OUTCOMES: dict[Cause, Outcome] = {
    Cause.BUSY: Outcome.USER_BUSY,
    Cause.NO_ANSWER: Outcome.USER_NO_ANSWER,
    Cause.DECLINED: Outcome.USER_DECLINED,
    Cause.CANCELED: Outcome.CANCELED,
    Cause.INTERRUPTED: Outcome.INTERRUPTED,
    Cause.DRAINED: Outcome.INTERRUPTED,
    Cause.NO_MEDIA_PORTS: Outcome.FAILED,
    Cause.MEDIA_FAILED: Outcome.FAILED,
    Cause.INTERNAL: Outcome.FAILED,
}

_DESTINATION_OUTCOMES: dict[Cause, Outcome] = _USER_OUTCOMES | {
    Cause.BUSY: Outcome.DESTINATION_BUSY,
    Cause.NO_ANSWER: Outcome.DESTINATION_NO_ANSWER,
    Cause.DECLINED: Outcome.DESTINATION_DECLINED,
    Cause.INVALID_NUMBER: Outcome.DESTINATION_INVALID,
}


def cause_of_status(status: int, q850: int | None = None) -> Cause:
    """Why a leg was refused with a final SIP `status` of 300 to 699 and, if given, the Q.850 value of its Reason.

    A Q.850 value comes from the network behind a gateway and says more than the status it was mapped to
    (RFC 3398 section 8.2.6.1), except where it only says "normal" and where the status is a person's own 6xx word.
    """
    if q850 is not None and status < 600:
        cause = Q850_CAUSES.get(q850)
        if cause is not None and cause is not Cause.NORMAL:
            return cause
    if status in SIP_CAUSES:
        return SIP_CAUSES[status]
    return Cause.DECLINED if status >= 600 else Cause.NETWORK_FAILURE


def q850_of(cause: Cause) -> int:
    """The Q.850 value that tells the far end of a leg why it is ended; 16, normal clearing, where nothing is wrong."""
    return _TOLD.get(cause, 16)


def user_outcome(cause: Cause) -> Outcome:
    """The outcome of a call whose user never answered, because of `cause`."""
    return _USER_OUTCOMES.get(cause, Outcome.USER_UNREACHABLE)


def destination_outcome(cause: Cause) -> Outcome:
    """The outcome of a call whose destination never answered, because of `cause`."""
    return _DESTINATION_OUTCOMES.get(cause, Outcome.DESTINATION_UNREACHABLE)
