"""An INVITE that nobody answers by so much as a 100 is given up, so that another trunk can be tried: never both at once."""

import pytest

from ringbridge.sip.digest import Credentials
from ringbridge.sip.endpoint import Endpoint
from ringbridge.sip.event import Answered, AnsweredLate, Progressed, RefusalSource, Refused
from ringbridge.sip.hop import Hop
from tests.sip.network import (
    ANSWER,
    CALLED,
    CALLER,
    OFFER,
    Network,
    ScriptedPeer,
    assert_nothing_is_left,
    make_endpoint,
)

SILENCE = Refused(
    session="call", status=408, reason="Request Timeout", q850=None, source=RefusalSource.TIMEOUT
)


def call(hop: Hop = CALLED) -> tuple[Network, Endpoint, ScriptedPeer]:
    """A caller that waits four seconds for the first answer."""
    caller = make_endpoint(CALLER, "caller")
    network = Network({CALLER: caller})
    caller.invite(
        target="sip:bob@example.com",
        hop=hop,
        from_="<sip:alice@example.com>",
        to="<sip:bob@example.com>",
        body=OFFER,
        credentials=Credentials(username="alice", password="s3cret"),
        session="call",
        first_answer_seconds=4.0,
        now=0.0,
    )
    network.pump()
    return network, caller, ScriptedPeer(network, hop=hop)


def test_silence_is_told_in_time_and_nothing_is_repeated_after_it() -> None:
    network, caller, _ = call()
    network.run(until=3.9)
    assert network.events[CALLER] == []
    network.run(until=100.0)

    assert network.events[CALLER] == [SILENCE]
    assert network.times(CALLER, "INVITE") == [0.0, 0.5, 1.5, 3.5]
    assert network.released[CALLER] == ["call"]
    assert_nothing_is_left(caller)


@pytest.mark.parametrize("status", [100, 180, 183])
def test_any_provisional_answer_is_enough(status: int) -> None:
    network, _, peer = call()
    network.run(until=3.9)
    peer.answer(status)
    network.run(until=30.0)

    assert [event for event in network.events[CALLER] if not isinstance(event, Progressed)] == []
    peer.answer(200, body=ANSWER)
    assert isinstance(network.events[CALLER][-1], Answered)


def test_a_challenge_does_not_lengthen_the_wait() -> None:
    network, _, peer = call()
    network.run(until=3.0)
    peer.answer(401, headers=[("WWW-Authenticate", 'Digest realm="carrier", nonce="n"')])
    network.run(until=4.0)

    assert network.events[CALLER] == [SILENCE]
    assert network.times(CALLER, "INVITE") == [0.0, 0.5, 1.5, 3.0, 3.5]


def test_who_wakes_up_after_all_is_cancelled() -> None:
    network, caller, peer = call()
    network.run(until=10.0)
    peer.answer(100)
    assert network.names(CALLER)[-1] == "CANCEL"
    peer.answer(200, method="CANCEL")
    peer.answer(487)
    network.run(until=100.0)

    assert network.events[CALLER] == [SILENCE]
    assert network.names(CALLER).count("CANCEL") == 1
    assert_nothing_is_left(caller)


def test_who_answers_after_all_is_hung_up_on() -> None:
    network, caller, peer = call()
    network.run(until=10.0)
    peer.answer(200, body=ANSWER)
    assert network.names(CALLER)[-2:] == ["ACK", "BYE"]
    peer.answer(200, method="BYE")
    network.run(until=100.0)

    assert [type(event) for event in network.events[CALLER]] == [Refused, AnsweredLate]
    assert_nothing_is_left(caller)


@pytest.mark.parametrize("status", [486, 503])
def test_who_refuses_after_all_is_acknowledged(status: int) -> None:
    network, caller, peer = call()
    network.run(until=10.0)
    peer.answer(status)
    network.run(until=100.0)

    assert network.events[CALLER] == [SILENCE]
    assert network.names(CALLER)[-1] == "ACK"
    assert_nothing_is_left(caller)


def test_a_network_that_fails_after_all_is_no_news() -> None:
    network, caller, _ = call()
    network.run(until=10.0)
    caller.receive_send_failure(CALLED, 10.0)
    network.run(until=11.0)

    assert network.events[CALLER] == [SILENCE]
    assert_nothing_is_left(caller)


def test_a_connection_that_breaks_after_all_is_not_made_anew() -> None:
    carrier = CALLED._replace(transport="TCP")
    network, caller, _ = call(carrier)
    network.run(until=10.0)
    caller.receive_connection_loss(carrier, 10.0)
    network.run(until=100.0)

    assert network.events[CALLER] == [SILENCE]
    assert network.times(CALLER, "INVITE") == [0.0]
    assert_nothing_is_left(caller)


def test_whoever_hung_up_before_hears_nothing_more() -> None:
    network, caller, peer = call()
    caller.hang_up("call", 1.0)
    network.run(until=5.0)
    peer.answer(180)
    assert network.names(CALLER)[-1] == "CANCEL"
    peer.answer(487)
    network.run(until=100.0)

    assert [event.source for event in network.events[CALLER] if isinstance(event, Refused)] == [
        RefusalSource.LOCAL
    ]
    assert_nothing_is_left(caller)
