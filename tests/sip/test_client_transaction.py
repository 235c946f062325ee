"""Requests of ours: when they are repeated, when they are given up, how long they linger."""

import pytest

from ringbridge.sip.client_transaction import ClientTransaction, NoAnswer
from ringbridge.sip.headers import Headers
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, Response, response_to
from ringbridge.sip.schedule import Schedule
from ringbridge.sip.source import Sources
from ringbridge.sip.timers import Timers
from ringbridge.sip.transaction import ClientState
from ringbridge.sip.transaction_layer import TransactionLayer
from tests.sip.network import name_of, read

PEER = Hop("UDP", "192.0.2.2", 5060)
STREAM = Hop("TCP", "192.0.2.2", 5060)


class Bench:
    """One client transaction, its clock and its user."""

    def __init__(self, method: str, hop: Hop = PEER) -> None:
        self.schedule = Schedule()
        self.layer = TransactionLayer(Timers(), self.schedule, Sources())
        self.heard: list[int | NoAnswer] = []
        self.sent: list[tuple[float, str]] = []
        self.request = Request(
            method=method,
            uri="sip:bob@192.0.2.2",
            headers=Headers.of(
                [
                    ("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1"),
                    ("Max-Forwards", "70"),
                    ("Route", "<sip:192.0.2.2;lr>"),
                    ("From", "<sip:alice@192.0.2.1>;tag=a"),
                    ("To", "<sip:bob@192.0.2.2>"),
                    ("Call-ID", "one"),
                    ("CSeq", f"7 {method}"),
                ]
            ),
        )
        self.transaction = self.layer.send_request(self.request, "z9hG4bK1", hop, self.hear, 0.0)
        self.collect(0.0)

    def hear(
        self, transaction: ClientTransaction, result: Response | NoAnswer, source: Hop, now: float
    ) -> None:
        self.heard.append(result if isinstance(result, NoAnswer) else result.status)

    def run(self, until: float) -> None:
        while (deadline := self.schedule.next_deadline()) is not None and deadline <= until:
            self.schedule.run_due(deadline)
            self.collect(deadline)

    def answer(self, status: int, now: float) -> None:
        self.run(now)
        response = response_to(self.request, status, to_tag="b")
        assert self.layer.receive_response(response, PEER, now)
        self.collect(now)

    def collect(self, now: float) -> None:
        self.sent += [(now, name_of(read(packet.data))) for packet in self.layer.take_packets()]

    def times(self, name: str) -> list[float]:
        return [at for at, sent in self.sent if sent == name]

    @property
    def is_gone(self) -> bool:
        return self.layer.client_count == 0 and len(self.schedule) == 0


def test_an_invite_is_repeated_at_doubling_intervals_until_64_t1() -> None:
    bench = Bench("INVITE")

    bench.run(100.0)

    assert bench.times("INVITE") == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert bench.heard == [NoAnswer.TIMEOUT]
    assert bench.is_gone


def test_an_invite_is_given_up_at_64_t1_and_not_before() -> None:
    bench = Bench("INVITE")

    bench.run(31.999)
    assert bench.heard == []

    bench.run(32.0)
    assert bench.heard == [NoAnswer.TIMEOUT]


def test_an_invite_is_not_repeated_on_a_stream_but_given_up_all_the_same() -> None:
    bench = Bench("INVITE", STREAM)

    bench.run(32.0)

    assert bench.times("INVITE") == [0.0]
    assert bench.heard == [NoAnswer.TIMEOUT]


def test_a_provisional_answer_ends_the_repeats_and_the_giving_up() -> None:
    bench = Bench("INVITE")

    bench.answer(100, 1.0)
    bench.answer(180, 20.0)
    bench.run(1000.0)

    assert bench.times("INVITE") == [0.0, 0.5]
    assert bench.heard == [100, 180]
    assert bench.transaction.state is ClientState.PROCEEDING


@pytest.mark.parametrize("status", [300, 404, 486, 503, 603])
def test_a_refusal_and_each_of_its_repeats_is_acknowledged_for_32_seconds(status: int) -> None:
    bench = Bench("INVITE")

    bench.answer(status, 1.0)
    bench.answer(status, 5.0)
    bench.answer(status, 32.9)
    bench.run(33.0)

    assert bench.times("ACK") == [1.0, 5.0, 32.9]
    assert bench.heard == [status]
    assert bench.is_gone


def test_a_refusal_on_a_stream_ends_the_transaction_at_once() -> None:
    bench = Bench("INVITE", STREAM)

    bench.answer(486, 1.0)
    bench.run(1.0)

    assert bench.is_gone


def test_the_ack_of_a_refusal_belongs_to_the_invites_own_transaction() -> None:
    bench = Bench("INVITE")
    bench.layer.receive_response(response_to(bench.request, 486, to_tag="b"), PEER, 0.0)

    [packet] = bench.layer.take_packets()
    ack = read(packet.data)

    assert isinstance(ack, Request)
    assert ack.uri == "sip:bob@192.0.2.2"
    assert ack.vias == ("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1",)
    assert ack.to_tag == "b"
    assert ack.cseq == (7, "ACK")
    assert ack.headers.all("Route") == ("<sip:192.0.2.2;lr>",)


def test_each_2xx_is_handed_up_for_64_t1_and_other_answers_are_late() -> None:
    bench = Bench("INVITE")

    bench.answer(200, 1.0)
    bench.answer(180, 2.0)
    bench.answer(486, 3.0)
    bench.answer(200, 32.9)
    bench.run(33.0)

    assert bench.heard == [200, 200]
    assert bench.times("ACK") == []
    assert bench.is_gone


def test_answers_after_a_refusal_are_late() -> None:
    bench = Bench("INVITE")

    bench.answer(486, 1.0)
    bench.answer(180, 2.0)
    bench.answer(200, 3.0)

    assert bench.heard == [486]


def test_another_request_is_repeated_at_intervals_up_to_t2_until_64_t1() -> None:
    bench = Bench("BYE")

    bench.run(100.0)

    assert bench.times("BYE") == [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert bench.heard == [NoAnswer.TIMEOUT]
    assert bench.is_gone


def test_a_provisional_answer_slows_another_requests_repeats_down_to_t2() -> None:
    bench = Bench("BYE")

    bench.answer(100, 0.2)
    bench.answer(100, 0.3)
    bench.run(100.0)

    assert bench.times("BYE") == [0.0, 0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5]
    assert bench.heard == [100, 100, NoAnswer.TIMEOUT]


@pytest.mark.parametrize("status", [200, 481])
@pytest.mark.parametrize("trying_first", [False, True])
def test_another_request_ends_with_its_final_answer_and_absorbs_repeats_for_t4(
    status: int, trying_first: bool
) -> None:
    bench = Bench("BYE")
    if trying_first:
        bench.answer(100, 0.1)

    bench.answer(status, 0.2)
    bench.answer(status, 1.0)
    bench.answer(200, 2.0)
    bench.answer(404, 2.0)
    bench.answer(100, 2.0)
    assert not bench.is_gone
    bench.run(5.2)

    assert bench.times("BYE") == [0.0]
    assert bench.heard[-1] == status
    assert bench.is_gone


@pytest.mark.parametrize("method", ["INVITE", "BYE"])
def test_a_send_failure_ends_what_waits_for_its_first_answer(method: str) -> None:
    bench = Bench(method)

    bench.layer.fail(PEER, 0.1)

    assert bench.heard == [NoAnswer.SEND_FAILURE]
    assert bench.is_gone


def test_a_send_failure_ends_another_request_that_was_answered_provisionally() -> None:
    bench = Bench("BYE")
    bench.answer(100, 0.1)

    bench.layer.fail(PEER, 0.2)

    assert bench.heard == [100, NoAnswer.SEND_FAILURE]


@pytest.mark.parametrize("status", [180, 200, 486])
def test_a_send_failure_does_not_touch_an_invite_that_was_answered(status: int) -> None:
    bench = Bench("INVITE")
    bench.answer(status, 0.1)

    bench.layer.fail(PEER, 0.2)

    assert bench.heard == [status]
    assert bench.layer.client_count == 1


def test_a_send_failure_to_another_hop_concerns_nobody() -> None:
    bench = Bench("INVITE")

    bench.layer.fail(PEER._replace(port=5062), 0.1)

    assert bench.heard == []


def test_a_late_send_failure_does_not_touch_an_answered_request() -> None:
    bench = Bench("BYE")
    bench.answer(200, 0.1)

    bench.layer.fail(PEER, 0.2)

    assert bench.heard == [200]


@pytest.mark.parametrize("status", [None, 180])
def test_an_invite_can_be_abandoned_until_its_final_answer(status: int | None) -> None:
    bench = Bench("INVITE")
    if status is not None:
        bench.answer(status, 0.1)

    bench.transaction.abandon(1.0)
    bench.transaction.abandon(2.0)

    assert bench.is_gone


@pytest.mark.parametrize("status", [200, 486])
def test_abandoning_an_invite_after_its_final_answer_is_late(status: int) -> None:
    bench = Bench("INVITE")
    bench.answer(status, 0.1)

    bench.transaction.abandon(1.0)

    assert bench.layer.client_count == 1


@pytest.mark.parametrize(("method", "status"), [("INVITE", None), ("BYE", None), ("BYE", 100)])
def test_what_is_unanswered_when_its_connection_breaks_is_sent_once_more(
    method: str, status: int | None
) -> None:
    bench = Bench(method, STREAM)
    if status is not None:
        bench.answer(status, 0.5)

    bench.layer.send_anew(STREAM, 1.0)
    bench.collect(1.0)
    assert bench.times(method) == [0.0, 1.0]
    bench.layer.send_anew(STREAM, 2.0)
    bench.collect(2.0)

    assert bench.times(method) == [0.0, 1.0]
    assert bench.heard[-1] is NoAnswer.SEND_FAILURE
    assert bench.is_gone


@pytest.mark.parametrize("status", [180, 200, 486])
def test_an_answered_invite_outlives_its_connection(status: int) -> None:
    bench = Bench("INVITE", STREAM)
    bench.answer(status, 0.5)

    bench.layer.send_anew(STREAM, 0.5)
    bench.collect(0.5)

    assert bench.times("INVITE") == [0.0]
    assert bench.heard == [status]


def test_the_loss_of_another_connection_changes_nothing() -> None:
    bench = Bench("BYE", STREAM)

    bench.layer.send_anew(STREAM._replace(port=5061), 1.0)
    bench.collect(1.0)

    assert bench.times("BYE") == [0.0]
