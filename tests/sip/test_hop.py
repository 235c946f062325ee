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


def test_a_via_names_a_hop_by_host_and_port_with_brackets_around_ipv6() -> None:
    assert Hop("UDP", "192.0.2.1", 5060).sent_by == "192.0.2.1:5060"
    assert Hop("UDP", "2001:db8::1", 5070).sent_by == "[2001:db8::1]:5070"
