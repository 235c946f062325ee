"""Whether trunks and phones answer: one OPTIONS to each (RFC 3261 section 11), from a port of our own.

Any answer will do, a refusal too: it shows that somebody speaks SIP there.
"""

import asyncio
import secrets
import socket
from collections.abc import Mapping
from contextlib import suppress

from ringbridge.cli.finding import Finding, Level, ok
from ringbridge.engines.native.resolver import Resolver, Unresolvable
from ringbridge.sip.errors import SipError
from ringbridge.sip.headers import Headers
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, Response
from ringbridge.sip.parse import parse_datagram

ANSWER_SECONDS = 1.0
MOST_PROBED = 200
"""Of thousands of phones the first are enough to see whether the network lets SIP through."""


class _Answers(asyncio.DatagramProtocol):
    """Collects who answered; `all_in` is set when nobody is left to wait for."""

    def __init__(self) -> None:
        self.waiting: set[str] = set()
        self.statuses: dict[str, int] = {}
        self.all_in = asyncio.Event()

    def datagram_received(self, data: bytes, address: tuple[str | bytes, int]) -> None:
        with suppress(SipError):
            message = parse_datagram(data)
            if isinstance(message, Response) and message.call_id in self.waiting:
                self.waiting.discard(message.call_id)
                self.statuses[message.call_id] = message.status
                if not self.waiting:
                    self.all_in.set()


async def probe(uris: Mapping[str, str]) -> list[Finding]:
    """What is to be said of each of `uris`, by what to call it; takes a second at most, and names to look up besides."""
    findings: list[Finding] = []
    hops: dict[str, Hop] = {}
    resolver = Resolver(socket.AF_UNSPEC)
    for subject, uri in list(uris.items())[:MOST_PROBED]:
        try:
            hops[subject] = await resolver.resolve(uri)
        except Unresolvable as error:
            findings.append(_unreachable(subject, str(error)))
    for host in sorted({_wildcard(hop) for hop in hops.values()}):
        same = {subject: hop for subject, hop in hops.items() if _wildcard(hop) == host}
        findings += await _probe_from(host, {subject: (uris[subject], hop) for subject, hop in same.items()})
    if len(uris) > MOST_PROBED:
        findings.append(ok("phones", f"{len(uris) - MOST_PROBED} more were not asked"))
    return findings


async def _probe_from(host: str, wanted: Mapping[str, tuple[str, Hop]]) -> list[Finding]:
    transport, answers = await asyncio.get_running_loop().create_datagram_endpoint(
        _Answers, local_addr=(host, 0)
    )
    try:
        calls = {}
        for subject, (uri, hop) in wanted.items():
            request = _options(uri, _own_address(hop), transport.get_extra_info("sockname")[1])
            calls[request.call_id] = subject
            answers.waiting.add(request.call_id)
            transport.sendto(request.serialize(), (hop.host, hop.port))
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                await answers.all_in.wait()
    finally:
        transport.close()
    return [
        ok(subject, f"answers OPTIONS with {answers.statuses[call_id]}")
        if call_id in answers.statuses
        else _unreachable(subject, f"no answer from {wanted[subject][0]} within {ANSWER_SECONDS:g} s")
        for call_id, subject in calls.items()
    ]


def _unreachable(subject: str, found: str) -> Finding:
    level = Level.FAIL if subject.startswith("trunk") else Level.WARN
    return Finding(
        level=level,
        subject=subject,
        found=found,
        mend="check its address, its power and the firewalls between",
    )


def _options(uri: str, local: str, port: int) -> Request:
    host = f"[{local}]" if ":" in local else local
    headers = Headers.of(
        [
            # RFC 3581: the answer comes back to the port that asked.
            ("Via", f"SIP/2.0/UDP {host}:{port};branch=z9hG4bK{secrets.token_hex(12)};rport"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:doctor@{host}>;tag={secrets.token_hex(8)}"),
            ("To", f"<{uri}>"),
            ("Call-ID", secrets.token_hex(12)),
            ("CSeq", "1 OPTIONS"),
            ("Accept", "application/sdp"),
        ]
    )
    return Request(method="OPTIONS", uri=uri, headers=headers, body=b"")


def _wildcard(hop: Hop) -> str:
    return "::" if ":" in hop.host else "0.0.0.0"  # noqa: S104 - only for answers to what was just asked


def _own_address(hop: Hop) -> str:
    """The address of this machine on the way to `hop`; connecting a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET6 if ":" in hop.host else socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect((hop.host, hop.port))
        except OSError:
            return "127.0.0.1"
        return str(way.getsockname()[0])
