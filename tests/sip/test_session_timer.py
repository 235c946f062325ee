"""Session timers: who refreshes, when, by what, and when the session is over."""

import pytest

from ringbridge.sip.event import Ended, EndedBy, OfferAnswered
from tests.sip.network import (
    ANSWER,
    CALLED,
    CALLER,
    OFFER,
    Network,
    assert_nothing_is_left,
    make_endpoint,
    receive_call,
    talk_to_peer,
)

EXPIRED = Ended(session="call", by=EndedBy.SESSION_EXPIRED, q850=None, sip_cause=None)
WE_REFRESH = ("Session-Expires", "1800;refresher=uac")
PEER_REFRESHES = ("Session-Expires", "1800;refresher=uas")
ALLOW_UPDATE = ("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE")


def expires(network: Network, name: str) -> str | None:
    return network.last(CALLER, name).headers.get("Session-Expires")


def test_without_session_timer_in_the_answer_nothing_is_ever_refreshed() -> None:
    network, caller, _ = talk_to_peer()

    network.run(until=100_000.0)

    assert network.names(CALLER) == ["INVITE", "ACK"]
    assert caller.next_deadline() is None


def test_the_refresher_sends_update_after_half_of_the_interval_where_the_peer_allows_it() -> None:
    network, _, peer = talk_to_peer(headers=[WE_REFRESH, ALLOW_UPDATE])

    network.run(until=899.9)
    assert "UPDATE" not in network.names(CALLER)
    network.run(until=900.0)

    update = peer.received("UPDATE")
    assert update.body == b""
    assert update.headers.get("Session-Expires") == "1800;refresher=uac"
    peer.answer(200, method="UPDATE", headers=[WE_REFRESH])
    network.run(until=1799.9)
    assert network.times(CALLER, "UPDATE") == [900.0]
    network.run(until=1800.0)
    assert network.times(CALLER, "UPDATE") == [900.0, 1800.0]


def test_the_refresher_sends_re_invite_with_the_same_body_where_the_peer_does_not_allow_update() -> None:
    network, _, peer = talk_to_peer(headers=[WE_REFRESH])

    network.run(until=900.0)
    assert peer.received("INVITE").body == OFFER
    peer.answer(200, headers=[WE_REFRESH], body=ANSWER)

    assert network.names(CALLER) == ["INVITE", "ACK", "INVITE", "ACK"]
    # The owner asked for nothing and is told nothing.
    assert network.events[CALLER] == []


def test_a_refresh_says_again_what_was_agreed_last() -> None:
    network, caller, peer = talk_to_peer(headers=[WE_REFRESH])
    caller.offer("call", b"newer", 0.0)
    network.pump()
    peer.answer(200, headers=[WE_REFRESH], body=ANSWER)
    caller.offer("call", b"refused", 0.0)
    network.pump()
    peer.answer(488)

    network.run(until=900.0)

    assert peer.received("INVITE").body == b"newer"


def test_an_answer_without_refresher_leaves_the_refresh_to_us() -> None:
    network, _, _ = talk_to_peer(headers=[("Session-Expires", "1800")])

    network.run(until=900.0)

    assert network.names(CALLER)[-1] == "INVITE"


def test_the_other_side_ends_the_session_32_seconds_before_it_expires() -> None:
    network, caller, peer = talk_to_peer(headers=[PEER_REFRESHES])

    network.run(until=1767.9)
    assert network.names(CALLER) == ["INVITE", "ACK"]
    network.run(until=1768.0)

    assert network.names(CALLER)[-1] == "BYE"
    assert network.events[CALLER] == [EXPIRED]
    peer.answer(200, method="BYE")
    network.run(until=1800.0)
    assert_nothing_is_left(caller)


def test_a_short_session_ends_when_a_third_of_it_is_left() -> None:
    network, _, _ = talk_to_peer(headers=[("Session-Expires", "90;refresher=uas")])

    network.run(until=100.0)

    assert network.times(CALLER, "BYE")[0] == 60.0


@pytest.mark.parametrize("seconds", ["0", "1", "89"])
def test_an_interval_that_nobody_may_ask_for_counts_as_the_least_that_one_may(seconds: str) -> None:
    network, _, _ = talk_to_peer(headers=[("Session-Expires", f"{seconds};refresher=uac"), ALLOW_UPDATE])

    network.run(until=45.0)

    assert network.times(CALLER, "UPDATE") == [45.0]


def test_a_session_timer_that_cannot_be_read_is_none() -> None:
    network, _, _ = talk_to_peer(headers=[("Session-Expires", "soon")])

    network.run(until=10_000.0)

    assert network.names(CALLER) == ["INVITE", "ACK"]


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_the_peers_refresh_starts_the_interval_anew(method: str) -> None:
    network, caller, peer = talk_to_peer(headers=[PEER_REFRESHES])
    network.run(until=900.0)

    peer.send(
        method,
        number=101,
        headers=[("Session-Expires", "1800;refresher=uac"), ("Supported", "timer")],
        body=OFFER if method == "INVITE" else b"",
    )
    caller.answer_offer("call", ANSWER, 900.0)
    network.pump()
    peer.send("ACK", number=101)

    answer = network.last(CALLER, f"200 {method}")
    assert answer.headers.get("Session-Expires") == "1800;refresher=uac"
    assert answer.headers.get("Require") == "timer"
    network.run(until=2667.9)
    assert "BYE" not in network.names(CALLER)
    network.run(until=2668.0)
    assert network.names(CALLER)[-1] == "BYE"


def test_the_peer_can_hand_the_refresh_to_us() -> None:
    network, _, peer = talk_to_peer(headers=[PEER_REFRESHES, ALLOW_UPDATE])

    peer.send("UPDATE", headers=[("Session-Expires", "600;refresher=uas"), ("Supported", "timer")])
    network.run(until=300.0)

    assert network.last(CALLER, "200 UPDATE").headers.get("Require") is None
    update = peer.received("UPDATE")
    assert update.headers.get("Session-Expires") == "600;refresher=uac"


def test_an_update_without_session_timer_ends_the_session_timer() -> None:
    network, _, peer = talk_to_peer(headers=[PEER_REFRESHES])

    peer.send("UPDATE")
    network.run(until=10_000.0)

    assert "BYE" not in network.names(CALLER)


def test_a_request_for_a_session_timer_of_a_peer_that_does_not_know_them_makes_us_refresh() -> None:
    # A proxy between put the field in (RFC 4028 section 8).
    network, _, peer = talk_to_peer(headers=[ALLOW_UPDATE])

    peer.send("UPDATE", headers=[("Session-Expires", "600;refresher=uac")])

    assert network.last(CALLER, "200 UPDATE").headers.get("Session-Expires") == "600;refresher=uas"


def test_a_role_that_the_peer_keeps_is_named_in_our_requests() -> None:
    network, caller, peer = talk_to_peer(headers=[PEER_REFRESHES])

    caller.offer("call", b"newer", 0.0)
    network.pump()

    assert peer.received("INVITE").headers.get("Session-Expires") == "1800;refresher=uas"


@pytest.mark.parametrize("status", [408, 481])
def test_a_refresh_that_finds_no_dialog_ends_the_session(status: int) -> None:
    network, _, peer = talk_to_peer(headers=[WE_REFRESH, ALLOW_UPDATE])
    network.run(until=900.0)

    peer.answer(status, method="UPDATE")

    assert network.names(CALLER)[-1] == "BYE"
    assert network.events[CALLER] == [
        Ended(session="call", by=EndedBy.NO_RESPONSE, q850=None, sip_cause=None)
    ]


def test_a_refresh_that_is_never_answered_ends_the_session() -> None:
    network, caller, _ = talk_to_peer(headers=[WE_REFRESH, ALLOW_UPDATE])

    network.run(until=932.0)

    assert network.names(CALLER)[-1] == "BYE"
    network.run(until=1000.0)
    assert_nothing_is_left(caller)


def test_a_refresh_that_is_refused_lets_the_session_expire() -> None:
    network, _, peer = talk_to_peer(headers=[WE_REFRESH, ALLOW_UPDATE])
    network.run(until=900.0)

    peer.answer(500, method="UPDATE")
    network.run(until=1767.9)
    assert network.events[CALLER] == []
    network.run(until=1768.0)

    assert network.events[CALLER] == [EXPIRED]


def test_a_refresh_that_meets_an_offer_of_the_peers_is_tried_again() -> None:
    network, _, peer = talk_to_peer(headers=[WE_REFRESH, ALLOW_UPDATE])
    network.run(until=900.0)

    peer.answer(491, method="UPDATE")
    network.run(until=903.0)

    assert network.times(CALLER, "UPDATE")[:2] == [900.0, 902.1]


def test_a_refresh_asks_for_more_if_the_peer_wants_more() -> None:
    network, _, peer = talk_to_peer(headers=[WE_REFRESH, ALLOW_UPDATE])
    network.run(until=900.0)

    peer.answer(422, method="UPDATE", headers=[("Min-SE", "2400")])

    assert expires(network, "UPDATE") == "2400;refresher=uac"
    assert peer.received("UPDATE").headers.get("Min-SE") == "2400"


def test_a_refresh_waits_for_no_offer_of_ours_because_that_refreshes_too() -> None:
    network, caller, peer = talk_to_peer(headers=[WE_REFRESH, ALLOW_UPDATE])
    network.run(until=899.0)
    caller.offer("call", b"newer", 899.0)
    network.run(until=901.0)

    assert "UPDATE" not in network.names(CALLER)
    peer.answer(200, headers=[WE_REFRESH], body=ANSWER)
    network.run(until=1801.0)

    assert network.events[CALLER] == [OfferAnswered(session="call", body=ANSWER)]
    assert network.times(CALLER, "UPDATE") == [1801.0]


def test_a_refresh_follows_an_offer_of_ours_that_was_refused() -> None:
    network, caller, peer = talk_to_peer(headers=[WE_REFRESH, ALLOW_UPDATE])
    network.run(until=899.0)
    caller.offer("call", b"newer", 899.0)
    network.run(until=901.0)

    peer.answer(488)

    assert network.times(CALLER, "UPDATE") == [901.0]


def test_a_refresh_that_meets_an_offer_of_the_peers_follows_it_if_that_refreshed_nothing() -> None:
    network, caller, peer = talk_to_peer(headers=[WE_REFRESH, ALLOW_UPDATE])
    peer.send("INVITE", body=b"hold")
    network.run(until=1000.0)

    caller.reject_offer("call", 488, 1000.0)
    network.pump()

    assert network.times(CALLER, "UPDATE") == [1000.0]


def test_two_endpoints_refresh_each_other_for_hours() -> None:
    network, called, session = receive_call()
    called.accept(session, ANSWER, 0.0)

    network.run(until=4 * 3600.0)

    # The called side left the refresh to the caller, who asked for the timer.
    assert network.times(CALLER, "UPDATE") == [900.0 * turn for turn in range(1, 17)]
    assert network.names(CALLED).count("200 UPDATE") == 16
    assert called.dialog(session) is not None
    caller = network.endpoints[CALLER]
    assert caller.dialog("call") is not None
    assert caller.counts.alarms + called.counts.alarms < 8


def test_an_invite_with_an_interval_too_small_is_422() -> None:
    caller = make_endpoint(CALLER, "caller", session_expires_seconds=60)
    called = make_endpoint(CALLED, "called", accepts_invitations=True)
    network = Network({CALLER: caller, CALLED: called})
    caller.invite(
        target="sip:bob@192.0.2.2",
        hop=CALLED,
        from_="<sip:alice@192.0.2.1>",
        to="<sip:bob@192.0.2.2>",
        body=OFFER,
        now=0.0,
    )

    network.run(until=0.0)

    assert network.names(CALLED)[0] == "422 INVITE"
    assert network.last(CALLED, "422 INVITE").headers.get("Min-SE") == "90"
    # The caller asks again for what is allowed.
    assert network.names(CALLED)[1:] == ["100 INVITE"]
    assert expires(network, "INVITE") == "90"


def test_a_ringing_call_needs_no_refresh() -> None:
    network, called, session = receive_call()
    called.ring(session, 0.0)

    network.run(until=3000.0)

    assert "UPDATE" not in network.names(CALLER)
