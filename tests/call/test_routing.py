from dataclasses import replace

import pytest

from ringbridge.call.directory import Account, Line, LineKind, Trunk
from ringbridge.call.errors import CannotPlaceCalls
from ringbridge.call.routing import destination_party, trunk_target, user_party

ACCOUNT = Account(id="1009683", name="Example Inc", main_number="+18175620000")
PHONE = Line(
    id="l1",
    account_id="1009683",
    number="+18175629657",
    name="Ann",
    kind=LineKind.URI,
    uri="sip:ann@192.0.2.7:5062",
)
MOBILE = replace(PHONE, id="l2", number="+18175629658", kind=LineKind.TRUNK, uri=None, trunk="second")
TRUNKS = (
    Trunk(id="t1", name="first", uri="sip:192.0.2.1:5060;transport=udp"),
    Trunk(id="t2", name="second", uri="sip:pbx@192.0.2.2"),
)
DIALED = "+15125292329"


def test_the_user_s_own_phone_shows_who_is_being_called() -> None:
    party = user_party(PHONE, ACCOUNT, TRUNKS, DIALED)

    assert (party.target, party.trunk) == ("sip:ann@192.0.2.7:5062", None)
    assert (party.caller_number, party.caller_name) == (DIALED, "Calling +15125292329")


def test_over_the_public_network_the_user_sees_the_account_s_own_number() -> None:
    party = user_party(MOBILE, ACCOUNT, TRUNKS, DIALED)

    assert (party.target, party.trunk) == ("sip:+18175629658@192.0.2.2", "second")
    assert (party.caller_number, party.caller_name) == ("+18175620000", "Example Inc")


def test_a_device_that_has_not_registered_has_no_target() -> None:
    assert user_party(replace(PHONE, kind=LineKind.DEVICE, uri=None), ACCOUNT, TRUNKS, DIALED).target == ""


def test_the_destination_sees_the_user_s_own_number_over_the_default_trunk() -> None:
    party = destination_party(DIALED, PHONE, ACCOUNT, TRUNKS)

    assert (party.target, party.trunk) == ("sip:+15125292329@192.0.2.1:5060;transport=udp", "first")
    assert (party.caller_number, party.caller_name) == ("+18175629657", "Ann")


def test_the_destination_sees_the_main_number_of_a_user_with_an_extension() -> None:
    party = destination_party(DIALED, replace(PHONE, number="204"), ACCOUNT, TRUNKS)

    assert party.caller_number == "+18175620000"


def test_an_extension_without_a_main_number_shows_what_it_has() -> None:
    account = replace(ACCOUNT, main_number=None)

    assert destination_party(DIALED, replace(PHONE, number="204"), account, TRUNKS).caller_number == "204"


def test_without_a_trunk_no_outside_number_can_be_called() -> None:
    with pytest.raises(CannotPlaceCalls, match="no_trunk"):
        destination_party(DIALED, PHONE, ACCOUNT, ())
    with pytest.raises(CannotPlaceCalls, match="no_trunk"):
        user_party(MOBILE, ACCOUNT, TRUNKS[:1], DIALED)


def test_the_number_takes_the_place_of_a_trunk_s_user() -> None:
    assert trunk_target(TRUNKS[1], "+1555") == "sip:+1555@192.0.2.2"
