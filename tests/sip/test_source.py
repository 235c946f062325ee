"""Whose packets are read."""

from ringbridge.sip.hop import Hop
from ringbridge.sip.source import (
    MAX_STRANGERS,
    STRANGER_PACKETS,
    STRANGER_REFILL_SECONDS,
    Sources,
    Strangers,
)

PEER = Hop("UDP", "192.0.2.7", 5060)


def test_nobody_is_admitted_at_first() -> None:
    sources = Sources()

    assert not sources.admits(PEER)


def test_a_configured_peer_is_read_from_any_port_but_begins_something_from_its_own() -> None:
    sources = Sources()
    sources.set_known([("192.0.2.7", 5060)])

    assert sources.admits(PEER)
    assert sources.knows(PEER)
    assert sources.admits(PEER._replace(port=5062))
    assert sources.knows_host(PEER.host)
    assert not sources.knows(PEER._replace(port=5062))
    assert not sources.admits(PEER._replace(host="192.0.2.8"))
    assert not sources.knows_host("192.0.2.8")


def test_a_known_peer_is_known_by_its_host_on_a_stream() -> None:
    sources = Sources()
    sources.set_known([("192.0.2.7", 5060)])

    assert sources.knows(Hop("TLS", "192.0.2.7", 49_152))
    assert not sources.knows(Hop("TLS", "192.0.2.8", 5060))


def test_a_host_is_needed_while_someone_holds_it() -> None:
    sources = Sources()
    sources.set_known([("192.0.2.7", 5060)])
    assert not sources.needs(PEER)

    sources.hold("192.0.2.7")

    assert sources.needs(PEER)


def test_configuring_peers_anew_forgets_the_old_ones() -> None:
    sources = Sources()
    sources.set_known([("192.0.2.7", 5060)])

    sources.set_known([("192.0.2.8", 5060)])

    assert not sources.admits(PEER)


def test_a_host_is_admitted_as_long_as_someone_holds_it() -> None:
    sources = Sources()
    sources.hold("192.0.2.7")
    sources.hold("192.0.2.7")

    sources.release("192.0.2.7")
    assert sources.admits(PEER)
    assert not sources.knows(PEER)
    assert not sources.knows_host(PEER.host)

    sources.release("192.0.2.7")
    assert not sources.admits(PEER)
    assert len(sources) == 0


def test_a_registered_phone_is_admitted_on_its_own_transport() -> None:
    sources = Sources()
    sources.add_phone(PEER)

    assert sources.admits(PEER)
    assert sources.knows(PEER)
    assert not sources.admits(PEER._replace(transport="TCP"))

    sources.remove_phone(PEER)
    assert not sources.admits(PEER)


# Strangers


def test_a_stranger_has_a_few_packets_at_once() -> None:
    strangers = Strangers()

    assert [strangers.admits("192.0.2.7", 5.0) for _ in range(STRANGER_PACKETS + 2)] == [
        *[True] * STRANGER_PACKETS,
        False,
        False,
    ]
    assert strangers.admits("192.0.2.8", 5.0)


def test_a_stranger_has_one_more_packet_from_time_to_time() -> None:
    strangers = Strangers()
    for _ in range(STRANGER_PACKETS):
        strangers.admits("192.0.2.7", 5.0)

    later = 5.0 + 3 * STRANGER_REFILL_SECONDS

    assert [strangers.admits("192.0.2.7", later) for _ in range(4)] == [True, True, True, False]


def test_a_network_with_a_phone_that_knows_its_password_begins_anew() -> None:
    strangers = Strangers()
    for _ in range(STRANGER_PACKETS):
        strangers.admits("192.0.2.7", 5.0)

    strangers.trust("192.0.2.7")
    strangers.trust("192.0.2.99")

    assert strangers.admits("192.0.2.7", 5.0)


def test_addresses_that_one_subscriber_chooses_from_are_counted_as_one() -> None:
    strangers = Strangers()
    for number in range(STRANGER_PACKETS):
        assert strangers.admits(f"2001:db8:1:2::{number:x}", 5.0)

    assert not strangers.admits("2001:db8:1:2:ffff::1", 5.0)
    assert strangers.admits("2001:db8:1:3::1", 5.0)
    assert strangers.admits("fe80::1%eth0", 5.0)


def test_a_flood_from_many_addresses_takes_no_more_room() -> None:
    strangers = Strangers()
    admitted = sum(strangers.admits(f"10.0.{number // 256}.{number % 256}", 5.0) for number in range(5000))

    assert admitted == MAX_STRANGERS
    assert strangers.admits("10.0.0.1", 5.0)
    assert not strangers.admits("192.0.2.7", 5.0)
    assert strangers.admits("192.0.2.7", 5.1 + STRANGER_REFILL_SECONDS)
