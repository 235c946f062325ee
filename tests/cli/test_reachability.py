"""Who answers OPTIONS."""

import asyncio

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
        findings = await probe({"trunk carrier": f"sip:{HOST}:{port}", "line 201": f"sip:201@{HOST}:{port}"})
    finally:
        transport.close()

    assert [(finding.subject, finding.level, finding.found) for finding in findings] == [
        ("trunk carrier", Level.OK, "answers OPTIONS with 486"),
        ("line 201", Level.OK, "answers OPTIONS with 486"),
    ]
    assert peer.asked == [f"OPTIONS sip:{HOST}:{port} SIP/2.0", f"OPTIONS sip:201@{HOST}:{port} SIP/2.0"]


async def test_a_silent_trunk_is_a_fault_and_a_silent_phone_may_be_switched_off() -> None:
    findings = await probe({"trunk carrier": f"sip:{HOST}:9", "line 201": f"sip:201@{HOST}:9"})

    assert [(finding.level, finding.found) for finding in findings] == [
        (Level.FAIL, f"no answer from sip:{HOST}:9 within 1 s"),
        (Level.WARN, f"no answer from sip:201@{HOST}:9 within 1 s"),
    ]


async def test_nobody_to_ask_is_no_finding() -> None:
    assert await probe({}) == []
