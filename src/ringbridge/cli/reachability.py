"""Whether trunks and phones answer: one OPTIONS to each (RFC 3261 section 11), from a port of our own.

Any answer will do, a refusal too: it shows that somebody speaks SIP there. Of TCP it is enough that somebody takes the
connection, and of TLS that each side takes the other's certificate.
"""

import asyncio
import ipaddress
import os
import secrets
import ssl
from collections.abc import Coroutine, Mapping
from contextlib import suppress

from ringbridge.cli.finding import Finding, Level, fail, ok, warn
from ringbridge.cli.target import resolver_from
from ringbridge.engines.native.resolver import Unresolvable, host_of
from ringbridge.engines.native.tls import TlsContexts, TlsPeer, UnusableCertificate, reason_of
from ringbridge.sip.errors import SipError
from ringbridge.sip.headers import Headers
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, Response
from ringbridge.sip.parse import parse_datagram

ANSWER_SECONDS = 1.0
CONNECT_SECONDS = 2.0
REFUSAL_SECONDS = 0.3
MOST_PROBED = 200
"""Of thousands of phones the first are enough to see whether the network lets SIP through."""


class _Answer(asyncio.DatagramProtocol):
    """Whether the one peer that the socket is connected to answers, or the kernel there says that nobody listens."""

    def __init__(self) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, address: tuple[str | bytes, int]) -> None:
        with suppress(SipError):
            message = parse_datagram(data)
            if isinstance(message, Response) and not self.status.done():
                self.status.set_result(message.status)

    def error_received(self, exc: Exception) -> None:
        if not self.status.done():
            self.status.set_exception(exc)


async def probe(
    uris: Mapping[str, str], sip_host: str, tls: TlsContexts, peers: Mapping[str, TlsPeer]
) -> list[Finding]:
    """What is to be said of each of `uris`, by what to call it, when the server sends SIP from `sip_host`.

    tls: the contexts of the server's connections. peers: what trunks have files for, by host.
    Takes few seconds at most, and names to look up besides.
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
    asking: list[Coroutine[None, None, Finding]] = []
    for subject, hop in hops.items():
        if hop.transport == "UDP":
            asking.append(_ask(subject, uris[subject], hop))
        else:
            name = host_of(uris[subject])
            asking.append(_connect(subject, hop, tls, peers.get(name) or TlsPeer(name=name)))
    findings += await asyncio.gather(*asking)
    if len(uris) > MOST_PROBED:
        findings.append(ok("phones", f"{len(uris) - MOST_PROBED} more were not asked"))
    return findings


async def _ask(subject: str, uri: str, hop: Hop) -> Finding:
    """Send OPTIONS from a socket that is connected: only that is told of what ICMP reports."""
    mend = "check address, power, and the firewalls between"
    try:
        transport, answer = await asyncio.get_running_loop().create_datagram_endpoint(
            _Answer, remote_addr=(hop.host, hop.port)
        )
        try:
            transport.sendto(_options(uri, *transport.get_extra_info("sockname")[:2]).serialize())
            async with asyncio.timeout(ANSWER_SECONDS):
                status = await answer.status
        finally:
            transport.close()
    except TimeoutError:
        found = f"no answer to OPTIONS from {uri} within {ANSWER_SECONDS:g} s"
        return warn(subject, found, f"some never answer it; if calls do not get there: {mend}")
    except ConnectionRefusedError:
        found = f"{hop.host} refuses: nobody listens at its UDP port {hop.port}"
        return warn(subject, found, "correct the port, or start what should listen there")
    except OSError as error:
        return warn(subject, f"{hop.host} cannot be sent to: {error.strerror}", mend)
    return ok(subject, f"answers OPTIONS with {status}")


async def _connect(subject: str, hop: Hop, tls: TlsContexts, peer: TlsPeer) -> Finding:
    """Connect as the server does: over TLS with the same checks."""
    place = f"{hop.host} port {hop.port}"
    try:
        context = tls.for_server(peer) if hop.transport == "TLS" else None
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(
                hop.host, hop.port, ssl=context, server_hostname=peer.name if context is not None else None
            )
        try:
            if context is not None:
                await _await_refusal(reader)
        finally:
            writer.transport.abort()
    except (ssl.SSLError, UnusableCertificate) as error:
        return _not_trusted(subject, f"no TLS with {peer.name} at {place}: {reason_of(error)}")
    except TimeoutError:
        found = f"{place} took no connection within {CONNECT_SECONDS:g} s"
        return warn(subject, found, "check address, power, and the firewalls between")
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else reason_of(error)
        found = f"{place} takes no connection for {hop.transport}: {reason}"
        return warn(subject, found, "correct address and port, or start what should listen there")
    if context is None:
        return ok(subject, f"{place} takes connections for {hop.transport}")
    return ok(subject, f"{place} takes connections for TLS, and its certificate is good for {peer.name}")


async def _await_refusal(reader: asyncio.StreamReader) -> None:
    """Who wants another certificate of ours says so after the handshake (RFC 8446 section 4.4.2.4). Raises SSLError."""
    with suppress(TimeoutError):
        async with asyncio.timeout(REFUSAL_SECONDS):
            try:
                is_closed = not await reader.read(1)
            except ConnectionError:
                is_closed = True
            if is_closed:
                raise ssl.SSLError("it hangs up after the handshake; perhaps it wants a certificate of ours")


def _not_trusted(subject: str, found: str) -> Finding:
    return Finding(
        level=_level(subject),
        subject=subject,
        found=found,
        mend='docs/configuration.md, "SIP over TCP and TLS", says whose certificates are taken; a trunk has --tls-... of its own',
    )


def _level(subject: str) -> Level:
    return Level.FAIL if subject.startswith("trunk") else Level.WARN


def _unresolvable(subject: str, found: str) -> Finding:
    return Finding(
        level=_level(subject),
        subject=subject,
        found=found,
        mend=f"correct its address (ringbridge {subject.partition(' ')[0]} set), or RINGBRIDGE_SIP_HOST",
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
