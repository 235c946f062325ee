"""The pump between the network and one SIP endpoint. Whatever has an `if` about SIP belongs in `ringbridge.sip`."""

import asyncio
import errno
import secrets
import select
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self, TypeVar

import structlog

from ringbridge.engines.native.sockets import IP_RECVERR, IPV6_RECVERR, Sockets
from ringbridge.engines.native.streams import Streams
from ringbridge.engines.native.tls import TlsContexts, TlsPeer
from ringbridge.sip.endpoint import Endpoint, Packet
from ringbridge.sip.event import Event
from ringbridge.sip.hop import Hop
from ringbridge.sip.registration import RegistrarEvent
from ringbridge.sip.servers import ServerEvent

log = structlog.get_logger()

News = TypeVar("News")

# Linux: an error in the queue is a `struct sock_extended_err`, which begins with an errno and who reported it.
EXTENDED_ERROR = struct.Struct("=IB")
ORIGINS_ICMP = (2, 3)  # IPv4, IPv6

# What ICMP's port, host and net unreachable become. Of the rest nothing says that the next packet will not arrive.
UNREACHABLE = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH)

SEND_ATTEMPTS = 4

# How many datagrams are read before others on the event loop get their turn: a flood must not starve timers.
DATAGRAMS_AT_ONCE = 64
# More than the socket's buffer holds.
DATAGRAMS_IN_BUFFER = 8192
DATAGRAM_OCTETS = 65_535

RANDOM_BLOCK_OCTETS = 3072

# How late a deadline may be met, so that one wake-up serves several: waking costs more than what is then due. The
# shortest timer of SIP is ten times as long (T1 of RFC 3261 section 17.1.1.1).
TIMER_SLACK_SECONDS = 0.05


class SystemRandomness:
    """The operating system's randomness, for `Endpoint`; read in blocks, because each reading is a system call."""

    def __init__(self) -> None:
        self._block = b""
        self._at = 0

    def token(self) -> str:
        """96 random bits: enough that no tag, branch or Call-ID can be guessed (RFC 3261 section 19.3)."""
        return self._take(12).hex()

    def fraction(self) -> float:
        """A number from 0 up to, but not including, 1."""
        return (int.from_bytes(self._take(8), "big") >> 11) / (1 << 53)

    def _take(self, octets: int) -> bytes:
        if self._at + octets > len(self._block):
            self._block = secrets.token_bytes(RANDOM_BLOCK_OCTETS)
            self._at = 0
        taken = self._block[self._at : self._at + octets]
        self._at += octets
        return taken


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """How the driver takes and makes connections. TCP is taken at the port for UDP; the rest needs a certificate.

    tls: the contexts of both kinds of connections. tls_peer: what is known of the server at a hop. origins: the web
    pages that may connect; none means all.
    """

    tls: TlsContexts = field(default_factory=TlsContexts)
    tls_peer: Callable[[Hop], TlsPeer] = lambda hop: TlsPeer(name=hop.host)
    tls_port: int | None = None
    wss_port: int | None = None
    origins: tuple[str, ...] = ()


class SipDriver:
    """The sockets, one endpoint, one timer. Make it with `open`; call `pump` after every call into `endpoint`.

    The socket for UDP is read and written here rather than by an asyncio transport, because with ICMP errors switched on a
    send can fail for the sake of an earlier packet and then has to be done again, which a transport does not.
    """

    def __init__(
        self,
        sockets: Sockets,
        make_endpoint: Callable[[Hop, tuple[Hop, ...]], Endpoint],
        on_event: Callable[[Event], None],
        now: Callable[[], float],
        streams: StreamSettings,
        on_registration: Callable[[RegistrarEvent], None],
        on_server: Callable[[ServerEvent], None],
    ) -> None:
        self.local = _bound_hop("UDP", sockets.udp)
        others = {name: _bound_hop(name, sock) for name, sock in sockets.listeners.items()}
        self.endpoint = make_endpoint(self.local, tuple(others.values()))
        self._socket = sockets.udp
        # Not the socket itself is watched by the event loop: libuv, which uvloop is made of, gives up for good on one that
        # has an ICMP error to report, and the server would be deaf.
        self._poll = select.epoll()
        self._poll.register(self._socket, select.EPOLLIN)
        self.streams = Streams(
            self.endpoint,
            host=self.local.host,
            tls=streams.tls,
            tls_peer=streams.tls_peer,
            pump=self.pump,
            now=now,
            origins=streams.origins,
        )
        self._on_event = on_event
        self._on_registration = on_registration
        self._on_server = on_server
        self._now = now
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("inf")
        self._is_pumping = False
        self._is_quiet: asyncio.Event | None = None

    @classmethod
    async def open(
        cls,
        host: str,
        port: int,
        make_endpoint: Callable[[Hop, tuple[Hop, ...]], Endpoint],
        on_event: Callable[[Event], None],
        now: Callable[[], float],
        streams: StreamSettings = StreamSettings(),
        on_registration: Callable[[RegistrarEvent], None] = lambda event: None,
        on_server: Callable[[ServerEvent], None] = lambda event: None,
    ) -> Self:
        """Bind `host`:`port` (0: any free one), and make the endpoint for the addresses that came of it.

        `make_endpoint` gets that of UDP and those of the other transports. Raises ListenError, UnusableCertificate.
        """
        wanted = {"TLS": streams.tls_port, "WSS": streams.wss_port}
        others = {transport: port for transport, port in wanted.items() if port is not None}
        streams.tls.check()
        sockets = Sockets.bind(host, port, others)
        try:
            driver = cls(sockets, make_endpoint, on_event, now, streams, on_registration, on_server)
        except BaseException:
            sockets.close()
            raise
        asyncio.get_running_loop().add_reader(driver._poll, driver._read)
        for transport, listener in sockets.listeners.items():
            driver.streams.listen(listener, transport)
        return driver

    def close(self) -> None:
        """Close the sockets and disarm the timer; what the endpoint still wanted to send is lost."""
        if self._timer is not None:
            self._timer.cancel()
        asyncio.get_running_loop().remove_reader(self._poll)
        self._poll.close()
        self._socket.close()
        self.streams.close()

    def pump(self) -> None:
        """Send what the endpoint wants sent, deliver what it has to say, arm its one deadline."""
        if self._is_pumping:
            return
        self._is_pumping = True
        try:
            while True:
                packets, events = self.endpoint.packets_to_send(), self.endpoint.events()
                registrations, servers = self.endpoint.registrar.events(), self.endpoint.servers.events()
                if not (packets or events or registrations or servers):
                    break
                # News first: what a crash must not forget is written down before the packet that makes it true.
                for event in events:
                    self._tell(self._on_event, event)
                for registration in registrations:
                    self._tell(self._on_registration, registration)
                for server in servers:
                    self._tell(self._on_server, server)
                for packet in packets:
                    self._send(packet)
        finally:
            self._is_pumping = False
        self._arm()
        if self._is_quiet is not None and self.endpoint.counts.unanswered_requests == 0:
            self._is_quiet.set()

    async def quiesce(self, limit_seconds: float) -> None:
        """Wait until every request of ours is answered, but no longer than `limit_seconds`."""
        self._is_quiet = asyncio.Event()
        self.pump()
        try:
            async with asyncio.timeout(limit_seconds):
                await self._is_quiet.wait()
        except TimeoutError:
            log.warning("sip.left_unanswered", requests=self.endpoint.counts.unanswered_requests)

    def _tell(self, tell: Callable[[News], None], news: News) -> None:
        try:
            tell(news)
        except Exception:
            # The packets that belong to other calls must leave all the same.
            log.exception("sip.event_failed", session=getattr(news, "session", None))

    def _read(self) -> None:
        self._receive(DATAGRAMS_AT_ONCE)
        self.pump()

    def _receive(self, most: int) -> None:
        for number in range(most):
            try:
                data, address = self._socket.recvfrom(DATAGRAM_OCTETS)
            except BlockingIOError:
                if number == 0:
                    # Woken for nothing but an error that a sending has met already; it goes when it is read.
                    self._read_errors()
                break
            except OSError:
                self._read_errors()
            else:
                self.endpoint.receive_packet(data, Hop("UDP", address[0], address[1]), self._now())

    def _send(self, packet: Packet) -> None:
        if packet.hop.reliable:
            self.streams.send(packet)
            return
        address = (packet.hop.host, packet.hop.port)
        failure: int | None = None
        # Errors of earlier packets come first; each is told once.
        for _ in range(SEND_ATTEMPTS):
            try:
                self._socket.sendto(packet.data, address)
            except BlockingIOError:
                log.warning("sip.send_buffer_full", to=address)
            except OSError as exc:
                log.debug("sip.send_failed", to=address, error=str(exc))
                self._read_errors()
                failure = exc.errno
                continue
            return
        # ECONNREFUSED is never about the packet at hand: that is lost like any other, and will be repeated.
        if failure in (errno.EHOSTUNREACH, errno.ENETUNREACH):
            self.endpoint.receive_send_failure(packet.hop, self._now())
        elif failure != errno.ECONNREFUSED:
            self.endpoint.receive_packet_failure(packet, self._now())

    def _read_errors(self) -> None:
        """Tell the endpoint whose packets the network could not deliver."""
        while True:
            try:
                _, notes, _, address = self._socket.recvmsg(0, 512, socket.MSG_ERRQUEUE)
            except OSError:
                return
            if any(_is_unreachable(data) for _, kind, data in notes if kind in (IP_RECVERR, IPV6_RECVERR)):
                self.endpoint.receive_send_failure(Hop("UDP", address[0], address[1]), self._now())

    def _arm(self) -> None:
        """Wake up within the slack of the next deadline. An earlier wake-up that is no longer needed does no harm."""
        deadline_at = self.endpoint.next_deadline()
        if deadline_at is None or deadline_at + TIMER_SLACK_SECONDS >= self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = deadline_at + TIMER_SLACK_SECONDS
        delay_seconds = max(0.0, self._timer_at - self._now())
        self._timer = asyncio.get_running_loop().call_later(delay_seconds, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._timer_at = float("inf")
        # Where the server is late, the answer may be here already: nobody is silent whose words were not read.
        self._receive(DATAGRAMS_IN_BUFFER)
        self.endpoint.handle_deadline(self._now())
        self.pump()


def _bound_hop(transport: str, sock: socket.socket) -> Hop:
    host, port = sock.getsockname()[:2]
    return Hop(transport, host, port)


def _is_unreachable(extended_error: bytes) -> bool:
    """Whether the network says that nobody is at the address, rather than that one packet could not pass."""
    error, origin = EXTENDED_ERROR.unpack_from(extended_error)
    return origin in ORIGINS_ICMP and error in UNREACHABLE
