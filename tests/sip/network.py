"""A network of lists for tests: endpoints and scripted peers, loss and delay as plain values, time moved by hand."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ringbridge.sip.endpoint import Endpoint, EndpointSettings, Packet
from ringbridge.sip.event import Event
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Message, Request
from ringbridge.sip.parse import parse_datagram
from ringbridge.sip.timers import Timers

CALLER = Hop("UDP", "192.0.2.1", 5060)
CALLED = Hop("UDP", "192.0.2.2", 5060)
STRANGER = Hop("UDP", "203.0.113.9", 5060)

OFFER = b"v=0\r\noffer\r\n"
ANSWER = b"v=0\r\nanswer\r\n"


class Counter:
    """Randomness that counts: every token is new, and the fraction is what the test says."""

    def __init__(self, name: str, fraction: float = 0.0) -> None:
        self.name = name
        self.value = fraction
        self.drawn = 0

    def token(self) -> str:
        self.drawn += 1
        return f"{self.name}{self.drawn}"

    def fraction(self) -> float:
        return self.value


@dataclass(frozen=True)
class Sent:
    """One packet as it left."""

    at: float
    source: Hop
    packet: Packet
    is_lost: bool

    @property
    def message(self) -> Message:
        return read(self.packet.data)

    @property
    def name(self) -> str:
        """The method, or the status and the method that it answers."""
        return name_of(self.message)


def read(data: bytes) -> Message:
    message = parse_datagram(data)
    assert message is not None
    return message


def name_of(message: Message) -> str:
    if isinstance(message, Request):
        return message.method
    return f"{message.status} {message.cseq.method}"


def make_endpoint(
    local: Hop,
    name: str,
    *,
    peers: Sequence[Hop] = (CALLER, CALLED),
    accepts_invitations: bool = False,
    session_expires_seconds: int = 1800,
    timers: Timers | None = None,
    fraction: float = 0.0,
) -> Endpoint:
    settings = EndpointSettings(
        local=local,
        accepts_invitations=accepts_invitations,
        session_expires_seconds=session_expires_seconds,
        timers=timers or Timers(),
    )
    endpoint = Endpoint(settings, Counter(name, fraction))
    endpoint.set_known_peers([(peer.host, peer.port) for peer in peers])
    return endpoint


class Network:
    """Carries packets between endpoints. Those to an address without an endpoint are only kept."""

    def __init__(
        self, endpoints: dict[Hop, Endpoint], *, lost: Iterable[bool] = (), delay_seconds: float = 0.0
    ) -> None:
        self.endpoints = endpoints
        self.now = 0.0
        self.delay_seconds = delay_seconds
        self.sent: list[Sent] = []
        self.events: dict[Hop, list[Event]] = {hop: [] for hop in endpoints}
        self._lost = iter(lost)
        self._flying: list[tuple[float, int, Packet, Hop]] = []

    def pump(self) -> None:
        """Put what the endpoints want to send on its way, and take down their news."""
        for hop, endpoint in self.endpoints.items():
            for packet in endpoint.packets_to_send():
                is_lost = next(self._lost, False)
                self.sent.append(Sent(self.now, hop, packet, is_lost))
                if not is_lost and packet.hop in self.endpoints:
                    self.put(packet.data, source=hop, to=packet.hop)
            self.events[hop] += endpoint.events()

    def put(self, data: bytes, *, source: Hop, to: Hop) -> None:
        """Put a packet on its way."""
        arrival = self.now + self.delay_seconds
        heapq.heappush(self._flying, (arrival, len(self.sent), Packet(data, to), source))

    def run(self, *, until: float) -> None:
        """Let everything happen, in its order, that is due up to a point in time."""
        self.pump()
        while (due := self._next_due()) is not None and due <= until:
            self.now = due
            if self._flying and self._flying[0][0] <= due:
                _, _, packet, source = heapq.heappop(self._flying)
                self.endpoints[packet.hop].receive_packet(packet.data, source, due)
            else:
                for endpoint in self.endpoints.values():
                    endpoint.handle_deadline(due)
            self.pump()
        self.now = until

    def names(self, source: Hop) -> list[str]:
        """What one side sent, in order."""
        return [sent.name for sent in self.sent if sent.source == source]

    def times(self, source: Hop, name: str) -> list[float]:
        """When one side sent messages of a name."""
        return [sent.at for sent in self.sent if sent.source == source and sent.name == name]

    def last(self, source: Hop, name: str) -> Message:
        """The latest message of a name that one side sent."""
        return [sent.message for sent in self.sent if sent.source == source and sent.name == name][-1]

    def _next_due(self) -> float | None:
        deadlines = [endpoint.next_deadline() for endpoint in self.endpoints.values()]
        times = [deadline for deadline in deadlines if deadline is not None]
        if self._flying:
            times.append(self._flying[0][0])
        return min(times, default=None)
