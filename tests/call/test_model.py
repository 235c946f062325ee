from ringbridge.call.model import Leg
from tests.call.test_machine import CALL, DESTINATION, USER, run


def test_a_call_knows_its_parties_and_legs_by_name() -> None:
    assert (CALL.party(USER).number, CALL.party(DESTINATION).number) == ("+18175629657", "+15125292329")
    assert CALL.with_leg(DESTINATION, Leg(sip_status=486)).leg(DESTINATION).sip_status == 486


def test_a_call_that_was_never_joined_has_no_talk() -> None:
    assert CALL.talk_seconds == 0.0
    assert run()[0].talk_seconds == 0.0


def test_talk_is_never_negative() -> None:
    call = CALL._replace(destination_leg=Leg(answered_at=105.0), ended_at=104.0)

    assert call.talk_seconds == 0.0
