"""The pump between one UDP socket and one SIP endpoint. Whatever has an `if` about SIP belongs in `ringbridge.sip`."""

import asyncio
import secrets
import socket
from collections.abc import Callable
from typing import Self

import structlog

from ringbridge.sip.endpoint import Endpoint, Packet
from ringbridge.sip.event import Event
from ringbridge.sip.hop import Hop

log = structlog.get_logger()

# The kernel's default holds 92 SIP messages: one stall of 200 ms under load would lose signalling.
RECEIVE_BUFFER_OCTETS = 4 * 1024 * 1024

# Linux: have ICMP errors queued with the address that they are about (ip(7), ipv6(7)). Python does not name the options.
IP_RECVERR, IPV6_RECVERR = 11, 25

# Linux: let the kernel fragment what is longer than the path's MTU. Otherwise one long INVITE behind a VPN would come
# back as an error, and that error would be taken for one of every other INVITE to the same hop.
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, PMTUDISC_DONT = 10, 23, 0

# How many datagrams are read before others on the event loop get their turn: a flood must not starve timers.
DATAGRAMS_AT_ONCE = 64
DATAGRAM_OCTETS = 65_535

RANDOM_BLOCK_OCTETS = 3072


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


class SipDriver:
    """One socket, one endpoint, one timer. Make it with `open`; call `pump` after every call into `endpoint`.

    The socket is read and written here rather than by an asyncio transport, because with ICMP errors switched on a
    send can fail for the sake of an earlier packet and then has to be done again, which a transport does not.
    """

    def __init__(
        self,
        sock: socket.socket,
        make_endpoint: Callable[[Hop], Endpoint],
        on_event: Callable[[Event], None],
        now: Callable[[], float],
    ) -> None:
        host, port = sock.getsockname()[:2]
        self.local = Hop("UDP", host, port)
        self.endpoint = make_endpoint(self.local)
        self._socket = sock
        self._on_event = on_event
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
        make_endpoint: Callable[[Hop], Endpoint],
        on_event: Callable[[Event], None],
        now: Callable[[], float],
    ) -> Self:
        """Bind `host`:`port` (0: any free one) and make the endpoint for the address that came of it. Raises OSError."""
        is_ipv6 = ":" in host
        sock = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            _ask_for_buffer(sock)
            if is_ipv6:
                sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
                sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_DONT)
            else:
                sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
                sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DONT)
            sock.bind((host, port))
            driver = cls(sock, make_endpoint, on_event, now)
        except BaseException:
            sock.close()
            raise
        asyncio.get_running_loop().add_reader(sock, driver._read)
        return driver

    def close(self) -> None:
        """Close the socket and disarm the timer; what the endpoint still wanted to send is lost."""
        if self._timer is not None:
            self._timer.cancel()
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def pump(self) -> None:
        """Send what the endpoint wants sent, deliver what it has to say, arm its one deadline."""
        if self._is_pumping:
            return
        self._is_pumping = True
        try:
            while True:
                packets, events = self.endpoint.packets_to_send(), self.endpoint.events()
                if not packets and not events:
                    break
                # News first: what a crash must not forget is written down before the packet that makes it true.
                for event in events:
                    self._tell(event)
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

    def _tell(self, event: Event) -> None:
        try:
            self._on_event(event)
        except Exception:
            # The packets that belong to other calls must leave all the same.
            log.exception("sip.event_failed", session=event.session)

    def _read(self) -> None:
        for _ in range(DATAGRAMS_AT_ONCE):
            try:
                data, address = self._socket.recvfrom(DATAGRAM_OCTETS)
            except BlockingIOError:
                break
            except OSError:
                self._read_errors()
            else:
                self.endpoint.receive_packet(data, Hop("UDP", address[0], address[1]), self._now())
        self.pump()

    def _send(self, packet: Packet) -> None:
        address = (packet.hop.host, packet.hop.port)
        # The first error may be about an earlier packet; a second one is about this one.
        for _ in range(2):
            try:
                self._socket.sendto(packet.data, address)
            except BlockingIOError:
                log.warning("sip.send_buffer_full", to=address)
            except OSError as exc:
                log.debug("sip.send_failed", to=address, error=str(exc))
                self._read_errors()
                continue
            return
        self.endpoint.receive_send_failure(packet.hop, self._now())

    def _read_errors(self) -> None:
        """Tell the endpoint whose packets the network could not deliver."""
        while True:
            try:
                _, _, _, address = self._socket.recvmsg(0, 512, socket.MSG_ERRQUEUE)
            except OSError:
                return
            self.endpoint.receive_send_failure(Hop("UDP", address[0], address[1]), self._now())

    def _arm(self) -> None:
        """Wake up no later than the next deadline. An earlier wake-up that is no longer needed does no harm."""
        deadline_at = self.endpoint.next_deadline()
        if deadline_at is None or deadline_at >= self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = deadline_at
        delay_seconds = max(0.0, deadline_at - self._now())
        self._timer = asyncio.get_running_loop().call_later(delay_seconds, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._timer_at = float("inf")
        self.endpoint.handle_deadline(self._now())
        self.pump()


def _ask_for_buffer(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_OCTETS)
    # The kernel doubles what it grants, and cuts without a word what exceeds net.core.rmem_max.
    granted = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
    if granted < RECEIVE_BUFFER_OCTETS:
        advice = f"sysctl -w net.core.rmem_max={RECEIVE_BUFFER_OCTETS}"
        log.warning("sip.receive_buffer_small", octets=granted, advice=advice)
