from dataclasses import replace

import pytest

from ringbridge.call.directory import (
    Account,
    CallerIdPolicy,
    Line,
    LineKind,
    NumberFormat,
    Srtp,
    Trunk,
)
from ringbridge.call.errors import CannotPlaceCalls
from ringbridge.call.model import Route
from ringbridge.call.routing import destination_party, trunk_target, trunks_for, user_party

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
    Trunk(id="t2", name="second", uri="sip:pbx@192.0.2.2", position=1),
)
DIALED = "+15125292329"


def only_route(trunk: Trunk, line: Line = PHONE, account: Account = ACCOUNT) -> Route:
    """The way to the destination where there is one trunk."""
    (route,) = destination_party(DIALED, line, account, (trunk,), 0.0).routes
    return route


def names(number: str, *trunks: Trunk, fraction: float = 0.0) -> str:
    return "".join(trunk.name for trunk in trunks_for(number, trunks, fraction))


def a_trunk(name: str, *prefixes: str, position: int = 0, weight: int = 1) -> Trunk:
    return Trunk(id=name, name=name, uri="sip:192.0.2.1", prefixes=prefixes, position=position, weight=weight)


def test_the_user_s_own_phone_shows_who_is_being_called() -> None:
    party = user_party(PHONE, ACCOUNT, TRUNKS, DIALED)

    assert party.routes == (
        Route(target="sip:ann@192.0.2.7:5062", caller_number=DIALED, caller_name="Calling +15125292329"),
    )
    assert (party.name, party.device, party.auto_answer) == ("Ann", None, False)


def test_over_the_public_network_the_user_sees_the_account_s_own_number() -> None:
    party = user_party(MOBILE, ACCOUNT, TRUNKS, DIALED)

    assert party.routes == (
        Route(
            trunk="second",
            target="sip:+18175629658@192.0.2.2",
            caller_number="+18175620000",
            caller_name="Example Inc",
        ),
    )


def test_a_device_is_found_where_it_registered() -> None:
    party = user_party(replace(PHONE, kind=LineKind.DEVICE, uri=None), ACCOUNT, TRUNKS, DIALED)

    assert party.device == "l1"
    assert party.routes == (Route(target="", caller_number=DIALED, caller_name="Calling +15125292329"),)


def test_how_a_phone_is_to_be_treated_is_said_by_its_line() -> None:
    line = replace(PHONE, auto_answer=True, srtp=Srtp.REQUIRED, nat=True)
    party = user_party(line, ACCOUNT, TRUNKS, DIALED)

    assert party.auto_answer
    assert (party.routes[0].srtp, party.routes[0].nat) == (Srtp.REQUIRED, True)


def test_how_audio_goes_over_a_trunk_is_said_by_the_trunk() -> None:
    trunk = replace(TRUNKS[1], srtp=Srtp.OPTIONAL, nat=True)
    party = user_party(replace(MOBILE, srtp=Srtp.REQUIRED), ACCOUNT, (trunk,), DIALED)

    assert (party.routes[0].srtp, party.routes[0].nat) == (Srtp.OPTIONAL, True)


def test_the_destination_sees_the_user_s_own_number_over_the_default_trunk_first() -> None:
    party = destination_party(DIALED, PHONE, ACCOUNT, TRUNKS, 0.0)

    assert party.routes[0] == Route(
        trunk="first",
        target="sip:+15125292329@192.0.2.1:5060;transport=udp",
        caller_number="+18175629657",
        caller_name="Ann",
    )
    assert [route.trunk for route in party.routes] == ["first", "second"]


def test_the_destination_sees_the_main_number_of_a_user_with_an_extension() -> None:
    assert only_route(TRUNKS[0], replace(PHONE, number="204")).caller_number == "+18175620000"


def test_an_extension_without_a_main_number_shows_what_it_has_and_nobody_vouches_for_it() -> None:
    trunk = replace(TRUNKS[0], caller_id=CallerIdPolicy.ASSERTED, number_format=NumberFormat.E164)
    route = only_route(trunk, replace(PHONE, number="204"), replace(ACCOUNT, main_number=None))

    assert (route.caller_number, route.asserted_number) == ("204", None)


@pytest.mark.parametrize(
    ("policy", "shown", "asserted", "is_private"),
    [
        (CallerIdPolicy.FROM, ("+18175629657", "Ann"), None, False),
        (CallerIdPolicy.ASSERTED, ("+18175629657", "Ann"), "+18175629657", False),
        (CallerIdPolicy.ANONYMOUS_FROM, ("anonymous", "Anonymous"), "+18175629657", True),
    ],
)
def test_the_trunk_says_where_it_wants_the_caller_s_number(
    policy: CallerIdPolicy, shown: tuple[str, str], asserted: str | None, is_private: bool
) -> None:
    route = only_route(replace(TRUNKS[0], caller_id=policy))

    assert (route.caller_number, route.caller_name) == shown
    assert (route.asserted_number, route.is_private) == (asserted, is_private)


def test_both_numbers_are_written_as_the_trunk_wants_them_and_only_the_called_one_gets_its_prefix() -> None:
    trunk = replace(TRUNKS[1], number_format=NumberFormat.NATIONAL, number_prefix="9")
    route = only_route(trunk)

    assert (route.target, route.caller_number) == ("sip:95125292329@192.0.2.2", "8175629657")


def test_an_extension_of_a_pbx_is_dialled_as_it_is() -> None:
    trunk = replace(TRUNKS[1], number_format=NumberFormat.E164, number_prefix="9")
    party = user_party(replace(MOBILE, number="305"), ACCOUNT, (trunk,), DIALED)

    assert party.routes[0].target == "sip:305@192.0.2.2"


def test_a_number_that_keeps_its_plus_gets_no_prefix() -> None:
    trunk = replace(TRUNKS[1], number_format=NumberFormat.NATIONAL, number_prefix="9")
    route = only_route(trunk, account=replace(ACCOUNT, country="BR"))

    assert route.target == "sip:+15125292329@192.0.2.2"


def test_without_a_trunk_no_outside_number_can_be_called() -> None:
    with pytest.raises(CannotPlaceCalls, match="no_trunk"):
        destination_party(DIALED, PHONE, ACCOUNT, (), 0.0)
    with pytest.raises(CannotPlaceCalls, match="no_trunk"):
        destination_party(DIALED, PHONE, ACCOUNT, (a_trunk("a", "+44"),), 0.0)
    with pytest.raises(CannotPlaceCalls, match="no_trunk"):
        user_party(MOBILE, ACCOUNT, TRUNKS[:1], DIALED)


def test_the_number_takes_the_place_of_a_trunk_s_user() -> None:
    assert trunk_target(TRUNKS[1], "+1555") == "sip:+1555@192.0.2.2"
    assert trunk_target(TRUNKS[1], "12#555") == "sip:12%23555@192.0.2.2"


def test_the_longest_prefix_goes_before_the_position_and_those_for_all_numbers_come_last() -> None:
    trunks = (a_trunk("a"), a_trunk("b", "+44", position=1), a_trunk("c", "+4420", "+1", position=2))

    assert names("+442079460958", *trunks) == "cba"
    assert names("+441414960958", *trunks) == "ba"
    assert names(DIALED, *trunks) == "ca"
    assert names("+33112345678", *trunks) == "a"


def test_no_more_than_three_trunks_are_tried() -> None:
    assert names(DIALED, *(a_trunk(name, position=at) for at, name in enumerate("abcd"))) == "abc"


@pytest.mark.parametrize(
    ("fraction", "order"),
    [(0.0, "abc"), (0.25, "abc"), (0.49, "acb"), (0.5, "bac"), (0.85, "bca"), (0.999, "cba")],
)
def test_trunks_at_the_same_position_share_the_calls_by_weight(fraction: float, order: str) -> None:
    trunks = (a_trunk("a", weight=4), a_trunk("b", weight=3), a_trunk("c", weight=1))

    assert names(DIALED, *trunks, fraction=fraction) == order


def test_each_trunk_goes_first_and_second_as_often_as_its_weight_says() -> None:
    trunks = (a_trunk("a", weight=2), a_trunk("b", weight=1), a_trunk("c", weight=1))
    orders = [names(DIALED, *trunks, fraction=(step + 0.5) / 4800) for step in range(4800)]

    assert sum(order[0] == "a" for order in orders) == 2400
    assert sum(order.startswith("ba") for order in orders) == 800
    assert sum(order.startswith("bc") for order in orders) == 400


def test_the_users_own_phone_shows_the_number_that_was_asked_for() -> None:
    party = user_party(PHONE, ACCOUNT, TRUNKS, DIALED, "+18175620099")
    assert party.routes[0].caller_number == "+18175620099"


def test_a_line_over_a_trunk_and_the_destination_show_the_number_that_was_asked_for() -> None:
    over_trunk = user_party(MOBILE, ACCOUNT, TRUNKS, DIALED, "+18175620099")
    destination = destination_party(DIALED, PHONE, ACCOUNT, TRUNKS, 0.0, "+18175620099")
    assert over_trunk.routes[0].caller_number.endswith("8175620099")
    assert destination.routes[0].caller_number.endswith("8175620099")
