import pytest

from ringbridge.call.cause import Cause
from ringbridge.engines.native.news import cause_of_end, cause_of_refusal
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
