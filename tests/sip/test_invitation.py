"""Our INVITE: progress, answers, forks, refusals, and hanging up at any moment."""

import pytest

from ringbridge.sip.digest import Credentials
from ringbridge.sip.endpoint import Endpoint
from ringbridge.sip.event import Answered, AnsweredLate, Ended, Progressed, RefusalSource, Refused
from ringbridge.sip.headers import Reason
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request
from tests.sip.network import (
    ANSWER,
    CALLED,
    CALLER,
    OFFER,
    Network,
    ScriptedPeer,
    assert_nothing_is_left,
    call_peer,
    make_endpoint,
)

HUNG_UP = Refused(
    session="call", status=487, reason="Request Terminated", q850=None, source=RefusalSource.LOCAL
)


def refused(status: int, reason: str, source: RefusalSource = RefusalSource.PEER) -> Refused:
    return Refused(session="call", status=status, reason=reason, q850=None, source=source)


def hang_up(network: Network, caller: Endpoint) -> None:
    caller.hang_up("call", network.now)
    network.pump()


def test_an_invite_carries_what_the_owner_gave_and_what_we_can_do() -> None:
    _, _, peer = call_peer(headers=[("P-Asserted-Identity", "<sip:+18175550100@example.com>")])

    invite = peer.received("INVITE")

    assert invite.uri == "sip:bob@example.com"
    assert dict(invite.headers) == {
        "Via": "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKcaller3",
        "Max-Forwards": "70",
        "From": '"Alice" <sip:alice@example.com>;tag=caller2',
        "To": "<sip:bob@example.com>",
        "Call-ID": "caller1",
        "CSeq": "1 INVITE",
        "Contact": "<sip:192.0.2.1:5060>",
        "Allow": "INVITE, ACK, CANCEL, BYE, UPDATE, OPTIONS",
        "Supported": "timer",
        "Session-Expires": "1800",
        "P-Asserted-Identity": "<sip:+18175550100@example.com>",
        "Content-Type": "application/sdp",
        "Content-Length": str(len(OFFER)),
    }
    assert invite.body == OFFER


def test_progress_is_told_but_100_is_not() -> None:
    network, _, peer = call_peer()

    peer.answer(100)
    peer.answer(180)
    peer.answer(183, body=ANSWER)

    assert network.events[CALLER] == [
        Progressed(session="call", status=180, body=b"", content_type=None),
        Progressed(session="call", status=183, body=ANSWER, content_type="application/sdp"),
    ]


def test_an_answer_is_acknowledged_and_told_with_its_dialog() -> None:
    network, caller, peer = call_peer()

    peer.answer(200, headers=[("User-Agent", "phone 1.0")], body=ANSWER)

    [event] = network.events[CALLER]
    assert isinstance(event, Answered)
    assert (event.body, event.user_agent) == (ANSWER, "phone 1.0")
    assert event.dialog == caller.dialog("call")
    assert event.dialog.is_confirmed
    ack = peer.received("ACK")
    assert (ack.uri, ack.cseq, ack.to_tag) == ("sip:bob@192.0.2.2:5060", (1, "ACK"), "peer")


def test_an_answer_may_name_its_maker_as_a_server() -> None:
    network, _, peer = call_peer()

    peer.answer(200, headers=[("Server", "gateway")])

    [event] = network.events[CALLER]
    assert isinstance(event, Answered)
    assert event.user_agent == "gateway"


@pytest.mark.parametrize(
    ("status", "reason"), [(486, "Busy Here"), (480, "Temporarily Unavailable"), (302, "Moved Temporarily")]
)
def test_a_refusal_is_acknowledged_and_told(status: int, reason: str) -> None:
    network, caller, peer = call_peer()

    peer.answer(status)
    network.run(until=40.0)

    assert network.events[CALLER] == [refused(status, reason)]
    assert network.names(CALLER) == ["INVITE", "ACK"]
    assert_nothing_is_left(caller)


def test_a_refusal_tells_its_q850_cause() -> None:
    network, _, peer = call_peer()

    peer.answer(500, headers=[("Reason", "Q.850;cause=27")])

    [event] = network.events[CALLER]
    assert isinstance(event, Refused)
    assert event.q850 == 27


def test_a_refusal_tells_when_to_come_again() -> None:
    network, _, peer = call_peer()

    peer.answer(503, headers=[("Retry-After", "120 (maintenance)")])

    [event] = network.events[CALLER]
    assert isinstance(event, Refused)
    assert event.retry_after_seconds == 120


def test_an_invite_that_is_never_answered_stops_after_64_t1() -> None:
    network, caller, _ = call_peer()

    network.run(until=100.0)

    assert network.times(CALLER, "INVITE") == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert network.events[CALLER] == [refused(408, "Request Timeout", RefusalSource.TIMEOUT)]
    assert_nothing_is_left(caller)


def test_an_invite_to_where_nobody_listens_fails_at_once() -> None:
    network, caller, _ = call_peer()

    caller.receive_send_failure(CALLED, 0.01)
    network.pump()

    assert network.events[CALLER] == [refused(503, "Service Unavailable", RefusalSource.TRANSPORT)]
    assert_nothing_is_left(caller)


# Hanging up (B3)


def test_a_call_hung_up_before_any_answer_is_not_cancelled_until_one_comes() -> None:
    network, caller, peer = call_peer()
    network.run(until=0.1)

    hang_up(network, caller)
    assert network.events[CALLER] == [HUNG_UP]
    assert network.names(CALLER) == ["INVITE"]
    network.run(until=2.0)
    peer.answer(180)

    cancel = peer.received("CANCEL")
    assert cancel.uri == "sip:bob@example.com"
    assert cancel.vias == peer.received("INVITE").vias
    assert cancel.cseq == (1, "CANCEL")
    assert cancel.to_tag is None
    peer.answer(200, method="CANCEL")
    peer.answer(487)
    network.run(until=50.0)
    assert network.names(CALLER) == ["INVITE", "INVITE", "INVITE", "CANCEL", "ACK"]
    assert network.events[CALLER] == [HUNG_UP]
    assert_nothing_is_left(caller)


def test_a_call_hung_up_before_any_answer_and_then_answered_gets_ack_and_bye_at_once() -> None:
    network, caller, peer = call_peer()
    hang_up(network, caller)

    peer.answer(200, body=ANSWER)

    assert network.names(CALLER) == ["INVITE", "ACK", "BYE"]
    assert [sent.at for sent in network.sent] == [0.0, 0.0, 0.0]
    told, late = network.events[CALLER]
    assert told == HUNG_UP
    assert isinstance(late, AnsweredLate)
    assert (late.session, late.dialog.remote_uri) == ("call", "<sip:bob@example.com>;tag=peer")
    assert late.dialog.is_confirmed
    assert network.released[CALLER] == []
    peer.answer(200, method="BYE")
    network.run(until=40.0)
    assert network.released[CALLER] == ["call"]
    assert_nothing_is_left(caller)


def test_a_call_that_is_answered_and_hung_up_by_its_peer_after_it_was_given_up_is_over_once() -> None:
    network, caller, peer = call_peer()
    hang_up(network, caller)
    peer.answer(200, body=ANSWER)

    peer.send("BYE")
    peer.answer(481, method="BYE")

    assert network.names(CALLER) == ["INVITE", "ACK", "BYE", "200 BYE"]
    assert network.released[CALLER] == ["call"]


def test_a_call_hung_up_before_any_answer_and_never_answered_stops_after_64_t1() -> None:
    network, caller, _ = call_peer()
    hang_up(network, caller)

    network.run(until=32.0)

    assert network.names(CALLER) == ["INVITE"] * 7
    assert network.events[CALLER] == [HUNG_UP]
    assert_nothing_is_left(caller)


def test_a_call_hung_up_before_any_answer_and_then_refused_needs_no_cancel() -> None:
    network, caller, peer = call_peer()
    hang_up(network, caller)

    peer.answer(486)
    network.run(until=40.0)

    assert network.names(CALLER) == ["INVITE", "ACK"]
    assert network.events[CALLER] == [HUNG_UP]
    assert_nothing_is_left(caller)


def test_hanging_up_a_ringing_call_cancels_at_once_and_says_why() -> None:
    network, caller, peer = call_peer()
    peer.answer(180)

    caller.hang_up("call", network.now, reason=Reason("Q.850", 16))
    network.pump()
    peer.answer(183)

    assert peer.received("CANCEL").headers.get("Reason") == "Q.850;cause=16"
    assert network.names(CALLER) == ["INVITE", "CANCEL"]
    assert network.events[CALLER][1:] == [HUNG_UP]


def test_a_cancel_that_brings_no_end_is_given_up_after_64_t1() -> None:
    network, caller, peer = call_peer()
    peer.answer(180)
    network.run(until=5.0)
    hang_up(network, caller)
    peer.answer(200, method="CANCEL")

    network.run(until=36.9)
    assert caller.counts.client_transactions == 1
    network.run(until=37.0)

    assert_nothing_is_left(caller)


def test_a_cancel_that_is_never_answered_is_repeated_and_given_up() -> None:
    network, caller, peer = call_peer()
    peer.answer(180)
    hang_up(network, caller)

    network.run(until=40.0)

    assert network.times(CALLER, "CANCEL")[:4] == [0.0, 0.5, 1.5, 3.5]
    assert_nothing_is_left(caller)


def test_a_cancel_to_where_nobody_listens_ends_the_invite_at_once() -> None:
    network, caller, peer = call_peer()
    peer.answer(180)
    hang_up(network, caller)

    caller.receive_send_failure(CALLED, 0.01)

    assert_nothing_is_left(caller)


def test_a_cancel_that_fails_after_the_invite_has_ended_changes_nothing() -> None:
    network, caller, peer = call_peer()
    peer.answer(180)
    hang_up(network, caller)
    peer.answer(487)

    caller.receive_send_failure(CALLED, 0.01)

    assert caller.counts.sessions == 0
    assert caller.counts.client_transactions == 1


def test_a_200_that_crosses_the_cancel_gets_ack_and_bye_with_the_reason() -> None:
    network, caller, peer = call_peer()
    peer.answer(180)
    caller.hang_up("call", network.now, reason=Reason("SIP", 200, "Call completed elsewhere"))
    network.pump()

    peer.answer(200, body=ANSWER)
    peer.answer(481, method="CANCEL")
    peer.answer(200, method="BYE")
    network.run(until=40.0)

    assert network.names(CALLER) == ["INVITE", "CANCEL", "ACK", "BYE"]
    assert peer.received("BYE").headers.get("Reason") == 'SIP;cause=200;text="Call completed elsewhere"'
    assert_nothing_is_left(caller)


# CANCEL against 200 (B2)

SWEEP_MILLISECONDS = range(-50, 51)


def race(milliseconds: int, *, delay_seconds: float, lost: tuple[bool, ...] = ()) -> Network:
    """Let the called answer after one second, and the caller hang up so much later."""
    endpoints = {
        CALLER: make_endpoint(CALLER, "a"),
        CALLED: make_endpoint(CALLED, "b", accepts_invitations=True),
    }
    caller, called = endpoints.values()
    network = Network(endpoints, delay_seconds=delay_seconds, lost=lost)
    caller.invite(
        target="sip:bob@192.0.2.2",
        hop=CALLED,
        from_="<sip:alice@192.0.2.1>",
        to="<sip:bob@192.0.2.2>",
        body=OFFER,
        session="call",
        now=0.0,
    )
    network.run(until=0.9)
    invited = network.events[CALLED][0].session
    hang_up_at = 1.0 + milliseconds / 1000
    if hang_up_at < 1.0:
        network.run(until=hang_up_at)
        caller.hang_up("call", hang_up_at)
    network.run(until=1.0)
    called.accept(invited, ANSWER, 1.0)
    if hang_up_at >= 1.0:
        network.run(until=hang_up_at)
        caller.hang_up("call", hang_up_at)
    network.run(until=hang_up_at + 0.5)
    return network


@pytest.mark.parametrize("milliseconds", SWEEP_MILLISECONDS)
def test_cancel_against_200_leaves_no_ghost_whoever_is_first(milliseconds: int) -> None:
    network = race(milliseconds, delay_seconds=0.01)
    caller, called = network.endpoints.values()

    sent = network.names(CALLER)
    answered = "200 INVITE" in network.names(CALLED)
    # Half a second after the decision the phone knows, and nobody is told twice.
    assert sent[-2:] == (["ACK", "BYE"] if answered else ["CANCEL", "ACK"])
    assert ("487 INVITE" in network.names(CALLED)) != answered
    for hop in (CALLER, CALLED):
        assert len([event for event in network.events[hop] if isinstance(event, Refused | Ended)]) == 1
    network.run(until=70.0)
    assert_nothing_is_left(caller)
    assert_nothing_is_left(called)


@pytest.mark.parametrize("lost_packet", range(10))
def test_cancel_against_200_leaves_no_ghost_when_any_packet_is_lost(lost_packet: int) -> None:
    lost = tuple(index == lost_packet for index in range(10))
    for milliseconds in (-20, -5, 0, 5, 20):
        network = race(milliseconds, delay_seconds=0.01, lost=lost)

        network.run(until=110.0)

        for hop, endpoint in network.endpoints.items():
            assert len([event for event in network.events[hop] if isinstance(event, Refused | Ended)]) == 1
            assert_nothing_is_left(endpoint)


# Repeated, forked and late 2xx (B8, B9)


def test_each_of_ten_repeated_200s_gets_its_ack() -> None:
    network, caller, peer = call_peer()

    for _ in range(10):
        peer.answer(200, body=ANSWER)

    assert network.names(CALLER) == ["INVITE"] + ["ACK"] * 10
    assert len(network.events[CALLER]) == 1
    hang_up(network, caller)
    peer.answer(200, method="BYE")
    network.run(until=40.0)
    assert_nothing_is_left(caller)


def test_a_200_repeated_after_the_call_has_ended_gets_its_ack_and_no_second_bye() -> None:
    network, caller, peer = call_peer()
    peer.answer(200, body=ANSWER)
    hang_up(network, caller)
    peer.answer(200, method="BYE")
    network.run(until=20.0)

    peer.answer(200, body=ANSWER)

    assert network.names(CALLER) == ["INVITE", "ACK", "BYE", "ACK"]
    network.run(until=60.0)
    assert_nothing_is_left(caller)


def test_of_forked_answers_the_first_is_kept_and_the_others_get_ack_and_bye() -> None:
    network, caller, peer = call_peer()
    for tag in ("one", "two", "three"):
        peer.answer(183, tag=tag, body=ANSWER)

    peer.answer(200, tag="two", body=ANSWER)
    peer.answer(200, tag="three", body=ANSWER)
    peer.answer(200, tag="three", body=ANSWER)

    assert network.names(CALLER) == ["INVITE", "ACK", "ACK", "BYE", "ACK"]
    assert peer.received("BYE").to_tag == "three"
    dialog = caller.dialog("call")
    assert dialog is not None
    assert dialog.remote_uri == "<sip:bob@example.com>;tag=two"
    assert [type(event) for event in network.events[CALLER]] == [Progressed] * 3 + [Answered]


def test_answers_with_ever_new_tags_are_left_without_ack_at_some_point() -> None:
    network, _, peer = call_peer()

    for fork in range(100):
        peer.answer(200, tag=f"fork{fork}")

    assert network.names(CALLER).count("ACK") == 16


def test_a_200_that_outlives_every_memory_of_its_call_gets_ack_and_bye_once() -> None:
    network, caller, peer = call_peer()
    network.run(until=33.0)

    peer.answer(200, body=ANSWER)
    peer.answer(200, body=ANSWER)

    assert network.names(CALLER)[7:] == ["ACK", "BYE", "ACK"]
    timed_out, late = network.events[CALLER]
    assert timed_out == refused(408, "Request Timeout", RefusalSource.TIMEOUT)
    assert isinstance(late, AnsweredLate)
    assert late.session not in ("", "call")
    peer.answer(200, method="BYE")
    assert network.released[CALLER] == ["call", late.session]
    network.run(until=70.0)
    assert_nothing_is_left(caller)


# Challenges (C4, C5)

CREDENTIALS = Credentials(username="alice", password="secret")
REALM = 'realm="trunk", qop="auth"'


def challenge(status: int, nonce: str, *, stale: bool = False, rest: str = REALM) -> list[tuple[str, str]]:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    return [(name, f'Digest {rest}, nonce="{nonce}"{", stale=true" if stale else ""}')]


def credentialed(network: Network) -> list[Request]:
    """Every request that left with an answer to a challenge."""
    requests = [sent.message for sent in network.sent if isinstance(sent.message, Request)]
    return [
        request
        for request in requests
        if "Authorization" in request.headers or "Proxy-Authorization" in request.headers
    ]


def refused_credentials(status: int, reason: str) -> Refused:
    return refused(status, reason, RefusalSource.AUTHENTICATION)


@pytest.mark.parametrize(("status", "name"), [(401, "Authorization"), (407, "Proxy-Authorization")])
def test_a_challenge_is_answered_in_a_new_invite_of_the_same_call(status: int, name: str) -> None:
    network, caller, peer = call_peer(credentials=CREDENTIALS)
    first = peer.received("INVITE")

    peer.answer(status, headers=challenge(status, "n1"))

    second = peer.received("INVITE")
    assert 'nonce="n1"' in (second.headers.get(name) or "")
    assert second.call_id == first.call_id
    assert second.from_tag == first.from_tag
    assert second.cseq.number == 2
    assert second.via.branch != first.via.branch
    assert second.body == OFFER
    assert network.names(CALLER) == ["INVITE", "ACK", "INVITE"]
    peer.answer(200, body=ANSWER)
    assert peer.received("ACK").headers.get(name) == second.headers.get(name)
    assert isinstance(network.events[CALLER][0], Answered)
    dialog = caller.dialog("call")
    assert dialog is not None
    assert dialog.local_sequence == 2


def test_a_wrong_password_is_tried_twice() -> None:
    network, _, peer = call_peer(credentials=CREDENTIALS)

    for nonce in ("n1", "n2", "n3"):
        peer.answer(407, headers=challenge(407, nonce))

    assert len(credentialed(network)) == 2
    assert network.events[CALLER] == [refused_credentials(407, "Proxy Authentication Required")]


def test_stale_challenges_are_answered_three_times() -> None:
    network, _, peer = call_peer(credentials=CREDENTIALS)

    for nonce in ("n1", "n2", "n3", "n4"):
        peer.answer(407, headers=challenge(407, nonce, stale=True))

    assert len(credentialed(network)) == 3
    assert network.events[CALLER] == [refused_credentials(407, "Proxy Authentication Required")]


def test_one_good_stale_challenge_succeeds() -> None:
    network, _, peer = call_peer(credentials=CREDENTIALS)

    peer.answer(407, headers=challenge(407, "n1"))
    peer.answer(407, headers=challenge(407, "n2", stale=True))
    peer.answer(200, body=ANSWER)

    assert isinstance(network.events[CALLER][0], Answered)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Proxy-Authenticate", "Basic realm=x")],
        challenge(407, "n1", rest='realm="trunk", qop="unheard-of"'),
        challenge(407, "n1", rest='realm="trunk", algorithm=ROT13'),
    ],
)
def test_a_challenge_that_cannot_be_answered_ends_the_call(headers: list[tuple[str, str]]) -> None:
    network, _, peer = call_peer(credentials=CREDENTIALS)

    peer.answer(407, headers=headers)

    assert network.names(CALLER) == ["INVITE", "ACK"]
    assert network.events[CALLER] == [refused_credentials(407, "Proxy Authentication Required")]


def test_a_challenge_ends_the_call_if_the_owner_gave_no_credentials() -> None:
    network, _, peer = call_peer()

    peer.answer(401, headers=challenge(401, "n1"))

    assert network.events[CALLER] == [refused_credentials(401, "Unauthorized")]


def test_a_challenge_for_another_realm_than_the_first_is_not_answered() -> None:
    network, _, peer = call_peer(credentials=CREDENTIALS)
    peer.answer(407, headers=challenge(407, "n1"))

    peer.answer(407, headers=challenge(407, "n2", rest='realm="elsewhere"'))

    assert len(credentialed(network)) == 1
    assert network.events[CALLER] == [refused_credentials(407, "Proxy Authentication Required")]


def test_a_challenge_from_another_address_than_the_invites_is_not_answered() -> None:
    network, caller, peer = call_peer(credentials=CREDENTIALS)
    elsewhere = Hop("UDP", "192.0.2.77", 5060)
    caller.set_known_peers([("192.0.2.77", 5060)])

    peer.answer(407, headers=challenge(407, "n1"), source=elsewhere)

    assert credentialed(network) == []
    assert network.events[CALLER] == [refused_credentials(407, "Proxy Authentication Required")]


def test_a_call_hung_up_meanwhile_answers_no_challenge() -> None:
    network, caller, peer = call_peer(credentials=CREDENTIALS)
    hang_up(network, caller)

    peer.answer(407, headers=challenge(407, "n1"))
    network.run(until=40.0)

    assert credentialed(network) == []
    assert network.events[CALLER] == [HUNG_UP]
    assert_nothing_is_left(caller)


def test_a_call_hung_up_between_challenge_and_provisional_answer_is_cancelled_after_the_latter() -> None:
    network, caller, peer = call_peer(credentials=CREDENTIALS)
    peer.answer(100)
    peer.answer(407, headers=challenge(407, "n1"))

    hang_up(network, caller)
    assert "CANCEL" not in network.names(CALLER)
    peer.answer(100)

    assert peer.received("CANCEL").cseq.number == 2


def test_the_ack_takes_no_credentials_where_the_invite_did_not_go() -> None:
    network, _, peer = call_peer(credentials=CREDENTIALS)
    peer.answer(407, headers=challenge(407, "n1"))

    peer.answer(200, headers=[("Contact", "<sip:bob@203.0.113.9>")], body=ANSWER)

    assert network.sent[-1].packet.hop == Hop("UDP", "203.0.113.9", 5060)
    assert network.sent[-1].name == "ACK"
    assert [request.method for request in credentialed(network)] == ["INVITE"]


# Session interval (RFC 4028 section 7.3)


def test_a_session_interval_too_small_is_raised_to_what_the_peer_asks() -> None:
    network, _, peer = call_peer()

    peer.answer(422, headers=[("Min-SE", "3600")])

    again = peer.received("INVITE")
    assert again.cseq.number == 2
    assert again.headers.get("Session-Expires") == "3600"
    assert again.headers.get("Min-SE") == "3600"
    peer.answer(200, body=ANSWER)
    assert isinstance(network.events[CALLER][0], Answered)


@pytest.mark.parametrize("headers", [[], [("Min-SE", "1800")], [("Min-SE", "soon")]])
def test_a_refusal_of_the_session_interval_without_a_larger_one_is_final(
    headers: list[tuple[str, str]],
) -> None:
    network, _, peer = call_peer()

    peer.answer(422, headers=headers)

    assert network.events[CALLER] == [refused(422, "Session Interval Too Small")]


def test_a_session_interval_is_not_raised_for_ever() -> None:
    network, _, peer = call_peer()

    for seconds in ("2000", "3000", "4000", "5000"):
        peer.answer(422, headers=[("Min-SE", seconds)])

    assert network.names(CALLER).count("INVITE") == 4
    assert network.events[CALLER] == [refused(422, "Session Interval Too Small")]


# What to keep for a restart


def test_the_state_of_a_ringing_call_is_what_a_cancel_needs() -> None:
    _, caller, peer = call_peer(headers=[("Route", "<sip:192.0.2.9;lr>")])
    peer.answer(180)

    state = caller.dialog("call")

    assert state is not None
    assert not state.is_confirmed
    assert state.remote_uri == "<sip:bob@example.com>"
    assert state.remote_target == "sip:bob@example.com"
    assert state.route_set == ("<sip:192.0.2.9;lr>",)
    assert (state.local_sequence, state.invite_branch) == (1, "z9hG4bKcaller3")


def test_two_peers_of_one_endpoint_do_not_disturb_each_other() -> None:
    network, caller, _ = call_peer()
    other = Hop("UDP", "192.0.2.3", 5060)
    caller.set_known_peers([("192.0.2.3", 5060)])
    caller.invite(
        target="sip:carol@192.0.2.3",
        hop=other,
        from_="<sip:alice@192.0.2.1>",
        to="<sip:carol@192.0.2.3>",
        body=OFFER,
        session="other",
        now=0.0,
    )
    network.pump()

    ScriptedPeer(network, hop=other).answer(486)

    assert [event.session for event in network.events[CALLER]] == ["other"]


def test_a_cancel_goes_where_its_long_invite_went() -> None:
    stream = CALLED._replace(transport="TCP")
    network, caller, peer = call_peer(headers=[("Subject", "x" * 1300)])
    peer.answer(180, source=stream)

    caller.hang_up("call", 0.0)
    network.pump()
    peer.answer(200, method="CANCEL", source=stream)
    peer.answer(487, source=stream)

    assert [(sent.name, sent.packet.hop) for sent in network.sent] == [
        ("INVITE", stream),
        ("CANCEL", stream),
        ("ACK", stream),
    ]
    network.run(until=0.0)
    assert_nothing_is_left(caller)


def test_a_dialog_of_a_long_invite_goes_on_by_datagrams() -> None:
    network, caller, peer = call_peer(headers=[("Subject", "x" * 1300)])
    peer.answer(200, source=CALLED._replace(transport="TCP"), body=ANSWER)

    caller.hang_up("call", 0.0)
    network.pump()

    assert [(sent.name, sent.packet.hop) for sent in network.sent][1:] == [("ACK", CALLED), ("BYE", CALLED)]
    assert peer.received("INVITE").headers.get("Contact") == "<sip:192.0.2.1:5060>"


# Requests before the answer (RFC 3311 section 5.2)


@pytest.mark.parametrize("source", [CALLED, CALLED._replace(port=40_000)])
def test_an_update_without_offer_is_answered_in_an_early_dialog(source: Hop) -> None:
    network, caller, peer = call_peer()
    caller.set_known_peers([])
    peer.answer(183)

    peer.send("UPDATE", source=source)

    answer = network.last(CALLER, "200 UPDATE")
    assert [answer.headers.get(name) for name in ("Contact", "Supported")] == [
        "<sip:192.0.2.1:5060>",
        "timer",
    ]
    peer.answer(200, body=ANSWER)
    assert isinstance(network.events[CALLER][-1], Answered)


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [("UPDATE", OFFER, 491), ("INVITE", OFFER, 491), ("INVITE", b"", 491), ("BYE", b"", 481)],
)
def test_other_requests_in_an_early_dialog_are_refused(method: str, body: bytes, status: int) -> None:
    network, _, peer = call_peer()
    peer.answer(180)

    peer.send(method, body=body)

    assert network.names(CALLER)[-1] == f"{status} {method}"
    peer.answer(200, body=ANSWER)
    assert isinstance(network.events[CALLER][-1], Answered)


def test_an_update_with_a_tag_that_no_answer_bore_is_481() -> None:
    network, _, peer = call_peer()
    peer.answer(100)
    peer.answer(180)

    peer.send("UPDATE", tag="other")

    assert network.names(CALLER)[-1] == "481 UPDATE"


def test_only_so_many_early_dialogs_are_kept_each_once() -> None:
    network, _, peer = call_peer()
    for fork in range(20):
        peer.answer(180, tag=f"fork{fork}")
        peer.answer(183, tag=f"fork{fork}")

    peer.send("UPDATE", tag="fork15")
    peer.send("UPDATE", tag="fork16")

    assert network.names(CALLER)[-2:] == ["200 UPDATE", "481 UPDATE"]
