"""Whether trunks and phones answer: one OPTIONS to each (RFC 3261 section 11), from a port of our own.

Any answer will do, a refusal too: it shows that somebody speaks SIP there. Of TCP and TLS it is enough that somebody
takes the connection.
"""

import asyncio
import ipaddress
import secrets
import socket
from collections.abc import Mapping
from contextlib import suppress

from ringbridge.cli.finding import Finding, Level, fail, ok, warn
from ringbridge.cli.target import resolver_from
from ringbridge.engines.native.resolver import Unresolvable
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


async def probe(uris: Mapping[str, str], sip_host: str) -> list[Finding]:
    """What is to be said of each of `uris`, by what to call it, when the server sends SIP from `sip_host`.

    Takes a second at most, and names to look up besides.
    """
    findings: list[Finding] = []
    hops: dict[str, Hop] = {}
    resolver = resolver_from(sip_host)
    for subject, uri in list(uris.items())[:MOST_PROBED]:
        try:
            hops[subject] = (await resolver.resolve(uri))[0]
        except Unresolvable as error:
            findings.append(_unresolvable(subject, str(error)))
    findings += _out_of_reach(hops, sip_host)
    datagrams = {subject: (uris[subject], hop) for subject, hop in hops.items() if hop.transport == "UDP"}
    streams = {subject: hop for subject, hop in hops.items() if hop.transport != "UDP"}
    asked, connected = await asyncio.gather(
        _ask(datagrams), asyncio.gather(*(_connect(subject, hop) for subject, hop in streams.items()))
    )
    findings += [*asked, *connected]
    if len(uris) > MOST_PROBED:
        findings.append(ok("phones", f"{len(uris) - MOST_PROBED} more were not asked"))
    return findings


async def _ask(wanted: Mapping[str, tuple[str, Hop]]) -> list[Finding]:
    if not wanted:
        return []
    is_ipv6 = any(":" in hop.host for _, hop in wanted.values())
    host = "::" if is_ipv6 else "0.0.0.0"  # noqa: S104 - only for answers to what was just asked
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
        else warn(
            subject,
            f"no answer to OPTIONS from {wanted[subject][0]} within {ANSWER_SECONDS:g} s",
            "some never answer it; if calls do not get there: check address, power, and the firewalls between",
        )
        for call_id, subject in calls.items()
    ]


async def _connect(subject: str, hop: Hop) -> Finding:
    place = f"{hop.host} port {hop.port}"
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            _, writer = await asyncio.open_connection(hop.host, hop.port)
    except (OSError, TimeoutError):
        return warn(
            subject,
            f"{place} took no connection within {ANSWER_SECONDS:g} s",
            "check address, power, and the firewalls between",
        )
    writer.close()
    return ok(subject, f"{place} takes connections for {hop.transport}")


def _unresolvable(subject: str, found: str) -> Finding:
    level = Level.FAIL if subject.startswith("trunk") else Level.WARN
    return Finding(
        level=level, subject=subject, found=found, mend="correct its address, or RINGBRIDGE_SIP_HOST"
    )


def _out_of_reach(hops: Mapping[str, Hop], sip_host: str) -> list[Finding]:
    """A fault if the server sends from loopback and has peers elsewhere: the kernel lets nothing through."""
    elsewhere = [subject for subject, hop in hops.items() if not ipaddress.ip_address(hop.host).is_loopback]
    if not elsewhere or not ipaddress.ip_address(sip_host).is_loopback:
        return []
    more = f" and {len(elsewhere) - 1} more" if len(elsewhere) > 1 else ""
    return [
        fail(
            "SIP host",
            f"{sip_host} reaches this machine only, and elsewhere is: {elsewhere[0]}{more}",
            "set RINGBRIDGE_SIP_HOST to the address of this machine that others reach",
        )
    ]


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


def _own_address(hop: Hop) -> str:
    """The address of this machine on the way to `hop`; connecting a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET6 if ":" in hop.host else socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect((hop.host, hop.port))
        except OSError:
            return "127.0.0.1"
        return str(way.getsockname()[0])
