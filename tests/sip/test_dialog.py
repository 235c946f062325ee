"""Dialogs: what forms them, where their requests go, where they may come from."""

import pytest

from ringbridge.sip.dialog import Dialog, DialogState
from ringbridge.sip.headers import Headers
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, Response, response_to

HOP = Hop("UDP", "192.0.2.10", 5060)


def make_invite(*fields: tuple[str, str]) -> Request:
    return Request(
        method="INVITE",
        uri="sip:bob@example.com",
        headers=Headers.of(
            [
                ("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1"),
                ("From", '"Alice" <sip:alice@example.com>;tag=a'),
                ("To", "<sip:bob@example.com>"),
                ("Call-ID", "one"),
                ("CSeq", "5 INVITE"),
                *fields,
            ]
        ),
    )


def make_answer(*fields: tuple[str, str], contact: str | None = "<sip:bob@192.0.2.2:5080>") -> Response:
    headers = [*fields] if contact is None else [("Contact", contact), *fields]
    return response_to(make_invite(), 200, to_tag="b", headers=headers)


def make_dialog(*fields: tuple[str, str], contact: str | None = "<sip:bob@192.0.2.2:5080>") -> Dialog:
    answer = make_answer(*fields, contact=contact)
    return Dialog.of_answer(make_invite(), "z9hG4bK1", answer, HOP, HOP)


def test_the_caller_takes_tags_target_and_reversed_route_from_the_2xx() -> None:
    dialog = make_dialog(("Record-Route", "<sip:192.0.2.21;lr>, <sip:192.0.2.22;lr>"))

    assert dialog.state(is_confirmed=True) == DialogState(
        call_id="one",
        local_uri='"Alice" <sip:alice@example.com>;tag=a',
        remote_uri="<sip:bob@example.com>;tag=b",
        local_sequence=5,
        remote_sequence=None,
        route_set=("<sip:192.0.2.22;lr>", "<sip:192.0.2.21;lr>"),
        remote_target="sip:bob@192.0.2.2:5080",
        hop=HOP,
        invite_branch="z9hG4bK1",
        is_confirmed=True,
    )


def test_the_called_side_takes_tags_target_and_route_from_the_invite() -> None:
    invite = make_invite(("Contact", "<sip:alice@192.0.2.1>"), ("Record-Route", "<sip:192.0.2.21;lr>"))

    dialog = Dialog.of_invite(invite, "local", HOP)

    assert dialog.state(is_confirmed=False) == DialogState(
        call_id="one",
        local_uri="<sip:bob@example.com>;tag=local",
        remote_uri='"Alice" <sip:alice@example.com>;tag=a',
        local_sequence=0,
        remote_sequence=5,
        route_set=("<sip:192.0.2.21;lr>",),
        remote_target="sip:alice@192.0.2.1",
        hop=HOP,
        invite_branch=None,
        is_confirmed=False,
    )


def test_without_contact_requests_take_the_way_of_the_invite() -> None:
    assert make_dialog(contact=None).remote_target == "sip:bob@example.com"
    assert Dialog.of_invite(make_invite(), "local", HOP).remote_target == "sip:alice@example.com"


def test_the_state_follows_the_numbers_and_the_target() -> None:
    dialog = make_dialog()
    before = dialog.state(is_confirmed=True)

    dialog.take_sequence()
    assert dialog.state(is_confirmed=True).local_sequence == before.local_sequence + 1
    dialog.accepts_sequence(9)
    assert dialog.state(is_confirmed=True).remote_sequence == 9
    dialog.refresh_target(make_answer(contact="<sip:bob@192.0.2.3>"))
    assert dialog.state(is_confirmed=True).remote_target == "sip:bob@192.0.2.3"


def test_a_dialog_of_a_stored_state_skips_numbers_that_may_have_been_used() -> None:
    state = make_dialog().state(is_confirmed=True)

    dialog = Dialog.of_state(state)

    assert dialog.take_sequence() == 1006
    assert dialog.remote_tag == "b"


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ("<sip:bob@192.0.2.2:5080>", Hop("UDP", "192.0.2.2", 5080)),
        ("<sip:bob@192.0.2.2>", Hop("UDP", "192.0.2.2", 5060)),
        ("<sip:bob@[2001:db8::2]:5080>", Hop("UDP", "2001:db8::2", 5080)),
        ("<sip:bob@[2001:DB8:0::2]:5080>", Hop("UDP", "2001:db8::2", 5080)),
        ("<sip:bob@192.0.2.2;transport=UDP>", Hop("UDP", "192.0.2.2", 5060)),
        # Whoever was reached over UDP is not left without ACK because of a word.
        ("<sip:bob@192.0.2.2;transport=tcp>", Hop("UDP", "192.0.2.2", 5060)),
        # Names are not looked up here.
        ("<sip:bob@phone.example.com>", HOP),
        ("<tel:+18175550100>", HOP),
    ],
)
def test_without_route_requests_go_to_the_contacts_address_or_else_where_the_invite_went(
    contact: str, expected: Hop
) -> None:
    assert make_dialog(contact=contact).next_hop == expected


def test_with_a_route_requests_go_to_its_first_element() -> None:
    dialog = make_dialog(("Record-Route", "<sip:192.0.2.21;lr>, <sip:192.0.2.22:5070;lr>"))

    request = dialog.request("BYE", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK2", 6)

    assert dialog.next_hop == Hop("UDP", "192.0.2.22", 5070)
    assert request.uri == "sip:bob@192.0.2.2:5080"
    assert request.headers.all("Route") == ("<sip:192.0.2.22:5070;lr>", "<sip:192.0.2.21;lr>")


def test_a_strict_router_gets_its_own_address_as_request_uri() -> None:
    dialog = make_dialog(("Record-Route", "<sip:192.0.2.21;lr>, <sip:192.0.2.22>"))

    request = dialog.request("BYE", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK2", 6)

    assert request.uri == "sip:192.0.2.22"
    assert request.headers.all("Route") == ("<sip:192.0.2.21;lr>", "<sip:bob@192.0.2.2:5080>")


def test_a_route_that_cannot_be_read_is_copied_and_not_followed() -> None:
    state = make_dialog().state(is_confirmed=True)
    broken = state._replace(route_set=('"',))

    dialog = Dialog.of_state(broken)

    assert dialog.next_hop == HOP
    assert dialog.request("BYE", "SIP/2.0/UDP 192.0.2.1:5060", 6).headers.get("Route") == '"'


def test_a_target_that_cannot_be_read_is_not_followed() -> None:
    state = make_dialog().state(is_confirmed=True)
    broken = state._replace(remote_target="?")

    assert Dialog.of_state(broken).next_hop == HOP


def test_a_request_carries_both_tags_its_number_and_what_is_added() -> None:
    request = make_dialog().request(
        "INVITE", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK2", 6, [("Subject", "again")], b"body"
    )

    assert list(request.headers) == [
        ("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK2"),
        ("Max-Forwards", "70"),
        ("From", '"Alice" <sip:alice@example.com>;tag=a'),
        ("To", "<sip:bob@example.com>;tag=b"),
        ("Call-ID", "one"),
        ("CSeq", "6 INVITE"),
        ("Subject", "again"),
    ]
    assert request.body == b"body"


def test_the_peers_numbers_must_grow() -> None:
    dialog = make_dialog()

    assert dialog.accepts_sequence(9)
    assert not dialog.accepts_sequence(9)
    assert not dialog.accepts_sequence(8)
    assert dialog.accepts_sequence(20)


def test_a_dialogs_hosts_are_the_hop_the_answerer_and_the_numbers_in_route_and_target() -> None:
    answer = make_answer(("Record-Route", "<sip:192.0.2.21;lr>, <sip:proxy.example.com;lr>"))

    dialog = Dialog.of_answer(make_invite(), "z9hG4bK1", answer, HOP, HOP._replace(host="192.0.2.11"))

    assert sorted(dialog.hosts()) == ["192.0.2.10", "192.0.2.11", "192.0.2.2", "192.0.2.21"]


def test_a_new_contact_moves_the_target_and_a_missing_one_does_not() -> None:
    dialog = make_dialog()

    dialog.refresh_target(make_answer(contact="<sip:bob@192.0.2.3>"))
    assert dialog.next_hop == Hop("UDP", "192.0.2.3", 5060)
    assert "192.0.2.2" not in dialog.hosts()

    dialog.refresh_target(make_answer(contact=None))
    assert dialog.remote_target == "sip:bob@192.0.2.3"


def test_a_pinned_dialog_keeps_to_its_hop_whatever_the_contact_says() -> None:
    dialog = Dialog.of_answer(make_invite(), "z9hG4bK1", make_answer(), HOP, HOP, pinned=True)

    dialog.refresh_target(make_answer(contact="<sip:bob@192.0.2.3:5090>"))

    assert (dialog.next_hop, dialog.remote_target) == (HOP, "sip:bob@192.0.2.3:5090")
    assert Dialog.of_state(dialog.state(is_confirmed=True)).next_hop == HOP


@pytest.mark.parametrize(("transport", "port"), [("TCP", 5060), ("TLS", 5061)])
def test_a_contact_without_port_is_at_the_default_port_of_the_dialogs_transport(
    transport: str, port: int
) -> None:
    hop = Hop(transport, "192.0.2.10", 5090)
    answer = make_answer(contact="<sip:bob@192.0.2.2>")

    dialog = Dialog.of_answer(make_invite(), "z9hG4bK1", answer, hop, hop)

    assert dialog.next_hop == Hop(transport, "192.0.2.2", port)
