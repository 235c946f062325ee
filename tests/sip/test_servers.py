"""OPTIONS to servers: who is there, and who is not."""

import pytest

from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, response_to
from ringbridge.sip.servers import PING_SECONDS, Pinged
from tests.sip.network import CALLED, CALLER, Network, assert_nothing_is_left, make_endpoint, read

OTHER = Hop("TCP", "192.0.2.3", 5060)


def pinging() -> Network:
    network = Network({CALLER: make_endpoint(CALLER, "caller")})
    network.endpoints[CALLER].servers.ping("sip:carrier.example", CALLED, network.now)
    network.pump()
    return network


def options(network: Network) -> Request:
    message = network.last(CALLER, "OPTIONS")
    assert isinstance(message, Request)
    return message


def answer(network: Network, status: int, **more: str) -> None:
    response = response_to(options(network), status, to_tag="server", headers=list(more.items()))
    network.endpoints[CALLER].receive_packet(response.serialize(), CALLED, network.now)
    network.pump()


def test_options_asks_a_server_for_its_abilities() -> None:
    request = options(pinging())

    assert request.uri == "sip:carrier.example"
    assert request.headers.get("To") == "<sip:carrier.example>"
    assert request.headers.get("Contact") == "<sip:192.0.2.1:5060>"
    assert request.headers.get("Accept") == "application/sdp"


@pytest.mark.parametrize("status", [200, 404, 405, 503])
def test_any_final_answer_is_told(status: int) -> None:
    network = pinging()
    answer(network, 100)
    answer(network, status)

    assert network.endpoints[CALLER].servers.events() == [Pinged(hop=CALLED, status=status)]
    network.run(until=40.0)
    assert network.endpoints[CALLER].servers.events() == []
    assert_nothing_is_left(network.endpoints[CALLER])


def test_a_challenge_is_an_answer_and_is_not_answered() -> None:
    network = pinging()
    answer(network, 401, **{"WWW-Authenticate": 'Digest realm="carrier", nonce="n"'})

    assert network.endpoints[CALLER].servers.events() == [Pinged(hop=CALLED, status=401)]
    assert network.names(CALLER) == ["OPTIONS"]


@pytest.mark.parametrize("provisional", [False, True])
def test_silence_is_told_after_four_tries_and_leaves_nothing(provisional: bool) -> None:
    network = pinging()
    if provisional:
        answer(network, 100)
    network.run(until=PING_SECONDS - 0.1)
    assert network.endpoints[CALLER].servers.events() == []
    network.run(until=PING_SECONDS)

    assert network.endpoints[CALLER].servers.events() == [Pinged(hop=CALLED, status=None)]
    assert_nothing_is_left(network.endpoints[CALLER])


def test_an_answer_that_crosses_its_end_is_late() -> None:
    network = pinging()
    request = options(network)
    network.run(until=PING_SECONDS)
    late = response_to(request, 200, to_tag="server")
    network.endpoints[CALLER].receive_packet(late.serialize(), CALLED, network.now)

    assert network.endpoints[CALLER].servers.events() == [Pinged(hop=CALLED, status=None)]


def test_a_network_that_cannot_reach_the_server_is_told_at_once() -> None:
    network = pinging()
    network.endpoints[CALLER].receive_send_failure(CALLED, 0.1)

    assert network.endpoints[CALLER].servers.events() == [Pinged(hop=CALLED, status=503)]
    assert_nothing_is_left(network.endpoints[CALLER])


def test_a_server_is_asked_again_only_once_it_is_known_what_came_of_the_last_time() -> None:
    network = pinging()
    servers = network.endpoints[CALLER].servers
    servers.ping("sip:carrier.example", CALLED, 1.0)
    servers.ping("sip:carrier.example;transport=tcp", OTHER, 1.0)

    packets = network.endpoints[CALLER].packets_to_send()

    assert [packet.hop for packet in packets] == [OTHER]
    assert str(read(packets[0].data).via).startswith("SIP/2.0/TCP 192.0.2.1:5060;")
