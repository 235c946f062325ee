import pytest

from ringbridge.call.cause import Cause
from ringbridge.engines.native.news import cause_of_end, cause_of_refusal, is_carrier_fault
from ringbridge.sip.event import Ended, EndedBy, RefusalSource, Refused


@pytest.mark.parametrize(
    ("source", "status", "q850", "cause"),
    [
        (RefusalSource.PEER, 486, None, Cause.BUSY),
        (RefusalSource.PEER, 480, 19, Cause.NO_ANSWER),
        (RefusalSource.TIMEOUT, 408, None, Cause.NO_RESPONSE),
        (RefusalSource.TRANSPORT, 503, None, Cause.UNREACHABLE),
        (RefusalSource.AUTHENTICATION, 407, None, Cause.AUTHENTICATION_FAILED),
        (RefusalSource.LOCAL, 487, None, Cause.CANCELED),
    ],
)
def test_a_refused_invite_has_one_cause(
    source: RefusalSource, status: int, q850: int | None, cause: Cause
) -> None:
    assert cause_of_refusal(Refused(session="s", status=status, reason="", q850=q850, source=source)) is cause


@pytest.mark.parametrize(
    ("by", "q850", "cause"),
    [
        (EndedBy.PEER, None, Cause.NORMAL),
        (EndedBy.PEER, 17, Cause.BUSY),
        (EndedBy.PEER, 126, Cause.NORMAL),
        (EndedBy.LOCAL, None, Cause.CANCELED),
        (EndedBy.NO_ACK, None, Cause.NO_ACK),
        (EndedBy.SESSION_EXPIRED, None, Cause.SESSION_EXPIRED),
        (EndedBy.NO_RESPONSE, None, Cause.NO_RESPONSE),
    ],
)
def test_an_ended_session_has_one_cause(by: EndedBy, q850: int | None, cause: Cause) -> None:
    assert cause_of_end(Ended(session="s", by=by, q850=q850, sip_cause=None)) is cause


@pytest.mark.parametrize(
    ("source", "status", "q850", "is_fault"),
    [
        *((RefusalSource.PEER, status, None, True) for status in (408, 500, 502, 503, 504)),
        # Somebody, or the number, is the reason: another carrier would ring the same person again.
        *((RefusalSource.PEER, status, None, False) for status in (403, 404, 480, 484, 486, 487, 488)),
        *((RefusalSource.PEER, status, None, False) for status in (501, 600, 603, 604, 607)),
        (RefusalSource.PEER, 503, 34, True),
        (RefusalSource.PEER, 503, 17, False),
        (RefusalSource.PEER, 500, 1, False),
        (RefusalSource.TIMEOUT, 408, None, True),
        (RefusalSource.TRANSPORT, 503, None, True),
        (RefusalSource.AUTHENTICATION, 407, None, True),
        (RefusalSource.LOCAL, 487, None, False),
    ],
)
def test_another_carrier_may_do_better_only_where_this_one_failed(
    source: RefusalSource, status: int, q850: int | None, is_fault: bool
) -> None:
    refused = Refused(session="s", status=status, reason="", q850=q850, source=source)

    assert is_carrier_fault(refused) is is_fault
