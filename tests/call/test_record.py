"""Where calls and records stand in their lists, and what their calls cost."""

from dataclasses import fields, replace

from ringbridge.call.history import CallPlace, StoredCall, StoredLeg
from ringbridge.call.record import Record, RecordPlace
from ringbridge.call.simulation import SIMULATED

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
CALL = StoredCall(
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


def a_record(**values: object) -> Record:
    """A record that has these values, and no others."""
    missing = dict.fromkeys((item.name for item in fields(Record)), None) | {"thirds": ()}
    return Record(**missing | values)  # type: ignore[arg-type]


def test_a_call_stands_where_it_was_accepted() -> None:
    assert CALL.place == CallPlace(100.0, "call-1")


def test_a_record_stands_where_its_call_ended() -> None:
    assert a_record(call_id="call-1", ended_at=120.0).place == RecordPlace(120.0, "call-1")


def test_a_call_without_thirds_costs_what_its_legs_cost() -> None:
    assert replace(CALL, legs_micros=7).micros == a_record(legs_micros=7).micros == 7
    assert CALL.micros is None
    assert a_record().micros is None


def test_a_record_of_a_test_call_is_known_by_its_trunk() -> None:
    assert a_record(user_trunk=SIMULATED).is_test
    assert not a_record(user_trunk="main").is_test
