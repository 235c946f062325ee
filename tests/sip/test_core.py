"""What sessions share: names for ourselves, reasons of others."""

import pytest

from ringbridge.sip.core import Core, EndpointSettings, causes_of, supports
from ringbridge.sip.event import OfferRefused
from ringbridge.sip.headers import Headers, Via
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request
from tests.sip.network import Counter

PEER = Hop("UDP", "192.0.2.2", 5060)


def make_core(local: Hop) -> Core:
    return Core(EndpointSettings(local=local), Counter("token"))


def make_request(*fields: tuple[str, str]) -> Request:
    return Request(method="BYE", uri="sip:192.0.2.1", headers=Headers.of(fields))


def test_via_and_contact_name_the_local_address() -> None:
    core = make_core(Hop("UDP", "192.0.2.1", 5070))

    assert core.via("z9hG4bK1", PEER) == "SIP/2.0/UDP 192.0.2.1:5070;rport;branch=z9hG4bK1"
    assert core.contact_for(PEER) == ("Contact", "<sip:192.0.2.1:5070>")


@pytest.mark.parametrize(
    ("transport", "via", "contact"),
    [
        ("UDP", "UDP [2001:db8::1]:5070;rport", "<sip:[2001:db8::1]:5070>"),
        ("TCP", "TCP [2001:db8::1]:5072;rport;alias", "<sip:[2001:db8::1]:5072;transport=tcp>"),
        ("TLS", "TLS [2001:db8::1]:5061;rport;alias", "<sip:[2001:db8::1]:5061;transport=tls>"),
        ("WS", "WS [2001:db8::1]:80;rport", "<sip:[2001:db8::1]:80;transport=ws>"),
        ("WSS", "WSS [2001:db8::1]:7443;rport", "<sip:[2001:db8::1]:7443;transport=ws>"),
    ],
)
def test_each_transport_has_its_own_via_and_contact(transport: str, via: str, contact: str) -> None:
    host = "2001:db8::1"
    others = (Hop("TCP", host, 5072), Hop("WSS", host, 7443))
    core = Core(EndpointSettings(local=Hop("UDP", host, 5070), others=others), Counter("token"))
    peer = Hop(transport, "2001:db8::9", 40_000)

    assert core.via("z9hG4bK1", peer) == f"SIP/2.0/{via};branch=z9hG4bK1"
    assert core.contact_for(peer) == ("Contact", contact)


def test_a_via_is_ours_if_we_could_have_written_it() -> None:
    settings = EndpointSettings(local=Hop("UDP", "192.0.2.1", 5070), others=(Hop("TCP", "192.0.2.1", 5072),))
    core = Core(settings, Counter("token"))

    assert core.is_ours(Via("UDP", "192.0.2.1", 5070))
    assert core.is_ours(Via("TCP", "192.0.2.1", 5072))
    assert not core.is_ours(Via("TCP", "192.0.2.1", 5070))
    assert not core.is_ours(Via("UDP", "192.0.2.9", 5070))
    assert not core.is_ours(Via("SCTP", "192.0.2.1", 5070))


def test_every_branch_begins_with_the_magic_cookie_and_is_new() -> None:
    core = make_core(Hop("UDP", "192.0.2.1", 5060))

    assert [core.new_branch(), core.new_branch()] == ["z9hG4bKtoken1", "z9hG4bKtoken2"]


def test_events_are_told_once_and_in_order() -> None:
    core = make_core(Hop("UDP", "192.0.2.1", 5060))
    first, second = OfferRefused(session="a", status=488), OfferRefused(session="b", status=488)

    core.tell(first)
    core.tell(second)

    assert core.take_events() == [first, second]
    assert core.take_events() == []


def test_causes_are_read_from_each_reason_by_its_protocol() -> None:
    bye = make_request(
        ("Reason", 'SIP;cause=200;text="Call completed elsewhere"'), ("Reason", "Q.850;cause=16")
    )

    assert causes_of(bye) == (16, 200)


def test_the_first_reason_of_a_protocol_counts_and_what_cannot_be_read_is_passed_over() -> None:
    bye = make_request(("Reason", "(;cause=1, q.850;cause=17, Q.850;cause=16"))

    assert causes_of(bye) == (17, None)


def test_without_reason_there_is_no_cause() -> None:
    assert causes_of(make_request()) == (None, None)


def test_an_extension_is_supported_if_it_is_named() -> None:
    assert supports(make_request(("Supported", "100rel, timer")), "timer")
    assert not supports(make_request(("Supported", "100rel")), "timer")
