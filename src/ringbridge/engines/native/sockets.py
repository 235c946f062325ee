"""The sockets that SIP listens on: UDP and TCP at one port, TLS and secure WebSockets at ports of their own."""

import socket
from collections.abc import Mapping
from typing import NamedTuple, Self

import structlog

log = structlog.get_logger()

# The kernel's default holds 92 SIP messages: one stall of 200 ms under load would lose signalling.
RECEIVE_BUFFER_OCTETS = 4 * 1024 * 1024

# Linux: have ICMP errors queued with the address that they are about (ip(7), ipv6(7)). Python does not name the options.
IP_RECVERR, IPV6_RECVERR = 11, 25

# Linux: let the kernel fragment what is longer than the path's MTU. Otherwise one long INVITE behind a VPN would come
# back as an error, and that error would be taken for one of every other INVITE to the same hop.
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, PMTUDISC_DONT = 10, 23, 0

# How often another port is looked for that is free for UDP and TCP alike.
FREE_PORT_TRIES = 20


class ListenError(OSError):
    """A socket cannot be bound; `transport` and `port` say which."""

    def __init__(self, error: OSError, transport: str, port: int) -> None:
        super().__init__(error.errno, error.strerror)
        self.transport = transport
        self.port = port


class Sockets(NamedTuple):
    """Bound sockets. `listeners` are for connections, by transport; they do not listen yet."""

    udp: socket.socket
    listeners: Mapping[str, socket.socket]

    @classmethod
    def bind(cls, host: str, port: int, others: Mapping[str, int]) -> Self:
        """Bind UDP and TCP to `port` (0: one that is free for both), and others to theirs. Raises ListenError."""
        udp, tcp = _bind_pair(host, port)
        listeners = {"TCP": tcp}
        try:
            for transport, other_port in others.items():
                listeners[transport] = _bind_tcp(host, other_port, transport)
        except BaseException:
            cls(udp, listeners).close()
            raise
        return cls(udp, listeners)

    def close(self) -> None:
        """Close them all."""
        self.udp.close()
        for listener in self.listeners.values():
            listener.close()


def _bind_pair(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    for tries_left in reversed(range(1 if port else FREE_PORT_TRIES)):
        udp = _bind_udp(host, port)
        try:
            return udp, _bind_tcp(host, udp.getsockname()[1], "TCP")
        except ListenError:
            udp.close()
            if not tries_left:
                raise
    raise AssertionError("the last try returns or raises")


def _bind_udp(host: str, port: int) -> socket.socket:
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
    except OSError as exc:
        sock.close()
        raise ListenError(exc, "UDP", port) from exc
    return sock


def _bind_tcp(host: str, port: int, transport: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        # A server that starts again must not wait for the remains of its last connections.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError as exc:
        sock.close()
        raise ListenError(exc, transport, port) from exc
    return sock


def _ask_for_buffer(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_OCTETS)
    # The kernel doubles what it grants, and cuts without a word what exceeds net.core.rmem_max.
    granted = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
    if granted < RECEIVE_BUFFER_OCTETS:
        advice = f"sysctl -w net.core.rmem_max={RECEIVE_BUFFER_OCTETS}"
        log.warning("sip.receive_buffer_small", octets=granted, advice=advice)
