"""The peer's INVITE: ring, accept, reject, CANCEL, BYE before the answer, and the ACK."""

from ringbridge.sip.endpoint import Endpoint
from ringbridge.sip.event import Acknowledged, Answered, Ended, EndedBy, Progressed, RefusalSource, Refused
from ringbridge.sip.headers import Reason
from ringbridge.sip.message import Request
from tests.sip.network import (
    ANSWER,
    CALLED,
    CALLER,
    OFFER,
    Network,
    assert_nothing_is_left,
    receive_call,
)


def in_dialog(
    network: Network, method: str, *, number: int = 2, branch: str = "z9hG4bKextra", body: bytes = b""
) -> bytes:
    """A request that the caller would send into the dialog that the latest answer made."""
    answer = [sent.message for sent in network.sent if sent.source == CALLED and sent.message.to_tag][-1]
    headers = answer.headers.replacing("CSeq", f"{number} {method}")
    headers = headers.replacing("Via", f"SIP/2.0/UDP 192.0.2.1:5060;branch={branch}")
    return Request(method=method, uri="sip:bob@192.0.2.2", headers=headers, body=body).serialize()


def answer_a_silent_caller() -> tuple[Network, Endpoint, str]:
    """An endpoint that has answered a caller who is not heard of again, unless the test speaks for it."""
    network, called, session = receive_call()
    del network.endpoints[CALLER]
    called.accept(session, ANSWER, 0.0)
    return network, called, session


def ended(session: str, by: EndedBy) -> Ended:
    return Ended(session=session, by=by, q850=None, sip_cause=None)


def test_an_invite_is_answered_100_and_told() -> None:
    network, called, session = receive_call()

    assert network.names(CALLED) == ["100 INVITE"]
    assert network.last(CALLED, "100 INVITE").to_tag is None
    state = called.dialog(session)
    assert state is not None
    assert not state.is_confirmed


def test_ringing_and_early_media_come_with_the_tag_that_the_answer_has() -> None:
    network, called, session = receive_call()

    called.ring(session, 0.0)
    called.ring(session, 0.0, status=183, body=ANSWER)
    called.accept(session, ANSWER, 0.0)
    network.run(until=0.0)

    tags = {network.last(CALLED, f"{status} INVITE").to_tag for status in (180, 183, 200)}
    assert len(tags) == 1
    assert [type(event) for event in network.events[CALLER]] == [Progressed, Progressed, Answered]
    assert network.last(CALLED, "183 INVITE").content_type == "application/sdp"


def test_accepting_tells_the_ack_and_confirms_the_dialog() -> None:
    network, called, session = receive_call()

    called.accept(session, ANSWER, 0.0)
    network.run(until=0.0)

    assert network.events[CALLED][1:] == [Acknowledged(session=session, body=b"")]
    state = called.dialog(session)
    assert state is not None
    assert state.is_confirmed


def test_an_invite_without_offer_gets_ours_and_the_ack_brings_the_answer() -> None:
    network, called, session = receive_call(body=b"")
    del network.endpoints[CALLER]
    called.accept(session, OFFER, 0.0)
    called.offer(session, b"later", 0.0)
    network.pump()
    # The answer to the first offer is still out: no second one, and none of the peer's either.
    called.receive_packet(in_dialog(network, "INVITE"), CALLER, 0.0)
    network.pump()
    assert network.names(CALLED) == ["100 INVITE", "200 INVITE", "500 INVITE"]

    called.receive_packet(in_dialog(network, "ACK", number=1, body=ANSWER), CALLER, 0.1)
    network.pump()

    assert network.events[CALLED][1:] == [Acknowledged(session=session, body=ANSWER)]
    assert network.names(CALLED)[-1] == "INVITE"


def test_rejecting_says_status_and_reason_and_ends_the_session() -> None:
    network, called, session = receive_call()

    called.reject(session, 486, 0.0, reason=Reason("Q.850", 17))
    network.run(until=0.0)

    assert network.events[CALLED][1:] == [ended(session, EndedBy.LOCAL)]
    assert network.events[CALLER] == [
        Refused(session="call", status=486, reason="Busy Here", q850=17, source=RefusalSource.PEER)
    ]
    network.run(until=40.0)
    for endpoint in network.endpoints.values():
        assert_nothing_is_left(endpoint)


def test_hanging_up_before_the_answer_declines() -> None:
    network, called, session = receive_call()

    called.hang_up(session, 0.0)
    network.run(until=0.0)

    assert network.names(CALLED)[-1] == "603 INVITE"
    assert network.events[CALLED][1:] == [ended(session, EndedBy.LOCAL)]


def test_what_comes_after_the_final_answer_is_late() -> None:
    network, called, session = receive_call()
    called.accept(session, ANSWER, 0.0)
    network.run(until=0.0)

    called.ring(session, 0.0)
    called.accept(session, ANSWER, 0.0)
    called.reject(session, 486, 0.0)
    network.run(until=0.0)

    assert network.names(CALLED) == ["100 INVITE", "200 INVITE"]
    assert len(network.events[CALLED]) == 2


def test_a_cancel_is_answered_ends_the_invite_with_487_and_tells_its_causes() -> None:
    network, called, session = receive_call()
    called.ring(session, 0.0)
    network.run(until=1.0)

    network.endpoints[CALLER].hang_up("call", 1.0, reason=Reason("SIP", 200, "Call completed elsewhere"))
    network.run(until=1.0)

    assert network.names(CALLED) == ["100 INVITE", "180 INVITE", "200 CANCEL", "487 INVITE"]
    assert network.last(CALLED, "200 CANCEL").to_tag == network.last(CALLED, "487 INVITE").to_tag
    assert network.events[CALLED][1:] == [Ended(session=session, by=EndedBy.PEER, q850=None, sip_cause=200)]
    network.run(until=40.0)
    assert_nothing_is_left(called)


def test_a_cancel_after_the_answer_is_answered_and_changes_nothing() -> None:
    network, called, session = receive_call()
    called.accept(session, ANSWER, 0.0)
    network.run(until=0.0)
    invite = network.last(CALLER, "INVITE")
    branch = invite.via.branch
    assert branch is not None

    called.receive_packet(in_dialog(network, "CANCEL", number=1, branch=branch), CALLER, 0.0)
    network.pump()

    assert network.names(CALLED)[-1] == "200 CANCEL"
    assert called.dialog(session) is not None


def test_a_bye_before_the_answer_ends_the_invite_with_487() -> None:
    network, called, session = receive_call()
    called.ring(session, 0.0)
    network.run(until=0.0)

    called.receive_packet(in_dialog(network, "BYE"), CALLER, 0.0)
    network.run(until=0.0)

    assert network.names(CALLED)[2:] == ["200 BYE", "487 INVITE"]
    assert network.events[CALLED][1:] == [ended(session, EndedBy.PEER)]
    network.run(until=80.0)
    assert_nothing_is_left(called)


def test_hanging_up_between_answer_and_ack_sends_bye_with_the_ack() -> None:
    network, called, session = receive_call()
    called.accept(session, ANSWER, 0.0)
    called.hang_up(session, 0.0, reason=Reason("Q.850", 16))
    assert [packet.data[:11] for packet in called.packets_to_send()] == [b"SIP/2.0 200"]

    network.run(until=1.0)

    # The 200 was lost above; its first repeat brings the ACK.
    assert network.names(CALLER)[-2:] == ["ACK", "200 BYE"]
    assert network.last(CALLED, "BYE").headers.get("Reason") == "Q.850;cause=16"
    assert network.events[CALLED][1:] == [ended(session, EndedBy.LOCAL)]
    network.run(until=80.0)
    assert network.names(CALLED).count("BYE") == 1
    assert_nothing_is_left(called)


def test_hanging_up_between_answer_and_an_ack_that_never_comes_sends_bye_after_64_t1() -> None:
    network, called, session = answer_a_silent_caller()
    called.hang_up(session, 0.0)

    network.run(until=100.0)

    assert network.times(CALLED, "BYE")[0] == 32.0
    assert network.events[CALLED][1:] == [ended(session, EndedBy.LOCAL)]
    assert_nothing_is_left(called)


def test_a_repeated_ack_brings_no_second_bye() -> None:
    network, called, session = answer_a_silent_caller()
    called.hang_up(session, 0.0)
    network.pump()

    called.receive_packet(in_dialog(network, "ACK", number=1), CALLER, 0.1)
    called.receive_packet(in_dialog(network, "ACK", number=1), CALLER, 0.1)
    network.pump()

    assert network.names(CALLED).count("BYE") == 1


def test_an_ack_for_another_request_is_not_this_ones() -> None:
    network, called, _ = answer_a_silent_caller()
    network.pump()

    called.receive_packet(in_dialog(network, "ACK", number=9), CALLER, 0.1)
    network.run(until=1.0)

    assert network.times(CALLED, "200 INVITE") == [0.0, 0.5]
    assert len(network.events[CALLED]) == 1


def test_a_bye_that_comes_before_the_ack_ends_the_repeats_of_the_200() -> None:
    network, called, session = answer_a_silent_caller()
    network.pump()

    called.receive_packet(in_dialog(network, "BYE"), CALLER, 0.1)
    network.run(until=80.0)

    assert network.times(CALLED, "200 INVITE") == [0.0]
    assert network.events[CALLED][1:] == [ended(session, EndedBy.PEER)]
    assert_nothing_is_left(called)


def test_a_re_invite_without_ack_counts_as_the_ack() -> None:
    network, called, session = answer_a_silent_caller()
    network.pump()

    called.receive_packet(in_dialog(network, "INVITE"), CALLER, 0.1)
    network.run(until=2.0)

    assert network.events[CALLED][1] == Acknowledged(session=session, body=b"")
    assert network.times(CALLED, "200 INVITE") == [0.0]


def test_a_repeated_invite_is_answered_with_the_latest_answer_and_told_once() -> None:
    network, called, session = receive_call()
    called.ring(session, 0.0)
    network.run(until=0.0)
    invite = next(sent.packet.data for sent in network.sent if sent.name == "INVITE")

    called.receive_packet(invite, CALLER, 0.2)
    network.pump()

    assert network.names(CALLED) == ["100 INVITE", "180 INVITE", "180 INVITE"]
    assert len(network.events[CALLED]) == 1
