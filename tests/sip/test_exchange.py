"""One request and its new tries."""

from ringbridge.sip.authentication import Authentication
from ringbridge.sip.client_transaction import NoAnswer
from ringbridge.sip.core import MAX_WITHOUT_STREAM, Core, EndpointSettings
from ringbridge.sip.dialog import Dialog, DialogState
from ringbridge.sip.digest import Credentials
from ringbridge.sip.exchange import Exchange, Result, acknowledge, ignore, send_in_dialog
from ringbridge.sip.headers import Headers
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, response_to
from tests.sip.network import Counter, read

LOCAL = Hop("UDP", "192.0.2.1", 5060)
HOP = Hop("UDP", "192.0.2.2", 5060)
STREAM = Hop("TCP", "192.0.2.2", 5060)
LONG = b"x" * 1300
CHALLENGE = [("WWW-Authenticate", 'Digest realm="r", nonce="n"')]


class Bench:
    """A dialog, and what an exchange in it sends and tells."""

    def __init__(self, *, has_credentials: bool) -> None:
        self.core = Core(EndpointSettings(local=LOCAL), Counter("token"))
        credentials = Credentials(username="alice", password="secret")
        self.authentication = (
            Authentication(credentials, HOP, self.core.randomness) if has_credentials else None
        )
        state = DialogState(
            call_id="one",
            local_uri="<sip:alice@192.0.2.1>;tag=a",
            remote_uri="<sip:bob@192.0.2.2>;tag=b",
            local_sequence=1,
            remote_sequence=None,
            route_set=(),
            remote_target="sip:bob@192.0.2.2",
            hop=HOP,
            invite_branch=None,
            is_confirmed=True,
        )
        self.dialog = Dialog(state, answered_from=HOP)
        self.heard: list[int] = []

    def hear(self, exchange: Exchange, result: Result, source: Hop, now: float) -> None:
        self.heard.append(result.value if isinstance(result, NoAnswer) else result.status)

    def start(self, *, body: bytes = b"") -> Exchange:
        return send_in_dialog(self.core, self.dialog, self.authentication, "BYE", self.hear, 0.0, body=body)

    def sent(self, *, hop: Hop = HOP) -> list[Request]:
        packets = self.core.layer.take_packets()
        assert {packet.hop for packet in packets} <= {hop}
        messages = [read(packet.data) for packet in packets]
        return [message for message in messages if isinstance(message, Request)]

    def answer(
        self,
        request: Request,
        status: int,
        headers: list[tuple[str, str]] | None = None,
        *,
        source: Hop = HOP,
    ) -> None:
        response = response_to(request, status, headers=headers or ())
        assert self.core.layer.receive_response(response, source, 0.0)


def test_a_request_takes_the_dialogs_next_number_and_its_end_is_told() -> None:
    bench = Bench(has_credentials=False)
    bench.start()

    [request] = bench.sent()
    bench.answer(request, 100)
    bench.answer(request, 200)

    assert request.cseq == (2, "BYE")
    assert bench.heard == [100, 200]


def test_a_challenge_without_credentials_is_told() -> None:
    bench = Bench(has_credentials=False)
    bench.start()

    bench.answer(bench.sent()[0], 401, CHALLENGE)

    assert bench.heard == [401]


def test_a_challenge_with_credentials_is_answered_under_the_number_that_is_next_then() -> None:
    bench = Bench(has_credentials=True)
    bench.start()
    [first] = bench.sent()
    bench.dialog.take_sequence()

    bench.answer(first, 401, CHALLENGE)
    [second] = bench.sent()

    assert second.cseq == (4, "BYE")
    assert second.via.branch != first.via.branch
    assert bench.heard == []


def test_a_request_that_is_not_wanted_any_more_answers_no_challenge() -> None:
    bench = Bench(has_credentials=True)
    exchange = bench.start()
    exchange.stop_trying()

    bench.answer(bench.sent()[0], 401, CHALLENGE)

    assert bench.heard == [401]


def test_sending_again_changes_the_fields_that_are_named() -> None:
    bench = Bench(has_credentials=False)
    exchange = bench.start()
    bench.sent()

    exchange.send_again(0.0, ("Session-Expires", "3600"))

    [again] = bench.sent()
    assert again.headers.get("Session-Expires") == "3600"
    assert again.cseq.number == 3


def test_an_ack_repeats_the_invites_number_and_credentials() -> None:
    bench = Bench(has_credentials=False)
    invite = Request(
        method="INVITE",
        uri="sip:bob@192.0.2.2",
        headers=Headers.of([("CSeq", "7 INVITE"), ("Authorization", "Digest x"), ("Subject", "y")]),
    )

    acknowledge(bench.core, bench.dialog, invite)

    [ack] = bench.sent()
    assert ack.cseq == (7, "ACK")
    assert ack.headers.get("Authorization") == "Digest x"
    assert "Subject" not in ack.headers


def test_an_answer_that_changes_nothing_can_be_ignored() -> None:
    bench = Bench(has_credentials=False)
    send_in_dialog(bench.core, bench.dialog, None, "BYE", ignore, 0.0)

    bench.answer(bench.sent()[0], 200)

    assert bench.core.take_events() == []


def test_what_is_too_long_for_a_datagram_goes_over_tcp_to_the_same_place_and_says_so() -> None:
    bench = Bench(has_credentials=True)
    bench.start(body=LONG)

    [first] = bench.sent(hop=STREAM)
    bench.answer(first, 401, CHALLENGE, source=STREAM)
    [second] = bench.sent(hop=STREAM)

    assert (first.via.transport, second.via.transport) == ("TCP", "TCP")
    assert "Authorization" in second.headers
    assert bench.heard == []


def test_what_is_short_enough_stays_a_datagram() -> None:
    bench = Bench(has_credentials=False)
    bench.start()
    [request] = bench.sent()
    length = len(request.serialize())

    bench.start(body=b"x" * (1300 - length - 3))
    [longest] = bench.sent()
    assert (len(longest.serialize()), longest.via.transport) == (1300, "UDP")
    bench.start(body=b"x" * (1300 - length - 2))
    assert len(bench.sent(hop=STREAM)) == 1


def test_who_takes_no_connection_gets_a_datagram_and_is_not_asked_again_for_a_while() -> None:
    bench = Bench(has_credentials=False)
    bench.start(body=LONG)
    [refused] = bench.sent(hop=STREAM)

    bench.core.layer.fail(STREAM, 0.0)
    [request] = bench.sent()
    bench.start(body=LONG)

    assert (request.via.transport, request.cseq) == ("UDP", refused.cseq)
    assert request.via.branch != refused.via.branch
    assert len(bench.sent()) == 1
    assert bench.heard == []
    bench.core.layer.fail(HOP, 0.0)
    assert bench.heard == [503, 503]
    assert bench.core.way_to(HOP, 1301, 600.0) == STREAM


def test_what_is_not_wanted_any_more_is_not_sent_by_another_way() -> None:
    bench = Bench(has_credentials=False)
    exchange = bench.start(body=LONG)
    bench.sent(hop=STREAM)
    exchange.stop_trying()

    bench.core.layer.fail(STREAM, 0.0)

    assert (bench.sent(), bench.heard) == ([], [503])


def test_a_pinned_dialog_keeps_to_its_transport_whatever_the_length() -> None:
    bench = Bench(has_credentials=False)
    bench.dialog.pinned = True

    bench.start(body=LONG)

    assert len(bench.sent()) == 1


def test_what_is_remembered_of_those_who_take_no_connection_is_bounded() -> None:
    core = Bench(has_credentials=False).core

    for port in range(MAX_WITHOUT_STREAM + 1):
        core.note_without_stream(HOP._replace(port=port), 0.0)

    assert core.way_to(HOP._replace(port=0), 1301, 1.0).transport == "TCP"
    assert core.way_to(HOP._replace(port=MAX_WITHOUT_STREAM), 1301, 1.0).transport == "UDP"
