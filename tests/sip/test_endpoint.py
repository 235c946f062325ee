"""The whole endpoint: whom it hears, what it answers to what nobody asked for, and that it forgets everything."""

import random

import pytest

from ringbridge.sip.dialog import DialogState
from ringbridge.sip.endpoint import Endpoint
from ringbridge.sip.errors import LocalUseError
from ringbridge.sip.event import Answered, AnsweredLate, Invited, RefusalSource, Refused
from ringbridge.sip.headers import Headers, Reason
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Message, Request, response_to
from tests.sip.network import (
    ANSWER,
    CALLED,
    CALLER,
    STRANGER,
    Network,
    ScriptedPeer,
    assert_nothing_is_left,
    call_peer,
    make_endpoint,
    name_of,
    read,
    receive_call,
    talk_to_peer,
)


def make_request(
    method: str,
    *fields: tuple[str, str],
    uri: str = "sip:alice@192.0.2.1",
    branch: str = "z9hG4bK1",
    to: str = "<sip:alice@192.0.2.1>",
    body: bytes = b"",
) -> bytes:
    headers = Headers.of(
        [
            ("Via", f"SIP/2.0/UDP 192.0.2.2:5060;rport;branch={branch}"),
            ("Max-Forwards", "70"),
            ("From", "<sip:bob@192.0.2.2>;tag=b"),
            ("To", to),
            ("Call-ID", "one"),
            ("CSeq", f"1 {method}"),
            *fields,
        ]
    )
    return Request(method=method, uri=uri, headers=headers, body=body).serialize()


def answers(endpoint: Endpoint, data: bytes, source: Hop = CALLED) -> list[Message]:
    """What an endpoint sends on receiving a packet."""
    endpoint.receive_packet(data, source, 0.0)
    return [read(packet.data) for packet in endpoint.packets_to_send()]


def answer_names(endpoint: Endpoint, data: bytes, source: Hop = CALLED) -> list[str]:
    return [name_of(message) for message in answers(endpoint, data, source)]


# Whom it hears


def test_a_strangers_packets_are_dropped_unread_and_counted() -> None:
    endpoint = make_endpoint(CALLER, "caller")

    assert answers(endpoint, make_request("OPTIONS"), STRANGER) == []
    assert answers(endpoint, b"\x00garbage", STRANGER) == []
    assert endpoint.counts.dropped_unknown_source == 2
    assert endpoint.counts.dropped_malformed == 0


def test_someone_we_only_call_may_not_begin_anything() -> None:
    network, caller, peer = call_peer()
    caller.set_known_peers([])
    peer.answer(200, body=ANSWER)

    assert answers(caller, make_request("OPTIONS")) == []
    assert answers(caller, make_request("INVITE", branch="z9hG4bK2")) == []
    assert answers(caller, make_request("CANCEL", branch="z9hG4bK3")) == []
    assert caller.counts.dropped_unknown_source == 3
    assert network.names(CALLER) == ["INVITE", "ACK"]


def test_a_packet_that_cannot_be_sent_fails_its_own_request_and_no_other_to_the_same_hop() -> None:
    network, caller, _ = call_peer()
    caller.invite(
        target="sip:x@example.com",
        hop=CALLED,
        from_="<sip:a@b>",
        to="<sip:c@d>",
        body=b"",
        session="other",
        now=0.0,
    )
    [packet] = caller.packets_to_send()

    caller.receive_packet_failure(packet, 0.0)
    network.pump()

    [refused] = network.events[CALLER]
    assert isinstance(refused, Refused)
    assert (refused.session, refused.source) == ("other", RefusalSource.TRANSPORT)


def test_an_answer_that_cannot_be_sent_fails_nothing() -> None:
    network, caller, _ = call_peer()
    caller.receive_packet(make_request("OPTIONS"), CALLED, 0.0)
    [packet] = caller.packets_to_send()

    caller.receive_packet_failure(packet, 0.0)
    network.pump()

    assert network.events[CALLER] == []


def test_keep_alives_are_swallowed() -> None:
    endpoint = make_endpoint(CALLER, "caller")

    for data in (b"", b"\r\n\r\n", b"\x00\x01\x00\x00"):
        assert answers(endpoint, data) == []
    assert endpoint.counts.dropped_malformed == 0


# What it answers


def test_options_from_a_peer_are_answered_with_what_we_can_do_and_no_more() -> None:
    request = make_request("OPTIONS").replace(b"Max-Forwards: 70", b"Max-Forwards: 0")
    [answer] = answers(make_endpoint(CALLER, "caller"), request)

    fields = dict(answer.headers)
    assert name_of(answer) == "200 OPTIONS"
    assert fields["Allow"] == "INVITE, ACK, CANCEL, BYE, UPDATE, OPTIONS"
    assert fields["Accept"] == "application/sdp"
    assert fields["Supported"] == "timer"
    assert "Server" not in fields
    assert "User-Agent" not in fields
    assert answer.to_tag is not None


def test_options_within_a_dialog_are_answered_200() -> None:
    network, _, peer = talk_to_peer()

    peer.send("OPTIONS")

    assert network.names(CALLER)[-1] == "200 OPTIONS"


def test_the_answer_says_where_the_request_came_from() -> None:
    source = Hop("UDP", "192.0.2.2", 40000)
    endpoint = make_endpoint(CALLER, "caller", peers=[source])
    endpoint.receive_packet(make_request("OPTIONS"), source, 0.0)

    [packet] = endpoint.packets_to_send()

    assert packet.hop == source
    via = read(packet.data).via
    assert (via.received, via.rport) == ("192.0.2.2", 40000)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (make_request("REGISTER"), "405 REGISTER"),
        (make_request("NEWMETHOD"), "501 NEWMETHOD"),
        (make_request("OPTIONS", uri="nobodyKnowsThisScheme:opaque"), "416 OPTIONS"),
        (make_request("OPTIONS", ("Require", "100rel")), "420 OPTIONS"),
        (make_request("INVITE", ("Content-Type", "text/plain"), body=b"?"), "415 INVITE"),
        (make_request("BYE"), "481 BYE"),
        (make_request("UPDATE"), "481 UPDATE"),
        (make_request("CANCEL"), "481 CANCEL"),
        (make_request("BYE", to="<sip:alice@192.0.2.1>;tag=unknown"), "481 BYE"),
        (make_request("INVITE"), "403 INVITE"),
    ],
)
def test_what_nobody_asked_for_is_answered_as_the_rfc_says(data: bytes, expected: str) -> None:
    assert answer_names(make_endpoint(CALLER, "caller"), data) == [expected]


def test_an_ack_is_never_answered() -> None:
    endpoint = make_endpoint(CALLER, "caller")

    assert answers(endpoint, make_request("ACK")) == []
    assert answers(endpoint, make_request("ACK", to="<sip:alice@192.0.2.1>;tag=unknown")) == []


def test_a_refusal_within_a_dialog_leaves_the_dialog_alone() -> None:
    network, caller, peer = talk_to_peer()

    peer.send("INFO")
    peer.send("INVITE", headers=[("Content-Type", "text/plain")])
    peer.send("UPDATE", headers=[("Require", "precondition")])

    assert network.names(CALLER)[2:4] == ["405 INFO", "100 INVITE"]
    assert network.names(CALLER)[-1] == "420 UPDATE"
    assert caller.dialog("call") is not None


def test_a_second_copy_of_a_request_by_another_way_is_482() -> None:
    endpoint = make_endpoint(CALLER, "caller", accepts_invitations=True)

    assert answer_names(endpoint, make_request("INVITE")) == ["100 INVITE"]
    assert answer_names(endpoint, make_request("INVITE", branch="z9hG4bK2")) == ["482 INVITE"]
    assert len(endpoint.events()) == 1


def test_a_repeated_request_is_answered_again() -> None:
    endpoint = make_endpoint(CALLER, "caller")

    assert answer_names(endpoint, make_request("OPTIONS")) == ["200 OPTIONS"]
    assert answer_names(endpoint, make_request("OPTIONS")) == ["200 OPTIONS"]
    assert endpoint.counts.server_transactions == 1


def test_a_cancel_from_another_address_than_the_invites_is_481() -> None:
    other = Hop("UDP", "192.0.2.66", 5060)
    endpoint = make_endpoint(CALLER, "caller", peers=[CALLED, other], accepts_invitations=True)
    answers(endpoint, make_request("INVITE"))

    assert answer_names(endpoint, make_request("CANCEL"), other) == ["481 CANCEL"]
    assert [type(event) for event in endpoint.events()] == [Invited]


def test_the_ack_of_a_refusal_ends_its_repeats() -> None:
    endpoint = make_endpoint(CALLER, "caller")
    [refusal] = answers(endpoint, make_request("INVITE"))

    answers(endpoint, make_request("ACK", to=f"<sip:alice@192.0.2.1>;tag={refusal.to_tag}"))
    endpoint.handle_deadline(5.0)

    assert endpoint.packets_to_send() == []
    assert_nothing_is_left(endpoint)


# What cannot be read


def test_a_malformed_request_of_a_peer_is_answered_and_counted() -> None:
    endpoint = make_endpoint(CALLER, "caller")
    data = make_request("OPTIONS").replace(b"CSeq: 1 OPTIONS", b"CSeq: one OPTIONS")

    endpoint.receive_packet(data, CALLED, 0.0)

    [packet] = endpoint.packets_to_send()
    assert packet.data.startswith(b"SIP/2.0 400 ")
    assert packet.hop == CALLED
    assert endpoint.counts.dropped_malformed == 1
    assert endpoint.counts.server_transactions == 0


def test_a_request_of_another_version_is_505() -> None:
    endpoint = make_endpoint(CALLER, "caller")

    endpoint.receive_packet(make_request("OPTIONS").replace(b" SIP/2.0\r\n", b" SIP/7.0\r\n", 1), CALLED, 0.0)

    assert endpoint.packets_to_send()[0].data.startswith(b"SIP/2.0 505 ")


def test_a_malformed_answer_or_ack_is_dropped_and_counted() -> None:
    _, caller, _ = call_peer()
    dropped = (
        b"SIP/2.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        make_request("ACK").replace(b"CSeq: 1", b"CSeq: x"),
    )

    for data in dropped:
        assert answers(caller, data) == []
    assert caller.counts.dropped_malformed == 2


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Spoil a message in one to three places."""
    octets = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(octets))
        match chance.randrange(4):
            case 0:
                octets[place] = chance.randrange(256)
            case 1:
                del octets[place : place + chance.randrange(1, 30)]
            case 2:
                octets[place:place] = octets[max(0, place - 40) : place]
            case _:
                octets[place:place] = bytes(chance.choice(b';,<>"=:@ \r\n\x00\xff%') for _ in range(3))
    return bytes(octets)


@pytest.mark.parametrize("seed", range(20))
def test_no_spoilt_message_raises_and_all_is_forgotten_in_the_end(seed: int) -> None:
    chance = random.Random(seed)
    network, called, session = receive_call()
    caller = network.endpoints[CALLER]
    called.ring(session, 0.0)
    called.accept(session, ANSWER, 0.0)
    caller.offer("call", b"hold", 0.0)
    network.run(until=0.1)
    for event in network.events[CALLED]:
        called.answer_offer(event.session, ANSWER, 0.1)
    network.run(until=0.2)
    originals = [(sent.packet, sent.source) for sent in network.sent]

    for _ in range(300):
        packet, source = chance.choice(originals)
        endpoint = network.endpoints[packet.hop]
        endpoint.receive_packet(mutated(packet.data, chance), source, 0.2)
        for event in endpoint.events():
            endpoint.answer_offer(event.session, ANSWER, 0.2)
            endpoint.hang_up(event.session, 0.2)
        endpoint.packets_to_send()
    for hop, endpoint in network.endpoints.items():
        endpoint.hang_up("call" if hop == CALLER else session, 0.2)
        for moment in range(1, 200):
            endpoint.handle_deadline(float(moment))
        assert_nothing_is_left(endpoint)


# What is forgotten


@pytest.mark.parametrize("lost_packet", range(14))
def test_a_whole_call_leaves_nothing_behind_whichever_packet_is_lost(lost_packet: int) -> None:
    network, called, session = receive_call()
    network._lost = iter([index == lost_packet for index in range(14)])
    caller = network.endpoints[CALLER]
    called.ring(session, 0.0)
    network.run(until=1.0)
    called.accept(session, ANSWER, 1.0)
    network.run(until=5.0)
    assert any(isinstance(event, Answered) for event in network.events[CALLER])
    caller.hang_up("call", 5.0)

    network.run(until=80.0)

    assert_nothing_is_left(caller)
    assert_nothing_is_left(called)


def test_a_call_is_forgotten_64_t1_after_its_end() -> None:
    network, called, session = receive_call()
    called.accept(session, ANSWER, 0.0)
    network.run(until=100.0)
    network.endpoints[CALLER].hang_up("call", 100.0)

    network.run(until=105.0)
    assert_nothing_is_left(network.endpoints[CALLER])
    network.run(until=132.0)
    assert_nothing_is_left(called)


def test_an_answer_to_nothing_is_dropped_and_counted() -> None:
    network, caller, peer = talk_to_peer()
    stray = peer.received("INVITE")
    network.run(until=40.0)

    peer.answer(180, to=stray)
    peer.answer(486, to=stray)
    peer.answer(200, to=stray, method="BYE")

    assert caller.counts.dropped_unmatched == 3
    assert network.names(CALLER) == ["INVITE", "ACK"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"SIP/2.0/UDP 192.0.2.1:5060", b"SIP/2.0/UDP 192.0.2.250:5060"),
        (b";branch=z9hG4bKcaller3", b""),
        (b";tag=caller2", b""),
        (b"CSeq: 1 INVITE", b"CSeq: 1 BYE"),
    ],
)
def test_a_late_200_that_cannot_be_ours_is_dropped(old: bytes, new: bytes) -> None:
    network, caller, peer = call_peer()
    late = response_to(peer.received("INVITE"), 200, to_tag="peer").serialize().replace(old, new)
    network.run(until=40.0)

    peer.deliver(late)

    assert caller.counts.dropped_unmatched == 1
    assert network.names(CALLER) == ["INVITE"] * 7


# Its owner's mistakes and late wishes


def test_an_id_that_is_in_use_is_refused() -> None:
    _, caller, _ = call_peer()

    with pytest.raises(LocalUseError) as caught:
        caller.invite(
            target="sip:bob@192.0.2.2",
            hop=CALLED,
            from_="<sip:a@b>",
            to="<sip:c@d>",
            body=b"",
            session="call",
            now=0.0,
        )

    assert str(caught.value) == "there is a session call already"


def test_a_text_that_would_break_the_message_is_refused_and_leaves_nothing() -> None:
    caller = make_endpoint(CALLER, "caller")

    with pytest.raises(LocalUseError):
        caller.invite(
            target="sip:bob@192.0.2.2",
            hop=CALLED,
            from_="<sip:a@b>",
            to="<sip:c@d>",
            body=b"",
            headers=[("Subject", "x\r\nRoute: <sip:192.0.2.9>")],
            now=0.0,
        )

    assert_nothing_is_left(caller)


@pytest.mark.parametrize(("from_", "to"), [('"', "<sip:c@d>"), ("<sip:a@b>", "<nothing>")])
def test_an_address_that_is_none_is_refused_and_leaves_nothing(from_: str, to: str) -> None:
    caller = make_endpoint(CALLER, "caller")

    with pytest.raises(LocalUseError, match="an INVITE cannot say so: "):
        caller.invite(target="sip:bob@192.0.2.2", hop=CALLED, from_=from_, to=to, body=b"", now=0.0)

    assert_nothing_is_left(caller)


def test_an_id_is_drawn_where_the_owner_gives_none() -> None:
    caller = make_endpoint(CALLER, "caller")

    session = caller.invite(
        target="sip:bob@192.0.2.2", hop=CALLED, from_="<sip:a@b>", to="<sip:c@d>", body=b"", now=0.0
    )

    assert session == "caller1"
    assert "Content-Type" not in read(caller.packets_to_send()[0].data).headers


def test_answering_a_session_that_nobody_knows_or_that_is_ours_is_late() -> None:
    network, caller, _ = call_peer()

    for session in ("nobody", "call"):
        caller.ring(session, 0.0)
        caller.accept(session, ANSWER, 0.0)
        caller.reject(session, 486, 0.0)
    network.pump()

    assert network.names(CALLER) == ["INVITE"]
    assert caller.dialog("nobody") is None


# After a restart


def restarted(state: DialogState, *, reason: Reason | None = None) -> tuple[Network, Endpoint, ScriptedPeer]:
    """A new process at the caller's address that ends what the old one left."""
    endpoint = make_endpoint(CALLER, "second")
    network = Network({CALLER: endpoint})
    endpoint.resume_to_end(state, 0.0, session="left", reason=reason)
    network.pump()
    return network, endpoint, ScriptedPeer(network)


def kept(endpoint: Endpoint) -> DialogState:
    state = endpoint.dialog("call")
    assert state is not None
    return state


def test_a_confirmed_dialog_of_the_last_process_gets_its_bye() -> None:
    _, caller, _ = talk_to_peer()

    network, endpoint, peer = restarted(kept(caller), reason=Reason("Q.850", 41))
    peer.answer(200, method="BYE")
    network.run(until=40.0)

    bye = peer.received("BYE")
    assert (bye.uri, bye.to_tag, bye.cseq.number) == ("sip:bob@192.0.2.2:5060", "peer", 1002)
    assert bye.headers.get("Reason") == "Q.850;cause=41"
    assert network.names(CALLER) == ["BYE"]
    assert (network.events[CALLER], network.released[CALLER]) == ([], ["left"])
    assert_nothing_is_left(endpoint)


def test_an_invite_of_the_last_process_gets_its_cancel_and_ack() -> None:
    network, caller, peer = call_peer(headers=[("Route", "<sip:192.0.2.2;lr>")])
    peer.answer(180)
    invite = peer.received("INVITE")

    network, endpoint, peer = restarted(kept(caller))
    cancel = peer.received("CANCEL")
    peer.answer(200, method="CANCEL")
    peer.answer(487, to=invite)
    network.run(until=40.0)

    assert cancel.uri == invite.uri
    assert cancel.via.branch == invite.via.branch
    assert [cancel.headers.get(name) for name in ("From", "To", "Call-ID", "Route")] == [
        invite.headers.get(name) for name in ("From", "To", "Call-ID", "Route")
    ]
    assert network.names(CALLER) == ["CANCEL", "ACK"]
    assert (network.events[CALLER], network.released[CALLER]) == ([], ["left"])
    assert_nothing_is_left(endpoint)


def test_a_late_200_to_an_invite_of_the_last_process_gets_ack_and_bye() -> None:
    _, caller, first_peer = call_peer()
    invite = first_peer.received("INVITE")

    network, endpoint, peer = restarted(kept(caller), reason=Reason("Q.850", 41))
    peer.answer(200, to=invite, body=ANSWER)
    peer.answer(200, method="BYE")
    peer.answer(200, method="CANCEL")
    network.run(until=40.0)
    assert_nothing_is_left(endpoint)

    assert network.names(CALLER) == ["CANCEL", "ACK", "BYE"]
    [late] = network.events[CALLER]
    assert isinstance(late, AnsweredLate)
    assert (late.session, network.released[CALLER]) == ("left", ["left"])


def test_an_invite_of_the_last_process_that_nobody_remembers_is_forgotten() -> None:
    _, caller, _ = call_peer()

    network, endpoint, peer = restarted(kept(caller))
    peer.answer(481, method="CANCEL")
    network.run(until=40.0)

    assert network.names(CALLER) == ["CANCEL"]
    assert_nothing_is_left(endpoint)


@pytest.mark.parametrize(
    ("status", "unanswered"), [(200, set()), (481, set()), (100, {"left"}), (None, {"left"})]
)
def test_whether_a_bye_after_a_restart_was_answered_is_told(status: int | None, unanswered: set[str]) -> None:
    _, caller, _ = talk_to_peer()

    network, _, peer = restarted(kept(caller))
    if status is not None:
        peer.answer(status, method="BYE")
    network.run(until=40.0)

    assert (network.released[CALLER], network.unanswered) == (["left"], unanswered)


@pytest.mark.parametrize(
    ("cancel_status", "invite_status", "unanswered"),
    [(200, 487, set()), (481, None, set()), (None, 487, set()), (None, None, {"left"})],
)
def test_whether_a_cancel_after_a_restart_was_answered_is_told(
    cancel_status: int | None, invite_status: int | None, unanswered: set[str]
) -> None:
    _, caller, first_peer = call_peer()
    invite = first_peer.received("INVITE")

    network, _, peer = restarted(kept(caller))
    if cancel_status is not None:
        peer.answer(cancel_status, method="CANCEL")
    if invite_status is not None:
        peer.answer(invite_status, to=invite)
    network.run(until=80.0)

    assert (network.released[CALLER], network.unanswered) == (["left"], unanswered)


def test_a_peer_that_the_network_cannot_reach_has_not_answered() -> None:
    network, caller, _ = call_peer()

    caller.receive_send_failure(network.sent[0].packet.hop, 0.0)
    network.pump()

    assert network.unanswered == {"call"}


def test_ending_the_same_dialog_twice_is_once_enough() -> None:
    _, caller, _ = talk_to_peer()
    state = kept(caller)
    network, endpoint, _ = restarted(state)

    endpoint.resume_to_end(state, 0.0, session="again")
    network.pump()

    assert network.names(CALLER) == ["BYE"]
    assert network.released[CALLER] == ["again"]


def test_a_call_to_us_that_was_never_answered_is_left_to_its_caller() -> None:
    _, called, session = receive_call()
    state = called.dialog(session)
    assert state is not None

    network, endpoint, _ = restarted(state)

    assert (network.sent, network.released[CALLER]) == ([], ["left"])
    assert_nothing_is_left(endpoint)


# Its deadline


def test_the_next_deadline_is_the_earliest_of_all_and_none_at_rest() -> None:
    network, caller, peer = call_peer()
    assert caller.next_deadline() == 0.5

    peer.answer(180)
    assert caller.next_deadline() is None

    peer.answer(200, body=ANSWER)
    assert caller.next_deadline() == 32.0
    network.run(until=32.0)
    assert caller.next_deadline() is None


def test_calling_early_does_no_harm() -> None:
    network, caller, _ = call_peer()

    caller.handle_deadline(0.1)
    network.pump()

    assert network.names(CALLER) == ["INVITE"]


def test_the_owner_learns_whether_a_packet_was_a_message_of_somebody_who_is_heard() -> None:
    endpoint = make_endpoint(CALLED, "called")
    options = make_request("OPTIONS")

    assert endpoint.receive_packet(options, CALLER, 0.0)
    assert not endpoint.receive_packet(options, STRANGER, 0.0)
    assert not endpoint.receive_packet(b"nonsense\r\n\r\n", CALLER, 0.0)
    assert not endpoint.receive_packet(b"\r\n", CALLER, 0.0)


def test_a_host_is_needed_as_long_as_something_alive_talks_to_it() -> None:
    network, caller, peer = call_peer()
    stream = CALLED._replace(transport="TCP", port=49_152)

    assert caller.needs(stream)
    assert not caller.needs(STRANGER)
    peer.answer(486)
    network.run(until=32.0)
    assert not caller.needs(stream)
