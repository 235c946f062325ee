"""Offers and answers within a session: both ways, glare, refusals, and what comes too late."""

import pytest

from ringbridge.sip.digest import Credentials
from ringbridge.sip.event import Ended, EndedBy, OfferAnswered, Offered, OfferRefused
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request
from tests.sip.network import (
    ANSWER,
    CALLED,
    CALLER,
    OFFER,
    Network,
    assert_nothing_is_left,
    call_peer,
    make_endpoint,
    receive_call,
    talk_to_peer,
)

HOLD = b"v=0\r\nhold\r\n"
HELD = b"v=0\r\nheld\r\n"


def ended(by: EndedBy) -> Ended:
    return Ended(session="call", by=by, q850=None, sip_cause=None)


# Ours


def test_an_offer_is_a_re_invite_and_its_answer_is_acknowledged_and_told() -> None:
    network, caller, peer = talk_to_peer()

    caller.offer("call", HOLD, 0.0)
    network.pump()
    peer.answer(100)
    peer.answer(200, body=HELD)

    re_invite = peer.received("INVITE")
    assert (re_invite.uri, re_invite.cseq, re_invite.body) == ("sip:bob@192.0.2.2:5060", (2, "INVITE"), HOLD)
    assert re_invite.to_tag == "peer"
    assert re_invite.contact is not None
    assert peer.received("ACK").cseq == (2, "ACK")
    assert network.events[CALLER] == [OfferAnswered(session="call", body=HELD)]


def test_an_offer_made_while_the_phone_still_rings_waits_for_the_answer() -> None:
    network, caller, peer = call_peer()

    caller.offer("call", HOLD, 0.0)
    network.pump()
    assert network.names(CALLER) == ["INVITE"]

    peer.answer(200, body=ANSWER)
    assert network.names(CALLER) == ["INVITE", "ACK", "INVITE"]


def test_of_offers_that_wait_the_newest_is_sent() -> None:
    network, caller, peer = talk_to_peer()
    for body in (HOLD, b"second", b"third"):
        caller.offer("call", body, 0.0)
    network.pump()
    assert peer.received("INVITE").body == HOLD

    peer.answer(200, body=HELD)

    assert peer.received("INVITE").body == b"third"
    assert network.names(CALLER).count("INVITE") == 3


def test_the_contact_of_the_answer_is_where_the_next_request_goes() -> None:
    network, caller, peer = talk_to_peer()
    caller.offer("call", HOLD, 0.0)
    network.pump()

    peer.answer(200, headers=[("Contact", "<sip:bob@192.0.2.2:5090>")], body=HELD)
    caller.hang_up("call", 0.0)
    network.pump()

    assert network.sent[-1].packet.hop == Hop("UDP", "192.0.2.2", 5090)


@pytest.mark.parametrize("status", [488, 415, 503, 600])
def test_a_refused_offer_is_told_and_the_session_goes_on(status: int) -> None:
    network, caller, peer = talk_to_peer()
    caller.offer("call", HOLD, 0.0)
    network.pump()

    peer.answer(status)

    assert network.events[CALLER] == [OfferRefused(session="call", status=status)]
    assert caller.dialog("call") is not None


@pytest.mark.parametrize("status", [408, 481])
def test_an_offer_that_finds_no_dialog_ends_the_session(status: int) -> None:
    network, caller, peer = talk_to_peer()
    caller.offer("call", HOLD, 0.0)
    network.pump()

    peer.answer(status)

    assert network.names(CALLER)[-2:] == ["ACK", "BYE"]
    assert network.events[CALLER] == [ended(EndedBy.NO_RESPONSE)]


@pytest.mark.parametrize("statuses", [(), (100,)])
def test_an_offer_without_a_final_answer_ends_the_session_after_64_t1(statuses: tuple[int, ...]) -> None:
    network, caller, peer = talk_to_peer()
    network.run(until=100.0)
    caller.offer("call", HOLD, 100.0)
    network.pump()
    for status in statuses:
        peer.answer(status)

    network.run(until=131.9)
    assert network.events[CALLER] == []
    network.run(until=132.0)

    assert network.events[CALLER] == [ended(EndedBy.NO_RESPONSE)]
    network.run(until=200.0)
    assert_nothing_is_left(caller)


def test_an_offer_to_where_nobody_listens_is_refused_and_the_session_goes_on() -> None:
    network, caller, _ = talk_to_peer()
    caller.offer("call", HOLD, 0.0)

    caller.receive_send_failure(CALLED, 0.0)
    network.pump()

    assert network.events[CALLER] == [OfferRefused(session="call", status=503)]


def test_a_challenge_to_an_offer_is_answered_for_the_hop_of_the_invite() -> None:
    network, caller, peer = talk_to_peer(credentials=Credentials(username="alice", password="secret"))
    caller.offer("call", HOLD, 0.0)
    network.pump()

    peer.answer(407, headers=[("Proxy-Authenticate", 'Digest realm="trunk", nonce="n1"')])
    peer.answer(200, body=HELD)

    re_invite = peer.received("INVITE")
    assert re_invite.cseq.number == 3
    assert "Proxy-Authorization" in re_invite.headers
    assert peer.received("ACK").headers.get("Proxy-Authorization") == re_invite.headers.get(
        "Proxy-Authorization"
    )
    assert network.events[CALLER] == [OfferAnswered(session="call", body=HELD)]


def test_an_interval_too_small_for_the_peer_is_raised_in_the_offer() -> None:
    network, caller, peer = talk_to_peer()
    caller.offer("call", HOLD, 0.0)
    network.pump()

    peer.answer(422, headers=[("Min-SE", "4000")])
    assert peer.received("INVITE").headers.get("Session-Expires") == "4000"
    peer.answer(422, headers=[("Min-SE", "4000")])

    assert network.events[CALLER] == [OfferRefused(session="call", status=422)]


# Late (B8)


def test_a_late_200_to_a_re_invite_after_bye_gets_its_ack_and_no_second_bye() -> None:
    network, caller, peer = talk_to_peer()
    caller.offer("call", HOLD, 0.0)
    network.pump()
    caller.hang_up("call", 0.0)
    network.pump()

    peer.answer(200, body=HELD)
    peer.answer(200, method="BYE")
    peer.answer(200, body=HELD)

    assert network.names(CALLER) == ["INVITE", "ACK", "INVITE", "BYE", "ACK", "ACK"]
    assert network.events[CALLER] == [ended(EndedBy.LOCAL)]
    network.run(until=80.0)
    assert_nothing_is_left(caller)


def test_a_re_invite_that_the_peers_bye_overtakes_ends_with_its_487() -> None:
    network, caller, peer = talk_to_peer()
    caller.offer("call", HOLD, 0.0)
    network.pump()

    peer.send("BYE")
    peer.answer(487)

    assert network.names(CALLER) == ["INVITE", "ACK", "INVITE", "200 BYE", "ACK"]
    assert network.events[CALLER] == [ended(EndedBy.PEER)]
    network.run(until=80.0)
    assert_nothing_is_left(caller)


def test_a_re_invite_left_without_its_end_by_the_peers_bye_is_forgotten() -> None:
    network, caller, peer = talk_to_peer()
    caller.offer("call", HOLD, 0.0)
    network.pump()
    peer.answer(100)
    peer.send("BYE")

    network.run(until=80.0)

    assert_nothing_is_left(caller)


def test_a_repeated_200_to_a_re_invite_gets_its_ack_and_is_told_once() -> None:
    network, caller, peer = talk_to_peer()
    caller.offer("call", HOLD, 0.0)
    network.pump()

    peer.answer(200, body=HELD)
    peer.answer(200, body=HELD)

    assert network.names(CALLER) == ["INVITE", "ACK", "INVITE", "ACK", "ACK"]
    assert len(network.events[CALLER]) == 1


# Glare (B6)


@pytest.mark.parametrize(("fraction", "seconds"), [(0.0, 2.1), (0.5, 3.05), (0.9999, 4.0)])
def test_the_owner_of_the_call_id_tries_again_after_2_1_to_4_seconds(fraction: float, seconds: float) -> None:
    network, caller, peer = talk_to_peer(fraction=fraction)
    network.run(until=100.0)
    caller.offer("call", HOLD, 100.0)
    network.pump()

    peer.answer(491)
    network.run(until=110.0)

    times = network.times(CALLER, "INVITE")
    assert times[:3] == [0.0, 100.0, pytest.approx(100.0 + seconds)]
    assert network.events[CALLER] == []


@pytest.mark.parametrize(("fraction", "seconds"), [(0.0, 0.0), (0.5, 1.0), (0.9999, 2.0)])
def test_the_other_side_tries_again_after_0_to_2_seconds(fraction: float, seconds: float) -> None:
    network, called, session = receive_call(fraction=fraction)
    called.accept(session, ANSWER, 0.0)
    network.run(until=100.0)
    caller = network.endpoints[CALLER]

    caller.offer("call", HOLD, 100.0)
    called.offer(session, HOLD, 100.0)
    network.run(until=102.05)

    assert network.names(CALLER)[-1] == "100 INVITE"
    assert network.times(CALLED, "INVITE") == [100.0, pytest.approx(100.0 + seconds)]


@pytest.mark.parametrize("run", range(100))
def test_glare_is_answered_491_both_ways_and_both_offers_go_through_within_6_seconds(run: int) -> None:
    network, called, session = receive_call(fraction=run / 100)
    caller = network.endpoints[CALLER]
    called.accept(session, ANSWER, 0.0)
    network.run(until=1.0)
    network.delay_seconds = 0.01

    caller.offer("call", b"from caller", 1.0)
    called.offer(session, b"from called", 1.0)
    network.run(until=1.015)
    assert network.names(CALLER)[-1] == network.names(CALLED)[-1] == "491 INVITE"
    for hundredths in range(102, 700):
        network.run(until=hundredths / 100)
        for hop, endpoint in network.endpoints.items():
            for event in [event for event in network.events[hop] if isinstance(event, Offered)]:
                network.events[hop].remove(event)
                endpoint.answer_offer(event.session, b"answer to " + event.body, network.now)

    assert OfferAnswered(session="call", body=b"answer to from caller") in network.events[CALLER]
    assert OfferAnswered(session=session, body=b"answer to from called") in network.events[CALLED]


def test_an_offer_that_yields_waits_for_the_peers_and_follows_it() -> None:
    network, caller, peer = talk_to_peer()
    caller.offer("call", HOLD, 0.0)
    network.pump()
    peer.answer(491)

    peer.send("INVITE", body=b"peer's")
    network.run(until=10.0)
    assert network.names(CALLER).count("INVITE") == 2
    caller.answer_offer("call", b"our answer", 10.0)
    network.pump()

    assert network.times(CALLER, "INVITE") == [0.0, 0.0, 10.0]
    assert peer.received("INVITE").body == HOLD


def test_a_newer_offer_takes_the_place_of_one_that_yields() -> None:
    network, caller, peer = talk_to_peer()
    caller.offer("call", HOLD, 0.0)
    network.pump()
    caller.offer("call", b"newer", 0.0)
    peer.answer(491)

    network.run(until=3.0)

    assert peer.received("INVITE").body == b"newer"


def test_glare_that_never_ends_is_refused_at_last() -> None:
    network, caller, peer = talk_to_peer()
    caller.offer("call", HOLD, 0.0)
    network.pump()

    for _ in range(11):
        peer.answer(491)
        network.run(until=network.now + 2.1)

    assert network.names(CALLER).count("INVITE") == 12
    assert network.events[CALLER] == [OfferRefused(session="call", status=491)]


def test_hanging_up_while_an_offer_yields_leaves_nothing() -> None:
    network, caller, peer = talk_to_peer()
    caller.offer("call", HOLD, 0.0)
    network.pump()
    peer.answer(491)

    caller.hang_up("call", 0.0)
    network.pump()
    peer.answer(200, method="BYE")
    network.run(until=80.0)

    assert network.names(CALLER).count("INVITE") == 2
    assert_nothing_is_left(caller)


# The peer's


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_an_offer_of_the_peer_is_told_and_answered(method: str) -> None:
    network, caller, peer = talk_to_peer()

    peer.send(method, body=HOLD)
    assert network.events[CALLER] == [Offered(session="call", body=HOLD, method=method)]
    caller.answer_offer("call", HELD, 0.0)
    network.pump()

    answer = network.last(CALLER, f"200 {method}")
    assert answer.body == HELD
    assert answer.content_type == "application/sdp"
    assert answer.contact is not None


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_an_offer_of_the_peer_can_be_refused_and_the_session_goes_on(method: str) -> None:
    network, caller, peer = talk_to_peer()
    peer.send(method, body=HOLD)

    caller.reject_offer("call", 488, 0.0)
    network.pump()
    assert network.names(CALLER)[-1] == f"488 {method}"
    peer.send(method, body=HOLD)

    assert len(network.events[CALLER]) == 2


def test_the_200_to_a_re_invite_is_repeated_until_its_ack() -> None:
    network, caller, peer = talk_to_peer()
    peer.send("INVITE", number=101, body=HOLD)
    caller.answer_offer("call", HELD, 0.0)
    network.run(until=2.0)

    peer.send("ACK", number=100)
    peer.send("ACK", number=101)
    network.run(until=60.0)

    assert network.times(CALLER, "200 INVITE") == [0.0, 0.5, 1.5]
    assert caller.dialog("call") is not None


def test_a_200_to_a_re_invite_that_is_never_acknowledged_ends_the_session() -> None:
    network, caller, peer = talk_to_peer()
    peer.send("INVITE", body=HOLD)
    caller.answer_offer("call", HELD, 0.0)

    network.run(until=32.0)

    assert network.events[CALLER][1:] == [ended(EndedBy.NO_ACK)]
    assert network.names(CALLER)[-1] == "BYE"


def test_an_ack_that_nothing_waits_for_is_late() -> None:
    network, _, peer = talk_to_peer()

    peer.send("ACK", number=100)

    assert network.names(CALLER) == ["INVITE", "ACK"]


def test_a_re_invite_without_offer_gets_ours_and_the_ack_brings_the_answer() -> None:
    network, caller, peer = talk_to_peer()
    peer.send("INVITE", number=101)
    assert network.events[CALLER] == [Offered(session="call", body=b"", method="INVITE")]
    caller.answer_offer("call", OFFER, 0.0)
    caller.offer("call", HOLD, 0.0)
    network.pump()
    assert network.names(CALLER)[-1] == "200 INVITE"

    peer.send("ACK", number=101, body=ANSWER)

    assert network.events[CALLER][1:] == [OfferAnswered(session="call", body=ANSWER)]
    assert peer.received("INVITE").body == HOLD


def test_an_update_without_body_is_answered_at_once_and_told_nobody() -> None:
    network, _, peer = talk_to_peer()

    peer.send("UPDATE")

    assert network.names(CALLER)[-1] == "200 UPDATE"
    assert network.events[CALLER] == []


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_an_offer_that_meets_ours_is_491(method: str) -> None:
    network, caller, peer = talk_to_peer()
    caller.offer("call", HOLD, 0.0)
    network.pump()

    peer.send(method, body=HOLD)

    assert network.names(CALLER)[-1] == f"491 {method}"
    assert network.events[CALLER] == []


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize(("fraction", "seconds"), [(0.0, "0"), (0.9999, "10")])
def test_an_offer_within_another_of_the_peers_is_500_with_a_time_to_wait(
    method: str, fraction: float, seconds: str
) -> None:
    network, _, peer = talk_to_peer(fraction=fraction)
    peer.send("INVITE", body=HOLD)

    peer.send(method, body=HOLD)

    refusal = network.last(CALLER, f"500 {method}")
    assert refusal.headers.get("Retry-After") == seconds
    assert len(network.events[CALLER]) == 1


def test_an_offer_before_the_first_invite_is_answered_is_500_with_a_time_to_wait() -> None:
    network, called, session = receive_call()
    called.ring(session, 0.0)
    network.pump()
    ringing = network.last(CALLED, "180 INVITE")
    headers = ringing.headers.replacing("CSeq", "2 UPDATE")
    headers = headers.replacing("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKupdate")
    update = Request(method="UPDATE", uri="sip:bob@192.0.2.2", headers=headers)

    called.receive_packet(update.serialize(), CALLER, 0.0)
    network.pump()

    assert network.last(CALLED, "500 UPDATE").headers.get("Retry-After") == "0"


def test_a_re_invite_after_ours_was_answered_but_its_ack_lost_counts_as_that_ack() -> None:
    network, caller, peer = talk_to_peer()
    peer.send("INVITE", body=HOLD)
    caller.answer_offer("call", HELD, 0.0)
    network.pump()

    peer.send("INVITE", body=b"again")
    caller.answer_offer("call", HELD, 0.0)
    network.run(until=0.6)

    assert [event.body for event in network.events[CALLER] if isinstance(event, Offered)] == [HOLD, b"again"]
    # One 200 for each, and one repeat: of the second, which still waits.
    assert network.times(CALLER, "200 INVITE") == [0.0, 0.0, 0.5]


def test_a_cancelled_re_invite_is_487_and_an_answer_is_too_late() -> None:
    network, caller, peer = talk_to_peer()
    peer.send("INVITE", number=101, branch="z9hG4bKre", body=HOLD)

    peer.send("CANCEL", number=101, branch="z9hG4bKre")
    caller.answer_offer("call", HELD, 0.0)
    caller.reject_offer("call", 488, 0.0)
    network.pump()

    assert network.names(CALLER)[2:] == ["100 INVITE", "200 CANCEL", "487 INVITE"]


def test_a_bye_ends_a_re_invite_that_is_still_open_with_487() -> None:
    network, caller, peer = talk_to_peer()
    peer.send("INVITE", body=HOLD)

    peer.send("BYE")
    caller.answer_offer("call", HELD, 0.0)
    network.pump()

    assert network.names(CALLER)[3:] == ["200 BYE", "487 INVITE"]
    assert network.events[CALLER][1:] == [ended(EndedBy.PEER)]


def test_hanging_up_ends_a_re_invite_that_is_still_open_with_487() -> None:
    network, caller, peer = talk_to_peer()
    peer.send("INVITE", body=HOLD)

    caller.hang_up("call", 0.0)
    network.pump()

    assert network.names(CALLER)[3:] == ["487 INVITE", "BYE"]


def test_a_200_to_a_re_invite_is_not_repeated_after_the_session() -> None:
    network, caller, peer = talk_to_peer()
    peer.send("INVITE", body=HOLD)
    caller.answer_offer("call", HELD, 0.0)
    network.pump()

    peer.send("BYE")
    network.run(until=80.0)

    assert network.times(CALLER, "200 INVITE") == [0.0]
    assert_nothing_is_left(caller)


def test_an_interval_too_small_for_us_is_422() -> None:
    network, _, peer = talk_to_peer()

    peer.send("UPDATE", headers=[("Session-Expires", "60"), ("Supported", "timer")])

    assert network.last(CALLER, "422 UPDATE").headers.get("Min-SE") == "90"


def test_an_offer_follows_the_peer_to_its_new_contact() -> None:
    network, caller, peer = talk_to_peer()
    peer.contact = "<sip:bob@192.0.2.2:5099>"
    peer.send("INVITE", number=101, body=HOLD)
    caller.answer_offer("call", HELD, 0.0)
    network.pump()
    peer.send("ACK", number=101, source=Hop("UDP", "192.0.2.2", 5099))

    caller.hang_up("call", 0.0)
    network.run(until=10.0)

    assert network.times(CALLER, "200 INVITE") == [0.0]
    assert [sent.packet.hop.port for sent in network.sent if sent.name == "BYE"] == [5099] * 5


def test_an_offer_for_a_session_that_nobody_knows_is_late() -> None:
    endpoint = make_endpoint(CALLER, "caller")

    endpoint.offer("nobody", HOLD, 0.0)
    endpoint.answer_offer("nobody", HOLD, 0.0)
    endpoint.reject_offer("nobody", 488, 0.0)

    network = Network({CALLER: endpoint})
    network.pump()
    assert network.sent == []


def test_an_ack_after_the_end_of_the_session_lets_no_offer_go() -> None:
    network, caller, peer = talk_to_peer()
    peer.send("INVITE", number=101)
    caller.answer_offer("call", OFFER, 0.0)
    caller.offer("call", OFFER, 0.0)
    caller.hang_up("call", 0.0)
    peer.send("ACK", number=101, body=ANSWER)
    assert network.names(CALLER) == ["INVITE", "ACK", "100 INVITE", "200 INVITE", "BYE"]


def test_an_ack_that_the_bye_has_waited_for_lets_no_offer_go() -> None:
    network, called, session = receive_call(body=b"")
    called.accept(session, OFFER, 0.0)
    called.offer(session, OFFER, 0.0)
    called.hang_up(session, 0.0)
    network.run(until=1.0)
    assert network.names(CALLED) == ["100 INVITE", "200 INVITE", "BYE"]
