"""Whose packets are read."""

from ringbridge.sip.hop import Hop
from ringbridge.sip.source import Sources

PEER = Hop("UDP", "192.0.2.7", 5060)


def test_nobody_is_admitted_at_first() -> None:
    sources = Sources()

    assert not sources.admits(PEER)


def test_a_configured_peer_is_admitted_by_address_and_port() -> None:
    sources = Sources()
    sources.set_known([("192.0.2.7", 5060)])

    assert sources.admits(PEER)
    assert sources.knows(PEER)
    assert not sources.admits(PEER._replace(port=5062))
    assert not sources.admits(PEER._replace(host="192.0.2.8"))


def test_configuring_peers_anew_forgets_the_old_ones() -> None:
    sources = Sources()
    sources.set_known([("192.0.2.7", 5060)])

    sources.set_known([("192.0.2.8", 5060)])

    assert not sources.admits(PEER)


def test_an_address_is_admitted_as_long_as_someone_holds_it() -> None:
    sources = Sources()
    sources.hold(("192.0.2.7", 5060))
    sources.hold(("192.0.2.7", 5060))

    sources.release(("192.0.2.7", 5060))
    assert sources.admits(PEER)
    assert not sources.knows(PEER)

    sources.release(("192.0.2.7", 5060))
    assert not sources.admits(PEER)
    assert len(sources) == 0
