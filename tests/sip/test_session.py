"""How sessions end: BYE from either side or both, at once, in the dark; and whose packets may end them."""

import gc
from collections.abc import Iterator

import pytest

from ringbridge.sip.client_transaction import ClientTransaction
from ringbridge.sip.digest import Credentials
from ringbridge.sip.endpoint import Endpoint
from ringbridge.sip.event import Ended, EndedBy, StrangerHeard
from ringbridge.sip.exchange import Exchange
from ringbridge.sip.headers import Reason
from ringbridge.sip.hop import Hop
from ringbridge.sip.invitation import Invitation
from ringbridge.sip.negotiation import Negotiation
from ringbridge.sip.session import Session
from ringbridge.sip.session_timer import SessionTimer
from tests.sip.network import (
    ANSWER,
    CALLED,
    CALLER,
    OFFER,
    STRANGER,
    Network,
    assert_nothing_is_left,
    call_peer,
    receive_call,
    talk_to_peer,
)


def ended(by: EndedBy, session: str = "call") -> Ended:
    return Ended(session=session, by=by, q850=None, sip_cause=None)


def invite(caller: Endpoint, hop: Hop) -> None:
    """Have something to do with another host."""
    caller.invite(
        target="sip:x@example.com",
        hop=hop,
        from_="<sip:a@b>",
        to="<sip:c@d>",
        body=b"",
        session="other",
        now=0.0,
    )


def test_hanging_up_sends_bye_with_the_reason_and_is_told_at_once() -> None:
    network, caller, peer = talk_to_peer()

    caller.hang_up("call", 0.0, reason=Reason("Q.850", 16))
    network.pump()

    bye = peer.received("BYE")
    assert (bye.cseq, bye.to_tag, bye.headers.get("Reason")) == ((2, "BYE"), "peer", "Q.850;cause=16")
    assert network.events[CALLER] == [ended(EndedBy.LOCAL)]
    assert caller.dialog("call") is None
    assert network.released[CALLER] == []
    peer.answer(200, method="BYE")
    assert network.released[CALLER] == ["call"]
    assert caller.counts.sessions == 0


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What is freed now is freed without the collector of cycles, which a server has come by seldom."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize(
    "how", ["we hang up", "they hang up", "refused", "given up", "not heard of", "offers"]
)
def test_nothing_of_a_session_waits_for_the_collector(no_collector: None, how: str) -> None:
    network, caller, peer = call_peer() if how in ("refused", "given up", "not heard of") else talk_to_peer()
    if how == "offers":
        caller.offer("call", OFFER, 0.0)
        network.pump()
        peer.answer(200, body=ANSWER)
        peer.send("INVITE", body=OFFER)
        caller.answer_offer("call", ANSWER, 0.0)
        peer.send("BYE")
    elif how == "we hang up":
        caller.hang_up("call", 0.0)
        network.pump()
        peer.answer(200, method="BYE")
    elif how == "they hang up":
        peer.send("BYE")
    elif how == "refused":
        peer.answer(486)
    elif how == "given up":
        peer.answer(180)
        caller.hang_up("call", 0.0)
        network.pump()
        peer.answer(200, method="CANCEL")
        peer.answer(487)
    network.run(until=100.0)
    assert_nothing_is_left(caller)
    ours = (Session, Negotiation, SessionTimer, Invitation, Exchange, ClientTransaction)

    assert [found for found in gc.get_objects() if isinstance(found, ours)] == []


def test_all_requests_of_a_pinned_session_go_where_its_invite_went() -> None:
    phone = Hop("TCP", "192.0.2.2", 49_152)
    network, caller, peer = call_peer(hop=phone, pinned=True)
    peer.contact = "<sip:bob@10.0.0.7:5060;transport=tcp>"
    peer.answer(200, body=ANSWER)
    state = caller.dialog("call")

    caller.hang_up("call", 0.0)
    network.pump()

    assert [(sent.name, sent.packet.hop) for sent in network.sent] == [
        ("INVITE", phone),
        ("ACK", phone),
        ("BYE", phone),
    ]
    assert peer.received("BYE").uri == "sip:bob@10.0.0.7:5060;transport=tcp"
    assert state is not None
    assert state.pinned


def test_hanging_up_twice_or_what_nobody_knows_does_nothing() -> None:
    network, caller, _ = talk_to_peer()

    for session in ("call", "call", "nobody"):
        caller.hang_up(session, 0.0)
    network.pump()

    assert network.names(CALLER) == ["INVITE", "ACK", "BYE"]
    assert network.events[CALLER] == [ended(EndedBy.LOCAL)]


def test_the_peers_bye_is_answered_and_told_with_its_causes() -> None:
    network, caller, peer = talk_to_peer()

    peer.send("BYE", headers=[("Reason", "Q.850;cause=31, SIP;cause=503")])

    assert network.names(CALLER)[-1] == "200 BYE"
    assert network.events[CALLER] == [Ended(session="call", by=EndedBy.PEER, q850=31, sip_cause=503)]
    assert network.released[CALLER] == ["call"]
    network.run(until=40.0)
    assert_nothing_is_left(caller)


def test_a_bye_that_is_never_answered_is_repeated_until_64_t1() -> None:
    network, caller, _ = talk_to_peer()
    caller.hang_up("call", 0.0)

    network.run(until=100.0)

    assert len(network.times(CALLER, "BYE")) == 11
    assert network.released[CALLER] == ["call"]
    assert_nothing_is_left(caller)


def test_a_bye_that_was_only_answered_100_is_not_over() -> None:
    network, caller, peer = talk_to_peer()
    caller.hang_up("call", 0.0)
    network.pump()

    peer.answer(100, method="BYE")

    assert caller.counts.sessions == 1


def test_a_bye_to_where_nobody_listens_is_over_at_once() -> None:
    network, caller, _ = talk_to_peer()
    caller.hang_up("call", 0.0)
    network.pump()

    caller.receive_send_failure(CALLED, 0.0)

    assert caller.counts.sessions == 0


# Crossing (B5)


def test_a_bye_whose_connection_breaks_goes_over_a_new_one() -> None:
    trunk = Hop("TCP", "192.0.2.2", 5060)
    network, caller, peer = call_peer(hop=trunk)
    peer.answer(200, body=ANSWER)
    caller.hang_up("call", 0.0)
    network.pump()

    caller.receive_connection_loss(trunk, 0.0)
    network.pump()

    assert network.names(CALLER) == ["INVITE", "ACK", "BYE", "BYE"]
    peer.answer(200, method="BYE")
    assert caller.counts.sessions == 0


def test_when_both_sides_hang_up_at_once_both_byes_are_answered_200() -> None:
    network, called, session = receive_call()
    caller = network.endpoints[CALLER]
    called.accept(session, ANSWER, 0.0)
    network.run(until=1.0)
    network.delay_seconds = 0.01

    caller.hang_up("call", 1.0)
    called.hang_up(session, 1.0)
    network.run(until=1.02)

    assert network.names(CALLER)[-2:] == ["BYE", "200 BYE"]
    assert network.names(CALLED)[-2:] == ["BYE", "200 BYE"]
    assert network.events[CALLER][-1] == ended(EndedBy.LOCAL)
    assert network.events[CALLED][-1] == ended(EndedBy.LOCAL, session)
    network.run(until=80.0)
    assert_nothing_is_left(caller)
    assert_nothing_is_left(called)


@pytest.mark.parametrize("milliseconds", range(21))
def test_bye_against_re_invite_ends_the_session_once_on_both_sides(milliseconds: int) -> None:
    network, called, session = receive_call()
    caller = network.endpoints[CALLER]
    called.accept(session, ANSWER, 0.0)
    network.run(until=1.0)
    network.delay_seconds = 0.01

    called.offer(session, b"hold", 1.0)
    network.run(until=1.0 + milliseconds / 1000)
    caller.hang_up("call", network.now)
    network.run(until=network.now + 0.05)

    for hop in (CALLER, CALLED):
        assert len([event for event in network.events[hop] if isinstance(event, Ended)]) == 1
    network.run(until=80.0)
    assert_nothing_is_left(caller)
    assert_nothing_is_left(called)


def test_what_crosses_the_end_of_a_session_is_not_told_of_the_next_one_with_its_id() -> None:
    network, caller, peer = talk_to_peer()
    caller.hang_up("call", 0.0)
    caller.invite(
        target="sip:bob@192.0.2.2",
        hop=CALLED,
        from_="<sip:alice@192.0.2.1>",
        to="<sip:bob@192.0.2.2>",
        body=b"",
        session="call",
        now=0.0,
    )

    peer.send("BYE")

    assert network.events[CALLER] == [ended(EndedBy.LOCAL)]
    assert caller.dialog("call") is not None


def test_a_second_bye_is_answered_like_the_first_or_481() -> None:
    network, _, peer = talk_to_peer()

    peer.send("BYE", number=101, branch="z9hG4bKbye")
    peer.send("BYE", number=101, branch="z9hG4bKbye")
    peer.send("BYE", number=102)

    assert network.names(CALLER)[2:] == ["200 BYE", "200 BYE", "481 BYE"]
    assert network.events[CALLER] == [ended(EndedBy.PEER)]


def test_a_request_that_crosses_our_bye_is_481() -> None:
    network, caller, peer = talk_to_peer()
    caller.hang_up("call", 0.0)
    network.pump()

    peer.send("INVITE", body=b"hold")
    peer.send("UPDATE")

    assert network.names(CALLER)[3:] == ["481 INVITE", "481 UPDATE"]
    assert network.events[CALLER] == [ended(EndedBy.LOCAL)]


# Whose requests count (C8)


@pytest.mark.parametrize("method", ["BYE", "INVITE", "UPDATE", "OPTIONS"])
def test_a_request_with_wrong_tags_is_481_and_changes_nothing(method: str) -> None:
    network, caller, peer = talk_to_peer()

    peer.send(method, tag="forged")
    peer.send(method, remote_tag="forged")

    assert network.names(CALLER)[2:] == [f"481 {method}"] * 2
    assert network.events[CALLER] == []
    assert caller.dialog("call") is not None


def test_a_request_with_right_tags_from_a_stranger_is_dropped_unread() -> None:
    network, caller, peer = talk_to_peer()

    for method in ("BYE", "CANCEL", "INVITE", "ACK"):
        peer.send(method, source=STRANGER)

    assert network.names(CALLER) == ["INVITE", "ACK"]
    assert network.events[CALLER] == []
    assert caller.counts.dropped_unknown_source == 4


OTHER = Hop("UDP", "192.0.2.66", 5060)


@pytest.mark.parametrize("source", [CALLED._replace(port=5099), OTHER, OTHER._replace(port=40_000)])
def test_a_request_may_come_from_any_port_of_the_dialogs_host_and_of_a_configured_peer(source: Hop) -> None:
    network, caller, peer = talk_to_peer()
    caller.set_known_peers([("192.0.2.66", 5060)])

    peer.send("BYE", source=source)

    assert network.names(CALLER)[2:] == ["200 BYE"]
    assert network.sent[-1].packet.hop == source
    assert network.events[CALLER] == [ended(EndedBy.PEER)]


def test_a_request_with_right_tags_from_another_dialogs_host_is_dropped_and_told_once() -> None:
    network, caller, peer = talk_to_peer()
    caller.set_known_peers([])
    invite(caller, OTHER)

    peer.send("BYE", source=OTHER)
    peer.send("INVITE", source=OTHER)
    peer.send("ACK", source=OTHER)

    assert network.names(CALLER) == ["INVITE", "ACK", "INVITE"]
    assert network.events[CALLER] == [StrangerHeard(session="call", method="BYE", source=OTHER)]
    assert caller.counts.dropped_unmatched == 2


def test_a_thousand_forged_requests_leave_the_call_alone() -> None:
    network, caller, peer = talk_to_peer()
    caller.set_known_peers([])
    invite(caller, OTHER)

    for forgery in range(250):
        peer.send("BYE", tag=f"forged{forgery}")
        peer.send("INVITE", remote_tag=f"forged{forgery}", body=b"hold")
        peer.send("BYE", source=OTHER)
        peer.answer(200, tag=f"forged{forgery}", source=STRANGER)

    assert network.events[CALLER] == [StrangerHeard(session="call", method="BYE", source=OTHER)]
    assert caller.dialog("call") is not None
    assert caller.counts.server_transactions == 0


@pytest.mark.parametrize(
    ("answer_headers", "source"),
    [
        ([("Contact", "<sip:bob@192.0.2.50:5070>")], Hop("UDP", "192.0.2.50", 5070)),
        ([("Record-Route", "<sip:192.0.2.51;lr>")], Hop("UDP", "192.0.2.51", 5060)),
        ([("Record-Route", "<sip:192.0.2.51;lr>")], CALLED),
    ],
)
def test_a_bye_may_come_from_contact_route_or_where_the_invite_went(
    answer_headers: list[tuple[str, str]], source: Hop
) -> None:
    network, caller, peer = call_peer()
    caller.set_known_peers([])
    peer.answer(200, headers=answer_headers, body=ANSWER)

    peer.send("BYE", source=source)

    assert network.events[CALLER][1:] == [ended(EndedBy.PEER)]


def test_a_bye_may_come_from_where_the_answer_came_from() -> None:
    network, caller, peer = call_peer()
    elsewhere = Hop("UDP", "192.0.2.77", 5060)
    caller.set_known_peers([("192.0.2.77", 5060)])
    peer.answer(200, body=ANSWER, source=elsewhere)
    caller.set_known_peers([])

    peer.send("BYE", source=elsewhere)

    assert network.events[CALLER][1:] == [ended(EndedBy.PEER)]


# Order (RFC 3261 section 12.2.2)


def test_a_request_that_is_not_newer_than_the_last_is_500() -> None:
    network, caller, peer = talk_to_peer()
    peer.send("UPDATE", number=200)

    peer.send("UPDATE", number=200)
    peer.send("BYE", number=199)

    assert network.names(CALLER)[2:] == ["200 UPDATE", "500 UPDATE", "500 BYE"]
    assert caller.dialog("call") is not None


# Challenges within the dialog (C5)

CREDENTIALS = Credentials(username="alice", password="secret")
CHALLENGE = [("Proxy-Authenticate", 'Digest realm="trunk", nonce="n1", qop="auth"')]


def authorizations(network: Network) -> list[str]:
    return [sent.name for sent in network.sent if b"Proxy-Authorization" in sent.packet.data]


def test_a_challenged_bye_is_sent_again_with_credentials() -> None:
    network, caller, peer = talk_to_peer(credentials=CREDENTIALS)
    caller.hang_up("call", 0.0)
    network.pump()

    peer.answer(407, method="BYE", headers=CHALLENGE)
    peer.answer(200, method="BYE")

    assert network.names(CALLER)[2:] == ["BYE", "BYE"]
    assert peer.received("BYE").cseq.number == 3
    assert authorizations(network) == ["BYE"]
    assert caller.counts.sessions == 0


def test_a_bye_is_not_tried_for_ever() -> None:
    network, caller, peer = talk_to_peer(credentials=CREDENTIALS)
    caller.hang_up("call", 0.0)
    network.pump()

    for _ in range(5):
        peer.answer(407, method="BYE", headers=CHALLENGE)

    assert len(authorizations(network)) == 2
    assert caller.counts.sessions == 0


def test_after_a_challenged_invite_the_bye_answers_without_being_asked() -> None:
    network, caller, peer = call_peer(credentials=CREDENTIALS)
    peer.answer(407, headers=CHALLENGE)
    peer.answer(200, body=ANSWER)

    caller.hang_up("call", 0.0)
    network.pump()

    assert "nc=00000002" in (peer.received("BYE").headers.get("Proxy-Authorization") or "")


def test_credentials_never_go_to_a_contact_outside_the_hop_even_if_it_asks() -> None:
    network, caller, peer = call_peer(credentials=CREDENTIALS)
    peer.answer(200, headers=[("Contact", f"<sip:bob@{STRANGER.host}>")], body=ANSWER)
    caller.offer("call", b"hold", 0.0)
    network.pump()
    peer.answer(407, headers=CHALLENGE, source=STRANGER)
    caller.hang_up("call", 0.0)
    network.pump()
    peer.answer(407, method="BYE", headers=CHALLENGE, source=STRANGER)
    peer.answer(407, method="BYE", headers=CHALLENGE)

    assert authorizations(network) == []


def test_a_contact_outside_the_hop_gets_no_credentials_that_the_hop_has_asked_for() -> None:
    network, caller, peer = call_peer(credentials=CREDENTIALS)
    peer.answer(407, headers=CHALLENGE)
    peer.answer(200, headers=[("Contact", f"<sip:bob@{STRANGER.host}>")], body=ANSWER)

    caller.hang_up("call", 0.0)
    network.pump()

    assert authorizations(network) == ["INVITE"]
    assert {sent.packet.hop for sent in network.sent if sent.name in ("ACK", "BYE")} == {CALLED, STRANGER}
