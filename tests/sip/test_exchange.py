"""One request and its new tries."""

from ringbridge.sip.authentication import Authentication
from ringbridge.sip.client_transaction import NoAnswer
from ringbridge.sip.core import Core, EndpointSettings
from ringbridge.sip.dialog import Dialog, DialogState
from ringbridge.sip.digest import Credentials
from ringbridge.sip.exchange import Exchange, Result, acknowledge, ignore, send_in_dialog
from ringbridge.sip.headers import Headers
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, response_to
from tests.sip.network import Counter, read

LOCAL = Hop("UDP", "192.0.2.1", 5060)
HOP = Hop("UDP", "192.0.2.2", 5060)
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

    def start(self) -> Exchange:
        return send_in_dialog(self.core, self.dialog, self.authentication, "BYE", self.hear, 0.0)

    def sent(self) -> list[Request]:
        messages = [read(packet.data) for packet in self.core.layer.take_packets()]
        return [message for message in messages if isinstance(message, Request)]

    def answer(self, request: Request, status: int, headers: list[tuple[str, str]] | None = None) -> None:
        response = response_to(request, status, headers=headers or ())
        assert self.core.layer.receive_response(response, HOP, 0.0)


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
