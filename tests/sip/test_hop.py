from ringbridge.sip.hop import Hop


def test_only_udp_may_lose_packets() -> None:
    transports = ["UDP", "TCP", "TLS", "WS", "WSS"]

    assert [Hop(transport, "192.0.2.1", 5060).reliable for transport in transports] == [
        False,
        True,
        True,
        True,
        True,
    ]
