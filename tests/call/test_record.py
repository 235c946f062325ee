"""Where calls and records stand in their lists."""

from dataclasses import fields

from ringbridge.call.history import CallPlace, StoredCall, StoredLeg
from ringbridge.call.record import Record, RecordPlace

LEG = StoredLeg(
    number="204",
    trunk=None,
    state="none",
    ringing_at=None,
    answered_at=None,
    ended_at=None,
    cause=None,
    sip_status=None,
    q850=None,
)


def test_a_call_stands_where_it_was_accepted() -> None:
    call = StoredCall(
        id="call-1",
        account_id="1009683",
        state="accepted",
        outcome=None,
        cause=None,
        ended_by=None,
        accepted_at=100.0,
        ended_at=None,
        talk_seconds=0.0,
        user=LEG,
        destination=LEG,
        events=(),
    )
    assert call.place == CallPlace(100.0, "call-1")


def test_a_record_stands_where_its_call_ended() -> None:
    values = dict.fromkeys((item.name for item in fields(Record)), None)
    record = Record(**values | {"call_id": "call-1", "ended_at": 120.0})  # type: ignore[arg-type]
    assert record.place == RecordPlace(120.0, "call-1")
