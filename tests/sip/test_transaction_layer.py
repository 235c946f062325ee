"""Messages find their transactions, and nobody else's."""

from ringbridge.sip.client_transaction import ClientTransaction, NoAnswer
from ringbridge.sip.headers import Headers
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, Response, response_to
from ringbridge.sip.schedule import Schedule
from ringbridge.sip.source import Sources
from ringbridge.sip.timers import Timers
from ringbridge.sip.transaction_layer import TransactionLayer

PEER = Hop("UDP", "192.0.2.2", 5060)


def make_layer() -> tuple[TransactionLayer, Schedule, Sources]:
    schedule, sources = Schedule(), Sources()
    return TransactionLayer(Timers(), schedule, sources), schedule, sources


def make_request(
    method: str = "OPTIONS",
    *,
    branch: str = "z9hG4bK1",
    tag: str = "a",
    call_id: str = "one",
    to_tag: str = "",
) -> Request:
    return Request(
        method=method,
        uri="sip:bob@192.0.2.2",
        headers=Headers.of(
            [
                ("Via", f"SIP/2.0/UDP 192.0.2.1:5060;branch={branch}"),
                ("From", f"<sip:alice@192.0.2.1>;tag={tag}"),
                ("To", f"<sip:bob@192.0.2.2>{to_tag}"),
                ("Call-ID", call_id),
                ("CSeq", f"7 {method}"),
            ]
        ),
    )


def ignore(transaction: ClientTransaction, result: Response | NoAnswer, source: Hop, now: float) -> None: ...


def test_an_answer_needs_branch_method_call_id_and_our_tag_to_be_taken() -> None:
    layer, _, _ = make_layer()
    layer.send_request(make_request(), "z9hG4bK1", PEER, ignore, 0.0)

    def taken(request: Request) -> bool:
        return layer.receive_response(response_to(request, 100), PEER, 0.0)

    assert taken(make_request())
    assert not taken(make_request(branch="z9hG4bK2"))
    assert not taken(make_request("BYE"))
    assert not taken(make_request(call_id="two"))
    assert not taken(make_request(tag="x"))


def test_an_answer_without_a_branch_is_nobodys() -> None:
    layer, _, _ = make_layer()
    answer = response_to(make_request(), 200)
    bare = Response(
        status=200, reason="OK", headers=answer.headers.replacing("Via", "SIP/2.0/UDP 192.0.2.1:5060")
    )

    assert not layer.receive_response(bare, PEER, 0.0)


def test_the_other_side_of_a_request_of_ours_is_admitted_while_it_lives() -> None:
    layer, schedule, sources = make_layer()

    layer.send_request(make_request(), "z9hG4bK1", PEER, ignore, 0.0)
    assert sources.admits(PEER)

    schedule.run_due(32.0)
    assert not sources.admits(PEER)


def test_the_other_side_of_a_peers_request_is_admitted_while_it_lives() -> None:
    layer, schedule, sources = make_layer()
    request = make_request()

    transaction = layer.receive_request(request, PEER)
    assert sources.admits(PEER)
    transaction.answer(response_to(request, 200), 0.0)
    schedule.run_due(32.0)

    assert not sources.admits(PEER)
    assert layer.find_server(request, "OPTIONS") is None


def test_a_second_copy_of_a_request_without_to_tag_is_merged() -> None:
    layer, schedule, _ = make_layer()
    first = make_request()
    transaction = layer.receive_request(first, PEER)
    copy = make_request(branch="z9hG4bK2")

    assert layer.is_merged(copy)
    layer.receive_request(copy, PEER).answer(response_to(copy, 482), 0.0)
    transaction.answer(response_to(first, 200), 1.0)
    schedule.run_due(32.0)
    assert layer.is_merged(copy)

    schedule.run_due(33.0)
    assert not layer.is_merged(copy)
    assert layer.server_count == 0


def test_a_request_within_a_dialog_is_never_merged() -> None:
    layer, _, _ = make_layer()

    layer.receive_request(make_request(to_tag=";tag=b"), PEER)

    assert not layer.is_merged(make_request(branch="z9hG4bK2", to_tag=";tag=b"))
