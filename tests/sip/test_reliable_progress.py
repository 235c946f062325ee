"""A peer that wants its progress acknowledged (RFC 3262): it says so by 421, and gets an INVITE that supports it."""

import pytest

from ringbridge.sip.endpoint import Endpoint
from ringbridge.sip.event import Answered, Progressed, Refused
from tests.sip.network import (
    ANSWER,
    CALLER,
    Network,
    ScriptedPeer,
    assert_nothing_is_left,
    call_peer,
)

REQUIRE = ("Require", "100rel")


def call_insisting_peer() -> tuple[Network, Endpoint, ScriptedPeer]:
    """A peer that has refused the INVITE without support, and has the next one."""
    network, caller, peer = call_peer()
    peer.answer(421, headers=[REQUIRE])
    return network, caller, peer


def progress(
    peer: ScriptedPeer, number: int, status: int = 183, *, tag: str = "peer", body: bytes = b""
) -> None:
    """Send progress that is to be acknowledged."""
    peer.answer(status, headers=[REQUIRE, ("RSeq", str(number))], tag=tag, body=body)


def acknowledged(network: Network) -> list[str]:
    """What each PRACK so far is about."""
    return [sent.message.headers.get("RAck") or "" for sent in network.sent if sent.name == "PRACK"]


def told(network: Network) -> list[int]:
    """The progress that the owner knows of."""
    return [event.status for event in network.events[CALLER] if isinstance(event, Progressed)]


def test_a_peer_that_insists_gets_an_invite_that_supports_it() -> None:
    network, _, peer = call_insisting_peer()

    invite = peer.received("INVITE")
    assert (invite.headers.get("Supported"), invite.cseq.number) == ("timer, 100rel", 2)
    assert network.events[CALLER] == []


def test_who_insists_again_or_on_something_else_has_refused() -> None:
    network, caller, peer = call_insisting_peer()
    peer.answer(421, headers=[REQUIRE])
    network.run(until=40.0)
    [event] = network.events[CALLER]
    assert isinstance(event, Refused)
    assert event.status == 421
    assert_nothing_is_left(caller)

    network, _, peer = call_peer()
    peer.answer(421, headers=[("Require", "precondition")])
    assert network.names(CALLER) == ["INVITE", "ACK"]


def test_who_insists_after_the_owner_has_hung_up_is_not_called_again() -> None:
    network, caller, peer = call_peer()
    caller.hang_up("call", network.now)
    peer.answer(421, headers=[REQUIRE])
    network.run(until=40.0)

    assert network.names(CALLER) == ["INVITE", "ACK"]
    assert_nothing_is_left(caller)


def test_progress_is_acknowledged_in_its_dialog_and_told_once() -> None:
    network, _, peer = call_insisting_peer()
    progress(peer, 7, 180)
    prack = peer.received("PRACK")
    peer.answer(200, method="PRACK")
    progress(peer, 7, 180)
    progress(peer, 9)
    progress(peer, 8)

    assert (prack.uri, prack.to_tag, prack.cseq.number) == ("sip:bob@192.0.2.2:5060", "peer", 3)
    assert acknowledged(network) == ["7 2 INVITE", "8 2 INVITE"]
    assert told(network) == [180, 183]


def test_progress_that_nobody_insists_on_is_told_and_no_more() -> None:
    network, _, peer = call_insisting_peer()
    peer.answer(180)
    peer.answer(183, headers=[REQUIRE, ("RSeq", "many")])
    assert (told(network), acknowledged(network)) == ([180, 183], [])

    network, _, peer = call_peer()
    progress(peer, 1)
    assert (told(network), acknowledged(network)) == ([183], [])


@pytest.mark.parametrize(("repeated", "holds"), [(b"", ANSWER), (b"v=0\r\nother", b"v=0\r\nother")])
def test_a_description_need_not_be_told_again_by_the_answer(repeated: bytes, holds: bytes) -> None:
    network, caller, peer = call_insisting_peer()
    progress(peer, 1, body=ANSWER)
    peer.answer(200, method="PRACK")
    progress(peer, 2)
    peer.answer(200, method="PRACK")
    peer.answer(200, body=repeated)

    answered = network.events[CALLER][-1]
    assert isinstance(answered, Answered)
    assert answered.body == holds
    assert (answered.dialog.local_sequence, peer.received("ACK").cseq.number) == (4, 2)
    caller.hang_up("call", network.now)
    network.pump()
    assert peer.received("BYE").cseq.number == 5
    peer.answer(200, method="BYE")
    network.run(until=40.0)
    assert_nothing_is_left(caller)


def test_each_fork_counts_for_itself_and_one_may_answer_without_progress() -> None:
    network, _, peer = call_insisting_peer()
    progress(peer, 5, tag="one")
    progress(peer, 1, tag="two")
    peer.answer(200, tag="three", body=ANSWER)

    assert acknowledged(network) == ["5 2 INVITE", "1 2 INVITE"]
    answered = network.events[CALLER][-1]
    assert isinstance(answered, Answered)
    assert (answered.body, answered.dialog.local_sequence) == (ANSWER, 2)


def test_progress_is_acknowledged_though_the_owner_has_hung_up() -> None:
    """Otherwise the peer would repeat it for half a minute, whatever becomes of the CANCEL."""
    network, caller, peer = call_insisting_peer()
    caller.hang_up("call", network.now)
    progress(peer, 1)

    assert network.names(CALLER)[-2:] == ["PRACK", "CANCEL"]
