"""What a call's record tells of the messages between this server and the phones."""

from dataclasses import replace

from ringbridge.call.record import Record
from ringbridge.call.third import StoredThird
from ringbridge.portal.pages.history.ladder import ladder, status_text
from tests.store.samples import UTC_OFFSET, a_record

END = UTC_OFFSET + 20.0
TALKED = Record(**a_record("call-1", "1009683", END))
USER, DESTINATION, THIRD = range(3)


def told(record: Record, early_media_at: dict[str, float] | None = None) -> list[tuple[int, str, str]]:
    """Lane, direction and SIP's word for each message."""
    return [
        (message.lane, "to" if message.to_phone else "from", message.sip)
        for message in ladder(record, early_media_at or {})
    ]


def test_a_talk_that_the_destination_ended() -> None:
    assert told(TALKED) == [
        (USER, "to", "INVITE"),
        (USER, "from", "180 Ringing"),
        (USER, "from", "200 OK"),
        (USER, "to", "ACK"),
        (DESTINATION, "to", "INVITE"),
        (DESTINATION, "from", "180 Ringing"),
        (DESTINATION, "from", "200 OK"),
        (DESTINATION, "to", "ACK"),
        (USER, "to", "BYE"),
        (DESTINATION, "from", "BYE"),
    ]


def test_who_is_ended_by_this_server_hears_so() -> None:
    assert told(replace(TALKED, ended_by="api"))[-2:] == [(USER, "to", "BYE"), (DESTINATION, "to", "BYE")]


def unanswered(**fields: object) -> Record:
    fields = {"destination_answered_at": None, "destination_ended_at": END - 1.0} | fields
    return replace(TALKED, **fields)  # type: ignore[arg-type]


def test_a_refusal_has_its_status() -> None:
    refused = unanswered(destination_sip_status=486, destination_cause="busy", ended_by="destination")
    assert (DESTINATION, "from", "486 Busy Here") in told(refused)


def test_a_phone_that_rang_too_long_is_told_to_stop() -> None:
    for status in (None, 487):
        rang = unanswered(destination_sip_status=status, destination_cause="no_answer", ended_by="server")
        assert (DESTINATION, "to", "CANCEL") in told(rang)


def test_a_phone_that_says_nothing_says_nothing() -> None:
    silent = unanswered(
        destination_ringing_at=None, destination_sip_status=None, destination_cause="no_response"
    )
    assert [each for each in told(silent) if each[0] == DESTINATION] == [
        (DESTINATION, "to", "INVITE"),
        (DESTINATION, "from", ""),
    ]


def test_sound_before_the_answer_is_not_ringing_again() -> None:
    at = TALKED.destination_ringing_at
    assert at is not None
    words = [sip for lane, _, sip in told(TALKED, {"destination": at}) if lane == DESTINATION]
    assert words == ["INVITE", "183 Session Progress", "200 OK", "ACK", "BYE"]


def test_nothing_is_said_to_a_leg_that_was_not_dialled() -> None:
    blocked = replace(TALKED, user_dialed_at=None, destination_dialed_at=None)
    assert told(blocked) == []


def test_a_third_has_a_lane_and_whom_it_replaces_is_released() -> None:
    third = StoredThird(
        number="+13053452399",
        trunk="main",
        state="ended",
        dialed_at=END - 9.0,
        ringing_at=END - 8.0,
        answered_at=END - 6.0,
        ended_at=END,
        cause="normal",
        sip_status=None,
        q850=None,
        micros=None,
    )
    record = replace(TALKED, thirds=(third,), user_ended_at=END - 6.0, ended_by="third")
    found = told(record)
    assert (USER, "to", "BYE") in found
    assert found[-2:] == [(DESTINATION, "to", "BYE"), (THIRD, "from", "BYE")]
    left = replace(TALKED, user_ended_at=END - 3.0)
    assert (USER, "from", "BYE") in told(left)


def test_a_status_without_a_name_is_its_number() -> None:
    assert (status_text(486), status_text(499)) == ("486 Busy Here", "499")
