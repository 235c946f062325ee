"""Who answers OPTIONS."""

import asyncio
import re

from ringbridge.cli.finding import Level
from ringbridge.cli.reachability import probe

HOST = "127.0.0.1"


class Peer(asyncio.DatagramProtocol):
    """Answers every OPTIONS with 486, as a phone in a call does."""

    def __init__(self) -> None:
        self.transport: asyncio.DatagramTransport
        self.asked: list[str] = []

    def datagram_received(self, data: bytes, address: tuple[str | int, int]) -> None:
        lines = data.decode().split("\r\n")
        self.asked.append(lines[0])
        kept = [line for line in lines if line.partition(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq")]
        answer = ["SIP/2.0 486 Busy Here", *kept, "Content-Length: 0", "", ""]
        self.transport.sendto("\r\n".join(answer).encode(), address)


async def test_any_answer_shows_that_somebody_is_there() -> None:
    transport, peer = await asyncio.get_running_loop().create_datagram_endpoint(Peer, local_addr=(HOST, 0))
    peer.transport = transport
    port = transport.get_extra_info("sockname")[1]
    try:
        findings = await probe(
            {"trunk carrier": f"sip:{HOST}:{port}", "line 201": f"sip:201@{HOST}:{port}"}, HOST
        )
    finally:
        transport.close()

    assert [(finding.subject, finding.level, finding.found) for finding in findings] == [
        ("trunk carrier", Level.OK, "answers OPTIONS with 486"),
        ("line 201", Level.OK, "answers OPTIONS with 486"),
    ]
    assert peer.asked == [f"OPTIONS sip:{HOST}:{port} SIP/2.0", f"OPTIONS sip:201@{HOST}:{port} SIP/2.0"]


async def test_of_a_connection_it_is_enough_that_it_is_taken() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), HOST, 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        taken = await probe({"trunk carrier": f"sip:{HOST}:{port};transport=tls"}, HOST)
    refused = await probe({"trunk carrier": f"sip:{HOST}:{port};transport=tcp"}, HOST)

    assert [(finding.level, finding.found) for finding in taken + refused] == [
        (Level.OK, f"{HOST} port {port} takes connections for TLS"),
        (Level.WARN, f"{HOST} port {port} took no connection within 1 s"),
    ]


async def test_who_is_silent_may_be_switched_off_or_never_answer() -> None:
    findings = await probe({"trunk carrier": f"sip:{HOST}:9", "line 201": f"sip:201@{HOST}:9"}, HOST)

    assert [(finding.level, finding.found) for finding in findings] == [
        (Level.WARN, f"no answer to OPTIONS from sip:{HOST}:9 within 1 s"),
        (Level.WARN, f"no answer to OPTIONS from sip:201@{HOST}:9 within 1 s"),
    ]


async def test_who_cannot_be_sent_to_is_told_by_name_and_a_trunk_is_a_fault() -> None:
    findings = await probe({"trunk carrier": "sip:[::1]", "line 201": "sip:201@pbx.invalid"}, HOST)

    assert [(finding.subject, finding.level) for finding in findings] == [
        ("trunk carrier", Level.FAIL),
        ("line 201", Level.WARN),
    ]
    assert findings[0].found == "::1 is an IPv6 address, but RINGBRIDGE_SIP_HOST is not"
    assert re.fullmatch(r"pbx\.invalid cannot be looked up \([A-Za-z ]+\)", findings[1].found)


async def test_a_server_on_loopback_has_no_way_to_other_machines() -> None:
    uris = {"trunk near": f"sip:{HOST}:9", "trunk far": "sip:192.0.2.1", "line 201": "sip:201@192.0.2.7"}

    out_of_reach, *_ = await probe(uris, HOST)

    assert (out_of_reach.subject, out_of_reach.level, out_of_reach.found) == (
        "SIP host",
        Level.FAIL,
        "127.0.0.1 reaches this machine only, and elsewhere is: trunk far and 1 more",
    )


async def test_an_ipv6_server_asks_over_ipv6() -> None:
    [finding] = await probe({"line 201": "sip:201@[::1]:9"}, "::1")

    assert finding.found == "no answer to OPTIONS from sip:201@[::1]:9 within 1 s"


async def test_nobody_to_ask_is_no_finding() -> None:
    assert await probe({}, HOST) == []
