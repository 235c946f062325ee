"""Who answers OPTIONS."""

import asyncio
import re
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path

import pytest

from ringbridge.cli import reachability
from ringbridge.cli.finding import Finding, Level
from ringbridge.engines.native.tls import TlsContexts, TlsPeer
from tests.peers.certificates import Authority

HOST = "127.0.0.1"


async def probe(
    uris: Mapping[str, str], sip_host: str, tls: TlsContexts | None = None, *peers: TlsPeer
) -> list[Finding]:
    return await reachability.probe(uris, sip_host, tls or TlsContexts(), {peer.name: peer for peer in peers})


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


async def test_of_a_connection_over_tcp_it_is_enough_that_it_is_taken() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), HOST, 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        taken = await probe({"trunk carrier": f"sip:{HOST}:{port};transport=tcp"}, HOST)
    refused = await probe({"trunk carrier": f"sip:{HOST}:{port};transport=tcp"}, HOST)

    assert [(finding.level, finding.found) for finding in taken + refused] == [
        (Level.OK, f"{HOST} port {port} takes connections for TCP"),
        (Level.WARN, f"{HOST} port {port} takes no connection for TCP: Connection refused"),
    ]


async def _tls_findings(
    context: ssl.SSLContext, tls: TlsContexts, *peers: TlsPeer, host: str = HOST
) -> list[Finding]:
    """What is said of a trunk and of a line at a TLS server."""
    server = await asyncio.start_server(lambda _, writer: None, HOST, 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    uris = {
        "trunk carrier": f"sip:{host}:{port};transport=tls",
        "line 201": f"sip:201@{host}:{port};transport=tls",
    }
    async with server:
        return await probe(uris, HOST, tls, *peers)


async def test_a_certificate_that_the_trunk_knows_is_good(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = authority.server_context(authority.issue(HOST))

    findings = await _tls_findings(context, TlsContexts(), TlsPeer(name=HOST, ca=str(authority.file)))

    assert [finding.level for finding in findings] == [Level.OK, Level.OK]
    assert findings[0].found.endswith(f"takes connections for TLS, and its certificate is good for {HOST}")


@pytest.mark.parametrize(
    ("name", "days", "is_known", "reason"),
    [
        (HOST, 30.0, False, "unable to get local issuer certificate"),
        ("192.0.2.1", 30.0, True, f"IP address mismatch, certificate is not valid for '{HOST}'"),
        (HOST, -1.0, True, "certificate has expired"),
    ],
)
async def test_why_a_certificate_is_refused_is_told_and_of_a_trunk_it_is_a_fault(
    tmp_path: Path, name: str, days: float, is_known: bool, reason: str
) -> None:
    authority = Authority(tmp_path)
    context = authority.server_context(authority.issue(name, days=days))

    findings = await _tls_findings(context, TlsContexts(ca=str(authority.file) if is_known else None))

    assert [finding.level for finding in findings] == [Level.FAIL, Level.WARN]
    assert f"its certificate is refused: {reason}" in findings[0].found


async def test_a_trunk_that_wants_a_certificate_of_ours_is_told(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = authority.server_context(authority.issue(HOST), asks_for_certificate=True)
    own = authority.issue("pbx.example.com", as_="own")
    ca = str(authority.file)

    without = await _tls_findings(context, TlsContexts(ca=ca))
    shown = TlsPeer(name=HOST, ca=ca, certificate=str(own.certificate), key=str(own.key))
    given = await _tls_findings(context, TlsContexts(), shown)

    assert [finding.level for finding in without] == [Level.FAIL, Level.WARN]
    # Some hang up before their alert is out.
    assert re.search("certificate required|perhaps it wants a certificate of ours", without[0].found)
    assert [finding.level for finding in given] == [Level.OK, Level.OK]


async def test_who_speaks_no_tls_is_told() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), HOST, 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        [finding] = await probe({"trunk carrier": f"sip:{HOST}:{port};transport=tls"}, HOST)

    assert finding.level is not Level.OK


@pytest.mark.parametrize("host", [HOST, "::1"])
async def test_who_is_silent_may_be_switched_off_or_never_answer(host: str) -> None:
    family, written = (socket.AF_INET6, f"[{host}]") if ":" in host else (socket.AF_INET, host)
    with socket.socket(family, socket.SOCK_DGRAM) as silent:
        silent.bind((host, 0))
        uri = f"sip:201@{written}:{silent.getsockname()[1]}"
        [finding] = await probe({"line 201": uri}, host)

    assert (finding.level, finding.found) == (Level.WARN, f"no answer to OPTIONS from {uri} within 1 s")


@pytest.mark.parametrize("host", [HOST, "::1"])
async def test_a_port_where_nobody_listens_is_told(host: str) -> None:
    family, written = (socket.AF_INET6, f"[{host}]") if ":" in host else (socket.AF_INET, host)
    with socket.socket(family, socket.SOCK_DGRAM) as closed:
        closed.bind((host, 0))
        port = closed.getsockname()[1]

    [finding] = await probe({"line 201": f"sip:201@{written}:{port}"}, host)

    assert (finding.level, finding.found) == (
        Level.WARN,
        f"{host} refuses: nobody listens at its UDP port {port}",
    )


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


async def test_nobody_to_ask_is_no_finding() -> None:
    assert await probe({}, HOST) == []
