"""A scripted name server on loopback: it answers, lies, stays silent or says no, as the test has it just now."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from dns.asyncresolver import Resolver as DnsResolver

from ringbridge.engines.native.name_servers import NameServers
from tests.peers.tool import LOOPBACK


class NameServer(asyncio.DatagramProtocol):
    """Knows `records`, and keeps what it was `asked`: (name, kind)."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], tuple[int, tuple[str, ...]]] = {}
        """(name, kind) -> time to live and values, as in a zone file."""
        self.asked: list[tuple[str, str]] = []
        self.silent = False
        self.silent_on: set[str] = set()
        """Kinds that are never answered."""
        self.refuses = False
        """Whether every answer is SERVFAIL."""
        self.delay_seconds = 0.0
        self.port = 0
        self._transport: asyncio.DatagramTransport

    def put(self, name: str, kind: str, *values: str, ttl: int = 300) -> None:
        """From now on the name has these records of that kind."""
        self.records[name, kind] = (ttl, values)

    def name_servers(self) -> NameServers:
        """What asks this server, and nobody else but the system's own look-up."""

        def make() -> DnsResolver:
            resolver = DnsResolver(configure=False)
            resolver.nameservers = [LOOPBACK]
            resolver.port = self.port
            return resolver

        return NameServers(make)

    @classmethod
    @asynccontextmanager
    async def listening(cls) -> AsyncIterator["NameServer"]:
        """A server on a free port while the block runs."""
        loop = asyncio.get_running_loop()
        transport, server = await loop.create_datagram_endpoint(cls, local_addr=(LOOPBACK, 0))
        server._transport = transport
        server.port = transport.get_extra_info("sockname")[1]
        try:
            yield server
        finally:
            transport.close()

    def datagram_received(self, data: bytes, address: tuple[str | int, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True), question.rdtype.name
        self.asked.append((name, kind))
        if self.silent or kind in self.silent_on:
            return
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if self.refuses:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif (name, kind) in self.records:
            ttl, values = self.records[name, kind]
            response.answer.append(dns.rrset.from_text(question.name, ttl, "IN", kind, *values))
        elif not any(known == name for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        asyncio.get_running_loop().call_later(
            self.delay_seconds, self._transport.sendto, response.to_wire(), address
        )
