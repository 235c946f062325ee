"""Requests of peers: how answers are repeated, what is absorbed, how long."""

from ringbridge.sip.headers import Headers
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, response_to
from ringbridge.sip.schedule import Schedule
from ringbridge.sip.server_transaction import answer_hop, key_of, new_connection_hop
from ringbridge.sip.source import Sources
from ringbridge.sip.timers import Timers
from ringbridge.sip.transaction import ServerState
from ringbridge.sip.transaction_layer import TransactionLayer
from tests.sip.network import name_of, read

PEER = Hop("UDP", "192.0.2.2", 40000)
STREAM = Hop("TCP", "192.0.2.2", 40000)


def make_request(
    method: str, *, via: str = "SIP/2.0/UDP 192.0.2.2:5060;rport;branch=z9hG4bK1", number: int = 7
) -> Request:
    return Request(
        method=method,
        uri="sip:alice@192.0.2.1",
        headers=Headers.of(
            [
                ("Via", via),
                ("From", "<sip:bob@192.0.2.2>;tag=b"),
                ("To", "<sip:alice@192.0.2.1>"),
                ("Call-ID", "one"),
                ("CSeq", f"{number} {method}"),
            ]
        ),
    )


class Bench:
    """One server transaction and its clock."""

    def __init__(self, method: str, source: Hop = PEER) -> None:
        self.schedule = Schedule()
        self.layer = TransactionLayer(Timers(), self.schedule, Sources())
        self.request = make_request(method).received_from(source)
        self.transaction = self.layer.receive_request(self.request, source)
        self.sent: list[tuple[float, str]] = []

    def run(self, until: float) -> None:
        while (deadline := self.schedule.next_deadline()) is not None and deadline <= until:
            self.schedule.run_due(deadline)
            self.collect(deadline)

    def answer(self, status: int, now: float) -> None:
        self.run(now)
        self.transaction.answer(response_to(self.request, status, to_tag="a"), now)
        self.collect(now)

    def repeat(self, now: float) -> None:
        self.run(now)
        self.transaction.receive_again(now)
        self.collect(now)

    def acknowledge(self, now: float) -> None:
        self.run(now)
        self.transaction.receive_ack(now)
        self.collect(now)

    def collect(self, now: float) -> None:
        self.sent += [(now, name_of(read(packet.data))) for packet in self.layer.take_packets()]

    @property
    def is_gone(self) -> bool:
        return self.layer.server_count == 0 and len(self.schedule) == 0


def test_a_repeated_invite_is_answered_with_the_latest_provisional_answer() -> None:
    bench = Bench("INVITE")

    bench.answer(100, 0.0)
    bench.repeat(0.5)
    bench.answer(180, 1.0)
    bench.repeat(1.5)
    bench.acknowledge(1.6)

    assert bench.sent == [(0.0, "100 INVITE"), (0.5, "100 INVITE"), (1.0, "180 INVITE"), (1.5, "180 INVITE")]


def test_a_refusal_is_repeated_at_intervals_up_to_t2_until_64_t1() -> None:
    bench = Bench("INVITE")

    bench.answer(486, 0.0)
    bench.run(100.0)

    times = [at for at, _ in bench.sent]
    assert times == [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert bench.is_gone


def test_a_refusal_is_not_repeated_on_a_stream_but_waits_for_its_ack_all_the_same() -> None:
    bench = Bench("INVITE", STREAM)

    bench.answer(486, 0.0)
    bench.run(31.9)
    assert bench.layer.server_count == 1
    bench.run(32.0)

    assert [at for at, _ in bench.sent] == [0.0]
    assert bench.is_gone


def test_the_ack_ends_the_repeats_and_its_own_repeats_are_absorbed_for_t4() -> None:
    bench = Bench("INVITE")

    bench.answer(486, 0.0)
    bench.acknowledge(0.6)
    bench.acknowledge(1.0)
    bench.repeat(1.0)
    assert bench.transaction.state is ServerState.CONFIRMED
    bench.run(5.6)

    assert [at for at, _ in bench.sent] == [0.0, 0.5]
    assert bench.is_gone


def test_the_ack_on_a_stream_ends_the_transaction_at_once() -> None:
    bench = Bench("INVITE", STREAM)

    bench.answer(486, 0.0)
    bench.acknowledge(0.1)
    bench.run(0.1)

    assert bench.is_gone


def test_a_repeated_invite_gets_its_refusal_again() -> None:
    bench = Bench("INVITE")

    bench.answer(486, 0.0)
    bench.repeat(0.1)

    assert bench.sent == [(0.0, "486 INVITE"), (0.1, "486 INVITE")]


def test_after_a_2xx_repeated_invites_are_absorbed_for_64_t1_and_only_the_user_repeats() -> None:
    bench = Bench("INVITE")

    bench.answer(200, 0.0)
    bench.repeat(0.5)
    bench.transaction.repeat_success(1.0)
    bench.collect(1.0)
    bench.acknowledge(1.1)
    bench.run(31.9)
    assert bench.transaction.state is ServerState.ACCEPTED
    bench.run(32.0)

    assert bench.sent == [(0.0, "200 INVITE"), (1.0, "200 INVITE")]
    assert bench.is_gone


def test_another_request_is_answered_again_when_repeated_for_64_t1() -> None:
    bench = Bench("BYE")

    bench.repeat(0.0)
    bench.answer(200, 0.1)
    bench.repeat(0.5)
    bench.repeat(32.0)
    bench.run(32.1)

    assert [at for at, _ in bench.sent] == [0.1, 0.5, 32.0]
    assert bench.is_gone


def test_another_request_on_a_stream_is_over_with_its_refusal() -> None:
    bench = Bench("BYE", STREAM)

    bench.answer(481, 0.0)
    bench.run(0.0)

    assert bench.is_gone


def test_transactions_are_told_apart_by_branch_sender_and_method() -> None:
    first = make_request("INVITE")
    key = key_of(first, "INVITE")

    assert key_of(make_request("ACK"), "INVITE") == key
    assert key_of(first, "CANCEL") != key
    assert key_of(make_request("INVITE", via="SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK2"), "INVITE") != key
    assert key_of(make_request("INVITE", via="SIP/2.0/UDP 192.0.2.3:5060;branch=z9hG4bK1"), "INVITE") != key


def test_without_a_magic_branch_the_rest_of_the_message_tells_transactions_apart() -> None:
    old_via = "SIP/2.0/UDP 192.0.2.2:5060;branch=1"
    key = key_of(make_request("INVITE", via=old_via), "INVITE")

    assert key_of(make_request("ACK", via=old_via), "INVITE") == key
    assert key_of(make_request("INVITE", via=old_via, number=8), "INVITE") != key
    assert key_of(make_request("INVITE", via="SIP/2.0/UDP 192.0.2.2:5060"), "INVITE") != key


def test_answers_go_back_to_the_port_that_the_request_came_from_if_it_asked_for_that() -> None:
    assert answer_hop(make_request("BYE").received_from(PEER), PEER) == PEER


def test_answers_go_to_the_port_in_via_at_the_source_without_rport() -> None:
    named = make_request("BYE", via="SIP/2.0/UDP 10.0.0.1:5080;branch=z9hG4bK1")
    unnamed = make_request("BYE", via="SIP/2.0/UDP example.com;branch=z9hG4bK1")

    assert answer_hop(named, PEER) == Hop("UDP", "192.0.2.2", 5080)
    assert answer_hop(unnamed, PEER) == Hop("UDP", "192.0.2.2", 5060)


def test_answers_go_back_over_the_connection_on_a_stream() -> None:
    assert answer_hop(make_request("BYE"), STREAM) == STREAM


def test_an_answer_whose_connection_is_gone_goes_to_the_port_that_the_sender_named() -> None:
    named = make_request("BYE", via="SIP/2.0/TCP 192.0.2.2:5080;branch=z9hG4bK1")
    unnamed = make_request("BYE", via="SIP/2.0/TLS example.com;branch=z9hG4bK1")
    tls = STREAM._replace(transport="TLS")

    assert new_connection_hop(named, STREAM) == Hop("TCP", "192.0.2.2", 5080)
    assert new_connection_hop(unnamed, tls) == Hop("TLS", "192.0.2.2", 5061)
    assert new_connection_hop(named, PEER) is None


def test_both_ways_are_written_on_an_answer_to_a_stream() -> None:
    bench = Bench("BYE", STREAM)
    bench.transaction.answer(response_to(bench.request, 200, to_tag="a"), 0.0)

    [packet] = bench.layer.take_packets()
    assert (packet.hop, packet.otherwise) == (STREAM, Hop("TCP", "192.0.2.2", 5060))
