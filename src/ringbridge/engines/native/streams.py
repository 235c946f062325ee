"""Every connection over which SIP comes and goes: TCP, TLS and secure WebSockets. What is said over them is not known here.

There is one connection for each hop, used by both sides for whatever they have to say (RFC 5923). One that breaks is
made anew when there is something to send.
"""

import asyncio
import errno
import resource
import socket
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from ringbridge.engines.native.connection import Connection
from ringbridge.engines.native.tls import TlsContexts, TlsPeer, UnusableCertificate, reason_of
from ringbridge.engines.native.websocket import WebSocketFraming
from ringbridge.sip import framing
from ringbridge.sip.endpoint import Endpoint, Packet
from ringbridge.sip.hop import Hop

log = structlog.get_logger()

CONNECT_SECONDS = 2.0
HANDSHAKE_SECONDS = 5.0
FIRST_MESSAGE_SECONDS = 30.0
"""Who has said nothing of use by then is disconnected."""
IDLE_SECONDS = 600.0
PING_SECONDS = 30.0
"""NATs and firewalls forget a connection over which nothing goes: the shortest of them after a minute or two."""
SWEEP_SECONDS = 5.0
UNACKNOWLEDGED_SECONDS = 1.5
"""A dead connection that we could make anew is given up then (RFC 5482): a BYE must not wait for minutes."""
MAX_CONNECTIONS = 8192
MAX_CONNECTIONS_PER_HOST = 256
ACCEPTS_AT_ONCE = 64
ACCEPT_RETRY_SECONDS = 1.0

TLS_TRANSPORTS = ("TLS", "WSS")


class Streams:
    """The connections of one endpoint.

    host: our address, which connections are made from. tls_peer: what is known of the server at a hop. pump: sends and
    tells what the endpoint has to. now: monotonic seconds. origins: the web pages that may connect; none means all.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        host: str,
        tls: TlsContexts,
        tls_peer: Callable[[Hop], TlsPeer],
        pump: Callable[[], None],
        now: Callable[[], float],
        origins: tuple[str, ...] = (),
    ) -> None:
        self.pump = pump
        self.now = now
        self._endpoint = endpoint
        self._host = host
        self._tls = tls
        self._tls_peer = tls_peer
        self._origins = origins
        # The one to send by for each hop, and all of them, those that are closing included.
        self._connections: dict[Hop, Connection] = {}
        self._all: set[Connection] = set()
        self._per_host: Counter[str] = Counter()
        # Half of the files that this process may open: the other half is for calls and the database.
        self._most = min(MAX_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
        self._refused = 0
        self._listeners: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)

    def __len__(self) -> int:
        """How many connections there are, those in the making included."""
        return len(self._all)

    def listen(self, listener: socket.socket, transport: str) -> None:
        """Take connections from a bound socket from now on."""
        listener.listen(ACCEPTS_AT_ONCE)
        self._listeners.append(listener)
        asyncio.get_running_loop().add_reader(listener, self._accept, listener, transport)

    def close(self) -> None:
        """Close every connection and listener; what was not yet sent is lost."""
        self._is_closed = True
        self._sweeper.cancel()
        for listener in self._listeners:
            asyncio.get_running_loop().remove_reader(listener)
            listener.close()
        for task in self._tasks:
            task.cancel()
        for connection in tuple(self._all):
            connection.abort()

    def send(self, packet: Packet) -> None:
        """Send a message over the connection with its hop, which is made if there is none."""
        connection = self._open_connection(packet.hop)
        if connection is None:
            hop = packet.otherwise or packet.hop
            connection = self._open_connection(hop) or self._connect(hop)
        connection.send(packet.data)

    # For the connections

    def receive(self, connection: Connection, message: bytes) -> None:
        """See `Keeper`."""
        if self._endpoint.receive_packet(message, connection.hop, self.now()):
            connection.is_trusted = True

    def lose(self, connection: Connection, error: Exception | None) -> None:
        """See `Keeper`."""
        if error is not None:
            log.info("sip.connection_lost", **_named(connection.hop), error=reason_of(error))
        self._forget(connection)
        if not self._is_closed:
            self._endpoint.receive_connection_loss(connection.hop, self.now())
            self.pump()

    # Connections that we make

    def _open_connection(self, hop: Hop) -> Connection | None:
        connection = self._connections.get(hop)
        return connection if connection is not None and connection.is_open else None

    def _connect(self, hop: Hop) -> Connection:
        connection = Connection(hop, framing.Framing(), self, is_outbound=True)
        self._remember(connection)
        self._start(self._make(connection))
        return connection

    async def _make(self, connection: Connection) -> None:
        hop = connection.hop
        try:
            if hop.transport not in ("TCP", "TLS"):
                # RFC 7118: browsers connect to us, never we to them.
                raise ConnectionRefusedError(errno.ECONNREFUSED, "the browser is gone")
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._connect_to(hop, connection)
        except (OSError, ValueError, UnusableCertificate) as exc:
            log.warning("sip.connection_failed", **_named(hop), error=reason_of(exc))
            connection.abort()
            self._forget(connection)
            self._endpoint.receive_send_failure(hop, self.now())
            self.pump()

    async def _connect_to(self, hop: Hop, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        peer = self._tls_peer(hop) if hop.transport == "TLS" else None
        context = None if peer is None else self._tls.for_server(peer)
        sock = socket.socket(socket.AF_INET6 if ":" in hop.host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * UNACKNOWLEDGED_SECONDS))
            sock.bind((self._host, 0))
            await loop.sock_connect(sock, (hop.host, hop.port))
        except BaseException:
            sock.close()
            raise
        await loop.create_connection(
            lambda: connection,
            sock=sock,
            ssl=context,
            server_hostname=None if peer is None else peer.name,
            ssl_handshake_timeout=None if peer is None else CONNECT_SECONDS,
        )

    # Connections that others make

    def _accept(self, listener: socket.socket, transport: str) -> None:
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                sock, address = listener.accept()
            except BlockingIOError:
                return
            except OSError as exc:
                # No file is left for it, or its maker has gone again: look again when somebody may have closed one.
                log.warning("sip.accept_failed", error=reason_of(exc))
                self._rest(listener, transport)
                return
            hop = Hop(transport, address[0], address[1])
            if len(self._all) >= self._most or self._per_host[hop.host] >= MAX_CONNECTIONS_PER_HOST:
                self._refused += 1
                sock.close()
                continue
            is_web = transport == "WSS"
            framing_ = WebSocketFraming(self._origins) if is_web else framing.Framing()
            connection = Connection(hop, framing_, self, is_outbound=False)
            self._remember(connection)
            self._start(self._welcome(sock, connection))

    def _rest(self, listener: socket.socket, transport: str) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(listener)

        def resume() -> None:
            if not self._is_closed:
                loop.add_reader(listener, self._accept, listener, transport)

        loop.call_later(ACCEPT_RETRY_SECONDS, resume)

    async def _welcome(self, sock: socket.socket, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # We cannot connect to a phone behind a NAT, so that its connection gets more patience; a dead one goes.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
            is_encrypted = connection.hop.transport in TLS_TRANSPORTS
            await loop.connect_accepted_socket(
                lambda: connection,
                sock,
                ssl=self._tls.for_clients() if is_encrypted else None,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if is_encrypted else None,
            )
        except (OSError, UnusableCertificate) as exc:
            log.info("sip.connection_not_made", **_named(connection.hop), error=reason_of(exc))
            sock.close()
            self._forget(connection)

    # What is kept, and for how long

    def _remember(self, connection: Connection) -> None:
        self._all.add(connection)
        self._connections[connection.hop] = connection
        self._per_host[connection.hop.host] += 1

    def _forget(self, connection: Connection) -> None:
        if connection in self._all:
            self._all.remove(connection)
            self._per_host[connection.hop.host] -= 1
            if not self._per_host[connection.hop.host]:
                del self._per_host[connection.hop.host]
        if self._connections.get(connection.hop) is connection:
            del self._connections[connection.hop]

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _sweep(self) -> None:
        """Close what is of no use, and keep the rest alive."""
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)
        if self._refused:
            log.warning("sip.connections_refused", refused=self._refused, connections=len(self._all))
            self._refused = 0
        now = self.now()
        for connection in tuple(self._all):
            if not connection.is_outbound and not connection.is_trusted:
                if now - connection.made_at > FIRST_MESSAGE_SECONDS:
                    connection.abort()
            elif now - connection.used_at > IDLE_SECONDS and not self._endpoint.needs(connection.hop):
                connection.close()
            elif connection.is_outbound and now - connection.written_at > PING_SECONDS:
                connection.ping()


def _named(hop: Hop) -> dict[str, object]:
    """A hop as log fields."""
    return {"transport": hop.transport, "host": hop.host, "port": hop.port}
