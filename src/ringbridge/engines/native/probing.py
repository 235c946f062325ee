"""Whether somebody is at a SIP address: one OPTIONS (RFC 3261 section 11) over UDP, from a port of our own.

Any answer will do, a refusal too: it shows that somebody speaks SIP there. Of TCP it is enough that somebody takes the
connection, and of TLS that each side takes the other's certificate.
"""

import asyncio
import os
import secrets
import ssl
import time
from collections.abc import Callable
from contextlib import suppress

from ringbridge.call.trunk_state import Probe, ProbeOutcome
from ringbridge.engines.native.resolver import Resolver, Unresolvable, host_of
from ringbridge.engines.native.tls import TlsContexts, TlsPeer, UnusableCertificate, reason_of
from ringbridge.sip.errors import SipError
from ringbridge.sip.headers import Headers
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, Response
from ringbridge.sip.parse import parse_datagram

ANSWER_SECONDS = 1.0
CONNECT_SECONDS = 2.0
REFUSAL_SECONDS = 0.3


class Prober:
    """Asks as the server would: it looks names up with `resolver`, and connects with `tls` and what `peer_of` knows of a host."""

    def __init__(self, resolver: Resolver, tls: TlsContexts, peer_of: Callable[[str], TlsPeer]) -> None:
        self._resolver = resolver
        self._tls = tls
        self._peer_of = peer_of

    async def probe(self, uri: str) -> Probe:
        """What comes of asking at this URI, within a few seconds."""
        try:
            hop = (await self._resolver.resolve(uri))[0]
        except Unresolvable as error:
            return Probe(ProbeOutcome.UNRESOLVABLE, detail=str(error))
        if not self._resolver.reaches(hop):
            return Probe(ProbeOutcome.OUT_OF_REACH, transport=hop.transport, host=hop.host, port=hop.port)
        return await self.probe_hop(uri, hop)

    async def probe_hop(self, uri: str, hop: Hop) -> Probe:
        """The same for a URI that was looked up."""
        begun_at = time.monotonic()
        if hop.transport == "UDP":
            probe = await _ask(uri, hop)
        else:
            probe = await _connect(hop, self._tls, self._peer_of(host_of(uri)))
        seconds = time.monotonic() - begun_at
        return probe._replace(seconds=seconds, transport=hop.transport, host=hop.host, port=hop.port)


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


async def _ask(uri: str, hop: Hop) -> Probe:
    """Send OPTIONS from a socket that is connected: only that is told of what ICMP reports."""
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
        return Probe(ProbeOutcome.SILENT)
    except ConnectionRefusedError:
        return Probe(ProbeOutcome.REFUSED)
    except OSError as error:
        return Probe(ProbeOutcome.UNREACHABLE, detail=error.strerror or str(error))
    return Probe(ProbeOutcome.ANSWERED, status=status)


async def _connect(hop: Hop, tls: TlsContexts, peer: TlsPeer) -> Probe:
    """Connect as the server does: over TLS with the same checks."""
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
        return Probe(ProbeOutcome.NOT_TRUSTED, detail=reason_of(error))
    except TimeoutError:
        return Probe(ProbeOutcome.SILENT)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else reason_of(error)
        is_refused = isinstance(error, ConnectionRefusedError)
        return Probe(ProbeOutcome.REFUSED if is_refused else ProbeOutcome.UNREACHABLE, detail=reason)
    return Probe(ProbeOutcome.CONNECTED)


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
